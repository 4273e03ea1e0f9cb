#include "ops/reduce.h"
#include "core/planted.h"

#include "ops/shape.h"

namespace scangrad::inline v0 {
namespace ops {
namespace {

Tensor summed(const Tensor& x, const Dims& axes) { return reduce<Sum>(x, axes, false); }

template <class P>
Tensor extreme(const Operand& x, const ReduceOptions& options) {
  const CallScope scope(P(Dims()).name(), x.site());
  const Tensor tensor = as_tensor(x);
  check_dtype(core::Ordered{}, dtype_of_tensor(tensor));
  const Dims axes = core::normalize_axes(options.axis, shape_of(tensor));
  for (std::int64_t axis : axes)
    check(shape_of(tensor)[static_cast<std::size_t>(axis)] > 0,
          "axis {} of a tensor of shape {} is empty, and nothing has no {}", axis, shape_of(tensor), P(Dims()).name());
  return reduce<P>(tensor, axes, options.keepdims);
}

}  // namespace

Shape without_axes(const Shape& shape, const Dims& axes) {
  Shape result(shape.size() - axes.size(), 0);
  std::size_t next_axis = 0, next = 0;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (next_axis < axes.size() && axes[next_axis] == static_cast<std::int64_t>(i)) ++next_axis;
    else result[next++] = shape[i];
  }
  return result;
}

Tensor spread(const Tensor& reduced, const Dims& axes, const Shape& shape) {
  Shape kept = shape;
  for (std::int64_t axis : axes) kept[static_cast<std::size_t>(axis)] = 1;
  return broadcast_to(reshape(reduced, kept), shape);
}

MaybeTensors Sum::jvp(Ins, Outs, Tangents t) const { return {summed(*t[0], axes)}; }
MaybeTensors Sum::vjp(Ins ins, Outs, Tangents g, WantedMask) const { return {spread(*g[0], axes, ins[0].shape())}; }

/// The elements that hold the extreme; where there is a NaN, the NaNs.
Tensor holders(const Tensor& x, const Tensor& extreme, const Dims& axes) {
  return SCANGRAD_PLANT(extreme_ignores_nan, logical_or(x == spread(extreme, axes, shape_of(x)), x != x),
                        x == spread(extreme, axes, shape_of(x)));
}

MaybeTensors Extreme::jvp(Ins ins, Outs outs, Tangents t) const {
  const Tensor holds = holders(ins[0], outs[0], axes);
  return {summed(where(holds, *t[0], 0), axes) / astype(summed(as_number(holds), axes), t[0]->dtype())};
}

MaybeTensors Extreme::vjp(Ins ins, Outs outs, Tangents g, WantedMask) const {
  const Shape& shape = ins[0].shape();
  const Tensor holds = holders(ins[0], outs[0], axes);
  const Tensor share = *g[0] / astype(summed(as_number(holds), axes), g[0]->dtype());
  return {where(holds, SCANGRAD_PLANT(extreme_ties_not_shared, spread(share, axes, shape), spread(*g[0], axes, shape)), 0)};
}

}  // namespace ops

using namespace ops;

Tensor sum(const Operand& x, const ReduceOptions& options) {
  const CallScope scope("sum", x.site());
  const Tensor tensor = as_number(x);
  check_dtype(core::Numbers{}, dtype_of_tensor(tensor));
  return reduce<Sum>(tensor, core::normalize_axes(options.axis, shape_of(tensor)), options.keepdims);
}

Tensor mean(const Operand& x, const ReduceOptions& options) {
  const CallScope scope("mean", x.site());
  const Tensor tensor = as_floating(x);
  const Dims axes = core::normalize_axes(options.axis, shape_of(tensor));
  std::int64_t count = 1;
  for (std::int64_t axis : axes) count *= shape_of(tensor)[static_cast<std::size_t>(axis)];
  return sum(tensor, options) / static_cast<double>(count);
}

Tensor max(const Operand& x, const ReduceOptions& options) { return extreme<Max>(x, options); }
Tensor min(const Operand& x, const ReduceOptions& options) { return extreme<Min>(x, options); }

}  // namespace scangrad::inline v0
