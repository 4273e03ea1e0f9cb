#pragma once
// From 64 random bits to a number of some distribution. Only +, -, x, /, sqrt and integer operations, in a fixed order, without
// fused multiply-adds: the same bits on every host and device.

#include <bit>
#include <cmath>

#include "core/dtype_visit.h"
#include "ops/random/philox.h"

namespace scangrad::inline v0::ops {

/// Bits of the significand, the leading one included.
template <class T>
inline constexpr int digits = std::numeric_limits<T>::digits;
template <>
inline constexpr int digits<float16> = 11;
template <>
inline constexpr int digits<bfloat16> = 8;

/// The first bits, as many as T holds, after the binary point.
template <class T>
T unit_interval(std::uint64_t bits) noexcept {
  constexpr int d = digits<T>;
  return core::convert<T>(static_cast<double>(static_cast<std::int64_t>(bits >> (64 - d))) *
                          (1.0 / static_cast<double>(std::int64_t{1} << d)));
}

/// (k + 1/2) / 2^64 for k < 2^63: in (0, 1/2].
inline double lower_probability(std::uint64_t k) noexcept {
  return (static_cast<double>(static_cast<std::int64_t>(k)) + 0.5) * 0x1p-64;
}

/// log of 2^k (1 + f) for 1 + f in [sqrt(1/2), sqrt(2)]: with s = f / (2 + f), log(1 + f) = 2 atanh s = f - s (f - R),
/// R = 2/3 s^2 + 2/5 s^4 + ...
inline double log_of_parts(double k, double f) noexcept {
  constexpr double ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33;  // k ln2_high is exact
  const double s = f / (2.0 + f), z = s * s;
  double R = 0;
  for (int i = 11; i >= 1; --i) R = (R + 2.0 / (2 * i + 1)) * z;  // the rest is below 2^-61 s
  const double half_square = 0.5 * f * f;
  return k * ln2_high + (f - (half_square - (s * (half_square + R) + k * ln2_low)));
}

struct Parts {
  double k, m;
};
/// A normal x > 0 as 2^k m, m in [sqrt(1/2), sqrt(2)).
inline Parts parts(double x) noexcept {
  constexpr std::int64_t sqrt_half = 0x3FE6A09E667F3BCD;
  const auto bits = std::bit_cast<std::int64_t>(x);
  const std::int64_t k = (bits - sqrt_half) >> 52;
  return {static_cast<double>(k), std::bit_cast<double>(bits - k * (std::int64_t{1} << 52))};
}

inline double fixed_log(double x) noexcept {
  const auto [k, m] = parts(x);
  return log_of_parts(k, m - 1.0);
}

template <std::size_t N>
double horner(const double (&coefficients)[N], double x) noexcept {
  double sum = coefficients[N - 1];
  for (std::size_t i = N - 1; i-- > 0;) sum = sum * x + coefficients[i];
  return sum;
}

// The quantile of the normal distribution by Wichura's rational functions (Algorithm AS 241, PPND16, 1988).

/// z with P(0 < Z < z) = q, for q <= 0.425.
inline double central_quantile(double q) noexcept {
  constexpr double a[] = {3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
                          4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3};
  constexpr double b[] = {1.0,
                          4.2313330701600911252e1,
                          6.8718700749205790830e2,
                          5.3941960214247511077e3,
                          2.1213794301586595867e4,
                          3.9307895800092710610e4,
                          2.8729085735721942674e4,
                          5.2264952788528545610e3};
  const double r = 0.180625 - q * q;
  return q * horner(a, r) / horner(b, r);
}

/// z with P(Z > z) = p, for p <= 0.075.
inline double tail_quantile(double p) noexcept {
  constexpr double c[] = {1.42343711074968357734e0,  4.63033784615654529590e0, 5.76949722146069140550e0,
                          3.64784832476320460504e0,  1.27045825245236838258e0, 2.41780725177450611770e-1,
                          2.27238449892691845833e-2, 7.74545014278341407640e-4};
  constexpr double d[] = {1.0,
                          2.05319162663775882187e0,
                          1.67638483018380384940e0,
                          6.89767334985100004550e-1,
                          1.48103976427480074590e-1,
                          1.51986665636164571966e-2,
                          5.47593808499534494600e-4,
                          1.05075007164441684324e-9};
  constexpr double e[] = {6.65790464350110377720e0,  5.46378491116411436990e0,  1.78482653991729133580e0,
                          2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                          2.71155556874348757815e-5, 2.01033439929228813265e-7};
  constexpr double f[] = {1.0,
                          5.99832206555887937690e-1,
                          1.36929880922735805310e-1,
                          1.48753612908506148525e-2,
                          7.86869131145613259100e-4,
                          1.84631831751005468180e-5,
                          1.42151175831644588870e-7,
                          2.04426310338993978564e-15};
  const double r = std::sqrt(-fixed_log(p));
  return r <= 5.0 ? horner(c, r - 1.6) / horner(d, r - 1.6) : horner(e, r - 5.0) / horner(f, r - 5.0);
}

// The distributions, n numbers at once, n <= stretch: in passes of which those with the long formulas have neither branches nor
// integers, so that they go into vectors.
inline constexpr std::int64_t stretch = 128;

/// The first bit is the sign, the others the probability of what lies beyond.
inline void standard_normals(const std::uint64_t* bits, std::int64_t n, double* z) noexcept {
  constexpr std::uint64_t sign = std::uint64_t{1} << 63;
  constexpr double middle = 0.425;
  double q[stretch];
  for (std::int64_t i = 0; i < n; ++i) q[i] = 0.5 - lower_probability(bits[i] & ~sign);
  for (std::int64_t i = 0; i < n; ++i) z[i] = central_quantile(q[i]);
  for (std::int64_t i = 0; i < n; ++i) {
    if (q[i] > middle) z[i] = tail_quantile(lower_probability(bits[i] & ~sign));
    z[i] = std::bit_cast<double>(std::bit_cast<std::uint64_t>(z[i]) | (bits[i] & sign));
  }
}

/// -log u for u = (bits + 1/2) / 2^64. Where u > 1/2, it is 1 - v for a v that is known exactly, also below the last bit of u.
inline void standard_exponentials(const std::uint64_t* bits, std::int64_t n, double* x) noexcept {
  double k[stretch], f[stretch];
  for (std::int64_t i = 0; i < n; ++i) {
    const bool upper = (bits[i] >> 63) != 0;
    const double v = lower_probability(upper ? ~bits[i] : bits[i]);
    const Parts u = parts(upper ? 1.0 - v : v);
    k[i] = u.k;
    f[i] = upper && u.k == 0 ? -v : u.m - 1.0;
  }
  for (std::int64_t i = 0; i < n; ++i) x[i] = -log_of_parts(k[i], f[i]);
}

/// -log of an exponential.
inline void standard_gumbels(const std::uint64_t* bits, std::int64_t n, double* x) noexcept {
  double k[stretch], f[stretch];
  standard_exponentials(bits, n, x);
  for (std::int64_t i = 0; i < n; ++i) {
    const Parts e = parts(x[i]);
    k[i] = e.k;
    f[i] = e.m - 1.0;
  }
  for (std::int64_t i = 0; i < n; ++i) x[i] = -log_of_parts(k[i], f[i]);
}

/// Evenly over 0, ..., count - 1 (Lemire, "Fast random integer generation in an interval", 2019): the high word of bits x count; where
/// the low word says that this value would come too often, the next attempt's bits decide.
inline std::uint64_t below(std::uint64_t count, std::uint64_t bits, std::uint64_t key, std::uint64_t i) noexcept {
  const auto times = [count](std::uint64_t x) { return static_cast<unsigned __int128>(x) * count; };
  unsigned __int128 product = times(bits);
  if (static_cast<std::uint64_t>(product) < count) {
    const std::uint64_t excess = (0 - count) % count;  // 2^64 mod count
    for (std::uint32_t attempt = 1; static_cast<std::uint64_t>(product) < excess; ++attempt)
      product = times(random_word(key, Stream::randint, i, attempt));
  }
  return static_cast<std::uint64_t>(product >> 64);
}

}  // namespace scangrad::inline v0::ops
