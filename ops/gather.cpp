#include "ops/gather.h"

#include <algorithm>

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

/// An index into nothing is wrong whatever it is; where the result is empty too, nothing would be computed and no index looked at.
void check_indexable(const Shape& shape, int axis, const Shape& indices) {
  const bool none = std::find(indices.begin(), indices.end(), 0) != indices.end();
  check(none || shape[static_cast<std::size_t>(axis)] != 0,
        "axis {} of a tensor of shape {} is empty, but indices of shape {} look into it", axis, shape, indices);
}

/// The indices (batch, ...) of each example, in lanes along an axis of `shape`.
Tensor index_lanes(const Tensor& indices, Shape shape, int axis) {
  const Shape& from = shape_of(indices);
  Shape lane(shape.size(), 1);
  lane[0] = from[0];
  std::int64_t& count = lane[static_cast<std::size_t>(axis)];
  for (std::size_t i = 1; i < from.size(); ++i) count *= from[i];
  shape[static_cast<std::size_t>(axis)] = count;
  return broadcast_to(reshape(indices, lane), shape);
}

/// 0, 1, ... along an axis of `shape`.
Tensor places_along(const Shape& shape, int axis) {
  Shape lane(shape.size(), 1);
  lane[static_cast<std::size_t>(axis)] = shape[static_cast<std::size_t>(axis)];
  return broadcast_to(reshape(arange(shape[static_cast<std::size_t>(axis)]), lane), shape);
}

}  // namespace

// Indices of their own for each example are lanes of a gather.
BatchResult Take::vmap(Ins ins, MappedMask mapped, Specs outs) const {
  const std::int64_t size = batch_size(ins, mapped);
  if (!mapped[1]) return apply_batched(make_primitive<Take>(axis + 1), {ins[0], ins[1]}, outs, size);
  if (!mapped[0]) return {{moveaxis(take(ins[0], ins[1], {.axis = axis}), axis, 0)}, {true}};
  const Tensor taken = gather_along(ins[0], index_lanes(ins[1], shape_of(ins[0]), axis + 1), axis + 1, false);
  return {{reshape(taken, batch_shape(size, outs[0].shape))}, {true}};
}

// With indices of their own, x's elements are added first, each in its place, then the updates: the order is that of one example.
BatchResult ScatterAdd::vmap(Ins ins, MappedMask mapped, Specs outs) const {
  const std::int64_t size = batch_size(ins, mapped);
  const Tensor x = batched(ins[0], mapped[0], size), updates = batched(ins[2], mapped[2], size);
  if (!mapped[1]) return apply_batched(make_primitive<ScatterAdd>(axis + 1), {x, ins[1], updates}, outs, size);
  const Tensor lanes = index_lanes(ins[1], shape_of(x), axis + 1);
  const Tensor values = concatenate({x, reshape(updates, shape_of(lanes))}, {.axis = axis + 1});
  const Tensor places = concatenate({places_along(shape_of(x), axis + 1), lanes}, {.axis = axis + 1});
  return {{scatter_along(values, places, axis + 1, false, shape_of(x)[static_cast<std::size_t>(axis) + 1])}, {true}};
}

Tensor gather_along(const Tensor& x, const Tensor& index, int axis, bool sparse) {
  return apply(make_primitive<GatherAlong>(axis, sparse), {shape_of(index), dtype_of_tensor(x)}, {x, index});
}
Tensor scatter_along(const Tensor& g, const Tensor& index, int axis, bool sparse, std::int64_t size) {
  Shape shape = shape_of(index);
  shape[static_cast<std::size_t>(axis)] = size;
  return apply(make_primitive<ScatterAlong>(axis, sparse, size), {std::move(shape), dtype_of_tensor(g)}, {g, index});
}

Tensor GatherAlong::forward(const Tensor& t, Ins ins) const { return gather_along(t, ins[1], axis, sparse); }
Tensor GatherAlong::adjoint(const Tensor& g, Ins ins) const {
  return scatter_along(g, ins[1], axis, sparse, shape_of(ins[0])[static_cast<std::size_t>(axis)]);
}
Tensor ScatterAlong::forward(const Tensor& t, Ins ins) const { return scatter_along(t, ins[1], axis, sparse, size); }
Tensor ScatterAlong::adjoint(const Tensor& g, Ins ins) const { return gather_along(g, ins[1], axis, sparse); }

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
  check_indexable(shape_of(tensor), axis, shape_of(index));
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
  check_indexable(shape_of(tensor), axis, shape_of(index));
  const Shape shape = taken_shape(shape_of(tensor), axis, shape_of(index));
  Tensor update = in_dtype(updates, dtype);
  check(broadcasts_to(shape_of(update), shape), "the updates have shape {}, but these indices need {}", shape_of(update),
        shape);
  return apply(make_primitive<ScatterAdd>(axis), core::node_of(tensor).value.spec,
               {tensor, index, broadcast_to(update, shape)});
}

Tensor take_along_axis(const Operand& x, const Operand& indices, const AxisOptions& options) {
  const CallScope scope("take_along_axis", x.site());
  const Tensor tensor = as_tensor(x), index = as_indices(indices);
  const int axis = core::single_axis(options.axis, shape_of(tensor));
  Shape x_shape = shape_of(tensor), index_shape = shape_of(index);
  check(x_shape.size() == index_shape.size(), "the indices have shape {}, but a tensor of shape {} needs {} axes", index_shape,
        x_shape, x_shape.size());
  std::int64_t& along = x_shape[static_cast<std::size_t>(axis)];
  std::int64_t& index_along = index_shape[static_cast<std::size_t>(axis)];
  const std::int64_t size = std::exchange(along, 1), count = std::exchange(index_along, 1);
  x_shape = index_shape = broadcast_shapes(x_shape, index_shape);
  along = size;
  index_along = count;
  check_indexable(x_shape, axis, index_shape);
  return gather_along(broadcast_to(tensor, x_shape), broadcast_to(index, index_shape), axis, false);
}

Tensor argsort(const Operand& x, const SortOptions& options) {
  const CallScope scope("argsort", x.site());
  const Tensor tensor = as_tensor(x);
  check_dtype(core::Ordered{}, dtype_of_tensor(tensor));
  const int axis = core::single_axis(options.axis, shape_of(tensor));
  core::checked_size(shape_of(tensor), sizeof(std::int64_t));
  return apply(make_primitive<ArgSort>(axis, options.descending), {shape_of(tensor), DType::int64}, {tensor});
}

}  // namespace scangrad::inline v0
