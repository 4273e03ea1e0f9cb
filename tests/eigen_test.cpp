// scangrad/eigen.h: every matrix keeps its elements on the way to a tensor and back; memory is shared where that is promised.

#include "scangrad/eigen.h"

#include "scangrad/scangrad.h"
#include "support/catch.h"

namespace sg = scangrad;

namespace {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Numbers = std::vector<double>;

template <class F>
std::string message(const F& f) {
  try {
    f();
  } catch (const sg::Error& error) {
    return error.message();
  }
  return "no error";
}

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
  CHECK(message([&] { sg::as_eigen_vector<double>(sg::Tensor()); }) != "no error");
}
