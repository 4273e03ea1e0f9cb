#pragma once
// Indexing by tensors of int64 indices, and sorting. Indices have no derivative.

#include "ops/rules.h"

namespace scangrad::inline v0::ops {

struct Take final : Linear {
  explicit Take(int along) : axis(along) {}
  std::string_view name() const override { return "take"; }
  Tensor forward(const Tensor& t, Ins ins) const override { return take(t, ins[1], {.axis = axis}); }
  Tensor adjoint(const Tensor& g, Ins ins) const override { return scatter_add(zeros_like(ins[0]), ins[1], g, {.axis = axis}); }
  int axis;
};

struct ScatterAdd final : Primitive {
  explicit ScatterAdd(int along) : axis(along) {}
  std::string_view name() const override { return "scatter_add"; }
  MaybeTensors jvp(Ins ins, Outs outs, Tangents t) const override;
  MaybeTensors vjp(Ins ins, Outs outs, Tangents g, WantedMask wanted) const override;
  int axis;
};

struct ArgSort final : Constant {
  ArgSort(int along, bool falling) : axis(along), descending(falling) {}
  std::string_view name() const override { return "argsort"; }
  int axis;
  bool descending;
};

}  // namespace scangrad::inline v0::ops
