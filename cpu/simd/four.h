#pragma once
// Four registers at a time, an operation after the other on each: the chain of one, each step of which waits for the one before, would
// leave the machine idle, and what it looks ahead is too short for the chains of the next.

#include "cpu/simd/floats.h"

namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL {

template <class R>
struct Four {
  R a, b, c, d;
};
using Block = Four<S>;
inline constexpr std::int64_t block = 4 * wide, four_lanes = 4 * lanes;  ///< elements

template <class F, class R, class... Rest>
SCANGRAD_INLINE auto each(const F& f, const Four<R>& v, const Rest&... rest) {
  return Four<decltype(f(v.a, rest.a...))>{f(v.a, rest.a...), f(v.b, rest.b...), f(v.c, rest.c...), f(v.d, rest.d...)};
}
/// What is written for four serves one register too.
template <class F, class R, class... Rest>
SCANGRAD_INLINE auto each(const F& f, R v, Rest... rest) {
  return f(v, rest...);
}

#define SCANGRAD_FOUR_OPERATOR(op)                                             \
  template <class R>                                                           \
  SCANGRAD_INLINE Four<R> operator op(Four<R> x, Four<R> y) {                  \
    return each(                                                               \
        [](R a, R b) __attribute__((always_inline)) { return a op b; }, x, y); \
  }
SCANGRAD_FOUR_OPERATOR(+)
SCANGRAD_FOUR_OPERATOR(-)
SCANGRAD_FOUR_OPERATOR(*)
SCANGRAD_FOUR_OPERATOR(/)
#undef SCANGRAD_FOUR_OPERATOR
template <class R>
SCANGRAD_INLINE Four<R> operator-(Four<R> v) {
  return each(
      [](R s) __attribute__((always_inline)) { return -s; }, v);
}
template <class R>
SCANGRAD_INLINE Four<R> fma(Four<R> x, Four<R> y, Four<R> z) {
  return each(
      [](R a, R b, R c) __attribute__((always_inline)) { return fma(a, b, c); }, x, y, z);
}
template <class R>
SCANGRAD_INLINE Four<R> maximum(Four<R> x, Four<R> y) {
  return each(
      [](R a, R b) __attribute__((always_inline)) { return maximum(a, b); }, x, y);
}
template <class R>
SCANGRAD_INLINE Four<R> minimum(Four<R> x, Four<R> y) {
  return each(
      [](R a, R b) __attribute__((always_inline)) { return minimum(a, b); }, x, y);
}

template <class V>
inline constexpr bool is_four = requires(V v) {
  v.a;
};
/// A register in each of four, or a number in all lanes.
template <class V, class T>
SCANGRAD_INLINE V all(T value) {
  if constexpr (std::is_same_v<V, T>) {
    return value;
  } else if constexpr (is_four<V>) {
    const auto one = all<decltype(V{}.a)>(value);
    return {one, one, one, one};
  } else {
    return splat<V>(value);
  }
}

/// A polynomial by Horner's scheme: others of the four fill the waits.
template <class V, class T, int n>
SCANGRAD_INLINE V horner(V x, const T (&c)[n]) {
  V p = all<V>(c[n - 1]);
  for (int i = n - 2; i >= 0; --i) p = fma(p, x, all<V>(c[i]));
  return p;
}

SCANGRAD_INLINE Four<D> load_four(const double* p) {
  return {load(p), load(p + lanes), load(p + 2 * lanes), load(p + 3 * lanes)};
}
SCANGRAD_INLINE void store_four(double* p, Four<D> v) {
  store(p, v.a), store(p + lanes, v.b), store(p + 2 * lanes, v.c), store(p + 3 * lanes, v.d);
}
SCANGRAD_INLINE Block load_block(const float* p) {
  return {load_raw<S>(p), load_raw<S>(p + wide), load_raw<S>(p + 2 * wide), load_raw<S>(p + 3 * wide)};
}
/// Where a block's chains need more registers than there are, they go one register after the other.
#if defined(__AVX512F__)
using Part = Block;
#else
using Part = S;
#endif
template <class V = Part>
SCANGRAD_INLINE V load_part(const float* p) {
  if constexpr (is_four<V>) return load_block(p);
  else return load_raw<V>(p);
}
SCANGRAD_INLINE void store_block(float* p, Block v) {
  store_raw(p, v.a), store_raw(p + wide, v.b), store_raw(p + 2 * wide, v.c), store_raw(p + 3 * wide, v.d);
}

/// f(i, here, whole) over `count` elements, a block at a time; `whole` is a constant: the last one may be partly filled.
template <class F>
SCANGRAD_INLINE void for_each_block(std::int64_t count, const F& f) {
  std::int64_t i = 0;
  for (; i + block <= count; i += block) f(i, block, std::true_type());
  if (i < count) f(i, count - i, std::false_type());
}

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
