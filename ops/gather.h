#pragma once
// Indexing by tensors of int64 indices, and sorting. Indices have no derivative.

#include "ops/rules.h"

namespace scangrad::inline v0::ops {

struct Take final : Linear {
  explicit Take(int along) : axis(along) {}
  std::string_view name() const override { return "take"; }
  BatchResult vmap(Ins ins, MappedMask mapped, Specs outs) const override;
  Tensor forward(const Tensor& t, Ins ins) const override { return take(t, ins[1], {.axis = axis}); }
  Tensor adjoint(const Tensor& g, Ins ins) const override { return scatter_add(zeros_like(ins[0]), ins[1], g, {.axis = axis}); }
  int axis;
};

struct ScatterAdd final : Primitive {
  explicit ScatterAdd(int along) : axis(along) {}
  std::string_view name() const override { return "scatter_add"; }
  BatchResult vmap(Ins ins, MappedMask mapped, Specs outs) const override;
  MaybeTensors jvp(Ins ins, Outs outs, Tangents t) const override;
  MaybeTensors vjp(Ins ins, Outs outs, Tangents g, WantedMask wanted) const override;
  int axis;
};

/// y_k = x[i_k] within each lane along an axis; and its adjoint, which has `size` elements along it. Negative indices count from the
/// end or, where they mean that nothing is taken (`sparse`), -1 stands for 0.
struct GatherAlong final : AlongAxes<Linear> {
  GatherAlong(int along, bool is_sparse) : axis(along), sparse(is_sparse) {}
  std::string_view name() const override { return "take_along_axis"; }
  PrimitiveRef behind_batch() const override { return make_primitive<GatherAlong>(axis + 1, sparse); }
  Tensor forward(const Tensor& t, Ins ins) const override;
  Tensor adjoint(const Tensor& g, Ins ins) const override;
  int axis;
  bool sparse;
};
struct ScatterAlong final : AlongAxes<Linear> {
  ScatterAlong(int along, bool is_sparse, std::int64_t n) : axis(along), sparse(is_sparse), size(n) {}
  std::string_view name() const override { return "scatter_along_axis"; }
  PrimitiveRef behind_batch() const override { return make_primitive<ScatterAlong>(axis + 1, sparse, size); }
  Tensor forward(const Tensor& t, Ins ins) const override;
  Tensor adjoint(const Tensor& g, Ins ins) const override;
  int axis;
  bool sparse;
  std::int64_t size;
};
Tensor gather_along(const Tensor& x, const Tensor& index, int axis, bool sparse);
Tensor scatter_along(const Tensor& g, const Tensor& index, int axis, bool sparse, std::int64_t size);

struct ArgSort final : AlongAxes<Constant> {
  ArgSort(int along, bool falling) : axis(along), descending(falling) {}
  std::string_view name() const override { return "argsort"; }
  PrimitiveRef behind_batch() const override { return make_primitive<ArgSort>(axis + 1, descending); }
  int axis;
  bool descending;
};

}  // namespace scangrad::inline v0::ops
