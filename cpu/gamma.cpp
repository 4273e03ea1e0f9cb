#include "cpu/gamma.h"

#include <cmath>
#include <limits>
#include <vector>

namespace scangrad::inline v0::cpu {
namespace {

constexpr double pi = 3.14159265358979323846;

/// (-1)^{n+1} polygamma_n(x) = sum_k n! / (x + k)^{n+1} for x >= 15 + n, by Euler and Maclaurin:
/// (n-1)! / x^n + n! / (2 x^{n+1}) + sum_j B_2j (2j + n - 1)! / ((2j)! x^{2j + n}).
double asymptotic(int n, double x) {
  constexpr double bernoulli[] = {1.0 / 6,       -1.0 / 30, 1.0 / 42,      -1.0 / 30,     5.0 / 66,
                                  -691.0 / 2730, 7.0 / 6,   -3617.0 / 510, 43867.0 / 798, -174611.0 / 330};
  const double power = std::pow(x, -n), factorial = std::tgamma(n + 1.0);
  double sum = n == 0 ? -std::log(x) + 0.5 / x : factorial / n * power + factorial * power / (2 * x);
  double ratio = n == 0 ? 1.0 : factorial / n;  // (2j + n - 1)! / (2j)!, from (n - 1)! at j = 0
  for (int j = 1; j <= 10; ++j) {
    const int k = 2 * j;
    ratio = n == 0 ? 1.0 / k : ratio * (k + n - 2.0) * (k + n - 1.0) / ((k - 1.0) * k);
    sum += bernoulli[j - 1] * ratio * power * std::pow(x, -k);
  }
  return sum;
}

/// The n-th derivative of pi cot(pi x), by d/dx P(c) = -pi (1 + c^2) P'(c) on polynomials in c = cot(pi x).
double cotangent_derivative(int n, double x) {
  std::vector<double> p = {0.0, pi};
  for (int k = 0; k < n; ++k) {
    std::vector<double> next(p.size() + 1, 0.0);
    for (std::size_t i = 1; i < p.size(); ++i) {
      next[i - 1] -= pi * static_cast<double>(i) * p[i];
      next[i + 1] -= pi * static_cast<double>(i) * p[i];
    }
    p = std::move(next);
  }
  const double fraction = x - std::floor(x), c = fraction == 0.5 ? 0.0 : 1.0 / std::tan(pi * fraction);
  double value = 0;
  for (std::size_t i = p.size(); i-- > 0;) value = value * c + p[i];
  return value;
}

}  // namespace

double log_gamma(double x) {
  int sign = 0;
  return ::lgamma_r(x, &sign);  // std::lgamma writes to a global
}

double polygamma_at(int order, double x) {
  const double sign = order % 2 == 0 ? -1.0 : 1.0;  // (-1)^{n+1}
  if (std::isnan(x) || (x <= 0 && x == std::floor(x))) return std::numeric_limits<double>::quiet_NaN();
  if (x < 0)  // reflection: psi_n(1 - x) + (-1)^{n+1} psi_n(x) = (-1)^n d^n/dx^n pi cot(pi x)
    return sign * (-sign * cotangent_derivative(order, x) - polygamma_at(order, 1 - x));
  if (std::isinf(x)) return order == 0 ? x : 0.0;
  const double factorial = std::tgamma(order + 1.0);
  double sum = 0;
  for (; x < 15 + order; ++x) sum += factorial * std::pow(x, -(order + 1));
  return sign * (sum + asymptotic(order, x));
}

}  // namespace scangrad::inline v0::cpu
