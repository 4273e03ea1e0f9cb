#include "support/catch.h"
#include "support/point.h"

namespace test {
namespace {

Vector column(const Derivatives& exact, std::size_t i) {
  Vector result(exact.outputs);
  for (std::size_t k = 0; k < exact.outputs; ++k) result[k] = exact.first(k, i);
  return result;
}

Vector row(const Derivatives& exact, std::size_t k) {
  return Vector(exact.jacobian.begin() + static_cast<std::ptrdiff_t>(k * exact.inputs),
                exact.jacobian.begin() + static_cast<std::ptrdiff_t>((k + 1) * exact.inputs));
}

/// dy = J t
void check_product(const Point& point, const Tensor& dy, const Denses& t) {
  Vector expected, scale;
  for (std::size_t k = 0; k < point.outputs(); ++k) {
    expected.push_back(dot(row(point.exact, k), flatten(t)));
    scale.push_back(dot(absolute(row(point.exact, k)), absolute(flatten(t))));
  }
  check_close("jvp", flatten(dy), expected, scale, point.row.tolerance.first, point.u, point.row.tolerance.absolute);
}

/// gradient = J^H q, of all inputs' elements from `first` on
void check_pulled(const Point& point, const Vector& gradient, const Dense& q, std::size_t first = 0) {
  Vector expected, scale;
  for (std::size_t i = first; i < first + gradient.size(); ++i) {
    expected.push_back(dot(column(point.exact, i), q.values));
    scale.push_back(dot(absolute(column(point.exact, i)), absolute(q.values)));
  }
  check_close("vjp", gradient, expected, scale, point.row.tolerance.first, point.u, point.row.tolerance.absolute);
}

void check_tangent(const Point& point, const Denses& t) {
  const auto [y, dy] = sg::jvp(point.row.f, sg::args(point.x), sg::args(to_tensors(t, point.dtype)));
  CHECK(same_bits(y, point.row.f(point.x)));
  REQUIRE(dy.shape() == y.shape());
  CHECK(dy.dtype() == y.dtype());
  check_product(point, dy, t);
}

void check_gradient(const Point& point, const Dense& q) {
  const auto [y, pullback] = sg::vjp(point.row.f, sg::args(point.x));
  CHECK(same_bits(y, point.row.f(point.x)));
  const Tensors gradient = pullback(to_tensor(q, y.dtype()));
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    CHECK(gradient[i].shape() == point.x[i].shape());
    CHECK(gradient[i].dtype() == point.dtype);
  }
  check_pulled(point, flatten(gradient), q);
}

/// One argument active and the others constant: its own gradient, and the part of the tangent that is due to it.
void check_each_argument_alone(const Point& point, const Denses& t, const Dense& q) {
  std::size_t first = 0;
  for (std::size_t i = 0; i < point.x.size(); ++i) {
    const auto alone = [&](const Tensor& active) {
      Tensors x = point.x;
      x[i] = active;
      return point.row.f(x);
    };
    const auto [y, pullback] = sg::vjp(alone, {point.x[i]});
    const Vector gradient = flatten(pullback(to_tensor(q, y.dtype())));
    check_pulled(point, gradient, q, first);
    first += gradient.size();
    Denses only = t;
    for (std::size_t k = 0; k < only.size(); ++k)
      if (k != i) only[k] = Dense(only[k].shape);
    check_product(point, sg::jvp(alone, {point.x[i]}, {to_tensor(t[i], point.dtype)}).tangent, only);
  }
}

}  // namespace

void check_first_order(const Point& point) {
  const Denses t = random_like(point.at, 11);
  const Dense q = random_like(point.exact.value, 12);
  check_tangent(point, t);
  check_gradient(point, q);
  for (std::size_t i = 0; i < point.inputs(); ++i) check_tangent(point, one_hot(point.at, i));
  for (std::size_t k = 0; k < point.outputs(); ++k) check_gradient(point, one_hot({point.exact.value}, k)[0]);
  check_each_argument_alone(point, t, q);
}

}  // namespace test
