#pragma once
// The primitives of linear algebra. X^H is the conjugate transpose; cotangents G belong to Re <G, dX> = Re tr(G^H dX).
//
//   L L^H = A        dL = L P(L^-1 dA L^-H),   GA = herm(L^-H P(L^H GL) L^-1)     P: lower triangle, half of the diagonal
//   A X = B          dX = A^-1 (dB - dA X),    GB = A^-H GX,  GA = -GB X^H
//   l = log det A    dl = tr(A^-1 dA),         GA = gl A^-H
//
// An elimination is done once: Factor finds it, and Solve and LogDet, with A itself as one more input, use it in every derivative. The
// factors are constants to the rules, since the rules know how results depend on A.

#include "ops/matmul.h"
#include "scangrad/linalg.h"

namespace scangrad::inline v0::ops {

/// Operations on the last axes, which are the last ones of a batch too.
template <class Base>
class OnLastAxes : public AlongAxes<Base> {
 public:
  PrimitiveRef behind_batch() const final { return PrimitiveRef(this); }
};

/// The dtypes that decompositions are computed in.
using Decomposable = core::TypeList<float, double, std::complex<float>, std::complex<double>>;

struct Cholesky final : OnLastAxes<Primitive> {
  std::string_view name() const override { return "cholesky"; }
  MaybeTensors jvp(Ins ins, Outs outs, Tangents t) const override;
  MaybeTensors vjp(Ins ins, Outs outs, Tangents g, WantedMask) const override;
};

/// a, b -> x.
struct TriangularSolve final : OnElements<Primitive> {
  explicit TriangularSolve(const TriangularOptions& how) : options(how) {}
  std::string_view name() const override { return "triangular_solve"; }
  MaybeTensors jvp(Ins ins, Outs outs, Tangents t) const override;
  MaybeTensors vjp(Ins ins, Outs outs, Tangents g, WantedMask wanted) const override;
  TriangularOptions options;
};

/// Row i of L U is row permutation[i] of a; L's diagonal is ones.
struct Factors {
  Tensor lu;           ///< L below the diagonal, U above and on it
  Tensor permutation;  ///< (..., n), int64
  Tensor sign;         ///< (...): the determinant's
  Tensor logabsdet;    ///< (...), real
};
struct Factor final : OnLastAxes<Constant> {
  std::string_view name() const override { return "lu"; }
};

/// a, lu, permutation, b -> x with a x = b or, adjoint, a^H x = b.
struct Solve final : Primitive {
  explicit Solve(bool with_adjoint) : adjoint(with_adjoint) {}
  std::string_view name() const override { return "solve"; }
  BatchResult vmap(Ins ins, MappedMask mapped, Specs outs) const override;
  MaybeTensors jvp(Ins ins, Outs outs, Tangents t) const override;
  MaybeTensors vjp(Ins ins, Outs outs, Tangents g, WantedMask wanted) const override;
  bool adjoint;
};

/// log det a, a, lu, permutation -> log det a (of complex a, its imaginary part is the angle): it brings the derivative.
struct LogDet final : OnLastAxes<Primitive> {
  std::string_view name() const override { return "logdet"; }
  MaybeTensors jvp(Ins ins, Outs outs, Tangents t) const override;
  MaybeTensors vjp(Ins ins, Outs outs, Tangents g, WantedMask) const override;
};

}  // namespace scangrad::inline v0::ops
