#pragma once
// Storage: reference-counted bytes, ours (from the size-classed cache, 64-byte aligned) or borrowed from the user.

#include <memory>

#include "core/ref.h"

namespace scangrad::inline v0::core {

struct Storage {
  mutable std::atomic<std::uint32_t> references{0};
  std::atomic<bool> exported{false};  ///< the user may hold a pointer into it: never written again
  bool borrowed = false;
  std::int64_t bytes = 0;
  std::byte* data = nullptr;
  std::shared_ptr<const void> owner;  ///< of borrowed memory

  /// Throws std::bad_alloc, after emptying the cache and trying again.
  static Ref<Storage> allocate(std::int64_t bytes);
  /// Read-only use of the owner's memory.
  static Ref<Storage> borrow(std::shared_ptr<const void> owner, std::int64_t bytes);

  bool writable() const noexcept { return !borrowed && !exported.load(std::memory_order_relaxed); }
  void release() const noexcept;
};

}  // namespace scangrad::inline v0::core
