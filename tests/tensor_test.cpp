// Making tensors, reading them, and views.

#include <sstream>

#include "scangrad/scangrad.h"
#include "support/catch.h"

namespace sg = scangrad;
using sg::DType;
using sg::Shape;
using sg::Tensor;

TEST_CASE("numbers and nested braces") {
  CHECK(Tensor(2.5).shape() == Shape{});
  CHECK(Tensor(2.5).item<double>() == 2.5);
  CHECK(Tensor(2.5f).dtype() == DType::float32);
  CHECK(Tensor(2).dtype() == DType::int64);
  CHECK(Tensor(true).dtype() == DType::boolean);
  CHECK(Tensor(std::complex<double>(1, 2)).dtype() == DType::complex128);

  const Tensor column = {{1.0}, {2.0}}, row = {{1.0, 2.0}}, cube = {{{1, 2}, {3, 4}}, {{5, 6}, {7, 8}}};
  CHECK(column.shape() == Shape{2, 1});
  CHECK(row.shape() == Shape{1, 2});
  CHECK(Tensor{1.0}.shape() == Shape{1});
  CHECK(Tensor{{1.0}}.shape() == Shape{1, 1});
  CHECK(cube.shape() == Shape{2, 2, 2});
  CHECK(cube.dtype() == DType::int64);
  CHECK(cube.to_vector<std::int64_t>() == std::vector<std::int64_t>{1, 2, 3, 4, 5, 6, 7, 8});
  CHECK(Tensor{1, 2.5}.dtype() == DType::float64);
  CHECK(Tensor{1.0f, 2.0f}.dtype() == DType::float32);
  CHECK(Tensor{true, false}.dtype() == DType::boolean);
  CHECK((Tensor{9007199254740993, 2}.to_vector<std::int64_t>()[0] == 9007199254740993));
  const Tensor copy{column};
  CHECK(copy.shape() == Shape{2, 1});
  CHECK_THROWS_WITH((Tensor{{1.0, 2.0}, {3.0}}), Catch::StartsWith("Tensor: nested braces must all have the same length"));
}

TEST_CASE("vectors and spans keep their element type") {
  CHECK(Tensor(std::vector<float>{1, 2}).dtype() == DType::float32);
  CHECK(Tensor(std::vector<std::int32_t>{1, 2}).dtype() == DType::int32);
  CHECK(Tensor(std::vector<std::int32_t>{1, 2}).to_vector<std::int32_t>()[1] == 2);
  CHECK(Tensor(std::vector<bool>{true, false}).to_vector<bool>() == std::vector<bool>{true, false});
  CHECK(Tensor(std::vector<sg::float16>{sg::float16(1.5f)}).dtype() == DType::float16);
  const double data[] = {1, 2, 3, 4};
  CHECK(Tensor(std::span<const double>(data), Shape{2, 2}).shape() == Shape{2, 2});
  CHECK_THROWS_WITH(Tensor(std::span<const double>(data), Shape{3}),
                    Catch::StartsWith("Tensor: the data have 4 elements, but the shape (3,) needs 3"));
}

TEST_CASE("creators") {
  CHECK(sg::zeros({2, 3}).to_vector<double>() == std::vector<double>(6, 0.0));
  CHECK(sg::ones({2}, {.dtype = DType::int64}).to_vector<std::int64_t>() == std::vector<std::int64_t>{1, 1});
  CHECK(sg::full({2}, 3).dtype() == DType::int64);
  CHECK(sg::full({2}, 3.5f).dtype() == DType::float32);
  CHECK(sg::full({2, 2}, 7.0).to_vector<double>() == std::vector<double>(4, 7.0));
  CHECK(sg::eye(2).to_vector<double>() == std::vector<double>{1, 0, 0, 1});
  CHECK(sg::arange(4).to_vector<std::int64_t>() == std::vector<std::int64_t>{0, 1, 2, 3});
  CHECK(sg::arange(5, 0, -2).to_vector<std::int64_t>() == std::vector<std::int64_t>{5, 3, 1});
  CHECK(sg::arange(3, 3).size() == 0);
  CHECK(sg::arange(0.0, 1.0, 0.25).to_vector<double>() == std::vector<double>{0, 0.25, 0.5, 0.75});
  CHECK(sg::linspace(0, 1, 3).to_vector<double>() == std::vector<double>{0, 0.5, 1});
  CHECK(sg::linspace(0, 1, 1).to_vector<double>() == std::vector<double>{0});
  CHECK(sg::zeros({0, 3}).shape() == Shape{0, 3});
  CHECK(sg::zeros({}).item<double>() == 0.0);
  const Tensor huge = sg::zeros({1 << 30, 1 << 20});  // one element, seen through zero strides
  CHECK(sg::slice(sg::slice(huge, {.axis = 0, .end = 1}), {.axis = 1, .end = 2}).to_vector<double>() ==
        std::vector<double>{0, 0});
}

TEST_CASE("ranks above the inline capacity") {
  const Shape shape(std::vector<std::int64_t>{1, 2, 1, 3, 1, 2, 1});
  const Tensor x = sg::reshape(sg::arange(12) * 1.0, shape);
  CHECK(x.shape() == shape);
  CHECK(sg::sum(x, {.axis = {1, 5}}).shape() == Shape{1, 1, 3, 1, 1});
  CHECK(sg::transpose(x).to_vector<double>()[1] == 6.0);
  CHECK(sg::reshape(Tensor(1.0), Shape(64, 1)).rank() == 64);
  CHECK(sg::cumsum(sg::ones(Shape(64, 1))).rank() == 64);
}

TEST_CASE("handles") {
  Tensor a;
  CHECK(a.empty_handle());
  CHECK_THROWS_WITH(a.shape(), Catch::Contains("a default-constructed Tensor was given"));
  CHECK_THROWS_WITH(sg::exp(a), Catch::StartsWith("exp: a default-constructed Tensor was given"));
  CHECK_THROWS_WITH(a + 1.0, Catch::StartsWith("add: a default-constructed Tensor was given"));
  a = Tensor{1.0, 2.0};
  const Tensor b = a;
  a = a * 2.0;
  CHECK(b.to_vector<double>()[1] == 2.0);
  CHECK(a.to_vector<double>()[1] == 4.0);
  Tensor& self = a;
  a = self;
  CHECK(a.size(-1) == 2);
  static_assert(std::is_assignable_v<Tensor&, Tensor>);
}

TEST_CASE("items convert without loss only, and data not at all") {
  const Tensor single = 1.5f, integer = 3;
  CHECK(single.item<double>() == 1.5);
  CHECK(integer.item<double>() == 3.0);
  CHECK(Tensor(true).item<std::int64_t>() == 1);
  CHECK_THROWS_WITH(Tensor(1.5).item<float>(), Catch::StartsWith("item: the tensor is float64, which does not fit into float32"));
  CHECK_THROWS_WITH(Tensor(1.5).item<std::int64_t>(), Catch::StartsWith("item: the tensor is float64, which does not fit into int64"));
  CHECK_THROWS_WITH((Tensor{1.0, 2.0}.item<double>()),
                    Catch::StartsWith("item: the tensor must have one element, but its shape is (2,)"));
  CHECK_THROWS_WITH(single.data<double>(),
                    Catch::StartsWith("data: the tensor is float32, but its elements were asked for as float64"));
}

TEST_CASE("views share their storage and read right") {
  const std::vector<double> memory = {0, 1, 2, 3, 4, 5};
  const Tensor x = Tensor::borrow(memory.data(), {2, 3}, [](const double*) {});
  CHECK(sg::transpose(x).to_vector<double>() == std::vector<double>{0, 3, 1, 4, 2, 5});
  CHECK(sg::flip(x, 1).to_vector<double>() == std::vector<double>{2, 1, 0, 5, 4, 3});
  CHECK(sg::slice(x, {.axis = 1, .begin = -2}).to_vector<double>() == std::vector<double>{1, 2, 4, 5});
  CHECK(sg::slice(x, {.axis = 1, .begin = 0, .end = 3, .step = 2}).to_vector<double>() == std::vector<double>{0, 2, 3, 5});
  CHECK(sg::slice(x, {.axis = 1, .begin = 2, .end = 1}).shape() == Shape{2, 0});
  CHECK(sg::broadcast_to(sg::slice(x, {.end = 1}), {2, 3}).to_vector<double>() == std::vector<double>{0, 1, 2, 0, 1, 2});
  CHECK(sg::reshape(sg::transpose(x), {-1}).to_vector<double>() == std::vector<double>{0, 3, 1, 4, 2, 5});
  CHECK(sg::reshape(sg::flip(x), {3, 2}).to_vector<double>() == std::vector<double>{5, 4, 3, 2, 1, 0});
  CHECK(sg::reshape(sg::slice(x, {.axis = 1, .end = 2}), {4, 1}).to_vector<double>() == std::vector<double>{0, 1, 3, 4});
  CHECK(sg::expand_dims(x, {0, 3}).shape() == Shape{1, 2, 3, 1});
  CHECK(sg::squeeze(sg::expand_dims(x, {0, 3})).shape() == Shape{2, 3});
  const Tensor columns =
      Tensor::borrow(std::shared_ptr<const void>(std::shared_ptr<const void>(), memory.data()), DType::float64, {3, 2}, {1, 3});
  CHECK(columns.to_vector<double>() == std::vector<double>{0, 3, 1, 4, 2, 5});
}
