#pragma once
// Functions of `real` for the references, by their series, and Newton's steps on libm's results.

#include "support/real.h"

namespace test {

/// By the series; for |x| up to about 10.
inline real sin(real x) {
  real sum = x, term = x;
  for (int n = 1; abs(term) > 1e-38L && n < 200; ++n) sum += term *= -x * x / ((2 * n) * (2 * n + 1));
  return sum;
}
inline real cos(real x) {
  real sum = 1, term = 1;
  for (int n = 1; abs(term) > 1e-38L && n < 200; ++n) sum += term *= -x * x / ((2 * n - 1) * (2 * n));
  return sum;
}
/// libm's, and a step of Newton's on sin y = x cos y
inline real atan(real x) {
  const real y = std::atan(static_cast<long double>(x));
  return y - (sin(y) - x * cos(y)) / (cos(y) + x * sin(y));
}
/// libm's, and a step of Newton's on sin y = x
inline real asin(real x) {
  const real y = std::asin(static_cast<long double>(x));
  return y - (sin(y) - x) / cos(y);
}
inline real pi() { return 4 * atan(1); }
inline real atan2(real y, real x) {
  if (x == 0) return sign(y) * pi() / 2;
  if (x > 0) return atan(y / x);
  return y > 0 ? atan(y / x) + pi() : atan(y / x) - pi();
}
/// 2 / sqrt(pi) sum (-1)^n x^{2n+1} / (n! (2n + 1))
inline real erf(real x) {
  real sum = 0, term = x;
  for (int n = 0; abs(term) > 1e-38L; ++n) {
    sum += term / (2 * n + 1);
    term *= -x * x / (n + 1);
  }
  return 2 / sqrt(pi()) * sum;
}
inline real pow(real a, real b) { return exp(b * log(a)); }

inline constexpr int stirling_terms = 10;
/// Numerator and denominator of the Bernoulli number B_2k.
inline real bernoulli(int k) {
  constexpr double numerator[] = {1, -1, 1, -1, 5, -691, 7, -3617, 43867, -174611};
  constexpr double denominator[] = {6, 30, 42, 30, 66, 2730, 6, 510, 798, 330};
  return static_cast<real>(numerator[k - 1]) / static_cast<real>(denominator[k - 1]);
}
/// log gamma(x + n) by Stirling's series, less log x (x + 1) .. (x + n - 1); for x > 0
inline real lgamma(real x) {
  real product = 1;
  for (; x < 60; x += 1) product *= x;
  real sum = (x - static_cast<real>(0.5)) * log(x) - x + log(2 * pi()) / 2 - log(product);
  real power = x;
  for (int k = 1; k <= stirling_terms; ++k, power *= x * x) sum += bernoulli(k) / (2 * k * (2 * k - 1) * power);
  return sum;
}
/// The derivative of that.
inline real digamma(real x) {
  real sum = 0;
  for (; x < 60; x += 1) sum -= 1 / x;
  sum += log(x) - 1 / (2 * x);
  real power = x * x;
  for (int k = 1; k <= stirling_terms; ++k, power *= x * x) sum -= bernoulli(k) / (2 * k * power);
  return sum;
}

}  // namespace test
