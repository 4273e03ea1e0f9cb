#include "ops/gather.h"

namespace scangrad::inline v0 {
namespace ops {
namespace {

/// `shape` with the axis replaced by the axes of `indices`.
Shape taken_shape(const Shape& shape, int axis, const Shape& indices) {
  std::vector<std::int64_t> sizes(shape.begin(), shape.begin() + axis);
  sizes.insert(sizes.end(), indices.begin(), indices.end());
  sizes.insert(sizes.end(), shape.begin() + axis + 1, shape.end());
  return Shape(sizes);
}

Tensor as_indices(const Operand& x) {
  const Tensor indices = as_tensor(x);
  check(indices.dtype() == DType::int64, "indices must be int64, but they are {}; convert with astype", indices.dtype());
  return indices;
}

}  // namespace

MaybeTensors ScatterAdd::jvp(Ins ins, Outs, Tangents t) const {
  if (!t[2]) return {t[0]};
  return {scatter_add(dense(t[0], ins[0]), ins[1], *t[2], {.axis = axis})};
}

MaybeTensors ScatterAdd::vjp(Ins ins, Outs, Tangents g, WantedMask wanted) const {
  MaybeTensors result(3);
  if (wanted[0]) result[0] = g[0];
  if (wanted[2]) result[2] = take(*g[0], ins[1], {.axis = axis});
  return result;
}

}  // namespace ops

using namespace ops;

Tensor take(const Operand& x, const Operand& indices, const AxisOptions& options) {
  const CallScope scope("take", x.site());
  const Tensor tensor = as_tensor(x), index = as_indices(indices);
  const int axis = core::single_axis(options.axis, shape_of(tensor));
  Shape shape = taken_shape(shape_of(tensor), axis, shape_of(index));
  core::checked_size(shape, item_size(dtype_of_tensor(tensor)));
  return apply(make_primitive<Take>(axis), {std::move(shape), dtype_of_tensor(tensor)}, {tensor, index});
}

Tensor scatter_add(const Operand& x, const Operand& indices, const Operand& updates, const AxisOptions& options) {
  const CallScope scope("scatter_add", x.site());
  const DType dtype = common_dtype(x, updates);
  check_dtype(core::Numbers{}, dtype);
  const Tensor tensor = in_dtype(x, dtype), index = as_indices(indices);
  const int axis = core::single_axis(options.axis, shape_of(tensor));
  const Shape shape = taken_shape(shape_of(tensor), axis, shape_of(index));
  Tensor update = in_dtype(updates, dtype);
  check(broadcasts_to(shape_of(update), shape), "the updates have shape {}, but these indices need {}", shape_of(update),
        shape);
  return apply(make_primitive<ScatterAdd>(axis), core::node_of(tensor).value.spec, {tensor, index, broadcast_to(update, shape)});
}

Tensor argsort(const Operand& x, const SortOptions& options) {
  const CallScope scope("argsort", x.site());
  const Tensor tensor = as_tensor(x);
  check_dtype(core::Ordered{}, dtype_of_tensor(tensor));
  const int axis = core::single_axis(options.axis, shape_of(tensor));
  return apply(make_primitive<ArgSort>(axis, options.descending), {shape_of(tensor), DType::int64}, {tensor});
}

}  // namespace scangrad::inline v0
