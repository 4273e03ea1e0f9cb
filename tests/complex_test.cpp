// Complex and half-precision tensors: values against std::complex, derivatives by scangrad/check.h, and one rounding for halves.

#include <random>

#include "scangrad/scangrad.h"
#include "support/catch.h"

namespace sg = scangrad;
using sg::DType;
using sg::Tensor;
using Z = std::complex<double>;

namespace {

using Function = std::function<Tensor(const Tensor&)>;

struct Holomorphic {
  const char* name;
  Function f;
  std::function<Z(Z)> reference;
};

const std::vector<Holomorphic> functions = {
    {"exp", [](const Tensor& z) { return sg::exp(z); }, [](Z z) { return std::exp(z); }},
    {"expm1", [](const Tensor& z) { return sg::expm1(z); }, [](Z z) { return std::exp(z) - 1.0; }},
    {"log", [](const Tensor& z) { return sg::log(z); }, [](Z z) { return std::log(z); }},
    {"log1p", [](const Tensor& z) { return sg::log1p(z); }, [](Z z) { return std::log(1.0 + z); }},
    {"sqrt", [](const Tensor& z) { return sg::sqrt(z); }, [](Z z) { return std::sqrt(z); }},
    {"rsqrt", [](const Tensor& z) { return sg::rsqrt(z); }, [](Z z) { return 1.0 / std::sqrt(z); }},
    {"reciprocal", [](const Tensor& z) { return sg::reciprocal(z); }, [](Z z) { return 1.0 / z; }},
    {"square", [](const Tensor& z) { return sg::square(z); }, [](Z z) { return z * z; }},
    {"sin", [](const Tensor& z) { return sg::sin(z); }, [](Z z) { return std::sin(z); }},
    {"cos", [](const Tensor& z) { return sg::cos(z); }, [](Z z) { return std::cos(z); }},
    {"tan", [](const Tensor& z) { return sg::tan(z); }, [](Z z) { return std::tan(z); }},
    {"asin", [](const Tensor& z) { return sg::asin(z); }, [](Z z) { return std::asin(z); }},
    {"acos", [](const Tensor& z) { return sg::acos(z); }, [](Z z) { return std::acos(z); }},
    {"atan", [](const Tensor& z) { return sg::atan(z); }, [](Z z) { return std::atan(z); }},
    {"sinh", [](const Tensor& z) { return sg::sinh(z); }, [](Z z) { return std::sinh(z); }},
    {"cosh", [](const Tensor& z) { return sg::cosh(z); }, [](Z z) { return std::cosh(z); }},
    {"tanh", [](const Tensor& z) { return sg::tanh(z); }, [](Z z) { return std::tanh(z); }},
    {"sigmoid", [](const Tensor& z) { return sg::sigmoid(z); }, [](Z z) { return 1.0 / (1.0 + std::exp(-z)); }},
    {"pow", [](const Tensor& z) { return sg::pow(z, z); }, [](Z z) { return std::pow(z, z); }},
    {"divide", [](const Tensor& z) { return (z + 1.0) / (z * 2.0); }, [](Z z) { return (z + 1.0) / (z * 2.0); }},
};

const std::vector<Holomorphic> linear_maps_of_the_plane = {
    {"abs", [](const Tensor& z) { return sg::astype(sg::abs(z), DType::complex128); }, [](Z z) { return Z(std::abs(z)); }},
    {"angle", [](const Tensor& z) { return sg::astype(sg::angle(z), DType::complex128); }, [](Z z) { return Z(std::arg(z)); }},
    {"real", [](const Tensor& z) { return sg::astype(sg::real(z), DType::complex128); }, [](Z z) { return Z(z.real()); }},
    {"imag", [](const Tensor& z) { return sg::astype(sg::imag(z), DType::complex128); }, [](Z z) { return Z(z.imag()); }},
    {"conj", [](const Tensor& z) { return sg::conj(z); }, [](Z z) { return std::conj(z); }},
    {"complex", [](const Tensor& z) { return sg::complex(sg::imag(z), sg::real(z)); },
     [](Z z) { return Z(z.imag(), z.real()); }},
};

const std::vector<Z> points = {{0.3, 0.7}, {-1.2, 0.4}, {0.8, -1.5}, {-0.6, -0.9}, {1.7, 0.2}};

/// The function's value against std::complex, and its derivatives by the public checks.
void check_function(const Holomorphic& row, bool holomorphic) {
  INFO(row.name);
  const Tensor z(points);
  const std::vector<Z> values = row.f(z).to_vector<Z>();
  for (std::size_t i = 0; i < points.size(); ++i) {
    INFO("at " << points[i]);
    CHECK(std::abs(values[i] - row.reference(points[i])) <= 1e-14 * (1 + std::abs(values[i])));
  }
  const sg::CheckReport report = sg::check_all(row.f, {z}, {.holomorphic = holomorphic});
  if (!report) FAIL_CHECK(report);
}

}  // namespace

TEST_CASE("complex functions: values and derivatives") {
  for (const Holomorphic& row : functions) check_function(row, true);
  for (const Holomorphic& row : linear_maps_of_the_plane) check_function(row, false);
}

TEST_CASE("derivatives of complex scans, sums and products") {
  const Tensor other(std::vector<Z>{{0.5, 1}, {2, -1}, {-1, 0.3}, {0.2, 0.2}, {1, 0}});
  const std::vector<Function> maps = {
      [](const Tensor& z) { return sg::cumsum(z, {.reverse = true, .exclusive = true}); },
      [](const Tensor& z) { return sg::cumprod(z); },
      [](const Tensor& z) { return sg::cumprod(z, {.reverse = true, .exclusive = true}); },
      [&](const Tensor& z) { return sg::linear_recurrence(z, other * z, Tensor(Z(1, -1))); },
      [&](const Tensor& z) { return sg::linear_recurrence(other, z); },
      [&](const Tensor& z) { return sg::matmul(sg::outer(z, other), z); },
      [&](const Tensor& z) {
        return z * sg::sum(z * other) + sg::prod(z) + sg::take(z, Tensor{4, 4, 0, 1, 1});
      },
      [](const Tensor& z) { return z * sg::norm(z) + sg::var(z); },
  };
  for (const Function& f : maps) {
    const sg::CheckReport report = sg::check_all(f, {Tensor(points)});
    if (!report) FAIL_CHECK(report);
  }
}

TEST_CASE("questions about NaN and infinities") {
  const double inf = INFINITY;
  const Tensor x = {1.0, inf, -inf, NAN}, z = {Z(NAN, 0), Z(0, inf), Z(1, 1)};
  CHECK(sg::isnan(x).to_vector<bool>() == std::vector<bool>{false, false, false, true});
  CHECK(sg::isinf(x).to_vector<bool>() == std::vector<bool>{false, true, true, false});
  CHECK(sg::isfinite(x).to_vector<bool>() == std::vector<bool>{true, false, false, false});
  CHECK(sg::isnan(z).to_vector<bool>() == std::vector<bool>{true, false, false});
  CHECK(sg::isinf(z).to_vector<bool>() == std::vector<bool>{false, true, false});
  CHECK(sg::isfinite(z).to_vector<bool>() == std::vector<bool>{false, false, true});
}

TEST_CASE("known complex derivatives") {
  const Tensor z = Z(3, 4);
  CHECK(sg::grad([](const Tensor& x) { return sg::real(x * sg::conj(x)); })(z).item<Z>() == Z(6, 8));
  CHECK(sg::grad([](const Tensor& x) { return sg::abs(x); })(z).item<Z>() == Z(0.6, 0.8));
  CHECK(sg::grad([](const Tensor& x) { return sg::abs(x); })(Tensor(Z(0, 0))).item<Z>() == Z(0, 0));
  CHECK(sg::grad([](const Tensor& x) { return sg::sum(2.0 * sg::imag(x)); })(z).item<Z>() == Z(0, 2));
  // a real factor of a complex product has a real cotangent (case C6: 16)
  const auto product = sg::vjp([](const Tensor& x, const Tensor& y) { return x * y; }, {Tensor(Z(2, 4)), Tensor(3.0)});
  const auto [gx, gy] = product.pullback(Tensor(Z(2, 3)));
  CHECK(gx.item<Z>() == Z(6, 9));
  CHECK(gy.dtype() == DType::float64);
  CHECK(gy.item<double>() == 16.0);
}

TEST_CASE("log1p and expm1 keep their digits near 0 and on the circle |1 + z| = 1") {
  const double y = 1e-3, x = -y * y / 2;
  const Z on_circle = sg::log1p(Tensor(Z(x, y))).item<Z>();
  const long double X = x, Y = y;
  CHECK(on_circle.real() / static_cast<double>(std::log1p(2 * X + X * X + Y * Y) / 2) == Approx(1).epsilon(1e-6));
  const Z small = sg::expm1(Tensor(Z(1e-20, 1e-20))).item<Z>();
  CHECK(small == Z(1e-20, 1e-20));
  CHECK(sg::log1p(Tensor(Z(1e-20, 1e-20))).item<Z>() == Z(1e-20, 1e-20));
}

TEST_CASE("halves accumulate in wider types and round once") {
  for (const DType half : {DType::float16, DType::bfloat16}) {
    const Tensor ones = sg::ones({5000}, {.dtype = half});
    const float exact = half == DType::float16 ? 5000.0f : 4992.0f;
    CHECK(sg::sum(ones).item<float>() == exact);
    CHECK(sg::cumsum(ones)[-1].item<float>() == exact);
    CHECK(sg::dot(ones, ones).item<float>() == exact);
    CHECK(sg::segment_sum(ones, sg::astype(sg::zeros({5000}), DType::int64), 1).item<float>() == exact);
    CHECK(sg::grad([&](const Tensor& x) { return sg::sum(sg::take(x, sg::astype(sg::zeros({5000}), DType::int64))); })(
              sg::ones({1}, {.dtype = half}))
              .item<float>() == exact);
    CHECK(sg::logcumsumexp(sg::zeros({64}, {.dtype = half}))[-1].item<float>() ==
          sg::astype(sg::astype(Tensor(std::log(64.0)), half), DType::float32).item<float>());
    CHECK(sg::max(sg::astype(Tensor{1.0, 3.0, 2.0}, half)).item<float>() == 3.0f);
    CHECK(sg::grad([](const Tensor& x) { return sg::sum(sg::logcumsumexp(x)); })(ones).dtype() == half);
  }
}

TEST_CASE("a double becomes a half with one rounding") {
  const double tie = 1 + 0x1p-11;  // halfway between two halves: the last bits of the double decide
  CHECK(sg::astype(Tensor(tie), DType::float16).item<float>() == 1.0f);
  CHECK(sg::astype(Tensor(tie + 0x1p-40), DType::float16).item<float>() == 1 + 0x1p-10f);
  CHECK(sg::astype(Tensor(tie - 0x1p-40), DType::float16).item<float>() == 1.0f);
  CHECK(sg::astype(Tensor(1 + 0x1p-8 + 0x1p-40), DType::bfloat16).item<float>() == 1 + 0x1p-7f);
  CHECK(sg::astype(Tensor(-(tie + 0x1p-40)), DType::float16).item<float>() == -(1 + 0x1p-10f));
  CHECK(std::isinf(sg::astype(Tensor(1e300), DType::float16).item<float>()));
}

TEST_CASE("int32 stays int32, and wraps") {
  const Tensor x(std::vector<std::int32_t>{2147483647, 1, 5});
  CHECK((x + 1).dtype() == DType::int32);
  CHECK((x + 1)[0].item<std::int32_t>() == -2147483647 - 1);
  CHECK(sg::cumsum(x).to_vector<std::int32_t>() == std::vector<std::int32_t>{2147483647, -2147483647 - 1, -2147483643});
  CHECK((x * Tensor{1, 2, 3}).dtype() == DType::int64);
  CHECK(sg::exp(x).dtype() == DType::float64);
  CHECK(sg::cummax(x, {.reverse = true}).to_vector<std::int32_t>() == std::vector<std::int32_t>{2147483647, 5, 5});
}
