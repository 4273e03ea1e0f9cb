#pragma once
// sin, cos and atan2 of vectors, in the two strengths of math.h. Light: absolutely to 2^-33, and as well relatively while the
// argument or the quotient is small. Full: to 1 ulp (sin, cos; also beside the multiples of pi / 2) and to 2 (atan2).
// scripts/make_polynomials.py makes the coefficients.

#include "cpu/simd/math.h"

namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL {

struct CosSin {
  D cos, sin;
};

/// pi / 2 in four parts. Thirty-three bits of each of the first three: their products with integers below 2^20 are exact.
inline constexpr double half_pi_1 = 0x1.921fb544p+0, half_pi_2 = 0x1.0b4611a6p-34, half_pi_3 = 0x1.3198a2ep-69,
                        half_pi_4 = 0x1.b839a252049c1p-104;
inline constexpr double half_pi_rest = 0x1.0b4611a626331p-34;  ///< pi / 2 without its first part
inline constexpr double two_over_pi = 0x1.45f306dc9c883p-1;
inline constexpr double far_angle = 0x1p20;  ///< from here on the library of the system takes over
inline constexpr auto sign_bit = static_cast<std::int64_t>(0x8000000000000000);

/// x = q pi / 2 + (r + low), |r| <= pi / 4
struct Reduced {
  D r, low, shifted_q;  ///< q + round_to_integer
};
template <bool full>
SCANGRAD_INLINE Reduced reduced_angle(D x) {
  const D shifted = x * two_over_pi + round_to_integer, q = shifted - round_to_integer;
  const D first = x - q * half_pi_1;  // exact
  if constexpr (!full) return {first - q * half_pi_rest, D{}, shifted};
  const D second = q * half_pi_2, third = q * half_pi_3;
  const D a = first - second, b = a - third;
  const D low = (sum_error(first, -second, a) + sum_error(a, -third, b)) - q * half_pi_4;
  const D r = b + low;
  return {r, (b - r) + low, shifted};
}

/// Of each angle that is far, infinite or NaN; the others as they are.
inline __attribute__((noinline)) CosSin far_cos_sin(D x, CosSin near) {
  for (int i = 0; i < lanes; ++i)
    if (!(x[i] < far_angle && x[i] > -far_angle)) near.cos[i] = __builtin_cos(x[i]), near.sin[i] = __builtin_sin(x[i]);
  return near;
}

template <bool full>
SCANGRAD_INLINE CosSin near_cos_sin(D x) {
  const auto [r, low, shifted] = reduced_angle<full>(x);
  const D z = r * r, half = 0.5 * z;
  D s, c;
  if constexpr (full) {
    static constexpr double sin_c[] = {-0.16666666666666666,   0.008333333333330948,    -0.00019841269836756774,
                                       2.7557316101617852e-06, -2.5051131650231316e-08, 1.5918115263038246e-10};
    static constexpr double cos_c[] = {0.041666666666666664,   -0.0013888888888887398, 2.480158729876456e-05,
                                       -2.755731727114513e-07, 2.0876146146556195e-09, -1.1382623647332156e-11};
    s = r + fma(z * r, polynomial(z, sin_c), low * (1.0 - half));
    const D most = 1.0 - half;
    c = most + (((1.0 - most) - half) + (z * z * polynomial(z, cos_c) - r * low));
  } else {
    static constexpr double sin_c[] = {-0.16666666663854168, 0.008333331874273698, -0.00019840086499588237,
                                       2.7249895230115073e-06};
    static constexpr double cos_c[] = {0.041666666664320264, -0.001388888767165249, 2.4800600180359333e-05,
                                       -2.730093368679858e-07};
    s = fma(z * r, polynomial(z, sin_c), r);
    c = fma(z * z, polynomial(z, cos_c), 1.0 - half);
  }
  const I q = as_bits<I>(shifted);
  const I odd = (q & 1) != 0;
  const D sin = odd ? c : s, cos = odd ? s : c;
  return {as_bits<D>(as_bits<I>(cos) ^ (((q + 1) << 62) & sign_bit)), as_bits<D>(as_bits<I>(sin) ^ ((q << 62) & sign_bit))};
}

/// NaN of an infinite angle.
template <bool full>
SCANGRAD_INLINE CosSin cos_sin(D x) {
  const CosSin near = near_cos_sin<full>(x);
  if (__builtin_expect(any(!(absolute(x) < far_angle)), 0)) return far_cos_sin(x, near);
  return near;
}

/// The angle of x + i y, in [-pi, pi]; finite, not both 0, below 2^1022. A negative zero counts as such in y, but not in x.
template <bool full>
SCANGRAD_INLINE D atan2(D y, D x) {
  constexpr double quarter_pi = 0x1.921fb54442d18p-1, quarter_high = 0x1.921fb5444p-1, quarter_low = 0x1.68c234c4c6629p-40;
  constexpr double tan_eighth_pi = 0x1.a827999fcef32p-2;
  const D ax = absolute(x), ay = absolute(y);
  const I steep = ay > ax, left = x < 0.0;
  const D small = steep ? ax : ay, large = steep ? ay : ax;
  // the angle in the first octant is atan t, or pi / 4 + atan t
  const I far = small > large * tan_eighth_pi;
  const D t = (far ? small - large : small) / (far ? small + large : large), z = t * t;
  const I flip = (steep ^ left) & sign_bit;
  const auto flipped = [&](D v) __attribute__((always_inline)) { return as_bits<D>(as_bits<I>(v) ^ flip); };
  const D octants = (steep ? splat(2.0) : left ? splat(4.0) : D{}) + flipped(far ? splat(1.0) : D{});
  D angle;
  if constexpr (full) {
    static constexpr double c[] = {-0.3333333333333333,   0.19999999999995516, -0.1428571428466568,  0.11111111015187006,
                                   -0.09090904575306077,  0.07692183125369063, -0.06664510525415601, 0.058581409041635196,
                                   -0.050854078313439584, 0.0392304477008921,  -0.01917540461813167};
    const D base = octants * quarter_high, first = flipped(t), sum = base + first;
    angle = sum + (((base - sum) + first) + (flipped(t * z * polynomial(z, c)) + octants * quarter_low));
  } else {
    static constexpr double c[] = {-0.3333333327922452, 0.19999977248231143,  -0.14284150629652945,
                                   0.11071354570176362, -0.08624598209246392, 0.05047937419471292};
    angle = fma(octants, splat(quarter_pi), flipped(fma(t * z, polynomial(z, c), t)));
  }
  return as_bits<D>(as_bits<I>(angle) | (as_bits<I>(y) & sign_bit));
}

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
