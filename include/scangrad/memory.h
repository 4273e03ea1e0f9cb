#pragma once
// The buffers of the CPU: 64-byte aligned, and kept after use in a cache by size, since the first touch of a fresh page costs
// more than most kernels. All figures are bytes as requested, without rounding or headers.

#include <cstdint>

#include "scangrad/export.h"

namespace scangrad::inline v0::memory {

SCANGRAD_API std::int64_t active() noexcept;  ///< in use by tensors and running kernels
SCANGRAD_API std::int64_t peak() noexcept;    ///< the highest active() since the start or reset_peak()
SCANGRAD_API std::int64_t cached() noexcept;  ///< freed, and kept for the next request

/// peak() starts again from active().
SCANGRAD_API void reset_peak() noexcept;
/// Keep freed buffers of at most `bytes`, headers and rounding counted (default 1 GiB); returns the limit before. A lower limit
/// than before empties the cache.
SCANGRAD_API std::int64_t set_cache_limit(std::int64_t bytes) noexcept;
/// Gives all cached buffers back to the system.
SCANGRAD_API void clear_cache() noexcept;

}  // namespace scangrad::inline v0::memory
