// The transforms: nesting, perturbations, structures, symbolic zeros, pullbacks that outlive their call, and what may not be
// differentiated.

#include <thread>

#include "scangrad/scangrad.h"
#include "support/catch.h"

namespace sg = scangrad;
using sg::Tensor;

namespace {

double number(const Tensor& x) { return x.item<double>(); }
std::vector<double> numbers(const Tensor& x) { return x.to_vector<double>(); }

template <class F>
Tensor derivative_by_jvp(const F& f, const Tensor& at) {
  return sg::jvp(f, {at}, {Tensor(1.0)}).tangent;
}
template <class F>
Tensor derivative_by_vjp(const F& f, const Tensor& at) {
  return sg::vjp(f, {at}).pullback(Tensor(1.0));
}
template <class F>
Tensor derivative_by_grad(const F& f, const Tensor& at) {
  return sg::grad(f)(at);
}

struct Parameters {
  Tensor weight;
  std::vector<Tensor> biases;
};

}  // namespace

TEST_CASE("perturbations do not mix") {
  const auto check = [](auto outer, auto inner) {
    const auto sum = [&](const Tensor& x) { return x * inner([&](const Tensor& y) { return x + y; }, Tensor(1.0)); };
    const auto product = [&](const Tensor& x) { return x * inner([&](const Tensor& y) { return x * y; }, Tensor(1.0)); };
    CHECK(number(outer(sum, Tensor(1.0))) == 1.0);
    CHECK(number(outer(product, Tensor(4.0))) == 8.0);
  };
  const auto jvp = [](const auto& f, const Tensor& at) { return derivative_by_jvp(f, at); };
  const auto vjp = [](const auto& f, const Tensor& at) { return derivative_by_vjp(f, at); };
  const auto grad = [](const auto& f, const Tensor& at) { return derivative_by_grad(f, at); };
  check(jvp, jvp), check(jvp, vjp), check(jvp, grad);
  check(vjp, jvp), check(vjp, vjp), check(vjp, grad);
  check(grad, jvp), check(grad, vjp), check(grad, grad);
}

TEST_CASE("recursion through one functor keeps its levels apart") {
  struct Nest {
    Tensor operator()(const Tensor& x) const { return depth == 0 ? x * x * x : derivative_by_grad(Nest{depth - 1}, x) * x; }
    int depth;
  };
  // (x d/dx)^2 x^3 = 9 x^3; once more by grad: 27 x^2
  CHECK(number(derivative_by_grad(Nest{2}, Tensor(2.0))) == 108.0);
  CHECK(number(derivative_by_jvp(Nest{2}, Tensor(2.0))) == 108.0);
}

TEST_CASE("four nestings of the second derivative agree, to third order too") {
  const auto f = [](const Tensor& x) { return sg::exp(sg::square(x)); };
  const auto jvp = [](auto g) { return [g](const Tensor& x) { return derivative_by_jvp(g, x); }; };
  const auto vjp = [](auto g) { return [g](const Tensor& x) { return derivative_by_vjp(g, x); }; };
  const double x = 0.5, e = std::exp(x * x);
  const double second = (2 + 4 * x * x) * e, third = (12 * x + 8 * x * x * x) * e;
  CHECK(number(jvp(jvp(f))(x)) == Approx(second).epsilon(1e-14));
  CHECK(number(jvp(vjp(f))(x)) == Approx(second).epsilon(1e-14));
  CHECK(number(vjp(jvp(f))(x)) == Approx(second).epsilon(1e-14));
  CHECK(number(vjp(vjp(f))(x)) == Approx(second).epsilon(1e-14));
  CHECK(number(jvp(vjp(jvp(f)))(x)) == Approx(third).epsilon(1e-14));
  CHECK(number(vjp(vjp(vjp(f)))(x)) == Approx(third).epsilon(1e-14));
}

TEST_CASE("a pullback can be called after evaluation, and again") {
  const Tensor x = {1.0, 2.0, 3.0};
  auto [y, pullback] = sg::vjp([](const Tensor& t) { return sg::cumprod(t); }, {x});
  sg::eval(y);
  CHECK(numbers(y) == std::vector<double>{1, 2, 6});
  CHECK(numbers(pullback(Tensor{1.0, 1.0, 1.0})) == std::vector<double>{9, 4, 2});
  CHECK(numbers(pullback(Tensor{0.0, 0.0, 1.0})) == std::vector<double>{6, 3, 2});
}

TEST_CASE("a pullback called inside another transform is differentiated through its cotangent") {
  const Tensor x = {1.0, 2.0, 3.0};
  const auto outer = sg::vjp([](const Tensor& t) { return t * t; }, {x});
  const Tensor g = sg::grad([&](const Tensor& q) { return sg::sum(outer.pullback(q) * x); })(Tensor{1.0, 1.0, 1.0});
  CHECK(numbers(g) == std::vector<double>{2, 8, 18});
}

TEST_CASE("arguments may be structures, and gradients have their type") {
  const Parameters p{Tensor{1.0, 2.0}, {Tensor(3.0), Tensor(4.0)}};
  const auto f = [](const Parameters& q, const Tensor& x) { return sg::sum(q.weight * x) * q.biases[0] + q.biases[1]; };
  const auto [value, gradient] = sg::value_and_grad(f)(p, Tensor{5.0, 6.0});
  CHECK(number(value) == 55.0);
  const Parameters& gp = std::get<0>(gradient);
  CHECK(numbers(gp.weight) == std::vector<double>{15, 18});
  CHECK(number(gp.biases.at(0)) == 17.0);
  CHECK(number(gp.biases.at(1)) == 1.0);
  CHECK(numbers(std::get<1>(gradient)) == std::vector<double>{3, 6});

  const Parameters only = sg::grad<0>(f)(p, Tensor{5.0, 6.0});
  CHECK(numbers(only.weight) == std::vector<double>{15, 18});
  CHECK(numbers(sg::grad<1>(f)(p, Tensor{5.0, 6.0})) == std::vector<double>{3, 6});
}

TEST_CASE("jvp and vjp take argument packs, and results may be structures") {
  const auto f = [](const std::array<Tensor, 2>& a, const Tensor& b) { return std::tuple(a[0] * b, std::vector{a[1] + b, b}); };
  const auto x = sg::args(std::array{Tensor(2.0), Tensor(3.0)}, Tensor(5.0));
  const auto r = sg::jvp(f, x, sg::args(std::array{Tensor(1.0), Tensor(0.0)}, Tensor(10.0)));
  CHECK(number(std::get<0>(r.tangent)) == 25.0);
  CHECK(number(std::get<1>(r.tangent).at(0)) == 10.0);
  const auto [y, pullback] = sg::vjp(f, x);
  const auto [ga, gb] = pullback(std::tuple(Tensor(1.0), std::vector{Tensor(10.0), Tensor(100.0)}));
  CHECK(number(ga[0]) == 5.0);
  CHECK(number(ga[1]) == 10.0);
  CHECK(number(gb) == 112.0);
}

TEST_CASE("what does not depend on an input has a zero derivative of the right shape and dtype") {
  const Tensor x(std::vector<float>{1, 2, 3}), constant = {7.0, 8.0};
  const auto r = sg::jvp([&](const Tensor&) { return constant; }, {x}, {sg::ones({3}, {.dtype = sg::DType::float32})});
  CHECK(numbers(r.tangent) == std::vector<double>{0, 0});
  const Tensor g = sg::vjp([&](const Tensor&) { return constant; }, {x}).pullback(Tensor{1.0, 1.0});
  CHECK(g.dtype() == sg::DType::float32);
  CHECK(g.to_vector<float>() == std::vector<float>{0, 0, 0});
  const auto argument = sg::grad([](const Tensor& a, const Tensor&) { return sg::sum(a); })(x, constant);
  CHECK(numbers(std::get<1>(argument)) == std::vector<double>{0, 0});
}

TEST_CASE("an argument that is returned as it is has the identity for derivative") {
  const Tensor x = {1.0, 2.0};
  CHECK(numbers(sg::jvp([](const Tensor& t) { return t; }, {x}, {Tensor{5.0, 6.0}}).tangent) == std::vector<double>{5, 6});
  CHECK(
      numbers(sg::vjp([](const Tensor& t) { return std::pair(t, t); }, {x}).pullback({Tensor{1.0, 2.0}, Tensor{10.0, 20.0}})) ==
      std::vector<double>{11, 22});
}

TEST_CASE("reading a value inside f changes nothing") {
  for (const bool read : {false, true}) {
    const auto f = [read](const Tensor& x) {
      const Tensor y = sg::exp(x);
      if (read && y.item<double>() < 0) return x;
      return sg::square(y);
    };
    CHECK(number(derivative_by_grad(f, 0.0)) == 2.0);
    CHECK(number(derivative_by_jvp(f, 0.0)) == 2.0);
    CHECK(number(derivative_by_grad([&](const Tensor& x) { return derivative_by_grad(f, x); }, 0.0)) == 4.0);
  }
}

TEST_CASE("what was computed before the transform is a constant in it") {
  const Tensor x = 3.0;
  const Tensor before = x * x;
  CHECK(number(sg::grad([&](const Tensor& t) { return t * before; })(x)) == 9.0);
}

TEST_CASE("stop_gradient is a constant in every mode and order") {
  const auto f = [](const Tensor& x) { return x * sg::stop_gradient(x * x); };
  CHECK(number(derivative_by_grad(f, 3.0)) == 9.0);
  CHECK(number(derivative_by_jvp(f, 3.0)) == 9.0);
  CHECK(number(derivative_by_jvp([&](const Tensor& x) { return derivative_by_grad(f, x); }, 3.0)) == 0.0);
  CHECK(number(derivative_by_grad([&](const Tensor& x) { return derivative_by_jvp(f, x); }, 3.0)) == 0.0);
}

TEST_CASE("the Hessian of one and of several arguments") {
  const auto cubic = [](const Tensor& x) { return sg::sum(x * x * x) + slice(x, {.end = 1}) * slice(x, {.begin = 1}); };
  const auto f = [&](const Tensor& x) { return sg::sum(cubic(x)); };
  CHECK(numbers(sg::hessian(f)(Tensor{2.0, 3.0})) == std::vector<double>{12, 1, 1, 18});

  const auto g = [](const Tensor& a, const Tensor& b) { return sg::sum(a * a) * b; };
  const auto [row_a, row_b] = sg::hessian(g)(Tensor{1.0, 2.0}, Tensor(3.0));
  CHECK(numbers(std::get<0>(row_a)) == std::vector<double>{6, 0, 0, 6});
  CHECK(std::get<1>(row_a).shape() == sg::Shape{2});
  CHECK(numbers(std::get<1>(row_a)) == std::vector<double>{2, 4});
  CHECK(numbers(std::get<0>(row_b)) == std::vector<double>{2, 4});
  CHECK(number(std::get<1>(row_b)) == 0.0);
  CHECK(sg::hessian([](const Tensor& x) { return sg::sum(x); })(sg::zeros({0})).shape() == sg::Shape{0, 0});
  CHECK(sg::hessian([](const Tensor& x) { return sg::sum(x * x); })(sg::ones({2, 3})).shape() == sg::Shape{2, 3, 2, 3});
}

TEST_CASE("threads differentiate side by side") {
  const Tensor shared = sg::linspace(0.0, 1.0, 100) * 1.0;
  const std::vector<double> expected = numbers(sg::grad([](const Tensor& x) { return sg::sum(sg::exp(x)); })(shared));
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i)
        if (numbers(sg::grad([](const Tensor& x) { return sg::sum(sg::exp(x)); })(shared)) != expected) ++wrong;
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("a thread inside a transform works on constants") {
  const Tensor g = sg::grad([](const Tensor& x) {
    Tensor from_thread;
    std::thread([&] { from_thread = sg::grad([](const Tensor& y) { return y * y; })(Tensor(5.0)); }).join();
    return x * from_thread;
  })(Tensor(2.0));
  CHECK(number(g) == 10.0);
}

TEST_CASE("evaluating what a transform tracks on another thread is an error, not a lost gradient", "[lazy]") {
  const auto evaluated_elsewhere = [](const Tensor& x) {
    const Tensor y = x * x;
    std::thread([&] { sg::eval(y); }).join();
    return y * 2.0;
  };
  CHECK_THROWS_WITH(sg::grad(evaluated_elsewhere)(Tensor(2.0)),
                    Catch::Contains("grad: a tensor that depends on the transform's input was evaluated on another thread"));
}
