#pragma once
// exp and log of vectors, in two strengths.
//
// Light: for results that are rounded to float32 or less. Doubles carry 29 bits more than that, so short polynomials (errors below
// 2^-31) are as good as exact ones. Full: for float64, at most 1 ulp, with the low part that the argument's rounding left over.
// scripts/make_polynomials.py makes the coefficients.

#include "cpu/simd/four.h"

namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL {

template <int n>
SCANGRAD_INLINE D polynomial(D x, const double (&c)[n]) {  // Estrin's scheme: the shortest chain of multiplications
  static_assert(n <= 16);
  D terms[16];
  for (int i = 0; i < n / 2; ++i) terms[i] = fma(x, splat(c[2 * i + 1]), splat(c[2 * i]));
  if constexpr (n % 2 == 1) terms[n / 2] = splat(c[n - 1]);
  D power = x;
  for (int count = (n + 1) / 2; count > 1; count = (count + 1) / 2) {
    power = power * power;
    for (int i = 0; i < count / 2; ++i) terms[i] = fma(power, terms[2 * i + 1], terms[2 * i]);
    if (count % 2 == 1) terms[count / 2] = terms[count - 1];
  }
  return terms[0];
}

template <int n>
SCANGRAD_INLINE Four<D> polynomial(Four<D> x, const double (&c)[n]) {
  return horner(x, c);
}

/// v 2^n for an integer n held in the low bits of `shifted` = n + 2^52 1.5; the result must be normal.
SCANGRAD_INLINE D scale_by_power(D v, D shifted) { return as_bits<D>(as_bits<I>(v) + (as_bits<I>(shifted) << 52)); }
SCANGRAD_INLINE Four<D> scale_by_power(Four<D> v, Four<D> shifted) {
  return each(
      [](D a, D b) __attribute__((always_inline)) { return scale_by_power(a, b); }, v, shifted);
}

inline constexpr double round_to_integer = 0x1.8p52;
inline constexpr double log2_e = 0x1.71547652b82fep+0;
inline constexpr double ln2_high = 0x1.62e42fefa3800p-1;  ///< 42 bits: times an exponent it is exact
inline constexpr double ln2_low = 0x1.ef35793c76730p-45;

/// 2^n for an integer n <= 1000; at least 2^-1000.
SCANGRAD_INLINE D power_of_two(D n) { return scale_by_power(splat(1.0), maximum(n, splat(-1000.0)) + round_to_integer); }

inline constexpr double ln2 = 0x1.62e42fefa39efp-1;  ///< what the light functions count in
/// e^r for |r| <= ln2 / 2.
SCANGRAD_INLINE D light_exp_near_zero(D r) {
  static constexpr double c[] = {1.0,
                                 0.5000000047117757,
                                 0.16666666718997508,
                                 0.04166635289677516,
                                 0.008333298483754886,
                                 0.0013941108433972674,
                                 0.0001989927395864936};
  return fma(r, polynomial(r, c), splat(1.0));
}
/// e^x = p 2^n; n is an integer while |x| < 2^40, and beyond, where neighbouring float32 are further apart than weights reach, p = 1.
struct Power {
  D n, p;
};
SCANGRAD_INLINE Power light_exp(D x) {
  const D size = x * log2_e, n = (size + round_to_integer) - round_to_integer;
  const I far = !(absolute(x) < 0x1p40);
  return {far ? size : n, far ? splat(1.0) : light_exp_near_zero(minus_product(x, n, splat(ln2)))};
}
/// e^x 2^-n for |x| < 2^40, an integer n, and a result of at most 2; it stops falling at 2^-1000.
SCANGRAD_INLINE D light_exp(D x, double n) {
  const D zero = splat(round_to_integer - n);
  x = maximum(x, splat((n - 1000.0) * ln2));
  const D shifted = fma(x, splat(log2_e), zero);
  return scale_by_power(light_exp_near_zero(minus_product(x, shifted - zero, splat(ln2))), shifted);
}

/// e^(r + low) for |r| <= ln2 / 2, low a correction of r.
template <class V>
SCANGRAD_INLINE V exp_near_zero(V r, V low) {
  static constexpr double c[] = {0.5,
                                 0.1666666666666667,
                                 0.04166666666666667,
                                 0.008333333333326141,
                                 0.0013888888888883752,
                                 0.00019841269874800493,
                                 2.4801587325533363e-05,
                                 2.7557255425746435e-06,
                                 2.7557273661348637e-07,
                                 2.510520637395701e-08,
                                 2.0914679376583935e-09};
  return all<V>(1.0) + (r + fma(r * r, polynomial(r, c), low));
}
/// e^(x + low) = p 2^n for |x| <= 1000, |low| <= ulp(x), p in [0.7, 1.5].
template <class V>
struct Exponential {
  V p, shifted_n;  ///< n + round_to_integer
};
template <class V>
SCANGRAD_INLINE Exponential<V> exp_parts(V x, V low) {
  const V zero = all<V>(round_to_integer), shifted = fma(x, all<V>(log2_e), zero), n = shifted - zero;
  const V high = fma(n, all<V>(-ln2_high), x), rest = fma(n, all<V>(-ln2_low), low), r = high + rest;
  return {exp_near_zero(r, (high - r) + rest), shifted};
}
/// For -700 <= x <= 1.
template <class V>
SCANGRAD_INLINE V narrow_exp(V x, V low) {
  const auto [p, shifted] = exp_parts(x, low);
  return scale_by_power(p, shifted);
}
/// For x <= 1: it falls through the subnormal numbers to 0.
SCANGRAD_INLINE D wide_exp(D x, D low) {
  const auto [p, shifted] = exp_parts(maximum(x, splat(-1000.0)), low);
  const D n = shifted - round_to_integer;
  const D half = fma(n, splat(0.5), splat(round_to_integer));
  const D other = (n - (half - round_to_integer)) + round_to_integer;
  return scale_by_power(p, half) * scale_by_power(splat(1.0), other);
}

/// v = 2^n (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)), v positive and normal.
template <class V>
struct Mantissa {
  V n, f;
};
SCANGRAD_INLINE Mantissa<D> split_mantissa(D v) {
  constexpr std::int64_t root = 0x3fe6a09e667f3bcd, bias = 1024;  // sqrt(1/2); keeps exponents positive
  const U biased = (as_bits<U>(v) + ((bias << 52) - root)) >> 52;
  const D n = as_bits<D>(biased | as_bits<std::uint64_t>(0x1p52)) - (0x1p52 + static_cast<double>(bias));
  return {n, as_bits<D>(as_bits<U>(v) - (biased << 52) + (bias << 52)) - 1.0};
}

SCANGRAD_INLINE Mantissa<Four<D>> split_mantissa(Four<D> v) {
  const auto a = split_mantissa(v.a), b = split_mantissa(v.b), c = split_mantissa(v.c), d = split_mantissa(v.d);
  return {{a.n, b.n, c.n, d.n}, {a.f, b.f, c.f, d.f}};
}

/// n ln2 + log v to 2^-31 absolutely; v positive and normal. Exactly 0 at n = 0, v = 1.
SCANGRAD_INLINE D light_log_plus(D n, D v) {
  static constexpr double c[] = {1.0000000006010195,  -0.49999999414017127, 0.3333330266101698, -0.2500006237443588,
                                 0.20002535640193383, -0.16666555675670008, 0.1421229125042129, -0.12420821262732773,
                                 0.11945878227356821, -0.11620648400270368, 0.06572327158522023};
  const auto [own, f] = split_mantissa(v);
  return fma(n + own, splat(ln2), f * polynomial(f, c));
}

/// m + log v + small, to half a unit of 1 beside the rounding of the result; exactly m at v = 1 without it. v positive and normal.
template <class V>
SCANGRAD_INLINE V full_log_plus(V m, V v, V small = V{}) {
  static constexpr double c[] = {0.666666666666667,   0.399999999998995,   0.285714286259762,  0.22222211134711958,
                                 0.18182889129971477, 0.15331721472482762, 0.14616451024414695};
  const auto [n, f] = split_mantissa(v);
  const V s = f / (all<V>(2.0) + f), z = s * s, half_square = all<V>(0.5) * f * f;
  const V log_f = f - (half_square - s * fma(z, polynomial(z, c), half_square));
  const V high = n * all<V>(ln2_high), sum = m + high;
  return sum + (sum_error(m, high, sum) + (fma(n, all<V>(ln2_low), small) + log_f));
}

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
