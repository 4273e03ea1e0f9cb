// The rows of the element-wise operations.

#include "support/op_table.h"

namespace test {

const Shapes unary_shapes = {{Shape{}}, {Shape{1}}, {Shape{5}}, {Shape{2, 3}}, {Shape{2, 1, 3}}, {Shape{0}}, {Shape{2, 0}}};
const Shapes binary_shapes = {{{}, {}},     {{3}, {3}}, {{2, 3}, {3}}, {{2, 3}, {2, 1}}, {{1, 3}, {2, 1}}, {{}, {4}},
                              {{2, 2}, {}}, {{0}, {1}}, {{0, 3}, {3}}, {{2, 0}, {2, 1}}, {{1}, {1, 1, 1}}, {{2, 1, 2}, {3, 1}}};

Operation one(Tensor (*f)(const sg::Operand&)) {
  return [f](const Tensors& x) { return f(x[0]); };
}
Operation two(Tensor (*f)(const sg::Operand&, const sg::Operand&)) {
  return [f](const Tensors& x) { return f(x[0], x[1]); };
}

namespace {

using Unary = Tensor (*)(const sg::Operand&);
using Binary = Tensor (*)(const sg::Operand&, const sg::Operand&);

Row arithmetic(const char* name, Binary f, real (*definition)(real, real), Tolerance tolerance) {
  return {.name = name,
          .f = two(f),
          .reference = elementwise(definition),
          .cases = cases(binary_shapes, any),
          .tolerance = tolerance};
}
Row arithmetic(const char* name, Unary f, real (*definition)(real), Tolerance tolerance) {
  return {.name = name,
          .f = one(f),
          .reference = elementwise(definition),
          .cases = cases(unary_shapes, any),
          .tolerance = tolerance};
}

Row function(const char* name, Unary f, real (*definition)(real), Range range, Tolerance tolerance) {
  return {.name = name,
          .f = one(f),
          .reference = elementwise(definition),
          .cases = cases(unary_shapes, range),
          .result = Result::floating,
          .tolerance = tolerance};
}

Row comparison(const char* name, Binary f, real (*definition)(real, real)) {
  std::vector<Denses> points = cases(binary_shapes, any);
  points.push_back({numbers({1, 2, 3, -1}), numbers({1, 3, 2, -1})});
  return {.name = name,
          .f = two(f),
          .reference = elementwise(definition),
          .cases = points,
          .result = Result::boolean,
          .differentiable = false};
}

Row conversion(const char* name, DType dtype, Result result, real (*definition)(real)) {
  return {.name = name,
          .f = [dtype](const Tensors& x) { return sg::astype(x[0], dtype); },
          .reference = elementwise(definition),
          .cases = cases(unary_shapes, any),
          .result = result,
          .tolerance = {1, 1, 1},
          .differentiable = sg::is_floating(dtype)};
}

Row where_row() {
  const Dense alternating(Shape{2, 1, 3}, Vector{1, 0, 1, 0, 0, 1});
  const Tensor condition = to_tensor(alternating, DType::boolean);
  const Reference choice = elementwise([](real c, real a, real b) { return c != 0 ? a : b; });
  return {.name = "where",
          .f = [=](const Tensors& x) { return sg::where(condition, x[0], x[1]); },
          .reference =
              [=](const Denses& x) {
                return choice({alternating, x[0], x[1]});
              },
          .cases = cases({{{}, {}}, {{3}, {2, 1, 3}}, {{2, 2, 1}, {3}}, {{2, 0, 1}, {}}}, any),
          .result = Result::same,
          .tolerance = {0, 1, 1}};
}

}  // namespace

std::vector<Row> elementwise_rows() {
  Row divide = arithmetic("divide", sg::divide, [](real a, real b) { return a / b; }, {1, 3, 4});
  divide.result = Result::floating;
  return {
      arithmetic("add", sg::add, [](real a, real b) { return a + b; }, {1, 1, 1}),
      arithmetic("subtract", sg::subtract, [](real a, real b) { return a - b; }, {1, 1, 1}),
      arithmetic("multiply", sg::multiply, [](real a, real b) { return a * b; }, {1, 2, 2}),
      divide,
      arithmetic("maximum", sg::maximum, larger, {0, 1, 1}),
      arithmetic("minimum", sg::minimum, smaller, {0, 1, 1}),
      arithmetic("negative", sg::negative, [](real x) { return -x; }, {0, 1, 1}),
      arithmetic("square", sg::square, [](real x) { return x * x; }, {1, 2, 4}),
      arithmetic("abs", sg::abs, abs, {0, 1, 1}),
      arithmetic("sign", sg::sign, sign, {0, 0, 0}),
      function("exp", sg::exp, exp, any, {2, 3, 4}),
      function("expm1", sg::expm1, [](real x) { return exp(x) - 1; }, {1e-6, 2, true}, {2, 3, 4}),
      function("log", sg::log, log, positive, {2, 2, 4}),
      function("log1p", sg::log1p, [](real x) { return log(1 + x); }, {-0.75, 3}, {2, 3, 4}),
      function("sqrt", sg::sqrt, sqrt, positive, {1, 3, 4}),
      function("sigmoid", sg::sigmoid, [](real x) { return 1 / (1 + exp(-x)); }, {0.25, 20, true}, {3, 6, 6}),
      function("tanh", sg::tanh, [](real x) { return 1 - 2 / (exp(2 * x) + 1); }, {0.25, 10, true}, {2, 8, 8}),
      comparison("equal", sg::equal, [](real a, real b) -> real { return a == b; }),
      comparison("not_equal", sg::not_equal, [](real a, real b) -> real { return a != b; }),
      comparison("less", sg::less, [](real a, real b) -> real { return a < b; }),
      comparison("less_equal", sg::less_equal, [](real a, real b) -> real { return a <= b; }),
      comparison("greater", sg::greater, [](real a, real b) -> real { return a > b; }),
      comparison("greater_equal", sg::greater_equal, [](real a, real b) -> real { return a >= b; }),
      where_row(),
      conversion("astype float64", DType::float64, Result::float64, [](real x) { return x; }),
      conversion("astype float32", DType::float32, Result::float32, [](real x) { return x; }),
      conversion("astype int64", DType::int64, Result::index, [](real x) -> real { return static_cast<std::int64_t>(x); }),
      conversion("astype bool", DType::boolean, Result::boolean, [](real x) -> real { return x != 0; }),
      {.name = "stop_gradient",
       .f = one(sg::stop_gradient),
       .reference = [](const Denses& x) { return x[0]; },
       .cases = cases(unary_shapes, any),
       .result = Result::same,
       .differentiable = false},
  };
}

std::vector<Row> operation_rows() {
  std::vector<Row> rows = elementwise_rows();
  for (const std::vector<Row>& part :
       {reduction_rows(), movement_rows(), indexing_rows(), function_rows(), composed_movement_rows(), composed_indexing_rows(),
        composed_reduction_rows(), linalg_rows()})
    rows.insert(rows.end(), part.begin(), part.end());
  return rows;
}

}  // namespace test
