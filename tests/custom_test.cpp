// custom_function: the user's rules, what is derived of them, in all transforms and nestings, and the errors of rules that are wrong.

#include "scangrad/custom.h"

#include "scangrad/jacobian.h"
#include "scangrad/linalg.h"
#include "scangrad/loop.h"
#include "scangrad/scan.h"
#include "scangrad/vmap.h"
#include "support/golden.h"

namespace sg = scangrad;
using sg::Tensor;
using sg::TensorList;
using List = sg::CustomRules::List;

namespace {

std::vector<double> numbers(const Tensor& x) { return x.to_vector<double>(); }
double number(const Tensor& x) { return x.item<double>(); }

void check_close(const Tensor& given, const Tensor& expected, double tolerance = 1e-12) {
  REQUIRE(given.shape() == expected.shape());
  const auto a = numbers(given), b = numbers(expected);
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(a[i] == Approx(b[i]).epsilon(tolerance).margin(1e-13));
}

// x0 * cumsum(x1), sum(x0): the rules by hand.
TensorList forward(List x) { return {x[0] * sg::cumsum(x[1]), sg::sum(x[0])}; }
TensorList jvp_rule(List x, List, List dx) { return {dx[0] * sg::cumsum(x[1]) + x[0] * sg::cumsum(dx[1]), sg::sum(dx[0])}; }
TensorList vjp_rule(List x, List, List g) {
  return {g[0] * sg::cumsum(x[1]) + g[1], sg::cumsum(g[0] * x[0], {.reverse = true})};
}

const Tensor a = {0.5, -1.0, 2.0}, b = {1.0, 2.0, -0.5};
const Tensor da = {1.0, 0.25, -3.0}, db = {-1.0, 0.5, 2.0};

/// f(x0, x1) as one tensor.
template <class F>
auto flat(const F& f) {
  return [f](const Tensor& x0, const Tensor& x1) {
    const auto y = f(x0, x1);
    return sg::concatenate({y[0], sg::expand_dims(y[1], 0)});
  };
}

}  // namespace

TEST_CASE("with any of the rules, a custom function is as the plain one, in all modes, orders and nestings") {
  const auto plain = flat([](const Tensor& x0, const Tensor& x1) { return forward(std::array{x0, x1}); });
  const std::vector<sg::CustomRules> all = {
      {.forward = forward, .jvp = jvp_rule, .vjp = vjp_rule},
      {.forward = forward, .jvp = jvp_rule},
      {.forward = forward, .vjp = vjp_rule},
      {.forward = forward},
      {.forward = forward,
       .vmap = [](List x, std::span<const bool>) -> TensorList {
         return {x[0] * sg::cumsum(x[1]), sg::broadcast_to(sg::sum(x[0], {.axis = -1}), {2})};
       }},
  };
  for (std::size_t i = 0; i < all.size(); ++i) {
    INFO("rules " << i);
    const auto f = flat(sg::custom_function<2>(all[i]));
    check_close(f(a, b), plain(a, b), 0);
    const auto at = sg::args(a, b), along = sg::args(da, db);
    const Tensor g = {1.0, -1.0, 0.5, 2.0};
    check_close(sg::jvp(f, at, along).tangent, sg::jvp(plain, at, along).tangent);
    check_close(sg::linearize(f, at).jvp(da, db), sg::jvp(plain, at, along).tangent);
    const auto [fa, fb] = sg::vjp(f, at).pullback(g);
    const auto [pa, pb] = sg::vjp(plain, at).pullback(g);
    check_close(fa, pa), check_close(fb, pb);
    const auto scalar = [](const auto& h) { return [h](const Tensor& t) { return sg::sum(sg::square(h(t, sg::sin(t)))); }; };
    check_close(sg::hessian(scalar(f))(a), sg::hessian(scalar(plain))(a));
    check_close(sg::jacrev(sg::grad(scalar(f)))(a), sg::hessian(scalar(plain))(a));
    const auto slope = [](const auto& h) { return [h](const Tensor& t) { return sg::jvp(h, {t}, {da}).tangent; }; };
    check_close(sg::grad(slope(scalar(f)))(a), sg::grad(slope(scalar(plain)))(a));
    check_close(sg::jvp(slope(scalar(f)), {a}, {db}).tangent, sg::jvp(slope(scalar(plain)), {a}, {db}).tangent);
    const Tensor batch = sg::stack({a, b});
    if (i < 4)
      for (const sg::VmapOptions& axes :
           {sg::VmapOptions{}, sg::VmapOptions{.in_axes = {0, std::nullopt}}, sg::VmapOptions{.in_axes = {std::nullopt, 0}}}) {
        const Tensor x0 = axes.in_axes[0] ? batch : a, x1 = axes.in_axes[1] ? batch : b;
        check_close(sg::vmap(f, axes)(x0, x1), sg::vmap(plain, axes)(x0, x1));
        const auto total = [&](const auto& h) {
          return [&](const Tensor& t0, const Tensor& t1) { return sg::sum(sg::sin(sg::vmap(h, axes)(t0, t1))); };
        };
        const auto [ga, gb] = sg::grad(total(f))(x0, x1);
        const auto [ha, hb] = sg::grad(total(plain))(x0, x1);
        check_close(ga, ha), check_close(gb, hb);
        check_close(sg::jvp(total(f), {x0, x1}, {x0, x1}).tangent, sg::jvp(total(plain), {x0, x1}, {x0, x1}).tangent);
      }
    else check_close(sg::vmap(f)(batch, batch), sg::vmap(plain)(batch, batch));
    check_close(sg::vmap(sg::grad(scalar(f)))(batch), sg::vmap(sg::grad(scalar(plain)))(batch));
    check_close(sg::vmap(sg::vmap(scalar(f)))(sg::stack({batch, batch})),
                sg::vmap(sg::vmap(scalar(plain)))(sg::stack({batch, batch})));
    const auto in_loop = [](const auto& h) {
      return [h](const Tensor& t) {
        const auto step = [&](const Tensor& c, const Tensor& s) {
          return std::pair(sg::slice(h(c, t), {.axis = 0, .end = 3}) * s, c);
        };
        return sg::sum(sg::scan(step, t, Tensor{1.0, 0.5, 2.0}).ys);
      };
    };
    check_close(sg::grad(in_loop(f))(a), sg::grad(in_loop(plain))(a));
    check_close(sg::grad(sg::checkpoint(scalar(f)))(a), sg::grad(scalar(plain))(a));
  }
}

TEST_CASE("the rules are taken, not the derivative of forward") {
  const auto through = sg::custom_function(
      {.forward = [](List x) { return sg::round(x[0]); }, .jvp = [](List, List, List dx) { return dx[0]; }});
  const auto f = [&](const Tensor& t) { return sg::sum(through(t) * t); };
  const Tensor x = {0.4, 1.7};
  CHECK(numbers(sg::grad(f)(x)) == std::vector<double>{0.4, 3.7});  // round(x) + x
  CHECK(numbers(sg::hessian(f)(x)) == std::vector<double>{2, 0, 0, 2});
  CHECK(numbers(sg::vmap(sg::grad(f))(sg::stack({x, x}))) == std::vector<double>{0.4, 3.7, 0.4, 3.7});
  const auto reversed =
      sg::custom_function({.forward = [](List v) { return v[0] * 1.0; }, .vjp = [](List, List, List g) { return -g[0]; }});
  CHECK(numbers(sg::grad([&](const Tensor& t) { return sg::sum(reversed(t)); })(x)) == std::vector<double>{-1, -1});
  CHECK(numbers(sg::jvp(reversed, {x}, {x}).tangent) == std::vector<double>{-0.4, -1.7});  // its transpose
}

TEST_CASE("complex rules are transposed as the real inner product says") {
  const auto times = [](const Tensor& z) { return z * std::complex<double>(2, 3); };
  const auto f = sg::custom_function(
      {.forward = [=](List x) { return times(x[0]); }, .jvp = [=](List, List, List dx) { return times(dx[0]); }});
  const Tensor z = std::complex<double>(0.5, -1), g = std::complex<double>(1, 2);
  CHECK(sg::vjp(f, {z}).pullback(g).item<std::complex<double>>() ==
        std::conj(std::complex<double>(2, 3)) * std::complex<double>(1, 2));
}

TEST_CASE("integers have no tangent, structures are taken apart, an empty Tensor is a zero") {
  const auto picked = sg::custom_function({
      .forward = [](List x) { return sg::take(x[0], x[1]) * x[2]; },
      .jvp =
          [](List x, List, List dx) {
            CHECK(dx[1].empty_handle());
            return sg::take(dx[0], x[1]) * x[2];  // the derivative by x[2] is left out
          },
      .vjp = [](List x, List, List g) -> TensorList {
        return {sg::scatter_add(sg::zeros({3}), x[1], g[0] * x[2]), Tensor(), Tensor()};
      },
  });
  const Tensor i = {2, 0};
  const auto f = [&](const Tensor& t, const Tensor& s) { return sg::sum(picked(std::pair(t, i), std::vector{s})); };
  const auto [gt, gs] = sg::grad(f)(a, Tensor(3.0));
  CHECK(numbers(gt) == std::vector<double>{3, 0, 3});
  CHECK(number(gs) == 0.0);
  CHECK(number(sg::jvp(f, {a, Tensor(3.0)}, {da, Tensor(1.0)}).tangent) == -6.0);
  CHECK(numbers(sg::vmap([&](const Tensor& t, const Tensor& j) { return picked(t, j, Tensor(2.0)); })(
            sg::stack({a, b}), Tensor{{0, 1}, {2, 2}})) == std::vector<double>{1, -2, -1, -1});
}

TEST_CASE("a forward that reads values: once a call, and by its own rules in a batch and in a loop") {
  int calls = 0;
  const auto root = [&](const Tensor& scale) {  // of y = cos(y) scale, by iteration
    ++calls;
    Tensor z = scale * 0.0;
    for (double change = 1; change > 1e-15;) {
      const Tensor next = sg::cos(z) * scale;
      change = number(sg::max(sg::abs(next - z)));
      z = next;
    }
    return z;
  };
  sg::CustomRules rules = {.forward = [&](List v) { return root(v[0]); },
                           .jvp = [](List v, List z, List dv) { return sg::cos(z[0]) * dv[0] / (1 + sg::sin(z[0]) * v[0]); }};
  const auto f = sg::custom_function(rules);
  const Tensor x = 0.7;
  const auto g = sg::value_and_grad([&](const Tensor& t) { return f(t) * 1.0; })(x);
  CHECK(calls == 1);
  const double y = number(g.value), h = 1e-5;
  CHECK(y == Approx(std::cos(y) * 0.7).epsilon(1e-14));
  CHECK(number(g.gradient) == Approx((number(root(x + h)) - number(root(x - h))) / (2 * h)).epsilon(1e-8));
  const auto second = number(sg::grad(sg::grad([&](const Tensor& t) { return f(t); }))(x));
  const auto slope = [&](double t) { return number(sg::grad([&](const Tensor& s) { return f(s); })(Tensor(t))); };
  CHECK(second == Approx((slope(0.7 + h) - slope(0.7 - h)) / (2 * h)).epsilon(1e-8));

  const Tensor batch = {0.7, 0.1};
  CHECK_THROWS_AS(sg::vmap(f)(batch), sg::Error);
  rules.outputs_like = [](List v) { return v[0]; };
  rules.vmap = [&](List v, std::span<const bool>) { return root(v[0]); };
  const auto both = sg::custom_function(rules);
  check_close(sg::vmap(both)(batch), sg::stack({root(Tensor(0.7)), root(Tensor(0.1))}));
  CHECK(numbers(sg::vmap(sg::grad(both))(batch))[0] == Approx(number(g.gradient)).epsilon(1e-13));
  const auto loop = [&](const Tensor& t) {
    return sg::scan([&](const Tensor& c, const Tensor& s) { return std::pair(both(c * s), c); }, t, Tensor{1.0, 0.5}).carry;
  };
  CHECK(number(sg::grad(loop)(x)) ==
        Approx(number(sg::grad([&](const Tensor& t) { return both(both(t) * 0.5); })(x))).epsilon(1e-13));
}

TEST_CASE("what custom functions refuse") {
  const Tensor x = {1.0, 2.0};
  const auto same = [](List v) { return v[0]; };
  const auto call = [&](sg::CustomRules rules) {
    rules.name = "mine";
    const auto f = sg::custom_function(rules);
    return [f](const Tensor& t) { return sg::sum(f(t)); };
  };
  const auto one = [](List, List, List) { return Tensor(1.0); };
  const auto two = [](List, List, List d) { return TensorList{d[0], d[0]}; };
  const auto nonlinear = [](List, List, List d) { return d[0] * d[0]; };
  test::check_all({
      {[&] { sg::custom_function({}); }, "custom_function: there is no forward; give one, and a jvp or a vjp or both"},
      {[&] { call({.forward = [](List v) {
               return TensorList{v[0], v[0]};
             }})(x); },
       "mine: forward returned 2 tensors, but the function has 1 outputs; say how many as in custom_function<2>(..)"},
      {[&] { call({.forward = [](List) { return Tensor(); }})(x); },
       "mine: a default-constructed Tensor was given; give it a value first, as in Tensor x = {1.0, 2.0};"},
      {[&] { call({.forward = same})(Tensor()); },
       "mine: a default-constructed Tensor was given; give it a value first, as in Tensor x = {1.0, 2.0};"},
      {[&] { sg::jvp(call({.forward = same, .jvp = one}), {x}, {x}); },
       "mine: the jvp rule returned a float64 () as tangent of output 0, which is float64 (2,); they must be equal"},
      {[&] { sg::grad(call({.forward = same, .vjp = one}))(x); },
       "mine: the vjp rule returned a float64 () as cotangent of input 0, which is float64 (2,); they must be equal"},
      {[&] { sg::jvp(call({.forward = same, .jvp = two}), {x}, {x}); },
       "mine: the jvp rule returned 2 tangents for 1 outputs; return one each, an empty Tensor for zero"},
      {[&] { sg::grad(call({.forward = same, .vjp = two}))(x); },
       "mine: the vjp rule returned 2 cotangents for 1 inputs; return one each, an empty Tensor for zero"},
      {[&] {
         sg::grad(call({.forward = same, .vjp = [](List, List, List g) { return sg::astype(g[0], sg::DType::float32); }}))(x);
       },
       "mine: the vjp rule returned a float32 (2,) as cotangent of input 0, which is float64 (2,); they must be equal"},
      {[&] { sg::grad(call({.forward = same, .jvp = nonlinear}))(x); },
       "mine: the jvp rule is not linear in the tangents: its transpose, the vjp, needs their values"},
      {[&] { sg::jvp(call({.forward = same, .vjp = nonlinear}), {x}, {x}); },
       "mine: the vjp rule is not linear in the cotangents: its transpose, the jvp, needs their values"},
      {[&] { sg::grad([&](const Tensor& t) { return call({.forward = [&](List v) { return v[0] * t; }})(x); })(x); },
       "mine: output 0 of forward depends on a tensor that forward captured and that a transform around it differentiates or "
       "maps "
       "over; its derivative would be lost: make that tensor an argument"},
      {[&] { sg::vmap([&](const Tensor& t) { return call({.forward = [&](List v) { return v[0] * t; }})(t); })(x); },
       "mine: output 0 of forward depends on a tensor that forward captured and that a transform around it differentiates or "
       "maps "
       "over; its derivative would be lost: make that tensor an argument"},
      {[&] { sg::vmap(call({.forward = [](List v) { return v[0].item<double>() > 0 ? v[0] : -v[0]; }}))(x); },
       "mine: forward reads values, and here (in vmap or scan) its inputs have none; give custom_function .outputs_like, and "
       "for "
       "vmap .vmap too"},
      {[&] { sg::vmap(call({.forward = same, .vmap = [](List, std::span<const bool>) { return Tensor(1.0); }}))(x); },
       "mine: the vmap rule returned a float64 () as output 0, which for one example is float64 (); with the batch axis in "
       "front "
       "it must be (2,)"},
  });
}
