#pragma once
// Tensor: an immutable handle on a node of a lazy graph. Operations make nodes; reading a value evaluates what it needs.
//
//   sg::Tensor x = {1.0, 2.0, 3.0};                 // float64, shape (3,)
//   sg::Tensor y = sg::cumsum(x * 2.0);             // nothing is computed yet
//   std::vector<double> v = y.to_vector<double>();  // now it is
//
// Copying a Tensor copies the handle. A default Tensor is empty, and using it throws.

#include <atomic>
#include <iosfwd>
#include <memory>
#include <string>
#include <utility>

#include "scangrad/device.h"
#include "scangrad/dtype.h"
#include "scangrad/error.h"
#include "scangrad/shape.h"

namespace scangrad::inline v0 {

class Tensor;

namespace detail {

/// What the header knows of a graph node: its reference count.
struct NodeHead {
  std::atomic<std::uint32_t> references{0};
};
SCANGRAD_API void destroy(NodeHead* node) noexcept;

struct Access;

/// A number, or a nested list of numbers, between braces.
class Literal {
 public:
  template <Number T>
  Literal(T value) : kind_(weak_kind_of<T>), single_(std::same_as<T, float> || std::same_as<T, std::complex<float>>) {
    if constexpr (std::is_integral_v<T>) {
      integer_ = static_cast<std::int64_t>(value);
      above_int64_ = value > T{} && integer_ < 0;
      if (above_int64_) real_ = static_cast<double>(value);
    } else if constexpr (std::is_floating_point_v<T>) real_ = static_cast<double>(value);
    else real_ = value.real(), imag_ = value.imag();
  }
  Literal(std::initializer_list<Literal> items) : items_(items), is_list_(true) {}

 private:
  friend struct Access;
  friend class scangrad::v0::Tensor;
  std::int64_t integer_ = 0;
  double real_ = 0, imag_ = 0;
  std::initializer_list<Literal> items_;
  WeakKind kind_ = WeakKind::floating;
  bool single_ = false, is_list_ = false;
  bool above_int64_ = false;  // integer_ is then the number less 2^64
};

/// For static_assert: false, once something is instantiated.
template <class...>
inline constexpr bool never = false;
template <class Result, class T>
Result unsaid_type() {
  static_assert(never<T>, "say as which type elements are read: x.item<double>(), x.to_vector<double>()");
  return Result();
}

}  // namespace detail

template <Element T>
class Data;

/// An n-dimensional array of elements of one dtype, computed when it is read. A handle: copies are cheap and share their values, which
/// never change.
class SCANGRAD_API Tensor {
 public:
  Tensor() noexcept = default;  ///< empty: using it throws

  /// A rank-0 tensor: bool, int64, float32, float64, complex64 or complex128, after the number's type.
  template <Number T>
  Tensor(T value, Site site = Site::here()) : Tensor(detail::Literal(value), site) {}
  /// Nested braces: {1.0, 2.0} is (2,), {{1.0}, {2.0}} is (2, 1). Integers become int64; mixed kinds meet by promotion.
  Tensor(std::initializer_list<detail::Literal> items, Site site = Site::here()) : Tensor(detail::Literal(items), site) {}

  /// A copy of the elements, row-major; of shape (size,), or as given. The sizes must agree.
  /// @{
  template <Element T>
  explicit Tensor(std::span<const T> data, Site site = Site::here())
      : Tensor(data, Shape{static_cast<std::int64_t>(data.size())}, site) {}
  template <Element T>
  Tensor(std::span<const T> data, const Shape& shape, Site site = Site::here())
      : Tensor(data.data(), data.size(), dtype_of<T>, shape, site) {}
  template <Element T>
  requires(!std::is_const_v<T>) explicit Tensor(std::span<T> data, Site site = Site::here())
      : Tensor(std::span<const T>(data), site) {}
  template <Element T>
  requires(!std::is_const_v<T>) Tensor(std::span<T> data, const Shape& shape, Site site = Site::here())
      : Tensor(std::span<const T>(data), shape, site) {}
  template <Element T>
  explicit Tensor(const std::vector<T>& data, Site site = Site::here())
      : Tensor(data, Shape{static_cast<std::int64_t>(data.size())}, site) {}
  template <Element T>
  Tensor(const std::vector<T>& data, const Shape& shape, Site site = Site::here());
  /// @}

  /// Reads the caller's memory without copying it, row-major. `deleter(pointer)` runs when the last use ends; until then the
  /// memory must not change. The library never writes to it.
  template <Element T, class Deleter>
  static Tensor borrow(const T* data, const Shape& shape, Deleter deleter, Site site = Site::here()) {
    return borrow(std::shared_ptr<const void>(static_cast<const void*>(data),
                                              [deleter](const void* p) mutable { deleter(static_cast<const T*>(p)); }),
                  dtype_of<T>, shape, Strides(), site);
  }
  /// As above for any owner and any strides (in elements; empty: row-major).
  static Tensor borrow(std::shared_ptr<const void> data, DType dtype, const Shape& shape, const Strides& strides,
                       Site site = Site::here());

  /// @cond
  Tensor(const Tensor& other) noexcept : node_(other.node_) {
    if (node_ != nullptr) node_->references.fetch_add(1, std::memory_order_relaxed);
  }
  Tensor(Tensor&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  // Assigning to a temporary (x[0] = y, slice(x, ...) = y) would change nothing, so it does not compile.
  Tensor& operator=(const Tensor& other) & noexcept {
    Tensor(other).swap(*this);
    return *this;
  }
  Tensor& operator=(Tensor&& other) & noexcept {
    Tensor(std::move(other)).swap(*this);
    return *this;
  }
  template <class T>
  void operator=(const T&) && {
    static_assert(detail::never<T>,
                  "the elements of a Tensor cannot be assigned to: make a new Tensor, by where, scatter_add or "
                  "concatenate");
  }
  template <std::same_as<bool> Bool>
  explicit operator Bool() const {
    static_assert(detail::never<Bool>,
                  "a Tensor is neither true nor false: ask any(x).item<bool>() or all(x).item<bool>(), or choose "
                  "element by element with where");
    return false;
  }
  template <class T>
  requires(std::is_arithmetic_v<T> && !std::same_as<T, bool>) explicit operator T() const {
    static_assert(detail::never<T>, "a Tensor is not a C++ number: read the one that it holds by x.item<double>()");
    return {};
  }
  ~Tensor() {
    if (node_ != nullptr && node_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) detail::destroy(node_);
  }
  /// @endcond
  void swap(Tensor& other) noexcept { std::swap(node_, other.node_); }  ///< exchanges the handles

  bool empty_handle() const noexcept { return node_ == nullptr; }  ///< true for a default Tensor only

  const Shape& shape() const;                                    ///< the size of each axis
  DType dtype() const;                                           ///< the type of the elements
  Device device() const;                                         ///< where they live
  int rank() const { return static_cast<int>(shape().size()); }  ///< the number of axes
  std::int64_t size() const;                                     ///< number of elements; 1 at rank 0
  std::int64_t size(int axis) const;                             ///< negative axes count from the end

  /// The argument of x[t], made from an integer.
  struct Index {
    std::int64_t value;  ///< t; unsigned numbers above 2^63 - 1 count as that
    Site site;           ///< where it was written
    /// At the call.
    template <std::integral T>
    Index(T i, Site s = Site::here()) : value(static_cast<std::int64_t>(i)), site(s) {
      if (i > T{} && value < 0) value = INT64_MAX;
    }
  };
  /// x[t]: element t of axis 0, without the axis. Negative t counts from the end. A view; assigning to it does not compile.
  Tensor operator[](Index index) const;

  /// The only element, as T. The tensor must have one element, and its dtype must promote to T's.
  template <Element T>
  T item() const {
    T value{};
    read_item(&value, dtype_of<T>);
    return value;
  }
  /// The elements in row-major order, without a copy where they lie so. T must be the dtype's type. Keeps them alive.
  template <Element T>
  Data<T> data() const;
  /// The elements in row-major order, copied.
  template <Element T>
  std::vector<T> to_vector() const;

  /// @cond
  template <std::same_as<void> T = void>
  double item() const {
    return detail::unsaid_type<double, T>();
  }
  template <std::same_as<void> T = void>
  std::vector<double> data() const {
    return detail::unsaid_type<std::vector<double>, T>();
  }
  template <std::same_as<void> T = void>
  std::vector<double> to_vector() const {
    return detail::unsaid_type<std::vector<double>, T>();
  }
  /// @endcond

 private:
  friend struct detail::Access;
  explicit Tensor(detail::NodeHead& node) noexcept : node_(&node) {  // shares the node
    node_->references.fetch_add(1, std::memory_order_relaxed);
  }
  Tensor(const detail::Literal& literal, Site site);
  Tensor(const void* data, std::size_t count, DType dtype, const Shape& shape, Site site);
  void read_item(void* value, DType dtype) const;
  const void* read_data(DType dtype, Tensor& owner) const;

  detail::NodeHead* node_ = nullptr;
};

/// The elements of an evaluated tensor, in row-major order; keeps them alive. A span made of it is good while it lives.
template <Element T>
class Data {
 public:
  /// As of a standard container.
  /// @{
  const T* data() const noexcept { return elements_.data(); }
  std::size_t size() const noexcept { return elements_.size(); }
  const T* begin() const noexcept { return data(); }
  const T* end() const noexcept { return data() + size(); }
  const T& operator[](std::size_t i) const noexcept { return elements_[i]; }
  operator std::span<const T>() const noexcept { return elements_; }
  /// @}
  const Tensor& owner() const noexcept { return owner_; }  ///< the tensor whose elements these are

 private:
  friend class Tensor;
  std::span<const T> elements_;
  Tensor owner_;
};

template <Element T>
Tensor::Tensor(const std::vector<T>& data, const Shape& shape, Site site) {
  if constexpr (std::same_as<T, bool>) {
    const std::unique_ptr<bool[]> copy(new bool[data.size()]);
    for (std::size_t i = 0; i < data.size(); ++i) copy[i] = data[i];
    *this = Tensor(copy.get(), data.size(), DType::boolean, shape, site);
  } else {
    *this = Tensor(data.data(), data.size(), dtype_of<T>, shape, site);
  }
}

template <Element T>
Data<T> Tensor::data() const {
  Data<T> result;
  const void* first = read_data(dtype_of<T>, result.owner_);
  result.elements_ = std::span<const T>(static_cast<const T*>(first), static_cast<std::size_t>(size()));
  return result;
}

template <Element T>
std::vector<T> Tensor::to_vector() const {
  const Data<T> elements = data<T>();
  return std::vector<T>(elements.begin(), elements.end());
}

/// An argument of an operation: made implicitly from a Tensor, a C++ number or numbers in braces, it remembers the file and line of the
/// call. A type for parameters only. A number takes the dtype of the tensor beside it (see promote).
class SCANGRAD_API Operand {
 public:
  /// Made by the call itself.
  /// @{
  Operand(const Tensor& tensor, Site site = Site::here()) : tensor_(tensor), site_(site) {}
  Operand(Tensor&& tensor, Site site = Site::here()) noexcept : tensor_(std::move(tensor)), site_(site) {}
  template <Number T>
  Operand(T value, Site site = Site::here()) : number_(value), site_(site), weak_(true) {}
  Operand(std::initializer_list<detail::Literal> items, Site site = Site::here()) : tensor_(items, site), site_(site) {}
  /// @}

  Site site() const noexcept { return site_; }  ///< where the operation was called

 private:
  friend struct detail::Access;
  Tensor tensor_;
  detail::Literal number_ = false;
  Site site_;
  bool weak_ = false;
};

/// Of functions that make tensors: zeros({2, 3}, {.dtype = DType::float32}).
struct TensorOptions {
  DType dtype = DType::float64;  ///< the type of the elements
};

/// Every element is 0, or false.
SCANGRAD_API Tensor zeros(const Shape& shape, TensorOptions options = {}, Site site = Site::here());
/// Every element is 1, or true.
SCANGRAD_API Tensor ones(const Shape& shape, TensorOptions options = {}, Site site = Site::here());
/// Every element is `value`; the dtype is that of the value (C++ integers: int64, double: float64).
SCANGRAD_API Tensor full(const Shape& shape, const Operand& value);
/// The identity matrix (n, n).
SCANGRAD_API Tensor eye(std::int64_t n, TensorOptions options = {}, Site site = Site::here());
/// `count` values from start to stop, both included, evenly spaced; (count,).
SCANGRAD_API Tensor linspace(double start, double stop, std::int64_t count, TensorOptions options = {},
                             Site site = Site::here());

namespace detail {
SCANGRAD_API Tensor arange(const Literal& start, const Literal& stop, const Literal& step, Site site);
}  // namespace detail

/// start, start + step, ... below stop (above, for a negative step): int64 where all three are integers, else float64.
template <Number A, Number B, Number C = int>
Tensor arange(A start, B stop, C step = 1, Site site = Site::here()) {
  return detail::arange(start, stop, step, site);
}
/// 0, 1, ... below stop.
template <Number A>
Tensor arange(A stop, Site site = Site::here()) {
  return detail::arange(0, stop, 1, site);
}

/// As NumPy prints arrays: "[1. 2. 3.]". Evaluates.
SCANGRAD_API std::string to_string(const Tensor& x);
/// Prints as to_string.
SCANGRAD_API std::ostream& operator<<(std::ostream& stream, const Tensor& x);

/// Computes the values of the given tensors now, with all they depend on. Reading a value does so by itself.
/// @{
SCANGRAD_API void eval(std::span<const Tensor> tensors);
inline void eval(std::initializer_list<Tensor> tensors) { eval(std::span<const Tensor>(tensors.begin(), tensors.size())); }
inline void eval(const Tensor& tensor) { eval(std::span<const Tensor>(&tensor, 1)); }
/// @}

}  // namespace scangrad::inline v0
