#pragma once
// The reference of logcumsumexp: its derivatives close over the running softmax-weighted mean M (docs/scan_rules.md).

#include "judge/lanes.h"

namespace judge {

/// w_ki = e_i d_{i+1} .. d_k / s_k, where m_k is the running maximum, e_k = e^{x_k - m_k}, d_k = e^{m_{k-1} - m_k}, and s_k the sum
/// of e^{x_i - m_k}. On V = W with absolute values of e and s it gives sums of |w|.
template <class V>
struct Weights {
  using W = Real<V>;
  Values<W> kept;  ///< d
  Values<V> terms, sums;

  /// (M t)_k = sum_i w_ki t_i. A prefix whose sum is 0 has mean 0.
  Values<V> mean(const Values<V>& t, bool exclusive) const {
    Values<V> result(t.size());
    V u = 0;
    for (std::size_t k = 0; k < t.size(); ++k) {
      u *= kept[k];
      if (terms[k] != V(0)) u += terms[k] * t[k];
      result[k] = sums[k] == V(0) ? V(0) : u / sums[k];
    }
    return exclusive ? shifted(result, V(0)) : result;
  }
  /// (M^H g)_i = sum_k conj(w_ki) g_k = conj(e_i) A_i with A_k = g_k / conj(s_k) + d_{k+1} A_{k+1}.
  Values<V> adjoint(const Values<V>& g, bool exclusive) const {
    const Values<V> reached = exclusive ? unshifted(g) : g;
    Values<V> result(g.size());
    V A = 0;
    for (std::size_t k = g.size(); k-- > 0;) {
      if (k + 1 < g.size()) A *= kept[k + 1];
      if (sums[k] != V(0)) A += reached[k] / conjugate(sums[k]);
      result[k] = terms[k] == V(0) ? V(0) : conjugate(terms[k]) * A;
    }
    return result;
  }
  /// r_k: what the prefix before k keeps.
  V remaining(std::size_t k) const { return k == 0 || sums[k] == V(0) ? V(0) : sums[k - 1] * kept[k] / sums[k]; }
};

template <class V>
class LseReference final : public Reference<V> {
  using W = Real<V>;

 public:
  explicit LseReference(const Values<V>& x) : maxima_(x.size()) {
    weights_.kept.resize(x.size()), weights_.terms.resize(x.size()), weights_.sums.resize(x.size());
    W m = -unlimited;
    V s = 0;
    for (std::size_t k = 0; k < x.size(); ++k) {
      const W top = real_part(x[k]);
      const W next = top > m || top != top ? top : m;
      weights_.kept[k] = exponential_of_difference(m, next);
      weights_.terms[k] = top == -unlimited ? V(0) : exponential_of_difference(x[k], next);
      m = next;
      weights_.sums[k] = s = s * weights_.kept[k] + weights_.terms[k];
      maxima_[k] = m;
    }
    if constexpr (is_complex<V>) {
      sizes_ = {weights_.kept, moduli(weights_.terms), moduli(weights_.sums)};
      kappa_ = sizes_.mean(Values<W>(x.size(), W(1)), false);
    }
  }

  Exact<V> value(bool exclusive) const override {
    Exact<V> result{Values<V>(maxima_.size()), Values<W>(maxima_.size()), Values<W>(maxima_.size(), W(1))};
    for (std::size_t k = 0; k < maxima_.size(); ++k)
      result.value[k] = weights_.sums[k] == V(0) ? V(-unlimited) : V(maxima_[k]) + logarithm(weights_.sums[k]);
    if (exclusive) result.value = shifted(result.value, V(-unlimited));
    for (std::size_t k = 0; k < maxima_.size(); ++k) {
      const W size = modulus(result.value[k]);
      result.scale[k] = size > 1 && !test::is_infinite(size) ? size : W(1);
      if (is_complex<V> && (!exclusive || k > 0)) result.scale[k] *= kappa(exclusive ? k - 1 : k);
    }
    return result;
  }
  Exact<V> jvp(const Lanes<V>& t, bool exclusive) const override {
    return {weights_.mean(t[0], exclusive), times_kappa(sizes().mean(moduli(t[0]), exclusive), exclusive), floors(t, false)};
  }
  std::vector<Exact<V>> vjp(const Values<V>& g, bool exclusive) const override {
    return {
        {weights_.adjoint(g, exclusive), sizes().adjoint(times_kappa(moduli(g), exclusive), exclusive), floors<V>({g}, true)}};
  }

  /// Real x: M (r Da Dt). Complex x: M (a t) - Ma Mt.
  Exact<V> jvp_of_jvp(const Lanes<V>& t, const Lanes<V>& a, bool exclusive) const override {
    Exact<V> result;
    if constexpr (is_complex<V>) {
      const auto by_products = [&](const auto& weights, const auto& p, const auto& q, auto sign) {
        const auto Mp = weights.mean(p, exclusive), Mq = weights.mean(q, exclusive);
        auto both = weights.mean(products(p, q), exclusive);
        for (std::size_t k = 0; k < both.size(); ++k) both[k] += sign * Mp[k] * Mq[k];
        return both;
      };
      result = {by_products(weights_, t[0], a[0], V(-1)),
                times_kappa(by_products(sizes_, moduli(t[0]), moduli(a[0]), W(1)), exclusive),
                {}};
    } else {
      const Values<W> ts = added(t[0], -1), as = added(a[0], -1), T = added(moduli(t[0]), 1), A = added(moduli(a[0]), 1);
      result = {
          weights_.mean(remaining_of(products(as, ts)), exclusive), weights_.mean(remaining_of(products(A, T)), exclusive), {}};
    }
    result.floor = floors<V>({products(t[0], a[0])}, false);
    return result;
  }
  /// Real x: D^H (r Da M^H g). Complex x: conj(a) M^H g - M^H (conj(Ma) g).
  Exact<V> jvp_of_vjp(const Values<V>& g, const Values<V>& a, bool exclusive) const override {
    Exact<V> result;
    if constexpr (is_complex<V>) {
      const auto by_products = [&](const auto& weights, const auto& p, const auto& q, auto sign) {
        auto mean = weights.mean(p, exclusive), both = weights.adjoint(q, exclusive);
        for (std::size_t k = 0; k < both.size(); ++k) both[k] *= conjugate(p[k]), mean[k] = conjugate(mean[k]) * q[k];
        const auto other = weights.adjoint(mean, exclusive);
        for (std::size_t k = 0; k < both.size(); ++k) both[k] += sign * other[k];
        return both;
      };
      result = {
          by_products(weights_, a, g, V(-1)), by_products(sizes_, moduli(a), times_kappa(moduli(g), exclusive), W(1)), {}};
    } else {
      result = {spread(remaining_of(products(added(a, -1), weights_.adjoint(g, exclusive))), -1),
                spread(remaining_of(products(added(moduli(a), 1), weights_.adjoint(moduli(g), exclusive))), 1),
                {}};
    }
    result.floor = floors<V>({products(a, g)}, true);
    return result;
  }

 private:
  const Weights<W>& sizes() const {
    if constexpr (is_complex<V>) return sizes_;
    else return weights_;
  }
  W kappa(std::size_t k) const { return kappa_[k] > 1 ? kappa_[k] : W(1); }
  /// What is relative to the sums of prefixes, whose terms e^x cancel where they are complex: a relative error of them is kappa u.
  Values<W> times_kappa(Values<W> v, bool exclusive) const {
    if constexpr (is_complex<V>)
      for (std::size_t k = exclusive ? 1 : 0; k < v.size(); ++k) v[k] *= kappa(exclusive ? k - 1 : k);
    return v;
  }
  template <class U>
  static Values<U> products(Values<U> p, const Values<U>& q) {
    for (std::size_t k = 0; k < p.size(); ++k) p[k] *= q[k];
    return p;
  }
  Values<V> remaining_of(Values<V> v) const {
    for (std::size_t k = 0; k < v.size(); ++k) v[k] *= weights_.remaining(k);
    return v;
  }
  /// D v = L (v - S M v), what an element adds over the mean before it; with sign 1 the sum of the absolute values.
  Values<V> added(const Values<V>& v, int sign) const {
    const Values<V> before = weights_.mean(v, true);
    Values<V> result(v.size());
    for (std::size_t k = 0; k < v.size(); ++k)
      if (weights_.terms[k] != V(0)) result[k] = v[k] + static_cast<V>(sign) * before[k];
    return result;
  }
  /// D^H v = (I - M^H S^H) L v, likewise.
  Values<V> spread(Values<V> v, int sign) const {
    for (std::size_t k = 0; k < v.size(); ++k)
      if (weights_.terms[k] == V(0)) v[k] = V(0);
    const Values<V> back = weights_.adjoint(v, true);
    for (std::size_t k = 0; k < v.size(); ++k) v[k] += static_cast<V>(sign) * back[k];
    return v;
  }

  Values<W> maxima_, kappa_;
  Weights<V> weights_;
  Weights<W> sizes_;  ///< of complex weights
};

}  // namespace judge
