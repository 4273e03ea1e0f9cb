#include "support/typed.h"

#include "support/catch.h"
#include "support/point.h"

namespace test {
namespace {

Dense vector_of(const Values& values) {
  return Dense(Shape{static_cast<std::int64_t>(values.size())}, Vector(values.begin(), values.end()));
}

Tensors tensors_of(const std::vector<Values>& values, DType dtype) {
  Tensors result;
  for (const Values& part : values) result.push_back(to_tensor(vector_of(part), dtype));
  return result;
}

void check_values(const char* what, const Tensor& got, const Values& expected, const Typed& typed) {
  Vector values;
  for (double x : expected) values.push_back(in_dtype(x, got.dtype()));
  Vector scale = absolute(values);
  for (real& s : scale)
    if (is_nan(s) || is_infinite(s)) s = 0;
  check_close(what, flatten(got), values, scale, typed.units, typed.units == 0 ? real(0) : unit_roundoff(got.dtype()));
}

}  // namespace

void check(const Typed& typed) {
  for (DType dtype : typed.dtypes) {
    INFO(typed.name << ", " << sg::to_string(dtype));
    const Tensors x = tensors_of(typed.x, dtype);
    const Tensor y = typed.f(x);
    if (!typed.y.empty()) check_values("value", y, typed.y, typed);
    if (!typed.dy.empty()) {
      const auto [value, tangent] = sg::jvp(typed.f, sg::args(x), sg::args(tensors_of(typed.t, dtype)));
      CHECK(same_bits(value, y));
      check_values("jvp", tangent, typed.dy, typed);
    }
    if (typed.gx.empty()) continue;
    const auto [value, pullback] = sg::vjp(typed.f, sg::args(x));
    CHECK(same_bits(value, y));
    const Tensors gradients = pullback(sg::reshape(to_tensor(vector_of(typed.g), value.dtype()), value.shape()));
    REQUIRE(gradients.size() == typed.gx.size());
    for (std::size_t i = 0; i < gradients.size(); ++i) check_values("vjp", gradients[i], typed.gx[i], typed);
  }
}

void check_expansion(const std::function<Tensor(const Tensor&)>& f, double at, Expansion expected, double units) {
  const Tensor x(at), one(1.0);
  const auto pushed = [&](const Tensor& t) { return sg::jvp(f, {t}, {one}).tangent; };
  const auto pulled = sg::grad(f);
  const auto is = [&](const char* what, const Tensor& got, double wanted) {
    check_close(what, flatten(got), {wanted}, {abs(real(wanted))}, units, unit_roundoff(DType::float64));
  };
  is("value", f(x), expected.value);
  is("jvp", pushed(x), expected.first);
  is("grad", pulled(x), expected.first);
  is("jvp of jvp", sg::jvp(pushed, {x}, {one}).tangent, expected.second);
  is("grad of jvp", sg::grad(pushed)(x), expected.second);
  is("jvp of grad", sg::jvp(pulled, {x}, {one}).tangent, expected.second);
  is("grad of grad", sg::grad(pulled)(x), expected.second);
}

}  // namespace test
