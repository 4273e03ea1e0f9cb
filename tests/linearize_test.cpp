// linearize, linear_transpose, hvp and auxiliary outputs: against jvp, vjp and hessian, in all nestings; what the linear map owns and
// what it computes again; and what is refused.

#include "core/kernel_table.h"
#include "core/node.h"
#include "scangrad/scangrad.h"
#include "support/golden.h"

namespace sg = scangrad;
using sg::Tensor;

namespace {

double number(const Tensor& x) { return x.item<double>(); }
std::vector<double> numbers(const Tensor& x) { return x.to_vector<double>(); }

struct Pair {
  Tensor a;
  std::vector<Tensor> rest;
};

const Tensor x = {0.5, -1.0, 2.0};
const Tensor dx = {1.0, 0.25, -3.0};
Tensor cube_of_scan(const Tensor& t) { return sg::sin(sg::logcumsumexp(t)) * sg::cumprod(t * t); }

int runs = 0;
/// Its own derivative is 3, and it counts its runs.
struct Triple final : sg::core::Primitive {
  std::string_view name() const override { return "triple"; }
  sg::core::MaybeTensors jvp(sg::core::Ins, sg::core::Outs, sg::core::Tangents t) const override { return {*t[0] * 3.0}; }
  static void kernel(const sg::core::Context& context, const Primitive&, sg::core::Inputs ins, sg::core::Outputs outs) {
    ++runs;
    context.allocate(outs[0]);
    for (std::int64_t i = 0; i < outs[0].size(); ++i) outs[0].data<double>()[i] = 3 * ins[0]->data<double>()[i];
  }
};
const bool registered = (sg::core::add_kernel<Triple>(sg::DeviceType::cpu, Triple::kernel), true);
Tensor triple(const Tensor& t) { return sg::core::apply(sg::core::shared_primitive<Triple>(), {t.shape(), t.dtype()}, {t}); }

}  // namespace

TEST_CASE("linearize gives the value and the map that jvp gives, again and again") {
  const auto [y, jvp] = sg::linearize(cube_of_scan, {x});
  CHECK(numbers(y) == numbers(cube_of_scan(x)));
  for (const Tensor& direction : {dx, Tensor{0.0, 1.0, 0.0}, Tensor{0.0, 0.0, 0.0}}) {
    const std::vector<double> expected = numbers(sg::jvp(cube_of_scan, {x}, {direction}).tangent);
    const std::vector<double> given = numbers(jvp(direction));
    for (std::size_t i = 0; i < 3; ++i) CHECK(given[i] == Approx(expected[i]).epsilon(1e-14));
  }
}

TEST_CASE("the linear map computes nothing of f again", "[lazy]") {
  runs = 0;
  const auto [y, jvp] = sg::linearize([](const Tensor& t) { return sg::exp(triple(t)); }, {x});
  CHECK(runs == 1);
  jvp(dx), jvp(x);
  CHECK(runs == 1);
  const auto cosine = sg::linearize([](const Tensor& t) { return sg::sin(t); }, {x}).jvp;
  const Tensor first = cosine(dx);
  CHECK(sg::core::node_of(first).done());
  CHECK(numbers(first)[0] == std::cos(0.5));
}

TEST_CASE("a linear map owns what it needs, and no more", "[lazy]") {
  const Tensor big = sg::ones({1000}) * 0.5;
  sg::eval(big);
  const std::int64_t before = sg::memory::active();
  {
    const auto jvp = sg::linearize([](const Tensor& t) { return sg::exp(sg::sin(t + 1.0) * 2.0); }, {big}).jvp;
    CHECK(sg::memory::active() - before <= 3 * 8000);  // cos(t + 1), exp(..), and the value in `like`
    CHECK(numbers(jvp(sg::ones({1000})))[7] == Approx(2 * std::cos(1.5) * std::exp(2 * std::sin(1.5))).epsilon(1e-14));
  }
  CHECK(sg::memory::active() == before);
}

TEST_CASE("linearize takes structures, several arguments and any results") {
  const auto f = [](const Pair& p, const Tensor& t) { return std::tuple(p.a * t, std::vector{p.rest[0] + t, t * t}); };
  const auto linear = sg::linearize(f, sg::args(Pair{2.0, {3.0}}, Tensor(5.0)));
  CHECK(number(std::get<1>(linear.value)[1]) == 25.0);
  const auto tangent = linear.jvp(Pair{1.0, {10.0}}, Tensor(100.0));
  CHECK(number(std::get<0>(tangent)) == 205.0);
  CHECK(number(std::get<1>(tangent)[0]) == 110.0);
  CHECK(number(std::get<1>(tangent)[1]) == 1000.0);
  const auto constant = sg::linearize([](const Tensor&) { return Tensor{1.0, 2.0}; }, {x});
  CHECK(numbers(constant.jvp(dx)) == std::vector<double>{0, 0});
}

TEST_CASE("linearize inside and outside of the other transforms") {
  const auto f = [](const Tensor& t) { return t * t * t; };
  const auto linear = [&](const Tensor& t) { return sg::linearize(f, {t}).jvp(Tensor(1.0)); };  // 3 t^2
  CHECK(number(sg::grad(linear)(Tensor(2.0))) == 12.0);
  CHECK(number(sg::jvp(linear, {Tensor(2.0)}, {Tensor(1.0)}).tangent) == 12.0);
  CHECK(number(sg::linearize(linear, {Tensor(2.0)}).jvp(Tensor(1.0))) == 12.0);
  CHECK(number(sg::grad(sg::grad(linear))(Tensor(2.0))) == 6.0);
  CHECK(numbers(sg::vmap(linear)(Tensor{1.0, 2.0})) == std::vector<double>{3, 12});
  const auto map = sg::linearize(f, {Tensor(2.0)}).jvp;
  CHECK(numbers(sg::vmap([&](const Tensor& t) { return map(t); })(Tensor{1.0, 2.0})) == std::vector<double>{12, 24});
  CHECK(number(sg::grad([&](const Tensor& t) { return map(t) * t; })(Tensor(3.0))) == 72.0);
  // of a gradient, a batch, a Jacobian
  CHECK(number(sg::linearize([&](const Tensor& t) { return sg::grad(f)(t); }, {Tensor(2.0)}).jvp(Tensor(1.0))) == 12.0);
  CHECK(numbers(sg::linearize(sg::vmap(f), {Tensor{1.0, 2.0}}).jvp(Tensor{1.0, 1.0})) == std::vector<double>{3, 12});
  const Tensor J = sg::jacfwd([&](const Tensor& t) { return sg::linearize(cube_of_scan, {t}).jvp(dx); })(x);
  const Tensor expected = sg::jacrev([&](const Tensor& t) { return sg::jvp(cube_of_scan, {t}, {dx}).tangent; })(x);
  for (std::size_t i = 0; i < 9; ++i) CHECK(numbers(J)[i] == Approx(numbers(expected)[i]).epsilon(1e-12));
}

TEST_CASE("perturbations do not mix in linearize") {
  const auto inner = [](const auto& g) { return sg::linearize(g, {Tensor(1.0)}).jvp(Tensor(1.0)); };
  const auto outer = [](const auto& g, double at) { return number(sg::linearize(g, {Tensor(at)}).jvp(Tensor(1.0))); };
  CHECK(outer([&](const Tensor& t) { return t * inner([&](const Tensor& s) { return t + s; }); }, 1.0) == 1.0);
  CHECK(outer([&](const Tensor& t) { return t * inner([&](const Tensor& s) { return t * s; }); }, 4.0) == 8.0);
}

TEST_CASE("linear_transpose is the adjoint of a linear function, of which it reads no value") {
  const Tensor A = {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}};
  const auto f = [&](const Tensor& t) { return std::pair(sg::matmul(A, t), sg::cumsum(t, {.reverse = true}) + 1.0); };
  const auto transpose = sg::linear_transpose(f, {sg::zeros({3})});
  CHECK(numbers(transpose({Tensor{1.0, 10.0}, Tensor{0.0, 0.0, 0.0}})) == std::vector<double>{41, 52, 63});
  CHECK(numbers(transpose({Tensor{0.0, 0.0}, Tensor{1.0, 2.0, 3.0}})) == std::vector<double>{1, 3, 6});
  // of the map that linearize gives: the pullback
  const auto jvp = sg::linearize(cube_of_scan, {x}).jvp;
  const Tensor g = {1.0, -2.0, 0.5};
  const auto expected = numbers(sg::vjp(cube_of_scan, {x}).pullback(g));
  const auto given = numbers(sg::linear_transpose([&](const Tensor& t) { return jvp(t); }, {x})(g));
  for (std::size_t i = 0; i < 3; ++i) CHECK(given[i] == Approx(expected[i]).epsilon(1e-14));
  // differentiated in what f captures
  const auto scaled = [](const Tensor& s) {
    return sg::linear_transpose([&](const Tensor& t) { return s * t; }, {s})(Tensor(3.0));
  };
  CHECK(number(sg::grad(scaled)(Tensor(2.0))) == 3.0);
  CHECK(numbers(sg::vmap(scaled)(Tensor{1.0, 2.0})) == std::vector<double>{3, 6});
}

TEST_CASE("hvp is the Hessian times a vector") {
  const auto f = [](const Tensor& t) { return sg::sum(cube_of_scan(t)); };
  const auto expected = numbers(sg::matmul(sg::hessian(f)(x), dx)), given = numbers(sg::hvp(f, {x}, {dx}));
  for (std::size_t i = 0; i < 3; ++i) CHECK(given[i] == Approx(expected[i]).epsilon(1e-12));
  const auto g = [](const Tensor& a, const Pair& p) { return sg::sum(a * a) * p.a + p.rest[0]; };
  const auto [ga, gp] = sg::hvp(g, sg::args(Tensor{1.0, 2.0}, Pair{3.0, {4.0}}), sg::args(Tensor{1.0, 0.0}, Pair{10.0, {1.0}}));
  CHECK(numbers(ga) == std::vector<double>{26, 40});
  CHECK(number(gp.a) == 2.0);
  CHECK(number(gp.rest[0]) == 0.0);
  const Tensor rows = sg::vmap([&](const Tensor& v) { return sg::hvp(f, {x}, {v}); })(sg::eye(3));
  const auto hessian = numbers(sg::hessian(f)(x));
  for (std::size_t i = 0; i < 9; ++i) CHECK(numbers(rows)[i] == Approx(hessian[i]).epsilon(1e-12));
}

TEST_CASE("auxiliary outputs come along and are not differentiated") {
  const auto f = [](const Tensor& t) { return sg::with_aux(sg::sum(t * t), Pair{t * 2.0, {sg::exp(t)}}); };
  const auto both = sg::value_and_grad(f)(x);
  CHECK(number(both.value) == 5.25);
  CHECK(numbers(both.gradient) == std::vector<double>{1, -2, 4});
  CHECK(numbers(both.aux.a) == std::vector<double>{1, -2, 4});
  const auto gradient = sg::grad(f)(x);
  CHECK(numbers(gradient.gradient) == std::vector<double>{1, -2, 4});
  CHECK(numbers(gradient.aux.rest[0])[1] == std::exp(-1.0));
  const auto forward = sg::jvp(f, {x}, {dx});
  CHECK(number(forward.tangent) == -11.5);
  CHECK(numbers(forward.aux.a) == std::vector<double>{1, -2, 4});
  const auto reverse = sg::vjp(f, {x});
  CHECK(numbers(reverse.pullback(Tensor(10.0))) == std::vector<double>{10, -20, 40});
  CHECK(numbers(reverse.aux.a) == std::vector<double>{1, -2, 4});
  const auto linear = sg::linearize(f, {x});
  CHECK(number(linear.jvp(dx)) == -11.5);
  CHECK(numbers(linear.aux.a) == std::vector<double>{1, -2, 4});
  const auto batch = sg::vmap(sg::grad(f))(sg::stack({x, dx}));
  CHECK(batch.aux.a.shape() == sg::Shape{2, 3});
  // inside another transform the aux is a function of the outer argument
  CHECK(numbers(sg::grad([&](const Tensor& t) { return sg::sum(sg::grad(f)(t).aux.a); })(x)) == std::vector<double>{2, 2, 2});
}

TEST_CASE("auxiliary outputs are evaluated with the rest", "[lazy]") {
  const auto result = sg::value_and_grad([](const Tensor& t) { return sg::with_aux(sg::sum(t), t * 2.0); })(x);
  CHECK(sg::core::node_of(result.aux).done());
}

TEST_CASE("what linearize, linear_transpose and hvp refuse") {
  const auto linear = sg::linearize([](const Tensor& t) { return t * t; }, {x});
  test::check_all({
      {[&] { linear.jvp(Tensor{1.0}); },
       "linearize: tangent 0 is float64 (1,), but the argument is float64 (3,); they must be equal"},
      {[&] { linear.jvp(Tensor()); },
       "linearize: a default-constructed Tensor was given; give it a value first, as in Tensor x = {1.0, 2.0};"},
      {[] {
         sg::linearize([](const Tensor& t) { return t; }, {Tensor{1, 2}});
       },
       "linearize: argument 0 is int64, and derivatives exist for floating tensors only; convert it with astype, or close over "
       "it"},
      {[] { sg::linearize([](const Tensor&) { return Tensor(); }, {x}); },
       "linearize: a default-constructed Tensor was given; give it a value first, as in Tensor x = {1.0, 2.0};"},
      {[] { sg::linear_transpose([](const Tensor& t) { return t * t; }, {x})(x); },
       "linear_transpose: the function is not linear: it, or its derivative, needs the values of its arguments; use vjp"},
      {[] { sg::linear_transpose([](const Tensor& t) { return t.item<double>() > 0 ? t : -t; }, {Tensor(1.0)}); },
       "linear_transpose: the function is not linear: it, or its derivative, needs the values of its arguments; use vjp"},
      {[] {
         sg::linear_transpose([](const Tensor& t) { return t; }, {Tensor{1, 2}});
       },
       "linear_transpose: argument 0 is int64, and derivatives exist for floating tensors only; convert it with astype, or "
       "close over it"},
      {[] { sg::linear_transpose([](const Tensor& t) { return t + sg::ones({2}); }, {x}); },
       "add: shapes (3,) and (2,) do not broadcast: axis -1 has sizes 3 and 2, which must be equal or 1"},
      {[] { sg::hvp([](const Tensor& t) { return t; }, {x}, {x}); },
       "hvp: the function must return a scalar, but its result has shape (3,); reduce it (sum), or use vjp"},
      {[] { sg::hvp([](const Tensor& t) { return sg::sum(t); }, {x}, {Tensor(1.0)}); },
       "hvp: tangent 0 is float64 (), but the argument is float64 (3,); they must be equal"},
  });
}

TEST_CASE("an error inside a transform names it and its place, beside the operation and its own") {
  const auto what = [](const auto& call) {
    try {
      call();
    } catch (const sg::Error& error) {
      return std::string(error.what()).substr(error.message().size());
    }
    return std::string("nothing was thrown");
  };
  const auto at = [](int line) { return std::string(__FILE__) + ":" + std::to_string(line); };
  int line = 0;
  const auto wrong = [&](const Tensor& t) {
    line = __LINE__ + 1;
    return sg::sum(t + sg::ones({2}));
  };
  const auto late = [&](const Tensor& t) {
    line = __LINE__ + 1;
    return sg::sum(sg::take(t, Tensor{5}));
  };
  const auto check = [&](const std::string& given, const char* transform, int called) {
    CHECK(given == " [" + at(line) + ", inside " + transform + " at " + at(called) + "]");
  };
  check(what([&] { sg::grad(wrong)(x); }), "grad", __LINE__);
  check(what([&] { sg::grad(late)(x); }), "grad", __LINE__);
  check(what([&] { sg::vmap(wrong)(sg::stack({x, x})); }), "vmap", __LINE__);
  check(what([&] { sg::vmap(sg::grad(wrong))(sg::stack({x, x})); }), "grad", __LINE__);
  const std::string outside = what([&] { wrong(x); });
  CHECK(outside == " [" + at(line) + "]");
  CHECK(what([&] { sg::grad([](const Tensor& t) { return t; })(x); }) == " [" + at(__LINE__) + "]");
}
