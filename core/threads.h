#pragma once
// The number of threads, for backends.

namespace scangrad::inline v0::core {

inline constexpr int max_threads = 1024;

/// As num_threads(): throws if the environment asks for nonsense.
int thread_count();

}  // namespace scangrad::inline v0::core
