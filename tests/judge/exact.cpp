#include "judge/exact.h"

#include "judge/exact_lse.h"

namespace judge {

std::string_view to_string(Scan scan) {
  constexpr std::string_view names[] = {"cumsum", "cumprod", "cummax", "cummin", "logcumsumexp", "linear_recurrence"};
  return names[static_cast<std::size_t>(scan)];
}

namespace {

/// h_k = a_k h_{k-1} + b_k: cumsum with a = 1, cumprod with b = 0 and h_0 = 1. Derivatives by the product rule, as series in two
/// directions that stop behind the mixed term.
template <class V>
struct Recurrence {
  struct Jet {
    V value = 0, t = 0, a = 0, ta = 0;
    friend Jet operator*(const Jet& p, const Jet& q) {
      return {p.value * q.value, p.t * q.value + p.value * q.t, p.a * q.value + p.value * q.a,
              p.ta * q.value + p.t * q.a + p.a * q.t + p.value * q.ta};
    }
    friend Jet operator+(const Jet& p, const Jet& q) { return {p.value + q.value, p.t + q.t, p.a + q.a, p.ta + q.ta}; }
  };
  Scan scan;
  Lanes<V> x;

  /// Element k of a and b as jets; directions may be absent.
  std::pair<Jet, Jet> coefficients(std::size_t k, const Lanes<V>& t, const Lanes<V>& a) const {
    const auto jet = [&](std::size_t i) { return Jet{x[i][k], t.empty() ? V(0) : t[i][k], a.empty() ? V(0) : a[i][k], V(0)}; };
    if (scan == Scan::cumsum) return {Jet{V(1)}, jet(0)};
    if (scan == Scan::cumprod) return {jet(0), Jet{}};
    return {jet(0), jet(1)};
  }
  /// Whether element k has no product with what is before it.
  bool starts_empty(std::size_t k) const { return k == 0 && scan == Scan::linear_recurrence; }
  V first() const { return scan == Scan::cumprod ? V(1) : V(0); }

  template <class Member>
  Values<V> run(const Lanes<V>& t, const Lanes<V>& a, bool exclusive, Member member) const {
    Values<V> h(x[0].size());
    Jet state{first()};
    for (std::size_t k = 0; k < h.size(); ++k) {
      const auto [factor, term] = coefficients(k, t, a);
      const Jet next = starts_empty(k) ? term : factor * state + term;
      h[k] = (exclusive ? state : next).*member;
      state = next;
    }
    return h;
  }

  /// D_k = g_k + conj(a_{k+1}) D_{k+1}; gb = D, ga_k = D_k conj(h_{k-1}): for each input of the scan.
  Lanes<V> adjoint(const Values<V>& g, bool exclusive) const {
    const Values<V> before = run({}, {}, true, &Jet::value), reached = exclusive ? unshifted(g) : g;
    Lanes<V> result(x.size(), Values<V>(g.size()));
    V D = 0;
    for (std::size_t k = g.size(); k-- > 0;) {
      if (k + 1 < g.size()) D = conjugate(coefficients(k + 1, {}, {}).first.value) * D;
      D += reached[k];
      if (scan != Scan::cumsum) result[0][k] = starts_empty(k) ? V(0) : D * conjugate(before[k]);
      if (scan != Scan::cumprod) result.back()[k] = D;
    }
    return result;
  }
};

template <class V>
class RecurrenceReference final : public Reference<V> {
  using W = Real<V>;

 public:
  RecurrenceReference(Scan scan, const Lanes<V>& x) : exact_{scan, x}, sizes_{scan, moduli(x)} {}

  Exact<V> value(bool exclusive) const override {
    Exact<V> result{exact_.run({}, {}, exclusive, &Recurrence<V>::Jet::value),
                    sizes_.run({}, {}, exclusive, &Recurrence<W>::Jet::value), Values<W>(exact_.x[0].size(), W(1))};
    if (exact_.scan == Scan::cumsum && std::is_same_v<W, long double>)
      for (std::size_t k = 0; k < result.value.size(); ++k)
        result.scale[k] = modulus(result.value[k]) + result.scale[k] * static_cast<W>(0x1p-16L);
    return only_normal(result, exclusive);
  }
  Exact<V> jvp(const Lanes<V>& t, bool exclusive) const override {
    return only_normal({exact_.run(t, {}, exclusive, &Recurrence<V>::Jet::t),
                        sizes_.run(moduli(t), {}, exclusive, &Recurrence<W>::Jet::t), floors(t, false)},
                       exclusive);
  }
  std::vector<Exact<V>> vjp(const Values<V>& g, bool exclusive) const override {
    const Lanes<V> values = exact_.adjoint(g, exclusive);
    const Lanes<W> scales = sizes_.adjoint(moduli(g), exclusive);
    std::vector<Exact<V>> result;
    for (std::size_t i = 0; i < values.size(); ++i)
      result.push_back(only_normal({values[i], scales[i], floors<V>({g}, true)}, false));
    return result;
  }
  Exact<V> jvp_of_jvp(const Lanes<V>& t, const Lanes<V>& a, bool exclusive) const override {
    return only_normal({exact_.run(t, a, exclusive, &Recurrence<V>::Jet::ta),
                        sizes_.run(moduli(t), moduli(a), exclusive, &Recurrence<W>::Jet::ta), floors(t, false)},
                       exclusive);
  }

 private:
  /// Nothing is promised of products once a prefix is no normal float64, which carries are.
  Exact<V> only_normal(Exact<V> result, bool exclusive) const {
    if (exact_.scan == Scan::cumsum) return result;
    const Values<W> h = sizes_.run({}, {}, exclusive, &Recurrence<W>::Jet::value);
    bool normal = true;
    for (std::size_t k = 0; k < h.size(); ++k) {
      normal &= h[k] == 0 || (h[k] >= std::numeric_limits<double>::min() && h[k] <= std::numeric_limits<double>::max());
      if (!normal) result.scale[k] = unlimited;
    }
    return result;
  }

  Recurrence<V> exact_;
  Recurrence<W> sizes_;  ///< on absolute values
};

/// The last element in scan order that holds the extreme gets everything; exact, but for sums of cotangents.
template <class V>
class ExtremeReference final : public Reference<V> {
 public:
  ExtremeReference(bool largest, const Values<V>& x) : largest_(largest), x_(x), holder_(x.size()) {
    for (std::size_t k = 1; k < x.size(); ++k) {
      const V held = x[holder_[k - 1]];
      const bool stays = held != held || (largest ? held > x[k] : held < x[k]);
      holder_[k] = stays ? holder_[k - 1] : k;
    }
  }
  Exact<V> value(bool exclusive) const override {
    Exact<V> result = held(x_, exclusive);
    if (exclusive && !x_.empty()) result.value[0] = largest_ ? -unlimited : unlimited;
    return result;
  }
  Exact<V> jvp(const Lanes<V>& t, bool exclusive) const override { return held(t[0], exclusive); }
  std::vector<Exact<V>> vjp(const Values<V>& g, bool exclusive) const override {
    Exact<V> result{Values<V>(g.size(), V(0)), Values<V>(g.size(), V(0)), Values<V>(g.size(), V(1))};
    const Values<V> reached = exclusive ? unshifted(g) : g;
    for (std::size_t k = 0; k < g.size(); ++k) {
      result.value[holder_[k]] += reached[k];
      result.scale[holder_[k]] += modulus(reached[k]);
    }
    return {result};
  }
  Exact<V> jvp_of_jvp(const Lanes<V>& t, const Lanes<V>&, bool) const override {
    return held(Values<V>(t[0].size(), V(0)), false);
  }

 private:
  Exact<V> held(const Values<V>& v, bool exclusive) const {
    Exact<V> result{v, Values<V>(v.size(), V(0)), Values<V>(v.size(), V(0))};
    for (std::size_t k = 0; k < v.size(); ++k) result.value[k] = v[holder_[k]];
    if (exclusive) result.value = shifted(result.value, V(0));
    return result;
  }
  bool largest_;
  Values<V> x_;
  std::vector<std::size_t> holder_;
};

}  // namespace

template <class V>
std::unique_ptr<Reference<V>> reference(Scan scan, const Lanes<V>& x) {
  switch (scan) {
    case Scan::cummax:
    case Scan::cummin:
      if constexpr (is_complex<V>) return nullptr;
      else return std::make_unique<ExtremeReference<V>>(scan == Scan::cummax, x[0]);
    case Scan::logcumsumexp:
      return std::make_unique<LseReference<V>>(x[0]);
    default:
      return std::make_unique<RecurrenceReference<V>>(scan, x);
  }
}

template std::unique_ptr<Reference<long double>> reference(Scan, const Lanes<long double>&);
template std::unique_ptr<Reference<std::complex<long double>>> reference(Scan, const Lanes<std::complex<long double>>&);
#if defined(__SIZEOF_FLOAT128__)
template std::unique_ptr<Reference<real>> reference(Scan, const Lanes<real>&);
template std::unique_ptr<Reference<std::complex<real>>> reference(Scan, const Lanes<std::complex<real>>&);
#endif

}  // namespace judge
