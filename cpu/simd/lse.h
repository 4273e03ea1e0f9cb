#pragma once
// log sum exp and weighted means as they run: the state (ref, s, u), with s = sum e^x / B^ref and u = sum e^x t / B^ref.
//
// y = ref log B + log s, M t = u / s. The base B is 2 for light states, whose references are integers: an element is p 2^n, and moving a
// state to another reference is exact and costs no exponential. It is e for full ones: an element is its own reference.
//
// Two ways to join states:
// - `combine`, for any two: the reference of the result is the larger one. An associative monoid, for prefixes.
// - `absorb`, for a carry and what comes next: the carry's reference stays until something a whole unit larger comes, so that a slow
//   rise does not multiply a full s by a rounded factor at every step.
//
// Weights: exactly 0 where x = -inf and for finite elements beside a +inf, whatever t is. Otherwise positive however small, so that
// an infinite or NaN t stays. NaN elements make everything after them NaN.

#include "cpu/simd/floats.h"
#include "cpu/simd/job.h"
#include "cpu/simd/math.h"
#include "cpu/simd/monoids.h"

namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL {

inline constexpr double infinity = __builtin_inf();

/// Whether log sums of the dtype T are taken in registers of floats.
template <class T>
inline constexpr bool in_floats = has_floats && !is_full<T>;

/// e^x = s B^ref.
struct Element {
  D ref, s;
};
template <bool full>
SCANGRAD_INLINE Element element_of(D x) {
  if constexpr (full) return {x, splat(1.0)};
  const Power power = light_exp(x);
  return {power.n, power.p};
}

/// B^(a - b) for references a <= b + 1, both finite or a = -inf.
template <bool full>
SCANGRAD_INLINE D between(D a, D b) {
  const D d = a - b;
  if constexpr (!full) return power_of_two(d);
  const D error = sum_error(a, -b, d);
  return wide_exp(d, is_nan(error) ? D{} : error);
}
/// e^x / B^ref where all x of a tile share a reference that is near (see LseTile::plain). Where full it depends on x - ref alone: moving
/// all x by what is exact changes no bit of a derivative. It stops falling at e^-680, or 2^-1000.
template <bool full, class V>
SCANGRAD_INLINE V near_weight(V x, double ref) {
  if constexpr (full) {
    x = maximum(x, all<V>(ref - 680.0));
    const V d = x - all<V>(ref);
    return narrow_exp(d, sum_error(x, all<V>(-ref), d));
  } else {
    return each(
        [ref](D v) __attribute__((always_inline)) { return light_exp(v, ref); }, x);
  }
}

/// v w, where a positive w leaves infinities and NaN even if it vanished, and nothing is left of what is `gone`.
SCANGRAD_INLINE D weigh(D v, D w, I gone) {
  const D stays = SCANGRAD_PLANT(hot_weigh_loses_infinity, absolute(v) < infinity ? v * w : v, v * w);
  return gone ? D{} : stays;
}

/// (ref, s) and, with a tangent, u. The low parts are those of full carries.
template <bool full, bool tangent>
struct LogSumExp {
  static constexpr int arity = tangent ? 2 : 1;
  struct State {
    D ref, s, u;
  };
  static SCANGRAD_INLINE State identity() { return {splat(-infinity), D{}, D{}}; }
  static SCANGRAD_INLINE State lift(const D* x) {
    const I empty = x[0] == -infinity;
    const Element e = element_of<full>(x[0]);
    const D u = tangent ? (empty ? D{} : is_nan(x[0]) ? x[0] : full ? x[1] : e.s * x[1]) : D{};
    return {e.ref, empty ? D{} : e.s, u};
  }
  static SCANGRAD_INLINE State combine(State a, State b) {
    const I same = a.ref == b.ref, first = (a.ref >= b.ref) | is_nan(a.ref);
    const D ref = first ? a.ref : b.ref, small = first ? b.ref : a.ref;
    const I gone = SCANGRAD_PLANT(hot_finite_beside_infinity, (ref == infinity) & (small < infinity),
                                  I{});  // finite elements beside a +inf
    D w = between<full>(small, ref);
    w = same ? splat(1.0) : gone ? D{} : w;
    const D wa = first ? splat(1.0) : w, wb = first ? w : splat(1.0);
    State joined{ref, a.s * wa + b.s * wb, D{}};
    if constexpr (tangent) joined.u = weigh(a.u, wa, gone & ~first) + weigh(b.u, wb, gone & first);
    return joined;
  }
};

/// Moves a carry to a higher reference m where it has to; returns B^(m - ref).
template <bool full, class Carry>
D move_reference(Carry& carry, D m) {
  const I higher = (m > carry.ref + 1.0) | is_nan(m);
  const D old = carry.ref, ref = (higher & !is_nan(old)) ? m : old;
  const I gone = (ref == infinity) & (old < infinity);
  const D keep = (gone | (old == -infinity)) ? D{} : between<full>(old, ref);
  carry.ref = ref;
  carry.scale(SCANGRAD_PLANT(hot_lse_not_rescaled, (higher & (old != ref)) ? keep : splat(1.0), splat(1.0)), gone);
  const D w = ((m == -infinity) | (ref == infinity)) ? D{} : between<full>(m, ref);
  return ((m == ref) & (m != -infinity)) ? splat(1.0) : w;
}

/// What is carried from tile to tile, and down columns.
template <bool full, bool tangent>
struct LseCarry {
  D ref, s, s_low, u, u_low;

  using Joined = typename LogSumExp<full, tangent>::State;

  static SCANGRAD_INLINE LseCarry identity() { return {splat(-infinity), D{}, D{}, D{}, D{}}; }

  SCANGRAD_INLINE void scale(D w, I gone) {
    s = s * w, s_low = s_low * w;
    if constexpr (tangent) u = weigh(u, w, gone), u_low = weigh(u_low, w, gone);
  }
  /// Moves to a reference that is not lower.
  SCANGRAD_INLINE void raise(D to) {
    scale(between<full>(ref, to), I{});
    ref = to;
  }
  SCANGRAD_INLINE void add(D ds, D du) {
    if constexpr (full) {
      const D sum = s + ds;
      s_low += SCANGRAD_PLANT(hot_lse_low, sum_error(s, ds, sum), D{});
      s = sum;
      if constexpr (tangent) {
        const D total = u + du, error = sum_error(u, du, total);
        u_low += is_nan(error) ? D{} : error;
        u = total;
      }
    } else {
      s += ds;
      if constexpr (tangent) u += du;
    }
  }
  SCANGRAD_INLINE D sum() const { return full ? s + s_low : s; }
  SCANGRAD_INLINE D weighted() const { return full ? u + u_low : u; }

  /// Makes the reference good for what comes next with reference m, and returns B^(m - ref), what that is to be multiplied by.
  SCANGRAD_INLINE D meet(D m) {
    if (__builtin_expect(any(!((m <= ref + 1.0) & (m > -infinity) & (ref < infinity))), 0))
      return move_reference<full>(*this, m);
    return between<full>(m, ref);
  }
  SCANGRAD_INLINE void absorb(D m, D ds, D du) {
    const D w = meet(m);
    add(ds * w, tangent ? weigh(du, w, (ref == infinity) & (m < infinity)) : D{});
  }
  SCANGRAD_INLINE Joined state() const { return {ref, sum(), weighted()}; }
};

/// The state before a tile, for who needs it again.
template <class Carry>
SCANGRAD_INLINE void keep_state(double* states, std::int64_t at, const Carry& carry) {
  double* to = states + state_parts * SCANGRAD_PLANT(hot_state_misplaced, at / tile, std::int64_t{0});
  to[0] = carry.ref[0], to[1] = carry.s[0], to[2] = carry.s_low[0];
}

/// log(s B^ref)
template <bool full, class V>
SCANGRAD_INLINE V log_plus(V ref, V s) {
  if constexpr (full) {
    return full_log_plus(ref, s);
  } else {
    return each(
        [](D m, D v) __attribute__((always_inline)) { return light_log_plus(m, v); }, ref, s);
  }
}
/// The same, -inf for an empty sum.
template <bool full>
SCANGRAD_INLINE D log_of_sum(D ref, D s) {
  const I empty = s == 0.0;
  const D y = log_plus<full>(ref, empty ? splat(1.0) : s);
  const D finite = absolute(ref) == infinity ? ref : y;
  return is_nan(ref) ? ref : empty ? splat(-infinity) : finite;
}
template <bool full, class V>
SCANGRAD_INLINE V quotient(V u, V s) {
  if constexpr (full) {
    return u / s;
  } else {
    return each(
        [](D a, D b) __attribute__((always_inline)) { return a * light_reciprocal(b); }, u, s);
  }
}
/// u / s, 0 for an empty sum.
template <bool full>
SCANGRAD_INLINE D mean_of(D ref, D u, D s) {
  const I empty = s == 0.0;
  const D mean = quotient<full>(u, empty ? splat(1.0) : s);
  return is_nan(ref) ? ref : empty ? D{} : mean;
}

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
