// The two rules of logcumsumexp against each other, and where only the split one keeps the result.

#include "scangrad/scangrad.h"
#include "support/catch.h"

namespace sg = scangrad;
using sg::DType;
using sg::LogScanRule;
using sg::Tensor;
using Z = std::complex<double>;
using Vector = std::vector<Z>;

namespace {

constexpr double inf = INFINITY, NaN = NAN;

struct Flags {
  bool reverse, exclusive;
};

auto with_rule(LogScanRule rule, Flags f = {false, false}) {
  return [=](const Tensor& x) { return sg::logcumsumexp(x, {.reverse = f.reverse, .exclusive = f.exclusive, .rule = rule}); };
}
const auto split = with_rule(LogScanRule::split), weights = with_rule(LogScanRule::weights);

Vector values(const Tensor& x) { return sg::astype(x, DType::complex128).to_vector<Z>(); }

bool is_nan(Z z) { return std::isnan(z.real()) || std::isnan(z.imag()); }

void check_near(const Tensor& got, const Tensor& expected, double tolerance) {
  const Vector a = values(got), b = values(expected);
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    INFO(i << ": " << a[i] << ", expected " << b[i]);
    CHECK(((is_nan(a[i]) && is_nan(b[i])) || a[i] == b[i] || std::abs(a[i] - b[i]) <= tolerance));
  }
}

Tensor numbers(double step, DType dtype) {
  const Tensor k = sg::arange(37.0) * step;
  const Tensor real = sg::sin(k * k + k) * 1.5;
  return sg::is_complex(dtype) ? sg::astype(sg::complex(real, sg::cos(k)), dtype) : sg::astype(real, dtype);
}

void check_both(const Tensor& x, const Tensor& t, double tolerance) {
  for (bool reverse : {false, true})
    for (bool exclusive : {false, true}) {
      const auto a = with_rule(LogScanRule::split, {reverse, exclusive}),
                 b = with_rule(LogScanRule::weights, {reverse, exclusive});
      INFO((reverse ? "reverse " : "") << (exclusive ? "exclusive" : ""));
      CHECK(values(sg::logcumsumexp(x, {.rule = LogScanRule::split})).size() == values(x).size());
      check_near(sg::jvp(a, {x}, {t}).tangent, sg::jvp(b, {x}, {t}).tangent, tolerance);
      check_near(sg::vjp(a, {x}).pullback(t), sg::vjp(b, {x}).pullback(t), tolerance);
    }
}

}  // namespace

TEST_CASE("the two rules agree") {
  for (DType dtype : {DType::float16, DType::float32, DType::float64, DType::complex64, DType::complex128}) {
    INFO(sg::to_string(dtype));
    const bool wide = dtype == DType::float64 || dtype == DType::complex128;
    // prefixes of the complex numbers cancel to a tenth of their terms
    check_both(numbers(0.37, dtype), numbers(0.73, dtype), wide ? 1e-12 : dtype == DType::float16 ? 1e-2 : 1e-4);
  }
}

TEST_CASE("the two rules agree where mathematics leaves a choice") {
  const Tensor g = {1.0, -2.0, 0.0, 4.0, 5.0};
  for (const Tensor& x :
       {Tensor({-inf, 0.0, 1.0, -inf, 2.0}), Tensor({0.0, inf, 1.0, inf, 2.0}), Tensor({-inf, -inf, 1.0, 2.0, NaN}),
        Tensor({inf, -inf, 1.0, 2.0, -2000.0}), Tensor({0.0, 1000.0, -1000.0, 1000.0, 0.0})})
    check_both(x, g, 4e-12);  // log t is rounded beside x = 2000
  for (double bad : {inf, -inf, NaN}) {
    const Tensor t = {bad, 1.0, bad, 2.0, 3.0};
    for (const Tensor& x :
         {Tensor({-inf, 0.0, -inf, 1.0, 0.0}), Tensor({0.0, inf, 1.0, 1.0, 0.0}), Tensor({0.0, 1.0, 2.0, 1.0, 0.0})}) {
      CAPTURE(bad);
      check_near(sg::jvp(split, {x}, {t}).tangent, sg::jvp(weights, {x}, {t}).tangent, 1e-14);
      check_near(sg::vjp(split, {x}).pullback(t), sg::vjp(weights, {x}).pullback(t), 1e-14);
    }
  }
}

TEST_CASE("no phase is lost") {
  const Tensor x = {Z(0), Z(1)}, t = {Z(1, 1), Z(2, -1)}, expected = {Z(1, 1), Z(1.7310585786300049, -0.46211715726000979)};
  for (const auto& f : {split, weights}) check_near(sg::jvp(f, {x}, {t}).tangent, expected, 1e-15);
}

TEST_CASE("a huge tangent times a weight that underflows") {
  const Tensor x = {0.0, -1000.0}, t = {0.0, 1e300};
  const double expected = std::exp(-1000 + 300 * std::log(10.0));
  CHECK(sg::jvp(split, {x}, {t}).tangent.to_vector<double>()[1] == Approx(expected).epsilon(1e-12));
  CHECK(sg::vjp(split, {x}).pullback(Tensor({0.0, 1e300})).to_vector<double>()[1] == Approx(expected).epsilon(1e-12));
  CHECK(sg::jvp(weights, {x}, {t}).tangent.to_vector<double>()[1] == 0);  // what the other rule cannot represent
}

TEST_CASE("the split rule in second derivatives, batches and odd strides") {
  const Tensor x = numbers(0.37, DType::float64), a = numbers(0.73, DType::float64), b = numbers(0.11, DType::float64);
  const auto second = [&](const auto& f) {
    return sg::jvp([&](const Tensor& z) { return sg::vjp(f, {z}).pullback(a); }, {x}, {b}).tangent;
  };
  check_near(second(split), second(weights), 1e-12);
  check_near(sg::jvp([&](const Tensor& z) { return sg::jvp(split, {z}, {a}).tangent; }, {x}, {b}).tangent,
             sg::jvp([&](const Tensor& z) { return sg::jvp(weights, {z}, {a}).tangent; }, {x}, {b}).tangent, 1e-12);
  const auto along = [](const Tensor& z) {
    return sg::logcumsumexp(z, {.axis = 0, .reverse = true, .rule = LogScanRule::split});
  };
  const Tensor wide = sg::transpose(sg::stack({x, a}));
  check_near(sg::vjp(along, {wide}).pullback(sg::transpose(sg::stack({a, b}))),
             sg::stack({sg::vjp(with_rule(LogScanRule::weights, {true, false}), {x}).pullback(a),
                        sg::vjp(with_rule(LogScanRule::weights, {true, false}), {a}).pullback(b)},
                       {.axis = 1}),
             1e-12);
}

TEST_CASE("the split rule goes through initial values and carries") {
  for (DType dtype : {DType::bfloat16, DType::float32, DType::float64, DType::complex64, DType::complex128}) {
    INFO(sg::to_string(dtype));
    const Tensor x = numbers(0.37, dtype), t = numbers(0.73, dtype), start = sg::astype(Tensor(0.5), dtype);
    const double tolerance = dtype == DType::bfloat16                               ? 0.05
                             : dtype == DType::float32 || dtype == DType::complex64 ? 1e-5
                                                                                    : 1e-13;
    for (bool reverse : {false, true})
      for (bool exclusive : {false, true}) {
        const auto in_pieces = [&](LogScanRule rule) {
          return [=](const std::vector<Tensor>& in) {
            const sg::ScanOptions options{.reverse = reverse, .exclusive = exclusive, .rule = rule};
            const Tensor first = sg::slice(in[0], {.begin = 0, .end = 10}), rest = sg::slice(in[0], {.begin = 10});
            const auto [y, carry] = sg::logcumsumexp_with_carry(reverse ? rest : first, in[1], options);
            const Tensor z = sg::logcumsumexp(reverse ? first : rest, carry, options);
            return reverse ? sg::concatenate({z, y}) : sg::concatenate({y, z});
          };
        };
        const std::vector<Tensor> at = {x, start}, along = {t, start};
        const auto a = in_pieces(LogScanRule::split), b = in_pieces(LogScanRule::weights);
        check_near(sg::jvp(a, sg::args(at), sg::args(along)).tangent, sg::jvp(b, sg::args(at), sg::args(along)).tangent,
                   tolerance);
        const auto got = sg::vjp(a, sg::args(at)).pullback(t), expected = sg::vjp(b, sg::args(at)).pullback(t);
        for (std::size_t i = 0; i < 2; ++i) check_near(got[i], expected[i], tolerance);
      }
  }
  // A huge tangent times a weight that underflows, on either side of the seam.
  const double kept = std::exp(-800 + std::log(1e300));
  const auto of_x = [](const Tensor& x) { return sg::logcumsumexp(x, 0.0, {.rule = LogScanRule::split}); };
  CHECK(sg::jvp(of_x, {Tensor({-800.0})}, {Tensor({1e300})}).tangent.to_vector<double>()[0] == Approx(kept).epsilon(1e-12));
  const auto of_start = [](const Tensor& m) { return sg::logcumsumexp(Tensor({0.0}), m, {.rule = LogScanRule::split}); };
  CHECK(sg::jvp(of_start, {Tensor(-800.0)}, {Tensor(1e300)}).tangent.to_vector<double>()[0] == Approx(kept).epsilon(1e-12));
  CHECK(sg::vjp(of_start, {Tensor(-800.0)}).pullback(Tensor({1e300})).item<double>() == Approx(kept).epsilon(1e-12));
  CHECK(sg::logcumsumexp(Tensor({1.0, 2.0}), {.include_initial = true, .rule = LogScanRule::split}).to_vector<double>()[1] ==
        1);
}
