// What the operations do where mathematics leaves a choice: ties, kinks, NaN, infinities, repeated indices, integers.

#include "support/catch.h"
#include "support/op_table.h"
#include "support/typed.h"

namespace {

using namespace test;
using Integers = std::vector<std::int64_t>;
using Bools = std::vector<bool>;

TEST_CASE("element-wise maximum and minimum: a tie shares equally, NaN wins") {
  check({.name = "maximum",
         .f = two(sg::maximum),
         .x = {{1, 2, 3}, {1, 3, 2}},
         .y = {1, 3, 3},
         .t = {{1, 1, 1}, {5, 0, 0}},
         .dy = {3, 0, 1},
         .g = {1, 1, 1},
         .gx = {{.5, 0, 1}, {.5, 1, 0}}});
  check({.name = "minimum",
         .f = two(sg::minimum),
         .x = {{1, 2, 3}, {1, 3, 2}},
         .y = {1, 2, 2},
         .t = {{1, 1, 1}, {5, 0, 0}},
         .dy = {3, 1, 0},
         .g = {1, 1, 1},
         .gx = {{.5, 1, 0}, {.5, 0, 1}}});
  check({.name = "infinite ties",
         .f = two(sg::maximum),
         .x = {{inf, -inf}, {inf, -inf}},
         .y = {inf, -inf},
         .g = {1, 1},
         .gx = {{.5, .5}, {.5, .5}}});
  for (auto f : {sg::maximum, sg::minimum})
    check({.name = "NaN", .f = two(f), .x = {{NaN, 1, NaN}, {1, NaN, NaN}}, .y = {NaN, NaN, NaN}});
  check({.name = "a NaN tangent of the other",
         .f = two(sg::maximum),
         .x = {{1, 2}, {2, 1}},
         .t = {{NaN, 1}, {1, NaN}},
         .dy = {1, 1}});
}

TEST_CASE("max and min: equal extremes share equally, NaN wins") {
  const Operation max = [](const Tensors& x) { return sg::max(x[0]); };
  const Operation min = [](const Tensors& x) { return sg::min(x[0]); };
  check(
      {.name = "max", .f = max, .x = {{3, 1, 3, 3}}, .y = {3}, .t = {{1, 5, 2, 6}}, .dy = {3}, .g = {6}, .gx = {{2, 0, 2, 2}}});
  check({.name = "min",
         .f = min,
         .x = {{1, 3, 1, 3}},
         .y = {1},
         .t = {{1, 5, 2, 6}},
         .dy = {1.5},
         .g = {6},
         .gx = {{3, 0, 3, 0}}});
  check({.name = "infinities",
         .f = max,
         .x = {{inf, 1, inf}},
         .y = {inf},
         .t = {{1, NaN, 3}},
         .dy = {2},
         .g = {1},
         .gx = {{.5, 0, .5}}});
  check({.name = "NaN, max", .f = max, .x = {{1, NaN, inf}}, .y = {NaN}});
  check({.name = "NaN, min", .f = min, .x = {{-inf, NaN, 1}}, .y = {NaN}});
}

TEST_CASE("abs and sign have derivative 0 at 0") {
  check({.name = "abs",
         .f = one(sg::abs),
         .x = {{-2, 0, -0.0, 3, -inf, NaN}},
         .y = {2, 0, 0, 3, inf, NaN},
         .t = {{1, 1, 1, 1, 1, 1}},
         .dy = {-1, 0, 0, 1, -1, NaN},
         .g = {1, 2, 3, 4, 5, 6},
         .gx = {{-1, 0, 0, 4, -5, NaN}}});
  check({.name = "sign",
         .f = one(sg::sign),
         .x = {{-2, 0, 3, NaN}},
         .y = {-1, 0, 1, NaN},
         .t = {{1, 1, 1, 1}},
         .dy = {0, 0, 0, 0},
         .g = {1, 1, 1, 1},
         .gx = {{0, 0, 0, 0}}});
}

TEST_CASE("poles and the ends of the line") {
  check({.name = "sqrt",
         .f = one(sg::sqrt),
         .x = {{0, 4, inf, -1}},
         .y = {0, 2, inf, NaN},
         .t = {{1, 1, 1, 1}},
         .dy = {inf, .25, 0, NaN}});
  check({.name = "log",
         .f = one(sg::log),
         .x = {{0, 1, inf, -1}},
         .y = {-inf, 0, inf, NaN},
         .t = {{1, 1, 1, 1}},
         .dy = {inf, 1, 0, -1}});
  check({.name = "divide", .f = two(sg::divide), .x = {{1, 0, 1}, {0, 0, inf}}, .y = {inf, NaN, 0}});
  check({.name = "exp",
         .f = one(sg::exp),
         .x = {{-inf, 0, 1000, -1000, NaN}},
         .y = {0, 1, inf, 0, NaN},
         .t = {{1, 1, 1, 1, 1}},
         .dy = {0, 1, inf, 0, NaN}});
  check({.name = "small arguments",
         .f = one(sg::expm1),
         .x = {{1e-20, -1e-20, 0}},
         .y = {1e-20, -1e-20, 0},
         .t = {{1, 1, 1}},
         .dy = {1, 1, 1}});
  check({.name = "small arguments",
         .f = one(sg::log1p),
         .x = {{1e-20, -1e-20, -1}},
         .y = {1e-20, -1e-20, -inf},
         .t = {{1, 1, 1}},
         .dy = {1, 1, inf}});
  check({.name = "subnormal results survive",
         .f = one(sg::exp),
         .x = {{-100}},
         .y = {3.7200759760208361e-44},
         .t = {{1}},
         .dy = {3.7200759760208361e-44},
         .units = 2});
}

TEST_CASE("sigmoid and tanh keep the digits of their derivatives at saturation") {
  check({.name = "sigmoid",
         .f = one(sg::sigmoid),
         .x = {{40, -40, 17}},
         .y = {1, 4.2483542552915889773e-18, .99999995860062452606},
         .t = {{1, 1, 1}},
         .dy = {4.2483542552915889592e-18, 4.2483542552915889592e-18, 4.1399373760035016377e-8},
         .g = {1, 1, 1},
         .gx = {{4.2483542552915889592e-18, 4.2483542552915889592e-18, 4.1399373760035016377e-8}},
         .units = 6});
  check({.name = "sigmoid, far out",
         .f = one(sg::sigmoid),
         .x = {{-700, 700}},
         .y = {9.8596765437597708567e-305, 1},
         .t = {{1, 1}},
         .dy = {9.8596765437597708567e-305, 9.8596765437597708567e-305},
         .units = 4,
         .dtypes = {DType::float64}});
  check({.name = "sigmoid at infinity",
         .f = one(sg::sigmoid),
         .x = {{-inf, inf, NaN}},
         .y = {0, 1, NaN},
         .t = {{1, 1, 1}},
         .dy = {0, 0, NaN}});
  check({.name = "tanh",
         .f = one(sg::tanh),
         .x = {{20, -20}},
         .y = {1, -1},
         .t = {{1, 1}},
         .dy = {1.6993417021166355837e-17, 1.6993417021166355837e-17},
         .units = 8});
  check({.name = "tanh at infinity",
         .f = one(sg::tanh),
         .x = {{-inf, inf, NaN}},
         .y = {-1, 1, NaN},
         .t = {{1, 1, 1}},
         .dy = {0, 0, NaN}});
}

TEST_CASE("so do their second derivatives") {
  const auto scalar = [](auto f) { return [f](const Tensor& x) { return f(x); }; };
  check_expansion(scalar(sg::sigmoid), 40, {1, 4.2483542552915889592e-18, -4.2483542552915889231e-18}, 8);
  check_expansion(scalar(sg::sigmoid), -40, {4.2483542552915889773e-18, 4.2483542552915889592e-18, 4.2483542552915889231e-18},
                  8);
  check_expansion(scalar(sg::tanh), 20, {1, 1.6993417021166355837e-17, -3.3986834042332711385e-17}, 10);
}

TEST_CASE("where: nothing of the side not taken gets in") {
  const Tensor first = {true, false};
  const Operation choose = [=](const Tensors& x) { return sg::where(first, x[0], x[1]); };
  check({.name = "NaN on the other side",
         .f = choose,
         .x = {{1, NaN}, {inf, 2}},
         .y = {1, 2},
         .t = {{3, NaN}, {NaN, 4}},
         .dy = {3, 4},
         .g = {5, 6},
         .gx = {{5, 0}, {0, 6}}});
  check({.name = "NaN cotangents", .f = choose, .x = {{1, 2}, {3, 4}}, .g = {NaN, 1}, .gx = {{NaN, 0}, {0, 1}}});
  const auto guarded = [](const Tensor& x) { return sg::where(x > 0, sg::sqrt(sg::where(x > 0, x, 1)), 0); };
  check({.name = "a guarded square root",
         .f = [=](const Tensors& x) { return guarded(x[0]); },
         .x = {{4, 0, -1}},
         .y = {2, 0, 0},
         .t = {{1, 1, 1}},
         .dy = {.25, 0, 0},
         .g = {1, 1, 1},
         .gx = {{.25, 0, 0}}});
}

TEST_CASE("stop_gradient stops in both modes and at the second order") {
  const auto f = [](const Tensor& x) { return x * sg::stop_gradient(x); };
  check_expansion(f, 3, {9, 3, 0}, 0);
  check_expansion([](const Tensor& x) { return sg::stop_gradient(x * x); }, 3, {9, 0, 0}, 0);
}

TEST_CASE("take and scatter_add: repeated indices add up, negative ones count from the end") {
  const Tensor indices = {2, 0, -1, 2};
  const Operation take = [=](const Tensors& x) { return sg::take(x[0], indices); };
  const Operation add = [=](const Tensors& x) { return sg::scatter_add(x[0], indices, x[1]); };
  check({.name = "take",
         .f = take,
         .x = {{5, 6, 7}},
         .y = {7, 5, 7, 7},
         .t = {{1, 2, 3}},
         .dy = {3, 1, 3, 3},
         .g = {1, 10, 100, 1000},
         .gx = {{10, 0, 1101}}});
  check({.name = "scatter_add",
         .f = add,
         .x = {{5, 6, 7}, {1, 10, 100, 1000}},
         .y = {15, 6, 1108},
         .t = {{1, 2, 3}, {1, 1, 1, 1}},
         .dy = {2, 2, 6},
         .g = {1, 2, 3},
         .gx = {{1, 2, 3}, {3, 1, 3, 3}}});
  CHECK(sg::scatter_add(Tensor({0, 0}), Tensor({-1, 1, -2}), Tensor({1, 2, 4})).to_vector<std::int64_t>() == Integers{4, 3});
}

TEST_CASE("argsort is stable in both directions, with NaN last") {
  const Tensor x = {2.0, NaN, 1.0, 2.0, -inf, NaN, inf, 0.0, -0.0};
  CHECK(sg::argsort(x).to_vector<std::int64_t>() == Integers{4, 7, 8, 2, 0, 3, 6, 1, 5});
  CHECK(sg::argsort(x, {.descending = true}).to_vector<std::int64_t>() == Integers{6, 0, 3, 2, 7, 8, 4, 1, 5});
  CHECK(sg::argsort(Tensor({true, false, true, false})).to_vector<std::int64_t>() == Integers{1, 3, 0, 2});
}

TEST_CASE("integers wrap") {
  const Tensor highest(INT64_MAX), lowest(INT64_MIN);
  const auto item = [](const Tensor& x) { return x.item<std::int64_t>(); };
  CHECK(item(highest + 1) == INT64_MIN);
  CHECK(item(lowest - 1) == INT64_MAX);
  CHECK(item(highest * 2) == -2);
  CHECK(item(-lowest) == INT64_MIN);
  CHECK(item(sg::abs(lowest)) == INT64_MIN);
  CHECK(item(sg::square(Tensor((std::int64_t{1} << 32) + 1))) == (std::int64_t{1} << 33) + 1);
  CHECK(item(sg::sum(sg::stack({highest, highest, Tensor(3)}))) == 1);
  CHECK(item(sg::matmul(sg::stack({highest, highest}), Tensor({1, 1}))) == -2);
}

TEST_CASE("sums and means of nothing") {
  const auto of_nothing = [](Tensor (*f)(const sg::Operand&, const sg::ReduceOptions&)) {
    return [f](const Tensors& x) { return f(x[0], {}); };
  };
  check({.name = "sum", .f = of_nothing(sg::sum), .x = {{}}, .y = {0}, .g = {1}, .gx = {{}}});
  check({.name = "mean", .f = of_nothing(sg::mean), .x = {{}}, .y = {NaN}, .g = {1}, .gx = {{}}});
  CHECK(sg::sum(sg::zeros({0}, {.dtype = DType::boolean})).item<std::int64_t>() == 0);
  CHECK(sg::mean(sg::zeros({0, 2}), {.axis = 1}).shape() == Shape{0});
}

TEST_CASE("comparisons follow IEEE 754: NaN equals nothing, zeros are equal") {
  const Tensor a = {NaN, NaN, 0.0, inf}, b = {NaN, 1.0, -0.0, inf};
  CHECK((a == b).to_vector<bool>() == Bools{false, false, true, true});
  CHECK((a != b).to_vector<bool>() == Bools{true, true, false, false});
  CHECK((a <= b).to_vector<bool>() == Bools{false, false, true, true});
  CHECK((a > b).to_vector<bool>() == Bools{false, false, false, false});
}

TEST_CASE("astype: towards zero, anything but 0 is true, what does not fit is the lowest integer") {
  const Tensor x = {2.9, -2.9, 0.0, NaN, 1e30};
  CHECK(sg::astype(x, DType::int64).to_vector<std::int64_t>() == Integers{2, -2, 0, INT64_MIN, INT64_MIN});
  CHECK(sg::astype(x, DType::boolean).to_vector<bool>() == Bools{true, true, false, true, true});
  CHECK(sg::astype(Tensor({true, false}), DType::float64).to_vector<double>() == Values{1, 0});
  CHECK(sg::astype(Tensor({0.1, 1e300}), DType::float32).to_vector<float>() == std::vector<float>{0.1f, __builtin_inff()});
}

}  // namespace

TEST_CASE("pow: the mixed second derivative is the same either way, at b = 0 too") {
  const auto by_a = [](const Tensor& a, const Tensor& b) {
    return sg::grad<0>([](const Tensor& p, const Tensor& q) { return sg::pow(p, q); })(a, b);
  };
  const auto by_b = [](const Tensor& a, const Tensor& b) {
    return sg::grad<1>([](const Tensor& p, const Tensor& q) { return sg::pow(p, q); })(a, b);
  };
  CHECK(sg::grad<1>(by_a)(Tensor(2.0), Tensor(0.0)).item<double>() == 0.5);
  CHECK(sg::grad<0>(by_b)(Tensor(2.0), Tensor(0.0)).item<double>() == 0.5);
  CHECK(by_a(Tensor(0.0), Tensor(0.0)).item<double>() == 0.0);
  CHECK(by_b(Tensor(0.0), Tensor(2.0)).item<double>() == 0.0);
  CHECK(by_a(Tensor(0.0), Tensor(1.0)).item<double>() == 1.0);
}

TEST_CASE("searchsorted: equal elements by the side, NaN last, and some place in what is not sorted") {
  for (DType dtype : {DType::float16, DType::bfloat16, DType::float32, DType::float64}) {
    const Tensor sorted = sg::astype(Tensor{1.0, 2.0, 2.0, NaN}, dtype), values = sg::astype(Tensor{2.0, NaN, inf}, dtype);
    CHECK(sg::searchsorted(sorted, values).to_vector<std::int64_t>() == Integers{1, 3, 3});
    CHECK(sg::searchsorted(sorted, values, {.side = sg::Side::right}).to_vector<std::int64_t>() == Integers{3, 4, 3});
  }
  const Tensor place = sg::searchsorted(Tensor{3, 1, 2}, 2);
  CHECK(sg::all(sg::logical_and(place >= 0, place <= 3)).item<bool>());
}

TEST_CASE("searchsorted: many values, in one lane and in many") {
  const Tensor many = sg::arange(100000), rows = sg::reshape(many, {1000, 100});
  CHECK(sg::all(sg::searchsorted(many, many) == many).item<bool>());
  CHECK(sg::all(sg::searchsorted(many, rows, {.side = sg::Side::right}) == rows + 1).item<bool>());
  CHECK(sg::all(sg::searchsorted(rows, rows) == sg::arange(100)).item<bool>());
  CHECK(sg::searchsorted(rows, Tensor{{50}}).shape() == Shape{1000, 1});
}
