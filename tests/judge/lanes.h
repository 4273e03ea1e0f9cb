#pragma once
// Shifts and sums that the references share.

#include <limits>

#include "judge/exact.h"

namespace judge {

inline const long double unlimited = std::numeric_limits<long double>::infinity();

/// (S v)_k = v_{k-1}, `first` enters; and its adjoint, v_{k+1}, 0 enters.
template <class V>
Values<V> shifted(Values<V> v, V first) {
  for (std::size_t k = v.size(); k-- > 1;) v[k] = v[k - 1];
  if (!v.empty()) v[0] = first;
  return v;
}
template <class V>
Values<V> unshifted(Values<V> v) {
  for (std::size_t k = 0; k + 1 < v.size(); ++k) v[k] = v[k + 1];
  if (!v.empty()) v.back() = V(0);
  return v;
}

/// 1 + the running sum of absolute values over all lanes, forwards or backwards.
template <class V>
Values<Real<V>> floors(const Lanes<V>& t, bool backwards) {
  Values<Real<V>> result(t[0].size());
  Real<V> sum = 1;
  for (std::size_t i = 0; i < result.size(); ++i) {
    const std::size_t k = backwards ? result.size() - 1 - i : i;
    for (const Values<V>& lane : t) sum += modulus(lane[k]);
    result[k] = sum;
  }
  return result;
}

}  // namespace judge
