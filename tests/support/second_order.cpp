// D2 f, contracted with directions a and b and a cotangent q, by the four ways to nest jvp and vjp.

#include "support/catch.h"
#include "support/point.h"

namespace test {
namespace {

struct Directions {
  Denses a, b;
  Dense q;
};

/// The parts of a contraction, summed, and the sum of their absolute values. Rounding acts on first derivatives too, so they
/// count, times the largest factor that they could have met.
struct Sum {
  real total = 0, scale = 0;
  void add(real x) { total += x, scale += abs(x); }
};

/// D2 f [a, b], an element an output.
std::vector<Sum> along_both(const Derivatives& exact, const Vector& a, const Vector& b) {
  std::vector<Sum> result(exact.outputs);
  for (std::size_t k = 0; k < exact.outputs; ++k)
    for (std::size_t i = 0; i < exact.inputs; ++i) {
      for (std::size_t j = 0; j < exact.inputs; ++j) result[k].add(exact.second(k, i, j) * a[i] * b[j]);
      result[k].scale += abs(exact.first(k, i) * a[i]) * largest(b);
    }
  return result;
}

/// The gradient of <q, J a>, an element an input.
std::vector<Sum> gradient_along(const Derivatives& exact, const Vector& a, const Vector& q) {
  std::vector<Sum> result(exact.inputs);
  for (std::size_t i = 0; i < exact.inputs; ++i)
    for (std::size_t k = 0; k < exact.outputs; ++k) {
      for (std::size_t j = 0; j < exact.inputs; ++j) result[i].add(exact.second(k, i, j) * a[j] * q[k]);
      result[i].scale += abs(exact.first(k, i) * q[k]) * largest(a);
    }
  return result;
}

void check_sums(const char* what, const Vector& got, const std::vector<Sum>& sums, const Point& point) {
  Vector expected, scale;
  for (const Sum& sum : sums) expected.push_back(sum.total), scale.push_back(sum.scale);
  check_close(what, got, expected, scale, point.row.tolerance.second, point.u, point.row.tolerance.absolute);
}

void check_nestings(const Point& point, const Directions& directions) {
  const Operation& f = point.row.f;
  const auto x = sg::args(point.x), a = sg::args(to_tensors(directions.a, point.dtype)),
             b = sg::args(to_tensors(directions.b, point.dtype));
  const Tensor q = to_tensor(directions.q, f(point.x).dtype());
  const auto pushed = [&](const Tensors& at) { return sg::jvp(f, sg::args(at), a).tangent; };
  const auto pulled = [&](const Tensors& at) { return sg::vjp(f, sg::args(at)).pullback(q); };
  const Vector jvp_of_jvp = flatten(sg::jvp(pushed, x, b).tangent);
  const Vector vjp_of_jvp = flatten(sg::vjp(pushed, x).pullback(q));
  const Vector jvp_of_vjp = flatten(sg::jvp(pulled, x, a).tangent);
  const Vector vjp_of_vjp = flatten(sg::vjp(pulled, x).pullback(std::get<0>(a.values)));

  const Vector va = flatten(directions.a), vb = flatten(directions.b);
  check_sums("jvp of jvp", jvp_of_jvp, along_both(point.exact, va, vb), point);
  const std::vector<Sum> gradient = gradient_along(point.exact, va, directions.q.values);
  check_sums("vjp of jvp", vjp_of_jvp, gradient, point);
  check_sums("jvp of vjp", jvp_of_vjp, gradient, point);
  check_sums("vjp of vjp", vjp_of_vjp, gradient, point);
}

}  // namespace

void check_second_order(const Point& point) {
  check_nestings(point, {random_like(point.at, 21), random_like(point.at, 22), random_like(point.exact.value, 23)});
  if (point.inputs() == 0 || point.outputs() == 0) return;
  const std::size_t i = point.inputs() - 1, j = point.inputs() / 2;
  check_nestings(point, {one_hot(point.at, i), one_hot(point.at, j), one_hot({point.exact.value}, point.outputs() - 1)[0]});
}

}  // namespace test
