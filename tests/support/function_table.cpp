// The rows of the functions of an element that are no arithmetic.

#include "support/functions.h"
#include "support/op_table.h"

namespace test {
namespace {

using Unary = Tensor (*)(const sg::Operand&);
using Binary = Tensor (*)(const sg::Operand&, const sg::Operand&);

Row function(const char* name, Unary f, real (*definition)(real), Range range, Tolerance tolerance) {
  return {.name = name,
          .f = one(f),
          .reference = elementwise(definition),
          .cases = cases(unary_shapes, range),
          .result = Result::floating,
          .tolerance = tolerance,
          .scale = Scale::one};
}

Row function(const char* name, Binary f, real (*definition)(real, real), Range range, Tolerance tolerance) {
  return {.name = name,
          .f = two(f),
          .reference = elementwise(definition),
          .cases = cases(binary_shapes, range),
          .result = Result::floating,
          .tolerance = tolerance,
          .scale = Scale::one};
}

Row rounding(const char* name, Unary f, real (*definition)(real)) {
  return {.name = name,
          .f = one(f),
          .reference = elementwise(definition),
          .cases = cases(unary_shapes, any),
          .tolerance = {0, 0, 0}};
}

Row question(const char* name, Unary f, real (*definition)(real)) {
  std::vector<Denses> points = cases(unary_shapes, any);
  points.push_back({numbers({1, 0, -1, __builtin_inf(), -__builtin_inf()})});
  return {.name = name,
          .f = one(f),
          .reference = elementwise(definition),
          .cases = points,
          .result = Result::boolean,
          .differentiable = false};
}

Row logic(const char* name, Binary f, real (*definition)(real, real)) {
  std::vector<Denses> points = cases(binary_shapes, any);
  points.push_back({numbers({0, 0, 2, -1}), numbers({0, 3, 0, 1})});
  return {.name = name,
          .f = two(f),
          .reference = elementwise(definition),
          .cases = points,
          .result = Result::boolean,
          .differentiable = false};
}

Row complex_part(const char* name, Unary f, real (*definition)(real), Result result = Result::same) {
  return {.name = name,
          .f = one(f),
          .reference = elementwise(definition),
          .cases = cases(unary_shapes, any),
          .result = result,
          .tolerance = {1, 1, 1}};
}

}  // namespace

std::vector<Row> function_rows() {
  const Range small = {0.1, 0.9, true}, angles = {0.25, 1.25, true}, right = {0.3, 4};
  return {
      function("pow", sg::pow, pow, right, {4, 24, 48}),
      function("rsqrt", sg::rsqrt, [](real x) { return 1 / sqrt(x); }, positive, {2, 6, 8}),
      function("reciprocal", sg::reciprocal, [](real x) { return 1 / x; }, any, {1, 4, 6}),
      function("sin", sg::sin, sin, any, {2, 4, 6}),
      function("cos", sg::cos, cos, any, {4, 4, 6}),
      function("tan", sg::tan, [](real x) { return sin(x) / cos(x); }, angles, {2, 8, 12}),
      function("asin", sg::asin, asin, small, {2, 6, 12}),
      function("acos", sg::acos, [](real x) { return pi() / 2 - asin(x); }, small, {8, 6, 12}),
      function("atan", sg::atan, atan, any, {2, 4, 8}),
      function("atan2", sg::atan2, atan2, any, {8, 16, 16}),
      function("sinh", sg::sinh, [](real x) { return (exp(x) - exp(-x)) / 2; }, any, {4, 4, 6}),
      function("cosh", sg::cosh, [](real x) { return (exp(x) + exp(-x)) / 2; }, any, {8, 4, 6}),
      function("erf", sg::erf, erf, any, {4, 12, 16}),
      function("softplus", sg::softplus, [](real x) { return log(1 + exp(x)); }, any, {8, 4, 6}),
      function("log_sigmoid", sg::log_sigmoid, [](real x) { return -log(1 + exp(-x)); }, any, {8, 4, 6}),
      function("lgamma", sg::lgamma, lgamma, {3, 9}, {4, 8, 12}),
      function("digamma", sg::digamma, digamma, {2, 9}, {8, 12, 24}),
      rounding("floor", sg::floor, [](real x) -> real { return std::floor(static_cast<long double>(x)); }),
      rounding("round", sg::round, [](real x) -> real { return std::nearbyint(static_cast<long double>(x)); }),
      {.name = "clamp",
       .f = [](const Tensors& x) { return sg::clamp(x[0], -1.0f, 0.5f); },
       .reference = elementwise([](real x) { return larger(-1, smaller(x, static_cast<real>(0.5))); }),
       .cases = cases(unary_shapes, any),
       .tolerance = {0, 1, 1},
       .dtypes = {DType::float32, DType::float64}},
      question("isnan", sg::isnan, [](real x) -> real { return is_nan(x); }),
      question("isinf", sg::isinf, [](real x) -> real { return is_infinite(x); }),
      question("isfinite", sg::isfinite, [](real x) -> real { return !is_nan(x) && !is_infinite(x); }),
      question("logical_not", sg::logical_not, [](real x) -> real { return x == 0; }),
      logic("logical_and", sg::logical_and, [](real a, real b) -> real { return a != 0 && b != 0; }),
      logic("logical_or", sg::logical_or, [](real a, real b) -> real { return a != 0 || b != 0; }),
      logic("logical_xor", sg::logical_xor, [](real a, real b) -> real { return (a != 0) != (b != 0); }),
      complex_part("real", sg::real, [](real x) { return x; }),
      complex_part("imag", sg::imag, [](real) -> real { return 0; }),
      complex_part("conj", sg::conj, [](real x) { return x; }),
      complex_part(
          "angle", sg::angle, [](real x) { return x < 0 ? pi() : 0; }, Result::floating),
      {.name = "complex",
       .f = [](const Tensors& x) { return sg::real(sg::complex(x[0], x[1]) * sg::complex(x[1], 2.0f)); },
       .reference = elementwise([](real a, real b) { return a * b - 2 * b; }),
       .cases = cases(binary_shapes, any),
       .tolerance = {4, 8, 8},
       .scale = Scale::terms,
       .dtypes = {DType::float32, DType::float64}},
  };
}

}  // namespace test
