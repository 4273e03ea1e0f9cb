#pragma once
// What lanes start from, end with, and pass back, between the arrays of a HotCall and the kernels' parts.

#include "cpu/hot_carry.h"
#include "cpu/hot_element.h"
#include "cpu/hot_scan.h"

namespace scangrad::inline v0::cpu {

/// The arrays of a HotCall: inputs, outputs, the carries that they start from and end with, the cotangents of these.
inline constexpr std::size_t max_arrays = max_inputs + max_outputs + 2 * max_carried + 2;
inline constexpr std::size_t out_at = max_inputs, initial_at = out_at + max_outputs, final_at = initial_at + max_carried,
                             cotangent_at = final_at + max_carried, behind_at = cotangent_at + 1;
/// An element of each.
using HotOffsets = std::array<std::int64_t, max_arrays>;

/// The carries that `count` neighbouring lanes start from and end with, part after part; what an exclusive scan shows of the first,
/// output after output, each by components; and the cotangents of the last.
struct Carries {
  std::int64_t count;
  double *initial, *final, *seen, *behind;

  static constexpr std::int64_t size(std::int64_t count) { return (2 * max_parts + 2 * max_outputs + 1) * count; }
  /// In `memory`, if anything is carried: lanes may be short, and filling it would take longer than they.
  Carries(std::int64_t n, bool carried, double* memory)
      : count(n),
        initial(memory),
        final(memory + max_parts * n),
        seen(memory + 2 * max_parts * n),
        behind(memory + size(n) - n) {
    if (carried) std::fill_n(memory, 2 * max_parts * n, 0.0);
  }
};

class HotCarries {
 public:
  explicit HotCarries(const HotCall& call)
      : call_(call), dtype_(call.out[0]->dtype()), components_(is_complex(dtype_) ? 2 : 1) {
    for (const Array* array : call.final) ends_ = ends_ || array != nullptr;
  }

  /// Whether the carry after the last element is wanted.
  bool ends() const { return ends_; }
  /// Whether lanes start from, end with, or pass anything.
  bool any() const {
    return call_.initial[0] != nullptr || call_.initial_cotangent != nullptr || call_.final_cotangent != nullptr || ends_;
  }

  void give(Carries& carries, std::int64_t lane, const HotOffsets& at) const {
    if (call_.final_cotangent != nullptr) carries.behind[lane] = value_at(*call_.final_cotangent, at[behind_at]);
    if (call_.initial[0] == nullptr) return;
    double *to = carries.initial + lane, *seen = carries.seen + lane;
    const auto value = [&](std::size_t k, int c = 0) {
      return call_.initial[k] == nullptr ? 0.0 : value_at(*call_.initial[k], at[initial_at + k], c);
    };
    if (!is_log_sum(call_.scan)) {
      for (int c = 0; c < components_; ++c) {
        for (std::size_t k = 0; k < max_carried; ++k)
          if (call_.initial[k] != nullptr) to[(call_.carry_part[k] + c) * carries.count] = value(k, c);
        seen[c * carries.count] = value(0, c), seen[(components_ + c) * carries.count] = value(carried_tangent, c);
      }
      return;
    }
    const LogCarry carry{value(0), {value(1), value(2)}, value(carried_tangent)};
    const LogParts parts = to_kernel(carry, full());
    const double all[] = {parts.ref, parts.s, parts.s_low, parts.u, parts.u_low};
    for (int p = 0; p < 5; ++p) to[p * carries.count] = all[p];
    seen[0] = carry.empty() ? ops::minus_infinity : ops::log_relative(carry.m, carry.s);
    const double mean = carry.empty() ? 0 : std::isnan(carry.m) ? carry.m : carry.tangent;
    seen[call_.scan == HotScan::logcumsumexp_mean ? 0 : carries.count] = mean;
  }

  void take(const Carries& carries, std::int64_t lane, const HotOffsets& at) const {
    if (ends_) take_final(carries, lane, at);
    for (int c = 0; c < components_ && call_.initial_cotangent != nullptr; ++c)
      put_value(*call_.initial_cotangent, at[cotangent_at], cotangent(carries, lane, at, c), c);
  }

  /// Lanes without elements end with what they started from.
  void take_empty(const HotOffsets& at) const {
    for (std::size_t k = 0; k < max_carried; ++k)
      if (call_.final[k] != nullptr) {
        const double identity = k == 0 ? call_.first[0] : 0;
        const Array* initial = call_.initial[k];
        put_value(*call_.final[k], at[final_at + k], initial == nullptr ? identity : value_at(*initial, at[initial_at + k]));
      }
    if (call_.initial_cotangent == nullptr) return;
    const bool passes = call_.final_cotangent != nullptr &&
                        !(is_log_sum(call_.scan) && value_at(*call_.initial[0], at[initial_at]) == ops::minus_infinity);
    for (int c = 0; c < components_; ++c)
      put_value(*call_.initial_cotangent, at[cotangent_at], passes ? value_at(*call_.final_cotangent, at[behind_at], c) : 0, c);
  }

 private:
  bool full() const { return dtype_ == DType::float64; }

  static LogParts log_parts(const double* parts, std::int64_t stride) {
    return {parts[0], parts[stride], parts[2 * stride], parts[3 * stride], parts[4 * stride]};
  }

  void take_final(const Carries& carries, std::int64_t lane, const HotOffsets& at) const {
    const double* from = carries.final + lane;
    double value[max_carried];
    if (is_log_sum(call_.scan)) {
      const LogCarry carry = from_kernel(log_parts(from, carries.count), full());
      value[0] = carry.m, value[1] = carry.s.high, value[2] = carry.s.low, value[3] = carry.tangent;
    } else if (call_.final[1] != nullptr) {  // in two parts
      const double high = from[call_.carry_part[0] * carries.count], low = from[call_.carry_part[1] * carries.count];
      const ops::Twice c = ops::two_sum(high, std::isfinite(high) ? low : 0);
      value[0] = c.high, value[1] = c.low;
    } else {
      value[0] = from[call_.carry_part[0] * carries.count];
    }
    for (std::size_t k = 0; k < max_carried; ++k)
      if (call_.final[k] != nullptr) put_value(*call_.final[k], at[final_at + k], value[k]);
  }
  /// Of the carry that the scan starts from. An exclusive scan's first output is that carry itself.
  double cotangent(const Carries& carries, std::int64_t lane, const HotOffsets& at, int component) const {
    const double first = carries.final[component * carries.count + lane], second = carries.final[carries.count + lane];
    const auto g = static_cast<std::size_t>(cotangent_of(call_.scan));
    const double own = call_.order.exclusive ? value_at(*call_.in[g], at[g], component) : 0;
    if (is_complex(dtype_)) return first + own;
    if (!is_log_sum(call_.scan)) return first + second + own;
    const LogParts start = log_parts(carries.initial + lane, carries.count);
    return start.s == 0 ? 0 : given_to(start, second, first, full()) + own;
  }

  const HotCall& call_;
  DType dtype_;
  int components_;
  bool ends_ = false;
};

}  // namespace scangrad::inline v0::cpu
