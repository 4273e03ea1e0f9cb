// The exact cases of tests/data/scan_cases.json whose dtype is float32 or float64: value, jvp and vjp, each case contiguous and
// embedded in a larger strided tensor. Expectations have 40 digits; errors are told in units in the last place u:
//
//   value        |error| / (u max(1, |y|))           float64 4, float32 3
//   derivatives  |error| / (u sum of |w t|)          float64 8, float32 3 (jvp), 5 (vjp)
//
// and anything may be off by the smallest subnormal times 1 + sum |t|.

#include <fstream>
#include <nlohmann/json.hpp>

#include "scangrad/scangrad.h"
#include "support/catch.h"

namespace sg = scangrad;
using nlohmann::json;
using sg::Tensor;

namespace {

using Real = long double;

sg::Shape shape_of(const json& c) { return sg::Shape(c["shape"].get<std::vector<std::int64_t>>()); }

void collect(const json& value, std::vector<Real>& out) {
  if (value.is_array())
    for (const json& item : value) collect(item, out);
  else out.push_back(std::strtold(value.get<std::string>().c_str(), nullptr));
}

std::vector<Real> numbers(const json& value) {
  std::vector<Real> out;
  collect(value, out);
  return out;
}

template <class T>
Tensor tensor(const std::vector<Real>& values, const sg::Shape& shape, bool embedded) {
  std::vector<T> data(values.begin(), values.end());
  const Tensor plain(data, shape);
  if (!embedded) return plain;
  Tensor wide = plain;  // every axis gets a neighbour that must not be read or written
  for (int axis = 0; axis < plain.rank(); ++axis) {
    const Tensor poison = sg::full(wide.shape(), static_cast<T>(NAN));
    const sg::Tensor pair = sg::stack({wide, poison}, {.axis = axis + 1});
    std::vector<std::int64_t> doubled(wide.shape().begin(), wide.shape().end());
    doubled[static_cast<std::size_t>(axis)] *= 2;
    wide = sg::slice(sg::reshape(pair, sg::Shape(doubled)), {.axis = axis, .step = 2});
  }
  return wide;
}

Tensor run(const std::string& op, const Tensor& x, const sg::ScanOptions& options) {
  if (op == "logcumsumexp") return sg::logcumsumexp(x, options);
  if (op == "cumsum") return sg::cumsum(x, options);
  if (op == "cumprod") return sg::cumprod(x, options);
  REQUIRE(op == "cummax");
  return sg::cummax(x, options);
}

/// Sums of |w t| over the elements of each prefix (or, transposed, over the prefixes of each element), with exact weights.
std::vector<Real> weighted_sums(const json& c, const std::vector<Real>& t, bool transposed) {
  const std::vector<Real> x = numbers(c["x"]), y = numbers(c["expected_out"]);
  const sg::Shape shape = shape_of(c);
  const auto axis =
      static_cast<std::size_t>((c["axis"].get<int>() + static_cast<int>(shape.size())) % static_cast<int>(shape.size()));
  std::int64_t inner = 1;
  for (std::size_t i = axis + 1; i < shape.size(); ++i) inner *= shape[i];
  const std::int64_t n = shape[axis];
  std::vector<Real> sums(x.size(), 0);
  for (std::size_t at = 0; at < x.size(); ++at) {
    const std::int64_t k = static_cast<std::int64_t>(at) / inner % n;
    for (std::int64_t j = 0; j < n; ++j) {
      const std::size_t other = at + static_cast<std::size_t>((j - k) * inner);
      const std::int64_t from = transposed ? k : j, to = transposed ? j : k;  // element and prefix
      const bool before = c["reverse"].get<bool>() ? from > to : from < to;
      if (!before && (from != to || c["exclusive"].get<bool>())) continue;
      const Real element = transposed ? x[at] : x[other], prefix = transposed ? y[other] : y[at];
      const Real weight = c["op"] == "logcumsumexp" ? (std::isinf(element) ? 0 : std::exp(element - prefix)) : 1;
      sums[at] += weight == 0 ? 0 : std::abs(weight * t[other]);
    }
  }
  return sums;
}

struct Budget {
  Real units;
  Real u, smallest;  ///< of the dtype
};

template <class T>
void check_close(const Tensor& result, const std::vector<Real>& expected, const std::vector<Real>& scale, Budget budget) {
  const std::vector<T> values = result.to_vector<T>();
  REQUIRE(values.size() == expected.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    INFO("element " << i << ": " << values[i] << ", exactly " << expected[i]);
    if (std::isnan(expected[i])) CHECK(std::isnan(values[i]));
    else if (std::isinf(expected[i])) CHECK(values[i] == expected[i]);
    else CHECK(std::abs(values[i] - expected[i]) <= budget.units * budget.u * scale[i] + budget.smallest * (1 + scale[i]));
  }
}

template <class T>
void check_case(const json& c, bool embedded) {
  constexpr bool single = std::is_same_v<T, float>;
  const Real u = std::numeric_limits<T>::epsilon() / 2, smallest = std::numeric_limits<T>::denorm_min();
  const sg::Shape shape = shape_of(c);
  const sg::ScanOptions options{
      .axis = c["axis"].get<int>(), .reverse = c["reverse"].get<bool>(), .exclusive = c["exclusive"].get<bool>()};
  const auto f = [&](const Tensor& x) { return run(c["op"], x, options); };
  const Tensor x = tensor<T>(numbers(c["x"]), shape, embedded);
  const std::vector<Real> out = numbers(c["expected_out"]);
  std::vector<Real> size = out;
  for (Real& y : size) y = std::max(Real{1}, std::abs(y));
  check_close<T>(f(x), out, size, {single ? 3.0L : 4.0L, u, smallest});
  if (!c["expected_jvp"].is_null()) {
    const std::vector<Real> t = numbers(c["tangent"]);
    check_close<T>(sg::jvp(f, {x}, {tensor<T>(t, shape, embedded)}).tangent, numbers(c["expected_jvp"]),
                   weighted_sums(c, t, false), {single ? 3.0L : 8.0L, u, smallest});
  }
  if (!c["expected_vjp"].is_null()) {
    const std::vector<Real> g = numbers(c["cotangent"]);
    check_close<T>(sg::vjp(f, {x}).pullback(tensor<T>(g, shape, embedded)), numbers(c["expected_vjp"]),
                   weighted_sums(c, g, true), {single ? 5.0L : 8.0L, u, smallest});
  }
}

}  // namespace

TEST_CASE("the exact cases of the scans") {
  std::ifstream file(SCANGRAD_TEST_DATA "/scan_cases.json");
  const json cases = json::parse(file)["cases"];
  int checked = 0;
  for (const json& c : cases) {
    if (c["dtype"] != "float64" && c["dtype"] != "float32") continue;  // other dtypes have no kernels yet
    for (const bool embedded : {false, true}) {
      INFO("case " << c["id"] << (embedded ? ", embedded" : ""));
      if (c["dtype"] == "float64") check_case<double>(c, embedded);
      else check_case<float>(c, embedded);
      ++checked;
    }
  }
  CHECK(checked == 66);
}
