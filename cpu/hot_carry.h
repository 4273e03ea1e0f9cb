#pragma once
// The seam between carries as the library keeps them (ops/scan/carried.h) and as the kernels do. Sums of float64 and the like are the
// same numbers on both sides. Log sums below float64 are (m, s) here, with e^m, and (n, s) there, with 2^n for an integer n: the kernels
// count in powers of two (cpu/simd/lse.h). The seam costs an exponential a lane and one rounding of float64.

#include <numbers>

#include "ops/scan/log_monoid.h"

namespace scangrad::inline v0::cpu {

/// A log sum, and the tangent of m + log s.
struct LogCarry {
  double m = ops::minus_infinity;
  ops::Twice s;
  double tangent = 0;
  bool empty() const { return m == ops::minus_infinity || s.high == 0; }
};
/// The parts of the kernels' states (ref, s, s_low, u, u_low), with u = s t.
struct LogParts {
  double ref = ops::minus_infinity, s = 0, s_low = 0, u = 0, u_low = 0;
};

/// Beyond, neighbouring float32 are further apart than weights reach, and references are no integers.
inline constexpr double far_log_sum = 0x1p40;

inline LogParts to_kernel(const LogCarry& carry, bool full) {
  if (carry.empty()) return {};
  double ref = carry.m;
  ops::Twice s = carry.s;
  if (!full) {
    ref = carry.m * std::numbers::log2e;
    if (std::fabs(carry.m) < far_log_sum) {
      ref = std::nearbyint(ref);
      s = {s.high * std::exp(std::fma(-ref, std::numbers::ln2, carry.m)), 0};
    }
  }
  const ops::Twice u = std::isnan(carry.m) ? ops::Twice{carry.m, 0} : ops::multiply(s, {carry.tangent, 0});
  return {ref, s.high, s.low, u.high, u.low};
}

inline LogCarry from_kernel(const LogParts& parts, bool full) {
  LogCarry carry{parts.ref, ops::quick_two_sum(parts.s, parts.s_low)};
  if (parts.s == 0) return {};
  carry.tangent = (parts.u + (std::isfinite(parts.u) ? parts.u_low : 0)) / carry.s.high;
  if (full || !std::isfinite(parts.ref)) return carry;
  const double m = parts.ref * std::numbers::ln2;
  if (std::fabs(m) < far_log_sum) {
    carry.m = m;
    carry.s = {parts.s * std::exp(std::fma(parts.ref, std::numbers::ln2, -m)), 0};
  } else {
    carry.m = std::fabs(m) <= std::numeric_limits<float>::max() ? static_cast<float>(m) : m;  // the element that it was
  }
  return carry;
}

/// What a suffix sum a of cotangents, relative to the reference `ref`, gives to the log sum that the kernels started from.
inline double given_to(const LogParts& start, double a, double ref, bool full) {
  if (start.s == 0 || (ref == std::numeric_limits<double>::infinity() && start.ref < ref)) return 0;
  if (!std::isfinite(a)) return a;
  const double weight = start.ref == ref ? 1.0 : full ? ops::exp_difference(start.ref, ref) : std::exp2(start.ref - ref);
  return a * weight * (start.s + start.s_low);
}

}  // namespace scangrad::inline v0::cpu
