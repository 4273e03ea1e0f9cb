#pragma once
// Registers of floats: twice the lanes of doubles, for results of float32 or less whose errors a few units may make up. Four at a time
// (Block), an operation after the other on each: the chains of one would leave the machine waiting.
//
// exp and log count in powers of two, so that a whole tile shares one exponent: e^x 2^-n and n ln2 + log s.

#include <type_traits>

#include "cpu/simd/vec.h"

namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL {

#if defined(__FMA__)
inline constexpr bool has_floats = true;
#else
inline constexpr bool has_floats = false;  ///< the exponential's argument is exact by fused multiply-add
#endif

inline constexpr int wide = 2 * lanes;
inline constexpr int group = wide < 8 ? wide : 8;  ///< lanes whose sums are taken in floats: beyond, roundings add up
using S = float __attribute__((vector_size(4 * wide)));
using S32 = std::int32_t __attribute__((vector_size(4 * wide)));
using U32 = std::uint32_t __attribute__((vector_size(4 * wide)));
using S16 = std::int16_t __attribute__((vector_size(2 * wide)));

SCANGRAD_INLINE S splat_float(float value) { return value - S{}; }

namespace detail {
template <int by, int... i>
SCANGRAD_INLINE S floats_up(S v, std::integer_sequence<int, i...>) {
  return __builtin_shufflevector(v, S{}, (i % group < by ? wide : i - by)...);
}
template <int by, int... i>
SCANGRAD_INLINE S floats_down(S v, std::integer_sequence<int, i...>) {
  return __builtin_shufflevector(v, S{}, (i % group + by < group ? i + by : wide)...);
}
}  // namespace detail
using EachFloat = std::make_integer_sequence<int, wide>;

/// Lane i of the whole register takes lane i - by of v; the first `by` lanes take those of `fill`, whose lanes are all alike.
template <int by>
SCANGRAD_INLINE S shifted_up(S v, S fill) {
#if defined(__AVX512F__)
  return as_bits<S>(_mm512_maskz_alignr_epi32(0xffff, as_bits<__m512i>(v), as_bits<__m512i>(fill), wide - by));
#endif
  return detail::shifted_up<by>(v, fill, EachFloat());
}
SCANGRAD_INLINE S last_float(S v) { return detail::broadcast<wide - 1>(v, EachFloat()); }
/// The same from the other end.
template <int by>
SCANGRAD_INLINE S shifted_down(S v, S fill) {
#if defined(__AVX512F__)
  return as_bits<S>(_mm512_maskz_alignr_epi32(0xffff, as_bits<__m512i>(fill), as_bits<__m512i>(v), by));
#endif
  return detail::shifted_down<by>(v, fill, EachFloat());
}
SCANGRAD_INLINE S first_float(S v) { return detail::broadcast<0>(v, EachFloat()); }
SCANGRAD_INLINE bool any_float(S32 mask) {
#if defined(__AVX512F__)
  return _mm512_movepi32_mask(as_bits<__m512i>(mask)) != 0;
#elif defined(__AVX2__)
  return _mm256_movemask_ps(as_bits<__m256>(mask)) != 0;
#elif defined(__SSE2__)
  return _mm_movemask_ps(as_bits<__m128>(mask)) != 0;
#else
  return (as_bits<I>(mask)[0] | as_bits<I>(mask)[1]) != 0;
#endif
}

SCANGRAD_INLINE S reversed_floats(S v) { return detail::reversed(v, EachFloat()); }
/// Lane i takes lane i - by (up) or i + by (down) of its group; zeros come in.
template <int by>
SCANGRAD_INLINE S floats_up(S v) {
#if defined(__AVX512F__)
  return as_bits<S>(
      _mm512_maskz_alignr_epi32(0x101 * (0xff << by & 0xff), as_bits<__m512i>(v), as_bits<__m512i>(v), wide - by));
#endif
  return detail::floats_up<by>(v, EachFloat());
}
template <int by>
SCANGRAD_INLINE S floats_down(S v) {
#if defined(__AVX512F__)
  return as_bits<S>(_mm512_maskz_alignr_epi32(0x101 * (0xff >> by), as_bits<__m512i>(v), as_bits<__m512i>(v), by));
#endif
  return detail::floats_down<by>(v, EachFloat());
}

/// b where either is NaN.
SCANGRAD_INLINE S maximum(S a, S b) {
#if defined(__AVX512F__)
  return as_bits<S>(_mm512_maskz_max_ps(0xffff, as_bits<__m512>(a), as_bits<__m512>(b)));
#elif defined(__AVX2__)
  return as_bits<S>(_mm256_max_ps(as_bits<__m256>(a), as_bits<__m256>(b)));
#else
  return a > b ? a : b;
#endif
}
SCANGRAD_INLINE S minimum(S a, S b) {
#if defined(__AVX512F__)
  return as_bits<S>(_mm512_maskz_min_ps(0xffff, as_bits<__m512>(a), as_bits<__m512>(b)));
#elif defined(__AVX2__)
  return as_bits<S>(_mm256_min_ps(as_bits<__m256>(a), as_bits<__m256>(b)));
#else
  return a < b ? a : b;
#endif
}
/// 1 / v to eleven bits.
SCANGRAD_INLINE S rough_reciprocal(S v) {
#if defined(__AVX512F__)
  return as_bits<S>(_mm512_maskz_rcp14_ps(0xffff, as_bits<__m512>(v)));
#elif defined(__AVX2__)
  return as_bits<S>(_mm256_rcp_ps(as_bits<__m256>(v)));
#else
  return 1.0f / v;
#endif
}
SCANGRAD_INLINE U32 maximum(U32 a, U32 b) { return a > b ? a : b; }
SCANGRAD_INLINE U32 minimum(U32 a, U32 b) { return a < b ? a : b; }
SCANGRAD_INLINE S fma(S a, S b, S c) {
#if defined(__AVX512F__)
  return as_bits<S>(_mm512_fmadd_ps(as_bits<__m512>(a), as_bits<__m512>(b), as_bits<__m512>(c)));
#elif defined(__FMA__)
  return as_bits<S>(_mm256_fmadd_ps(as_bits<__m256>(a), as_bits<__m256>(b), as_bits<__m256>(c)));
#else
  return a * b + c;
#endif
}

/// f over all lanes, joined in a tree: f(f(a, b), f(c, d)) and so on.
namespace detail {
template <int by, class V, int... i>
SCANGRAD_INLINE V rotated(V v, std::integer_sequence<int, i...>) {
  return __builtin_shufflevector(v, v, ((i + by) % wide)...);
}
}  // namespace detail
template <int by = wide / 2, class V, class F>
SCANGRAD_INLINE auto over_lanes(V v, const F& f) {
  if constexpr (by == 0) return v[0];
  else return over_lanes<by / 2>(f(v, detail::rotated<by>(v, EachFloat())), f);
}

// ---- memory -----------------------------------------------------------------------------------------------------------------
SCANGRAD_INLINE S load_floats(const float* p) { return load_raw<S>(p); }
SCANGRAD_INLINE S load_floats(const bfloat16* p) { return as_bits<S>(__builtin_convertvector(load_raw<S16>(p), S32) << 16); }
SCANGRAD_INLINE S load_floats(const float16* p) {
#if defined(__AVX512F__)
  return as_bits<S>(_mm512_maskz_cvtph_ps(0xffff, load_raw<__m256i>(p)));
#elif defined(__F16C__)
  return as_bits<S>(_mm256_cvtph_ps(load_raw<__m128i>(p)));
#else
  S v{};
  for (int i = 0; i < wide; i += lanes) {
    const F half = half_to_float(load_raw<I16>(p + i));
    for (int k = 0; k < lanes; ++k) v[i + k] = half[k];
  }
  return v;
#endif
}

SCANGRAD_INLINE void store_floats(float* p, S v) { store_raw(p, v); }
SCANGRAD_INLINE void store_floats(bfloat16* p, S v) {
  const S32 u = as_bits<S32>(v), rounded = (u + 0x7fff + ((u >> 16) & 1)) >> 16;
  const S32 all = v != v ? ((u >> 16) | 0x40) : rounded;
#if defined(__AVX2__) && !defined(__AVX512F__)
  const __m256i low = as_bits<__m256i>(all & 0xffff);
  store_raw(p, _mm_packus_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1)));
#else
  store_raw(p, __builtin_convertvector(all, S16));
#endif
}
SCANGRAD_INLINE void store_floats(float16* p, S v) {
#if defined(__AVX512F__)
  store_raw(p, _mm512_maskz_cvtps_ph(0xffff, as_bits<__m512>(v), _MM_FROUND_TO_NEAREST_INT));
#elif defined(__F16C__)
  store_raw(p, _mm256_cvtps_ph(as_bits<__m256>(v), _MM_FROUND_TO_NEAREST_INT));
#else
  for (int i = 0; i < wide; i += lanes) {
    F half;
    for (int k = 0; k < lanes; ++k) half[k] = v[i + k];
    store_raw(p + i, float_to_half(half));
  }
#endif
}

// ---- four at a time -----------------------------------------------------------------------------------------------------------
struct Block {
  S a, b, c, d;
};
inline constexpr std::int64_t block = 4 * wide;  ///< elements

/// f(i, here, whole) over `count` elements, a block at a time; `whole` is a constant: the last one may be partly filled.
template <class F>
SCANGRAD_INLINE void for_each_block(std::int64_t count, const F& f) {
  std::int64_t i = 0;
  for (; i + block <= count; i += block) f(i, block, std::true_type());
  if (i < count) f(i, count - i, std::false_type());
}

template <class F, class... Blocks>
SCANGRAD_INLINE Block each(const F& f, const Blocks&... v) {
  return {f(v.a...), f(v.b...), f(v.c...), f(v.d...)};
}
#define SCANGRAD_BLOCK_OPERATOR(op)                                            \
  SCANGRAD_INLINE Block operator op(Block x, Block y) {                        \
    return each(                                                               \
        [](S a, S b) __attribute__((always_inline)) { return a op b; }, x, y); \
  }
SCANGRAD_BLOCK_OPERATOR(+)
SCANGRAD_BLOCK_OPERATOR(-)
SCANGRAD_BLOCK_OPERATOR(*)
SCANGRAD_BLOCK_OPERATOR(/)
#undef SCANGRAD_BLOCK_OPERATOR

SCANGRAD_INLINE Block four(float v) { return {splat_float(v), splat_float(v), splat_float(v), splat_float(v)}; }
/// The numbers at v, one in all lanes of a group.
SCANGRAD_INLINE S spread_register(const float* v) {
#if defined(__AVX512F__)
  return as_bits<S>(_mm512_mask_broadcastss_ps(_mm512_set1_ps(v[0]), 0xff00, _mm_load_ss(v + 1)));
#else
  return splat_float(*v);
#endif
}
SCANGRAD_INLINE Block spread(const float* v) {
  constexpr int step = wide / group;
  return {spread_register(v), spread_register(v + step), spread_register(v + 2 * step), spread_register(v + 3 * step)};
}
SCANGRAD_INLINE Block load_block(const float* p) {
  return {load_raw<S>(p), load_raw<S>(p + wide), load_raw<S>(p + 2 * wide), load_raw<S>(p + 3 * wide)};
}
SCANGRAD_INLINE void store_block(float* p, Block v) {
  store_raw(p, v.a), store_raw(p + wide, v.b), store_raw(p + 2 * wide, v.c), store_raw(p + 3 * wide, v.d);
}
SCANGRAD_INLINE Block fma(Block x, Block y, Block z) {
  return each(
      [](S a, S b, S c) __attribute__((always_inline)) { return fma(a, b, c); }, x, y, z);
}
SCANGRAD_INLINE Block maximum(Block x, Block y) {
  return each(
      [](S a, S b) __attribute__((always_inline)) { return maximum(a, b); }, x, y);
}
SCANGRAD_INLINE Block minimum(Block x, Block y) {
  return each(
      [](S a, S b) __attribute__((always_inline)) { return minimum(a, b); }, x, y);
}

SCANGRAD_INLINE Block operator-(Block v) {
  return each(
      [](S s) __attribute__((always_inline)) { return -s; }, v);
}
SCANGRAD_INLINE Block rough_reciprocal(Block v) {
  return each(
      [](S s) __attribute__((always_inline)) { return rough_reciprocal(s); }, v);
}

// What follows serves one register (S) as well as four.
template <class F, class... Rest>
SCANGRAD_INLINE S each(const F& f, S v, Rest... rest) {
  return f(v, rest...);
}
template <class V>
SCANGRAD_INLINE V all(S value) {
  if constexpr (std::is_same_v<V, S>) return value;
  else return {value, value, value, value};
}
template <class V>
SCANGRAD_INLINE V all(float value) {
  return all<V>(splat_float(value));
}

/// Each element takes that `by` places before (up) or behind it in its group; zeros come in.
template <int by>
SCANGRAD_INLINE Block shifted_up(Block v) {
  return each(
      [](S s) __attribute__((always_inline)) { return floats_up<by>(s); }, v);
}
template <int by>
SCANGRAD_INLINE Block shifted_down(Block v) {
  return each(
      [](S s) __attribute__((always_inline)) { return floats_down<by>(s); }, v);
}
/// The prefix sums of each group, or what an element and those behind it in the group add up to.
template <int by = 1>
SCANGRAD_INLINE Block prefix_sums(Block v) {
  if constexpr (by == group) return v;
  else return prefix_sums<2 * by>(v + shifted_up<by>(v));
}
template <int by = 1>
SCANGRAD_INLINE Block suffix_sums(Block v) {
  if constexpr (by == group) return v;
  else return suffix_sums<2 * by>(v + shifted_down<by>(v));
}
/// The prefix sums where each element comes last, so that it is rounded once; likewise of products.
SCANGRAD_INLINE Block late_prefix_sums(Block v) { return v + prefix_sums(shifted_up<1>(v)); }
SCANGRAD_INLINE Block late_prefix_sums(Block x, Block y) { return fma(x, y, prefix_sums(shifted_up<1>(x * y))); }

template <class V, int n>
SCANGRAD_INLINE V float_polynomial(V x, const float (&c)[n]) {  // Horner's scheme: others of the four fill the waits
  V p = all<V>(c[n - 1]);
  for (int i = n - 2; i >= 0; --i) p = fma(p, x, all<V>(c[i]));
  return p;
}

inline constexpr float ln2_float = 0x1.62e43p-1f, ln2_float_rest = -0x1.05c61p-29f;

inline constexpr float float_to_integer = 0x1.8p23f;
/// e^x 2^-n, where |x| < 2^20, zero = float_to_integer - n, |n| < 2^21, and the result is normal: about one unit in the last place.
template <class V>
SCANGRAD_INLINE V exp_floats(V x, V zero) {
  static constexpr float c[] = {0.5f, 0.1666657702559799f, 0.041666554662050534f, 0.008363173074513711f, 0.001392617611993558f};
  const V shifted = fma(x, all<V>(1.44269504f), zero), whole = shifted - zero;
  const V r = fma(whole, all<V>(-ln2_float_rest), fma(whole, all<V>(-ln2_float), x));
  return each(
      [](S p, S s) __attribute__((always_inline)) { return as_bits<S>(as_bits<S32>(p) + (as_bits<S32>(s) << 23)); },
      all<V>(1.0f) + fma(r * r, float_polynomial(r, c), r), shifted);
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
  const V log_m = fma(f * f, float_polynomial(f, log_series), f) + find(log_rest);
  return fma(whole, all<V>(ln2_float), fma(whole, all<V>(ln2_float_rest), log_m));
}

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
