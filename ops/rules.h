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

/// The inputs' common size of axis 0, of those that are mapped.
std::int64_t batch_size(Ins ins, MappedMask mapped);
/// The shape with a batch axis in front.
Shape batch_shape(std::int64_t size, const Shape& shape);
/// x, which has a batch axis, with axes of size 1 behind that, so that it is of rank 1 + `rank`.
Tensor aligned(const Tensor& x, std::size_t rank);
/// x with a batch axis in front: as it is where it has one, else repeated.
Tensor batched(const Tensor& x, bool mapped, std::int64_t size);
/// `primitive` on inputs that are laid out for it: every output has the batch axis in front.
BatchResult apply_batched(const PrimitiveRef& primitive, core::FixedList<Tensor, 2> ins, Specs outs, std::int64_t size);

/// What the two kinds of operations below do.
BatchResult vmap_elements(const Primitive& primitive, Ins ins, MappedMask mapped, Specs outs);
BatchResult vmap_along_axes(const PrimitiveRef& behind_batch, Ins ins, MappedMask mapped, Specs outs);

/// An operation on elements, with broadcasting. A batch: the same operation, batch axes aligned.
template <class Base>
class OnElements : public Base {
 public:
  using Base::Base;
  BatchResult vmap(Ins ins, MappedMask mapped, Specs outs) const final { return vmap_elements(*this, ins, mapped, outs); }
};

/// An operation along some axes of inputs that agree in the others. A batch: the same operation, its axes one further.
template <class Base>
class AlongAxes : public Base {
 public:
  using Base::Base;
  virtual PrimitiveRef behind_batch() const = 0;
  BatchResult vmap(Ins ins, MappedMask mapped, Specs outs) const final {
    return vmap_along_axes(behind_batch(), ins, mapped, outs);
  }
};
/// Axes behind a batch axis.
Dims behind_batch(Dims axes);

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
class Elementwise : public OnElements<Primitive> {
 public:
  virtual Tensor times_partial(std::size_t i, Ins in, const Tensor& out, const Tensor& v) const = 0;

  MaybeTensors jvp(Ins ins, Outs outs, Tangents tangents) const override;
  MaybeTensors vjp(Ins ins, Outs outs, Tangents cotangents, WantedMask wanted) const override;
};

}  // namespace scangrad::inline v0::ops
