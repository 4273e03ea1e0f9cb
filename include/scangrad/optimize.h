#pragma once
// Minima of functions of Tensors.
//
//   const auto fit = sg::newton(loss, beta);                      // or lbfgs, gradient_descent, adam
//   fit.point, fit.value, fit.iterations, fit.reason              // reason: why it stopped
//   sg::lbfgs(loss, sg::args(weights, bias), {.max_iterations = 200});
//
// loss takes what it is differentiated in, a Tensor or a structure of Tensors (structure.h), or the several arguments of args(...), and
// returns a real scalar Tensor. The tensors are real and floating; of whatever dtype they are, the method itself computes in float64, and
// what loss is called with is rounded to their dtype. The start is taken as it is; no derivative passes through the search.
//
// A value or gradient that is NaN or infinite never becomes the point: newton and lbfgs shorten the step, the others stop.

#include <functional>
#include <limits>

#include "scangrad/autodiff.h"
#include "scangrad/ops.h"

namespace scangrad::inline v0 {

/// Why a search stopped.
enum class StopReason : std::uint8_t {
  gradient,    ///< no element of the gradient is above gradient_tolerance: converged
  decrease,    ///< the last step gained at most decrease_tolerance: converged
  rounding,    ///< no step gains more than the value's own rounding error: as good as the dtype allows
  iterations,  ///< max_iterations steps were taken
  callback,    ///< the callback called stop()
  not_finite,  ///< the value or the gradient is NaN or infinite at the start or, without a line search, after a step
  no_descent,  ///< the value falls nowhere along the direction that the gradient promises: is loss differentiable there?
};
/// "gradient", "decrease", ...
SCANGRAD_API std::string_view to_string(StopReason reason) noexcept;

/// What the callback sees after each step.
struct Progress {
  std::int64_t iteration = 0;               ///< steps taken, this one included
  std::int64_t evaluations = 0;             ///< of loss with its gradient
  double value = 0;                         ///< after the step
  double gain = 0;                          ///< the value before, less the value after
  double gradient = 0;                      ///< largest absolute value of an element of the gradient
  double step = 0;                          ///< largest change of an element of the point
  std::span<const Tensor> point;            ///< its tensors, in order; good during the call
  void stop() noexcept { stopped = true; }  ///< ends the search here, with StopReason::callback
  bool stopped = false;                     ///< was stop() called
};
/// Called after each step; what it throws ends the search and reaches the caller.
using Callback = std::function<void(Progress&)>;

/// Where a search ended. Point is the type of the start: a Tensor, a structure, or a tuple of the several arguments.
template <class Point>
struct Minimum {
  Point point;                                 ///< the last point, of the start's shapes and dtypes
  double value = 0;                            ///< of loss there
  std::int64_t iterations = 0;                 ///< steps taken
  std::int64_t evaluations = 0;                ///< of loss with its gradient
  StopReason reason = StopReason::iterations;  ///< why it ended

  /// Did the search find what it looked for: the reason is gradient, decrease or rounding.
  bool converged() const noexcept {
    return reason == StopReason::gradient || reason == StopReason::decrease || reason == StopReason::rounding;
  }
};

/// Of newton.
struct NewtonOptions {
  detail::ByName by_name = detail::ByName();
  std::int64_t max_iterations = 100;  ///< at least 0
  double gradient_tolerance = 1e-8;   ///< stop where no |gradient element| is larger
  double decrease_tolerance = 0;      ///< stop after a step that gains at most this, times max(1, |value|); 0: off
  Callback callback = nullptr;        ///< sees every step
};

/// Of lbfgs.
struct LbfgsOptions {
  detail::ByName by_name = detail::ByName();
  std::int64_t max_iterations = 1000;  ///< at least 0
  double gradient_tolerance = 1e-8;    ///< stop where no |gradient element| is larger
  double decrease_tolerance = 0;       ///< stop after a step that gains at most this, times max(1, |value|); 0: off
  std::int64_t memory = 10;            ///< steps remembered, each of two vectors; at least 1
  Callback callback = nullptr;         ///< sees every step
};

/// Of gradient_descent.
struct GradientDescentOptions {
  detail::ByName by_name = detail::ByName();
  double rate = 1e-2;                  ///< of a step against the gradient; positive
  double momentum = 0;                 ///< in [0, 1)
  std::int64_t max_iterations = 1000;  ///< at least 0
  double gradient_tolerance = 1e-8;    ///< stop where no |gradient element| is larger
  Callback callback = nullptr;         ///< sees every step
};

/// Of adam.
struct AdamOptions {
  detail::ByName by_name = detail::ByName();
  double rate = 1e-3;                  ///< about the largest change of an element in a step; positive
  double beta1 = 0.9;                  ///< in [0, 1): decay of the mean of the gradient
  double beta2 = 0.999;                ///< in [0, 1): decay of the mean of its square
  double epsilon = 1e-8;               ///< added to the root of the latter; positive
  std::int64_t max_iterations = 1000;  ///< at least 0
  double gradient_tolerance = 1e-8;    ///< stop where no |gradient element| is larger
  Callback callback = nullptr;         ///< sees every step
};

namespace detail {

/// A loss of the tensors of a structure, in order.
struct Objective {
  const void* state;
  Tensor (*call)(const void* state, std::span<const Tensor> point);
  Tensor operator()(std::span<const Tensor> point) const { return call(state, point); }
};
using FlatMinimum = Minimum<std::vector<Tensor>>;

SCANGRAD_API FlatMinimum newton(const Objective& f, std::span<const Tensor> start, const NewtonOptions& options, Site site);
SCANGRAD_API FlatMinimum lbfgs(const Objective& f, std::span<const Tensor> start, const LbfgsOptions& options, Site site);
SCANGRAD_API FlatMinimum gradient_descent(const Objective& f, std::span<const Tensor> start,
                                          const GradientDescentOptions& options, Site site);
SCANGRAD_API FlatMinimum adam(const Objective& f, std::span<const Tensor> start, const AdamOptions& options, Site site);

template <class F, class Point, class Options>
Minimum<Point> minimize(FlatMinimum (&method)(const Objective&, std::span<const Tensor>, const Options&, Site), const F& f,
                        const Point& start, const Options& options, Site site) {
  const auto call = [&](std::span<const Tensor> tensors) -> Tensor {
    return detail::call(f, std::tuple<Point>(unflatten(start, tensors)));
  };
  using Call = decltype(call);
  const Objective objective{
      &call, [](const void* state, std::span<const Tensor> point) { return (*static_cast<const Call*>(state))(point); }};
  FlatMinimum flat = method(objective, flatten(start), options, site);
  return {unflatten(start, flat.point), flat.value, flat.iterations, flat.evaluations, flat.reason};
}
/// Several arguments; the point is a tuple of them.
template <class F, class... T, class Options>
Minimum<std::tuple<T...>> minimize(FlatMinimum (&method)(const Objective&, std::span<const Tensor>, const Options&, Site),
                                   const F& f, const Args<T...>& start, const Options& options, Site site) {
  const auto spread = [&f](const std::tuple<T...>& point) -> Tensor { return detail::call(f, point); };
  return minimize(method, spread, start.values, options, site);
}

SCANGRAD_API Tensor ravel(std::span<const Tensor> tensors, Site site);
SCANGRAD_API std::vector<Tensor> unravel(const Tensor& flat, std::span<const Tensor> like, Site site);

}  // namespace detail

/// Newton's method, x <- x - t H^-1 gradient. A quadratic takes one step. Where the Hessian H is not positive definite, its diagonal is
/// raised until it is (Levenberg, Marquardt); t is 1, halved until the step gains enough (Armijo). For some hundred parameters: the
/// Hessian is dense. Throws if loss returns no real floating scalar, or the start has a tensor that is not real and floating.
template <class F, class Point>
auto newton(const F& f, const Point& start, const NewtonOptions& options = {}, Site site = Site::here()) {
  return detail::minimize(detail::newton, f, start, options, site);
}

/// The quasi-Newton method of limited memory (Nocedal), with a line search for the strong Wolfe conditions (1e-4, 0.9). For many
/// parameters. Throws as newton does.
template <class F, class Point>
auto lbfgs(const F& f, const Point& start, const LbfgsOptions& options = {}, Site site = Site::here()) {
  return detail::minimize(detail::lbfgs, f, start, options, site);
}

/// v <- momentum v + gradient, x <- x - rate v, from v = 0. No line search: a rate that is too large diverges. Throws as newton does.
template <class F, class Point>
auto gradient_descent(const F& f, const Point& start, const GradientDescentOptions& options = {}, Site site = Site::here()) {
  return detail::minimize(detail::gradient_descent, f, start, options, site);
}

/// Adam (Kingma, Ba 2015): m <- beta1 m + (1 - beta1) g, v <- beta2 v + (1 - beta2) g^2,
/// x <- x - rate m / (1 - beta1^k) / (sqrt(v / (1 - beta2^k)) + epsilon) in step k. loss may draw a new batch each time that it is
/// called. Throws as newton does.
template <class F, class Point>
auto adam(const F& f, const Point& start, const AdamOptions& options = {}, Site site = Site::here()) {
  return detail::minimize(detail::adam, f, start, options, site);
}

/// The way back from a vector to the structure that was raveled.
template <class T>
class Unravel {
 public:
  explicit Unravel(T like) : like_(std::move(like)) {}  ///< to the shapes and dtypes of `like`
  /// flat: (n,), else it throws. Differentiable; each tensor has the shape and dtype that it had.
  T operator()(const Tensor& flat, Site site = Site::here()) const {
    return detail::unflatten(like_, detail::unravel(flat, detail::flatten(like_), site));
  }

 private:
  T like_;
};
/// The result of ravel.
template <class T>
struct Raveled {
  Tensor flat;         ///< (n,): all elements, in the dtype in which the tensors meet
  Unravel<T> unravel;  ///< unravel(flat) is the structure again
};
/// The elements of a structure of Tensors as one vector, in order and row-major, and the way back. Differentiable. Throws if there is no
/// Tensor in it.
template <class T>
Raveled<T> ravel(const T& structure, Site site = Site::here()) {
  return {detail::ravel(detail::flatten(structure), site), Unravel<T>(structure)};
}

}  // namespace scangrad::inline v0
