// Shape operations made of others, whose derivatives they inherit.

#include <numeric>

#include "ops/shape.h"

namespace scangrad::inline v0 {

Tensor ops::diagonals(const Tensor& x) {
  const Shape& from = shape_of(x);
  const int rows = static_cast<int>(from.size()) - 2;
  const std::int64_t n = std::min(from[from.size() - 2], from.back());
  Shape flat(std::span(from.begin(), from.end() - 1));
  flat.back() = n * n;
  return slice_range(reshape(slice_range(slice_range(x, {rows, 0, 1, n}), {rows + 1, 0, 1, n}), flat), {rows, 0, n + 1, n});
}

using namespace ops;

namespace {

std::int64_t size_along(const Tensor& x, int axis) { return shape_of(x)[static_cast<std::size_t>(axis)]; }

/// The axes of a tensor in their order, for a permutation to start from.
std::vector<int> all_axes(const Tensor& x) {
  std::vector<int> order(shape_of(x).size());
  std::iota(order.begin(), order.end(), 0);
  return order;
}

/// Where column - row >= offset in a matrix.
Tensor at_or_above_diagonal(std::int64_t rows, std::int64_t columns, std::int64_t offset) {
  return arange(columns) - expand_dims(arange(rows), 1) >= offset;
}

/// That many equal parts of an axis of size 0 are that many tensors.
constexpr std::int64_t most_empty_parts = 1 << 16;

Tensor triangle(std::string_view name, const Operand& x, std::int64_t offset, bool upper) {
  const CallScope scope(name, x.site());
  const Tensor tensor = as_tensor(x);
  const Shape& shape = shape_of(tensor);
  check(shape.size() >= 2, "the tensor must have two axes or more, but its shape is {}", shape);
  const std::int64_t rows = shape[shape.size() - 2], columns = shape.back();
  const std::int64_t diagonal = std::clamp(offset, -rows - 1, columns);  // all that is beyond is alike
  const Tensor above = at_or_above_diagonal(rows, columns, upper ? diagonal : diagonal + 1);
  const Tensor zero = in_dtype(0, dtype_of_tensor(tensor));
  return upper ? where(above, tensor, zero) : where(above, zero, tensor);
}

}  // namespace

Tensor Tensor::operator[](Index index) const {
  const CallScope scope("operator[]", index.site);
  core::check_not_empty(*this);
  check(rank() > 0, "a tensor of shape () has no axis to index; use item");
  const std::int64_t size = size_along(*this, 0);
  check(size > 0, "axis 0 of a tensor of shape {} is empty, and has no element {}", shape(), index.value);
  check(index.value >= -size && index.value < size, "index {} is out of range for a tensor of shape {}; it must be in {}..{}",
        index.value, shape(), -size, size - 1);
  const std::int64_t at = index.value < 0 ? index.value + size : index.value;
  return squeeze(slice(*this, {.axis = 0, .begin = at, .end = at + 1}), 0);
}

Tensor moveaxis(const Operand& x, int from, int to) {
  const CallScope scope("moveaxis", x.site());
  const Tensor tensor = as_tensor(x);
  const int source = core::normalize_axis(from, shape_of(tensor)), target = core::normalize_axis(to, shape_of(tensor));
  std::vector<int> order = all_axes(tensor);
  order.erase(order.begin() + source);
  order.insert(order.begin() + target, source);
  return transpose(tensor, order);
}

Tensor swapaxes(const Operand& x, int a, int b) {
  const CallScope scope("swapaxes", x.site());
  const Tensor tensor = as_tensor(x);
  std::vector<int> order = all_axes(tensor);
  std::swap(order[static_cast<std::size_t>(core::normalize_axis(a, shape_of(tensor)))],
            order[static_cast<std::size_t>(core::normalize_axis(b, shape_of(tensor)))]);
  return transpose(tensor, order);
}

std::vector<Tensor> split(const Operand& x, const std::vector<std::int64_t>& sizes, const AxisOptions& options) {
  const CallScope scope("split", x.site());
  const Tensor tensor = as_tensor(x);
  const int axis = core::single_axis(options.axis, shape_of(tensor));
  std::int64_t begin = 0;
  std::vector<Tensor> parts;
  for (std::int64_t size : sizes) {
    check(size >= 0 && size <= size_along(tensor, axis) - begin, "the sizes {} do not fill axis {} of a tensor of shape {}",
          Shape(sizes), axis, shape_of(tensor));
    parts.push_back(slice_range(tensor, {axis, begin, 1, size}));
    begin += size;
  }
  check(begin == size_along(tensor, axis), "the sizes {} do not fill axis {} of a tensor of shape {}", Shape(sizes), axis,
        shape_of(tensor));
  return parts;
}

std::vector<Tensor> split(const Operand& x, std::int64_t parts, const AxisOptions& options) {
  const CallScope scope("split", x.site());
  const Tensor tensor = as_tensor(x);
  const std::int64_t size = size_along(tensor, core::single_axis(options.axis, shape_of(tensor)));
  check(parts > 0 && size % parts == 0 && (size > 0 || parts <= most_empty_parts),
        "{} equal parts do not fill an axis of size {}; give their sizes as a vector", parts, size);
  return split(x, std::vector<std::int64_t>(static_cast<std::size_t>(parts), size / parts), options);
}

Tensor pad(const Operand& x, const std::vector<PadWidth>& widths, const Operand& value) {
  const CallScope scope("pad", x.site());
  Tensor tensor = as_tensor(x);
  check(widths.size() == shape_of(tensor).size(), "{} widths were given for a tensor of shape {}; give one an axis",
        widths.size(), shape_of(tensor));
  for (std::size_t axis = 0; axis < widths.size(); ++axis) {
    const auto [before, after] = widths[axis];
    check(before >= 0 && after >= 0, "widths must not be negative, given {} and {} for axis {}", before, after, axis);
    const auto block = [&](std::int64_t size) {
      Shape shape = shape_of(tensor);
      shape[axis] = size;
      return broadcast_to(in_dtype(value, dtype_of_tensor(tensor)), shape);
    };
    if (before > 0 || after > 0) tensor = concatenate({block(before), tensor, block(after)}, {.axis = static_cast<int>(axis)});
  }
  return tensor;
}

Tensor roll(const Operand& x, std::int64_t by, const AxisOptions& options) {
  const CallScope scope("roll", x.site());
  const Tensor tensor = as_tensor(x);
  const int axis = core::single_axis(options.axis, shape_of(tensor));
  const std::int64_t n = size_along(tensor, axis);
  if (n == 0) return tensor;
  const std::int64_t cut = n - ((by % n) + n) % n;
  return concatenate({slice_range(tensor, {axis, cut, 1, n - cut}), slice_range(tensor, {axis, 0, 1, cut})}, {.axis = axis});
}

Tensor shift(const Operand& x, std::int64_t by, const Operand& fill, const AxisOptions& options) {
  const CallScope scope("shift", x.site());
  const Tensor tensor = as_tensor(x);
  const int axis = core::single_axis(options.axis, shape_of(tensor));
  const std::int64_t n = size_along(tensor, axis), gap = std::clamp(by, -n, n);
  Shape shape = shape_of(tensor);
  shape[static_cast<std::size_t>(axis)] = std::abs(gap);
  const Tensor filled = broadcast_to(in_dtype(fill, dtype_of_tensor(tensor)), shape);
  if (gap >= 0) return concatenate({filled, slice_range(tensor, {axis, 0, 1, n - gap})}, {.axis = axis});
  return concatenate({slice_range(tensor, {axis, -gap, 1, n + gap}), filled}, {.axis = axis});
}

Tensor repeat(const Operand& x, std::int64_t times, const AxisOptions& options) {
  const CallScope scope("repeat", x.site());
  const Tensor tensor = as_tensor(x);
  check(times >= 0, "the number of times must not be negative, given {}", times);
  const int axis = core::single_axis(options.axis, shape_of(tensor));
  const Tensor expanded = expand_dims(tensor, axis + 1);
  Shape spread = shape_of(expanded), shape = shape_of(tensor);
  spread[static_cast<std::size_t>(axis) + 1] = times;
  core::checked_size(spread, item_size(dtype_of_tensor(tensor)));
  shape[static_cast<std::size_t>(axis)] *= times;
  return reshape(broadcast_to(expanded, spread), shape);
}

Tensor tile(const Operand& x, const Shape& times) {
  const CallScope scope("tile", x.site());
  Tensor tensor = as_tensor(x);
  while (shape_of(tensor).size() < times.size()) tensor = expand_dims(tensor, 0);
  const std::size_t lead = shape_of(tensor).size() - times.size();
  for (std::size_t i = 0; i < times.size(); ++i) {
    check(times[i] >= 0, "the numbers of times must not be negative, given {}", times);
    const auto axis = lead + i;
    const Tensor expanded = expand_dims(tensor, static_cast<int>(axis));
    Shape spread = shape_of(expanded), shape = shape_of(tensor);
    spread[axis] = times[i];
    core::checked_size(spread, item_size(dtype_of_tensor(tensor)));
    shape[axis] *= times[i];
    tensor = reshape(broadcast_to(expanded, spread), shape);
  }
  return tensor;
}

Tensor tril(const Operand& x, std::int64_t offset) { return triangle("tril", x, offset, false); }
Tensor triu(const Operand& x, std::int64_t offset) { return triangle("triu", x, offset, true); }

Tensor diag(const Operand& x) {
  const CallScope scope("diag", x.site());
  const Tensor tensor = as_tensor(x);
  const Shape& shape = shape_of(tensor);
  check(shape.size() == 1 || shape.size() == 2, "takes a vector or a matrix, given the shape {}", shape);
  if (shape.size() == 1) return where(eye(shape[0], {.dtype = DType::boolean}), tensor, in_dtype(0, dtype_of_tensor(tensor)));
  return diagonals(tensor);
}

}  // namespace scangrad::inline v0
