#include "support/checks.h"

#include <limits>

#include "support/catch.h"
#include "support/point.h"

namespace test {

DType result_dtype(Result result, DType input) {
  switch (result) {
    case Result::same:
      return input;
    case Result::number:
      return input == DType::boolean ? DType::int64 : input;
    case Result::floating:
      return sg::is_floating(input) ? input : DType::float64;
    case Result::boolean:
      return DType::boolean;
    case Result::index:
      return DType::int64;
    case Result::float32:
      return DType::float32;
    case Result::float64:
      return DType::float64;
  }
  return input;
}

std::vector<Denses> cases(const Shapes& shapes, const std::vector<Range>& ranges) {
  std::vector<Denses> result;
  std::uint64_t seed = 1;
  for (const std::vector<Shape>& one : shapes) {
    Denses& inputs = result.emplace_back();
    for (std::size_t i = 0; i < one.size(); ++i)
      inputs.push_back(random(one[i], ranges[std::min(i, ranges.size() - 1)], seed += 1000));
  }
  return result;
}

void check_close(const char* what, const Vector& got, const Vector& expected, const Vector& scale, double tolerance, real u,
                 double absolute) {
  REQUIRE(got.size() == expected.size());
  constexpr real smallest = std::numeric_limits<float>::denorm_min();
  real worst = 0;
  std::size_t at = 0;
  for (std::size_t k = 0; k < got.size(); ++k) {
    const bool equal = got[k] == expected[k] || (is_nan(got[k]) && is_nan(expected[k]));
    const real unit = u * scale[k] + (u > 0x1p-40L ? smallest : real(0));
    const real distance = abs(got[k] - expected[k]);
    const real error = equal || distance <= absolute ? real(0) : unit > 0 ? distance / unit : infinity;
    if (error <= worst) continue;  // a NaN goes on
    worst = error, at = k;
    if (is_nan(error)) break;
  }
  if (worst <= tolerance) {
    SUCCEED();
    return;
  }
  INFO(what << ", element " << at << ": " << static_cast<double>(got[at]) << " instead of " << static_cast<double>(expected[at])
            << ", " << static_cast<double>(worst) << " units of error against " << tolerance);
  FAIL_CHECK();
}

Denses random_like(const Denses& like, std::uint64_t seed) {
  Denses result;
  for (const Dense& part : like) result.push_back(random_like(part, seed += 100));
  return result;
}

Denses one_hot(const Denses& like, std::size_t i) {
  Denses result;
  for (const Dense& part : like) {
    result.emplace_back(part.shape);
    if (i < part.size()) result.back().values[i] = 1;
    i -= part.size();  // wraps beyond every size once it is past
  }
  return result;
}

real dot(const Vector& a, const Vector& b) {
  real total = 0;
  for (std::size_t i = 0; i < a.size(); ++i) total += a[i] * b[i];
  return total;
}

Vector absolute(Vector v) {
  for (real& x : v) x = abs(x);
  return v;
}

real largest(const Vector& v) {
  real result = 0;
  for (real x : v) result = larger(result, abs(x));
  return result;
}

void check_value(const Point& point) {
  const Tensor y = point.row.f(point.x);
  const Derivatives& exact = point.exact;
  const DType dtype = result_dtype(point.row.result, point.dtype);
  CHECK(sg::to_string(y.dtype()) == sg::to_string(dtype));
  REQUIRE(sg::to_string(y.shape()) == sg::to_string(exact.value.shape));
  Vector expected = exact.value.values, scale = absolute(expected);
  const Vector x = absolute(flatten(point.at));
  for (std::size_t k = 0; k < expected.size(); ++k) {
    expected[k] = in_dtype(expected[k], dtype);
    if (point.row.scale == Scale::one) scale[k] = larger(1, scale[k]);
    if (point.row.scale == Scale::terms && !exact.jacobian.empty()) {
      scale[k] = 0;
      for (std::size_t i = 0; i < x.size(); ++i) scale[k] += abs(exact.first(k, i)) * x[i];
    }
  }
  if (sg::is_floating(dtype)) expected = exact.value.values;
  check_close("value", flatten(y), expected, scale, point.row.tolerance.value, point.u);
}

namespace {

/// Random numbers as integers (away from 0) or truth values have them.
Denses rounded(Denses inputs, DType dtype) {
  if (sg::is_floating(dtype)) return inputs;
  for (Dense& part : inputs)
    for (real& x : part.values) {
      const auto number = static_cast<double>(x);
      x = dtype == DType::boolean ? number > 0 : number < 0 ? std::floor(number) : std::ceil(number);
    }
  return inputs;
}

bool all_finite(const Denses& inputs) {
  const Vector all = flatten(inputs);
  return std::none_of(all.begin(), all.end(), [](real x) { return is_infinite(x) || is_nan(x); });
}

real coarsest(DType a, DType b) { return larger(unit_roundoff(a), unit_roundoff(b)); }

void check_vmap(const Point& point) {
  const sg::CheckReport report = sg::check_vmap(point.row.f, sg::args(point.x));
  if (!report) FAIL_CHECK(report);
}

constexpr std::size_t most_for_second_order = 14, most_for_third_order = 6;

void check_point(const Row& row, const Denses& at, const Derivatives& exact, DType dtype) {
  Point point{row, at, exact, dtype};
  point.u = coarsest(dtype, result_dtype(row.result, dtype));
  INFO(row.name << ", " << sg::to_string(dtype));
  for (const Dense& part : at) UNSCOPED_INFO("input of shape " << sg::to_string(part.shape));
  check_value(point);
  check_layouts(point);
  check_vmap(point);
  check_vmap_rules(point);
  if (row.differentiable && sg::is_floating(dtype)) {
    check_first_order(point);
    if (!exact.hessian.empty() || point.inputs() == 0) check_second_order(point);
  }
  CHECK(flatten(point.x) == flatten(at));  // nobody wrote into the inputs
}

}  // namespace

void check_row(const Row& row) {
  for (const Denses& at : row.cases) {
    const Order order = !row.differentiable                           ? Order::value
                        : flatten(at).size() <= most_for_second_order ? Order::second
                                                                      : Order::first;
    const Derivatives exact = differentiate(row.reference, at, order);
    for (DType dtype : row.dtypes) {
      if (sg::is_floating(dtype)) {
        check_point(row, at, exact, dtype);
      } else if (all_finite(at)) {
        const Denses integers = rounded(at, dtype);
        check_point(row, integers, differentiate(row.reference, integers, Order::value), dtype);
      }
    }
  }
}

void check_third_order(const Row& row) {
  for (const Denses& at : row.cases) {
    if (flatten(at).size() > most_for_third_order) continue;
    const Denses a = random_like(at, 41);
    const Tensors direction = to_tensors(a, DType::float64);
    Row derivative = row;
    derivative.f = [&](const Tensors& x) { return sg::jvp(row.f, sg::args(x), sg::args(direction)).tangent; };
    derivative.reference = along(row.reference, a);
    derivative.tolerance.absolute = 1e-12;  // that of differences of differences
    const Derivatives exact = differentiate(derivative.reference, at, Order::second);
    Point point{derivative, at, exact, DType::float64};
    point.u = unit_roundoff(DType::float64);
    for (const Dense& part : at) UNSCOPED_INFO("input of shape " << sg::to_string(part.shape));
    check_first_order(point);
    check_second_order(point);
  }
}

}  // namespace test
