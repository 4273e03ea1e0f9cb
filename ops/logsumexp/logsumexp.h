#pragma once
// logsumexp over axes, and the softmax weights that its derivatives are made of.
//
//   dy = <p, dx>,   p = softmax(x),   dp = p (dx - <p, dx>)
//
// A weight that is exactly 0 (x = -inf, or x finite beside a +inf) contributes 0 even where the tangent is inf or NaN; the product
// below knows that from x, not from a weight that may have underflowed.

#include "ops/reduce.h"

namespace scangrad::inline v0::ops {

struct LogSumExp final : Reduction {
  using Reduction::Reduction;
  std::string_view name() const override { return "logsumexp"; }
  PrimitiveRef behind_batch() const override { return make_primitive<LogSumExp>(ops::behind_batch(axes)); }
  MaybeTensors jvp(Ins ins, Outs outs, Tangents t) const override;
  MaybeTensors vjp(Ins ins, Outs outs, Tangents g, WantedMask) const override;
};

/// Weights exp(x - logsumexp(x)); all 0 where every x is -inf; shared by the elements that are +inf.
struct Softmax final : Reduction {
  using Reduction::Reduction;
  std::string_view name() const override { return "softmax"; }
  PrimitiveRef behind_batch() const override { return make_primitive<Softmax>(ops::behind_batch(axes)); }
  MaybeTensors jvp(Ins ins, Outs outs, Tangents t) const override;
  MaybeTensors vjp(Ins ins, Outs outs, Tangents g, WantedMask) const override;
};

}  // namespace scangrad::inline v0::ops
