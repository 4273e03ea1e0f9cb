#pragma once
// The monoids of the scans, for the host and for devices. A monoid says what a prefix is summarised by (State), the summary of
// nothing (identity) and of one element (lift), how two summaries join (combine: the earlier one first, since order may matter),
// and what is stored (project). Kernels know nothing else of a scan.
//
// States are wider than elements (Carry), so that a long scan rounds once, at the store.

#include <cmath>
#include <cstdint>
#include <limits>
#include <string_view>
#include <type_traits>

#include "core/dtype_visit.h"

#ifdef __CUDACC__
#define SCANGRAD_HD __host__ __device__
#else
#define SCANGRAD_HD
#endif

namespace scangrad::inline v0::ops {

/// What an element type is carried in.
template <class T>
using Carry = std::conditional_t<std::is_integral_v<T>, std::int64_t,
                                 std::conditional_t<core::is_complex_type<T>, std::complex<double>, double>>;

namespace wrapping {  // integer arithmetic modulo 2^64, as NumPy's; plain arithmetic for the rest
SCANGRAD_HD inline std::int64_t add(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}
SCANGRAD_HD inline std::int64_t multiply(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
}
SCANGRAD_HD inline double add(double a, double b) { return a + b; }
SCANGRAD_HD inline double multiply(double a, double b) { return a * b; }
inline std::complex<double> add(std::complex<double> a, std::complex<double> b) { return a + b; }
inline std::complex<double> multiply(std::complex<double> a, std::complex<double> b) { return a * b; }
}  // namespace wrapping

template <class T>
struct SumMonoid {
  static constexpr std::string_view name = "cumsum";
  using State = Carry<T>;
  SCANGRAD_HD static State identity() { return 0; }
  SCANGRAD_HD static State lift(T x) { return core::convert<State>(x); }
  SCANGRAD_HD static State combine(State earlier, State later) { return wrapping::add(earlier, later); }
  SCANGRAD_HD static T project(State s) { return core::convert<T>(s); }
};

template <class T>
struct ProductMonoid {
  static constexpr std::string_view name = "cumprod";
  using State = Carry<T>;
  SCANGRAD_HD static State identity() { return 1; }
  SCANGRAD_HD static State lift(T x) { return core::convert<State>(x); }
  SCANGRAD_HD static State combine(State earlier, State later) { return wrapping::multiply(earlier, later); }
  SCANGRAD_HD static T project(State s) { return core::convert<T>(s); }
};

/// The running extreme and where it stands (-1: nowhere). NaN stays from where it stands; ties go to the later element.
template <class T, bool largest>
struct ExtremeMonoid {
  struct State {
    T value;
    std::int64_t index;
  };
  SCANGRAD_HD static State identity() {
    if constexpr (std::is_integral_v<T>)
      return {largest ? std::numeric_limits<T>::lowest() : std::numeric_limits<T>::max(), -1};
    else return {core::convert<T>(largest ? -INFINITY : INFINITY), -1};
  }
  SCANGRAD_HD static State lift(T x, std::int64_t index) { return {x, index}; }
  SCANGRAD_HD static State combine(State earlier, State later) {
    const auto a = core::widen(earlier.value), b = core::widen(later.value);
    const bool stays = a != a || (largest ? a > b : a < b) || later.index < 0;
    return stays ? earlier : later;
  }
  SCANGRAD_HD static T project(State s) { return s.value; }
};

/// e^{a - b} for a <= b, where both may be the same infinity.
SCANGRAD_HD inline double exp_difference(double a, double b) { return a == b ? 1.0 : std::exp(a - b); }

/// v e^{from - to}, moving a weighted sum from the reference `from` to `to`. Below +inf a weight is exactly 0; otherwise it is
/// positive however small, and an infinite or NaN v stays.
SCANGRAD_HD inline double rescale(double v, double from, double to) {
  if (from == to) return v;
  if (to == std::numeric_limits<double>::infinity()) return 0.0;
  if (!std::isfinite(v) && !std::isnan(to)) return v;
  return v * std::exp(from - to);
}

/// log sum exp as (m, s): the running maximum, and sum e^{x - m}. s counts the elements at +inf when m is +inf.
template <class T>
struct LogSumExpMonoid {
  static constexpr std::string_view name = "logcumsumexp";
  struct State {
    double m, s;
  };
  static constexpr double inf = std::numeric_limits<double>::infinity();
  SCANGRAD_HD static State identity() { return {-inf, 0.0}; }
  SCANGRAD_HD static State lift(T element) {
    const auto x = core::convert<double>(element);
    return {x, x == -inf ? 0.0 : 1.0};
  }
  SCANGRAD_HD static State combine(State earlier, State later) {
    const double m = earlier.m > later.m || std::isnan(earlier.m) ? earlier.m : later.m;
    return {m, earlier.s * exp_difference(earlier.m, m) + later.s * exp_difference(later.m, m)};
  }
  SCANGRAD_HD static T project(State s) { return core::convert<T>(s.s == 0.0 ? -inf : s.m + std::log(s.s)); }
};

/// The weighted mean sum e^{x - m} t / s of a tangent: (m, s) and u = sum e^{x - m} t. Linear in t.
template <class T>
struct WeightedMeanMonoid {
  using Weights = LogSumExpMonoid<T>;
  struct State {
    typename Weights::State weights;
    double u;
  };
  SCANGRAD_HD static State identity() { return {Weights::identity(), 0.0}; }
  SCANGRAD_HD static State lift(T x, T t) {
    const auto weights = Weights::lift(x);
    return {weights, weights.s == 0.0 ? 0.0 : std::isnan(weights.m) ? weights.m : core::convert<double>(t)};
  }
  SCANGRAD_HD static State combine(State earlier, State later) {
    const auto weights = Weights::combine(earlier.weights, later.weights);
    return {weights, rescale(earlier.u, earlier.weights.m, weights.m) + rescale(later.u, later.weights.m, weights.m)};
  }
  SCANGRAD_HD static T project(State s) { return core::convert<T>(s.weights.s == 0.0 ? 0.0 : s.u / s.weights.s); }
};

/// h -> a h + b. Not commutative.
template <class T>
struct AffineMonoid {
  struct State {
    Carry<T> a, b;
  };
  SCANGRAD_HD static State identity() { return {1, 0}; }
  SCANGRAD_HD static State lift(T a, T b) { return {core::convert<Carry<T>>(a), core::convert<Carry<T>>(b)}; }
  SCANGRAD_HD static State combine(State earlier, State later) {
    using namespace wrapping;
    return {multiply(later.a, earlier.a), add(multiply(later.a, earlier.b), later.b)};
  }
  SCANGRAD_HD static Carry<T> apply(State s, Carry<T> h) { return wrapping::add(wrapping::multiply(s.a, h), s.b); }
};

}  // namespace scangrad::inline v0::ops
