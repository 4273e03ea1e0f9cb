// Where dtypes meet, against a rule written another way; what operations make of it; and the conversions of the half types.

#include <algorithm>
#include <bit>
#include <cmath>

#include "support/catch.h"
#include "support/tensors.h"

namespace {

using namespace test;
using sg::WeakKind;

constexpr DType every[] = {DType::boolean, DType::int32,   DType::int64,     DType::float16,   DType::bfloat16,
                           DType::float32, DType::float64, DType::complex64, DType::complex128};

std::string name(DType dtype) { return std::string(sg::to_string(dtype)); }

/// The lattice, as the steps from each dtype to the next ones above it: two dtypes meet in the lowest that is above both.
bool above(DType high, DType low) {
  using enum DType;
  static const std::pair<DType, DType> steps[] = {
      {boolean, int32},    {int32, int64},     {int64, float16},     {int64, bfloat16},     {float16, float32},
      {bfloat16, float32}, {float32, float64}, {float32, complex64}, {float64, complex128}, {complex64, complex128}};
  return high == low || std::any_of(std::begin(steps), std::end(steps),
                                    [&](auto step) { return step.first == low && above(high, step.second); });
}

DType meeting_place(DType a, DType b) {
  std::vector<DType> common;
  for (DType c : every)
    if (above(c, a) && above(c, b)) common.push_back(c);
  for (DType c : common)
    if (std::all_of(common.begin(), common.end(), [&](DType other) { return above(other, c); })) return c;
  throw std::logic_error("not a lattice");
}

TEST_CASE("two dtypes meet in the lowest above both") {
  for (DType a : every)
    for (DType b : every) {
      INFO(name(a) << " and " << name(b));
      CHECK(name(sg::promote(a, b)) == name(meeting_place(a, b)));
      CHECK(sg::promote(a, b) == sg::promote(b, a));
      for (DType c : every) CHECK(sg::promote(sg::promote(a, b), c) == sg::promote(a, sg::promote(b, c)));
    }
  for (DType a : every) CHECK(sg::promote(a, a) == a);
}

/// A number of a kind above the tensor's takes the tensor up to that kind, and otherwise yields.
DType beside_number(DType tensor, WeakKind number) {
  const WeakKind kind = sg::is_complex(tensor)    ? WeakKind::complex
                        : sg::is_floating(tensor) ? WeakKind::floating
                        : sg::is_integer(tensor)  ? WeakKind::integer
                                                  : WeakKind::boolean;
  if (number <= kind) return tensor;
  if (number == WeakKind::integer) return DType::int64;
  if (number == WeakKind::floating) return DType::float64;
  return kind == WeakKind::floating && tensor != DType::float64 ? DType::complex64 : DType::complex128;
}

TEST_CASE("a C++ number yields to the tensor beside it, unless its kind is higher") {
  for (WeakKind kind : {WeakKind::boolean, WeakKind::integer, WeakKind::floating, WeakKind::complex})
    for (DType a : every) {
      INFO(name(a) << " and kind " << static_cast<int>(kind));
      CHECK(name(sg::promote(a, kind)) == name(beside_number(a, kind)));
    }
  CHECK(sg::default_dtype(WeakKind::boolean) == DType::boolean);
  CHECK(sg::default_dtype(WeakKind::integer) == DType::int64);
  CHECK(sg::default_dtype(WeakKind::floating) == DType::float64);
  CHECK(sg::default_dtype(WeakKind::complex) == DType::complex128);
}

DType number_of(DType t) { return t == DType::boolean ? DType::int64 : t; }
DType float_of(DType t) { return sg::is_inexact(t) ? t : DType::float64; }

TEST_CASE("operations on two dtypes give the promoted one, whatever the shapes") {
  using Binary = Tensor (*)(const sg::Operand&, const sg::Operand&);
  constexpr DType working[] = {DType::boolean, DType::int64, DType::float32, DType::float64};
  for (DType a : working)
    for (DType b : working)
      for (const Shape& shape : {Shape{}, Shape{1}, Shape{2}, Shape{0}}) {
        INFO(name(a) << " and " << name(b) << ", " << sg::to_string(shape));
        const Tensor x = sg::ones(shape, {.dtype = a}), y = sg::ones({1}, {.dtype = b});
        const DType both = sg::promote(a, b);
        for (Binary f : {sg::add, sg::subtract, sg::multiply, sg::maximum, sg::minimum}) {
          CHECK(name(f(x, y).dtype()) == name(number_of(both)));
          CHECK(flatten(f(x, y)).size() == std::max<std::size_t>(count(shape), 1) * (count(shape) > 0));
        }
        CHECK(name(sg::divide(x, y).dtype()) == name(float_of(both)));
        CHECK(name(sg::where(x > 0, x, y).dtype()) == name(both));
        for (Binary f : {sg::equal, sg::less}) CHECK(f(x, y).dtype() == DType::boolean);
        if (shape.size() == 1) {
          CHECK(name(sg::concatenate({x, y}).dtype()) == name(both));
          CHECK(name(sg::linear_recurrence(x, y).dtype()) == name(number_of(both)));
        }
        if (shape == Shape{1}) CHECK(name(sg::matmul(x, y).dtype()) == name(number_of(both)));
      }
}

TEST_CASE("operations beside a C++ number") {
  const Tensor b({true}), i({1}), f({1.0f}), d({1.0});
  CHECK((b + true).dtype() == DType::int64);
  CHECK((b + 1).dtype() == DType::int64);
  CHECK((b + 1.0f).dtype() == DType::float64);
  CHECK((i + true).dtype() == DType::int64);
  CHECK((i + 1u).dtype() == DType::int64);
  CHECK((i * 0.5).dtype() == DType::float64);
  CHECK((i * 0.5).to_vector<double>() == std::vector<double>{0.5});
  CHECK((f + 1).dtype() == DType::float32);
  CHECK((2.0 / f).dtype() == DType::float32);
  CHECK((f + Tensor(1.0)).dtype() == DType::float64);  // a rank-0 tensor is a tensor
  CHECK((d - 1.0f).dtype() == DType::float64);
  CHECK(sg::where(b, 1, 2.0).dtype() == DType::float64);
  CHECK((i / 2).dtype() == DType::float64);
}

TEST_CASE("every dtype is computed on, and stays where nothing promotes it") {
  for (int i = 0; i < sg::dtype_count; ++i) {
    const auto dtype = static_cast<DType>(i);
    INFO(name(dtype));
    const Tensor x = sg::ones({2}, {.dtype = dtype});
    const DType number = number_of(dtype), floating = sg::is_inexact(dtype) ? dtype : DType::float64;
    for (const Tensor& y : {x + x, x * x, -x, sg::square(x), sg::sum(x), sg::cumsum(x), sg::cumprod(x), sg::matmul(x, x),
                            sg::linear_recurrence(x, x)})
      CHECK(name(y.dtype()) == name(number));
    for (const Tensor& y : {sg::take(x, Tensor({1})), sg::where(x == x, x, x), sg::flip(x), sg::concatenate({x, x})})
      CHECK(name(y.dtype()) == name(dtype));
    for (const Tensor& y : {sg::exp(x), sg::tanh(x), x / x, sg::mean(x), sg::sqrt(x)}) {
      CHECK(name(y.dtype()) == name(floating));
      CHECK(sg::all(sg::isfinite(y)).item<bool>());
    }
    CHECK(sg::astype(sg::sum(x), DType::float64).item<double>() == 2.0);
    CHECK(sg::astype(sg::cumsum(x)[-1], DType::float64).item<double>() == 2.0);
    CHECK(sg::astype(sg::matmul(x, x), DType::float64).item<double>() == 2.0);
  }
}

/// The magnitude of a pattern of a binary format by its definition.
double decoded(std::uint32_t magnitude, int fraction_bits, int exponent_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1, exponent = static_cast<int>(magnitude >> fraction_bits);
  const double fraction = std::ldexp(magnitude & ((1u << fraction_bits) - 1), -fraction_bits);
  if (exponent == (1 << exponent_bits) - 1) return fraction == 0 ? __builtin_inf() : __builtin_nan("");
  return exponent == 0 ? std::ldexp(fraction, 1 - bias) : std::ldexp(1 + fraction, exponent - bias);
}

template <class Half>
constexpr int fraction_bits = std::is_same_v<Half, sg::float16> ? 10 : 7;

template <class Half>
double magnitude_of(std::uint32_t pattern) {
  return decoded(pattern, fraction_bits<Half>, 15 - fraction_bits<Half>);
}

template <class Half>
Half pattern(std::uint32_t bits) {
  Half half;
  half.bits = static_cast<std::uint16_t>(bits);
  return half;
}

/// The nearest pattern, ties to the even one, by search; one step beyond the largest number is infinity.
template <class Half>
std::uint32_t nearest(double magnitude) {
  std::uint32_t low = 0, high = ((1u << (15 - fraction_bits<Half>)) - 1) << fraction_bits<Half>;  // infinity
  const auto value = [&](std::uint32_t p) {
    return p == high ? 2 * magnitude_of<Half>(p - 1) - magnitude_of<Half>(p - 2) : magnitude_of<Half>(p);
  };
  std::uint32_t top = high;
  if (magnitude >= value(high)) return high;
  while (top - low > 1) {
    const std::uint32_t middle = (low + top) / 2;
    (value(middle) <= magnitude ? low : top) = middle;
  }
  const double below = magnitude - value(low), above = value(top) - magnitude;
  return below < above || (below == above && low % 2 == 0) ? low : top;
}

TEMPLATE_TEST_CASE("half types: every pattern survives the way to float32 and back", "", sg::float16, sg::bfloat16) {
  int wrong = 0;
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = pattern<TestType>(bits);
    const auto value = static_cast<float>(half);
    const double expected = magnitude_of<TestType>(bits & 0x7fff);
    const TestType back(value);
    if (std::isnan(expected))
      wrong += !std::isnan(value) || !std::isnan(static_cast<float>(back)) || back.bits >> 15 != bits >> 15;
    else wrong += std::abs(value) != expected || std::signbit(value) != (bits >> 15 == 1) || back.bits != bits;
  }
  CHECK(wrong == 0);
}

TEMPLATE_TEST_CASE("half types: float32 rounds to the nearest, ties to even", "", sg::float16, sg::bfloat16) {
  std::vector<float> tried;
  const std::uint32_t infinite = ((1u << (15 - fraction_bits<TestType>)) - 1) << fraction_bits<TestType>;
  for (std::uint32_t p = 0; p + 1 < infinite; ++p) {  // halfway between neighbours, and beside it
    const auto middle = static_cast<float>((magnitude_of<TestType>(p) + magnitude_of<TestType>(p + 1)) / 2);
    for (float x : {middle, std::nextafter(middle, 0.0f), std::nextafter(middle, __builtin_inff())}) tried.push_back(x);
  }
  const auto largest = magnitude_of<TestType>(infinite - 1), step = largest - magnitude_of<TestType>(infinite - 2);
  for (double x : {largest, largest + step / 2, largest + step}) {
    const auto f = static_cast<float>(x);
    for (float y : {f, std::nextafter(f, 0.0f), std::nextafter(f, __builtin_inff())}) tried.push_back(y);
  }
  std::uint64_t state = 1;
  for (int i = 0; i < 200000; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const float x = std::bit_cast<float>(static_cast<std::uint32_t>(state >> 33));
    if (!std::isnan(x)) tried.push_back(x);
  }
  int wrong = 0;
  for (float x : tried) {
    const std::uint32_t expected = std::isinf(x) ? infinite : nearest<TestType>(x);
    wrong += TestType(x).bits != expected || TestType(-x).bits != (expected | 0x8000u);
  }
  CHECK(wrong == 0);
  CHECK(tried.size() > 290000);
}

}  // namespace
