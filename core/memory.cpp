// The size-classed cache. A block is a Storage header and its data; freed blocks wait in one list a size class (four classes
// an octave, so at most a quarter is wasted), linked through their own bytes: giving back never allocates, never throws.
// Large blocks ask for huge pages: the first touch of 4 KiB pages takes five times as long as a scan of what is in them. And arrays
// begin at different places of a page: where they begin alike, scans down columns take up to half as long again.

#include "scangrad/memory.h"

#include <algorithm>
#include <array>
#include <bit>
#include <mutex>

#include "core/poison.h"
#include "core/storage.h"

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace scangrad::inline v0 {
namespace core {
namespace {

constexpr std::size_t alignment = 64;
constexpr std::size_t header = (sizeof(Storage) + alignment - 1) / alignment * alignment;
constexpr std::size_t page = 4096, staggered = 16 * page;  ///< bytes of arrays that begin at different places of a page
constexpr int class_count = 256;

struct SizeClass {
  int index;
  std::size_t bytes;
};

// Classes 2^k (4 + q) / 4 for q = 0..3, from 64 bytes on.
SizeClass size_class(std::size_t bytes) noexcept {
  if (bytes <= alignment) return {0, alignment};
  const int octave = static_cast<int>(std::bit_width(bytes - 1)) - 1;  // 2^octave < bytes <= 2^(octave + 1)
  const std::size_t step = std::size_t{1} << (octave - 2);
  const std::size_t quarters = (bytes - (std::size_t{1} << octave) + step - 1) / step;  // 1..4
  return {(octave - 6) * 4 + static_cast<int>(quarters), (std::size_t{1} << octave) + quarters * step};
}

constexpr std::size_t huge_page = std::size_t{2} << 20;

bool is_large(int index) noexcept { return index >= size_class(2 * huge_page).index; }
std::align_val_t alignment_of(int index) noexcept { return std::align_val_t{is_large(index) ? huge_page : alignment}; }

/// Null where there is no memory.
void* fresh_block(SizeClass size) noexcept {
  void* block = ::operator new (size.bytes, alignment_of(size.index), std::nothrow);
#ifdef MADV_HUGEPAGE
  if (block != nullptr && is_large(size.index)) madvise(block, size.bytes / huge_page * huge_page, MADV_HUGEPAGE);
#endif
  return block;
}
void delete_block(void* block, int index) noexcept { ::operator delete (block, alignment_of(index)); }

struct FreeBlock {
  FreeBlock* next;
  std::int64_t requested;
};

/// A sum that is changed under a lock alone, so that it takes no atomic addition, and read without.
struct Total {
  std::atomic<std::int64_t> value{0};
  void add(std::int64_t bytes) noexcept {
    value.store(value.load(std::memory_order_relaxed) + bytes, std::memory_order_relaxed);
  }
};

struct Cache {
  std::mutex mutex;
  std::array<FreeBlock*, class_count> lists{};
  std::atomic<std::int64_t> active{0}, peak{0};
  Total cached;
  std::int64_t held = 0;  ///< what `cached` takes with headers and rounding; the limit is on this
  std::atomic<std::int64_t> limit{std::int64_t{1} << 30};
};

Cache& cache() noexcept {
  static Cache* const instance = new Cache;  // never destroyed: tensors may outlive every static
  return *instance;
}

void* take(SizeClass wanted) noexcept {
  Cache& c = cache();
  const std::lock_guard lock(c.mutex);
  FreeBlock* block = c.lists[static_cast<std::size_t>(wanted.index)];
  if (block == nullptr) return nullptr;
  c.lists[static_cast<std::size_t>(wanted.index)] = block->next;
  c.cached.add(-block->requested);
  c.held -= static_cast<std::int64_t>(wanted.bytes);
  return block;
}

void give_back(void* memory, std::int64_t requested, SizeClass size) noexcept {
  Cache& c = cache();
  {
    const std::lock_guard lock(c.mutex);
    const auto bytes = static_cast<std::int64_t>(size.bytes);
    if (c.held + bytes <= c.limit.load(std::memory_order_relaxed)) {
      c.held += bytes;
      FreeBlock*& list = c.lists[static_cast<std::size_t>(size.index)];
      list = new (memory) FreeBlock{list, requested};
      forbid(list + 1, size.bytes - sizeof(FreeBlock));
      c.cached.add(requested);
      return;
    }
  }
  delete_block(memory, size.index);
}

void count_active(std::int64_t bytes) noexcept {
  Cache& c = cache();
  const std::int64_t now = c.active.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  std::int64_t peak = c.peak.load(std::memory_order_relaxed);
  while (now > peak && !c.peak.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {}
}

void* allocate_block(SizeClass size) {
  void* block = take(size);
  if (block == nullptr) block = fresh_block(size);
  if (block == nullptr) memory::clear_cache(), block = fresh_block(size);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

std::size_t block_bytes(std::int64_t bytes) noexcept {
  const auto size = static_cast<std::size_t>(bytes);
  return header + (size < staggered ? 0 : page) + size;
}
/// Less than a page; far from that of the arrays before.
std::size_t stagger(std::int64_t bytes) noexcept {
  if (static_cast<std::size_t>(bytes) < staggered) return 0;
  static constinit std::atomic<std::uint32_t> arrays{0};
  constexpr std::uint32_t places = page / alignment, step = 25;  // the golden section of 64: no two of 13 in turn are nearer than 3 lines
  return arrays.fetch_add(1, std::memory_order_relaxed) * step % places * alignment;
}

}  // namespace

Ref<Storage> Storage::allocate(std::int64_t bytes) {
  if (bytes < 0 || bytes > (std::int64_t{1} << 62)) throw std::bad_alloc();
  const SizeClass size = size_class(block_bytes(bytes));
  void* block = allocate_block(size);
  std::byte* const room = static_cast<std::byte*>(block) + header;
  permit(block, header);
  forbid(room, size.bytes - header);
  auto* storage = new (block) Storage;
  storage->bytes = bytes;
  storage->data = room + stagger(bytes);
  permit(storage->data, static_cast<std::size_t>(bytes));
  count_active(bytes);
  return Ref<Storage>(storage);
}

Ref<Storage> Storage::borrow(std::shared_ptr<const void> owner, std::int64_t bytes) {
  auto* storage = new Storage;
  storage->borrowed = true;
  storage->bytes = bytes;
  storage->data = const_cast<std::byte*>(static_cast<const std::byte*>(owner.get()));
  storage->owner = std::move(owner);
  return Ref<Storage>(storage);
}

void Storage::release() const noexcept {
  if (borrowed) {
    delete this;
    return;
  }
  const std::int64_t requested = bytes;
  void* block = const_cast<Storage*>(this);
  this->~Storage();
  count_active(-requested);
  give_back(block, requested, size_class(block_bytes(requested)));
}

}  // namespace core

namespace memory {

std::int64_t active() noexcept { return core::cache().active.load(std::memory_order_relaxed); }
std::int64_t peak() noexcept { return core::cache().peak.load(std::memory_order_relaxed); }
std::int64_t cached() noexcept { return core::cache().cached.value.load(std::memory_order_relaxed); }
void reset_peak() noexcept { core::cache().peak.store(active(), std::memory_order_relaxed); }

std::int64_t set_cache_limit(std::int64_t bytes) noexcept {
  core::Cache& c = core::cache();
  const std::int64_t before = c.limit.exchange(std::max<std::int64_t>(bytes, 0));
  if (bytes < before) clear_cache();
  return before;
}

void clear_cache() noexcept {
  core::Cache& c = core::cache();
  const std::lock_guard lock(c.mutex);
  c.held = 0;
  for (int index = 0; index < core::class_count; ++index) {
    core::FreeBlock*& list = c.lists[static_cast<std::size_t>(index)];
    while (list != nullptr) {
      core::FreeBlock* block = std::exchange(list, list->next);
      c.cached.add(-block->requested);
      core::delete_block(block, index);
    }
  }
}

}  // namespace memory
}  // namespace scangrad::inline v0
