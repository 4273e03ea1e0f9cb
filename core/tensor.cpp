#include "scangrad/tensor.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/dtype_visit.h"
#include "core/error.h"
#include "core/node.h"

namespace scangrad::inline v0 {

using core::Array;
using core::CallScope;
using core::check;
using core::fail;
using detail::Access;
using detail::Literal;

namespace core {

void check_not_empty(const Tensor& x) {
  check(!x.empty_handle(), "a default-constructed Tensor was given; give it a value first, as in Tensor x = {{1.0, 2.0}};");
}

namespace {

Array allocated(const Shape& shape, DType dtype) {
  checked_size(shape, item_size(dtype));
  Array array;
  array.spec = {shape, dtype};
  array.allocate();
  return array;
}

template <class F>
Tensor filled(std::int64_t n, DType dtype, F&& value_at) {
  Array array = allocated({n}, dtype);
  visit(Every{}, dtype, [&]<class T>() {
    for (std::int64_t i = 0; i < n; ++i) array.data<T>()[i] = convert<T>(value_at(i));
  });
  return make_leaf(std::move(array));
}

}  // namespace

Tensor repeat_element(const Tensor& element, const Shape& shape) {
  checked_size(shape, item_size(element.dtype()));
  Array array;
  array.spec = {shape, element.dtype()};
  array.view(node_of(element).value, Strides(shape.size(), 0), 0);
  return make_leaf(std::move(array));
}

}  // namespace core

DType Access::dtype(const Literal& x) noexcept {
  if (!x.single_) return default_dtype(x.kind_);
  return x.kind_ == WeakKind::floating ? DType::float32 : DType::complex64;
}

std::int64_t Access::integer(const Literal& x) {
  check(!x.above_int64_, "{} does not fit into an int64; write it as a floating number",
        static_cast<std::uint64_t>(x.integer_));
  return x.integer_;
}

namespace {

template <class T>
T literal_as(const Literal& x) {
  if (Access::kind(x) > WeakKind::integer) return core::convert<T>(Access::value(x));
  if constexpr (!std::same_as<T, std::int32_t> && !std::same_as<T, std::int64_t>)
    if (Access::above_int64(x)) return core::convert<T>(Access::value(x));
  const std::int64_t value = Access::integer(x);
  if constexpr (std::same_as<T, std::int32_t>)
    check(std::in_range<T>(value), "{} does not fit into an int32; convert the tensor beside it with astype(x, DType::int64)",
          value);
  return core::convert<T>(value);
}

}  // namespace

Tensor Access::scalar(const Literal& x, DType dtype) {
  Array array = core::allocated({}, dtype);
  core::visit(core::Every{}, dtype, [&]<class T>() { *array.data<T>() = literal_as<T>(x); });
  return core::make_leaf(std::move(array));
}

Tensor::Tensor(const Literal& literal, Site site) {
  const CallScope scope("Tensor", site);
  if (!literal.is_list_) {
    *this = Access::scalar(literal, Access::dtype(literal));
    return;
  }
  // The shape is that of the first elements; every list must agree with it.
  std::vector<std::int64_t> sizes;
  const Literal* first = &literal;
  while (first->is_list_) {
    sizes.push_back(static_cast<std::int64_t>(first->items_.size()));
    if (first->items_.size() == 0) break;
    first = first->items_.begin();
  }
  const Shape shape(sizes);
  std::vector<const Literal*> numbers;
  const auto flatten = [&](const auto& self, const Literal& item, std::size_t depth) -> void {
    const bool list_expected = depth < shape.size();
    check(item.is_list_ == list_expected && (!list_expected || static_cast<std::int64_t>(item.items_.size()) == shape[depth]),
          "nested braces must all have the same length at each depth; the first elements say shape {}", shape);
    if (!item.is_list_) numbers.push_back(&item);
    for (const Literal& inner : item.items_) self(self, inner, depth + 1);
  };
  flatten(flatten, literal, 0);
  DType dtype = numbers.empty() ? DType::float64 : Access::dtype(*numbers[0]);
  for (const Literal* number : numbers) dtype = promote(dtype, Access::dtype(*number));
  Array array = core::allocated(shape, dtype);
  core::visit(core::Every{}, dtype, [&]<class T>() {
    for (std::size_t i = 0; i < numbers.size(); ++i) array.data<T>()[i] = literal_as<T>(*numbers[i]);
  });
  *this = core::make_leaf(std::move(array));
}

Tensor::Tensor(const void* data, std::size_t count, DType dtype, const Shape& shape, Site site) {
  const CallScope scope("Tensor", site);
  const std::int64_t size = core::checked_size(shape, item_size(dtype));
  check(static_cast<std::size_t>(size) == count, "the data have {} elements, but the shape {} needs {}", count, shape, size);
  Array array = core::allocated(shape, dtype);
  if (size != 0) std::memcpy(array.storage->data, data, count * item_size(dtype));
  *this = core::make_leaf(std::move(array));
}

namespace {

bool within_reach(const Shape& shape, const Strides& strides, std::size_t item_size) {
  double elements = 0;
  for (std::size_t i = 0; i < strides.size(); ++i)
    elements += std::abs(static_cast<double>(strides[i])) * static_cast<double>(std::max<std::int64_t>(shape[i] - 1, 0));
  return elements * static_cast<double>(item_size) < 0x1p62;
}

}  // namespace

Tensor Tensor::borrow(std::shared_ptr<const void> data, DType dtype, const Shape& shape, const Strides& strides, Site site) {
  const CallScope scope("Tensor::borrow", site);
  const std::int64_t size = core::checked_size(shape, item_size(dtype));
  check(data != nullptr || size == 0, "the pointer is null, but the shape {} needs {} elements", shape, size);
  check(strides.empty() || strides.size() == shape.size(), "{} strides were given for the shape {}; give one an axis, or none",
        strides.size(), shape);
  check(within_reach(shape, strides, item_size(dtype)), "the strides {} of the shape {} reach further than 2^62 bytes", strides,
        shape);
  Array array;
  array.spec = {shape, dtype};
  array.strides = strides.empty() ? core::dense_strides(shape) : strides;
  array.dense = core::is_dense(shape, array.strides);
  array.storage = core::Storage::borrow(std::move(data), size * static_cast<std::int64_t>(item_size(dtype)));
  return core::make_leaf(std::move(array));
}

namespace {

/// The node, or an error that names who asked.
const core::Node& node_for(const Tensor& x, std::string_view asked) {
  if (x.empty_handle()) [[unlikely]] {
    const CallScope scope(asked, {});
    core::check_not_empty(x);
  }
  return core::node_of(x);
}

}  // namespace

const Shape& Tensor::shape() const { return node_for(*this, "shape").value.spec.shape; }
DType Tensor::dtype() const { return node_for(*this, "dtype").value.spec.dtype; }
Device Tensor::device() const { return node_for(*this, "device").device; }
std::int64_t Tensor::size() const { return core::count(node_for(*this, "size").value.spec.shape); }

std::int64_t Tensor::size(int axis) const {
  const CallScope scope("size", {});
  return shape()[static_cast<std::size_t>(core::normalize_axis(axis, shape()))];
}

void Tensor::read_item(void* value, DType wanted) const {
  const CallScope scope("item", {});
  core::check_not_empty(*this);
  check(size() == 1, "the tensor must have one element, but its shape is {}; use to_vector, or reduce it first", shape());
  check(promote(dtype(), wanted) == wanted,
        "the tensor is {}, which does not fit into {}; use item with the tensor's own type, or astype first", dtype(), wanted);
  eval(*this);
  const Array& array = core::node_of(*this).value;
  core::visit(core::Every{}, dtype(), [&]<class From>() {
    const From from = *array.data<From>();
    core::visit(core::Every{}, wanted, [&]<class To>() { *static_cast<To*>(value) = core::convert<To>(from); });
  });
}

const void* Tensor::read_data(DType wanted, Tensor& owner) const {
  const CallScope scope("data", {});
  core::check_not_empty(*this);
  check(dtype() == wanted, "the tensor is {}, but its elements were asked for as {}; use astype, or ask for its own type",
        dtype(), wanted);
  eval(*this);
  owner = core::node_of(*this).value.dense
              ? *this
              : core::apply(core::shared_primitive<core::Contiguous>(), core::node_of(*this).value.spec, {*this});
  eval(owner);
  const Array& array = core::node_of(owner).value;
  array.storage->exported.store(true, std::memory_order_relaxed);
  return array.storage->data + array.offset * static_cast<std::int64_t>(item_size(wanted));
}

Tensor zeros(const Shape& shape, TensorOptions options, Site site) {
  const CallScope scope("zeros", site);
  return core::repeat_element(Access::scalar(Literal(0), options.dtype), shape);
}

Tensor ones(const Shape& shape, TensorOptions options, Site site) {
  const CallScope scope("ones", site);
  return core::repeat_element(Access::scalar(Literal(1), options.dtype), shape);
}

Tensor eye(std::int64_t n, TensorOptions options, Site site) {
  const CallScope scope("eye", site);
  Array array = core::allocated({n, n}, options.dtype);
  std::fill_n(array.storage->data, array.storage->bytes, std::byte{0});
  core::visit(core::Every{}, options.dtype, [&]<class T>() {
    for (std::int64_t i = 0; i < n; ++i) array.data<T>()[i * (n + 1)] = core::convert<T>(1);
  });
  return core::make_leaf(std::move(array));
}

Tensor linspace(double start, double stop, std::int64_t count, TensorOptions options, Site site) {
  const CallScope scope("linspace", site);
  check(count >= 0, "the count must not be negative, given {}", count);
  check(is_floating(options.dtype), "dtype {} cannot hold evenly spaced values; use a floating one", options.dtype);
  check(std::isfinite(stop - start), "start, stop and the distance between them must be finite, given {} and {}", start, stop);
  const double step = count > 1 ? (stop - start) / static_cast<double>(count - 1) : 0.0;
  return core::filled(count, options.dtype, [&](std::int64_t i) {
    return i == count - 1 && count > 1 ? stop : start + static_cast<double>(i) * step;
  });
}

namespace detail {

namespace {

Tensor arange_integers(std::int64_t start, std::int64_t stop, std::int64_t step) {
  check(step != 0, "the step must not be 0");
  const auto distance = static_cast<__int128>(stop) - start;
  const __int128 n = (distance > 0) == (step > 0) ? (distance + step + (step > 0 ? -1 : 1)) / step : 0;
  check(n < (__int128{1} << 59), "from {} to {} by {} there are more than 2^59 values, which is too many", start, stop, step);
  return core::filled(static_cast<std::int64_t>(n), DType::int64,
                      [&](std::int64_t i) { return static_cast<std::int64_t>(start + static_cast<__int128>(i) * step); });
}

Tensor arange_reals(double start, double stop, double step) {
  check(step != 0 && std::isfinite(start) && std::isfinite(stop) && std::isfinite(step),
        "start, stop and step must be finite and the step not 0, given {}, {}, {}", start, stop, step);
  const double n = std::max(0.0, std::ceil((stop - start) / step));  // inf, where the distance overflows
  check(n < 0x1p59, "from {} to {} by {} there are {} values, which is too many", start, stop, step, n);
  return core::filled(static_cast<std::int64_t>(n), DType::float64,
                      [&](std::int64_t i) { return start + static_cast<double>(i) * step; });
}

}  // namespace

Tensor arange(const Literal& start, const Literal& stop, const Literal& step, Site site) {
  const CallScope scope("arange", site);
  const WeakKind kind = std::max({Access::kind(start), Access::kind(stop), Access::kind(step)});
  check(kind < WeakKind::complex, "start, stop and step must be real, but one is complex");
  if (kind <= WeakKind::integer) return arange_integers(Access::integer(start), Access::integer(stop), Access::integer(step));
  return arange_reals(literal_as<double>(start), literal_as<double>(stop), literal_as<double>(step));
}

}  // namespace detail
}  // namespace scangrad::inline v0
