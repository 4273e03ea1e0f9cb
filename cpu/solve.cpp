// Triangular systems, by Eigen, and systems whose matrix was factored into two of them.

#include <limits>

#include "cpu/matrix.h"
#include "ops/linalg.h"

namespace scangrad::inline v0::cpu {
namespace {

using ops::Decomposable;

/// Which triangle of a matrix, and how it is taken.
struct Triangle {
  bool lower, transpose, unit_diagonal;
};

template <int mode, class A, class T>
void solve_triangle(const A& a, Rows<T>& x, bool unit_diagonal) {
  if (unit_diagonal) a.template triangularView<mode | Eigen::UnitDiag>().solveInPlace(x);
  else a.template triangularView<mode>().solveInPlace(x);
}

/// x becomes a^-1 x, or NaN where a 0 is on the diagonal.
template <class T>
void solve_triangle(const ConstRows<T>& a, Rows<T>& x, Triangle which) {
  if (!which.unit_diagonal && (a.diagonal().array() == T(0)).any()) {
    x.setConstant(std::numeric_limits<RealOf<T>>::quiet_NaN());
  } else if (which.transpose) {
    if (which.lower) solve_triangle<Eigen::Upper>(a.transpose(), x, which.unit_diagonal);
    else solve_triangle<Eigen::Lower>(a.transpose(), x, which.unit_diagonal);
  } else {
    if (which.lower) solve_triangle<Eigen::Lower>(a, x, which.unit_diagonal);
    else solve_triangle<Eigen::Upper>(a, x, which.unit_diagonal);
  }
}

/// conj(a)^-1 b = conj(a^-1 conj(b))
template <class T>
void conjugate(Rows<T>& x) {
  if constexpr (core::is_complex_type<T>) x = x.conjugate();
}

void triangular_solve(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  const TriangularOptions& options = static_cast<const ops::TriangularSolve&>(primitive).options;
  Array copy;
  const Array& a = with_rows(context, *ins[0], copy);
  Array& out = outs[0];
  copy_to(context, *ins[1], out);
  if (out.size() == 0) return;
  const std::int64_t n = a.shape().back(), k = out.shape().back();
  const auto items = over_items<2>(batch_axes(out, 2), {Batch{a, 2}, Batch{out, 2}});
  visit_checked(Decomposable{}, out.dtype(), [&]<class T>() {
    for_each_item(context, items, n * n * k / 2, [&](const auto& at) {
      Rows<T> x(out.data<T>() + at[1], n, k);
      if (options.conjugate) conjugate(x);
      solve_triangle(rows_at<T>(a, at[0]), x, Triangle{options.lower, options.transpose, options.unit_diagonal});
      if (options.conjugate) conjugate(x);
    });
  });
}

// Row i of L U is row p[i] of A: L U x = b[p], and for the adjoint, conj(x)[p] = L^-T U^-T conj(b).
void solve(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  const bool adjoint = static_cast<const ops::Solve&>(primitive).adjoint;
  Array copies[2];
  const Array &lu = with_rows(context, *ins[1], copies[0]), &permutation = core::row_major(context, *ins[2], copies[1]);
  Array& out = outs[0];
  copy_to(context, *ins[3], out);
  if (out.size() == 0) return;
  const std::int64_t n = lu.shape().back(), k = out.shape().back();
  const auto items = over_items<3>(batch_axes(out, 2), {Batch{lu, 2}, Batch{permutation, 1}, Batch{out, 2}});
  visit_checked(Decomposable{}, out.dtype(), [&]<class T>() {
    for_each_item(context, items, n * n * k, [&](const auto& at) {
      const ConstRows<T> factors = rows_at<T>(lu, at[0]);
      const Eigen::Map<const Eigen::Array<std::int64_t, Eigen::Dynamic, 1>> p(permutation.data<std::int64_t>() + at[1], n);
      Rows<T> x(out.data<T>() + at[2], n, k);
      Matrix<T> moved;
      if (adjoint) {
        conjugate(x);
        solve_triangle(factors, x, {.lower = false, .transpose = true, .unit_diagonal = false});
        solve_triangle(factors, x, {.lower = true, .transpose = true, .unit_diagonal = true});
        conjugate(x);
        moved = x;
        x(p, Eigen::all) = moved;
      } else {
        moved = x(p, Eigen::all);
        x = moved;
        solve_triangle(factors, x, {.lower = true, .transpose = false, .unit_diagonal = true});
        solve_triangle(factors, x, {.lower = false, .transpose = false, .unit_diagonal = false});
      }
    });
  });
}

}  // namespace

void register_solvers() {
  core::add_kernel<ops::TriangularSolve>(DeviceType::cpu, triangular_solve);
  core::add_kernel<ops::Solve>(DeviceType::cpu, solve);
}

}  // namespace scangrad::inline v0::cpu
