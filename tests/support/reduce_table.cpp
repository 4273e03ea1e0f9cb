// The rows of the reductions, logsumexp among them, and of matmul.

#include "support/op_table.h"

namespace test {
namespace {

struct Setting {
  const char* name;
  sg::ReduceOptions options;
  Over over;
  Shapes shapes;
  bool has_empty_axes = false;  ///< among those that are reduced
};

const std::vector<Setting> settings = {
    {"", {}, {}, {{Shape{}}, {Shape{1}}, {Shape{5}}, {Shape{2, 3}}, {Shape{2, 1, 3}}}},
    {" keepdims", {.keepdims = true}, {}, {{Shape{}}, {Shape{3}}, {Shape{2, 3}}}},
    {" axis 0", {.axis = 0}, {false, {0}}, {{Shape{4}}, {Shape{2, 3}}, {Shape{1, 3}}, {Shape{3, 2, 2}}, {Shape{3, 0}}}},
    {" axis -1", {.axis = -1}, {false, {-1}}, {{Shape{4}}, {Shape{2, 3}}, {Shape{2, 1}}, {Shape{2, 2, 3}}, {Shape{0, 3}}}},
    {" axis 1 keepdims", {.axis = 1, .keepdims = true}, {false, {1}}, {{Shape{2, 3}}, {Shape{2, 3, 2}}, {Shape{0, 2}}}},
    {" axes 0 and 2", {.axis = {0, 2}}, {false, {0, 2}}, {{Shape{2, 3, 2}}, {Shape{2, 1, 3}}, {Shape{2, 0, 2}}}},
    {" axes 2 and 0 keepdims", {.axis = {-1, 0}, .keepdims = true}, {false, {0, 2}}, {{Shape{2, 3, 2}}}},
    {" empty", {}, {}, {{Shape{0}}, {Shape{2, 0}}}, true},
    {" empty axis 0", {.axis = 0}, {false, {0}}, {{Shape{0}}, {Shape{0, 3}}, {Shape{0, 0}}}, true},
};

using Reduction = Tensor (*)(const sg::Operand&, const sg::ReduceOptions&);

struct Kind {
  const char* name;
  Reduction f;
  real (*definition)(const Vector&);
  Result result;
  Tolerance tolerance;
  Scale scale;
  bool takes_empty = true;
};

template <real pick(real, real)>
real extreme(const Vector& v) {
  real result = v[0];
  for (real x : v) result = pick(x, result);
  return result;
}

real log_sum_exp(const Vector& v) {
  real total = 0;
  for (real x : v) total += exp(x);
  return log(total);
}

/// The mean of nothing is NaN, and so are the differences of its definition.
bool differentiable(const Kind& kind, const Setting& setting) {
  return kind.f != Reduction(sg::mean) || !setting.has_empty_axes;
}

Row reduction(const Kind& kind, const Setting& setting) {
  return {.name = std::string(kind.name) + setting.name,
          .f = [=](const Tensors& x) { return kind.f(x[0], setting.options); },
          .reference = reduction(setting.over, setting.options.keepdims, kind.definition),
          .cases = cases(setting.shapes, any),
          .result = kind.result,
          .tolerance = kind.tolerance,
          .scale = kind.scale,
          .differentiable = differentiable(kind, setting)};
}

}  // namespace

std::vector<Row> reduction_rows() {
  const Kind kinds[] = {
      {"sum", sg::sum, sum_of, Result::number, {2, 2, 1}, Scale::terms},
      {"mean",
       sg::mean,
       [](const Vector& v) { return sum_of(v) / static_cast<real>(v.size()); },
       Result::floating,
       {3, 3, 1},
       Scale::terms},
      {"max", sg::max, extreme<larger>, Result::same, {0, 1, 1}, Scale::value, false},
      {"min", sg::min, extreme<smaller>, Result::same, {0, 1, 1}, Scale::value, false},
      {"logsumexp", sg::logsumexp, log_sum_exp, Result::floating, {4, 4, 6}, Scale::one},
  };
  std::vector<Row> rows;
  for (const Kind& kind : kinds)
    for (const Setting& setting : settings)
      if (kind.takes_empty || !setting.has_empty_axes) rows.push_back(reduction(kind, setting));
  return rows;
}

}  // namespace test
