#pragma once
// What scans carry in, for the host and for devices: wider than the elements, so that a long scan rounds once, at the store.
//
//   integers                      int64, modulo 2^64
//   float16, bfloat16, float32    float64
//   float64                       Twice, an unevaluated sum of two float64, about 106 bits
//   complex64, complex128         Planar of the carry of the parts

#include <climits>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "core/dtype_visit.h"
#include "core/planted.h"

#ifdef __CUDACC__
#define SCANGRAD_HD __host__ __device__
#else
#define SCANGRAD_HD
#endif

namespace scangrad::inline v0::ops {

/// high + low, where |low| is at most half a unit in the last place of high; low is 0 where high is not finite.
struct Twice {
  double high = 0, low = 0;
};

/// re + i im
template <class R>
struct Planar {
  R re{}, im{};
};

SCANGRAD_HD inline Twice two_sum(double a, double b) {
  const double sum = a + b, b_part = sum - a, low = (a - (sum - b_part)) + (b - b_part);
  return {sum, SCANGRAD_PLANT(infinite_sum_has_nan_low, std::isfinite(sum) ? low : 0.0, low)};
}
/// The same for |a| >= |b|.
SCANGRAD_HD inline Twice quick_two_sum(double a, double b) {
  const double sum = a + b;
  return {sum, std::isfinite(sum) ? b - (sum - a) : 0.0};
}
SCANGRAD_HD inline Twice two_product(double a, double b) {
  const double product = a * b;
  return {product, std::isfinite(product) ? SCANGRAD_PLANT(product_loses_low, std::fma(a, b, -product), 0.0) : 0.0};
}

namespace carry_detail {
template <class T>
struct CarryOf {
  using type = std::conditional_t<std::is_integral_v<T>, std::int64_t, double>;
};
template <>
struct CarryOf<double> {
  using type = Twice;
};
template <class R>
struct CarryOf<std::complex<R>> {
  using type = Planar<typename CarryOf<R>::type>;
};
}  // namespace carry_detail

/// What an element type is carried in.
template <class T>
using Carry = typename carry_detail::CarryOf<T>::type;

template <class C>
inline constexpr bool is_planar = false;
template <class R>
inline constexpr bool is_planar<Planar<R>> = true;

/// A real number as any carry.
template <class C>
SCANGRAD_HD C from_real(double x) {
  if constexpr (is_planar<C>) return {from_real<decltype(C::re)>(x), {}};
  else if constexpr (std::is_same_v<C, Twice>) return {x, 0.0};
  else return static_cast<C>(x);
}

// Each operation for each carry. Integers wrap, as NumPy's do.
SCANGRAD_HD inline std::int64_t add(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}
SCANGRAD_HD inline double add(double a, double b) { return a + b; }
SCANGRAD_HD inline Twice add(Twice a, Twice b) {
  const Twice high = two_sum(a.high, b.high), low = two_sum(a.low, b.low);
  const Twice sum = quick_two_sum(high.high, high.low + SCANGRAD_PLANT(twice_sum_loses_low, low.high, 0.0));
  return quick_two_sum(sum.high, sum.low + low.low);
}
template <class R>
SCANGRAD_HD Planar<R> add(Planar<R> a, Planar<R> b) {
  return {add(a.re, b.re), add(a.im, b.im)};
}

SCANGRAD_HD inline double negative(double a) { return -a; }
SCANGRAD_HD inline Twice negative(Twice a) { return {-a.high, -a.low}; }

SCANGRAD_HD inline std::int64_t multiply(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
}
SCANGRAD_HD inline double multiply(double a, double b) { return a * b; }
SCANGRAD_HD inline Twice multiply(Twice a, Twice b) {
  const Twice product = two_product(a.high, b.high);
  if (!std::isfinite(product.high)) return product;
  return quick_two_sum(product.high, product.low + (a.high * b.low + a.low * b.high));
}
template <class R>
SCANGRAD_HD Planar<R> multiply(Planar<R> a, Planar<R> b) {
  return {add(multiply(a.re, b.re), SCANGRAD_PLANT(complex_product_sign, negative(multiply(a.im, b.im)), multiply(a.im, b.im))),
          add(multiply(a.re, b.im), multiply(a.im, b.re))};
}

/// c times a real number
SCANGRAD_HD inline double scaled(double c, double by) { return c * by; }
SCANGRAD_HD inline Twice scaled(Twice c, double by) { return multiply(c, {by, 0.0}); }
template <class R>
SCANGRAD_HD Planar<R> scaled(Planar<R> c, double by) {
  return {scaled(c.re, by), scaled(c.im, by)};
}

/// The complex conjugate; a real number or integer as it is.
template <class C>
SCANGRAD_HD C conjugated(C c) {
  if constexpr (is_planar<C>) return {c.re, SCANGRAD_PLANT(conjugated_not, negative(c.im), c.im)};
  else return c;
}

SCANGRAD_HD inline bool is_finite(double c) { return std::isfinite(c); }
SCANGRAD_HD inline bool is_finite(Twice c) { return std::isfinite(c.high); }
template <class R>
SCANGRAD_HD bool is_finite(Planar<R> c) {
  return is_finite(c.re) && is_finite(c.im);
}

/// Rounded to one float64 a part.
SCANGRAD_HD inline double rounded(double c) { return c; }
SCANGRAD_HD inline double rounded(Twice c) { return c.high; }
template <class R>
SCANGRAD_HD Planar<double> rounded(Planar<R> c) {
  return {rounded(c.re), rounded(c.im)};
}

SCANGRAD_HD inline bool is_zero(double c) { return c == 0; }
SCANGRAD_HD inline bool is_zero(Twice c) { return c.high == 0; }
template <class R>
SCANGRAD_HD bool is_zero(Planar<R> c) {
  return is_zero(c.re) && is_zero(c.im);
}

/// The exponent of the larger part, of 0 or NaN (INT_MIN to ilogb) one that can be negated.
SCANGRAD_HD inline int exponent_of(Planar<double> c) {
  const int exponent = std::ilogb(std::fmax(std::fabs(c.re), std::fabs(c.im)));
  return exponent == INT_MIN ? -INT_MAX : exponent;
}

SCANGRAD_HD inline double divide(double a, double b) { return a / b; }
SCANGRAD_HD inline Twice divide(Twice a, Twice b) {
  const double quotient = a.high / b.high;
  if (!std::isfinite(quotient)) return {quotient, 0.0};
  return quick_two_sum(quotient, (std::fma(-quotient, b.high, a.high) + a.low - quotient * b.low) / b.high);
}
/// a conj(b) / |b|^2, with b scaled so that its square neither overflows nor underflows. Exact to some units of float64.
template <class R>
SCANGRAD_HD Planar<R> divide(Planar<R> numerator, Planar<R> denominator) {
  const Planar<double> a = rounded(numerator), b = rounded(denominator);
  const int exponent = exponent_of(b);
  const double re = std::ldexp(b.re, -exponent), im = std::ldexp(b.im, -exponent), square = re * re + im * im;
  const auto part = [&](double p) { return R{std::ldexp(p / square, -exponent)}; };
  return {part(a.re * re + a.im * im), part(a.im * re - a.re * im)};
}

/// An element as what it is carried in, and back with one rounding.
template <class T>
SCANGRAD_HD Carry<T> carried(T x) {
  if constexpr (core::is_complex_type<T>) return {carried(x.real()), carried(x.imag())};
  else if constexpr (std::is_same_v<Carry<T>, Twice>) return {x, 0.0};
  else return core::convert<Carry<T>>(x);
}
template <class T>
SCANGRAD_HD T stored(Carry<T> c) {
  if constexpr (core::is_complex_type<T>) {
    const auto parts = rounded(c);
    return {static_cast<typename T::value_type>(parts.re), static_cast<typename T::value_type>(parts.im)};
  } else if constexpr (std::is_same_v<Carry<T>, Twice>) {
    return c.high;
  } else {
    return core::convert<T>(c);
  }
}

}  // namespace scangrad::inline v0::ops
