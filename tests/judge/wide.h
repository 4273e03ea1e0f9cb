#pragma once
// Numbers wide enough to judge by. `long double` (at least 64 bits) judges float32 and the half types: over 2^24 elements it errs by
// 2^-40, a 65000th of float32's unit. `real` (113 bits, support/real.h) judges float64. Both have exponents of 15 bits, so that the
// sums of exponentials never underflow where it could be seen.

#include <complex>
#include <type_traits>
#include <vector>

#include "support/functions.h"

namespace judge {

using test::real;

template <class V>
struct RealOf {
  using type = V;
};
template <class W>
struct RealOf<std::complex<W>> {
  using type = W;
};
/// The type of |v|.
template <class V>
using Real = typename RealOf<V>::type;
template <class V>
inline constexpr bool is_complex = !std::is_same_v<V, Real<V>>;

/// What judges an element type: long double for at most 32 bits of a real, `real` for 64, complex where T is.
template <class T>
using WideReal = std::conditional_t<std::is_same_v<T, double>, real, long double>;
template <class T>
struct WideOf {
  using type = WideReal<T>;
};
template <class R>
struct WideOf<std::complex<R>> {
  using type = std::complex<WideReal<R>>;
};
template <class T>
using Wide = typename WideOf<T>::type;

template <class V>
using Values = std::vector<V>;

template <class W>
W exponential(W x) {
  if constexpr (std::is_same_v<W, long double>) return std::exp(x);
  else return test::exp(x);
}
template <class W>
W logarithm(W x) {
  if constexpr (std::is_same_v<W, long double>) return std::log(x);
  else return test::log(x);
}
template <class W>
W square_root(W x) {
  if constexpr (std::is_same_v<W, long double>) return std::sqrt(x);
  else return test::sqrt(x);
}

inline const real two_pi = 2 * test::pi();

/// x less a multiple of 2 pi, in [-pi, pi].
template <class W>
W principal(W x) {
  const auto turns = std::round(static_cast<long double>(x / static_cast<W>(two_pi)));
  if (!std::isfinite(turns)) return x - x;  // no angle: NaN
  return static_cast<W>(static_cast<real>(x) - turns * two_pi);
}

template <class V>
V conjugate(V v) {
  if constexpr (is_complex<V>) return V(v.real(), -v.imag());
  else return v;
}
template <class V>
Real<V> real_part(V v) {
  if constexpr (is_complex<V>) return v.real();
  else return v;
}
template <class W>
W modulus(W x) {
  return test::abs(static_cast<real>(x)) == 0 ? W(0) : x < 0 ? -x : x;
}
template <class W>
W modulus(std::complex<W> z) {
  const W a = modulus(z.real()), b = modulus(z.imag());
  const W large = a > b ? a : b, small = a > b ? b : a;
  if (!(large > 0) || test::is_infinite(large)) return large;
  return large * square_root(1 + small / large * (small / large));
}
template <class V>
Values<Real<V>> moduli(const Values<V>& v) {
  Values<Real<V>> result(v.size());
  for (std::size_t i = 0; i < v.size(); ++i) result[i] = modulus(v[i]);
  return result;
}

/// A lane for each input.
template <class V>
using Lanes = std::vector<Values<V>>;
template <class V>
Lanes<Real<V>> moduli(const Lanes<V>& lanes) {
  Lanes<Real<V>> result;
  for (const Values<V>& lane : lanes) result.push_back(moduli(lane));
  return result;
}

/// e^{x - m}, where both may be the same infinity.
template <class W>
W exponential_of_difference(W x, W m) {
  return x == m ? W(1) : exponential(x - m);
}
template <class W>
std::complex<W> exponential_of_difference(std::complex<W> x, W m) {
  const W size = exponential_of_difference(x.real(), m), angle = principal(x.imag());
  if constexpr (std::is_same_v<W, long double>) return {size * std::cos(angle), size * std::sin(angle)};
  else return {size * test::cos(angle), size * test::sin(angle)};
}
template <class W>
std::complex<W> logarithm(std::complex<W> z) {
  W angle;
  if constexpr (std::is_same_v<W, long double>) angle = std::atan2(z.imag(), z.real());
  else angle = z.imag() == 0 ? (z.real() < 0 ? two_pi / 2 : W(0)) : test::atan2(z.imag(), z.real());
  return {logarithm(modulus(z)), angle};
}

}  // namespace judge
