#pragma once
// Registers of complex numbers: one of real parts, one of imaginary ones. Light numbers are plain doubles and serve complex64.
// Full ones carry a high and a low part each and serve complex128, whose sums and products so round once.
//
// In memory the parts of an element lie side by side. `read_planar` and `write_planar` take them apart and put them together, a
// tile at a time: the kernels see planes of doubles, whatever the dtype, the stride or the direction.

#include <type_traits>

#include "cpu/simd/job.h"
#include "cpu/simd/monoids.h"

namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL {

template <bool full>
struct Number;
template <>
struct Number<false> {
  D re, im;
};
template <>
struct Number<true> {
  D re, im, re_low, im_low;
};
using Z = Number<false>;

SCANGRAD_INLINE Z conjugate(Z a) { return {a.re, -a.im}; }
SCANGRAD_INLINE Number<true> conjugate(Number<true> a) { return {a.re, -a.im, a.re_low, -a.im_low}; }
SCANGRAD_INLINE Z operator+(Z a, Z b) { return {a.re + b.re, a.im + b.im}; }
SCANGRAD_INLINE Z operator*(Z a, D b) { return {a.re * b, a.im * b}; }
/// Each product is rounded, none fused: those that should cancel do.
SCANGRAD_INLINE Z operator*(Z a, Z b) { return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re}; }
SCANGRAD_INLINE Z select(I mask, Z a, Z b) { return {mask ? a.re : b.re, mask ? a.im : b.im}; }
SCANGRAD_INLINE I is_nan(Z a) { return is_nan(a.re) | is_nan(a.im); }
SCANGRAD_INLINE I is_zero(Z a) { return (a.re == 0.0) & (a.im == 0.0); }
SCANGRAD_INLINE I is_finite(Z a) { return (absolute(a.re) < __builtin_inf()) & (absolute(a.im) < __builtin_inf()); }

SCANGRAD_INLINE Z high_of(Number<false> a) { return a; }
SCANGRAD_INLINE Z high_of(Number<true> a) { return {a.re, a.im}; }
template <bool full>
SCANGRAD_INLINE Number<full> number(Z a) {
  if constexpr (full) return {a.re, a.im, D{}, D{}};
  else return a;
}
/// Rounded to one double a part.
SCANGRAD_INLINE Z value_of(Number<false> a) { return a; }
SCANGRAD_INLINE Z value_of(Number<true> a) { return {rounded(a.re, a.re_low), rounded(a.im, a.im_low)}; }

SCANGRAD_INLINE Z add(Z a, Z b) { return a + b; }
SCANGRAD_INLINE Number<true> add(Number<true> a, Number<true> b) {
  const D re = a.re + b.re, im = a.im + b.im;
  return {re, im, sum_error(a.re, b.re, re) + (a.re_low + b.re_low), sum_error(a.im, b.im, im) + (a.im_low + b.im_low)};
}

SCANGRAD_INLINE Z multiply(Z a, Z b) { return a * b; }
namespace detail {
struct Sum {
  D high, low;
};
/// a b + c d, as a high and a low part; `cross` are the products with low parts.
SCANGRAD_INLINE Sum two_products(D a, D b, D c, D d, D cross) {
  const D p = a * b, q = c * d, high = p + q;
  return {high, sum_error(p, q, high) + ((product_error(a, b, p) + product_error(c, d, q)) + cross)};
}
}  // namespace detail
SCANGRAD_INLINE Number<true> multiply(Number<true> a, Number<true> b) {
  const auto re =
      detail::two_products(a.re, b.re, -a.im, b.im, (a.re * b.re_low + a.re_low * b.re) - (a.im * b.im_low + a.im_low * b.im));
  const auto im =
      detail::two_products(a.re, b.im, a.im, b.re, (a.re * b.im_low + a.re_low * b.im) + (a.im * b.re_low + a.im_low * b.re));
  return {re.high, im.high, re.low, im.low};
}

// ---- planes -----------------------------------------------------------------------------------------------------------------
/// The parts of a tile's elements. Before the first there is room for a register; so there is behind the last. Planes are not a
/// multiple of 4 KiB apart, where each load would wait for the store before it.
struct Plane {
  static constexpr std::int64_t front = 16;
  alignas(64) double values[front + complex_tile + 64];
  Plane() {
    for (std::int64_t i = 0; i < front; ++i) values[i] = 0;
  }
  SCANGRAD_INLINE double* at(std::int64_t i) { return values + front + i; }
  SCANGRAD_INLINE const double* at(std::int64_t i) const { return values + front + i; }
};
struct Planes {
  Plane re, im;
};

namespace detail {
template <class V, int... i>
SCANGRAD_INLINE V even(V a, V b, std::integer_sequence<int, i...>) {
  return __builtin_shufflevector(a, b, (2 * i)...);
}
template <class V, int... i>
SCANGRAD_INLINE V odd(V a, V b, std::integer_sequence<int, i...>) {
  return __builtin_shufflevector(a, b, (2 * i + 1)...);
}
template <int from, class V, int... i>
SCANGRAD_INLINE V interleaved(V a, V b, std::integer_sequence<int, i...>) {
  return __builtin_shufflevector(a, b, ((i + from) / 2 + (i % 2) * lanes)...);
}
template <class R>
struct RegisterOf {
  using type = D;
};
template <>
struct RegisterOf<float> {
  using type = F;
};
}  // namespace detail

/// `lanes` elements from p upwards, R their parts' type.
template <class R>
SCANGRAD_INLINE Z load_complex(const R* p) {
  using V = typename detail::RegisterOf<R>::type;
  const V a = load_raw<V>(p), b = load_raw<V>(p + lanes);
  return {__builtin_convertvector(detail::even(a, b, EachLane()), D),
          __builtin_convertvector(detail::odd(a, b, EachLane()), D)};
}
template <class R>
SCANGRAD_INLINE void store_complex(R* p, Z v) {
  using V = typename detail::RegisterOf<R>::type;
  const V re = __builtin_convertvector(v.re, V), im = __builtin_convertvector(v.im, V);
  store_raw(p, detail::interleaved<0>(re, im, EachLane()));
  store_raw(p + lanes, detail::interleaved<lanes>(re, im, EachLane()));
}

/// `count` elements in scan order from `first`, `step` elements apart or at `places`, to i and on in the planes; zeros fill the
/// last register.
template <class R>
void read_planar(Planes& to, std::int64_t i, const R* first, std::int64_t step, const std::int64_t* places,
                 std::int64_t count) {
  std::int64_t k = 0;
  if (places == nullptr && (step == 1 || step == -1))
    for (; k + lanes <= count; k += lanes) {
      const Z v = step > 0 ? load_complex(first + 2 * k) : load_complex(first - 2 * (k + lanes - 1));
      store(to.re.at(i + k), step > 0 ? v.re : reversed(v.re));
      store(to.im.at(i + k), step > 0 ? v.im : reversed(v.im));
    }
  for (; k < count; ++k) {
    const R* const here = first + 2 * (places != nullptr ? places[k] : k * step);
    *to.re.at(i + k) = here[0], *to.im.at(i + k) = here[1];
  }
  for (; k % lanes != 0; ++k) *to.re.at(i + k) = 0, *to.im.at(i + k) = 0;
}

/// The other way round; `step` is 1 or -1.
template <class R>
void write_planar(const Planes& from, std::int64_t i, R* first, std::int64_t step, std::int64_t count, bool streaming) {
  R copy[2 * complex_tile];
  R* const to = streaming ? copy + (step < 0 ? 2 * (count - 1) : 0) : first;
  std::int64_t k = 0;
  for (; k + lanes <= count; k += lanes) {
    const Z v{load(from.re.at(i + k)), load(from.im.at(i + k))};
    if (step > 0) store_complex(to + 2 * k, v);
    else store_complex(to - 2 * (k + lanes - 1), {reversed(v.re), reversed(v.im)});
  }
  for (; k < count; ++k) {
    to[2 * k * step] = static_cast<R>(*from.re.at(i + k));
    to[2 * k * step + 1] = static_cast<R>(*from.im.at(i + k));
  }
  if (streaming) stream(step < 0 ? first - 2 * (count - 1) : first, copy, 2 * count);
}

/// Elements where they lie, one after the other or backwards: for kernels that are as fast as the way to planes and back.
template <class R>
struct Memory {
  R* first;
  std::int64_t step;  ///< 1 or -1
  SCANGRAD_INLINE Z get(std::int64_t i, std::int64_t count) const {
    if (count == lanes) {
      if (step > 0) return load_complex(first + 2 * i);
      const Z v = load_complex(first - 2 * (i + lanes - 1));
      return {reversed(v.re), reversed(v.im)};
    }
    std::remove_const_t<R> own[2 * lanes] = {};
    for (std::int64_t k = 0; k < count; ++k)
      own[2 * k] = first[2 * (i + k) * step], own[2 * k + 1] = first[2 * (i + k) * step + 1];
    return load_complex(own);
  }
  SCANGRAD_INLINE void put(std::int64_t i, std::int64_t count, Z v) const {
    if (count == lanes) {
      if (step > 0) return store_complex(first + 2 * i, v);
      return store_complex(first - 2 * (i + lanes - 1), {reversed(v.re), reversed(v.im)});
    }
    R own[2 * lanes];
    store_complex(own, v);
    for (std::int64_t k = 0; k < count; ++k)
      first[2 * (i + k) * step] = own[2 * k], first[2 * (i + k) * step + 1] = own[2 * k + 1];
  }
};

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
