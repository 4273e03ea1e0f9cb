#include "ops/shape.h"
#include "core/planted.h"

namespace scangrad::inline v0 {
namespace ops {
namespace {

Shape permuted(const Shape& shape, const Dims& axes) {
  Shape result(axes.size(), 0);
  for (std::size_t i = 0; i < axes.size(); ++i) result[i] = shape[static_cast<std::size_t>(axes[i])];
  return result;
}

Shape with_size(Shape shape, int axis, std::int64_t size) {
  shape[static_cast<std::size_t>(axis)] = size;
  return shape;
}

Tensor transposed(const Tensor& x, const Dims& axes) {
  return apply(make_primitive<Transpose>(axes), {permuted(shape_of(x), axes), dtype_of_tensor(x)}, {x});
}

/// Replaces the size -1 by what the others leave.
Shape resolved(const Shape& wanted, const Shape& from, DType dtype) {
  Shape shape = wanted;
  std::int64_t known = 1;
  std::int64_t* open = nullptr;
  for (std::int64_t& size : shape) {
    if (size != -1) {
      check(size >= 0 && !__builtin_mul_overflow(known, size, &known), "the shape {} is not possible", wanted);
      continue;
    }
    check(open == nullptr, "the shape {} has more than one -1; leave one size open", wanted);
    open = &size;
  }
  const std::int64_t count = core::count(from);
  if (open != nullptr && known != 0 && count % known == 0) *open = count / known;
  else
    check(open == nullptr && known == count, "a tensor of shape {} has {} elements, which do not fill the shape {}", from,
          count, wanted);
  core::checked_size(shape, item_size(dtype));
  return shape;
}

}  // namespace

BatchResult Reshape::vmap(Ins ins, MappedMask, Specs outs) const {
  const std::int64_t size = shape_of(ins[0])[0];
  return apply_batched(make_primitive<Reshape>(batch_shape(size, shape)), core::FixedList<Tensor, 2>(ins), outs, size);
}

BatchResult BroadcastTo::vmap(Ins ins, MappedMask, Specs) const {
  const std::int64_t size = shape_of(ins[0])[0];
  return {{broadcast_to(aligned(ins[0], shape.size()), batch_shape(size, shape))}, {true}};
}

PrimitiveRef Transpose::behind_batch() const {
  Dims order(axes.size() + 1, 0);
  for (std::size_t i = 0; i < axes.size(); ++i) order[i + 1] = axes[i] + 1;
  return make_primitive<Transpose>(order);
}

Tensor Transpose::forward(const Tensor& t, Ins) const { return transposed(t, axes); }

Tensor Transpose::adjoint(const Tensor& g, Ins) const {
  Dims inverse(axes.size(), 0);
  for (std::size_t i = 0; i < axes.size(); ++i) inverse[static_cast<std::size_t>(axes[i])] = static_cast<std::int64_t>(i);
  return transposed(g, SCANGRAD_PLANT(transpose_not_inverted, inverse, axes));
}

Tensor slice_range(const Tensor& x, Range range) {
  return apply(make_primitive<Slice>(range), {with_size(shape_of(x), range.axis, range.size), dtype_of_tensor(x)}, {x});
}

Tensor Slice::forward(const Tensor& t, Ins) const { return slice_range(t, range); }
Tensor Slice::adjoint(const Tensor& g, Ins ins) const {
  return Embed::embed(g, range, ins[0].shape()[static_cast<std::size_t>(range.axis)]);
}

Tensor Embed::embed(const Tensor& x, Range range, std::int64_t size) {
  return apply(make_primitive<Embed>(range, size), {with_size(shape_of(x), range.axis, size), dtype_of_tensor(x)}, {x});
}
Tensor Embed::adjoint(const Tensor& g, Ins) const { return slice_range(g, range); }

MaybeTensors Concatenate::jvp(Ins ins, Outs outs, Tangents tangents) const {
  core::FixedList<Tensor, 2> parts(ins.size());
  for (std::size_t i = 0; i < ins.size(); ++i) parts[i] = dense(tangents[i], ins[i]);
  return {apply(PrimitiveRef(this), {outs[0].shape(), outs[0].dtype()}, std::move(parts))};
}

MaybeTensors Concatenate::vjp(Ins ins, Outs, Tangents cotangents, WantedMask wanted) const {
  MaybeTensors result(ins.size());
  std::int64_t begin = 0;
  for (std::size_t i = 0; i < ins.size(); ++i) {
    const std::int64_t size = shape_of(ins[i])[static_cast<std::size_t>(axis)];
    if (wanted[i]) result[i] = slice_range(*cotangents[0], {axis, begin, 1, size});
    begin += size;
  }
  return result;
}

}  // namespace ops

using namespace ops;

Tensor reshape(const Operand& x, const Shape& shape) {
  const CallScope scope("reshape", x.site());
  const Tensor tensor = as_tensor(x);
  Shape to = resolved(shape, shape_of(tensor), dtype_of_tensor(tensor));
  if (to == shape_of(tensor)) return tensor;
  return apply(make_primitive<Reshape>(to), {to, dtype_of_tensor(tensor)}, {tensor});
}

Tensor transpose(const Operand& x, const Axes& axes) {
  const CallScope scope("transpose", x.site());
  const Tensor tensor = as_tensor(x);
  const std::size_t rank = shape_of(tensor).size();
  Dims order(rank, 0);
  if (axes.all()) {
    for (std::size_t i = 0; i < rank; ++i) order[i] = static_cast<std::int64_t>(rank - 1 - i);
  } else {
    check(axes.list().size() == rank, "{} axes were given for a tensor of shape {}; name each of its {} axes once",
          axes.list().size(), shape_of(tensor), rank);
    core::normalize_axes(axes, shape_of(tensor));  // refuses an axis that is named twice
    for (std::size_t i = 0; i < rank; ++i) order[i] = core::normalize_axis(axes.list()[i], shape_of(tensor));
  }
  return transposed(tensor, order);
}

Tensor broadcast_to(const Operand& x, const Shape& shape) {
  const CallScope scope("broadcast_to", x.site());
  const Tensor tensor = as_tensor(x);
  if (shape_of(tensor) == shape) return tensor;
  core::checked_size(shape, item_size(dtype_of_tensor(tensor)));
  check(broadcasts_to(shape_of(tensor), shape), "a tensor of shape {} does not broadcast to {}; sizes must be equal or 1",
        shape_of(tensor), shape);
  return apply(make_primitive<BroadcastTo>(shape), {shape, dtype_of_tensor(tensor)}, {tensor});
}

Tensor full(const Shape& shape, const Operand& value) {
  const CallScope scope("full", value.site());
  const Tensor element = as_tensor(value);
  check(element.rank() == 0, "the value must be a number or of rank 0, but its shape is {}", element.shape());
  return broadcast_to(element, shape);
}

Tensor flip(const Operand& x, const Axes& axes) {
  const CallScope scope("flip", x.site());
  const Tensor tensor = as_tensor(x);
  return apply(make_primitive<Flip>(core::normalize_axes(axes, shape_of(tensor))), core::node_of(tensor).value.spec, {tensor});
}

Tensor expand_dims(const Operand& x, const Axes& axes) {
  const CallScope scope("expand_dims", x.site());
  const Tensor tensor = as_tensor(x);
  check(!axes.all(), "name the places of the new axes, as in expand_dims(x, 0)");
  const Shape& from = shape_of(tensor);
  Shape shape(from.size() + axes.list().size(), 0);
  for (std::int64_t axis : axes.list()) {
    std::int64_t& size = shape[static_cast<std::size_t>(core::normalize_axis(axis, shape.size()))];
    check(std::exchange(size, 1) == 0, "axis {} is named twice in {}; name each axis once", axis, axes.list());
  }
  std::size_t next = 0;
  for (std::int64_t& size : shape)
    if (size == 0) size = from[next++];
  return reshape(tensor, shape);
}

Tensor squeeze(const Operand& x, const Axes& axes) {
  const CallScope scope("squeeze", x.site());
  const Tensor tensor = as_tensor(x);
  const Shape& from = shape_of(tensor);
  std::vector<bool> dropped(from.size());
  for (std::int64_t axis : core::normalize_axes(axes, from)) {
    const bool single = from[static_cast<std::size_t>(axis)] == 1;
    check(single || axes.all(), "axis {} of a tensor of shape {} has not size 1", axis, from);
    dropped[static_cast<std::size_t>(axis)] = single;
  }
  std::vector<std::int64_t> sizes;
  for (std::size_t i = 0; i < from.size(); ++i)
    if (!dropped[i]) sizes.push_back(from[i]);
  return reshape(tensor, Shape(sizes));
}

Tensor slice(const Operand& x, const SliceOptions& options) {
  const CallScope scope("slice", x.site());
  const Tensor tensor = as_tensor(x);
  const int axis = core::single_axis(options.axis, shape_of(tensor));
  check(options.step >= 1, "the step must be at least 1, given {}; use flip for the other direction", options.step);
  const std::int64_t size = shape_of(tensor)[static_cast<std::size_t>(axis)];
  const auto place = [size](std::int64_t i) { return i < 0 ? std::max<std::int64_t>(i + size, 0) : std::min(i, size); };
  const std::int64_t begin = place(options.begin), end = std::max(place(options.end), begin);
  const std::int64_t count = end == begin ? 0 : (end - begin - 1) / options.step + 1;
  return slice_range(tensor, {axis, begin, options.step, count});
}

Tensor concatenate(const std::vector<Tensor>& tensors, const AxisOptions& options, Site site) {
  const CallScope scope("concatenate", site);
  check(!tensors.empty(), "the list of tensors is empty; give at least one");
  DType dtype = tensors[0].dtype();
  for (const Tensor& x : tensors) dtype = promote(dtype, x.dtype());
  const int axis = core::single_axis(options.axis, tensors[0].shape());
  core::FixedList<Tensor, 2> parts(tensors.size());
  std::int64_t size = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Shape& shape = shape_of(tensors[i]);
    check(shape.size() == shape_of(tensors[0]).size() && with_size(shape, axis, 0) == with_size(shape_of(tensors[0]), axis, 0),
          "tensors 0 and {} have shapes {} and {}, which must agree but for axis {}", i, shape_of(tensors[0]), shape, axis);
    check(!__builtin_add_overflow(size, shape[static_cast<std::size_t>(axis)], &size),
          "the sizes along axis {} add up to more than 2^63", axis);
    parts[i] = in_dtype(tensors[i], dtype);
  }
  Shape shape = with_size(shape_of(tensors[0]), axis, size);
  core::checked_size(shape, item_size(dtype));
  return apply(make_primitive<Concatenate>(axis), {std::move(shape), dtype}, std::move(parts));
}

Tensor stack(const std::vector<Tensor>& tensors, const AxisOptions& options, Site site) {
  const CallScope scope("stack", site);
  check(!tensors.empty(), "the list of tensors is empty; give at least one");
  std::vector<Tensor> expanded;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    check(tensors[i].shape() == tensors[0].shape(), "tensors 0 and {} have shapes {} and {}, which must be equal", i,
          tensors[0].shape(), tensors[i].shape());
    expanded.push_back(expand_dims(tensors[i], options.axis));
  }
  return concatenate(expanded, {.axis = core::single_axis(options.axis, expanded[0].shape())}, site);
}

}  // namespace scangrad::inline v0
