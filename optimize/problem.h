#pragma once
// What the minimisers share: the loss as a function of a vector of doubles, and the loop around their steps.

#include <optional>

#include "scangrad/optimize.h"

namespace scangrad::inline v0::optimize {

using Vector = std::vector<double>;

double dot(const Vector& a, const Vector& b);
double largest(const Vector& a);                          ///< max |a_i|; NaN if there is one
Vector plus(const Vector& x, double t, const Vector& d);  ///< x + t d

struct Point {
  Vector x;
  double value = 0;
  Vector gradient;
  bool finite() const;
};

/// The loss, evaluated at doubles that are rounded to the dtypes of the tensors first.
class Problem {
 public:
  Problem(const char* name, const detail::Objective& f, std::span<const Tensor> start, Site site);

  Vector start() const;
  Point at(const Vector& x);
  Vector hessian(const Vector& x) const;  ///< (n, n), symmetric
  std::vector<Tensor> tensors(const Vector& x) const;

  std::int64_t evaluations() const noexcept { return evaluations_; }
  /// What rounding may do to a value of this size.
  double noise(double value) const { return 8 * unit_ * std::abs(value); }
  double unit() const noexcept { return unit_; }

 private:
  const char* name_;
  detail::Objective f_;
  std::vector<Tensor> like_;
  Site site_;
  std::int64_t evaluations_ = 0;
  double unit_ = 0;
};

struct Limits {
  std::int64_t max_iterations;
  double gradient_tolerance, decrease_tolerance;
  const Callback& callback;
};

/// The limits among a method's options, checked: "newton: max_iterations must be at least 0, given -1".
Limits checked_limits(const char* name, Limits limits, Site site);
template <class Options>
Limits limits_of(const char* name, const Options& options, Site site) {
  double decrease = 0;
  if constexpr (requires { options.decrease_tolerance; }) decrease = options.decrease_tolerance;
  return checked_limits(name, {options.max_iterations, options.gradient_tolerance, decrease, options.callback}, site);
}
void check_option(bool right, std::string_view option, std::string_view must, double given);

/// Takes steps until there is a reason to stop. A step is the next point, or the reason why there is none.
struct Step {
  std::optional<Point> next;
  StopReason why = StopReason::no_descent;
};
detail::FlatMinimum descend(Problem& problem, const Limits& limits, const std::function<Step(const Point&)>& step);

/// Why a line search along a direction with this slope found nothing.
StopReason why_no_step(const Problem& problem, const Point& at, double slope);

}  // namespace scangrad::inline v0::optimize
