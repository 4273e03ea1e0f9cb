// Minimisers: known minima, hard valleys, curvature that misleads, numbers that are not finite, and why each stops.

#include <cmath>

#include "scangrad/scangrad.h"
#include "support/catch.h"

namespace sg = scangrad;
using sg::DType;
using sg::StopReason;
using sg::Tensor;

namespace {

using Doubles = std::vector<double>;

Doubles doubles(const Tensor& x) { return sg::astype(x, DType::float64).to_vector<double>(); }

double error(const Tensor& x, const Doubles& expected) {
  const Doubles actual = doubles(x);
  REQUIRE(actual.size() == expected.size());
  double largest = 0;
  for (std::size_t i = 0; i < actual.size(); ++i) largest = std::max(largest, std::abs(actual[i] - expected[i]));
  return largest;
}

/// A valley that bends: minimum 0 at (1, 1, ...).
Tensor rosenbrock(const Tensor& x) {
  const Tensor now = sg::slice(x, {.end = -1}), next = sg::slice(x, {.begin = 1});
  return sg::sum(100.0 * sg::square(next - sg::square(now)) + sg::square(1.0 - now));
}

/// x . A x / 2 - b . x, A = diag(scales) rotated.
struct Quadratic {
  Tensor A, b;
  explicit Quadratic(const Doubles& scales) {
    const auto n = static_cast<std::int64_t>(scales.size());
    const Tensor v = sg::linspace(1, 2, n), reflection = sg::eye(n) - 2.0 * sg::outer(v, v) / sg::dot(v, v);
    A = sg::matmul(reflection * Tensor(scales), reflection);
    b = sg::matmul(A, sg::ones({n}));
  }
  Tensor operator()(const Tensor& x) const { return sg::dot(x, sg::matmul(A, x)) / 2.0 - sg::dot(b, x); }
};

/// What is computed in the dtype of its argument.
Tensor quartic(const Tensor& x) { return sg::sum(sg::square(sg::square(x - 1.0)) + sg::square(x - 1.0)); }

struct Model {
  Tensor weights, bias;
};

}  // namespace

TEST_CASE("Newton's method: a quadratic takes one step") {
  for (const Doubles& scales : {Doubles{3}, Doubles{1, 2, 3, 4}, Doubles{1e-6, 1, 1e6}}) {
    const auto fit = sg::newton(Quadratic(scales), sg::zeros({static_cast<std::int64_t>(scales.size())}),
                                {.gradient_tolerance = 1e-8 * scales.back()});
    CHECK(fit.iterations == 1);
    CHECK(fit.reason == StopReason::gradient);
    CHECK(error(fit.point, Doubles(scales.size(), 1.0)) < 1e-8 * scales.back() / scales.front() / 1e4 + 1e-12);
  }
}

TEST_CASE("all of them find their way through Rosenbrock's valley") {
  const Tensor start = {-1.2, 1.0};
  const Doubles ones(2, 1.0);
  const auto newton = sg::newton(rosenbrock, start);
  CHECK(newton.reason == StopReason::gradient);
  CHECK(newton.iterations < 60);
  CHECK(error(newton.point, ones) < 1e-8);
  const auto lbfgs = sg::lbfgs(rosenbrock, start);
  CHECK(lbfgs.reason == StopReason::gradient);
  CHECK(lbfgs.iterations < 100);
  CHECK(lbfgs.evaluations < 150);
  CHECK(error(lbfgs.point, ones) < 1e-8);
  CHECK(lbfgs.value < 1e-16);
  const auto long_valley = sg::lbfgs(rosenbrock, sg::zeros({50}));
  CHECK(long_valley.reason == StopReason::gradient);
  CHECK(error(long_valley.point, Doubles(50, 1.0)) < 1e-7);
  const auto descent = sg::gradient_descent(
      rosenbrock, start, {.rate = 5e-4, .momentum = 0.95, .max_iterations = 20'000, .gradient_tolerance = 1e-6});
  CHECK(descent.reason == StopReason::gradient);
  CHECK(error(descent.point, ones) < 1e-4);
  const auto adam = sg::adam(rosenbrock, start, {.rate = 0.02, .max_iterations = 20'000, .gradient_tolerance = 1e-6});
  CHECK(adam.reason == StopReason::gradient);
  CHECK(error(adam.point, ones) < 1e-4);
}

TEST_CASE("an ill-conditioned quadratic") {
  const auto condition = [](double decades) {
    Doubles scales;
    for (int i = 0; i < 20; ++i) scales.push_back(std::pow(10.0, -i * decades / 19));
    return Quadratic(scales);
  };
  for (const std::int64_t memory : {5, 20}) {
    const auto lbfgs = sg::lbfgs(condition(4), sg::zeros({20}), {.gradient_tolerance = 1e-10, .memory = memory});
    CHECK(lbfgs.reason == StopReason::gradient);
    CHECK(lbfgs.iterations < (memory == 5 ? 900 : 400));
    CHECK(error(lbfgs.point, Doubles(20, 1.0)) < 1e-6);
  }
  const auto newton = sg::newton(condition(8), sg::zeros({20}), {.gradient_tolerance = 1e-14});
  CHECK(newton.converged());
  CHECK(newton.iterations <= 3);
  CHECK(error(newton.point, Doubles(20, 1.0)) < 1e-6);
}

TEST_CASE("logistic regression: both reach the optimum to the last digits, over a structure") {
  const auto keys = sg::random::split(sg::random::key(7), 2);
  const Tensor x = sg::random::normal(keys[0], {200, 3});
  const Tensor y =
      sg::astype(sg::random::bernoulli(keys[1], sg::sigmoid(sg::matmul(x, Tensor{1.0, -2.0, 0.5}) + 0.25)), DType::float64);
  const auto loss = [&](const Model& m) {
    const Tensor z = sg::matmul(x, m.weights) + m.bias;
    return sg::sum(sg::softplus(z) - y * z) + 0.5 * sg::sum(sg::square(m.weights));
  };
  const Model start = {sg::zeros({3}), Tensor(0.0)};
  const auto newton = sg::newton(loss, start, {.gradient_tolerance = 1e-11});
  const auto lbfgs = sg::lbfgs(loss, start, {.gradient_tolerance = 1e-10});
  CHECK(newton.converged());
  CHECK(newton.iterations < 10);
  CHECK(lbfgs.converged());
  // At the optimum the residuals are orthogonal to the covariates: X' (y - p) = weights, sum (y - p) = 0.
  const Tensor residual = y - sg::sigmoid(sg::matmul(x, newton.point.weights) + newton.point.bias);
  CHECK(error(sg::matmul(sg::transpose(x), residual) - newton.point.weights, Doubles(3, 0.0)) < 1e-11);
  CHECK(std::abs(sg::sum(residual).item<double>()) < 1e-11);
  CHECK(error(lbfgs.point.weights, doubles(newton.point.weights)) < 1e-10);
  CHECK(error(lbfgs.point.bias, doubles(newton.point.bias)) < 1e-10);
  // the same as two arguments, and as one vector
  const auto spread = [&](const Tensor& weights, const Tensor& bias) { return loss({weights, bias}); };
  const auto tuple = sg::newton(spread, sg::args(start.weights, start.bias), {.gradient_tolerance = 1e-11});
  CHECK(doubles(std::get<0>(tuple.point)) == doubles(newton.point.weights));
  const auto [flat, unravel] = sg::ravel(start);
  const auto unraveled = [&, back = unravel](const Tensor& v) { return loss(back(v)); };
  const auto vector = sg::lbfgs(unraveled, flat, {.gradient_tolerance = 1e-10});
  CHECK(error(vector.point, doubles(sg::ravel(newton.point).flat)) < 1e-10);
}

TEST_CASE("Cox's model, on data whose optimum is known in closed form") {
  // exp(b) / (2 exp(b) + 1) / (1 + exp(b)) is largest where exp(b) = sqrt(1/2).
  const Tensor x = {1.0, 0.0, 1.0};  // by falling time
  const auto loss = [&](const Tensor& beta) { return -sg::sum(x * beta - sg::logcumsumexp(x * beta)); };
  const auto newton = sg::newton(loss, Tensor(0.0), {.gradient_tolerance = 1e-15});
  CHECK(newton.converged());
  CHECK(newton.point.item<double>() == Approx(std::log(0.5) / 2).epsilon(1e-14));
  CHECK(sg::lbfgs(loss, Tensor(0.0)).point.item<double>() == Approx(std::log(0.5) / 2).epsilon(1e-8));
}

TEST_CASE("float32 and halves: as far as the dtype allows") {
  for (const DType dtype : {DType::float32, DType::float64}) {
    const double tolerance = dtype == DType::float32 ? 2e-3 : 1e-7;
    const Tensor start = sg::astype(Tensor{-1.2, 1.0}, dtype);
    const auto newton = sg::newton(rosenbrock, start);
    CHECK(newton.converged());
    CHECK(newton.point.dtype() == dtype);
    CHECK(error(newton.point, {1, 1}) < tolerance);
    const auto lbfgs = sg::lbfgs(rosenbrock, start);
    CHECK(lbfgs.converged());
    CHECK(lbfgs.iterations < 200);
    CHECK(error(lbfgs.point, {1, 1}) < tolerance);
  }
  const Tensor half = sg::astype(Tensor{3.0, -2.0}, DType::float16);
  CHECK(error(sg::newton(quartic, half).point, {1, 1}) < 0.05);
  CHECK(error(sg::lbfgs(quartic, half).point, {1, 1}) < 0.05);
  // tensors of several dtypes
  const auto mixed = [](const std::vector<Tensor>& t) { return quartic(t[0]) + quartic(t[1]); };
  const auto fit = sg::newton(mixed, std::vector<Tensor>{half, Tensor{{4.0}, {-1.0}}});
  CHECK(fit.point[0].dtype() == DType::float16);
  CHECK(error(fit.point[1], {1, 1}) < 1e-2);
}

TEST_CASE("Newton's method where the Hessian is indefinite, singular, zero or not finite") {
  const auto saddle = [](const Tensor& x) { return sg::square(sg::square(x[0]) - 1.0) + sg::square(x[1]); };  // -4 at x0 = 0
  const auto from_saddle = sg::newton(saddle, Tensor{1e-3, 1.0});
  CHECK(from_saddle.reason == StopReason::gradient);
  CHECK(error(from_saddle.point, {1, 0}) < 1e-6);
  const auto valley = [](const Tensor& x) { return sg::square(sg::sum(x) - 3.0); };  // flat across
  const auto singular = sg::newton(valley, sg::zeros({4}));
  CHECK(singular.converged());
  CHECK(singular.value < 1e-12);
  const auto linear = [](const Tensor& x) { return sg::sum(sg::abs(x)); };  // no curvature, and a kink at the minimum
  const auto kink = sg::newton(linear, Tensor{0.3, -0.7}, {.max_iterations = 50});
  CHECK(kink.value < 1.0);
  const auto root = [](const Tensor& x) { return sg::sum(x * sg::sqrt(sg::abs(x))); };
  CHECK(std::isfinite(sg::newton(root, Tensor{1.0}, {.max_iterations = 5}).value));
  const auto maximum = [](const Tensor& x) { return -sg::sum(sg::square(x)); };  // no minimum at all
  const auto unbounded = sg::newton(maximum, Tensor{1.0}, {.max_iterations = 5});
  CHECK(unbounded.reason == StopReason::iterations);
  CHECK(unbounded.value < -1);
}

TEST_CASE("values that are not finite shorten the step, or stop the search at the last good point") {
  const auto barrier = [](const Tensor& x) { return sg::sum(x - sg::log(x)); };  // NaN for x < 0; minimum at 1
  for (const double start : {0.01, 0.5, 3.0, 100.0}) {
    const auto newton = sg::newton(barrier, Tensor{start});
    CHECK(newton.converged());
    CHECK(error(newton.point, {1}) < 1e-7);
    const auto lbfgs = sg::lbfgs(barrier, Tensor{start});
    CHECK(lbfgs.converged());
    CHECK(error(lbfgs.point, {1}) < 1e-7);
  }
  const auto explosion = sg::gradient_descent(barrier, Tensor{0.01}, {.rate = 1e3});
  CHECK(explosion.reason == StopReason::not_finite);  // flung far out, and back over the edge
  CHECK(explosion.iterations > 10);
  CHECK(std::isfinite(explosion.value));
  const auto beyond = sg::gradient_descent(barrier, Tensor{3.0}, {.rate = 10});
  CHECK(beyond.reason == StopReason::not_finite);
  CHECK(doubles(beyond.point) == Doubles{3});
  CHECK(beyond.iterations == 0);
  for (const double start : Doubles{-1.0, NAN, 0.0}) {
    CHECK(sg::newton(barrier, Tensor{start}).reason == StopReason::not_finite);
    CHECK(sg::lbfgs(barrier, Tensor{start}).reason == StopReason::not_finite);
    const auto adam = sg::adam(barrier, Tensor{start});
    CHECK(adam.reason == StopReason::not_finite);
    CHECK(adam.iterations == 0);
  }
}

TEST_CASE("a gradient that lies: no descent") {
  const auto liar = [](const Tensor& x) { return sg::sum(sg::stop_gradient(2.0 * x) - x); };  // grows, says that it falls
  CHECK(sg::newton(liar, Tensor{1.0}).reason == StopReason::no_descent);
  CHECK(sg::lbfgs(liar, Tensor{1.0}).reason == StopReason::no_descent);
  CHECK(doubles(sg::lbfgs(liar, Tensor{1.0}).point) == Doubles{1});
}

TEST_CASE("no steps, one step, and a start at the minimum") {
  const Tensor start = {-1.2, 1.0};
  const auto none = sg::lbfgs(rosenbrock, start, {.max_iterations = 0});
  CHECK(none.reason == StopReason::iterations);
  CHECK(none.iterations == 0);
  CHECK(none.evaluations == 1);
  CHECK(none.value == Approx(24.2));
  CHECK(doubles(none.point) == Doubles{-1.2, 1});
  CHECK_FALSE(none.converged());
  CHECK(sg::adam(rosenbrock, start, {.max_iterations = 1}).iterations == 1);
  const auto there = sg::newton(rosenbrock, Tensor{1.0, 1.0}, {.max_iterations = 0});
  CHECK(there.reason == StopReason::gradient);
  CHECK(sg::newton(rosenbrock, start, {.gradient_tolerance = 0, .decrease_tolerance = 1e-3}).reason == StopReason::decrease);
  const auto empty = sg::lbfgs([](const Tensor& x) { return sg::sum(x); }, sg::zeros({0}));
  CHECK(empty.reason == StopReason::gradient);
  CHECK(empty.point.shape() == sg::Shape{0});
}

TEST_CASE("the first steps of gradient descent and of Adam, by hand") {
  const auto f = [](const Tensor& x) { return sg::sum(Tensor{1.0, 10.0} * x * x) / 2.0; };
  const Tensor start = {1.0, 1.0};
  CHECK(error(sg::gradient_descent(f, start, {.rate = 0.1, .max_iterations = 1}).point, {0.9, 0}) < 1e-15);
  // v = (1, 10); then v = 0.5 v + (0.9, 0)
  CHECK(error(sg::gradient_descent(f, start, {.rate = 0.1, .momentum = 0.5, .max_iterations = 2}).point, {0.76, -0.5}) < 1e-15);
  // m / (1 - b1^t) and v / (1 - b2^t) start as g and g^2: each element moves by the rate.
  CHECK(error(sg::adam(f, start, {.rate = 0.1, .max_iterations = 1}).point, {0.9, 0.9}) < 1e-8);
  const double m = (0.9 * 0.1 * 1 + 0.1 * 0.9) / (1 - 0.81), v = (0.999 * 0.001 * 1 + 0.001 * 0.81) / (1 - 0.999 * 0.999);
  CHECK(doubles(sg::adam(f, start, {.rate = 0.1, .max_iterations = 2}).point)[0] ==
        Approx(0.9 - 0.1 * m / std::sqrt(v)).epsilon(1e-7));
}

TEST_CASE("the callback sees every step, and may stop") {
  std::int64_t calls = 0;
  double last = INFINITY;
  const auto watch = [&](sg::Progress& p) {
    CHECK(p.iteration == ++calls);
    CHECK(p.evaluations > p.iteration);
    CHECK(p.value <= last);
    CHECK(p.gain >= 0);
    CHECK(p.step > 0);
    CHECK(p.gradient >= 0);
    CHECK(rosenbrock(p.point[0]).item<double>() == p.value);
    last = p.value;
    if (p.iteration == 5) p.stop();
  };
  const auto fit = sg::lbfgs(rosenbrock, Tensor{-1.2, 1.0}, {.callback = watch});
  CHECK(fit.reason == StopReason::callback);
  CHECK(fit.iterations == 5);
  CHECK(fit.value == last);
  CHECK(sg::to_string(fit.reason) == "callback");
  CHECK(sg::to_string(StopReason::gradient) == "gradient");
  CHECK(sg::to_string(StopReason::no_descent) == "no_descent");
  CHECK_THROWS_WITH(
      sg::adam(rosenbrock, Tensor{-1.2, 1.0}, {.callback = [](sg::Progress&) { throw std::runtime_error("mine"); }}), "mine");
}

TEST_CASE("ravel and unravel") {
  const std::pair<Tensor, std::vector<Tensor>> structure = {Tensor(1.0f),
                                                            {Tensor{{2.0, 3.0}, {4.0, 5.0}}, sg::zeros({0}), Tensor{6}}};
  const auto [flat, unravel] = sg::ravel(structure);
  CHECK(flat.dtype() == DType::float64);
  CHECK(doubles(flat) == Doubles{1, 2, 3, 4, 5, 6});
  const auto back = unravel(flat * 2.0);
  CHECK(back.first.dtype() == DType::float32);
  CHECK(back.first.item<float>() == 2);
  CHECK(doubles(back.second[0]) == Doubles{4, 6, 8, 10});
  CHECK(back.second[0].shape() == sg::Shape{2, 2});
  CHECK(back.second[2].to_vector<std::int64_t>() == std::vector<std::int64_t>{12});
  const auto f = [&, way = unravel](const Tensor& v) { return sg::sum(sg::square(way(v).second[0])); };
  CHECK(doubles(sg::grad(f)(flat)) == Doubles{0, 4, 6, 8, 10, 0});
  const auto g = [](const Tensor& a, const Tensor& b) { return sg::sum(sg::square(sg::ravel(std::vector{a, b}).flat)); };
  CHECK(doubles(std::get<1>(sg::grad(g)(Tensor(1.0), Tensor{3.0}))) == Doubles{6});
}

TEST_CASE("errors") {
  const auto message = [](const auto& call) {
    try {
      call();
    } catch (const sg::Error& error) {
      CHECK(std::string(error.site().file) == __FILE__);
      return error.message();
    }
    return std::string("nothing was thrown");
  };
  const Tensor x = {1.0, 2.0};
  const auto f = [](const Tensor& t) { return sg::sum(t * t); };
  CHECK(message([&] { sg::newton(f, x, {.max_iterations = -1}); }) == "newton: max_iterations must be at least 0, given -1");
  CHECK(message([&] { sg::lbfgs(f, x, {.gradient_tolerance = NAN}); }) ==
        "lbfgs: gradient_tolerance must be at least 0, given nan");
  CHECK(message([&] { sg::newton(f, x, {.decrease_tolerance = -1e-3}); }) ==
        "newton: decrease_tolerance must be at least 0, given -0.001");
  CHECK(message([&] { sg::lbfgs(f, x, {.memory = 0}); }) == "lbfgs: memory must be at least 1, given 0");
  CHECK(message([&] { sg::gradient_descent(f, x, {.rate = 0}); }) ==
        "gradient_descent: rate must be positive and finite, given 0");
  CHECK(message([&] { sg::gradient_descent(f, x, {.momentum = 1}); }) ==
        "gradient_descent: momentum must be in [0, 1), given 1");
  CHECK(message([&] { sg::adam(f, x, {.rate = INFINITY}); }) == "adam: rate must be positive and finite, given inf");
  CHECK(message([&] { sg::adam(f, x, {.beta1 = -0.5}); }) == "adam: beta1 must be in [0, 1), given -0.5");
  CHECK(message([&] { sg::adam(f, x, {.beta2 = 1.5}); }) == "adam: beta2 must be in [0, 1), given 1.5");
  CHECK(message([&] { sg::adam(f, x, {.epsilon = 0}); }) == "adam: epsilon must be positive and finite, given 0");
  CHECK(
      message([&] {
        sg::newton(f, Tensor{1, 2});
      }) ==
      "newton: argument 0 is int64, and derivatives exist for floating tensors only; convert it with astype, or close over it");
  CHECK(message([&] { sg::lbfgs(f, sg::zeros({2}, {.dtype = DType::complex64})); }) ==
        "lbfgs: argument 0 is complex64; minimise over its real and imaginary parts");
  CHECK(message([&] { sg::adam(f, Tensor()); }) ==
        "adam: a default-constructed Tensor was given; give it a value first, as in Tensor x = {1.0, 2.0};");
  CHECK(message([&] { sg::adam([&](const std::vector<Tensor>&) { return f(x); }, std::vector<Tensor>()); }) ==
        "adam: there is nothing to differentiate with respect to; give at least one Tensor");
  CHECK(message([&] { sg::newton([](const Tensor& t) { return t * t; }, x); }) ==
        "newton: the function must return a scalar, but its result has shape (2,); reduce it (sum), or use vjp");
  CHECK(message([&] {
          sg::lbfgs([](const Tensor& t) { return sg::sum(t + Tensor{1.0, 2.0, 3.0}); }, x);
        }) == "add: shapes (2,) and (3,) do not broadcast: axis -1 has sizes 2 and 3, which must be equal or 1");
  CHECK(message([&] { sg::ravel(std::vector<Tensor>()); }) == "ravel: there is nothing to ravel; give at least one Tensor");
  CHECK(message([&] { sg::ravel(x).unravel(sg::zeros({3})); }) == "unravel: the vector must have shape (2,), given (3,)");
  CHECK(message([&] { sg::ravel(x).unravel(sg::zeros({2, 1})); }) == "unravel: the vector must have shape (2,), given (2, 1)");
}
