#pragma once
// What a kernel runs in: its device and stream, where it gets outputs and scratch from, and the threads it may use.
// A kernel takes its outputs and its scratch before its first write, so that a failed allocation changes nothing.

#include <initializer_list>

#include "core/array.h"
#include "scangrad/device.h"

namespace scangrad::inline v0::core {

/// Runs body(begin, end) over pieces of [0, n), on any threads, in any order; returns when all are done.
class ThreadPool {
 public:
  using Body = void (*)(const void* state, std::int64_t begin, std::int64_t end);
  virtual ~ThreadPool() = default;
  virtual void run(std::int64_t n, std::int64_t pieces, Body body, const void* state) = 0;
  virtual int size() const noexcept = 0;
};

using Inputs = std::span<const Array* const>;
using Outputs = std::span<Array>;

class Context {
 public:
  Context(Device device, ThreadPool& pool, Inputs inputs, std::span<const bool> reusable) noexcept
      : device_(device), pool_(pool), inputs_(inputs), reusable_(reusable) {}

  Device device() const noexcept { return device_; }
  void* stream() const noexcept { return stream_; }  ///< CUDA: a cudaStream_t
  ThreadPool& pool() const noexcept { return pool_; }

  /// A row-major output on fresh storage.
  void allocate(Array& out) const { out.allocate(); }

  /// A row-major output, on the storage of an input that nobody else will read (donation) where one fits: same item size,
  /// same shape, row-major, and not the small rest of a large buffer. Right for kernels that read element i of an input only before they write element i.
  void allocate_or_reuse(Array& out) const {
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const Array& in = *inputs_[i];
      if (reusable_[i] && in.dense && in.shape() == out.shape() && item_size(in.dtype()) == item_size(out.dtype()) &&
          in.storage->bytes <= 2 * out.size() * static_cast<std::int64_t>(item_size(out.dtype()))) {
        out.view(in, dense_strides(out.shape()), in.offset);
        return;
      }
    }
    out.allocate();
  }

  /// Uninitialised memory for the length of the call.
  template <class T>
  class Scratch {
   public:
    explicit Scratch(std::int64_t n) : storage_(Storage::allocate(n * static_cast<std::int64_t>(sizeof(T)))) {}
    T* data() const noexcept { return reinterpret_cast<T*>(storage_->data); }

   private:
    Ref<Storage> storage_;
  };
  template <class T>
  Scratch<T> scratch(std::int64_t n) const {
    return Scratch<T>(n);
  }

  /// body(begin, end) over [0, n) in pieces of at least `grain`, on the pool's threads.
  template <class F>
  void parallel_for(std::int64_t n, std::int64_t grain, const F& body) const {
    const std::int64_t pieces = n / (grain < 1 ? 1 : grain);
    if (pieces <= 1 || pool_.size() <= 1) {
      if (n > 0) body(std::int64_t{0}, n);
      return;
    }
    pool_.run(
        n, pieces, [](const void* state, std::int64_t b, std::int64_t e) { (*static_cast<const F*>(state))(b, e); }, &body);
  }

 private:
  Device device_;
  void* stream_ = nullptr;
  ThreadPool& pool_;
  Inputs inputs_;
  std::span<const bool> reusable_;
};

}  // namespace scangrad::inline v0::core
