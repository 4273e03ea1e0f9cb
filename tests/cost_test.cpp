// What derivatives cost: symbolic zeros nothing, a value used k times k - 1 sums in place; and the shape and dtype of every gradient.

#include <sstream>
#include <thread>

#include "scangrad/scangrad.h"
#include "support/catch.h"

namespace sg = scangrad;
using sg::DType;
using sg::Tensor;

namespace {

constexpr std::int64_t n = 1 << 17, buffer = n * 8;

std::vector<sg::Shape> shapes_up_to_rank_3() {
  std::vector<sg::Shape> shapes = {{}};
  for (std::int64_t i = 1; i <= 3; ++i) {
    shapes.push_back({i});
    for (std::int64_t j = 1; j <= 3; ++j) {
      shapes.push_back({i, j});
      for (std::int64_t k = 1; k <= 3; ++k) shapes.push_back({i, j, k});
    }
  }
  return shapes;
}

template <class F>
std::int64_t peak_of(const F& f) {
  sg::memory::reset_peak();
  const std::int64_t before = sg::memory::active();
  f();
  return sg::memory::peak() - before;
}

int count(const std::string& text, const std::string& part) {
  int found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

}  // namespace

TEST_CASE("a gradient has the shape and dtype of its input, for all pairs that broadcast") {
  int pairs = 0;
  for (const sg::Shape& a : shapes_up_to_rank_3())
    for (const sg::Shape& b : shapes_up_to_rank_3()) {
      const Tensor x = sg::ones(a, {.dtype = DType::float32}), y = sg::ones(b);
      try {
        (void)(x * y);
      } catch (const sg::Error&) {
        continue;
      }
      ++pairs;
      const auto [gx, gy] = sg::grad([](const Tensor& s, const Tensor& t) { return sg::sum(s * t + t); })(x, y);
      const bool same = gx.shape() == a && gy.shape() == b && gx.dtype() == DType::float32 && gy.dtype() == DType::float64;
      CHECK(same);
      const double total = sg::sum(gx).item<double>(), size = static_cast<double>((x * y).size());
      CHECK(total == size);
      CHECK(sg::sum(gy).item<double>() == 2 * size);
    }
  CHECK(pairs == 940);
}

TEST_CASE("what does not depend on an input costs no memory", "[lazy]") {
  const Tensor big = sg::linspace(0.0, 1.0, n), small = 2.0;
  sg::eval({big, small});
  const auto unused = [](const Tensor& s, const Tensor&) { return s * s; };
  CHECK(peak_of([&] { sg::grad(unused)(small, big); }) < 4096);
  CHECK(peak_of([&] { sg::vjp(unused, {small, big}).pullback(small); }) < 4096);
  const auto constant = [&](const Tensor& s) { return std::pair(s * s, big); };
  CHECK(peak_of([&] { sg::jvp(constant, {small}, {small}); }) < 4096);
  CHECK(peak_of([&] { sg::linearize(constant, {small}).jvp(small); }) < 4096);
  const auto carried = [&](const Tensor& s) {  // a loop whose big carry has no tangent, and one that has
    const auto step = [](const std::pair<Tensor, Tensor>& c, const Tensor& x) {
      return std::pair(std::pair(c.first * x, c.second), std::tuple<>());
    };
    return sg::scan(step, std::pair(s, big), Tensor{1.0, 2.0, 3.0}).carry.first;
  };
  CHECK(peak_of([&] { CHECK(sg::jvp(carried, {small}, {small}).tangent.item<double>() == 12.0); }) < 8192);
}

TEST_CASE("a value used k times costs k - 1 sums, in place", "[lazy]") {
  constexpr int k = 7;
  const auto f = [](const Tensor& x) {
    Tensor y = x * 1.5;
    for (int i = 1; i < k; ++i) y = sg::concatenate({y, x * (i + 0.5)});
    return y;
  };
  std::ostringstream graph;
  sg::grad([&](const Tensor& x) {
    const Tensor g = sg::vjp(f, {x}).pullback(sg::ones({k * 4}));
    sg::print_graph(graph, g);
    return sg::sum(g);
  })(sg::ones({4}));
  CHECK(count(graph.str(), "= add(") == k - 1);

  const Tensor x = sg::linspace(0.0, 1.0, n);
  sg::eval(x);
  const auto pullback = sg::vjp(
                            [](const Tensor& t) {
                              std::vector<Tensor> ys;
                              for (int i = 0; i < k; ++i) ys.push_back(t * (i + 0.5));
                              return ys;
                            },
                            {x})
                            .pullback;
  const std::vector<Tensor> ones(k, sg::ones({n}));
  const std::int64_t peak = peak_of([&] { CHECK(pullback(ones).data<double>()[5] == 24.5); });
  INFO(peak << " bytes, " << peak / buffer << " buffers");
  CHECK(peak <= 2 * buffer + 4096);  // the sum, and the next term
}

TEST_CASE("threads differentiate loops and checkpoints that share their inputs") {
  const Tensor shared = sg::linspace(0.0, 1.0, 64) * 1.0;
  const auto f = [&](const Tensor& x) {
    const auto step = [&](const Tensor& c, const Tensor& t) { return std::pair(sg::sin(c + t * x), c); };
    return sg::sum(sg::checkpoint([&](const Tensor& s) { return sg::scan(step, s, shared, {.checkpoint_every = 8}).ys; })(x));
  };
  const double expected = sg::grad(f)(Tensor(0.5)).item<double>();
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i)
        if (sg::grad(f)(Tensor(0.5)).item<double>() != expected) ++wrong;
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("perturbations do not mix, in any nesting of the transforms") {
  const auto by_checkpoint = [](const auto& f, const Tensor& at) { return sg::grad(sg::checkpoint(f))(at); };
  const auto by_linearize = [](const auto& f, const Tensor& at) { return sg::linearize(f, {at}).jvp(Tensor(1.0)); };
  const auto by_scan = [](const auto& f, const Tensor& at) {
    const auto step = [&](const std::tuple<>& c, const Tensor& x) { return std::pair(c, sg::grad(f)(x)); };
    return sg::scan(step, std::tuple<>(), sg::expand_dims(at, 0)).ys[0];
  };
  const auto by_vmap = [](const auto& f, const Tensor& at) { return sg::vmap(sg::grad(f))(sg::expand_dims(at, 0))[0]; };
  const auto by_custom = [](const auto& f, const Tensor& at) {
    return sg::jvp(sg::custom_function({.forward = [](sg::CustomRules::List x) { return x[0] * 1.0; }}), {at},
                   {sg::grad(f)(at)})
        .tangent;
  };
  const auto check = [](const auto& outer, const auto& inner) {
    const auto sum = [&](const Tensor& x) { return x * inner([&](const Tensor& y) { return x + y; }, Tensor(1.0)); };
    const auto product = [&](const Tensor& x) { return x * inner([&](const Tensor& y) { return x * y; }, Tensor(1.0)); };
    CHECK(outer(sum, Tensor(1.0)).template item<double>() == 1.0);
    CHECK(outer(product, Tensor(4.0)).template item<double>() == 8.0);
  };
  const auto all = std::tuple(by_checkpoint, by_linearize, by_scan, by_vmap, by_custom);
  std::apply(
      [&](const auto&... outer) {
        const auto with_each = [&](const auto& o) { std::apply([&](const auto&... inner) { (check(o, inner), ...); }, all); };
        (with_each(outer), ...);
      },
      all);
}

TEST_CASE("loops, checkpoints and custom functions pass the public checks") {
  const auto step = [](const Tensor& c, const Tensor& t) { return std::pair(sg::sin(c + t), c * t); };
  const auto loop = [&](const Tensor& c, const Tensor& t) {
    const auto result = sg::scan(step, c, t, {.reverse = true, .checkpoint_every = 2});
    return std::pair(result.carry, result.ys);
  };
  const Tensor c = {0.3, -0.7}, t = {{0.5, 1.0}, {-1.0, 0.25}, {2.0, 0.75}, {0.1, 0.2}, {0.4, -0.3}};
  const auto check = [](const sg::CheckReport& report) {
    INFO(sg::to_string(report));
    CHECK(report);
  };
  check(sg::check_all(loop, {c, t}));
  const auto kept = sg::checkpoint([](const Tensor& x) { return sg::logcumsumexp(x * x); });
  check(sg::check_all(kept, {c}));  // a generic lambda, as it is
  const auto custom =
      sg::custom_function({.forward = [](sg::CustomRules::List x) { return sg::exp(x[0]) * x[1]; },
                           .jvp = [](sg::CustomRules::List x, sg::CustomRules::List y,
                                     sg::CustomRules::List dx) { return y[0] * dx[0] + sg::exp(x[0]) * dx[1]; }});
  check(sg::check_all(custom, {c, t[0]}));
}
