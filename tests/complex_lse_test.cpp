// logcumsumexp of complex tensors: every prefix against its definition in extended precision, both modes to second order, all flags;
// and where mathematics leaves a choice.

#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "scangrad/scangrad.h"
#include "support/catch.h"

namespace sg = scangrad;
using sg::DType;
using sg::Tensor;
using Z = std::complex<double>;
using Exact = std::complex<long double>;
using Vector = std::vector<Z>;

namespace {

constexpr double inf = INFINITY, NaN = NAN, pi = 3.14159265358979323846;

struct Flags {
  bool reverse = false, exclusive = false;
  sg::ScanOptions options() const { return {.reverse = reverse, .exclusive = exclusive}; }
};
const Flags all_flags[] = {{false, false}, {false, true}, {true, false}, {true, true}};

/// f(k, elements of the prefix k)
template <class F>
void each_prefix(std::size_t n, Flags flags, const F& f) {
  for (std::size_t k = 0; k < n; ++k) {
    std::vector<std::size_t> prefix;
    for (std::size_t i = 0; i < n; ++i)
      if ((flags.reverse ? i > k : i < k) || (i == k && !flags.exclusive)) prefix.push_back(i);
    f(k, prefix);
  }
}

Exact power(Z x, long double m) { return std::polar(std::exp(x.real() - m), static_cast<long double>(x.imag())); }

/// The definition of a prefix: its largest real part, sum e^{x - m}, and kappa = sum |e^{x - m}| / |sum|.
struct Prefix {
  long double m = -INFINITY, kappa = 1;
  Exact sum = 0;
};
Prefix prefix_of(const Vector& x, const std::vector<std::size_t>& elements) {
  Prefix p;
  long double sizes = 0;
  for (std::size_t i : elements) p.m = std::max(p.m, static_cast<long double>(x[i].real()));
  for (std::size_t i : elements) p.sum += power(x[i], p.m), sizes += std::abs(power(x[i], p.m));
  p.kappa = sizes / std::abs(p.sum);
  return p;
}

Vector random_numbers(std::size_t n, double spread, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal(0, spread);
  std::vector<std::complex<float>> result(n);  // numbers that complex64 holds
  for (auto& z : result) z = {static_cast<float>(normal(engine)), static_cast<float>(3 * normal(engine))};
  return Vector(result.begin(), result.end());
}

template <class R>
Tensor tensor_of(const Vector& values) {
  return Tensor(std::vector<std::complex<R>>(values.begin(), values.end()));
}

template <class R>
Vector values_of(const Tensor& x) {
  const auto values = x.to_vector<std::complex<R>>();
  return Vector(values.begin(), values.end());
}

template <class R>
void check_definition(const Vector& x, Flags flags) {
  const long double u = std::numeric_limits<R>::epsilon() / 2, smallest = 4.0L * std::numeric_limits<R>::denorm_min();
  const std::size_t n = x.size();
  const Vector t = random_numbers(n, 1, 7), g = random_numbers(n, 1, 8);
  const auto f = [&](const Tensor& z) { return sg::logcumsumexp(z, flags.options()); };
  const auto [value, tangent] = sg::jvp(f, {tensor_of<R>(x)}, {tensor_of<R>(t)});
  const Vector y = values_of<R>(value), dy = values_of<R>(tangent);
  const Vector gx = values_of<R>(sg::vjp(f, {tensor_of<R>(x)}).pullback(tensor_of<R>(g)));
  std::vector<Exact> expected(n);
  std::vector<long double> scale(n);
  each_prefix(n, flags, [&](std::size_t k, const auto& elements) {
    INFO("prefix " << k << " of " << n << (flags.reverse ? " reverse" : "") << (flags.exclusive ? " exclusive" : ""));
    if (elements.empty()) {
      CHECK(y[k] == Z(-inf, 0));
      CHECK(dy[k] == Z(0));
      return;
    }
    const Prefix p = prefix_of(x, elements);
    const Exact log_sum = p.m + std::log(p.sum);
    CHECK(std::abs(Exact(y[k]) - log_sum) <= 4 * u * p.kappa * std::max(1.0L, std::abs(log_sum)));
    Exact mean = 0;
    long double size = 0;
    for (std::size_t i : elements) {
      const Exact weight = power(x[i], p.m) / p.sum;
      mean += weight * Exact(t[i]);
      size += std::abs(weight) * std::abs(Exact(t[i]));
      expected[i] += std::conj(weight) * Exact(g[k]);
      scale[i] += p.kappa * std::abs(weight) * std::abs(Exact(g[k]));
    }
    CHECK(std::abs(Exact(dy[k]) - mean) <= 8 * u * p.kappa * size + smallest);
  });
  for (std::size_t i = 0; i < n; ++i) {
    INFO("element " << i);
    CHECK(std::abs(Exact(gx[i]) - expected[i]) <= 8 * u * scale[i] + smallest);
  }
}

Z inner(const Vector& a, const Vector& b) {
  Z sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::conj(a[i]) * b[i];
  return sum;
}

Vector lcse(const Vector& x, Flags flags = {}) { return values_of<double>(sg::logcumsumexp(Tensor(x), flags.options())); }
Vector jvp(const Vector& x, const Vector& t, Flags flags = {}) {
  return values_of<double>(
      sg::jvp([&](const Tensor& z) { return sg::logcumsumexp(z, flags.options()); }, {Tensor(x)}, {Tensor(t)}).tangent);
}
Vector vjp(const Vector& x, const Vector& g, Flags flags = {}) {
  return values_of<double>(
      sg::vjp([&](const Tensor& z) { return sg::logcumsumexp(z, flags.options()); }, {Tensor(x)}).pullback(Tensor(g)));
}

bool is_nan(Z z) { return std::isnan(z.real()) || std::isnan(z.imag()); }
void check_close(const Vector& got, const Vector& expected, double tolerance) {
  REQUIRE(got.size() == expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    INFO(i << ": " << got[i] << ", expected " << expected[i]);
    CHECK(((is_nan(got[i]) && is_nan(expected[i])) || got[i] == expected[i] || std::abs(got[i] - expected[i]) <= tolerance));
  }
}

}  // namespace

TEST_CASE("complex logcumsumexp is its definition, in both modes") {
  for (const Flags flags : all_flags)
    for (std::size_t n : {0u, 1u, 2u, 7u, 64u, 600u})
      for (double spread : {0.1, 1.0, 10.0}) {
        const Vector x = random_numbers(n, spread, 3);
        check_definition<double>(x, flags);
        check_definition<float>(x, flags);
      }
}

TEST_CASE("complex logcumsumexp of ramps and of large numbers") {
  for (double slope : {0.05, -0.05, 1.0, 9.0, -300.0}) {
    for (const Z start : {Z(0, 0), Z(-8192, 1048576)}) {
      std::vector<std::complex<float>> x;
      for (int i = 0; i < 300; ++i) x.emplace_back(start + Z(slope * i, 0.37 * i));
      check_definition<double>(Vector(x.begin(), x.end()), {});
      check_definition<float>(Vector(x.begin(), x.end()), {.reverse = true});
    }
  }
}

TEST_CASE("the exact complex cases") {
  std::ifstream file(SCANGRAD_TEST_DATA "/scan_cases.json");
  const nlohmann::json cases = nlohmann::json::parse(file)["cases"];
  int checked = 0;
  for (const nlohmann::json& c : cases) {
    if (c["dtype"] != "complex64" && c["dtype"] != "complex128") continue;
    INFO("case " << c["id"]);
    const auto numbers = [&](const char* field) {
      Vector result;
      for (const auto& z : c[field])
        result.emplace_back(std::stod(z[0].get<std::string>()), std::stod(z[1].get<std::string>()));
      return result;
    };
    const Flags flags{c["reverse"], c["exclusive"]};
    const Vector x = numbers("x");
    double kappa = 1;
    each_prefix(x.size(), flags, [&](std::size_t, const auto& elements) {
      if (!elements.empty() && prefix_of(x, elements).m > -inf) kappa = std::max(kappa, double(prefix_of(x, elements).kappa));
    });
    const double tolerance = 0x1p-53 * 16 * kappa;
    check_close(lcse(x, flags), numbers("expected_out"), tolerance);
    check_close(jvp(x, numbers("tangent"), flags), numbers("expected_jvp"), tolerance);
    check_close(vjp(x, numbers("cotangent"), flags), numbers("expected_vjp"), tolerance);
    if (x[0].real() > -inf) check_definition<float>(x, flags);
    ++checked;
  }
  CHECK(checked == 10);
}

TEST_CASE("a real tensor as a complex one") {
  const Tensor x = {0.5, -inf, 3.0, -2.0, inf, 7.0}, t = {1.0, NaN, -2.0, 3.0, 4.0, 5.0};
  const auto f = [](const Tensor& z) { return sg::logcumsumexp(z); };
  const auto [y, dy] = sg::jvp(f, {x}, {t});
  const auto z = sg::jvp(f, {sg::astype(x, DType::complex128)}, {sg::astype(t, DType::complex128)});
  CHECK(sg::real(z.value).to_vector<double>() == y.to_vector<double>());
  const auto a = sg::real(z.tangent).to_vector<double>(), b = dy.to_vector<double>();
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(std::abs(a[i] - b[i]) <= 1e-15);
}

TEST_CASE("second order of complex logcumsumexp in all nestings") {
  const Vector x = {{0, 1}, {-inf, 2}, {1, 2}, {-1, 3}, {0.3, -2}, {2, 0.5}}, a = random_numbers(6, 1, 1),
               b = random_numbers(6, 1, 2), q = random_numbers(6, 1, 4);
  for (const Flags flags : all_flags) {
    const auto f = [&](const Tensor& z) { return sg::logcumsumexp(z, flags.options()); };
    const auto forward = [&](const Tensor& z) { return sg::jvp(f, {z}, {Tensor(a)}).tangent; };
    const auto gradient = [&](const Tensor& z) { return sg::vjp(f, {z}).pullback(Tensor(q)); };
    // by definition: sum w a b - sum w a sum w b
    Vector expected(6);
    each_prefix(6, flags, [&](std::size_t k, const auto& elements) {
      const Prefix p = prefix_of(x, elements);
      Exact both = 0, with_a = 0, with_b = 0;
      for (std::size_t i : elements) {
        if (x[i].real() == -inf) continue;
        const Exact w = power(x[i], p.m) / p.sum;
        both += w * Exact(a[i]) * Exact(b[i]), with_a += w * Exact(a[i]), with_b += w * Exact(b[i]);
      }
      expected[k] = Z(both - with_a * with_b);
    });
    const Tensor z(x), ta(a), tb(b), tq(q);
    check_close(values_of<double>(sg::jvp(forward, {z}, {tb}).tangent), expected, 1e-13);
    const double total = inner(q, expected).real();
    CHECK(inner(values_of<double>(sg::vjp(forward, {z}).pullback(tq)), b).real() == Approx(total).epsilon(1e-13));
    CHECK(inner(values_of<double>(sg::jvp(gradient, {z}, {tb}).tangent), a).real() == Approx(total).epsilon(1e-13));
    CHECK(inner(values_of<double>(sg::vjp(gradient, {z}).pullback(ta)), b).real() == Approx(total).epsilon(1e-13));
  }
}

TEST_CASE("second order stays right where a prefix nearly cancels") {
  const Vector x = {{0, 0}, {0, 3}, {0.3, 0}};  // e^0 + e^{3 i} = 0.01 + 0.14 i
  const auto f = [](const Tensor& z) { return sg::logcumsumexp(z); };
  const Vector a = {1, 0, 0}, b = {0, 1, 0};
  const auto forward = [&](const Tensor& z) { return sg::jvp(f, {z}, {Tensor(a)}).tangent; };
  Vector expected = {0, 0, 0};
  for (std::size_t k : {1u, 2u}) {
    Exact sum = 0;
    for (std::size_t i = 0; i <= k; ++i) sum += power(x[i], 0);
    expected[k] = Z(-power(x[0], 0) * power(x[1], 0) / (sum * sum));
  }
  check_close(values_of<double>(sg::jvp(forward, {Tensor(x)}, {Tensor(b)}).tangent), expected, 1e-12);
}

TEST_CASE("elements at -inf have no weight, whatever their phase") {
  for (double phase : {0.0, 2.0, inf, NaN}) {
    const Vector x = {{-inf, phase}, {0, 1}, {-inf, phase}, {0.5, 0}};
    CHECK(lcse(x)[0] == Z(-inf, 0));
    check_close(lcse(x), {{-inf, 0}, {0, 1}, {0, 1}, {0.8523647403094607, 0.36699029968650443}}, 1e-15);
    for (double bad : {0.0, inf, NaN}) {
      const Vector t = {{bad, 1}, {1, 0}, {1, bad}, {1, 0}};
      check_close(jvp(x, t), {0, 1, 1, 1}, 1e-15);
      CHECK(vjp(x, {{bad, bad}, 1, 0, 0})[0] == Z(0));
      const auto f = [](const Tensor& z) { return sg::logcumsumexp(z); };
      const Tensor at(x), direction(t), ones(Vector(4, 1));
      const auto pushed = [&](const Tensor& z) { return sg::jvp(f, {z}, {direction}).tangent; };
      const auto pulled = [&](const Tensor& z) { return sg::vjp(f, {z}).pullback(ones); };
      for (const Tensor& second : {sg::jvp(pushed, {at}, {direction}).tangent, sg::vjp(pushed, {at}).pullback(ones),
                                   sg::jvp(pulled, {at}, {direction}).tangent, sg::vjp(pulled, {at}).pullback(direction)})
        check_close(values_of<double>(second), {0, 0, 0, 0}, 1e-15);  // all directions are the same where there is weight
    }
  }
}

TEST_CASE("a finite element has a positive weight: a tangent that is not finite stays") {
  CHECK(is_nan(jvp({0, -2000, 0}, {0, {NaN, 0}, 0})[2]));
  CHECK_FALSE(std::isfinite(jvp({0, -2000, 0}, {0, inf, 0})[2].real()));
  CHECK(is_nan(vjp({-2000, 0}, {0, {0, NaN}})[0]));
}

TEST_CASE("complex elements at +inf share the weight by their phases") {
  const Vector x = {{1, 2}, {inf, 0}, {5, 1}, {inf, pi / 2}};
  check_close(lcse(x), {{1, 2}, {inf, 0}, {inf, 0}, {inf, pi / 4}}, 1e-15);
  check_close(jvp(x, {{NaN, 0}, 2, {inf, NaN}, 4}), {{NaN, NaN}, 2, 2, {3, 1}}, 1e-15);
}

TEST_CASE("NaN goes into every later output") {
  for (Z bad : {Z(NaN, 0), Z(0, NaN), Z(0, inf), Z(NaN, NaN)}) {
    const Vector y = lcse({1, bad, inf, 2});
    CHECK(y[0] == Z(1));
    for (std::size_t k : {1u, 2u, 3u}) CHECK(is_nan(y[k]));
    const Vector dy = jvp({1, bad, 2, 3}, {1, 1, 1, 1});
    CHECK(dy[0] == Z(1));
    for (std::size_t k : {1u, 2u, 3u}) CHECK(is_nan(dy[k]));
  }
}

TEST_CASE("a prefix whose sum is exactly 0 is empty where it stands, and there alone") {
  const Vector x = {0, {0, pi}, 0, {0, -pi}, 1}, t = {1, {NaN, 0}, 2, 3, 4}, ones(5, 1);
  CHECK(lcse(x)[1].real() == Approx(-36.6387090127));  // pi is not the real pi: what is left is its rounding
  CHECK(lcse(x)[3] == Z(-inf, 0));
  CHECK(std::abs(lcse(x)[4] - 1.0) <= 1e-15);
  CHECK(jvp(x, t)[3] == Z(0));
  CHECK(is_nan(jvp(x, t)[4]));
  check_close(jvp(x, ones), {1, 1, 1, 0, 1}, 1e-15);
  check_close(vjp(x, {0, 0, 0, {NaN, inf}, 0}), Vector(5, 0), 0);
  CHECK(lcse(x, {.exclusive = true})[4] == Z(-inf, 0));
  CHECK(lcse(x, {.reverse = true})[1].real() == Approx(std::log(std::exp(1) - 1)));
}

TEST_CASE("imaginary parts are in (-pi, pi]") {
  for (double angle = -20; angle < 20; angle += 0.37) {
    const Z y = lcse({{0, angle}})[0];
    CHECK(y.imag() > -pi);
    CHECK(y.imag() <= pi);
    CHECK(std::abs(std::remainder(y.imag() - angle, 2 * pi)) <= 1e-14);
    const auto single = sg::logcumsumexp(Tensor(std::vector<std::complex<float>>{{0, static_cast<float>(angle)}}));
    CHECK(std::abs(single.to_vector<std::complex<float>>()[0].imag()) <= 3.1415928f);
  }
  CHECK(lcse({{0, pi}})[0].imag() == pi);
  CHECK(lcse({{0, -pi}})[0].imag() > -pi);
  CHECK(lcse({{0, -0.0}})[0].imag() == 0);
  CHECK(lcse({{3, 1e15}})[0].imag() == Approx(std::atan2(std::sin(1e15), std::cos(1e15))));
}

TEST_CASE("phases are kept: tangents, and cotangents by the conjugate convention") {
  check_close(jvp({0, 1}, {{1, 1}, {2, -1}}), {{1, 1}, {1.7310585786300049, -0.46211715726000979}}, 1e-15);
  check_close(vjp({{0, 1}, {1, 2}, {-1, 3}}, {1, {0.5, -1}, {0, 2}}),
              {{.88238474347896208, .26149953521643662},
               {.4254015299780255, .65309066151949296},
               {.19221372654301242, .085409803264070425}},
              1e-15);
}

TEST_CASE("axes, strides and lengths of complex logcumsumexp") {
  const Tensor x = sg::reshape(Tensor(random_numbers(24, 1, 5)), {2, 3, 4});
  const Tensor plain = sg::logcumsumexp(x, {.axis = 1});
  const Tensor moved = sg::moveaxis(sg::logcumsumexp(sg::moveaxis(x, 1, 2)), 2, 1);
  check_close(values_of<double>(plain), values_of<double>(moved), 1e-14);  // bits may depend on whether the axis is contiguous
  const Tensor flipped = sg::flip(sg::logcumsumexp(sg::flip(x), {.axis = 1, .reverse = true}));
  CHECK(plain.to_vector<Z>() == flipped.to_vector<Z>());
  CHECK(sg::logcumsumexp(sg::zeros({2, 0}, {.dtype = DType::complex64})).shape() == sg::Shape{2, 0});
}
