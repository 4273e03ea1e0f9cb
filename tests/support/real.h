#pragma once
// The number type of the references. With 113 bits, differences of a reference with steps of 2^-20 are its derivatives to 25
// digits, so that a derivative is held against the definition of the function and nothing else. exp and log are written out,
// since no compiler but g++ has libquadmath.

#include <cmath>

namespace test {

#if defined(__SIZEOF_FLOAT128__)
using real = __float128;
#else
using real = long double;
#endif

inline const real infinity = __builtin_inf();
inline const real nan = __builtin_nan("");

inline bool is_nan(real x) { return x != x; }
inline bool is_infinite(real x) { return x == infinity || x == -infinity; }
inline real abs(real x) { return x < 0 ? -x : x; }
inline real sign(real x) { return x > 0 ? 1 : x < 0 ? -1 : x; }
inline real larger(real a, real b) { return a > b || is_nan(a) ? a : b; }
inline real smaller(real a, real b) { return a < b || is_nan(a) ? a : b; }

/// 2^k (e^{r/16})^16 with x = k log 2 + r, by the series
inline real exp(real x) {
  if (is_nan(x) || x == infinity) return x;
  if (x < -11000) return 0;
  constexpr real log2_high = 0x0.b17217f7d1cf79abp0L, log2_low = 0x0.c9e3b39803f2f6af40f3p-64L;  // high * k is exact
  const auto k = static_cast<int>(std::lround(static_cast<double>(x / log2_high)));
  const real y = ((x - k * log2_high) - k * log2_low) / 16;
  real sum = 1, term = 1;
  for (int n = 1; abs(term) > 1e-36L; ++n) sum += term *= y / n;
  for (int i = 0; i < 4; ++i) sum *= sum;
  return sum * std::ldexp(1.0L, k);
}

/// libm's, and one step of Halley's iteration on e^y = x
inline real log(real x) {
  const real y = std::log(static_cast<long double>(x));
  if (is_nan(y) || is_infinite(y)) return y;
  const real e = exp(y);
  return y + 2 * (x - e) / (x + e);
}

/// libm's, and one of Newton's steps
inline real sqrt(real x) {
  const real y = std::sqrt(static_cast<long double>(x));
  return y == 0 || is_nan(y) || is_infinite(y) ? y : (y + x / y) / 2;
}

}  // namespace test
