#pragma once
// Linear algebra: factorisations, linear systems, determinants. Of matrices (..., n, n) in batches, in float32, float64, complex64 and
// complex128; integers are taken as float64. Every function is differentiable to any order in both modes; adjoints are Hermitian.

#include "scangrad/ops.h"

namespace scangrad::inline v0 {

/// The lower triangular L with L L^H = a, its diagonal real and positive; zeros above. Reads a's lower triangle only (the diagonal's real
/// part). The derivatives are those of the symmetric function: the tangent's Hermitian part counts, and gradients are Hermitian.
/// Where a is not positive definite, L's lower triangle is NaN.
SCANGRAD_API Tensor cholesky(const Operand& a);

/// Of triangular_solve.
struct TriangularOptions {
  detail::ByName by_name = detail::ByName();
  bool lower = true;           ///< which triangle of a is read; the other one has derivative 0
  bool transpose = false;      ///< solve with the transposed matrix,
  bool conjugate = false;      ///< with the conjugate one; both: with a^H
  bool unit_diagonal = false;  ///< take the diagonal as ones, whatever it is
};
/// x with a x = b for a triangular a. b: (n,), or (..., n, k), leading axes broadcast. Where a 0 is on the diagonal, x is NaN.
SCANGRAD_API Tensor triangular_solve(const Operand& a, const Operand& b, const TriangularOptions& options = {});

/// x with a x = b, by elimination with pivots. b: (n,), or (..., n, k), leading axes broadcast. Where a pivot is 0 (a is singular),
/// x is NaN. Derivatives use the same factors again.
SCANGRAD_API Tensor solve(const Operand& a, const Operand& b);
/// Prefer solve, which is faster and more accurate than a product with the inverse.
SCANGRAD_API Tensor inverse(const Operand& a);

/// The result of slogdet.
struct SlogDet {
  Tensor sign;       ///< -1, 0 or 1; for complex a of modulus 1, or 0
  Tensor logabsdet;  ///< real; -inf where a is singular, with derivatives that are NaN
};
/// The determinant as sign * exp(logabsdet), which neither overflows nor vanishes.
SCANGRAD_API SlogDet slogdet(const Operand& a);
SCANGRAD_API Tensor logdet(const Operand& a);  ///< log |det a|: slogdet(a).logabsdet

}  // namespace scangrad::inline v0
