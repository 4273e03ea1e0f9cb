#pragma once
// The monoids of the scans, for the host and for devices. A monoid says what a prefix is summarised by (State), the summary of
// nothing (identity) and of one element (lift), how two summaries join (combine: the earlier one first, since order may matter),
// and what is stored (project). Kernels know nothing else of a scan.
//
// States are wider than elements (carry.h).

#include <string_view>

#include "core/planted.h"
#include "ops/scan/carry.h"

namespace scangrad::inline v0::ops {

template <class T>
struct SumMonoid {
  static constexpr std::string_view name = "cumsum";
  using State = Carry<T>;
  SCANGRAD_HD static State identity() { return {}; }
  SCANGRAD_HD static State lift(T x) { return carried(x); }
  SCANGRAD_HD static State combine(State earlier, State later) { return add(earlier, later); }
  SCANGRAD_HD static T project(State s) { return stored<T>(s); }
};

template <class T>
struct ProductMonoid {
  static constexpr std::string_view name = "cumprod";
  using State = Carry<T>;
  SCANGRAD_HD static State identity() { return from_real<State>(1); }
  SCANGRAD_HD static State lift(T x) { return carried(x); }
  SCANGRAD_HD static State combine(State earlier, State later) { return multiply(earlier, later); }
  SCANGRAD_HD static T project(State s) { return stored<T>(s); }
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
    const bool stays = SCANGRAD_PLANT(extreme_loses_nan, a != a, false) ||
                       SCANGRAD_PLANT(extreme_ties, (largest ? a > b : a < b), (largest ? a >= b : a <= b)) || later.index < 0;
    return stays ? earlier : later;
  }
  SCANGRAD_HD static T project(State s) { return s.value; }
};

/// h -> a h + b. Not commutative.
template <class T>
struct AffineMonoid {
  struct State {
    Carry<T> a, b;
  };
  SCANGRAD_HD static State identity() { return {from_real<Carry<T>>(1), {}}; }
  SCANGRAD_HD static State lift(T a, T b) { return {carried(a), carried(b)}; }
  SCANGRAD_HD static State combine(State earlier, State later) {
    return {multiply(later.a, earlier.a),
            add(SCANGRAD_PLANT(affine_order, multiply(later.a, earlier.b), multiply(earlier.a, later.b)), later.b)};
  }
  SCANGRAD_HD static Carry<T> apply(State s, Carry<T> h) { return add(multiply(s.a, h), s.b); }
};

}  // namespace scangrad::inline v0::ops
