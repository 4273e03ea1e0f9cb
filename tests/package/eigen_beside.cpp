// A user's program with an Eigen of its own beside the library's: it instantiates the templates that the library uses itself, and
// prints the library's results bit by bit. They must not depend on how this program's Eigen was compiled.

#include <scangrad/eigen.h>
#include <Eigen/Core>
#include <cstdio>

#ifdef EXPECTED_MINOR_VERSION
static_assert(EIGEN_MINOR_VERSION == EXPECTED_MINOR_VERSION, "another Eigen is included than the test means to");
#endif

namespace sg = scangrad;

namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// The user's Eigen: products, and a vector of a fixed size, whose alignment depends on the machine.
double of_the_user() {
  const Matrix a = Matrix::Random(97, 61), b = Matrix::Random(61, 83);
  const Eigen::MatrixXd c = Eigen::MatrixXd::Random(83, 97);
  Matrix d = a * b;
  d.noalias() += c.transpose() * Matrix::Identity(83, 83);
  // As the library has it: the same templates, which a linker would merge with its own.
  Matrix e(97, 83);
  using Rows = Eigen::Map<Matrix, 0, Eigen::OuterStride<>>;
  using ConstRows = Eigen::Map<const Matrix, 0, Eigen::OuterStride<>>;
  Rows out(e.data(), 97, 83, Eigen::OuterStride<>(83));
  out.noalias() = ConstRows(a.data(), 97, 61, Eigen::OuterStride<>(61)) * ConstRows(b.data(), 61, 83, Eigen::OuterStride<>(83));
  const Eigen::Matrix<double, 8, 1> block = Eigen::Matrix<double, 8, 1>::Constant(2);
  return d.norm() + e.norm() + (a * c.col(0).head(61)).norm() + block.squaredNorm();
}

sg::Tensor waves(std::int64_t rows, std::int64_t columns, double step) {
  return sg::reshape(sg::sin(sg::arange(static_cast<double>(rows * columns)) * step), {rows, columns});
}

}  // namespace

int main() {
  if (!(of_the_user() > 0)) return 1;
  const sg::Tensor a = waves(97, 61, 0.7), b = waves(61, 83, 1.3);
  const auto product = sg::as_eigen_matrix<double>(sg::matmul(a, b));
  for (Eigen::Index i = 0; i < product.rows(); i += 7) std::printf("%a %a\n", product(i, i % 83), product(i, 5));
  const Matrix mine = sg::as_eigen_matrix<double>(a) * sg::as_eigen_matrix<double>(b);
  return product.isApprox(mine) ? 0 : 2;
}
