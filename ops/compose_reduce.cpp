// Reductions and indexing made of other operations, whose derivatives they inherit.

#include <numeric>

#include "ops/gather.h"
#include "ops/reduce.h"
#include "ops/scan/scan.h"
#include "ops/shape.h"

namespace scangrad::inline v0 {

using namespace ops;

namespace {

Tensor keep(const Tensor& reduced, const Tensor& x, const ReduceOptions& options) {
  if (!options.keepdims) return reduced;
  Shape shape = shape_of(x);
  for (std::int64_t axis : core::normalize_axes(options.axis, shape_of(x))) shape[static_cast<std::size_t>(axis)] = 1;
  return reshape(reduced, shape);
}

/// x with the given axes gathered into one, the last.
Tensor gathered_last(const Tensor& x, const Dims& axes) {
  std::vector<int> order;
  for (int i = 0; i < x.rank(); ++i)
    if (!std::binary_search(axes.begin(), axes.end(), std::int64_t{i})) order.push_back(i);
  Shape shape = without_axes(shape_of(x), axes);
  std::vector<std::int64_t> sizes(shape.begin(), shape.end());
  std::int64_t count = 1;
  for (std::int64_t axis : axes) {
    order.push_back(static_cast<int>(axis));
    count *= shape_of(x)[static_cast<std::size_t>(axis)];
  }
  sizes.push_back(count);
  return reshape(transpose(x, order), Shape(sizes));
}

template <class P>
Tensor arg_extreme(std::string_view name, const Operand& x, const ArgOptions& options) {
  const CallScope scope(name, x.site());
  Tensor tensor = as_tensor(x);
  check_dtype(core::Ordered{}, dtype_of_tensor(tensor));
  if (options.axis.all()) tensor = reshape(tensor, {-1});
  const int axis = core::single_axis(options.axis, shape_of(tensor));
  check(shape_of(tensor)[static_cast<std::size_t>(axis)] > 0, "axis {} of a tensor of shape {} is empty, and nothing has no {}",
        axis, shape_of(tensor), name);
  const Dims axes{axis};
  const Tensor y = apply(make_primitive<P>(axes), {without_axes(shape_of(tensor), axes), DType::int64}, {tensor});
  return options.keepdims ? expand_dims(y, axis) : y;
}

}  // namespace

// The last of the running products: no division, so zeros are exact in every order.
Tensor prod(const Operand& x, const ReduceOptions& options) {
  const CallScope scope("prod", x.site());
  const Tensor tensor = as_number(x);
  const Tensor last = gathered_last(tensor, core::normalize_axes(options.axis, shape_of(tensor)));
  Shape first = shape_of(last);
  first.back() = 1;
  const Tensor products = cumprod(concatenate({ones(first, {.dtype = tensor.dtype()}), last}, {.axis = -1}));
  return keep(squeeze(slice(products, {.axis = -1, .begin = -1}), -1), tensor, options);
}

Tensor any(const Operand& x, const ReduceOptions& options) {
  const CallScope scope("any", x.site());
  return sum(in_dtype(x, DType::boolean), options) > 0;
}

Tensor all(const Operand& x, const ReduceOptions& options) {
  const CallScope scope("all", x.site());
  return sum(logical_not(x), options) == 0;
}

Tensor argmax(const Operand& x, const ArgOptions& options) { return arg_extreme<ArgMax>("argmax", x, options); }
Tensor argmin(const Operand& x, const ArgOptions& options) { return arg_extreme<ArgMin>("argmin", x, options); }

Tensor var(const Operand& x, const VarOptions& options) {
  const CallScope scope("var", x.site());
  check(options.ddof >= 0, "ddof must not be negative, given {}", options.ddof);
  const Tensor tensor = as_floating(x);
  std::int64_t count = 1;
  for (std::int64_t axis : core::normalize_axes(options.axis, shape_of(tensor)))
    count *= shape_of(tensor)[static_cast<std::size_t>(axis)];
  const Tensor deviation = tensor - mean(tensor, {.axis = options.axis, .keepdims = true});
  const Tensor squares = is_complex(tensor.dtype()) ? square(real(deviation)) + square(imag(deviation)) : square(deviation);
  return sum(squares, {.axis = options.axis, .keepdims = options.keepdims}) /
         std::max(0.0, static_cast<double>(count) - static_cast<double>(options.ddof));
}

Tensor std(const Operand& x, const VarOptions& options) {
  const CallScope scope("std", x.site());
  return sqrt(var(x, options));
}

// Scaled by the largest modulus, a constant, so that squares neither overflow nor vanish; 0 / 0 is kept out of the derivative at 0.
Tensor norm(const Operand& x, const ReduceOptions& options) {
  const CallScope scope("norm", x.site());
  const Tensor tensor = as_floating(x);
  if (tensor.size() == 0) return sum(abs(tensor), options);
  const Tensor largest = stop_gradient(max(abs(tensor), {.axis = options.axis, .keepdims = true}));
  const Tensor scale = where(logical_and(largest > 0, isfinite(largest)), largest, 1);
  const Tensor scaled = tensor / scale;
  const Tensor squares = is_complex(tensor.dtype()) ? square(real(scaled)) + square(imag(scaled)) : square(scaled);
  const Tensor total = sum(squares, {.axis = options.axis, .keepdims = true});
  const Tensor root = where(total == 0, 0, sqrt(where(total == 0, 1, total))) * scale;
  return options.keepdims ? root
                          : reshape(root, without_axes(shape_of(tensor), core::normalize_axes(options.axis, shape_of(tensor))));
}

Tensor one_hot(const Operand& indices, std::int64_t size, TensorOptions options) {
  const CallScope scope("one_hot", indices.site());
  check(size >= 0, "the number of classes must not be negative, given {}", size);
  const Tensor index = expand_dims(as_tensor(indices), -1);
  check(!is_inexact(index.dtype()), "indices must be integers, but they are {}; convert with astype", index.dtype());
  Shape shape = shape_of(index);
  shape.back() = size;
  core::checked_size(shape, std::max(sizeof(std::int64_t), item_size(options.dtype)));
  return astype(index == arange(size), options.dtype);
}

Tensor segment_sum(const Operand& x, const Operand& segments, std::int64_t count) {
  const CallScope scope("segment_sum", x.site());
  const Tensor tensor = as_number(x);
  check(tensor.rank() > 0 && count >= 0, "needs a tensor with an axis and a count that is not negative, given {} and {}",
        shape_of(tensor), count);
  Shape shape = shape_of(tensor);
  const Tensor segment = as_tensor(segments);
  check(segment.rank() == 1 && shape_of(segment)[0] == shape[0], "needs a segment for each row, so {}, but their shape is {}",
        Shape{shape[0]}, segment.shape());
  shape[0] = count;
  return scatter_add(zeros(shape, {.dtype = tensor.dtype()}), segment, tensor, {.axis = 0});
}

Tensor sort(const Operand& x, const SortOptions& options) {
  const CallScope scope("sort", x.site());
  const Tensor tensor = as_tensor(x);
  return take_along_axis(tensor, argsort(tensor, options), {.axis = core::single_axis(options.axis, shape_of(tensor))});
}

TopK topk(const Operand& x, std::int64_t k, const AxisOptions& options) {
  const CallScope scope("topk", x.site());
  const Tensor tensor = as_tensor(x);
  const int axis = core::single_axis(options.axis, shape_of(tensor));
  const std::int64_t size = shape_of(tensor)[static_cast<std::size_t>(axis)];
  check(k >= 0 && k <= size, "k must be in 0..{}, the size of axis {}, given {}", size, axis, k);
  const Tensor indices = slice_range(argsort(tensor, {.axis = axis, .descending = true}), {axis, 0, 1, k});
  return {take_along_axis(tensor, indices, {.axis = axis}), indices};
}

Tensor dot(const Operand& a, const Operand& b) {
  const CallScope scope("dot", a.site());
  const Tensor x = as_tensor(a), y = as_tensor(b);
  check(x.rank() == 1 && x.shape() == y.shape(), "takes two vectors of one length, given the shapes {} and {}", x.shape(),
        y.shape());
  return matmul(x, y);
}

Tensor outer(const Operand& a, const Operand& b) {
  const CallScope scope("outer", a.site());
  const Tensor x = as_tensor(a), y = as_tensor(b);
  check(x.rank() == 1 && y.rank() == 1, "takes two vectors, given the shapes {} and {}", x.shape(), y.shape());
  return expand_dims(x, 1) * y;
}

}  // namespace scangrad::inline v0
