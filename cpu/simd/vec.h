#pragma once
// A vector of doubles as wide as the registers of the level that this file is compiled for (SCANGRAD_LEVEL: v2, v3, v4 of x86-64;
// `base` elsewhere), and what the kernels do with it. Built on the compilers' vector extensions: +, -, *, /, comparisons and
// `mask ? a : b` are those of the language. Lane 0 is the earliest in scan order.
//
// Everything lives in a namespace of its level, and nothing here calls inline functions from outside: code of one level must not
// be picked up by another (docs/performance.md).

#include <cstdint>
#include <cstring>
#include <utility>

#include "core/planted.h"
#include "scangrad/dtype.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define SCANGRAD_INLINE inline __attribute__((always_inline))

namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL {

#if defined(__AVX512F__)
inline constexpr int lanes = 8;
#elif defined(__AVX2__)
inline constexpr int lanes = 4;
#else
inline constexpr int lanes = 2;
#endif

using D = double __attribute__((vector_size(8 * lanes)));
using F = float __attribute__((vector_size(4 * lanes)));
using I = std::int64_t __attribute__((vector_size(8 * lanes)));  ///< also the mask of comparisons of D: 0 or -1
using U = std::uint64_t __attribute__((vector_size(8 * lanes)));
using I32 = std::int32_t __attribute__((vector_size(4 * lanes)));
using UI32 = std::uint32_t __attribute__((vector_size(4 * lanes)));
using I16 = std::int16_t __attribute__((vector_size(2 * lanes)));

template <class V>
inline constexpr int lanes_in = sizeof(V) / sizeof(V{}[0]);

template <class V = D, class T>
SCANGRAD_INLINE V splat(T value) {
  return static_cast<decltype(V{}[0] + 0)>(value) - V{};
}
SCANGRAD_INLINE D splat(double value) { return value - D{}; }  // x - 0 is x: no operation is left

template <class To, class From>
SCANGRAD_INLINE To as_bits(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(static_cast<void*>(&to), &from, sizeof to);
  return to;
}

// ---- lanes ------------------------------------------------------------------------------------------------------------------
namespace detail {
template <class V, int... i>
SCANGRAD_INLINE V reversed(V v, std::integer_sequence<int, i...>) {
  return __builtin_shufflevector(v, v, (static_cast<int>(sizeof...(i)) - 1 - i)...);
}
template <int by, class V, int... i>
SCANGRAD_INLINE V shifted_up(V v, V fill, std::integer_sequence<int, i...>) {
  return __builtin_shufflevector(fill, v, (static_cast<int>(sizeof...(i)) + i - by)...);
}
template <int by, class V, int... i>
SCANGRAD_INLINE V shifted_down(V v, V fill, std::integer_sequence<int, i...>) {
  return __builtin_shufflevector(v, fill, (i + by)...);
}
template <int lane, class V, int... i>
SCANGRAD_INLINE V broadcast(V v, std::integer_sequence<int, i...>) {
  return __builtin_shufflevector(v, v, (i * 0 + lane)...);
}
}  // namespace detail
using EachLane = std::make_integer_sequence<int, lanes>;

template <class V>
SCANGRAD_INLINE V reversed(V v) {
  return detail::reversed(v, EachLane());
}
/// Lane i takes lane i - by of v; the first `by` lanes take those of `fill`, whose lanes are all alike.
template <int by>
SCANGRAD_INLINE D shifted_up(D v, D fill) {
#if defined(__AVX512F__)
  return as_bits<D>(_mm512_maskz_alignr_epi64(0xff, as_bits<__m512i>(v), as_bits<__m512i>(fill), lanes - by));
#endif
  return detail::shifted_up<by>(v, fill, EachLane());
}
/// Lane i takes lane i + by of v.
template <int by>
SCANGRAD_INLINE D shifted_down(D v, D fill) {
#if defined(__AVX512F__)
  return as_bits<D>(_mm512_maskz_alignr_epi64(0xff, as_bits<__m512i>(fill), as_bits<__m512i>(v), by));
#endif
  return detail::shifted_down<by>(v, fill, EachLane());
}
SCANGRAD_INLINE D last_lane(D v) { return detail::broadcast<lanes - 1>(v, EachLane()); }
SCANGRAD_INLINE D first_lane(D v) { return detail::broadcast<0>(v, EachLane()); }
/// 0, 1, 2, ...
SCANGRAD_INLINE I lane_numbers() {
  I v;
  for (int i = 0; i < lanes; ++i) v[i] = i;
  return v;
}

SCANGRAD_INLINE bool any(I mask) {
#if defined(__AVX512F__)
  return _mm512_movepi64_mask(as_bits<__m512i>(mask)) != 0;
#elif defined(__AVX2__)
  return _mm256_movemask_pd(as_bits<__m256d>(mask)) != 0;
#elif defined(__SSE2__)
  return _mm_movemask_pd(as_bits<__m128d>(mask)) != 0;
#else
  return (mask[0] | mask[1]) != 0;
#endif
}

// ---- arithmetic -------------------------------------------------------------------------------------------------------------
/// a b + c; one rounding where the level has fused multiply-add.
SCANGRAD_INLINE D fma(D a, D b, D c) {
#if defined(__AVX512F__)
  return as_bits<D>(_mm512_fmadd_pd(as_bits<__m512d>(a), as_bits<__m512d>(b), as_bits<__m512d>(c)));
#elif defined(__FMA__)
  return as_bits<D>(_mm256_fmadd_pd(as_bits<__m256d>(a), as_bits<__m256d>(b), as_bits<__m256d>(c)));
#else
  return a * b + c;
#endif
}

/// a b - p for p = a b rounded: the error of the product, exactly (but for underflow).
SCANGRAD_INLINE D product_error(D a, D b, D p) {
#if defined(__FMA__)
  return fma(a, b, -p);
#else  // Dekker's splitting
  const D ca = a * 134217729.0, cb = b * 134217729.0;
  const D ah = ca - (ca - a), bh = cb - (cb - b), al = a - ah, bl = b - bh;
  return ((ah * bh - p) + ah * bl + al * bh) + al * bl;
#endif
}

/// a - b c for a near b c: no rounding of the product counts.
SCANGRAD_INLINE D minus_product(D a, D b, D c) {
#if defined(__FMA__)
  return fma(-b, c, a);
#else
  const D p = b * c;
  return (a - p) - product_error(b, c, p);
#endif
}

/// a + b - s for s = a + b rounded: the error of the sum, exactly (Knuth).
template <class V>
SCANGRAD_INLINE V sum_error(V a, V b, V s) {
  const V bb = s - a;
  return (a - (s - bb)) + (b - bb);
}

SCANGRAD_INLINE D absolute(D v) { return as_bits<D>(as_bits<I>(v) & 0x7fffffffffffffff); }
/// b where either is NaN.
SCANGRAD_INLINE D maximum(D a, D b) {
#if defined(__AVX512F__)
  return as_bits<D>(_mm512_maskz_max_pd(0xff, as_bits<__m512d>(a), as_bits<__m512d>(b)));
#elif defined(__AVX2__)
  return as_bits<D>(_mm256_max_pd(as_bits<__m256d>(a), as_bits<__m256d>(b)));
#elif defined(__SSE2__)
  return as_bits<D>(_mm_max_pd(as_bits<__m128d>(a), as_bits<__m128d>(b)));
#else
  return a > b ? a : b;
#endif
}
SCANGRAD_INLINE D minimum(D a, D b) {
#if defined(__AVX512F__)
  return as_bits<D>(_mm512_maskz_min_pd(0xff, as_bits<__m512d>(a), as_bits<__m512d>(b)));
#elif defined(__AVX2__)
  return as_bits<D>(_mm256_min_pd(as_bits<__m256d>(a), as_bits<__m256d>(b)));
#elif defined(__SSE2__)
  return as_bits<D>(_mm_min_pd(as_bits<__m128d>(a), as_bits<__m128d>(b)));
#else
  return a < b ? a : b;
#endif
}
SCANGRAD_INLINE I is_nan(D v) { return v != v; }

/// 1 / v, to 2^-27 at least; v positive and normal, 1 / v too.
SCANGRAD_INLINE D light_reciprocal(D v) {
#if defined(__AVX512F__)
  const D r = as_bits<D>(_mm512_maskz_rcp14_pd(0xff, as_bits<__m512d>(v)));
  return fma(r, fma(-v, r, splat(1.0)), r);
#else
  return 1.0 / v;
#endif
}

// ---- memory -----------------------------------------------------------------------------------------------------------------
template <class V, class T>
SCANGRAD_INLINE V load_raw(const T* p) {
  V v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
template <class V, class T>
SCANGRAD_INLINE void store_raw(T* p, V v) {
  std::memcpy(static_cast<void*>(p), &v, sizeof v);
}

SCANGRAD_INLINE F half_to_float(I16 bits) {
#if defined(__AVX512F__)
  return as_bits<F>(_mm256_cvtph_ps(as_bits<__m128i>(bits)));
#elif defined(__F16C__)
  return as_bits<F>(_mm_cvtph_ps(_mm_cvtsi64_si128(as_bits<std::int64_t>(bits))));
#else
  F f;
  for (int i = 0; i < lanes; ++i) {
    const std::uint32_t h = static_cast<std::uint16_t>(bits[i]), sign = (h & 0x8000u) << 16, rest = h & 0x7fffu;
    float value = 0;
    if (rest >= 0x7c00u) {
      const std::uint32_t u = 0x7f800000u | (rest & 0x3ffu) << 13;
      std::memcpy(&value, &u, sizeof value);
    } else {  // 2^112 moves the exponent, subnormals included
      const std::uint32_t u = rest << 13;
      std::memcpy(&value, &u, sizeof value);
      value *= 0x1p112f;
    }
    std::uint32_t u = 0;
    std::memcpy(&u, &value, sizeof u);
    u |= sign;
    std::memcpy(&value, &u, sizeof value);
    f[i] = value;
  }
  return f;
#endif
}

/// To the nearest half, ties to even.
SCANGRAD_INLINE I16 float_to_half(F f) {
#if defined(__AVX512F__)
  return as_bits<I16>(_mm256_cvtps_ph(as_bits<__m256>(f), _MM_FROUND_TO_NEAREST_INT));
#elif defined(__F16C__)
  return as_bits<I16>(_mm_cvtsi128_si64(_mm_cvtps_ph(as_bits<__m128>(f), _MM_FROUND_TO_NEAREST_INT)));
#else
  I16 result;
  for (int i = 0; i < lanes; ++i) {
    const float value = f[i];
    std::uint32_t u = 0;
    std::memcpy(&u, &value, sizeof u);
    const std::uint32_t sign = u >> 16 & 0x8000u;
    u &= 0x7fffffffu;
    std::uint32_t h;
    if (u > 0x7f800000u) h = 0x7e00u;
    else if (u >= 0x47800000u) h = 0x7c00u;
    else if (u < 0x38800000u) {  // adding 1/2 rounds in the place of the subnormals
      float magnitude = 0;
      std::memcpy(&magnitude, &u, sizeof magnitude);
      magnitude += 0.5f;
      std::memcpy(&h, &magnitude, sizeof h);
      h -= 0x3f000000u;
    } else {
      h = (u + 0xc8000fffu + (u >> 13 & 1u)) >> 13;
    }
    result[i] = static_cast<std::int16_t>(static_cast<std::uint16_t>(h | sign));
  }
  return result;
#endif
}

/// The low 16 bits of each lane, which has no others.
SCANGRAD_INLINE I16 low_halves(I32 v) {
#if defined(__AVX2__) && !defined(__AVX512F__)
  const __m128i all = as_bits<__m128i>(v);
  return as_bits<I16>(_mm_cvtsi128_si64(_mm_packus_epi32(all, all)));
#else
  return __builtin_convertvector(v, I16);
#endif
}
SCANGRAD_INLINE I32 high_half(F f) { return as_bits<I32>(as_bits<UI32>(f) >> 16); }

SCANGRAD_INLINE F bfloat_to_float(I16 bits) {
#if defined(__AVX2__) && !defined(__AVX512F__)
  return as_bits<F>(_mm_slli_epi32(_mm_cvtepu16_epi32(_mm_cvtsi64_si128(as_bits<std::int64_t>(bits))), 16));
#else
  return as_bits<F>(__builtin_convertvector(bits, I32) << 16);
#endif
}
SCANGRAD_INLINE I16 float_to_bfloat(F f) {
  const I32 u = as_bits<I32>(f);
  const I32 rounded = (u + 0x7fff + ((u >> 16) & 1)) >> 16;
  return __builtin_convertvector(f != f ? ((u >> 16) | 0x40) : rounded, I16);
}

SCANGRAD_INLINE F narrowed(D v) { return __builtin_convertvector(v, F); }

/// The float that rounds to the same float16 as the double does: inexact ones end in an odd bit.
SCANGRAD_INLINE F round_to_odd(D v) {
  const I bits = as_bits<I>(v), beyond = splat<I>(0x1fffffff);
  return narrowed(as_bits<D>((bits | ((bits & beyond) + beyond)) & ~beyond));
}

/// To the nearest bfloat16, ties to even: NaN, and what is less than the smallest normal one.
inline __attribute__((noinline, cold)) void store_odd(bfloat16* p, const D& v) {
  const F nearest = narrowed(v);
  const D back = __builtin_convertvector(nearest, D);
  const I32 inexact = __builtin_convertvector(back != v, I32) & (nearest == nearest);
  const I32 away = __builtin_convertvector(absolute(back) > absolute(v), I32);
  store_raw(p, float_to_bfloat(as_bits<F>(inexact ? ((as_bits<I32>(nearest) + (away & -1)) | 1) : as_bits<I32>(nearest))));
}

/// One instruction, of which g++ 12 makes three.
SCANGRAD_INLINE D widened(F f) {
#if defined(__AVX512F__)
  return as_bits<D>(_mm512_maskz_cvtps_pd(0xff, as_bits<__m256>(f)));
#elif defined(__AVX2__)
  return as_bits<D>(_mm256_cvtps_pd(as_bits<__m128>(f)));
#else
  return __builtin_convertvector(f, D);
#endif
}

/// `lanes` elements from p upwards, as floats.
SCANGRAD_INLINE F load_narrow(const float* p) { return load_raw<F>(p); }
SCANGRAD_INLINE F load_narrow(const float16* p) { return half_to_float(load_raw<I16>(p)); }
SCANGRAD_INLINE F load_narrow(const bfloat16* p) { return bfloat_to_float(load_raw<I16>(p)); }
SCANGRAD_INLINE void store_narrow(float* p, F v) { store_raw(p, v); }
SCANGRAD_INLINE void store_narrow(float16* p, F v) { store_raw(p, float_to_half(v)); }
SCANGRAD_INLINE void store_narrow(bfloat16* p, F v) { store_raw(p, float_to_bfloat(v)); }
/// The same as doubles.
SCANGRAD_INLINE D load(const double* p) { return load_raw<D>(p); }
template <class T>
SCANGRAD_INLINE D load(const T* p) {
  return widened(load_narrow(p));
}

/// Each rounded once, to the nearest.
SCANGRAD_INLINE void store(double* p, D v) { store_raw(p, v); }
SCANGRAD_INLINE void store(float* p, D v) { store_raw(p, narrowed(v)); }
SCANGRAD_INLINE void store(float16* p, D v) {
  store_raw(p, float_to_half(SCANGRAD_PLANT(half_rounded_twice, round_to_odd(v), narrowed(v))));
}
SCANGRAD_INLINE void store(bfloat16* p, D v) {
  const I odd = ~(absolute(v) >= 0x1p-126) & (v != 0.0);
  if (__builtin_expect(any(odd), 0)) {
    const D copy = v;  // in memory, so that v need not be there
    return store_odd(p, copy);
  }
  const U bits = as_bits<U>(v), beyond = splat<U>((std::uint64_t{1} << 45) - 1);
  const U rounded = bits + ((beyond >> 1) + SCANGRAD_PLANT(bfloat_ties_up, bits >> 45 & 1, splat<U>(1u)));
  store_raw(p, low_halves(high_half(narrowed(as_bits<D>(rounded & ~beyond)))));
}

/// The first `count` lanes; the others are `fill`.
template <class T>
SCANGRAD_INLINE D load_some(const T* p, std::int64_t count, double fill) {
  T buffer[lanes] = {};
  std::memcpy(static_cast<void*>(buffer), p, static_cast<std::size_t>(count) * sizeof(T));
  const I here = lane_numbers() < splat<I>(count);
  return here ? load(buffer) : splat(fill);
}
template <class T>
SCANGRAD_INLINE void store_some(T* p, std::int64_t count, D v) {
  T buffer[lanes];
  store(buffer, v);
  std::memcpy(static_cast<void*>(p), buffer, static_cast<std::size_t>(count) * sizeof(T));
}

/// Stores past the caches a register whose size is a multiple of 16 bytes, of which `to` is a multiple.
template <class V>
SCANGRAD_INLINE void stream_register(void* to, V v) {
#if defined(__AVX512F__)
  if constexpr (sizeof v == 64) return _mm512_stream_si512(static_cast<__m512i*>(to), as_bits<__m512i>(v));
#endif
#if defined(__AVX2__)
  if constexpr (sizeof v == 32) return _mm256_stream_si256(static_cast<__m256i*>(to), as_bits<__m256i>(v));
#endif
#if defined(__SSE2__)
  if constexpr (sizeof v == 16) return _mm_stream_si128(static_cast<__m128i*>(to), as_bits<__m128i>(v));
#endif
  store_raw(to, v);
}

/// Copies past the caches, for results that are larger than they are.
template <class T>
inline void stream(T* to, const T* from, std::int64_t count) {
#if defined(__SSE2__)
  constexpr std::size_t width = 8 * lanes;
  auto* bytes = reinterpret_cast<char*>(to);
  const auto* source = reinterpret_cast<const char*>(from);
  std::size_t left = static_cast<std::size_t>(count) * sizeof(T);
  std::size_t head = (width - reinterpret_cast<std::uintptr_t>(bytes) % width) % width;
  if (head > left) head = left;
  std::memcpy(bytes, source, head);
  bytes += head, source += head, left -= head;
  for (; left >= width; bytes += width, source += width, left -= width) stream_register(bytes, load_raw<D>(source));
  std::memcpy(bytes, source, left);
#else
  std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(T));
#endif
}

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
