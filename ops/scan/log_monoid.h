#pragma once
// The monoids of logcumsumexp and of its derivative, the running weighted mean. Both sum e^{x - m} relative to a reference m, the
// real part of an element at most `slack` below the largest one. m moves seldom: each move rounds every earlier term once more.
//
// Real or complex: e^x of a complex element has its phase in the sum, and m is real. A complex sum that is exactly 0 counts as
// empty where it stands; the scan goes on from it.

#include <string_view>

#include "core/planted.h"
#include "ops/scan/carry.h"

namespace scangrad::inline v0::ops {

inline constexpr double minus_infinity = -std::numeric_limits<double>::infinity();

/// e^{a - b}, also where both are the same infinity. The rounding of a - b is made up for.
SCANGRAD_HD inline double exp_difference(double a, double b) {
  if (a == b) return 1.0;
  const Twice difference = two_sum(a, -b);
  const double e = std::exp(difference.high);
  return SCANGRAD_PLANT(difference_rounded, e + e * difference.low, e);
}

/// v e^{from - to}, moving a weighted sum from the reference `from` to `to`. Below +inf a weight is exactly 0; otherwise it is
/// positive however small, and an infinite or NaN v stays.
template <class C>
SCANGRAD_HD C rescale(C v, double from, double to) {
  if (from == to) return v;
  if (SCANGRAD_PLANT(weight_below_infinity, to == std::numeric_limits<double>::infinity(), false)) return {};
  if (SCANGRAD_PLANT(rescale_loses_nan, !is_finite(v) && !std::isnan(to), false)) return v;
  return scaled(v, exp_difference(from, to));
}

/// m + log s, where log s is the sum of a multiple of log 2 that is exact, a short rest, and what s.low adds: neither rounds where
/// m and log s nearly cancel.
SCANGRAD_HD inline double log_relative(double m, Twice s) {
  constexpr double log2_high = 0x1.62e42fee00000p-1, log2_low = 0x1.a39ef35793c76p-33;
  if (!std::isfinite(m) || !std::isfinite(s.high)) return m + s.high;
  int exponent = 0;
  double fraction = std::frexp(s.high, &exponent);
  if (fraction < 0.70710678118654752440) fraction *= 2, --exponent;
  const Twice sum = two_sum(m, exponent * log2_high);
  return sum.high + (sum.low + (std::log(fraction) + (exponent * log2_low + s.low / s.high)));
}
SCANGRAD_HD inline double log_relative(double m, double s) { return m + std::log(s); }

/// The same for a complex s; the imaginary part in (-pi, pi].
template <class T, class R>
SCANGRAD_HD T complex_log_relative(double m, Planar<R> sum) {
  using Real = typename T::value_type;
  const Planar<double> s = rounded(sum);
  if (std::isnan(m) || std::isnan(s.re) || std::isnan(s.im)) return {static_cast<Real>(NAN), static_cast<Real>(NAN)};
  const auto angle = static_cast<Real>(std::atan2(s.im + 0.0, s.re));
  constexpr auto pi = static_cast<Real>(3.14159265358979323846);
  const int exponent = exponent_of(s);  // hypot of subnormals loses digits
  const double size = std::hypot(std::ldexp(s.re, -exponent), std::ldexp(s.im, -exponent));
  const double log_size = log_relative(m, Twice{std::ldexp(size, exponent), 0.0});
  return {static_cast<Real>(log_size), angle == -pi ? std::nextafter(-pi, Real{}) : angle};
}

/// log sum exp as (m, s): the reference, and sum e^{x - m}. s counts the elements at +inf when m is +inf.
template <class T>
struct LogSumExpMonoid {
  static constexpr std::string_view name = "logcumsumexp";
  static constexpr double slack = 8;
  using Sum = Carry<T>;
  struct State {
    double m;
    Sum s;
  };
  SCANGRAD_HD static State identity() { return {minus_infinity, Sum{}}; }
  SCANGRAD_HD static State lift(T element) {
    if constexpr (core::is_complex_type<T>) {
      const double m = element.real(), angle = element.imag();
      if (m == minus_infinity) return identity();
      using Part = decltype(Sum::re);
      return {m, {Part{std::cos(angle)}, Part{std::sin(angle)}}};
    } else {
      const auto x = core::convert<double>(element);
      return {x, from_real<Sum>(x == minus_infinity ? 0.0 : 1.0)};
    }
  }
  /// An element that counts `times` times.
  SCANGRAD_HD static State lift(T element, Sum times) {
    const State one = lift(element);
    return {one.m, multiply(one.s, times)};
  }
  SCANGRAD_HD static State combine(State earlier, State later) {
    const double m = reference(earlier.m, later.m);
    return {m, add(moved(earlier, m), moved(later, m))};
  }
  SCANGRAD_HD static T project(State state) {
    if (is_zero(state.s)) return core::convert<T>(minus_infinity);
    if constexpr (core::is_complex_type<T>) return complex_log_relative<T>(state.m, state.s);
    else return core::convert<T>(log_relative(state.m, state.s));
  }
  SCANGRAD_HD static double reference(double earlier, double later) {
    const bool moves = std::isnan(later) || later > earlier + slack;
    return moves && !std::isnan(earlier) ? later : earlier;
  }

 private:
  SCANGRAD_HD static Sum moved(State state, double m) {
    return state.m == m ? state.s : scaled(state.s, exp_difference(state.m, m));
  }
};

/// The weighted mean sum e^{x - m} t / s of a tangent: (m, s) and u = sum e^{x - m} t. Linear in t.
template <class T>
struct WeightedMeanMonoid {
  using Weights = LogSumExpMonoid<T>;
  struct State {
    typename Weights::State weights;
    Carry<T> u;
  };
  SCANGRAD_HD static State identity() { return {Weights::identity(), {}}; }
  SCANGRAD_HD static State lift(T x, T t) { return of(Weights::lift(x), t); }
  SCANGRAD_HD static State lift(T x, T t, Carry<T> times) { return of(Weights::lift(x, times), t); }
  SCANGRAD_HD static State combine(State earlier, State later) {
    const auto weights = Weights::combine(earlier.weights, later.weights);
    return {weights, add(rescale(earlier.u, earlier.weights.m, weights.m), rescale(later.u, later.weights.m, weights.m))};
  }
  SCANGRAD_HD static T project(State state) {
    return stored<T>(is_zero(state.weights.s) ? Carry<T>{} : divide(state.u, state.weights.s));
  }

 private:
  SCANGRAD_HD static State of(typename Weights::State weights, T t) {
    if (is_zero(weights.s)) return {weights, {}};
    return {weights, std::isnan(weights.m) ? from_real<Carry<T>>(weights.m) : multiply(weights.s, carried(t))};
  }
};

}  // namespace scangrad::inline v0::ops
