// Rows of several tiles: what runs back (cpu/simd/back.h, extremes_back.h, lse_adjoint.h), against loops, and how rows begin.

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "scangrad/scangrad.h"
#include "support/catch.h"

namespace sg = scangrad;
using sg::DType;
using sg::Tensor;
using Row = std::vector<double>;

namespace {

constexpr std::size_t n = 2600;  // a tile is of 1024

Row filled(double (*f)(double)) {
  Row row(n);
  for (std::size_t k = 0; k < n; ++k) row[k] = static_cast<float>(f(static_cast<double>(k)));  // exact in every dtype
  return row;
}
Row absolute(Row row) {
  for (double& x : row) x = std::abs(x);
  return row;
}

/// R_k = g_k + a_{k+1} R_{k+1}
Row run_back(const Row& a, const Row& g) {
  Row R = g;
  for (std::size_t k = n - 1; k-- > 0;) R[k] += a[k + 1] * R[k + 1];
  return R;
}
Row recurrence(const Row& a, const Row& b) {
  Row h = b;
  for (std::size_t k = 1; k < n; ++k) h[k] += a[k] * h[k - 1];
  return h;
}

Row back_of_product(const Row& x, const Row& g) {
  Row result = run_back(x, g);
  double before = 1;
  for (std::size_t k = 0; k < n; ++k) {
    result[k] *= before;
    before *= x[k];
  }
  return result;
}
/// Of the factors, for the recurrence with terms b.
Row back_of_factors(const Row& a, const Row& b, const Row& g) {
  const Row h = recurrence(a, b), R = run_back(a, g);
  Row result(n, 0.0);
  for (std::size_t k = 1; k < n; ++k) result[k] = h[k - 1] * R[k];
  return result;
}
Row back_of_largest(const Row& x, const Row& g) {
  Row result(n, 0.0);
  std::size_t holder = 0;
  for (std::size_t k = 0; k < n; ++k) {
    if (x[k] >= x[holder]) holder = k;
    result[holder] += g[k];
  }
  return result;
}
Row back_of_log_sum(const Row& x, const Row& g) {
  Row result(n);
  double sum = 0;
  Row y(n);
  for (std::size_t k = 0; k < n; ++k) y[k] = std::log(sum += std::exp(x[k]));
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t k = i; k < n; ++k) result[i] += g[k] * std::exp(x[i] - y[k]);
  return result;
}

/// The gradient of f at x for g, both ways along the row, is `expected`; `size` is that for absolute values.
template <class F>
void check(const char* name, const F& f, const Row& x, const Row& g, const Row& expected, const Row& size) {
  for (const DType dtype : {DType::float32, DType::float64})
    for (const bool reverse : {false, true}) {
      INFO(name << ", " << to_string(dtype) << (reverse ? ", reverse" : ""));
      const auto in = [&](const Row& row) {
        const Tensor all = sg::astype(Tensor(row), dtype);
        return reverse ? sg::flip(all) : all;
      };
      const Tensor found = sg::vjp([&](const Tensor& t) { return f(t, reverse); }, {in(x)}).pullback(in(g));
      const Row got = sg::astype(reverse ? sg::flip(found) : found, DType::float64).to_vector<double>();
      const double tolerance = dtype == DType::float32 ? 2e-6 : 1e-12;
      std::size_t wrong = 0, first = n;
      for (std::size_t k = 0; k < n; ++k)
        if (!(std::abs(got[k] - expected[k]) <= tolerance * size[k])) {
          first = std::min(first, k);
          ++wrong;
        }
      INFO(wrong << " are wrong, the first at " << first);
      CHECK(wrong == 0);
    }
}

const Row g = filled([](double k) { return std::cos(0.37 * k); });

}  // namespace

TEST_CASE("products, recurrences and extremes hand their links from tile to tile") {
  const Row x = filled([](double k) { return std::exp(0.05 * std::sin(k)); });
  check(
      "cumprod", [](const Tensor& t, bool reverse) { return sg::cumprod(t, {.reverse = reverse}); }, x, g,
      back_of_product(x, g), back_of_product(x, absolute(g)));

  const Row a = filled([](double k) { return 0.9 + 0.1 * std::sin(k); }),
            b = filled([](double k) { return std::sin(0.2 * k); });
  const auto terms = [&](bool reverse, DType dtype) {
    const Tensor all = sg::astype(Tensor(b), dtype);
    return reverse ? sg::flip(all) : all;
  };
  check(
      "factors of a recurrence",
      [&](const Tensor& t, bool reverse) { return sg::linear_recurrence(t, terms(reverse, t.dtype()), {.reverse = reverse}); },
      a, g, back_of_factors(a, b, g), back_of_factors(a, absolute(b), absolute(g)));

  const Row rising =
      filled([](double k) { return 0.003 * k + std::sin(3 * k); });  // reigns that end within tiles and between them
  check(
      "cummax", [](const Tensor& t, bool reverse) { return sg::cummax(t, {.reverse = reverse}); }, rising, g,
      back_of_largest(rising, g), back_of_largest(rising, absolute(g)));
  Row steps(n);
  for (std::size_t k = 0; k < n; ++k) steps[k] = std::floor(static_cast<double>(k) / 64);
  check(
      "cummax of steps", [](const Tensor& t, bool reverse) { return sg::cummax(t, {.reverse = reverse}); }, steps, g,
      back_of_largest(steps, g), back_of_largest(steps, absolute(g)));
}

TEST_CASE("an infinite first factor multiplies nothing, whatever stands behind it") {
  const double inf = std::numeric_limits<double>::infinity();
  for (const DType dtype : {DType::float32, DType::float64})
    for (const std::size_t other : {1u, 5u, 9u, 40u}) {
      INFO(to_string(dtype) << ", " << other);
      Row a(100, 0.5);
      a[0] = a[other] = inf;
      const Tensor h = sg::linear_recurrence(sg::astype(Tensor(a), dtype), sg::ones({100}, {.dtype = dtype}));
      const Row got = sg::astype(h, DType::float64).to_vector<double>();
      Row want(100, 1.0);
      for (std::size_t k = 1; k < 100; ++k) want[k] = a[k] * want[k - 1] + 1;
      CHECK(got == sg::astype(sg::astype(Tensor(want), dtype), DType::float64).to_vector<double>());
    }
}

TEST_CASE("cotangents of running extremes reach who reigns: few and many reigns, ties, infinities, NaN") {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  const auto same = [](double a, double b) { return a == b || (a != a && b != b); };
  const Row noise = filled([](double k) { return std::sin(2.3 * k) * std::cos(0.7 * k * k); });
  Row late_nan = noise, infinite = noise, low(n, -inf);
  late_nan[1400] = nan, late_nan[1401] = 9;
  infinite[3] = -inf, infinite[1200] = inf, infinite[1800] = inf, infinite[1801] = 5;
  Row forwards[2];  // what came back before, of both extremes
  const Row rows[] = {noise,
                      late_nan,
                      infinite,
                      low,
                      filled([](double k) { return k; }),
                      filled([](double k) { return -k; }),
                      filled([](double k) { return std::floor(k / 9); }),
                      filled([](double k) { return k == 2010 || k == 40 ? 2.0 : std::sin(k); }),
                      filled([](double k) { return 0.002 * k + std::sin(k); })};
  for (std::size_t kind = 0; kind < std::size(rows); ++kind)
    for (const std::size_t length : {1u, 5u, 8u, 65u, 1023u, 1025u, 2600u})
      for (const DType dtype : {DType::float16, DType::bfloat16, DType::float32, DType::float64})
        for (const bool reverse : {false, true})
          for (const bool largest : {true, false}) {
            INFO("row " << kind << " of " << length << ", " << to_string(dtype) << (reverse ? ", reverse" : "")
                        << (largest ? ", largest" : ", least"));
            const auto in = [&](const Row& row, double sign) {
              const Row part(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(length));
              const Tensor all = sg::astype(Tensor(sign) * Tensor(part), dtype);
              return reverse ? sg::flip(all) : all;
            };
            const auto out = [&](const Tensor& t) {
              return sg::astype(reverse ? sg::flip(t) : t, DType::float64).template to_vector<double>();
            };
            Row cotangents = g;
            if (length > 1300) cotangents[1280] = kind == 1 ? nan : kind == 2 ? inf : cotangents[1280];
            const Tensor x = in(rows[kind], largest ? 1 : -1), c = in(cotangents, 1);
            const auto f = [&](const Tensor& t) {
              return largest ? sg::cummax(t, {.reverse = reverse}) : sg::cummin(t, {.reverse = reverse});
            };
            const Row got = out(sg::vjp(f, {x}).pullback(c)), elements = out(x), given = out(c);
            Row want(length, 0.0), size(length, 0.0);
            std::size_t holder = 0;
            for (std::size_t k = 0; k < length; ++k) {
              const double held = largest ? elements[holder] : -elements[holder], own = largest ? elements[k] : -elements[k];
              if (!(held != held || held > own)) holder = k;
              want[holder] += given[k], size[holder] += std::abs(given[k]);
            }
            const double unit = dtype == DType::float16    ? 0x1p-11
                                : dtype == DType::bfloat16 ? 0x1p-8
                                : dtype == DType::float32  ? 0x1p-24
                                                           : 0x1p-53;
            std::size_t wrong = 0, first = length;
            for (std::size_t k = 0; k < length; ++k)
              if (!(std::abs(got[k] - want[k]) <= 4 * unit * size[k] || same(got[k], want[k]))) {
                first = std::min(first, k);
                ++wrong;
              }
            INFO(wrong << " are wrong, the first at " << first);
            CHECK(wrong == 0);
            if (reverse) CHECK(std::equal(got.begin(), got.end(), forwards[largest].begin(), same));
            else forwards[largest] = got;
          }
}

TEST_CASE("float64 cotangents that nearly overflow are added in their order") {
  Row x(100, 0.0), large(100, 0.0);
  x[0] = 1;
  large[80] = 1.5e308, large[79] = -1.5e308, large[78] = 1.5e308, large[77] = 1e308,
  large[76] = -1e308;  // from the end: infinite
  const auto back = [&](const Row& g) {
    return sg::vjp([](const Tensor& t) { return sg::cummax(t); }, {Tensor(x)}).pullback(Tensor(g)).to_vector<double>()[0];
  };
  CHECK(back(large) == std::numeric_limits<double>::infinity());
  large[77] = 0, large[76] = 0;
  CHECK(back(large) == 1.5e308);
}

TEST_CASE("the first means of float32 rows keep their budget, where few roundings have nothing to cancel with") {
  constexpr std::size_t rows = 4000, length = 72;
  std::mt19937 generator(3);
  std::normal_distribution<float> normal;
  std::vector<float> x(rows * length), t(rows * length);
  for (std::size_t i = 0; i < x.size(); ++i)
    x[i] = static_cast<float>(i % length) * 0.002f + (i / length % 2 == 0 ? 0 : normal(generator)), t[i] = normal(generator);
  const sg::Shape shape{rows, length};
  const auto both = sg::jvp([](const Tensor& at) { return sg::logcumsumexp(at); }, {Tensor(x, shape)}, {Tensor(t, shape)});
  const auto got = both.tangent.to_vector<float>();
  double worst = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    double s = 0, u = 0, size = 0;
    for (std::size_t i = row * length; i < (row + 1) * length; ++i) {
      const double w = std::exp(static_cast<double>(x[i])), v = w * static_cast<double>(t[i]);
      s += w, u += v, size += std::abs(v);
      worst = std::max(worst, std::abs(static_cast<double>(got[i]) - u / s) / (0x1p-24 * size / s));
    }
  }
  CHECK(worst <= 3);
}

TEST_CASE("the adjoint of logcumsumexp moves its suffix sum to each tile's reference") {
  const Row rising = filled([](double k) { return 0.03 * k + std::sin(k); });
  check(
      "logcumsumexp", [](const Tensor& t, bool reverse) { return sg::logcumsumexp(t, {.reverse = reverse}); }, rising, g,
      back_of_log_sum(rising, g), back_of_log_sum(rising, absolute(g)));
}
