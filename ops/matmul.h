#pragma once
// The product of two matrices.

#include "ops/rules.h"

namespace scangrad::inline v0::ops {

/// (m, k) by (k, n).
struct MatMul final : Primitive {
  std::string_view name() const override { return "matmul"; }
  MaybeTensors jvp(Ins ins, Outs outs, Tangents t) const override;
  MaybeTensors vjp(Ins ins, Outs outs, Tangents g, WantedMask wanted) const override;
};

}  // namespace scangrad::inline v0::ops
