#pragma once
// The scans and their derivatives by definition, in wide arithmetic, each with what its error is measured by:
//
//   units = (|got - value| - floor * smallest subnormal) / (u * scale)
//
// where u is the unit roundoff of the dtype under test. scale is the sum of the absolute values of what is summed, or what section
// "accuracy" of docs/accuracy.md says; infinite where nothing is promised. Lanes are in scan order: reverse is the caller's.

#include <cstdint>
#include <memory>
#include <string_view>

#include "judge/wide.h"

namespace judge {

enum class Scan : std::uint8_t { cumsum, cumprod, cummax, cummin, logcumsumexp, linear_recurrence };
inline constexpr Scan all_scans[] = {Scan::cumsum, Scan::cumprod,      Scan::cummax,
                                     Scan::cummin, Scan::logcumsumexp, Scan::linear_recurrence};
std::string_view to_string(Scan scan);
/// linear_recurrence takes a and b.
inline std::size_t inputs(Scan scan) { return scan == Scan::linear_recurrence ? 2 : 1; }

template <class V>
struct Exact {
  Values<V> value;
  Values<Real<V>> scale, floor;
};

template <class V>
class Reference {
 public:
  virtual ~Reference() = default;
  virtual Exact<V> value(bool exclusive) const = 0;
  virtual Exact<V> jvp(const Lanes<V>& t, bool exclusive) const = 0;
  virtual std::vector<Exact<V>> vjp(const Values<V>& g, bool exclusive) const = 0;
  virtual Exact<V> jvp_of_jvp(const Lanes<V>& t, const Lanes<V>& a, bool exclusive) const = 0;
  /// Of logcumsumexp: jvp of vjp in direction a, which vjp of jvp and vjp of vjp are too, with other names for a and g.
  virtual Exact<V> jvp_of_vjp(const Values<V>&, const Values<V>&, bool) const { return {}; }
};

/// V is one of long double, real, and complex of either.
template <class V>
std::unique_ptr<Reference<V>> reference(Scan scan, const Lanes<V>& x);

}  // namespace judge
