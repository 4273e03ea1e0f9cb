#pragma once
// What derivative rules are written with.

#include <algorithm>

#include "ops/operands.h"

namespace scangrad::inline v0::ops {

/// Sum of two derivatives, either of which may be a symbolic zero.
MaybeTensor sum_of(MaybeTensor a, MaybeTensor b);
/// Sums a cotangent over the axes along which its input was broadcast.
Tensor unbroadcast(const Tensor& g, const Shape& shape);
/// The complex conjugate; a real tensor as it is.
Tensor conjugate(const Tensor& x);
/// A tensor of zeros like x.
inline Tensor zeros_like(const Tensor& x) { return zeros(x.shape(), {.dtype = x.dtype()}); }
/// The derivative itself, or zeros like `primal` where it is a symbolic zero.
inline Tensor dense(const MaybeTensor& derivative, const Tensor& primal) {
  return derivative ? *derivative : zeros_like(primal);
}

/// p t for weights p: 0 where the mask says that there is none; elsewhere it is positive, however small, and a t that is not finite stays.
Tensor weighted(const Tensor& p, const Tensor& t, const Tensor& mask);

/// f on a derivative, where there is one.
template <class F>
MaybeTensor map(const MaybeTensor& derivative, const F& f) {
  if (!derivative) return std::nullopt;
  return f(*derivative);
}

/// An operation through which no derivative passes: comparisons, indices, signs.
class Constant : public Primitive {
 public:
  MaybeTensors jvp(Ins, Outs outs, Tangents) const override { return MaybeTensors(outs.size()); }
  MaybeTensors vjp(Ins ins, Outs, Tangents, WantedMask) const override { return MaybeTensors(ins.size()); }
};

/// A linear map of its first input: J is the operation itself, and the adjoint is what `adjoint` says.
class Linear : public Primitive {
 public:
  virtual Tensor forward(const Tensor& t, Ins ins) const = 0;
  virtual Tensor adjoint(const Tensor& g, Ins ins) const = 0;

  MaybeTensors jvp(Ins ins, Outs, Tangents t) const override { return {forward(*t[0], ins)}; }
  MaybeTensors vjp(Ins ins, Outs, Tangents g, WantedMask) const override {
    MaybeTensors result(ins.size());
    result[0] = adjoint(*g[0], ins);
    return result;
  }
};

/// An operation on elements, with broadcasting: its Jacobian is diagonal, so that one formula, v times the partial derivative by
/// input i, serves both modes.
class Elementwise : public Primitive {
 public:
  virtual Tensor times_partial(std::size_t i, Ins in, const Tensor& out, const Tensor& v) const = 0;

  MaybeTensors jvp(Ins ins, Outs outs, Tangents tangents) const override;
  MaybeTensors vjp(Ins ins, Outs outs, Tangents cotangents, WantedMask wanted) const override;
};

}  // namespace scangrad::inline v0::ops
