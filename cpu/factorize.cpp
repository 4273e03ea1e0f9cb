// Factors of square matrices, by Eigen, a matrix of the batch at a time and in place.

#include <Eigen/Cholesky>
#include <Eigen/LU>
#include <limits>

#include "cpu/matrix.h"
#include "ops/linalg.h"

namespace scangrad::inline v0::cpu {
namespace {

using ops::Decomposable;

std::int64_t cube(std::int64_t n) { return n * n * n; }

template <class T>
void cholesky_of(Rows<T> a) {
  const Eigen::LLT<Eigen::Ref<Matrix<T>>> factor(a);  // in the lower triangle
  if (factor.info() != Eigen::Success)
    a.template triangularView<Eigen::Lower>().setConstant(std::numeric_limits<RealOf<T>>::quiet_NaN());
  a.template triangularView<Eigen::StrictlyUpper>().setZero();
}

void cholesky(const Context& context, const Primitive&, Inputs ins, Outputs outs) {
  Array& out = outs[0];
  copy_to(context, *ins[0], out);
  if (out.size() == 0) return;
  const std::int64_t n = out.shape().back();
  visit_checked(Decomposable{}, out.dtype(), [&]<class T>() {
    for_each_item(context, over_items<1>(batch_axes(out, 2), {Batch{out, 2}}), cube(n) / 3, [&](const auto& at) {
      cholesky_of<T>({out.data<T>() + at[0], n, n});
    });
  });
}

/// The factors in place, row i of them from row permutation[i]; and the determinant.
template <class T>
void factor(Rows<T> a, std::int64_t* permutation, T& sign, RealOf<T>& logabsdet) {
  const Eigen::PartialPivLU<Eigen::Ref<Matrix<T>>> lu(a);
  const auto& rows = lu.permutationP().indices();
  for (Eigen::Index i = 0; i < rows.size(); ++i) permutation[rows[i]] = i;
  using Wide = std::conditional_t<core::is_complex_type<T>, std::complex<double>, double>;
  Wide turn = static_cast<double>(lu.permutationP().determinant());
  double log = 0;
  for (Eigen::Index i = 0; i < a.rows(); ++i) {
    const Wide pivot(a(i, i));
    const double size = std::abs(pivot);
    turn = size == 0 ? Wide(0) : turn * (pivot / size);
    log += std::log(size);
  }
  sign = core::convert<T>(turn);
  logabsdet = static_cast<RealOf<T>>(log);
}

void lu(const Context& context, const Primitive&, Inputs ins, Outputs outs) {
  Array& a = outs[0];
  copy_to(context, *ins[0], a);
  for (std::size_t i = 1; i < outs.size(); ++i) context.allocate(outs[i]);
  if (outs[2].size() == 0) return;
  const std::int64_t n = a.shape().back();
  const auto items = over_items<4>(batch_axes(a, 2), {Batch{a, 2}, Batch{outs[1], 1}, Batch{outs[2], 0}, Batch{outs[3], 0}});
  visit_checked(Decomposable{}, a.dtype(), [&]<class T>() {
    for_each_item(context, items, cube(n) / 3, [&](const auto& at) {
      factor<T>({a.data<T>() + at[0], n, n}, outs[1].data<std::int64_t>() + at[1], outs[2].data<T>()[at[2]],
                outs[3].data<RealOf<T>>()[at[3]]);
    });
  });
}

}  // namespace

void register_factorizations() {
  core::add_kernel<ops::Cholesky>(DeviceType::cpu, cholesky);
  core::add_kernel<ops::Factor>(DeviceType::cpu, lu);
  core::add_kernel<ops::LogDet>(DeviceType::cpu, core::share_value);
}

}  // namespace scangrad::inline v0::cpu
