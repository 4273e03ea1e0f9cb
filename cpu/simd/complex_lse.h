#pragma once
// logcumsumexp of complex numbers as it runs: the states of lse.h with complex sums. e^x of an element has its phase in the
// sum; references are real. Sums that nearly cancel are as small as they come: no power of them is taken that could vanish. A
// sum that is exactly 0 counts as empty where it stands.

#include "cpu/simd/complex_math.h"
#include "cpu/simd/complex_walk.h"
#include "cpu/simd/lse.h"
#include "cpu/simd/lse_tile.h"

namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL {

SCANGRAD_INLINE Z weigh(Z v, D w, I gone) { return {weigh(v.re, w, gone), weigh(v.im, w, gone)}; }
SCANGRAD_INLINE Number<true> weigh(Number<true> v, D w, I gone) {
  return {weigh(v.re, w, gone), weigh(v.im, w, gone), weigh(v.re_low, w, gone), weigh(v.im_low, w, gone)};
}
SCANGRAD_INLINE Number<true> operator*(Number<true> a, D b) { return {a.re * b, a.im * b, a.re_low * b, a.im_low * b}; }

/// e^x = s B^ref; s = 0 for x = -inf, whatever its phase.
struct ComplexElement {
  D ref;
  Z s;
};
template <bool full>
SCANGRAD_INLINE ComplexElement complex_element(Z x) {
  const auto [cos, sin] = cos_sin<full>(x.im);
  const I empty = x.re == -infinity;
  const Element size = element_of<full>(x.re);
  const Z s = full ? Z{cos, sin} : Z{size.s * cos, size.s * sin};
  return {size.ref, select(empty, Z{}, s)};
}
/// e^x / B^ref where all x of a tile share a reference (see ComplexLseTile).
template <bool full>
SCANGRAD_INLINE Z near_complex_weight(Z x, double ref) {
  const auto [cos, sin] = cos_sin<full>(x.im);
  const D size = near_weight<full>(x.re, ref);
  return select(x.re == -infinity, Z{}, Z{size * cos, size * sin});
}

/// (ref, s, u) of prefixes.
template <bool full, bool tangent>
struct ComplexLse {
  struct State {
    D ref;
    Z s, u;
  };
  static SCANGRAD_INLINE State identity() { return {splat(-infinity), Z{}, Z{}}; }
  static SCANGRAD_INLINE State lift(Z x, Z t) {
    const ComplexElement e = complex_element<full>(x);
    if constexpr (!tangent) return {e.ref, e.s, Z{}};
    const Z u = select(is_nan(x.re), Z{x.re, x.re}, e.s * t);
    return {e.ref, e.s, select(x.re == -infinity, Z{}, u)};
  }
  static SCANGRAD_INLINE State combine(const State& a, const State& b) {
    const I same = a.ref == b.ref, first = (a.ref >= b.ref) | is_nan(a.ref);
    const D ref = first ? a.ref : b.ref, small = first ? b.ref : a.ref;
    const I gone = (ref == infinity) & (small < infinity);  // finite elements beside a +inf
    D w = between<full>(small, ref);
    w = same ? splat(1.0) : gone ? D{} : w;
    const D wa = first ? splat(1.0) : w, wb = first ? w : splat(1.0);
    State joined{ref, a.s * wa + b.s * wb, Z{}};
    if constexpr (tangent) joined.u = weigh(a.u, wa, gone & ~first) + weigh(b.u, wb, gone & first);
    return joined;
  }
};

template <bool full, bool tangent>
struct ComplexLseSums {
  D ref;
  Number<full> s, u;
};
template <bool full>
struct ComplexLseSums<full, false> {
  D ref;
  Number<full> s;
};

/// What is carried from tile to tile, and down columns.
template <bool full, bool tangent>
struct ComplexLseCarry : ComplexLseSums<full, tangent> {
  using ComplexLseSums<full, tangent>::ref, ComplexLseSums<full, tangent>::s;

  using Joined = typename ComplexLse<full, tangent>::State;

  static SCANGRAD_INLINE ComplexLseCarry identity() {
    ComplexLseCarry carry{};
    carry.ref = splat(-infinity);
    return carry;
  }

  SCANGRAD_INLINE void scale(D w, I gone) {
    s = s * w;
    if constexpr (tangent) this->u = weigh(this->u, w, gone);
  }
  SCANGRAD_INLINE void add_sums(Z ds, Z du) {
    s = add(s, number<full>(ds));
    if constexpr (tangent) this->u = add(this->u, number<full>(du));
  }
  /// See LseCarry.
  SCANGRAD_INLINE D meet(D m) {
    if (__builtin_expect(any(!((m <= ref + 1.0) & (m > -infinity) & (ref < infinity))), 0))
      return move_reference<full>(*this, m);
    return between<full>(m, ref);
  }
  SCANGRAD_INLINE void absorb(D m, Z ds, Z du) {
    const D w = meet(m);
    add_sums(ds * w, tangent ? weigh(du, w, (ref == infinity) & (m < infinity)) : Z{});
  }
  SCANGRAD_INLINE Z weighted() const {
    if constexpr (tangent) return value_of(this->u);
    else return Z{};
  }
  SCANGRAD_INLINE Joined joined() const { return {ref, value_of(s), weighted()}; }
};

// ---- of sums ----------------------------------------------------------------------------------------------------------------
/// Low parts that are no more than what the rounding of the high ones takes.
SCANGRAD_INLINE Number<true> normalized(Number<true> s) {
  const D re = s.re + s.re_low, im = s.im + s.im_low;
  return {re, im, (s.re - re) + s.re_low, (s.im - im) + s.im_low};
}

/// The smallest angle above -pi's.
template <bool full>
inline constexpr double lowest_angle = full ? -0x1.921fb54442d17p+1 : -0x1.921fb4p+1;

/// log(z B^ref), `square` = |z|^2; of numbers that are neither infinite nor NaN nor 0.
template <bool full>
SCANGRAD_INLINE Z finite_log(D ref, Number<full> z, D square) {
  D y;
  if constexpr (full) {
    const D re2 = z.re * z.re, im2 = z.im * z.im;
    const D low = sum_error(re2, im2, square) + (product_error(z.re, z.re, re2) + product_error(z.im, z.im, im2)) +
                  2.0 * (z.re * z.re_low + z.im * z.im_low);
    y = 0.5 * full_log_plus(2.0 * ref, square, low / square);
  } else {
    y = 0.5 * light_log_plus(2.0 * ref, square);
  }
  return {y, maximum(splat(lowest_angle<full>), atan2<full>(z.im + 0.0, z.re))};
}

SCANGRAD_INLINE D square_of(Z z) { return z.re * z.re + z.im * z.im; }
/// Whether squares are normal numbers and references finite in all lanes: there is nothing particular about them.
SCANGRAD_INLINE bool ordinary(D ref, D square) { return !any(~((square >= 0x1p-880) & (absolute(ref) < infinity))); }
/// Where it is not normal, z is made larger by 2^shift.
struct Scale {
  D by, shift;
};
SCANGRAD_INLINE Scale scale_of(D square) {
  const I small = square < 0x1p-880;
  return {small ? splat(0x1p480) : splat(1.0), small ? splat(480.0) : D{}};
}

template <bool full>
inline __attribute__((noinline)) Z particular_log(D ref, Number<full> s) {
  const I empty = is_zero(high_of(s)), bad = is_nan(ref) | is_nan(high_of(s));
  const Scale scale = scale_of(square_of(high_of(s)));
  Number<full> z = s * scale.by;
  z.re = empty ? splat(1.0) : z.re;
  const Z log = finite_log<full>(ref - scale.shift * (full ? ln2 : 1.0), z, square_of(high_of(z)));
  const D y = absolute(ref) == infinity ? ref : log.re, nan = splat(__builtin_nan(""));
  return select(bad, {nan, nan}, {empty ? splat(-infinity) : y, log.im});
}

/// log(s B^ref), the imaginary part in (-pi, pi]; (-inf, 0) for an empty sum.
template <bool full>
SCANGRAD_INLINE Z complex_log(D ref, Number<full> s) {
  if constexpr (full) s = normalized(s);
  const D square = square_of(high_of(s));
  if (__builtin_expect(!ordinary(ref, square), 0)) return particular_log<full>(ref, s);
  return finite_log<full>(ref, s, square);
}

template <bool full>
SCANGRAD_INLINE D reciprocal(D v) {
  if constexpr (full) return 1.0 / v;
  else return light_reciprocal(v);
}

template <bool full>
inline __attribute__((noinline)) Z particular_quotient(D ref, Z v, Z s) {
  const I empty = is_zero(s);
  const Scale scale = scale_of(square_of(s));
  const Z z = s * scale.by;
  const D square = empty ? splat(1.0) : square_of(z);
  const Z q = v * conjugate(z) * reciprocal<full>(square) * scale.by;
  return select(is_nan(ref), {ref, ref}, select(empty, Z{}, q));
}

/// v / s; 0 for an empty sum.
template <bool full>
SCANGRAD_INLINE Z complex_quotient(D ref, Z v, Z s) {
  const D square = square_of(s);
  if (__builtin_expect(!ordinary(ref, square), 0)) return particular_quotient<full>(ref, v, s);
  return v * conjugate(s) * reciprocal<full>(square);
}

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
