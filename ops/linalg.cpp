#include "ops/linalg.h"
#include "core/planted.h"

#include "ops/shape.h"

namespace scangrad::inline v0 {
namespace ops {
namespace {

Tensor hermitian_part(const Tensor& x) { return (x + conj_transpose(x)) * 0.5; }
/// The lower triangle with half of the diagonal: P(X) + P(X)^H = X for Hermitian X.
Tensor lower_half(const Tensor& x) { return SCANGRAD_PLANT(cholesky_whole_diagonal, (tril(x) + tril(x, -1)) * 0.5, tril(x)); }

/// The part of a that a triangular solve reads.
Tensor triangle(const Tensor& a, const TriangularOptions& options) {
  const int inside = options.unit_diagonal ? 1 : 0;
  return options.lower ? tril(a, -inside) : triu(a, inside);
}
/// a as the options turn it; its own inverse and adjoint.
Tensor turned(const Tensor& a, const TriangularOptions& options) {
  const Tensor x = options.conjugate ? conjugate(a) : a;
  return options.transpose ? matrix_transpose(x) : x;
}
TriangularOptions adjoint_of(TriangularOptions options) {
  options.transpose = !options.transpose;
  options.conjugate = SCANGRAD_PLANT(triangular_adjoint_conj, !options.conjugate, options.conjugate);
  return options;
}

Tensor solved(Ins ins, const Tensor& b, bool adjoint) {
  Shape shape = matrices(common_batch(ins[0], b), rows_of(b), columns_of(b));
  return apply(make_primitive<Solve>(adjoint), {std::move(shape), dtype_of_tensor(b)}, {ins[0], ins[1], ins[2], b});
}
Tensor identity_like(const Tensor& a) { return eye(columns_of(a), {.dtype = a.dtype()}); }

}  // namespace

MaybeTensors Cholesky::jvp(Ins, Outs outs, Tangents t) const {
  const Tensor& l = outs[0];
  const Tensor left = triangular_solve(l, hermitian_part(*t[0]));
  return {matmul(l, lower_half(conj_transpose(triangular_solve(l, conj_transpose(left)))))};
}

MaybeTensors Cholesky::vjp(Ins, Outs outs, Tangents g, WantedMask) const {
  const Tensor& l = outs[0];
  const TriangularOptions adjoint = {.transpose = true, .conjugate = true};
  const Tensor left = triangular_solve(l, lower_half(matmul(conj_transpose(l), *g[0])), adjoint);
  return {hermitian_part(triangular_solve(l, conj_transpose(left), adjoint))};
}

MaybeTensors TriangularSolve::jvp(Ins ins, Outs outs, Tangents t) const {
  MaybeTensor db = t[1];
  if (t[0]) db = sum_of(std::move(db), -matmul(turned(triangle(*t[0], options), options), outs[0]));
  return {triangular_solve(ins[0], *db, options)};
}

MaybeTensors TriangularSolve::vjp(Ins ins, Outs outs, Tangents g, WantedMask wanted) const {
  const Tensor gb = triangular_solve(ins[0], *g[0], adjoint_of(options));
  MaybeTensors result(2);
  if (wanted[0]) {
    const Tensor ga = turned(-matmul(gb, conj_transpose(outs[0])), options);
    result[0] = triangle(unbroadcast(ga, shape_of(ins[0])), options);
  }
  if (wanted[1]) result[1] = unbroadcast(gb, shape_of(ins[1]));
  return result;
}

MaybeTensors Solve::jvp(Ins ins, Outs outs, Tangents t) const {
  MaybeTensor db = t[3];
  if (t[0]) db = sum_of(std::move(db), -matmul(adjoint ? conj_transpose(*t[0]) : *t[0], outs[0]));
  return {solved(ins, *db, adjoint)};
}

MaybeTensors Solve::vjp(Ins ins, Outs outs, Tangents g, WantedMask wanted) const {
  const Tensor gb = solved(ins, *g[0], !adjoint);
  MaybeTensors result(4);
  if (wanted[0]) {
    const Tensor ga = adjoint ? matmul(outs[0], conj_transpose(gb)) : matmul(gb, conj_transpose(outs[0]));
    result[0] = SCANGRAD_PLANT(solve_gradient_sign, -unbroadcast(ga, shape_of(ins[0])), unbroadcast(ga, shape_of(ins[0])));
  }
  if (wanted[3]) result[3] = unbroadcast(gb, shape_of(ins[3]));
  return result;
}

// Batch axes broadcast, once each input has as many of them: the permutation's items have one axis less.
BatchResult Solve::vmap(Ins ins, MappedMask mapped, Specs outs) const {
  core::FixedList<Tensor, 2> all(ins);
  for (std::size_t i = 0; i < ins.size(); ++i)
    if (mapped[i]) all[i] = aligned(ins[i], outs[0].shape.size() - (i == 2 ? 1 : 0));
  return apply_batched(PrimitiveRef(this), std::move(all), outs, batch_size(ins, mapped));
}

MaybeTensors LogDet::jvp(Ins ins, Outs, Tangents t) const {
  return {sum(diagonals(solved(ins.subspan(1), *t[1], false)), {.axis = -1})};
}

MaybeTensors LogDet::vjp(Ins ins, Outs, Tangents g, WantedMask) const {
  MaybeTensors result(4);
  result[1] = expand_dims(*g[0], {-2, -1}) * solved(ins.subspan(1), identity_like(ins[1]), true);
  return result;
}

}  // namespace ops

using namespace ops;

namespace {

/// An operand as a tensor of square matrices of a dtype that decompositions take.
Tensor square_matrices(const Operand& a, DType dtype) {
  check_dtype(Decomposable{}, dtype);
  const Tensor x = in_dtype(a, dtype);
  check(x.rank() >= 2 && rows_of(x) == columns_of(x), "takes square matrices (..., n, n), given the shape {}", shape_of(x));
  return x;
}
Tensor square_matrices(const Operand& a) { return square_matrices(a, float_dtype(as_tensor(a).dtype())); }

/// Calls f(a, b, shape of the result) for a system a x = b whose right sides are matrices.
template <class F>
Tensor system(const Operand& a, const Operand& b, const F& f) {
  const DType dtype = float_dtype(common_dtype(a, b));
  const Tensor x = square_matrices(a, dtype), given = in_dtype(b, dtype);
  const bool vector = given.rank() == 1;
  check(given.rank() > 0 && (vector ? columns_of(given) : rows_of(given)) == columns_of(x),
        "shapes {} and {} do not match: the right side must be ({},) or (..., {}, k)", shape_of(x), shape_of(given),
        columns_of(x), columns_of(x));
  const Tensor y = vector ? expand_dims(given, -1) : given;
  Shape shape = matrices(common_batch(x, y), rows_of(y), columns_of(y));
  core::checked_size(shape, item_size(dtype));
  const Tensor solution = f(x, y, shape);
  return vector ? squeeze(solution, -1) : solution;
}

Factors factors(const Tensor& a) {
  const Shape& shape = shape_of(a);
  const DType dtype = dtype_of_tensor(a), real = dtype == DType::complex64    ? DType::float32
                                                 : dtype == DType::complex128 ? DType::float64
                                                                              : dtype;
  const Shape batch = batch_of(a), rows(std::span(shape.begin(), shape.end() - 1));
  core::checked_size(rows, sizeof(std::int64_t));
  const auto outs =
      core::apply_multi(shared_primitive<Factor>(), {{shape, dtype}, {rows, DType::int64}, {batch, dtype}, {batch, real}}, {a});
  return {outs[0], outs[1], outs[2], outs[3]};
}

}  // namespace

Tensor cholesky(const Operand& a) {
  const CallScope scope("cholesky", a.site());
  const Tensor x = square_matrices(a);
  return apply(shared_primitive<Cholesky>(), core::node_of(x).value.spec, {x});
}

Tensor triangular_solve(const Operand& a, const Operand& b, const TriangularOptions& options) {
  const CallScope scope("triangular_solve", a.site());
  return system(a, b, [&](const Tensor& x, const Tensor& y, const Shape& shape) {
    return apply(make_primitive<TriangularSolve>(options), {shape, dtype_of_tensor(x)}, {x, y});
  });
}

Tensor solve(const Operand& a, const Operand& b) {
  const CallScope scope("solve", a.site());
  return system(a, b, [&](const Tensor& x, const Tensor& y, const Shape& shape) {
    const Factors f = factors(x);
    return apply(make_primitive<Solve>(false), {shape, dtype_of_tensor(x)}, {x, f.lu, f.permutation, y});
  });
}

Tensor inverse(const Operand& a) {
  const CallScope scope("inverse", a.site());
  const Tensor x = square_matrices(a);
  return solve(x, identity_like(x));
}

SlogDet slogdet(const Operand& a) {
  const CallScope scope("slogdet", a.site());
  const Tensor x = square_matrices(a);
  const bool real_valued = !is_complex(dtype_of_tensor(x));
  const Factors f = factors(x);
  const Tensor value = real_valued ? f.logabsdet : complex(f.logabsdet, angle(f.sign));
  const Tensor log = apply(shared_primitive<LogDet>(), core::node_of(value).value.spec, {value, x, f.lu, f.permutation});
  if (real_valued) return {f.sign, log};
  return {where(f.sign == 0, 0, exp(complex(0, imag(log)))), real(log)};
}

Tensor logdet(const Operand& a) {
  const CallScope scope("logdet", a.site());
  return slogdet(a).logabsdet;
}

}  // namespace scangrad::inline v0
