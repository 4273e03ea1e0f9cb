// associative_scan against a loop, for combines that do not commute, in both modes; and what it says to wrong combines.

#include "scangrad/scangrad.h"
#include "support/catch.h"

namespace sg = scangrad;
using sg::DType;
using sg::Shape;
using sg::Tensor;
using Pair = std::array<Tensor, 2>;

namespace {

Tensor numbers(Shape shape, double step) {
  std::int64_t size = 1;
  for (std::int64_t n : shape) size *= n;
  return sg::reshape(sg::sin(sg::arange(static_cast<double>(size)) * step + 1.0), shape);
}

Tensor row(const Tensor& x, std::int64_t k, int axis) { return sg::slice(x, {.axis = axis, .begin = k, .end = k + 1}); }

void check_near(const Tensor& got, const Tensor& expected) {
  REQUIRE(got.shape() == expected.shape());
  const auto a = got.to_vector<double>(), b = expected.to_vector<double>();
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(std::abs(a[i] - b[i]) <= 1e-13 * (1 + std::abs(b[i])));
}

/// h -> a h + b, the earlier map first
Pair compose(const Pair& f, const Pair& g) { return {g[0] * f[0], g[0] * f[1] + g[1]}; }

/// Matrices (n, 2, 2): the earlier one on the left.
Tensor multiply(const Tensor& a, const Tensor& b) {
  const auto column = [](const Tensor& m, std::int64_t k) { return sg::slice(m, {.axis = 2, .begin = k, .end = k + 1}); };
  const auto line = [](const Tensor& m, std::int64_t k) { return sg::slice(m, {.axis = 1, .begin = k, .end = k + 1}); };
  return column(a, 0) * line(b, 0) + column(a, 1) * line(b, 1);
}

const sg::AssociativeScanOptions first_axis{.axis = 0};

}  // namespace

TEST_CASE("affine maps are the linear recurrence, at every length, with all flags") {
  for (std::int64_t n = 0; n <= 17; ++n)
    for (bool reverse : {false, true})
      for (bool exclusive : {false, true}) {
        INFO(n << (reverse ? " reverse" : "") << (exclusive ? " exclusive" : ""));
        const Tensor a = numbers({2, n}, 0.7), b = numbers({2, n}, 1.3), g = numbers({2, n}, 2.1);
        const sg::ScanOptions o{.reverse = reverse, .exclusive = exclusive};
        const auto loop = [&](const Tensor& x, const Tensor& y) { return sg::linear_recurrence(x, y, o); };
        const auto tree = [&](const Tensor& x, const Tensor& y) {
          return sg::associative_scan(compose, {x, y}, {Tensor(1.0), Tensor(0.0)},
                                      {.reverse = reverse, .exclusive = exclusive})[1];
        };
        check_near(tree(a, b), loop(a, b));
        check_near(sg::jvp(tree, {a, b}, {b, g}).tangent, sg::jvp(loop, {a, b}, {b, g}).tangent);
        const auto [ga, gb] = sg::vjp(tree, {a, b}).pullback(g);
        const auto [ha, hb] = sg::vjp(loop, {a, b}).pullback(g);
        check_near(ga, ha);
        check_near(gb, hb);
      }
}

TEST_CASE("products of matrices, in order") {
  for (std::int64_t n : {1, 2, 3, 5, 8, 13}) {
    const Tensor m = numbers({n, 2, 2}, 0.9);
    const Tensor y = sg::associative_scan(multiply, m, first_axis);
    Tensor product = row(m, 0, 0);
    for (std::int64_t k = 0; k < n; ++k) {
      if (k > 0) product = multiply(product, row(m, k, 0));
      check_near(row(y, k, 0), product);
    }
    const Tensor back = sg::associative_scan(multiply, m, {.axis = 0, .reverse = true});
    if (n > 1) check_near(row(back, 0, 0), row(sg::associative_scan(multiply, sg::flip(m, 0), first_axis), n - 1, 0));
  }
}

TEST_CASE("the last and the first of what came") {
  const Tensor x = {1, 2, 3, 4, 5, 6, 7};
  const auto last = [](const Tensor&, const Tensor& later) { return later; };
  const auto first = [](const Tensor& earlier, const Tensor&) { return earlier; };
  CHECK(sg::associative_scan(last, x).to_vector<std::int64_t>() == x.to_vector<std::int64_t>());
  CHECK(sg::associative_scan(first, x).to_vector<std::int64_t>() == std::vector<std::int64_t>(7, 1));
  CHECK(sg::associative_scan(first, x, {.reverse = true}).to_vector<std::int64_t>() == std::vector<std::int64_t>(7, 7));
  CHECK(sg::associative_scan([](const Tensor& a, const Tensor& b) { return a + b; }, x, Tensor(0), {.exclusive = true})
            .to_vector<std::int64_t>() == std::vector<std::int64_t>{0, 1, 3, 6, 10, 15, 21});
}

TEST_CASE("linear work, logarithmic depth") {
  int calls = 0;
  std::int64_t elements = 0;
  const auto sum = [&](const Tensor& a, const Tensor& b) {
    ++calls;
    elements += a.size();
    return a + b;
  };
  const Tensor y = sg::associative_scan(sum, sg::ones({1000}));
  CHECK(y.to_vector<double>()[999] == 1000);
  CHECK(calls <= 2 * 10);
  CHECK(elements <= 2 * 1000);
}

TEST_CASE("gradients reach what the combine captures") {
  const Tensor x = {1.0, 2.0, 3.0, 4.0, 5.0};
  // (a, b) -> a + b + c has the prefixes x_1 + .. + x_k + (k - 1) c
  const auto f = [&](const Tensor& c) {
    return sg::associative_scan([&](const Tensor& a, const Tensor& b) { return a + b + c; }, x);
  };
  CHECK(sg::vjp(f, {Tensor(0.5)}).pullback(sg::ones({5})).item<double>() == 10);
  CHECK(sg::jvp(f, {Tensor(0.5)}, {Tensor(1.0)}).tangent.to_vector<double>() == std::vector<double>{0, 1, 2, 3, 4});
  CHECK(sg::hessian([&](const Tensor& z) {
          return sg::sum(sg::associative_scan([](const Tensor& a, const Tensor& b) { return a * b; }, z));
        })(Tensor({2.0, 3.0}))
            .to_vector<double>() == std::vector<double>{0, 1, 1, 0});
}

TEST_CASE("structures, and tensors of different ranks") {
  struct Map {
    Tensor factor, term;
  };
  const Map maps{numbers({5}, 0.7), numbers({5}, 1.3)};
  const Map y = sg::associative_scan(
      [](const Map& f, const Map& g) {
        return Map{g.factor * f.factor, g.factor * f.term + g.term};
      },
      maps);
  check_near(y.term, sg::linear_recurrence(maps.factor, maps.term));
  const Pair z = sg::associative_scan(
      [](const Pair& a, const Pair& b) {
        return Pair{a[0] + b[0], sg::reshape(b[0], {-1, 1}) + a[1] * 0.0 + b[1] * 0.0};
      },
      {numbers({4}, 1), numbers({4, 3}, 1)}, first_axis);
  CHECK(z[1].shape() == Shape{4, 3});
}

TEST_CASE("braces for the elements and the options") {
  const Tensor a = {2.0, 3.0, 4.0}, b = {1.0, 1.0, 1.0};
  const auto y = sg::associative_scan(compose, {a, b}, {.axis = 0, .reverse = true});
  check_near(y[1], sg::linear_recurrence(a, b, {.reverse = true}));
}

TEST_CASE("what is said to wrong combines") {
  const Tensor x = {1.0, 2.0, 3.0};
  const auto says = [](const auto& call, const std::string& message) {
    try {
      call();
      CHECK("nothing was thrown" == message);
    } catch (const sg::Error& error) {
      CHECK(error.message() == message);
    }
  };
  const auto add = [](const Tensor& a, const Tensor& b) { return a + b; };
  says([&] { sg::associative_scan([](const Tensor& a, const Tensor&) { return sg::sum(a); }, x); },
       "associative_scan: combine returned a float64 () for tensor 0, whose blocks are float64 (1,); it must keep shape and "
       "dtype");
  says([&] { sg::associative_scan([](const Tensor& a, const Tensor&) { return a < 1; }, x); },
       "associative_scan: combine returned a bool (1,) for tensor 0, whose blocks are float64 (1,); it must keep shape and "
       "dtype");
  says(
      [&] {
        using List = std::vector<Tensor>;
        sg::associative_scan([](const List& a, const List&) { return List{a[0]}; }, List{x, x});
      },
      "associative_scan: combine returned 1 tensors for 2; return one each");
  says([&] { sg::associative_scan(add, x, {.exclusive = true}); },
       "associative_scan: an exclusive scan begins with the identity of combine; give it after the elements");
  says(
      [&] {
        sg::associative_scan(add, x, Tensor({1.0, 2.0}), {.exclusive = true});
      },
      "associative_scan: the identity of tensor 0 is float64 (2,), but elements are float64 ()");
  says(
      [&] {
        sg::associative_scan(compose, {x, Tensor({1.0, 2.0})});
      },
      "associative_scan: the tensors must agree in the size of the axis, but sizes 3 and 2 were given");
  says([&] { sg::associative_scan(add, Tensor(1.0)); },
       "associative_scan: axis -1 is out of range for a tensor of shape (), which has no axes");
}
