// One Gauss-Newton step, matrix-free: (J^T J + d) s = -J^T r by Eigen's conjugate gradients, where J t comes from linearize and J^T q
// from vjp, and no Jacobian is formed. The steps find the two decays that the data are a sum of.

#include <scangrad/eigen.h>
#include <scangrad/scangrad.h>

#include <Eigen/IterativeLinearSolvers>
#include <functional>
#include <iostream>

namespace sg = scangrad;
using sg::Tensor;

class LinearOperator;
template <>
struct Eigen::internal::traits<LinearOperator> : traits<Eigen::SparseMatrix<double>> {};

/// v -> A v, for Eigen's solvers.
class LinearOperator : public Eigen::EigenBase<LinearOperator> {
 public:
  using Scalar = double;
  using RealScalar = double;
  using StorageIndex = int;
  enum { ColsAtCompileTime = Eigen::Dynamic, MaxColsAtCompileTime = Eigen::Dynamic, IsRowMajor = false };

  LinearOperator(Eigen::Index n, std::function<Tensor(const Tensor&)> apply) : n_(n), apply_(std::move(apply)) {}
  Eigen::Index rows() const { return n_; }
  Eigen::Index cols() const { return n_; }
  Eigen::VectorXd times(const Eigen::VectorXd& v) const { return sg::as_eigen_vector<double>(apply_(sg::from_eigen(v))); }
  template <class Right>
  Eigen::Product<LinearOperator, Right, Eigen::AliasFreeProduct> operator*(const Eigen::MatrixBase<Right>& v) const {
    return {*this, v.derived()};
  }

 private:
  Eigen::Index n_;
  std::function<Tensor(const Tensor&)> apply_;
};

template <class Right>
struct Eigen::internal::generic_product_impl<LinearOperator, Right, Eigen::SparseShape, Eigen::DenseShape, Eigen::GemvProduct>
    : generic_product_impl_base<LinearOperator, Right, generic_product_impl<LinearOperator, Right>> {
  template <class To>
  static void scaleAndAddTo(To& to, const LinearOperator& A, const Right& v, double alpha) {
    to += alpha * A.times(v);
  }
};

int main() {
  const Tensor t = sg::linspace(0, 4, 50), truth = {2.5, 1.3, 1.0, 0.2};
  const auto model = [&](const Tensor& p) { return p[0] * sg::exp(-p[1] * t) + p[2] * sg::exp(-p[3] * t); };
  const Tensor seen = model(truth);
  const auto residual = [&](const Tensor& p) { return model(p) - seen; };

  Tensor p = {2.0, 1.0, 1.5, 0.5};
  double damping = 1e-2;
  for (int step = 0; step < 60; ++step, damping *= 0.5) {
    const auto [r, jvp] = sg::linearize(residual, {p});
    const auto pullback = sg::vjp(residual, {p}).pullback;
    const auto product = [&, &J = jvp](const Tensor& v) { return pullback(J(v)) + damping * v; };
    const LinearOperator normal(p.size(), product);
    Eigen::ConjugateGradient<LinearOperator, Eigen::Lower | Eigen::Upper, Eigen::IdentityPreconditioner> solver(normal);
    solver.setTolerance(1e-12);
    const Eigen::VectorXd s = solver.solve(sg::as_eigen_vector<double>(-pullback(r)));
    p = p + sg::from_eigen(s);
    sg::eval(p);
  }
  std::cout << "parameters " << sg::to_string(p, {.precision = 4}) << "\n";
}
