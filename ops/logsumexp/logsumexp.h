#pragma once
// logsumexp over axes, and the softmax weights p = exp(x - logsumexp(x)) that its derivatives are made of. They are kernels of their own,
// linear in t, so that they can be transposed; with J t = p (t - <p, t>), the derivative of p, which is its own adjoint:
//
//   of y = logsumexp(x):   dy = <p, dx>
//   of p t (SoftmaxTimes): p dt + t J dx
//   of J t:                J dt + J(u v),   u = t - <p, t>,   v = dx - <p, dx>
//
// A weight that is exactly 0 (x = -inf, or x finite beside a +inf) contributes 0 even where the tangent is inf or NaN; any other is
// positive, even where it underflows, and a tangent that is not finite stays. +inf share the weight.

#include "ops/reduce.h"

namespace scangrad::inline v0::ops {

struct LogSumExp final : Reduction {
  using Reduction::Reduction;
  std::string_view name() const override { return "logsumexp"; }
  PrimitiveRef behind_batch() const override { return make_primitive<LogSumExp>(ops::behind_batch(axes)); }
  MaybeTensors jvp(Ins ins, Outs outs, Tangents t) const override;
  MaybeTensors vjp(Ins ins, Outs outs, Tangents g, WantedMask) const override;
};

/// x, t -> p t
struct SoftmaxTimes final : Reduction {
  using Reduction::Reduction;
  std::string_view name() const override { return "softmax_times"; }
  PrimitiveRef behind_batch() const override { return make_primitive<SoftmaxTimes>(ops::behind_batch(axes)); }
  MaybeTensors jvp(Ins ins, Outs outs, Tangents t) const override;
  MaybeTensors vjp(Ins ins, Outs outs, Tangents g, WantedMask) const override;
};

/// x, t -> J t
struct SoftmaxJacobian final : Reduction {
  using Reduction::Reduction;
  std::string_view name() const override { return "softmax_jacobian"; }
  PrimitiveRef behind_batch() const override { return make_primitive<SoftmaxJacobian>(ops::behind_batch(axes)); }
  MaybeTensors jvp(Ins ins, Outs outs, Tangents t) const override;
  MaybeTensors vjp(Ins ins, Outs outs, Tangents g, WantedMask) const override;
};

}  // namespace scangrad::inline v0::ops
