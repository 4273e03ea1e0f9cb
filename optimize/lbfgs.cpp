// The limited-memory BFGS method (Nocedal, Wright: Numerical Optimization, 7.2), with a line search for the strong Wolfe conditions
// (3.5 and 3.6 there, in one loop).

#include <cmath>
#include <deque>

#include "core/error.h"
#include "optimize/problem.h"

namespace scangrad::inline v0 {
namespace optimize {
namespace {

/// The loss along a direction, phi(t).
struct Trial {
  double t = 0, value = 0, slope = 0;
};

/// Where the cubic through two trials has its minimum, kept away from both; their middle where there is none.
double between(const Trial& a, const Trial& b) {
  const double width = b.t - a.t;
  double share = 0.5;  // of the way from a to b
  if (std::isfinite(b.value) && std::isfinite(b.slope)) {
    const double secant = a.slope + b.slope - 3 * (b.value - a.value) / width;
    const double root = std::sqrt(secant * secant - a.slope * b.slope);
    const double cubic = (std::copysign(root, width) - a.slope + secant) / (2 * std::copysign(root, width) - a.slope + b.slope);
    if (std::isfinite(cubic)) share = cubic;
  }
  return a.t + std::clamp(share, 0.1, 0.9) * width;
}

/// A point that gains enough and where the slope has gone down enough; failing that, one that gains enough.
Step strong_wolfe(Problem& problem, const Point& at, const Vector& direction, double t) {
  constexpr double gain = 1e-4, curvature = 0.9;
  const double slope = dot(at.gradient, direction), noise = problem.noise(at.value);
  if (!(slope < 0)) return {std::nullopt, why_no_step(problem, at, slope)};
  Trial low{0, at.value, slope};  // the best so far
  std::optional<Trial> high;      // there is a minimum between the two
  Step best{std::nullopt, why_no_step(problem, at, slope)};
  for (int i = 0; i < 50; ++i) {
    Point point = problem.at(plus(at.x, t, direction));
    if (point.x == at.x) break;
    const Trial trial{t, point.value, dot(point.gradient, direction)};
    // Where the gain that is promised is less than rounding can tell, the slope tells (Hager, Zhang 2005).
    const bool enough =
        trial.value <= at.value + gain * t * slope ||
        (best.why == StopReason::rounding && trial.value <= at.value + noise && trial.slope <= (2 * gain - 1) * slope);
    if (!point.finite() || !enough || trial.value > low.value + noise) {
      high = trial;
    } else {
      const bool flat = std::abs(trial.slope) <= -curvature * slope;
      const double ahead = high ? high->t - low.t : 1.0;
      if (trial.slope * ahead >= 0) high = low;
      low = trial;
      best.next = std::move(point);
      if (flat) return best;
    }
    if (high && std::abs(high->t - low.t) <= 1e-14 * std::max(std::abs(low.t), std::abs(high->t))) break;
    t = high ? between(low, *high) : 4 * t;
  }
  return best;
}

class Lbfgs {
 public:
  Lbfgs(Problem& problem, std::int64_t memory) : problem_(problem), memory_(static_cast<std::size_t>(memory)) {}

  Step operator()(const Point& at) {
    Step made = search(at);
    if (!made.next && !pairs_.empty()) {  // what was remembered misleads: start again, downhill
      pairs_.clear();
      made = search(at);
    }
    if (!made.next) return made;
    const bool better = made.next->value < at.value || largest(made.next->gradient) < best_gradient_;
    stalled_ = better ? 0 : stalled_ + 1;
    if (stalled_ > patience) return {std::nullopt, StopReason::rounding};
    best_gradient_ = std::min(best_gradient_, largest(made.next->gradient));
    remember(at, *made.next);
    return made;
  }

 private:
  struct Pair {
    Vector s, y;  ///< changes of the point and of the gradient
    double sy;
  };

  Step search(const Point& at) {
    Vector direction = downhill(at.gradient);
    return strong_wolfe(problem_, at, direction,
                        pairs_.empty() ? std::min(1.0, 1.0 / std::sqrt(dot(direction, direction))) : 1.0);
  }

  /// -H g, where H is the inverse Hessian that the pairs speak of: the two-loop recursion.
  Vector downhill(Vector q) const {
    std::vector<double> alpha(pairs_.size());
    for (std::size_t i = pairs_.size(); i-- > 0;) {
      alpha[i] = dot(pairs_[i].s, q) / pairs_[i].sy;
      q = plus(q, -alpha[i], pairs_[i].y);
    }
    const double scale = pairs_.empty() ? 1.0 : pairs_.back().sy / dot(pairs_.back().y, pairs_.back().y);
    for (double& x : q) x *= scale;
    for (std::size_t i = 0; i < pairs_.size(); ++i) q = plus(q, alpha[i] - dot(pairs_[i].y, q) / pairs_[i].sy, pairs_[i].s);
    for (double& x : q) x = -x;
    return q;
  }

  void remember(const Point& before, const Point& after) {
    Pair pair{plus(after.x, -1, before.x), plus(after.gradient, -1, before.gradient), 0};
    pair.sy = dot(pair.s, pair.y);
    if (!(pair.sy > 1e-14 * dot(pair.y, pair.y)) || !std::isfinite(pair.sy)) return;  // no curvature to learn from
    if (pairs_.size() == memory_) pairs_.pop_front();
    pairs_.push_back(std::move(pair));
  }

  static constexpr int patience = 10;  ///< steps that gain nothing that can be told from rounding
  Problem& problem_;
  std::size_t memory_;
  int stalled_ = 0;
  double best_gradient_ = std::numeric_limits<double>::infinity();
  std::deque<Pair> pairs_;
};

}  // namespace
}  // namespace optimize

detail::FlatMinimum detail::lbfgs(const Objective& f, std::span<const Tensor> start, const LbfgsOptions& options, Site site) {
  const optimize::Limits limits = optimize::limits_of("lbfgs", options, site);
  {
    const core::CallScope scope("lbfgs", site);
    core::check(options.memory >= 1, "memory must be at least 1, given {}", options.memory);
  }
  optimize::Problem problem("lbfgs", f, start, site);
  return optimize::descend(problem, limits, optimize::Lbfgs(problem, options.memory));
}

}  // namespace scangrad::inline v0
