// scangrad/eigen_tensor.h: every element keeps its place, and memory is shared where that is promised.

#include "scangrad/eigen_tensor.h"

#include "scangrad/scangrad.h"
#include "support/catch.h"
#include "support/message.h"

namespace sg = scangrad;
using sg::test::message;

namespace {

template <class T, int layout>
Eigen::Tensor<T, 3, layout> counting() {
  Eigen::Tensor<T, 3, layout> t(2, 3, 4);
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 3; ++j)
      for (int k = 0; k < 4; ++k) t(i, j, k) = static_cast<T>(static_cast<float>(12 * i + 4 * j + k));
  return t;
}

template <class T, int layout>
void check_there_and_back() {
  const auto t = counting<T, layout>();
  auto moved = t;
  const T* memory = moved.data();
  const sg::Tensor copied = sg::from_eigen(t), borrowed = sg::borrow_eigen(t), taken = sg::from_eigen(std::move(moved));
  const sg::Tensor mapped = sg::borrow_eigen(Eigen::TensorMap<const Eigen::Tensor<T, 3, layout>>(t.data(), 2, 3, 4));
  const sg::Tensor expected = sg::astype(sg::reshape(sg::arange(24), {2, 3, 4}), copied.dtype());
  CHECK(copied.dtype() == sg::dtype_of<sg::detail::eigen_element<T>>);
  for (const sg::Tensor& x : {copied, borrowed, taken, mapped}) {
    CHECK(x.shape() == sg::Shape{2, 3, 4});
    CHECK(sg::all(x == expected).template item<bool>());
  }
  CHECK(sg::as_eigen_tensor<T, 3, layout>(borrowed).data() == t.data());
  CHECK(sg::as_eigen_tensor<T, 3, layout>(mapped).data() == t.data());
  CHECK(sg::as_eigen_tensor<T, 3, layout>(taken).data() == memory);
  CHECK(sg::as_eigen_tensor<T, 3, layout>(copied).data() != t.data());
  CHECK(sg::as_eigen_tensor<T, 3, Eigen::RowMajor>(copied)(1, 2, 3) == static_cast<T>(23.0f));
  CHECK(sg::as_eigen_tensor<T, 3, Eigen::ColMajor>(copied)(1, 0, 2) == static_cast<T>(14.0f));
}

}  // namespace

TEST_CASE("Eigen::Tensor and TensorMap, in either order", "[eigen]") {
  check_there_and_back<double, Eigen::RowMajor>();
  check_there_and_back<double, Eigen::ColMajor>();
  check_there_and_back<float, Eigen::ColMajor>();
  check_there_and_back<Eigen::half, Eigen::ColMajor>();
  check_there_and_back<std::int64_t, Eigen::RowMajor>();
  check_there_and_back<std::complex<float>, Eigen::RowMajor>();
}

TEST_CASE("expressions, ranks and lifetimes", "[eigen]") {
  const auto t = counting<double, Eigen::ColMajor>();
  const sg::Tensor total = sg::from_eigen(t.sum());
  CHECK(total.shape() == sg::Shape{});
  CHECK(total.item<double>() == 276);
  CHECK(sg::sum(sg::from_eigen(t + t)).item<double>() == 552);
  CHECK(sg::from_eigen(t.chip(1, 0)).shape() == sg::Shape{3, 4});
  CHECK(sg::from_eigen(Eigen::Tensor<double, 2>(0, 3)).shape() == sg::Shape{0, 3});
  CHECK(sg::as_eigen_tensor<double, 0>(total)() == 276);
  const auto map = sg::as_eigen_tensor<double, 1>(sg::cumsum(sg::Tensor{1.0, 2.0, 3.0}));  // outlives the tensor
  CHECK(map(2) == 6);
}

TEST_CASE("as_eigen_tensor refuses other ranks and dtypes", "[eigen]") {
  const sg::Tensor x = {1.0, 2.0};
  CHECK(message([&] { sg::as_eigen_tensor<double, 2>(x); }) ==
        "as_eigen_tensor: the tensor must be of rank 2, but its shape is (2,)");
  CHECK(message([&] { sg::as_eigen_tensor<double, 1>(sg::Tensor()); }) ==
        "as_eigen_tensor: a default-constructed Tensor was given; give it a value first, as in Tensor x = {1.0, 2.0};");
  CHECK(message([&] { sg::as_eigen_tensor<float, 1>(x); }) ==
        "as_eigen_tensor: the tensor must be of dtype float32, but its dtype is float64; convert it with astype");
}
