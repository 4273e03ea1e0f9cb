#pragma once
// Shapes, strides and axes: short lists of 64-bit integers, kept inline up to rank 4.

#include <concepts>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <iosfwd>
#include <span>
#include <string>
#include <vector>

#include "scangrad/export.h"

namespace scangrad::inline v0 {

/// A list of integers with a fixed length, as sizes of axes (Shape) or steps between elements (Strides).
class Dims {
 public:
  Dims() noexcept : size_(0) {}
  /// The values, in order.
  /// @{
  Dims(std::initializer_list<std::int64_t> values) : Dims(std::span<const std::int64_t>(values.begin(), values.size())) {}
  explicit Dims(std::span<const std::int64_t> values) : size_(values.size()) {
    std::int64_t* to = allocate();
    for (std::int64_t value : values) *to++ = value;
  }
  Dims(const std::vector<std::int64_t>& values) : Dims(std::span<const std::int64_t>(values)) {}
  /// @}
  /// `fill`, `size` times.
  Dims(std::size_t size, std::int64_t fill) : size_(size) {
    std::int64_t* to = allocate();
    for (std::size_t i = 0; i < size; ++i) to[i] = fill;
  }
  /// @cond
  template <std::integral T>
  Dims(T) : size_(0) {
    static_assert(sizeof(T) == 0, "a shape is written in braces, as in {3} or {2, 3}");
  }
  Dims(const Dims& other) : size_(other.size_) {
    if (on_heap()) [[unlikely]] {
      heap_ = new std::int64_t[size_];
      std::memcpy(heap_, other.heap_, size_ * sizeof(std::int64_t));
    } else {
      std::memcpy(inline_, other.inline_, sizeof inline_);
    }
  }
  Dims(Dims&& other) noexcept { steal(other); }
  Dims& operator=(const Dims& other) {
    if (this != &other) *this = Dims(other);
    return *this;
  }
  Dims& operator=(Dims&& other) noexcept {
    if (this != &other) {
      release();
      steal(other);
    }
    return *this;
  }
  ~Dims() { release(); }
  /// @endcond

  /// As of a standard container.
  /// @{
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  std::int64_t* begin() noexcept { return on_heap() ? heap_ : inline_; }
  std::int64_t* end() noexcept { return begin() + size_; }
  const std::int64_t* begin() const noexcept { return on_heap() ? heap_ : inline_; }
  const std::int64_t* end() const noexcept { return begin() + size_; }
  std::int64_t& operator[](std::size_t i) noexcept { return begin()[i]; }
  std::int64_t operator[](std::size_t i) const noexcept { return begin()[i]; }
  std::int64_t& back() noexcept { return begin()[size_ - 1]; }
  std::int64_t back() const noexcept { return begin()[size_ - 1]; }

  /// @}

  /// Of equal length and values.
  friend bool operator==(const Dims& a, const Dims& b) noexcept {
    if (a.size_ != b.size_) return false;
    for (std::size_t i = 0; i < a.size_; ++i)
      if (a[i] != b[i]) return false;
    return true;
  }

 private:
  static constexpr std::size_t inline_capacity = 4;
  std::int64_t* allocate() { return on_heap() ? heap_ = new std::int64_t[size_] : inline_; }
  bool on_heap() const noexcept { return size_ > inline_capacity; }
  void release() noexcept {
    if (on_heap()) delete[] heap_;
  }
  void steal(Dims& other) noexcept {
    size_ = other.size_;
    if (on_heap()) heap_ = other.heap_;
    else std::memcpy(inline_, other.inline_, sizeof inline_);
    other.size_ = 0;
  }

  std::size_t size_;
  union {
    std::int64_t inline_[inline_capacity] = {};
    std::int64_t* heap_;
  };
};

using Shape = Dims;    ///< the size of each axis
using Strides = Dims;  ///< elements from one to the next along each axis

/// As Python prints a tuple: "()", "(3,)", "(2, 5)".
SCANGRAD_API std::string to_string(const Shape& shape);
SCANGRAD_API std::ostream& operator<<(std::ostream& stream, const Shape& shape);  ///< prints as to_string

/// The axes an operation works along: one (`1`), several (`{0, 2}`), or all of them. Negative axes count from the end.
class Axes {
 public:
  Axes() = default;  ///< all axes
  /// The axes named.
  /// @{
  Axes(int axis) : list_{axis}, all_(false) {}
  Axes(std::initializer_list<int> axes) : list_(axes.size(), 0), all_(false) {
    std::size_t i = 0;
    for (int axis : axes) list_[i++] = axis;
  }
  Axes(const std::vector<int>& axes) : list_(axes.size(), 0), all_(false) {
    for (std::size_t i = 0; i < axes.size(); ++i) list_[i] = axes[i];
  }

  /// @}

  bool all() const noexcept { return all_; }           ///< all axes, whichever there are
  const Dims& list() const noexcept { return list_; }  ///< the axes named, as they were given

 private:
  Dims list_;
  bool all_ = true;
};

}  // namespace scangrad::inline v0
