#include "optimize/problem.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/node.h"
#include "scangrad/jacobian.h"
#include "scangrad/ops.h"

namespace scangrad::inline v0 {

using core::CallScope;
using core::check;

std::string_view to_string(StopReason reason) noexcept {
  constexpr std::string_view names[] = {"gradient", "decrease",   "rounding",  "iterations",
                                        "callback", "not_finite", "no_descent"};
  return names[static_cast<std::size_t>(reason)];
}

namespace detail {

Tensor ravel(std::span<const Tensor> tensors, Site site) {
  const CallScope scope("ravel", site);
  check(!tensors.empty(), "there is nothing to ravel; give at least one Tensor");
  std::vector<Tensor> parts;
  for (const Tensor& x : tensors) parts.push_back(reshape(x, {-1}));
  return concatenate(parts);
}

std::vector<Tensor> unravel(const Tensor& flat, std::span<const Tensor> like, Site site) {
  const CallScope scope("unravel", site);
  std::int64_t total = 0, begin = 0;
  for (const Tensor& x : like) total += x.size();
  check(flat.shape() == Shape{total}, "the vector must have shape ({},), given {}", total, flat.shape());
  std::vector<Tensor> tensors;
  for (const Tensor& x : like) {
    const Tensor part = slice(flat, {.begin = begin, .end = begin + x.size()});
    tensors.push_back(reshape(astype(part, x.dtype()), x.shape()));
    begin += x.size();
  }
  return tensors;
}

}  // namespace detail

namespace optimize {
namespace {

void append(Vector& to, const Tensor& x) {
  const Tensor wide = astype(x, DType::float64);
  const auto elements = wide.data<double>();
  to.insert(to.end(), elements.begin(), elements.end());
}

double unit_of(DType dtype) {
  if (dtype == DType::float64) return 0x1p-53;
  if (dtype == DType::float32) return 0x1p-24;
  return dtype == DType::float16 ? 0x1p-11 : 0x1p-8;
}

}  // namespace

double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

double largest(const Vector& a) {
  double result = 0;
  for (const double x : a)
    if (!(std::abs(x) <= result)) result = std::abs(x);
  return result;
}

Vector plus(const Vector& x, double t, const Vector& d) {
  Vector sum(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) sum[i] = x[i] + t * d[i];
  return sum;
}

bool Point::finite() const {
  return std::isfinite(value) && std::all_of(gradient.begin(), gradient.end(), [](double g) { return std::isfinite(g); });
}

Problem::Problem(const char* name, const detail::Objective& f, std::span<const Tensor> start, Site site)
    : name_(name), f_(f), like_(start.begin(), start.end()), site_(site) {
  const CallScope scope(name, site);
  for (std::size_t i = 0; i < like_.size(); ++i) {
    core::check_not_empty(like_[i]);
    check(!is_complex(like_[i].dtype()), "argument {} is {}; minimise over its real and imaginary parts", i, like_[i].dtype());
    check(is_inexact(like_[i].dtype()),
          "argument {} is {}, and derivatives exist for floating tensors only; convert it with astype, or close over it", i,
          like_[i].dtype());
  }
}

Vector Problem::start() const {
  Vector x;
  for (const Tensor& tensor : like_) append(x, tensor);
  return x;
}

std::vector<Tensor> Problem::tensors(const Vector& x) const {
  std::vector<Tensor> result;
  const double* next = x.data();
  for (const Tensor& like : like_) {
    const auto count = static_cast<std::size_t>(like.size());
    result.push_back(astype(Tensor(std::span<const double>(next, count), like.shape()), like.dtype()));
    next += count;
  }
  return result;
}

Point Problem::at(const Vector& x) {
  ++evaluations_;
  const std::vector<Tensor> inputs = tensors(x);
  const auto call = [this](const std::vector<Tensor>& point) { return f_(point); };
  const auto both = detail::value_and_grad(name_, call, std::tuple(inputs), std::index_sequence<0>(), site_);
  unit_ = unit_of(both.value.dtype());
  for (const Tensor& input : inputs) unit_ = std::max(unit_, unit_of(input.dtype()));
  Point point{{}, astype(both.value, DType::float64).item<double>(), {}};
  for (const Tensor& input : inputs) append(point.x, input);
  for (const Tensor& part : both.gradient) append(point.gradient, part);
  return point;
}

Vector Problem::hessian(const Vector& x) const {
  const auto call = [this](const Tensor& flat) { return f_(detail::unravel(flat, like_, site_)); };
  Vector h;
  append(h, scangrad::hessian(call, {}, site_)(detail::ravel(tensors(x), site_)));
  const std::size_t n = x.size();
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < i; ++j) h[i * n + j] = h[j * n + i] = (h[i * n + j] + h[j * n + i]) / 2;
  return h;
}

void check_option(bool right, std::string_view option, std::string_view must, double given) {
  check(right, "{} must be {}, given {}", option, must, given);
}

Limits checked_limits(const char* name, Limits limits, Site site) {
  const CallScope scope(name, site);
  check(limits.max_iterations >= 0, "max_iterations must be at least 0, given {}", limits.max_iterations);
  check_option(limits.gradient_tolerance >= 0, "gradient_tolerance", "at least 0", limits.gradient_tolerance);
  check_option(limits.decrease_tolerance >= 0, "decrease_tolerance", "at least 0", limits.decrease_tolerance);
  return limits;
}

detail::FlatMinimum descend(Problem& problem, const Limits& limits, const std::function<Step(const Point&)>& step) {
  Point at = problem.at(problem.start());
  std::int64_t taken = 0;
  const auto finish = [&](StopReason reason) {
    return detail::FlatMinimum{problem.tensors(at.x), at.value, taken, problem.evaluations(), reason};
  };
  if (!at.finite()) return finish(StopReason::not_finite);
  for (;;) {
    if (largest(at.gradient) <= limits.gradient_tolerance) return finish(StopReason::gradient);
    if (taken == limits.max_iterations) return finish(StopReason::iterations);
    Step made = step(at);
    if (!made.next) return finish(made.why);
    const Point before = std::exchange(at, std::move(*made.next));
    ++taken;
    const double gain = before.value - at.value;
    if (limits.callback) {
      const std::vector<Tensor> point = problem.tensors(at.x);
      Progress progress{taken, problem.evaluations(), at.value, gain, largest(at.gradient), largest(plus(at.x, -1, before.x)),
                        point};
      limits.callback(progress);
      if (progress.stopped) return finish(StopReason::callback);
    }
    if (limits.decrease_tolerance > 0 && gain <= limits.decrease_tolerance * std::max(1.0, std::abs(at.value)))
      return finish(StopReason::decrease);
  }
}

StopReason why_no_step(const Problem& problem, const Point& at, double slope) {
  return -slope <= 64 * problem.noise(at.value) ? StopReason::rounding : StopReason::no_descent;
}

}  // namespace optimize
}  // namespace scangrad::inline v0
