#pragma once
// Reductions over some axes, which drop out of the shape.

#include "ops/rules.h"

namespace scangrad::inline v0::ops {

struct Reduction : AlongAxes<Primitive> {
  explicit Reduction(Dims over) : axes(std::move(over)) {}
  Dims axes;  ///< sorted
};

struct Sum final : Reduction {
  using Reduction::Reduction;
  std::string_view name() const override { return "sum"; }
  PrimitiveRef behind_batch() const override { return make_primitive<Sum>(ops::behind_batch(axes)); }
  MaybeTensors jvp(Ins ins, Outs outs, Tangents t) const override;
  MaybeTensors vjp(Ins ins, Outs outs, Tangents g, WantedMask) const override;
};

/// max and min: the elements that equal the result share its derivative equally.
struct Extreme : Reduction {
  using Reduction::Reduction;
  MaybeTensors jvp(Ins ins, Outs outs, Tangents t) const override;
  MaybeTensors vjp(Ins ins, Outs outs, Tangents g, WantedMask) const override;
};
struct Max final : Extreme {
  using Extreme::Extreme;
  std::string_view name() const override { return "max"; }
  PrimitiveRef behind_batch() const override { return make_primitive<Max>(ops::behind_batch(axes)); }
};
struct Min final : Extreme {
  using Extreme::Extreme;
  std::string_view name() const override { return "min"; }
  PrimitiveRef behind_batch() const override { return make_primitive<Min>(ops::behind_batch(axes)); }
};

/// The place of the first extreme along one axis; the first NaN, if there is one.
struct ArgMax final : Reduction {
  using Reduction::Reduction;
  std::string_view name() const override { return "argmax"; }
  PrimitiveRef behind_batch() const override { return make_primitive<ArgMax>(ops::behind_batch(axes)); }
};
struct ArgMin final : Reduction {
  using Reduction::Reduction;
  std::string_view name() const override { return "argmin"; }
  PrimitiveRef behind_batch() const override { return make_primitive<ArgMin>(ops::behind_batch(axes)); }
};

/// The shape without the axes.
Shape without_axes(const Shape& shape, const Dims& axes);
/// A reduced tensor with the axes back, broadcast to the shape before.
Tensor spread(const Tensor& reduced, const Dims& axes, const Shape& shape);
/// Applies a reduction to x as its public function's options say.
template <class P>
Tensor reduce(const Tensor& x, const Dims& axes, bool keepdims) {
  const Tensor y = apply(make_primitive<P>(axes), {without_axes(shape_of(x), axes), dtype_of_tensor(x)}, {x});
  if (!keepdims) return y;
  Shape shape = shape_of(x);
  for (std::int64_t axis : axes) shape[static_cast<std::size_t>(axis)] = 1;
  return reshape(y, shape);
}

}  // namespace scangrad::inline v0::ops
