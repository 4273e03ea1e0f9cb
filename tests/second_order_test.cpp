// Second derivatives in all four nestings against values of 40 digits (tests/data/second_order.json, made by
// scripts/make_second_order.py from the definition): at saturation, at zeros of the cotangent, at log zeros, at zeros of products.

#include <fstream>
#include <nlohmann/json.hpp>

#include "judge/cases.h"
#include "judge/run.h"
#include "judge/units.h"
#include "support/catch.h"

namespace {

using namespace judge;
using nlohmann::json;
using sg::Tensor;
using sg::v0::DType;

const json& content() {
  static const json data = [] {
    std::ifstream file(SCANGRAD_TEST_DATA "/second_order.json");
    return json::parse(file);
  }();
  return data;
}

Scan scan_of(const json& c) { return c["op"] == "cumprod" ? Scan::cumprod : Scan::logcumsumexp; }

template <class T>
Wide<T> number(const json& value) {
  if constexpr (is_complex<Wide<T>>) return {*parse(value[0].get<std::string>()), *parse(value[1].get<std::string>())};
  else return *parse(value.get<std::string>());
}
template <class T>
Values<Wide<T>> numbers(const json& list) {
  Values<Wide<T>> result;
  for (const json& value : list) result.push_back(number<T>(value));
  return result;
}
template <class T>
Tensor tensor(const json& list) {
  std::vector<T> values;
  for (const auto& v : numbers<T>(list)) {
    if constexpr (is_complex<Wide<T>>) values.emplace_back(static_cast<double>(v.real()), static_cast<double>(v.imag()));
    else values.push_back(static_cast<double>(v));
  }
  return Tensor(values);
}

struct Nestings {
  Tensor jvp_of_jvp, vjp_of_jvp, jvp_of_vjp, vjp_of_vjp;
};
Nestings nested(Scan scan, const sg::ScanOptions& options, const Tensor& x, const Tensor& t, const Tensor& a, const Tensor& g,
                const Tensor& q) {
  const auto f = [&](const Tensor& at) { return apply(scan, {at}, options); };
  const auto pushed = [&](const Tensor& at) { return sg::jvp(f, {at}, {t}).tangent; };
  const auto pulled = [&](const Tensor& at) { return sg::vjp(f, {at}).pullback(g); };
  return {sg::jvp(pushed, {x}, {a}).tangent, sg::vjp(pushed, {x}).pullback(g), sg::jvp(pulled, {x}, {a}).tangent,
          sg::vjp(pulled, {x}).pullback(q)};
}

template <class W>
W distance(W a, W b) {
  return modulus(W(a - b));
}
template <class W>
W distance(std::complex<W> a, std::complex<W> b) {
  return modulus(a - b);
}

/// The worst |got - wanted| / (u scale), a smallest subnormal apart.
template <class T>
double units(const Values<Wide<T>>& got, const Values<Wide<T>>& wanted, const Values<real>& scale) {
  double worst = 0;
  const auto format = format_of(sg::dtype_of<T>);
  for (std::size_t k = 0; k < got.size(); ++k)
    worst = std::max(worst, error_in_units<real>(distance(got[k], wanted[k]), 0, {scale[k], 1}, format));
  return worst;
}

/// The lane in scan order, and back.
template <class V>
Values<V> turned(Values<V> v, bool reverse) {
  if (reverse) std::reverse(v.begin(), v.end());
  return v;
}

template <class T>
void check_lane(const json& c) {
  const Scan scan = scan_of(c);
  const bool reverse = c["reverse"], exclusive = c["exclusive"];
  const auto in_order = [&](const char* name) { return turned(numbers<T>(c[name]), reverse); };
  const sg::ScanOptions options{.reverse = reverse, .exclusive = exclusive};
  const Tensor x = tensor<T>(c["x"]), t = tensor<T>(c["t"]), a = tensor<T>(c["a"]), g = tensor<T>(c["g"]),
               q = tensor<T>(c["q"]);
  const Nestings got = nested(scan, options, x, t, a, g, q);
  // Of products, the sum of the absolute values of what is summed is the derivative of the absolute values.
  const Nestings sizes = nested(scan, options, sg::abs(x), sg::abs(t), sg::abs(a), sg::abs(g), sg::abs(q));
  const auto judges = reference<Wide<T>>(scan, {in_order("x")});
  const auto check = [&](const char* name, const Tensor& result, const Tensor& products, const Exact<Wide<T>>& exact) {
    INFO(c["id"] << (reverse ? " reverse" : "") << (exclusive ? " exclusive" : "") << ", " << name << ": " << result);
    const auto wanted = numbers<T>(c[name]);
    const auto scale = scan == Scan::cumprod ? widen<double>(products) : turned(exact.scale, reverse);
    CHECK(units<T>(widen<T>(result), wanted, scale) <= (scan == Scan::cumprod ? 4 : 16));
    if (scan == Scan::cumprod) return;
    for (std::size_t k = 0; k < wanted.size(); ++k)  // the judge itself, to thirty digits
      CHECK(static_cast<double>(distance(turned(exact.value, reverse)[k], wanted[k])) <= 1e-29 * static_cast<double>(scale[k]));
  };
  check("jvp_of_jvp", got.jvp_of_jvp, sizes.jvp_of_jvp, judges->jvp_of_jvp({in_order("t")}, {in_order("a")}, exclusive));
  check("vjp_of_jvp", got.vjp_of_jvp, sizes.vjp_of_jvp, judges->jvp_of_vjp(in_order("g"), in_order("t"), exclusive));
  check("jvp_of_vjp", got.jvp_of_vjp, sizes.jvp_of_vjp, judges->jvp_of_vjp(in_order("g"), in_order("a"), exclusive));
  check("vjp_of_vjp", got.vjp_of_vjp, sizes.vjp_of_vjp, judges->jvp_of_vjp(in_order("g"), in_order("q"), exclusive));
}

Tensor matrix(const json& rows) {
  std::vector<double> values;
  for (const json& row : rows)
    for (const json& value : row) values.push_back(std::stod(value.get<std::string>()));
  return Tensor(values, {static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(rows[0].size())});
}

}  // namespace

TEST_CASE("second derivatives of lanes, in all four nestings") {
  int checked = 0;
  for (const json& c : content()["lanes"]) {
    if (c["dtype"] == "float64") check_lane<double>(c), ++checked;
  }
  CHECK(checked == 32);
}

TEST_CASE("second derivatives of complex lanes, in all four nestings") {
  int checked = 0;
  for (const json& c : content()["lanes"])
    if (c["dtype"] == "complex128") check_lane<std::complex<double>>(c), ++checked;
  CHECK(checked == 16);
}

TEST_CASE("f(u) = sum W scan(B u + C): f, f' and f'' in all four nestings") {
  for (const json& c : content()["curves"]) {
    const Scan scan = scan_of(c);
    const Tensor B = matrix(c["slopes"]), C = matrix(c["offsets"]), W = matrix(c["weights"]), one(1.0);
    const sg::ScanOptions options{.reverse = c["reverse"]};
    const auto f = [&](const Tensor& u) { return sg::sum(W * apply(scan, {B * u + C}, options)); };
    const auto pushed = [&](const Tensor& u) { return sg::jvp(f, {u}, {one}).tangent; };
    const auto pulled = sg::grad(f);
    const Tensor u(std::stod(c["u"].get<std::string>()));
    const auto check = [&](const char* what, const Tensor& got, const char* expected) {
      const real wanted = number<double>(c[expected]);
      INFO(c["id"] << (c["reverse"] ? " reverse, " : ", ") << what << ": " << got << ", exactly " << c[expected]);
      CHECK(error_in_units<real>(got.item<double>(), wanted, {modulus(wanted), 1}, format_of(DType::float64)) <= 16);
    };
    check("f", f(u), "f");
    check("jvp", pushed(u), "df");
    check("grad", pulled(u), "df");
    check("jvp of jvp", sg::jvp(pushed, {u}, {one}).tangent, "ddf");
    check("grad of jvp", sg::grad(pushed)(u), "ddf");
    check("jvp of grad", sg::jvp(pulled, {u}, {one}).tangent, "ddf");
    check("grad of grad", sg::grad(pulled)(u), "ddf");
  }
}
