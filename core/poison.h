#pragma once
// For AddressSanitizer, which cannot know that memory in a cache is free, or that a block is longer than what was asked for.

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define SCANGRAD_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SCANGRAD_ADDRESS_SANITIZER 1
#endif
#endif
#ifdef SCANGRAD_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#endif

namespace scangrad::inline v0::core {

#ifdef SCANGRAD_ADDRESS_SANITIZER
inline constexpr bool address_sanitizer = true;
inline void forbid(const void* memory, std::size_t bytes) noexcept { ASAN_POISON_MEMORY_REGION(memory, bytes); }
inline void permit(const void* memory, std::size_t bytes) noexcept { ASAN_UNPOISON_MEMORY_REGION(memory, bytes); }
#else
inline constexpr bool address_sanitizer = false;
inline void forbid(const void*, std::size_t) noexcept {}
inline void permit(const void*, std::size_t) noexcept {}
#endif

}  // namespace scangrad::inline v0::core
