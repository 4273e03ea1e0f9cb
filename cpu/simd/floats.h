#pragma once
// Registers of floats: twice the lanes of doubles, for results of float32 or less whose errors a few units may make up.

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
SCANGRAD_INLINE S last_lane(S v) { return detail::broadcast<wide - 1>(v, EachFloat()); }
/// The same from the other end.
template <int by>
SCANGRAD_INLINE S shifted_down(S v, S fill) {
#if defined(__AVX512F__)
  return as_bits<S>(_mm512_maskz_alignr_epi32(0xffff, as_bits<__m512i>(fill), as_bits<__m512i>(v), by));
#endif
  return detail::shifted_down<by>(v, fill, EachFloat());
}
SCANGRAD_INLINE S first_lane(S v) { return detail::broadcast<0>(v, EachFloat()); }
SCANGRAD_INLINE bool any(S32 mask) {
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

SCANGRAD_INLINE S reversed(S v) { return detail::reversed(v, EachFloat()); }

namespace detail {
template <int... i>
SCANGRAD_INLINE F low_half(S v, std::integer_sequence<int, i...>) {
  return __builtin_shufflevector(v, v, i...);
}
template <int... i>
SCANGRAD_INLINE F high_half(S v, std::integer_sequence<int, i...>) {
  return __builtin_shufflevector(v, v, (i + lanes)...);
}
template <int... i>
SCANGRAD_INLINE S joined(F low, F high, std::integer_sequence<int, i...>) {
  return __builtin_shufflevector(low, high, i...);
}
}  // namespace detail
SCANGRAD_INLINE F low_half(S v) { return detail::low_half(v, EachLane()); }
SCANGRAD_INLINE F high_half(S v) { return detail::high_half(v, EachLane()); }
SCANGRAD_INLINE S joined(F low, F high) { return detail::joined(low, high, EachFloat()); }

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

#if defined(__AVX2__) && !defined(__AVX512F__)
/// The same within each half of four.
template <int by>
SCANGRAD_INLINE S within_halves_up(S v) {
  return as_bits<S>(_mm256_slli_si256(as_bits<__m256i>(v), 4 * by));
}
template <int by>
SCANGRAD_INLINE S within_halves_down(S v) {
  return as_bits<S>(_mm256_srli_si256(as_bits<__m256i>(v), 4 * by));
}
/// In all lanes of the other half; zeros in its own.
SCANGRAD_INLINE S last_of_lower_half(S v) {
  const __m256 last = _mm256_permute_ps(as_bits<__m256>(v), 0xff);
  return as_bits<S>(_mm256_permute2f128_ps(last, last, 0x08));
}
SCANGRAD_INLINE S first_of_upper_half(S v) {
  const __m256 first = _mm256_permute_ps(as_bits<__m256>(v), 0x00);
  return as_bits<S>(_mm256_permute2f128_ps(first, first, 0x81));
}
#endif

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

/// 1 / v and a / v to half a unit and a sixteenth, for v and results that are normal: with 512 bits a division takes as long as twenty products.
SCANGRAD_INLINE S reciprocal(S v) {
#if defined(__AVX512F__)
  const S r = rough_reciprocal(v);
  return fma(fma(-v, r, splat_float(1.0f)), r, r);
#else
  return 1.0f / v;
#endif
}
SCANGRAD_INLINE S quotient(S a, S v) {
#if defined(__AVX512F__)
  const S r = rough_reciprocal(v), q = a * r;
  return fma(fma(-q, v, a), r, q);
#else
  return a / v;
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
  return joined(load_narrow(p), load_narrow(p + lanes));
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
  store_narrow(p, low_half(v)), store_narrow(p + lanes, high_half(v));
#endif
}

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
