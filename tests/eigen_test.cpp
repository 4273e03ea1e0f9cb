// scangrad/eigen.h: every matrix keeps its elements on the way to a tensor and back; memory is shared where that is promised.

#include "scangrad/eigen.h"

#include "scangrad/scangrad.h"
#include "support/catch.h"
#include "support/message.h"

namespace sg = scangrad;
using sg::test::message;

namespace {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Numbers = std::vector<double>;

}  // namespace

TEST_CASE("from_eigen copies expressions of either order", "[eigen]") {
  Eigen::MatrixXd a(2, 3);
  a << 1, 2, 3, 4, 5, 6;
  const RowMajor b = a;
  for (const sg::Tensor& x :
       {sg::from_eigen(a), sg::from_eigen(b), sg::from_eigen(a.array() + 0.0), sg::from_eigen(0.5 * a + 0.5 * b)}) {
    CHECK(x.shape() == sg::Shape{2, 3});
    CHECK(x.to_vector<double>() == Numbers{1, 2, 3, 4, 5, 6});
  }
  CHECK(sg::from_eigen(a.transpose()).to_vector<double>() == Numbers{1, 4, 2, 5, 3, 6});
  CHECK(sg::from_eigen(b.rightCols(2)).to_vector<double>() == Numbers{2, 3, 5, 6});
  const sg::Tensor x = sg::from_eigen(a);
  a(0, 0) = 9;
  CHECK(x.to_vector<double>()[0] == 1);
}

TEST_CASE("vectors of Eigen have rank 1", "[eigen]") {
  const Eigen::VectorXd v = Eigen::VectorXd::LinSpaced(3, 1, 3);
  const Eigen::RowVectorXd row = v.transpose();
  const Eigen::MatrixXd matrix = row.replicate(2, 1);
  for (const sg::Tensor& x : {sg::from_eigen(v), sg::from_eigen(row), sg::from_eigen(matrix.row(1)), sg::borrow_eigen(v),
                              sg::borrow_eigen(row), sg::from_eigen(Eigen::VectorXd(v))}) {
    CHECK(x.shape() == sg::Shape{3});
    CHECK(x.to_vector<double>() == Numbers{1, 2, 3});
  }
  CHECK(sg::from_eigen(Eigen::MatrixXd(v)).shape() == sg::Shape{3, 1});
}

TEST_CASE("scalar types become their dtypes", "[eigen]") {
  CHECK(sg::from_eigen(Eigen::VectorXf::Zero(2)).dtype() == sg::DType::float32);
  CHECK(sg::from_eigen(Eigen::VectorXi::Zero(2)).dtype() == sg::DType::int32);
  CHECK(sg::from_eigen(Eigen::VectorX<std::int64_t>::Zero(2)).dtype() == sg::DType::int64);
  CHECK(sg::from_eigen(Eigen::VectorX<bool>::Zero(2)).dtype() == sg::DType::boolean);
  CHECK(sg::from_eigen(Eigen::VectorXcd::Zero(2)).dtype() == sg::DType::complex128);
}

TEST_CASE("from_eigen takes the memory of a temporary over", "[eigen]") {
  sg::Tensor x;
  const double* memory = nullptr;
  {
    RowMajor b(2, 2);
    b << 1, 2, 3, 4;
    memory = b.data();
    x = sg::from_eigen(std::move(b));
  }
  CHECK(x.data<double>().data() == memory);
  CHECK(x.to_vector<double>() == Numbers{1, 2, 3, 4});

  Eigen::MatrixXd a(2, 2);  // column-major: the tensor has strides
  a << 1, 2, 3, 4;
  const sg::Tensor y = sg::from_eigen(std::move(a));
  CHECK(y.to_vector<double>() == Numbers{1, 2, 3, 4});
  CHECK(sg::sum(y * x).item<double>() == 30);
  CHECK(sg::from_eigen(Eigen::Matrix2d(Eigen::Matrix2d::Identity())).to_vector<double>() == Numbers{1, 0, 0, 1});
}

TEST_CASE("borrow_eigen reads the matrix's own memory", "[eigen]") {
  const Eigen::VectorXd v = Eigen::VectorXd::Ones(3);
  CHECK(sg::borrow_eigen(v).data<double>().data() == v.data());
  const Eigen::MatrixXd a = Eigen::MatrixXd::Random(3, 2);
  const RowMajor b = a;
  CHECK(sg::borrow_eigen(b).data<double>().data() == b.data());
  CHECK(sg::as_eigen_matrix<double>(sg::borrow_eigen(a)) == a);
  // Operations do not write into it, though nobody else holds the tensor.
  CHECK(sg::exp(sg::borrow_eigen(v)).to_vector<double>()[0] > 2);
  CHECK(v == Eigen::VectorXd::Ones(3));
}

TEST_CASE("tensors as matrices of Eigen", "[eigen]") {
  const sg::Tensor x = {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}};
  Eigen::MatrixXd expected(2, 3);
  expected << 1, 2, 3, 4, 5, 6;
  CHECK(sg::as_eigen_matrix<double>(x) == expected);
  CHECK(sg::as_eigen_matrix<double>(x).data() == x.data<double>().data());
  CHECK(sg::as_eigen_matrix<double>(sg::transpose(x)) == expected.transpose());

  auto v = sg::as_eigen_vector<double>(sg::cumsum(sg::Tensor{1.0, 2.0, 3.0}));  // outlives the tensor
  const auto copy = v;
  const Eigen::VectorXd product = expected * copy;
  CHECK(copy == Eigen::Vector3d(1, 3, 6));
  CHECK(product == Eigen::Vector2d(25, 55));
}

TEST_CASE("empty matrices", "[eigen]") {
  CHECK(sg::from_eigen(Eigen::VectorXd()).shape() == sg::Shape{0});
  CHECK(sg::from_eigen(Eigen::MatrixXd(0, 3)).shape() == sg::Shape{0, 3});
  const Eigen::MatrixXd none(2, 0);
  CHECK(sg::borrow_eigen(none).shape() == sg::Shape{2, 0});
  CHECK(sg::from_eigen(none).to_vector<double>().empty());
  CHECK(sg::as_eigen_matrix<double>(sg::zeros({2, 0})).rows() == 2);
  CHECK(sg::as_eigen_vector<double>(sg::zeros({0})).size() == 0);
}

TEST_CASE("as_eigen_vector and as_eigen_matrix refuse other ranks and dtypes", "[eigen]") {
  const sg::Tensor vector = {1.0, 2.0, 3.0}, matrix = {{1.0f, 2.0f}};
  CHECK(message([&] { sg::as_eigen_matrix<double>(vector); }) ==
        "as_eigen_matrix: the tensor must be of rank 2, but its shape is (3,)");
  CHECK(message([&] { sg::as_eigen_vector<float>(matrix); }) ==
        "as_eigen_vector: the tensor must be of rank 1, but its shape is (1, 2)");
  CHECK(message([&] { sg::as_eigen_matrix<double>(matrix); }) ==
        "as_eigen_matrix: the tensor must be of dtype float64, but its dtype is float32; convert it with astype");
  CHECK(message([&] { sg::as_eigen_vector<std::int64_t>(vector); }) ==
        "as_eigen_vector: the tensor must be of dtype int64, but its dtype is float64; convert it with astype");
  const std::string empty = "a default-constructed Tensor was given; give it a value first, as in Tensor x = {1.0, 2.0};";
  CHECK(message([&] { sg::as_eigen_vector<double>(sg::Tensor()); }) == "as_eigen_vector: " + empty);
  CHECK(message([&] { sg::as_eigen_matrix<double>(sg::Tensor()); }) == "as_eigen_matrix: " + empty);
  CHECK(message([&] { sg::as_eigen<Eigen::Matrix2d>(sg::Tensor()); }) == "as_eigen: " + empty);
}

namespace {

template <class Matrix>
void check_there_and_back(const Matrix& a) {
  using Scalar = typename Matrix::Scalar;
  const sg::Tensor x = sg::from_eigen(a);
  CHECK(x.dtype() == sg::dtype_of<sg::detail::eigen_element<Scalar>>);
  CHECK((sg::as_eigen<Matrix>(x).array() == a.array()).all());
  CHECK((sg::as_eigen<Matrix>(sg::borrow_eigen(a)).array() == a.array()).all());
  // In place: what was borrowed comes back as the same memory, in either storage order.
  CHECK(sg::as_eigen<Matrix>(sg::borrow_eigen(a)).data() == a.data());
  Matrix b = a;
  const Scalar* memory = b.data();
  const sg::Tensor taken = sg::from_eigen(std::move(b));
  if constexpr (Matrix::SizeAtCompileTime == Eigen::Dynamic) CHECK(sg::as_eigen<Matrix>(taken).data() == memory);
  CHECK((sg::as_eigen<Matrix>(taken).array() == a.array()).all());
}

template <class Matrix>
void check_kind(Matrix a) {
  using Scalar = typename Matrix::Scalar;
  for (Eigen::Index i = 0; i < a.rows(); ++i)
    for (Eigen::Index j = 0; j < a.cols(); ++j) {
      const auto value = static_cast<float>(i * a.cols() + j);
      if constexpr (Eigen::NumTraits<Scalar>::IsComplex) a(i, j) = Scalar(value, 0.5f);
      else a(i, j) = static_cast<Scalar>(value);
    }
  check_there_and_back(a);
}

template <class Scalar>
void check_scalar() {
  check_kind(Eigen::MatrixX<Scalar>(3, 2));
  check_kind(Eigen::VectorX<Scalar>(4));
}

}  // namespace

TEST_CASE("every scalar type", "[eigen]") {
  check_scalar<bool>();
  check_scalar<std::int32_t>();
  check_scalar<std::int64_t>();
  check_scalar<Eigen::half>();
  check_scalar<Eigen::bfloat16>();
  check_scalar<float>();
  check_scalar<double>();
  check_scalar<std::complex<float>>();
  check_scalar<std::complex<double>>();
}

TEST_CASE("every kind of matrix and array, in either storage order", "[eigen]") {
  using Eigen::Array, Eigen::Dynamic, Eigen::Matrix;
  check_kind(RowMajor(3, 2));
  check_kind(Eigen::ArrayXXd(2, 3));
  check_kind(Array<double, Dynamic, Dynamic, Eigen::RowMajor>(2, 3));
  check_kind(Eigen::RowVectorXd(4));
  check_kind(Eigen::ArrayXd(4));
  check_kind(Matrix<double, 2, 3>());
  check_kind(Matrix<double, 3, Dynamic>(3, 4));
}

TEST_CASE("maps, references and blocks are borrowed with their strides", "[eigen]") {
  std::vector<double> memory(24);
  for (std::size_t i = 0; i < memory.size(); ++i) memory[i] = static_cast<double>(i);
  using Dynamic = Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>;

  const Eigen::Map<const RowMajor> dense(memory.data(), 2, 3);
  CHECK(sg::borrow_eigen(dense).data<double>().data() == memory.data());
  const Eigen::Map<const Eigen::MatrixXd, 0, Dynamic> map(memory.data(), 2, 3, Dynamic(8, 2));
  const sg::Tensor x = sg::borrow_eigen(map);
  CHECK(x.shape() == sg::Shape{2, 3});
  CHECK(x.to_vector<double>() == Numbers{0, 8, 16, 2, 10, 18});
  CHECK(sg::from_eigen(map).to_vector<double>() == Numbers{0, 8, 16, 2, 10, 18});
  const Eigen::Map<Eigen::VectorXd, 0, Eigen::InnerStride<>> steps(memory.data(), 4, Eigen::InnerStride<>(5));
  CHECK(sg::borrow_eigen(steps).to_vector<double>() == Numbers{0, 5, 10, 15});
  const Eigen::Map<Eigen::VectorXd, 0, Eigen::InnerStride<>> back(memory.data() + 3, 3, Eigen::InnerStride<>(-1));
  CHECK(sg::borrow_eigen(back).to_vector<double>() == Numbers{3, 2, 1});

  Eigen::MatrixXd a(3, 2);
  a << 1, 2, 3, 4, 5, 6;
  const Eigen::Ref<const Eigen::MatrixXd> part = a.topRows(2);
  CHECK(sg::borrow_eigen(part).to_vector<double>() == Numbers{1, 2, 3, 4});
  CHECK(sg::borrow_eigen(a.row(1)).shape() == sg::Shape{2});
  const sg::Tensor row = sg::borrow_eigen(a.row(1));
  const sg::Tensor column = sg::borrow_eigen(a.col(1));
  a(1, 1) = 7;  // to see that nothing was copied; before the first use of the tensors
  CHECK(row.to_vector<double>() == Numbers{3, 7});
  CHECK(column.data<double>().data() == a.col(1).data());
  CHECK(sg::borrow_eigen(a.bottomRightCorner(2, 1)).to_vector<double>() == Numbers{7, 6});
}

TEST_CASE("tensors as column-major matrices are copied only if they lie otherwise", "[eigen]") {
  const sg::Tensor x = {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}};
  const auto turned = sg::as_eigen<Eigen::MatrixXd>(sg::transpose(x));
  CHECK(turned.data() == x.data<double>().data());
  CHECK(turned(2, 1) == 6);
  const auto same = sg::as_eigen<Eigen::MatrixXd>(x);
  CHECK(same.data() != x.data<double>().data());
  CHECK(same(1, 2) == 6);
  const sg::Tensor slice = sg::slice(x, {.axis = 1, .begin = 1});
  CHECK(sg::as_eigen_matrix<double>(slice)(1, 0) == 5);
  CHECK(sg::as_eigen<Eigen::Array2d>(x[1].size() == 3 ? sg::slice(x[0], {.begin = 1}) : x)[1] == 3);
}

TEST_CASE("as_eigen refuses what does not fit its type", "[eigen]") {
  const sg::Tensor x = {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, v = {1.0, 2.0};
  CHECK(message([&] { sg::as_eigen<Eigen::Matrix3d>(x); }) ==
        "as_eigen: a tensor of shape (2, 3) does not fit into a matrix type of 3 rows and 3 columns");
  CHECK(message([&] { sg::as_eigen<Eigen::Matrix<double, Eigen::Dynamic, 4>>(x); }) ==
        "as_eigen: a tensor of shape (2, 3) does not fit into a matrix type of any rows and 4 columns");
  CHECK(message([&] { sg::as_eigen<Eigen::RowVector3d>(v); }) ==
        "as_eigen: a tensor of shape (2,) does not fit into a matrix type of 1 rows and 3 columns");
  CHECK(message([&] { sg::as_eigen<Eigen::VectorXd>(x); }) ==
        "as_eigen: the tensor must be of rank 1, but its shape is (2, 3)");
  CHECK(message([&] { sg::as_eigen<Eigen::VectorX<Eigen::half>>(v); }) ==
        "as_eigen: the tensor must be of dtype float16, but its dtype is float64; convert it with astype");
}
