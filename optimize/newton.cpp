// Newton's method, damped where it must be.

#include <cmath>

#include "core/error.h"
#include "optimize/problem.h"

namespace scangrad::inline v0 {
namespace optimize {
namespace {

/// L with L L^T = A, in place of A's lower triangle; false unless A is positive definite, and by more than rounding.
bool cholesky(Vector& a, std::size_t n, double unit) {
  for (std::size_t j = 0; j < n; ++j) {
    const double diagonal = a[j * n + j];
    double pivot = diagonal;
    for (std::size_t k = 0; k < j; ++k) pivot -= a[j * n + k] * a[j * n + k];
    if (!(pivot > static_cast<double>(n) * unit * diagonal)) return false;
    const double root = a[j * n + j] = std::sqrt(pivot);
    for (std::size_t i = j + 1; i < n; ++i) {
      double sum = a[i * n + j];
      for (std::size_t k = 0; k < j; ++k) sum -= a[i * n + k] * a[j * n + k];
      a[i * n + j] = sum / root;
    }
  }
  return true;
}

/// L L^T x = b
Vector solve(const Vector& l, Vector b) {
  const std::size_t n = b.size();
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < i; ++k) b[i] -= l[i * n + k] * b[k];
    b[i] /= l[i * n + i];
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t k = i + 1; k < n; ++k) b[i] -= l[k * n + i] * b[k];
    b[i] /= l[i * n + i];
  }
  return b;
}

/// -(H + damping D)^-1 g, with the least damping of 0, 1e-6, 1e-5, ... that makes the matrix positive definite. D is the diagonal's
/// absolute value. Without a usable H: downhill.
Vector newton_direction(const Vector& h, const Vector& gradient, double unit) {
  const std::size_t n = gradient.size();
  Vector direction(n);
  for (std::size_t i = 0; i < n; ++i) direction[i] = -gradient[i];
  const double size = largest(h);
  if (!std::isfinite(size) || size == 0) return direction;
  for (double damping = 0; damping < 1e30; damping = damping == 0 ? 1e-6 : 10 * damping) {
    Vector a = h;
    for (std::size_t i = 0; i < n; ++i) a[i * n + i] += damping * std::max(std::abs(h[i * n + i]), 1e-8 * size);
    if (cholesky(a, n, unit)) return solve(a, std::move(direction));
  }
  return direction;
}

/// The first of x + d, x + d/2, x + d/4, ... that gains a part of what the slope promises or, where that is less than rounding can
/// tell, lowers the gradient.
Step backtrack(Problem& problem, const Point& at, const Vector& direction) {
  const double slope = dot(at.gradient, direction), noise = problem.noise(at.value);
  double t = 1;
  for (int halvings = 0; halvings < 60; ++halvings, t /= 2) {
    Point trial = problem.at(plus(at.x, t, direction));
    if (trial.x == at.x) break;
    if (!trial.finite()) continue;
    const bool gains = trial.value <= at.value + 1e-4 * t * slope && trial.value < at.value;
    const bool refines =
        -t * slope <= noise && trial.value <= at.value + noise && largest(trial.gradient) < largest(at.gradient);
    if (gains || refines) return {std::move(trial)};
    if (-t * slope <= noise) break;
  }
  return {std::nullopt, why_no_step(problem, at, slope)};
}

}  // namespace
}  // namespace optimize

detail::FlatMinimum detail::newton(const Objective& f, std::span<const Tensor> start, const NewtonOptions& options, Site site) {
  const optimize::Limits limits = optimize::limits_of("newton", options, site);
  optimize::Problem problem("newton", f, start, site);
  return optimize::descend(problem, limits, [&](const optimize::Point& at) {
    return optimize::backtrack(problem, at, optimize::newton_direction(problem.hessian(at.x), at.gradient, problem.unit()));
  });
}

}  // namespace scangrad::inline v0
