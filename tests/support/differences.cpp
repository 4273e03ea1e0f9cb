#include "support/differences.h"

#include <utility>

namespace test {
namespace {

/// f(x) as a vector, with some elements of x moved.
Vector moved(const Reference& f, Denses x, std::initializer_list<std::pair<std::size_t, real>> moves) {
  for (auto [i, step] : moves) {
    auto part = x.begin();
    for (; i >= part->size(); ++part) i -= part->size();
    part->values[i] += step;
  }
  return f(x).values;
}

/// a - b, where equal infinities differ by nothing: what does not move has derivative 0.
Vector difference(const Vector& a, const Vector& b) {
  Vector result(a.size());
  for (std::size_t k = 0; k < a.size(); ++k) result[k] = a[k] == b[k] ? real(0) : a[k] - b[k];
  return result;
}

Vector first_difference(const Reference& f, const Denses& x, std::size_t i, real h) {
  return difference(moved(f, x, {{i, h}}), moved(f, x, {{i, -h}}));
}

Vector second_difference(const Reference& f, const Denses& x, std::size_t i, std::size_t j, real h) {
  return difference(difference(moved(f, x, {{i, h}, {j, h}}), moved(f, x, {{i, h}, {j, -h}})),
                    difference(moved(f, x, {{i, -h}, {j, h}}), moved(f, x, {{i, -h}, {j, -h}})));
}

/// From quotients with step h and h / 2: the term in h^2 goes.
real extrapolated(real coarse, real fine) { return (4 * fine - coarse) / 3; }

Denses plus(Denses x, real h, const Denses& a) {
  for (std::size_t i = 0; i < x.size(); ++i)
    for (std::size_t k = 0; k < x[i].size(); ++k) x[i].values[k] += h * a[i].values[k];
  return x;
}

}  // namespace

Derivatives differentiate(const Reference& f, const Denses& x, Order order) {
  Derivatives result;
  result.value = f(x);
  result.outputs = result.value.size();
  const std::size_t n = result.inputs = flatten(x).size(), m = result.outputs;
  if (order == Order::value) return result;
  result.jacobian.resize(m * n);
  for (std::size_t i = 0; i < n; ++i) {
    constexpr real h = 0x1p-20L;
    const Vector coarse = first_difference(f, x, i, h), fine = first_difference(f, x, i, h / 2);
    for (std::size_t k = 0; k < m; ++k) result.jacobian[k * n + i] = extrapolated(coarse[k] / (2 * h), fine[k] / h);
  }
  if (order == Order::first) return result;
  result.hessian.resize(m * n * n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j <= i; ++j) {
      constexpr real h = 0x1p-16L;
      const Vector coarse = second_difference(f, x, i, j, h), fine = second_difference(f, x, i, j, h / 2);
      for (std::size_t k = 0; k < m; ++k)
        result.hessian[(k * n + i) * n + j] = result.hessian[(k * n + j) * n + i] =
            extrapolated(coarse[k] / (4 * h * h), fine[k] / (h * h));
    }
  return result;
}

Reference along(const Reference& f, const Denses& a) {
  return [=](const Denses& x) {
    constexpr real h = 0x1p-20L;
    const Dense up = f(plus(x, h, a));
    const Vector coarse = difference(up.values, f(plus(x, -h, a)).values);
    const Vector fine = difference(f(plus(x, h / 2, a)).values, f(plus(x, -h / 2, a)).values);
    Dense result(up.shape);
    for (std::size_t k = 0; k < result.size(); ++k) result.values[k] = extrapolated(coarse[k] / (2 * h), fine[k] / h);
    return result;
  };
}

}  // namespace test
