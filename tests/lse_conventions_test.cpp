// logcumsumexp and logsumexp where mathematics leaves a choice: empty sums, infinities, NaN; and where digits are lost.

#include "support/catch.h"
#include "support/typed.h"

namespace {

using namespace test;

Operation lcse(const sg::ScanOptions& options = {}) {
  return [=](const Tensors& x) { return sg::logcumsumexp(x[0], options); };
}
Operation lse() {
  return [](const Tensors& x) { return sg::logsumexp(x[0]); };
}

const sg::ScanOptions exclusive{.exclusive = true}, reverse{.reverse = true},
    reverse_exclusive{.reverse = true, .exclusive = true};

TEST_CASE("logcumsumexp at plain values") {
  check({.name = "forward",
         .f = lcse(),
         .x = {{0, 1, 2}},
         .y = {0, 1.3132616875182228, 2.4076059644443803},
         .t = {{1, -1, 2}},
         .dy = {1, -.46211715726000976, 1.1757840136652266},
         .g = {1, 1, 1},
         .gx = {{1.3589719945403756, .97578704968480253, .66524095577482189}},
         .units = 4});
  check({.name = "exclusive",
         .f = lcse(exclusive),
         .x = {{0, 1, 2}},
         .y = {-inf, 0, 1.3132616875182228},
         .t = {{1, -1, 2}},
         .dy = {0, 1, -.46211715726000976},
         .units = 4});
  check(
      {.name = "reverse", .f = lcse(reverse), .x = {{0, 1, 2}}, .y = {2.4076059644443803, 2.3132616875182228, 2}, .units = 4});
  check({.name = "cotangents of either sign",
         .f = lcse(),
         .x = {{0, 1, 2}},
         .g = {1, -2, .5},
         .gx = {{.50713244384519999, -1.3397529217326109, .33262047788741094}},
         .units = 8});
  check({.name = "zeros of the domain between",
         .f = lcse(),
         .x = {{2, -inf, -inf, 1, -inf, -inf, 3}},
         .y = {2, 2, 2, 2.3132616875182228, 2.3132616875182228, 2.3132616875182228, 3.4076059644443803},
         .units = 4});
  check({.name = "nothing below the maximum",
         .f = lcse(),
         .x = {{-1000, 0, 1000}},
         .y = {-1000, 0, 1000},
         .t = {{1, 2, 3}},
         .dy = {1, 2, 3}});
}

TEST_CASE("logcumsumexp of a float32 ramp is the ramp") {
  const Tensor ramp = sg::astype(sg::arange(20) * 20, DType::float32);
  const auto y = sg::logcumsumexp(ramp).to_vector<float>();
  CHECK(y[1] == 20.0f);
  CHECK(y[19] == 380.0f);
}

TEST_CASE("a prefix of log zero has tangent 0 and passes no gradient (PyTorch issues 31829 and 49724)") {
  check({.name = "one", .f = lcse(), .x = {{-inf}}, .y = {-inf}, .t = {{1}}, .dy = {0}, .g = {1}, .gx = {{0}}});
  check({.name = "two first",
         .f = lcse(),
         .x = {{-inf, -inf, 0}},
         .y = {-inf, -inf, 0},
         .t = {{1, 1, 1}},
         .dy = {0, 0, 1},
         .g = {1, 1, 1},
         .gx = {{0, 0, 1}}});
  check({.name = "all",
         .f = lcse(reverse),
         .x = {{-inf, -inf}},
         .y = {-inf, -inf},
         .t = {{1, 1}},
         .dy = {0, 0},
         .g = {1, 1},
         .gx = {{0, 0}}});
  check({.name = "exclusive",
         .f = lcse(exclusive),
         .x = {{-inf, 0, 1}},
         .y = {-inf, -inf, 0},
         .t = {{1, 1, 1}},
         .dy = {0, 0, 1},
         .g = {1, 1, 1},
         .gx = {{0, 1, 0}}});
  check({.name = "reverse exclusive",
         .f = lcse(reverse_exclusive),
         .x = {{1, 0, -inf}},
         .y = {0, -inf, -inf},
         .t = {{1, 1, 1}},
         .dy = {1, 0, 0},
         .g = {1, 1, 1},
         .gx = {{0, 1, 0}}});
  check({.name = "a NaN cotangent of it",
         .f = lcse(),
         .x = {{-inf, 0, 1}},
         .g = {NaN, 1, 1},
         .gx = {{0, 1.2689414213699951, .73105857863000488}},
         .units = 4});
}

TEST_CASE("logsumexp of log zeros, and of nothing") {
  check(
      {.name = "logsumexp", .f = lse(), .x = {{-inf, -inf}}, .y = {-inf}, .t = {{1, 1}}, .dy = {0}, .g = {1}, .gx = {{0, 0}}});
  check({.name = "logsumexp of nothing", .f = lse(), .x = {{}}, .y = {-inf}, .g = {1}, .gx = {{}}});
}

TEST_CASE("a weight of exactly zero keeps infinite and NaN tangents out") {
  for (double bad : {NaN, inf, -inf}) {
    check({.name = "at log zero",
           .f = lcse(),
           .x = {{-inf, 0, -inf, 0}},
           .t = {{bad, 1, bad, 1}},
           .dy = {0, 1, 1, 1},
           .units = 2});
    check({.name = "below +inf", .f = lcse(), .x = {{inf, 0, 1}}, .t = {{2, bad, bad}}, .dy = {2, 2, 2}});
    check({.name = "before +inf", .f = lcse(), .x = {{0, inf}}, .t = {{bad, 1}}, .dy = {bad, 1}});
    check({.name = "logsumexp, at log zero",
           .f = lse(),
           .x = {{-inf, 0, -inf}},
           .t = {{bad, 3, bad}},
           .dy = {3},
           .g = {1},
           .gx = {{0, 1, 0}}});
    check({.name = "logsumexp, beside +inf",
           .f = lse(),
           .x = {{0, inf, -inf}},
           .t = {{bad, 3, bad}},
           .dy = {3},
           .g = {1},
           .gx = {{0, 1, 0}}});
  }
}

TEST_CASE("a finite element has a positive weight, however small: an infinite or NaN tangent stays") {
  for (double bad : {NaN, inf, -inf}) {
    check({.name = "later", .f = lcse(), .x = {{0, -2000, 0}}, .t = {{0, bad, 0}}, .dy = {0, bad, bad}});
    check({.name = "earlier", .f = lcse(), .x = {{-2000, 0}}, .t = {{bad, 0}}, .dy = {bad, bad}});
    check({.name = "cotangent", .f = lcse(), .x = {{-2000, 0}}, .g = {0, bad}, .gx = {{bad, bad}}});
    check({.name = "logsumexp", .f = lse(), .x = {{0, -2000}}, .t = {{0, bad}}, .dy = {bad}, .g = {bad}, .gx = {{bad, bad}}});
  }
}

TEST_CASE("elements at +inf share the weight") {
  check({.name = "scan",
         .f = lcse(),
         .x = {{0, inf, 1, inf}},
         .y = {0, inf, inf, inf},
         .t = {{1, 2, 3, 4}},
         .dy = {1, 2, 2, 3},
         .g = {1, 1, 1, 1},
         .gx = {{1, 2.5, 0, .5}}});
  check({.name = "reverse",
         .f = lcse(reverse),
         .x = {{inf, 1, inf, 0}},
         .y = {inf, inf, inf, 0},
         .t = {{4, 3, 2, 1}},
         .dy = {3, 2, 2, 1},
         .g = {1, 1, 1, 1},
         .gx = {{.5, 0, 2.5, 1}}});
  check({.name = "exclusive",
         .f = lcse(exclusive),
         .x = {{inf, inf, 0}},
         .y = {-inf, inf, inf},
         .t = {{2, 4, 5}},
         .dy = {0, 2, 3},
         .g = {1, 1, 1},
         .gx = {{1.5, .5, 0}}});
  check({.name = "-inf and +inf",
         .f = lcse(),
         .x = {{-inf, inf, -inf}},
         .y = {-inf, inf, inf},
         .t = {{1, 2, 3}},
         .dy = {0, 2, 2},
         .g = {1, 1, 1},
         .gx = {{0, 2, 0}}});
}

TEST_CASE("elements at +inf share the weight in logsumexp") {
  check({.name = "logsumexp",
         .f = lse(),
         .x = {{inf, 1, inf, -inf}},
         .y = {inf},
         .t = {{2, 8, 4, 8}},
         .dy = {3},
         .g = {2},
         .gx = {{1, 0, 1, 0}}});
}

TEST_CASE("NaN goes into every later output") {
  check({.name = "forward",
         .f = lcse(),
         .x = {{0, NaN, 1}},
         .y = {0, NaN, NaN},
         .t = {{1, 1, 1}},
         .dy = {1, NaN, NaN},
         .g = {1, 1, 1},
         .gx = {{NaN, NaN, NaN}}});
  check({.name = "exclusive",
         .f = lcse(exclusive),
         .x = {{0, NaN, 1}},
         .y = {-inf, 0, NaN},
         .t = {{1, 1, 1}},
         .dy = {0, 1, NaN}});
  check({.name = "reverse", .f = lcse(reverse), .x = {{0, NaN, 1}}, .y = {NaN, NaN, 1}, .t = {{1, 1, 1}}, .dy = {NaN, NaN, 1}});
  check({.name = "beside infinities", .f = lcse(), .x = {{-inf, NaN, inf, -inf}}, .y = {-inf, NaN, NaN, NaN}});
  check({.name = "a tangent", .f = lcse(), .x = {{0, 0, 0}}, .t = {{0, NaN, 0}}, .dy = {0, NaN, NaN}});
  check({.name = "a cotangent", .f = lcse(), .x = {{0, 0, 0}}, .g = {0, NaN, 0}, .gx = {{NaN, NaN, 0}}});
  check({.name = "logsumexp", .f = lse(), .x = {{0, NaN, inf}}, .y = {NaN}});
}

TEST_CASE("conventions hold in second derivatives") {
  // log(e^x1 + e^x2) at 0, 1 behind a log zero: -p (1 - p) for the mixed derivative, and nothing from the log zero
  const Tensor x = {-inf, 0.0, 1.0}, b = {inf, 0.0, 1.0}, g = {1.0, 1.0, 1.0};
  for (double bad : {0.0, NaN, inf}) {
    const Tensor a = {bad, 1.0, 0.0};
    const auto f = [](const Tensor& at) { return sg::logcumsumexp(at); };
    const auto pushed = [&](const Tensor& at) { return sg::jvp(f, {at}, {a}).tangent; };
    const auto pulled = [&](const Tensor& at) { return sg::vjp(f, {at}).pullback(g); };
    const auto near = [](const char* what, const Tensor& got, const Values& expected) {
      INFO(what << ": " << sg::to_string(got));
      const auto values = got.to_vector<double>();
      for (std::size_t i = 0; i < expected.size(); ++i) CHECK(std::abs(values[i] - expected[i]) <= 1e-15);
    };
    constexpr double pq = .19661193324148185;
    near("jvp of jvp", sg::jvp(pushed, {x}, {b}).tangent, {0, 0, -pq});
    near("vjp of jvp", sg::vjp(pushed, {x}).pullback(g), {0, pq, -pq});
    near("jvp of vjp", sg::jvp(pulled, {x}, {a}).tangent, {0, pq, -pq});
    near("vjp of vjp", sg::vjp(pulled, {x}).pullback(a), {0, pq, -pq});
  }
}

TEST_CASE("beside +inf every second derivative is 0, whatever the direction of the finite elements") {
  const Tensor b = {1.0, 1.0};
  for (double bad : {1.0, NaN, inf}) {
    const Tensor a = {1.0, bad}, first = {bad, 1.0};
    const auto along = [&](const Tensor& direction) {
      return [&](const Tensor& at) {
        return sg::jvp([](const Tensor& t) { return sg::logcumsumexp(t); }, {at}, {direction}).tangent;
      };
    };
    CHECK(sg::jvp(along(a), {Tensor({inf, 1.0})}, {b}).tangent.to_vector<double>()[1] == 0);
    CHECK(sg::jvp(along(first), {Tensor({1.0, inf})}, {b}).tangent.to_vector<double>()[1] == 0);
  }
}

TEST_CASE("the Hessian of logcumsumexp") {
  const auto H =
      sg::hessian([](const Tensor& x) { return sg::sum(sg::logcumsumexp(x)); })(Tensor({0.0, 1.0, 2.0})).to_vector<double>();
  const Values expected = {.27853700230647508,   -.21864497776165615, -.059892024544818932,
                           -.21864497776165615,  .38144837975146057,  -.16280340198980442,
                           -.059892024544818932, -.16280340198980442, .22269542653462336};
  for (std::size_t i = 0; i < 9; ++i) CHECK(std::abs(H[i] - expected[i]) <= 4e-16 * std::abs(expected[i]));
}

TEST_CASE(
    "second derivatives keep their digits where one element holds all the weight (PyTorch issue 196705, TensorFlow issue "
    "127243)") {
  const Tensor slope = {{1.0, -1.0, 2.0}, {-1.0, 1.0, 3.0}}, offset = {{0.0, 1.0, 3.0}, {0.0, 2.0, -1.0}};
  const Tensor weights = {{1.0, 2.0, -1.0}, {3.0, -2.0, 4.0}};
  const auto along = [&](bool backwards) {
    return [=](const Tensor& t) { return sg::sum(weights * sg::logcumsumexp(slope * t + offset, {.reverse = backwards})); };
  };
  check_expansion(along(false), -40, {201, -5, 1.0934505612001320057e-33}, 16);
  check_expansion(along(true), -40, {-88, 2, 1.6197078266457970581e-33}, 16);
  check_expansion(along(false), -1, {7.1479100923877222516, -3.6187320027176383011, .71284659770862798675}, 16);
  check_expansion(along(true), -1, {-6.94836362982736773, 7.4658235141072916353, 8.3217158210324880477}, 16);
}

TEST_CASE("logsumexp and its derivatives at saturation") {
  const auto of_two = [](const Tensor& t) {
    return sg::logsumexp(sg::stack({t, -t}));
  };  // its derivatives: tanh t, 1 - tanh^2 t
  check_expansion(of_two, 20, {20.000000000000000004, .9999999999999999915, 1.6993417021166355837e-17}, 8);
  check_expansion(of_two, 0, {.69314718055994530942, 0, 1}, 8);
}

}  // namespace
