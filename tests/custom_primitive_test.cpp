// custom_primitive: kernels of the user's, in all transforms and nestings, when they run, and the errors of what is wrong.

#include "scangrad/custom_primitive.h"

#include <numeric>
#include <sstream>

#include "scangrad/check.h"
#include "scangrad/graph.h"
#include "scangrad/jacobian.h"
#include "scangrad/loop.h"
#include "scangrad/scan.h"
#include "scangrad/vmap.h"
#include "support/golden.h"

namespace sg = scangrad;
using sg::DType;
using sg::Tensor;
using sg::TensorList;
using sg::TensorSpec;
using P = sg::PrimitiveRules;

namespace {

std::vector<double> numbers(const Tensor& x) { return x.to_vector<double>(); }
double number(const Tensor& x) { return x.item<double>(); }

void check_close(const Tensor& given, const Tensor& expected, double tolerance = 1e-12) {
  REQUIRE(given.shape() == expected.shape());
  const auto a = numbers(given), b = numbers(expected);
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(a[i] == Approx(b[i]).epsilon(tolerance).margin(1e-13));
}

// x0 * cumsum(x1), sum(x0), of vectors: as a kernel, and with rules by hand.
sg::TensorSpecList outputs(P::Specs x) { return {x[0], TensorSpec{{}, x[0].dtype}}; }
void kernel(P::Inputs x, P::Outputs y) {
  const auto x0 = x[0].data<double>(), x1 = x[1].data<double>();
  double total = 0;
  for (std::size_t i = 0; i < x0.size(); ++i) y[0].data<double>()[i] = x0[i] * (total += x1[i]);
  y[1].data<double>()[0] = std::accumulate(x0.begin(), x0.end(), 0.0);
}
TensorList jvp_rule(P::List x, P::List, P::List dx) {
  return {dx[0] * sg::cumsum(x[1]) + x[0] * sg::cumsum(dx[1]), sg::sum(dx[0])};
}
TensorList vjp_rule(P::List x, P::List, P::List g) {
  return {g[0] * sg::cumsum(x[1]) + g[1], sg::cumsum(g[0] * x[0], {.reverse = true})};
}
P rules() { return {.name = "mine", .outputs = outputs, .kernel = kernel}; }

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
std::array<Tensor, 2> plain(const Tensor& x0, const Tensor& x1) { return {x0 * sg::cumsum(x1), sg::sum(x0)}; }

/// 2 x for vectors of float64.
P twice_rules() {
  return {.name = "twice",
          .outputs = [](P::Specs x) -> TensorSpec {
            if (x[0].shape.size() != 1) throw std::invalid_argument("a vector is needed");
            return x[0];
          },
          .kernel =
              [](P::Inputs x, P::Outputs y) {
                for (std::size_t i = 0; i < x[0].data<double>().size(); ++i)
                  y[0].data<double>()[i] = 2 * x[0].data<double>()[i];
              },
          .jvp = [](P::List, P::List, P::List dx) { return 2.0 * dx[0]; }};
}

}  // namespace

TEST_CASE("a primitive with a kernel of the user's is as the plain function, in all modes, orders and nestings") {
  const auto expected = flat(plain);
  std::vector<P> all(4, rules());
  all[0].jvp = jvp_rule, all[0].vjp = vjp_rule;
  all[1].jvp = jvp_rule;
  all[2].vjp = vjp_rule;
  all[3].jvp = jvp_rule, all[3].vmap = [](P::List x, std::span<const bool> mapped) -> TensorList {
    const auto n = x[mapped[0] ? 0 : 1].shape()[0];
    const Tensor sum = sg::sum(x[0], {.axis = -1});
    return {x[0] * sg::cumsum(x[1]), mapped[0] ? sum : sg::broadcast_to(sum, {n})};
  };
  for (std::size_t i = 0; i < all.size(); ++i) {
    INFO("rules " << i);
    const auto f = flat(sg::custom_primitive<2>(all[i]));
    check_close(f(a, b), expected(a, b), 0);
    const auto at = sg::args(a, b), along = sg::args(da, db);
    const Tensor g = {1.0, -1.0, 0.5, 2.0};
    check_close(sg::jvp(f, at, along).tangent, sg::jvp(expected, at, along).tangent);
    check_close(sg::linearize(f, at).jvp(da, db), sg::jvp(expected, at, along).tangent);
    const auto [fa, fb] = sg::vjp(f, at).pullback(g);
    const auto [pa, pb] = sg::vjp(expected, at).pullback(g);
    check_close(fa, pa), check_close(fb, pb);
    const auto report = sg::check_all(f, {a, b});
    INFO(sg::to_string(report));
    CHECK(report);

    const auto scalar = [](const auto& h) { return [h](const Tensor& t) { return sg::sum(sg::square(h(t, sg::sin(t)))); }; };
    check_close(sg::hessian(scalar(f))(a), sg::hessian(scalar(expected))(a));
    check_close(sg::jacrev(sg::grad(scalar(f)))(a), sg::hessian(scalar(expected))(a));
    const auto third = [](const auto& h) { return sg::jacfwd(sg::hessian(h)); };
    check_close(third(scalar(f))(a), third(scalar(expected))(a));

    const Tensor batch = sg::stack({a, b});
    for (const sg::VmapOptions& axes :
         {sg::VmapOptions{}, sg::VmapOptions{.in_axes = {0, std::nullopt}}, sg::VmapOptions{.in_axes = {std::nullopt, 0}}}) {
      const Tensor x0 = axes.in_axes[0] ? batch : a, x1 = axes.in_axes[1] ? batch : b;
      check_close(sg::vmap(f, axes)(x0, x1), sg::vmap(expected, axes)(x0, x1));
      const auto total = [&](const auto& h) {
        return [&](const Tensor& t0, const Tensor& t1) { return sg::sum(sg::sin(sg::vmap(h, axes)(t0, t1))); };
      };
      const auto [g0, g1] = sg::grad(total(f))(x0, x1);
      const auto [p0, p1] = sg::grad(total(expected))(x0, x1);
      check_close(g0, p0), check_close(g1, p1);
    }
    const auto table = [&](const auto& h) {  // every pair, by two batches
      return sg::vmap([&](const Tensor& s) { return sg::vmap([&](const Tensor& t) { return h(s, t); })(batch); })(batch);
    };
    check_close(table(f), table(expected));
    const auto loop = [](const auto& h) {
      return [h](const Tensor& t) {
        const auto step = [&](const Tensor& c, const Tensor& x) {
          return std::pair(sg::slice(h(c, sg::exp(x)), {.end = 3}), sg::sum(c));
        };
        const auto result = sg::scan(step, t, sg::stack({b, a, b}), {.checkpoint_every = 2});
        return sg::sum(result.carry) + sg::sum(result.ys);
      };
    };
    check_close(sg::grad(loop(f))(a), sg::grad(loop(expected))(a));
    check_close(sg::grad(sg::checkpoint(loop(f)))(a), sg::grad(loop(expected))(a));
    check_close(sg::hessian(loop(f))(a), sg::hessian(loop(expected))(a));
  }
}

TEST_CASE("a kernel runs once, and when its value is needed", "[lazy]") {
  int calls = 0;
  P counted = twice_rules();
  counted.kernel = [&calls, run = counted.kernel](P::Inputs x, P::Outputs y) { ++calls, run(x, y); };
  const auto f = sg::custom_primitive(counted);
  const Tensor y = f(a), z = y + 1.0;
  CHECK(calls == 0);
  CHECK(numbers(z) == std::vector<double>{2, -1, 5});
  CHECK(numbers(y) == std::vector<double>{1, -2, 4});
  CHECK(calls == 1);
  sg::value_and_grad([&](const Tensor& t) { return sg::sum(f(t)); })(a);
  CHECK(calls == 2);
  std::ostringstream graph;
  sg::print_graph(graph, f(a));
  CHECK(graph.str().find("= twice(") != std::string::npos);
  CHECK(calls == 2);
}

TEST_CASE("kernels see row-major arrays of any dtype, whatever lies behind them") {
  const auto f = sg::custom_primitive(twice_rules());
  const Tensor m = {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}};
  CHECK(numbers(f(sg::slice(sg::flip(m[1]), {.step = 2}))) == std::vector<double>{12, 8});
  CHECK(numbers(f(sg::transpose(m)[2])) == std::vector<double>{6, 12});
  CHECK(numbers(f(sg::broadcast_to(Tensor(1.5), {3}))) == std::vector<double>{3, 3, 3});
  CHECK(f(sg::zeros({0})).shape() == sg::Shape{0});  // the kernel is not called
  CHECK(sg::vmap(f)(sg::zeros({0, 3})).shape() == sg::Shape{0, 3});
  CHECK(numbers(sg::vmap(f, {.in_axes = 1, .out_axes = 1})(m)) == numbers(2.0 * m));

  const auto count =
      sg::custom_primitive<2>({.name = "count_true",
                               .outputs = [](P::Specs x) -> sg::TensorSpecList {
                                 return {TensorSpec{{}, DType::int64}, TensorSpec{x[0].shape, DType::complex64}};
                               },
                               .kernel =
                                   [](P::Inputs x, P::Outputs y) {
                                     CHECK(x[0].shape() == sg::Shape{3});
                                     CHECK(x[0].size() == 3);
                                     CHECK(y[1].dtype() == DType::complex64);
                                     y[0].data<std::int64_t>()[0] = 0;
                                     for (std::size_t i = 0; i < 3; ++i) {
                                       y[0].data<std::int64_t>()[0] += x[0].data<bool>()[i];
                                       y[1].data<std::complex<float>>()[i] = {0.0F, x[0].data<bool>()[i] ? 1.0F : 0.0F};
                                     }
                                   }});
  const auto [n, z] = count(a > 0);
  CHECK(n.item<std::int64_t>() == 2);
  CHECK(z[2].item<std::complex<float>>() == std::complex<float>(0, 1));
  const auto nullary = sg::custom_primitive({.name = "seven",
                                             .outputs = [](P::Specs) { return TensorSpec{}; },
                                             .kernel = [](P::Inputs, P::Outputs y) { y[0].data<double>()[0] = 7; }});
  CHECK(number(nullary()) == 7);
}

TEST_CASE("a kernel that fails can be asked again, and hands bad_alloc on", "[lazy]") {
  bool broken = true;
  P fragile = twice_rules();
  fragile.kernel = [&broken, run = fragile.kernel](P::Inputs x, P::Outputs y) {
    if (broken) throw std::runtime_error("out of order");
    run(x, y);
  };
  const Tensor y = sg::custom_primitive(fragile)(a);
  for (int i = 0; i < 2; ++i) {
    try {
      sg::eval(y);
      CHECK(false);
    } catch (const sg::Error& error) {
      CHECK(error.message() == "twice: the kernel failed: out of order");
      CHECK(std::string(error.site().file).find("custom_primitive_test") != std::string::npos);
    }
  }
  broken = false;
  CHECK(numbers(y) == std::vector<double>{1, -2, 4});
  fragile.kernel = [](P::Inputs, P::Outputs) { throw std::bad_alloc(); };
  CHECK_THROWS_AS(numbers(sg::custom_primitive(fragile)(a)), std::bad_alloc);
}

TEST_CASE("errors of primitives name them, and what would be right") {
  const Tensor x = {1.0, 2.0};
  const auto with = [](const auto& change) {
    P changed = twice_rules();
    change(changed);
    return sg::custom_primitive(changed);
  };
  const auto no_rules = with([](P& r) { r.jvp = nullptr; });
  test::check_all({
      {[&] { with([](P& r) { r.name = ""; }); }, "custom_primitive: there is no name; give one, for errors"},
      {[&] { with([](P& r) { r.outputs = nullptr; }); },
       "custom_primitive: twice has no outputs; give the shapes and dtypes of y from those of x"},
      {[&] { with([](P& r) { r.kernel = nullptr; }); }, "custom_primitive: twice has no kernel; give what computes y from x"},
      {[&] { sg::custom_primitive(twice_rules())(Tensor(1.0)); }, "twice: a vector is needed; given float64 ()"},
      {[&] {
         sg::custom_primitive(twice_rules())(sg::ones({2, 3}), x);
       },
       "twice: a vector is needed; given float64 (2, 3), float64 (2,)"},
      {[&] { sg::custom_primitive(twice_rules())(Tensor()); },
       "twice: a default-constructed Tensor was given; give it a value first, as in Tensor x = {1.0, 2.0};"},
      {[&] { sg::custom_primitive<2>(twice_rules())(x); },
       "twice: outputs returned 1 shapes, but the primitive has 2 outputs; say how many as in custom_primitive<2>(..)"},
      {[&] { with([](P& r) { r.outputs = [](P::Specs) { return TensorSpec{{-1}}; }; })(x); },
       "twice: sizes must not be negative, given the shape (-1,)"},
      {[&] { sg::eval(sg::custom_primitive(twice_rules())(sg::astype(x, DType::float32))); },
       "twice: the kernel takes a float32 array for float64; ask its dtype(), or let outputs refuse it"},
      {[&] { sg::grad([&](const Tensor& t) { return sg::sum(no_rules(t)); })(x); },
       "twice: there is no rule for derivatives; give custom_primitive a .jvp, a .vjp or both"},
      {[&] { sg::jvp(no_rules, {x}, {x}); },
       "twice: there is no rule for derivatives; give custom_primitive a .jvp, a .vjp or both"},
      {[&] {
         sg::jvp(sg::vmap(no_rules), {sg::ones({2, 2})}, {sg::ones({2, 2})});
       },
       "twice: there is no rule for derivatives; give custom_primitive a .jvp, a .vjp or both"},
      {[&] { sg::jvp(with([](P& r) { r.jvp = [](P::List, P::List, P::List) { return Tensor(1.0); }; }), {x}, {x}); },
       "twice: the jvp rule returned a float64 () as tangent of output 0, which is float64 (2,); they must be equal"},
      {[&] {
         sg::vmap(with([](P& r) { r.vmap = [](P::List v, std::span<const bool>) { return v[0][0]; }; }))(sg::ones({2, 2}));
       },
       "twice: the vmap rule returned a float64 (2,) as output 0, which for one example is float64 (2,); with the batch axis "
       "in "
       "front it must be (2, 2)"},
  });
}
