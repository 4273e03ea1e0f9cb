#pragma once
// Sums, exp and log of floats, four registers at a time; exp and log of one, too.
//
// exp and log count in powers of two, so that a whole tile shares one exponent: e^x 2^-n and n ln2 + log s.

#include "cpu/simd/four.h"

namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL {

SCANGRAD_INLINE Block four(float v) { return all<Block>(v); }
/// The numbers at v, one in all lanes of a group.
SCANGRAD_INLINE S spread_register(const float* v) {
#if defined(__AVX512F__)
  return as_bits<S>(_mm512_mask_broadcastss_ps(_mm512_set1_ps(v[0]), 0xff00, _mm_load_ss(v + 1)));
#else
  return splat_float(*v);
#endif
}
template <class V>
SCANGRAD_INLINE V spread(const float* v) {
  constexpr int step = wide / group;
  if constexpr (!is_four<V>) return spread_register(v);
  else return {spread_register(v), spread_register(v + step), spread_register(v + 2 * step), spread_register(v + 3 * step)};
}
SCANGRAD_INLINE Block quotient(Block a, Block v) {
  return each(
      [](S x, S y) __attribute__((always_inline)) { return quotient(x, y); }, a, v);
}
SCANGRAD_INLINE Block rough_reciprocal(Block v) {
  return each(
      [](S s) __attribute__((always_inline)) { return rough_reciprocal(s); }, v);
}

/// The prefix sums of each group.
template <int by = 1>
SCANGRAD_INLINE S prefix_sums(S v) {
  if constexpr (by == group) return v;
  else return prefix_sums<2 * by>(v + floats_up<by>(v));
}
/// What the elements before one add up to in its group, and what it and those behind it do.
SCANGRAD_INLINE S sums_before(S v) {
#if defined(__AVX2__) && !defined(__AVX512F__)  // what stays in a half costs one instruction
  const S two = v + within_halves_up<1>(v), four = two + within_halves_up<2>(two);
  return within_halves_up<1>(four) + last_of_lower_half(four);
#endif
  return prefix_sums(floats_up<1>(v));
}
template <int by = 1>
SCANGRAD_INLINE S suffix_sums(S v) {
#if defined(__AVX2__) && !defined(__AVX512F__)
  const S two = v + within_halves_down<1>(v), four = two + within_halves_down<2>(two);
  return four + first_of_upper_half(four);
#endif
  if constexpr (by == group) return v;
  else return suffix_sums<2 * by>(v + floats_down<by>(v));
}
SCANGRAD_INLINE Block suffix_sums(Block v) {
  return each(
      [](S s) __attribute__((always_inline)) { return suffix_sums(s); }, v);
}
SCANGRAD_INLINE Block sums_before(Block v) {
  return each(
      [](S s) __attribute__((always_inline)) { return sums_before(s); }, v);
}
/// The prefix sums where each element comes last, so that it is rounded once; likewise of products.
SCANGRAD_INLINE Block late_prefix_sums(Block v) { return v + sums_before(v); }
SCANGRAD_INLINE Block late_prefix_sums(Block x, Block y) { return fma(x, y, sums_before(x * y)); }

inline constexpr float ln2_float = 0x1.62e43p-1f, ln2_float_rest = -0x1.05c61p-29f;

inline constexpr float float_to_integer = 0x1.8p23f;
/// e^x 2^-n, where |x| < 2^20, zero = float_to_integer - n, |n| < 2^21, and the result is normal: about one unit in the last place.
template <class V>
SCANGRAD_INLINE V exp_floats(V x, V zero) {
  static constexpr float c[] = {0.5f, 0.1666657702559799f, 0.041666554662050534f, 0.008363173074513711f, 0.001392617611993558f};
  const V shifted = fma(x, all<V>(1.44269504f), zero), whole = shifted - zero;
  const V r = fma(whole, all<V>(-ln2_float_rest), fma(whole, all<V>(-ln2_float), x));
  return each(
      [](S p, S s) __attribute__((always_inline)) { return as_bits<S>(as_bits<U32>(p) + (as_bits<U32>(s) << 23)); },
      all<V>(1.0f) + fma(r * r, horner(r, c), r), shifted);
}

/// log's tables: about 1 / m for m in [1, 2) by its first bits, and minus the logarithm of that.
#if defined(__AVX512F__)
inline constexpr int log_entries = 16;
static constexpr float log_inverse[] = {0.9697265625f, 0.9140625f,    0.865234375f,  0.8203125f,    0.7802734375f, 0.744140625f,
                                        0.7109375f,    0.6806640625f, 0.6533203125f, 0.6279296875f, 0.603515625f,  0.58203125f,
                                        0.5615234375f, 0.5419921875f, 0.5244140625f, 0.5078125f};
static constexpr float log_rest[] = {0.0307411416f, 0.0898563291f, 0.144754855f, 0.198069914f, 0.24811086f,  0.29552525f,
                                     0.341170757f,  0.384686395f,  0.425687745f, 0.465327081f, 0.504983348f, 0.541231139f,
                                     0.577101765f,  0.612503692f,  0.645473711f, 0.677642994f};
static constexpr float log_series[] = {-0.5f, 0.33347142844551314f, -0.25011508209762545f};
#else
inline constexpr int log_entries = 8;
static constexpr float log_inverse[] = {0.94140625f,   0.841796875f,  0.76171875f,   0.6953125f,
                                        0.6396484375f, 0.5927734375f, 0.5517578125f, 0.5166015625f};
static constexpr float log_rest[] = {0.060380511f, 0.172216535f, 0.272177886f, 0.363393894f,
                                     0.44683657f,  0.522943015f, 0.594646074f, 0.660483374f};
static constexpr float log_series[] = {-0.4999997454818744f, 0.3333331151537573f, -0.2505831169899321f, 0.20049985703769016f};
#endif

/// The entry of a table that the first bits of each mantissa choose.
SCANGRAD_INLINE S entry_for(const float (&table)[log_entries], S v) {
  const S32 index = as_bits<S32>(v) >> (log_entries == 16 ? 19 : 20);
#if defined(__AVX512F__)
  return as_bits<S>(_mm512_maskz_permutexvar_ps(0xffff, as_bits<__m512i>(index), load_raw<__m512>(table)));
#elif defined(__AVX2__)
  return as_bits<S>(_mm256_permutevar8x32_ps(load_raw<__m256>(table), as_bits<__m256i>(index)));
#else
  S found{};
  for (int i = 0; i < wide; ++i) found[i] = table[index[i] & (log_entries - 1)];
  return found;
#endif
}
/// v = 2^exponent mantissa, mantissa in [1, 2); v positive and normal.
SCANGRAD_INLINE S exponent(S v) {
#if defined(__AVX512F__)
  return as_bits<S>(_mm512_maskz_getexp_ps(0xffff, as_bits<__m512>(v)));
#endif
  return __builtin_convertvector((as_bits<S32>(v) >> 23) - 127, S);
}
SCANGRAD_INLINE S mantissa(S v) {
#if defined(__AVX512F__)
  return as_bits<S>(_mm512_maskz_getmant_ps(0xffff, as_bits<__m512>(v), _MM_MANT_NORM_1_2, _MM_MANT_SIGN_zero));
#endif
  return as_bits<S>((as_bits<S32>(v) & 0x7fffff) | 0x3f800000);
}

/// n ln2 + log s for an integer n: absolutely to half a unit of 1, beside the rounding of the result.
template <class V>
SCANGRAD_INLINE V log_floats(V n, V s) {
  const auto find = [&](const float(&table)[log_entries]) __attribute__((always_inline)) {
    return each(
        [&](S v) __attribute__((always_inline)) { return entry_for(table, v); }, s);
  };
  const V whole = n + each(
                          [](S v) __attribute__((always_inline)) { return exponent(v); }, s);
  const V m = each(
      [](S v) __attribute__((always_inline)) { return mantissa(v); }, s);
  const V f = fma(m, find(log_inverse), all<V>(-1.0f));
  const V log_m = fma(f * f, horner(f, log_series), f) + find(log_rest);
  return fma(whole, all<V>(ln2_float), fma(whole, all<V>(ln2_float_rest), log_m));
}

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
