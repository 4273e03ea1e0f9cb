#pragma once
// The monoids of the sum-like scans, on vectors: what ops/scan/monoid.h says of one element, said of a register of them.
//
// Light ones carry plain doubles and serve float32 and the halves. Full ones carry a high and a low part (TwoSum, TwoProd) and serve
// float64: their error does not grow with the length. `advance` moves a carry over a state; `regular` says for which elements the
// scan may be regrouped: where it is false, intermediate results could overflow, vanish, or meet as 0 times infinity, although the
// scan's own do not, and the kernel takes one element after the other.

#include "core/planted.h"
#include "cpu/simd/vec.h"

namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL {

/// Anything but zeros and magnitudes in [low, high].
SCANGRAD_INLINE I outside(D v, double low, double high) {
  const D a = absolute(v);
  return ~(a <= high) | ((a < low) & (a != 0.0));
}
/// Numbers of which a register of float32 can be multiplied in any order: none overflows, and none vanishes.
SCANGRAD_INLINE bool may_be_multiplied(D v) {
  if constexpr (lanes <= 4) return !any(~(absolute(v) < __builtin_inf()));  // even (2^-149)^4 is normal
  return !any(outside(v, 0x1p-126, 0x1p128));
}

template <class T>
inline constexpr bool is_full = sizeof(T) == 8;

/// high + low, where the low part of an infinity, which is NaN, does not count.
SCANGRAD_INLINE D rounded(D high, D low) {
  const D sum = high + low;
  return is_nan(low) ? high : sum;
}

template <bool full>
struct Sum {
  static constexpr int arity = 1;
  struct State {
    D s;
  };
  static SCANGRAD_INLINE State identity() { return {D{}}; }
  static SCANGRAD_INLINE State lift(const D* x) { return {x[0]}; }
  static SCANGRAD_INLINE bool regular(const D*) { return true; }
  static SCANGRAD_INLINE State combine(State a, State b) { return {a.s + b.s}; }
  static SCANGRAD_INLINE State advance(State a, State b) { return combine(a, b); }
  static SCANGRAD_INLINE D project(State s) { return s.s; }
};

template <>
struct Sum<true> {
  static constexpr int arity = 1;
  struct State {
    D high, low;
  };
  static SCANGRAD_INLINE State identity() { return {D{}, D{}}; }
  static SCANGRAD_INLINE State lift(const D* x) { return {x[0], D{}}; }
  static SCANGRAD_INLINE bool regular(const D* x) { return !any(~(absolute(x[0]) <= 0x1p1000)); }
  static SCANGRAD_INLINE State combine(State a, State b) {
    const D s = a.high + b.high;
    return {s, SCANGRAD_PLANT(hot_sum_low, sum_error(a.high, b.high, s) + (a.low + b.low), D{})};
  }
  static SCANGRAD_INLINE State advance(State a, State b) { return combine(a, b); }
  /// A register is summed in plain doubles, log2(lanes) roundings: only what grows with the length needs two parts.
  using Within = Sum<false>;
  static SCANGRAD_INLINE Within::State plain(State lifted) { return {lifted.high}; }
  static SCANGRAD_INLINE State beside(State carry, Within::State own) { return {carry.high, carry.low + own.s}; }
  static SCANGRAD_INLINE State from(Within::State own) { return {own.s, D{}}; }
  static SCANGRAD_INLINE D project(State s) { return rounded(s.high, s.low); }
};

template <bool full>
struct Product {
  static constexpr int arity = 1;
  struct State {
    D p;
  };
  static SCANGRAD_INLINE State identity() { return {splat(1.0)}; }
  static SCANGRAD_INLINE State lift(const D* x) { return {x[0]}; }
  static SCANGRAD_INLINE bool regular(const D* x) { return may_be_multiplied(x[0]); }
  static SCANGRAD_INLINE State combine(State a, State b) { return {a.p * b.p}; }
  static SCANGRAD_INLINE State advance(State a, State b) { return combine(a, b); }
  static SCANGRAD_INLINE D project(State s) { return s.p; }
};

template <>
struct Product<true> {
  static constexpr int arity = 1;
  struct State {
    D high, low;
  };
  static SCANGRAD_INLINE State identity() { return {splat(1.0), D{}}; }
  static SCANGRAD_INLINE State lift(const D* x) { return {x[0], D{}}; }
  static SCANGRAD_INLINE bool regular(const D* x) { return !any(outside(x[0], 0x1p-100, 0x1p100)); }
  static SCANGRAD_INLINE State combine(State a, State b) {
    const D p = a.high * b.high;
    return {p, product_error(a.high, b.high, p) + (a.high * b.low + a.low * b.high)};
  }
  static SCANGRAD_INLINE State advance(State a, State b) { return combine(a, b); }
  static SCANGRAD_INLINE D project(State s) { return rounded(s.high, s.low); }
};

/// h -> a h + b. What is carried is h.
template <bool full>
struct Affine {
  static constexpr int arity = 2;
  static constexpr bool starts_empty = true;
  struct State {
    D a, b;
  };
  static SCANGRAD_INLINE State identity() { return {splat(1.0), D{}}; }
  static SCANGRAD_INLINE State start() { return {D{}, D{}}; }
  static SCANGRAD_INLINE State lift(const D* x) { return {x[0], x[1]}; }
  static SCANGRAD_INLINE bool regular(const D* x) { return may_be_multiplied(x[0]); }
  static SCANGRAD_INLINE State combine(State a, State b) { return {b.a * a.a, fma(b.a, a.b, b.b)}; }
  static SCANGRAD_INLINE State advance(State h, State f) { return {D{}, fma(f.a, h.b, f.b)}; }
  static SCANGRAD_INLINE D project(State h) { return h.b; }
};

template <>
struct Affine<true> {
  static constexpr int arity = 2;
  static constexpr bool starts_empty = true;
  struct State {
    D a, a_low, b, b_low;
  };
  static SCANGRAD_INLINE State identity() { return {splat(1.0), D{}, D{}, D{}}; }
  static SCANGRAD_INLINE State lift(const D* x) { return {x[0], D{}, x[1], D{}}; }
  static SCANGRAD_INLINE bool regular(const D* x) {
    return !any(outside(x[0], 0x1p-100, 0x1p100) | ~(absolute(x[1]) <= 0x1p200));
  }
  static SCANGRAD_INLINE State advance(State h, State f) {
    const D p = f.a * h.b, b = p + f.b;
    const D low = product_error(f.a, h.b, p) + SCANGRAD_PLANT(hot_affine_low, f.a * h.b_low + f.a_low * h.b, f.a * h.b_low);
    return {D{}, D{}, b, sum_error(p, f.b, b) + (low + f.b_low)};
  }
  /// A register's own sums, of a few terms, are plain; products are not, which go on into all that follows.
  struct Within {
    struct State {
      D a, a_low, b;
    };
    static SCANGRAD_INLINE State identity() { return {splat(1.0), D{}, D{}}; }
    static SCANGRAD_INLINE State combine(State e, State l) {
      const D a = l.a * e.a;
      return {a, product_error(l.a, e.a, a) + (l.a * e.a_low + l.a_low * e.a), fma(l.a, e.b, l.b)};
    }
  };
  static SCANGRAD_INLINE typename Within::State plain(State f) { return {f.a, f.a_low, f.b + f.b_low}; }
  static SCANGRAD_INLINE State from(typename Within::State own) { return {own.a, own.a_low, own.b, D{}}; }
  static SCANGRAD_INLINE State beside(State h, typename Within::State own) { return advance(h, from(own)); }
  static SCANGRAD_INLINE D project(State h) { return rounded(h.b, h.b_low); }
};

/// Whether the extreme so far stays beside a new element: not beside an equal one. NaN stays from where it stands.
template <bool largest, class V>
SCANGRAD_INLINE auto extreme_stays(V extreme, V element) {
  return SCANGRAD_PLANT(hot_extreme_nan, extreme != extreme, extreme < extreme) |
         (largest ? SCANGRAD_PLANT(hot_extreme_ties, extreme > element, extreme >= element) : extreme < element);
}

/// The running extreme.
template <bool largest>
struct Extreme {
  static constexpr int arity = 1;
  struct State {
    D value;
  };
  static SCANGRAD_INLINE State identity() { return {splat(largest ? -__builtin_inf() : __builtin_inf())}; }
  static SCANGRAD_INLINE State lift(const D* x) { return {x[0]}; }
  static SCANGRAD_INLINE bool regular(const D*) { return true; }
  static SCANGRAD_INLINE State combine(State a, State b) {
    const I stays = extreme_stays<largest>(a.value, b.value);
    return {stays ? a.value : b.value};
  }
  static SCANGRAD_INLINE State advance(State a, State b) { return combine(a, b); }
  static SCANGRAD_INLINE D project(State s) { return s.value; }
};

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
