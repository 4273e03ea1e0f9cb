// Gradient descent and Adam: steps of a given size, no line search.

#include <cmath>

#include "core/error.h"
#include "optimize/problem.h"

namespace scangrad::inline v0 {
namespace optimize {
namespace {

/// The point at x, unless something there is not finite.
Step step_to(Problem& problem, const Vector& x) {
  Point next = problem.at(x);
  if (!next.finite()) return {std::nullopt, StopReason::not_finite};
  return {std::move(next)};
}

}  // namespace
}  // namespace optimize

detail::FlatMinimum detail::gradient_descent(const Objective& f, std::span<const Tensor> start,
                                             const GradientDescentOptions& options, Site site) {
  const optimize::Limits limits = optimize::limits_of("gradient_descent", options, site);
  {
    const core::CallScope scope("gradient_descent", site);
    optimize::check_option(options.rate > 0 && std::isfinite(options.rate), "rate", "positive and finite", options.rate);
    optimize::check_option(options.momentum >= 0 && options.momentum < 1, "momentum", "in [0, 1)", options.momentum);
  }
  optimize::Problem problem("gradient_descent", f, start, site);
  optimize::Vector velocity;
  return optimize::descend(problem, limits, [&](const optimize::Point& at) {
    velocity.resize(at.x.size());
    velocity = optimize::plus(at.gradient, options.momentum, velocity);
    return optimize::step_to(problem, optimize::plus(at.x, -options.rate, velocity));
  });
}

detail::FlatMinimum detail::adam(const Objective& f, std::span<const Tensor> start, const AdamOptions& options, Site site) {
  const optimize::Limits limits = optimize::limits_of("adam", options, site);
  {
    const core::CallScope scope("adam", site);
    optimize::check_option(options.rate > 0 && std::isfinite(options.rate), "rate", "positive and finite", options.rate);
    optimize::check_option(options.beta1 >= 0 && options.beta1 < 1, "beta1", "in [0, 1)", options.beta1);
    optimize::check_option(options.beta2 >= 0 && options.beta2 < 1, "beta2", "in [0, 1)", options.beta2);
    optimize::check_option(options.epsilon > 0 && std::isfinite(options.epsilon), "epsilon", "positive and finite",
                           options.epsilon);
  }
  optimize::Problem problem("adam", f, start, site);
  optimize::Vector m, v;            // running means of the gradient and of its square
  double weight1 = 1, weight2 = 1;  // beta^steps: what the means still miss
  return optimize::descend(problem, limits, [&](const optimize::Point& at) {
    const std::size_t n = at.x.size();
    m.resize(n);
    v.resize(n);
    weight1 *= options.beta1;
    weight2 *= options.beta2;
    optimize::Vector x = at.x;
    for (std::size_t i = 0; i < n; ++i) {
      const double g = at.gradient[i];
      m[i] = options.beta1 * m[i] + (1 - options.beta1) * g;
      v[i] = options.beta2 * v[i] + (1 - options.beta2) * g * g;
      x[i] -= options.rate * (m[i] / (1 - weight1)) / (std::sqrt(v[i] / (1 - weight2)) + options.epsilon);
    }
    return optimize::step_to(problem, x);
  });
}

}  // namespace scangrad::inline v0
