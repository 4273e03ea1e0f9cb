#include "core/kernel_table.h"

#include <mutex>

#include "core/error.h"

namespace scangrad::inline v0::core {
namespace {

struct Serial final : ThreadPool {
  void run(std::int64_t n, std::int64_t, Body body, const void* state) override { body(state, 0, n); }
  int size() const noexcept override { return 1; }
};

// Open addressing over type_info addresses: entries are only added, so readers take no lock.
struct Table {
  static constexpr std::size_t capacity = 2048;
  struct Entry {
    std::atomic<const std::type_info*> key{nullptr};
    std::atomic<Kernel> kernel{nullptr};
  };
  Entry entries[capacity];
  std::size_t used = 0;
  std::mutex writing;

  static std::size_t home(const std::type_info& key) noexcept { return reinterpret_cast<std::uintptr_t>(&key) / 16 % capacity; }

  Kernel find(const std::type_info& key) const noexcept {
    for (std::size_t i = home(key);; i = (i + 1) % capacity) {
      const std::type_info* here = entries[i].key.load(std::memory_order_acquire);
      if (here == &key) return entries[i].kernel.load(std::memory_order_acquire);
      if (here == nullptr) break;
    }
    for (const Entry& entry : entries) {  // the same type may have a second type_info in another shared library
      const std::type_info* here = entry.key.load(std::memory_order_acquire);
      if (here != nullptr && *here == key) return entry.kernel.load(std::memory_order_acquire);
    }
    return nullptr;
  }

  void add(const std::type_info& key, Kernel kernel) {
    const std::lock_guard lock(writing);
    std::size_t i = home(key);
    while (entries[i].key.load() != nullptr && entries[i].key.load() != &key) i = (i + 1) % capacity;
    check(used < capacity / 2, "the kernel table is full: it holds {} primitives", used);
    if (entries[i].key.load() == nullptr) ++used;
    entries[i].kernel.store(kernel, std::memory_order_release);
    entries[i].key.store(&key, std::memory_order_release);
  }
};

Table tables[device_type_count];
Serial serial;
ThreadPool* pools[device_type_count] = {&serial, &serial};

}  // namespace

void add_kernel(DeviceType device, const std::type_info& primitive, Kernel kernel) {
  tables[static_cast<int>(device)].add(primitive, kernel);
}

Kernel find_kernel(const Primitive& primitive, Device device) {
  static const bool registered = (register_backends(), true);
  (void)registered;
  const Kernel kernel = tables[static_cast<int>(device.type)].find(typeid(primitive));
  if (kernel == nullptr) [[unlikely]]
    fail("{} has no kernel on {}; register one with add_kernel", primitive.name(), device);
  return kernel;
}

void set_thread_pool(DeviceType device, ThreadPool& pool) { pools[static_cast<int>(device)] = &pool; }
ThreadPool& thread_pool(DeviceType device) { return *pools[static_cast<int>(device)]; }

}  // namespace scangrad::inline v0::core
