#pragma once
// What the property tests are made of: inputs that rapidcheck can shrink, and results held against each other in the units of judge/units.h.

#include <rapidcheck.h>

#include "judge/run.h"
#include "judge/units.h"
#include "support/catch.h"

namespace property {

namespace sg = scangrad;
using judge::Quantity;
using judge::Scan;
using judge::Wide;
using sg::Tensor;
using Tensors = std::vector<Tensor>;

inline constexpr Scan real_scans[] = {Scan::cumsum, Scan::cumprod,      Scan::cummax,
                                      Scan::cummin, Scan::logcumsumexp, Scan::linear_recurrence};

/// Multiples of 1/64 that every dtype of 24 bits holds and whose differences are exact; 0 and ties are likely.
inline rc::Gen<double> number() {
  return rc::gen::map(rc::gen::inRange(-128, 129), [](int n) { return n / 64.0; });
}
/// Those of the domain of logarithms: wider, and -inf now and then.
inline rc::Gen<double> log_number() {
  const auto wide = rc::gen::map(rc::gen::inRange(-64 * 40, 64 * 40), [](int n) { return n / 64.0; });
  return rc::gen::weightedOneOf<double>({{12, wide}, {1, rc::gen::just(-double{INFINITY})}});
}
inline rc::Gen<std::vector<double>> numbers(std::size_t n, const rc::Gen<double>& one = number()) {
  return rc::gen::container<std::vector<double>>(n, one);
}

struct Flags {
  bool reverse, exclusive;
  sg::ScanOptions along(int axis) const { return {.axis = axis, .reverse = reverse, .exclusive = exclusive}; }
};
inline Flags flags() { return {*rc::gen::arbitrary<bool>(), *rc::gen::arbitrary<bool>()}; }
inline std::size_t length(int most = 70) { return static_cast<std::size_t>(*rc::gen::inRange(0, most)); }

/// As many lanes as the scan has inputs.
using Lanes = std::vector<std::vector<double>>;
inline Lanes lanes(Scan scan, std::size_t n) {
  Lanes result;
  for (std::size_t i = 0; i < judge::inputs(scan); ++i)
    result.push_back(*numbers(n, scan == Scan::logcumsumexp ? log_number() : number()));
  return result;
}
inline Lanes directions(Scan scan, std::size_t n) {
  Lanes result;
  for (std::size_t i = 0; i < judge::inputs(scan); ++i) result.push_back(*numbers(n));
  return result;
}

template <class T>
Tensor tensor(const std::vector<double>& values, const sg::Shape& shape) {
  std::vector<T> converted;
  for (double v : values) converted.push_back(sg::core::convert<T>(v));
  return Tensor(converted, shape);
}
template <class T>
Tensor tensor(const std::vector<double>& values) {
  return tensor<T>(values, {static_cast<std::int64_t>(values.size())});
}
template <class T>
Tensors tensors(const Lanes& values) {
  Tensors result;
  for (const auto& lane : values) result.push_back(tensor<T>(lane));
  return result;
}
/// Row-major, on its own memory.
template <class T>
Tensor copy(const Tensor& x) {
  return Tensor(x.to_vector<T>(), x.shape());
}

template <class T>
bool same_bits(const Tensor& a, const Tensor& b) {
  const auto x = a.data<T>(), y = b.data<T>();
  return a.shape() == b.shape() && (x.size() == 0 || std::memcmp(x.data(), y.data(), x.size() * sizeof(T)) == 0);
}

/// The judges of a lane given in memory order.
template <class T>
class Judge {
 public:
  using V = Wide<T>;
  Judge(Scan scan, const Lanes& x, Flags flags)
      : scan_(scan), flags_(flags), reference_(judge::reference<V>(scan, in_order(x))) {}

  judge::Exact<V> value() const { return reference_->value(flags_.exclusive); }
  judge::Exact<V> jvp(const Lanes& t) const { return reference_->jvp(in_order(t), flags_.exclusive); }
  std::vector<judge::Exact<V>> vjp(const std::vector<double>& g) const {
    return reference_->vjp(in_order({g})[0], flags_.exclusive);
  }

  /// Whether two results differ by at most `times` the budget.
  bool close(Quantity quantity, const Tensor& got, const Tensor& wanted, const judge::Exact<V>& exact, double times = 2) const {
    const auto a = judge::widen<T>(got), b = judge::widen<T>(wanted);
    if (a.size() != b.size()) return false;
    const auto format = judge::format_of(sg::dtype_of<T>);
    const double budget = *judge::budget(scan_, quantity, sg::dtype_of<T>) * times;
    for (std::size_t i = 0; i < a.size(); ++i) {
      const std::size_t k = flags_.reverse ? a.size() - 1 - i : i;
      if (judge::error_in_units(a[i], b[i], {exact.scale[k], exact.floor[k]}, format) > budget) return false;
    }
    return true;
  }

 private:
  judge::Lanes<V> in_order(const Lanes& lanes) const {
    judge::Lanes<V> result;
    for (const auto& lane : lanes) {
      judge::Values<V>& values = result.emplace_back();
      for (double x : lane) values.push_back(judge::widen(sg::core::convert<T>(x)));
      if (flags_.reverse) std::reverse(values.begin(), values.end());
    }
    return result;
  }
  Scan scan_;
  Flags flags_;
  std::unique_ptr<judge::Reference<V>> reference_;
};

inline auto scan_of(Scan scan, const sg::ScanOptions& options) {
  return [=](const Tensors& x) { return judge::apply(scan, x, options); };
}
inline Tensor pushed(Scan scan, const sg::ScanOptions& options, const Tensors& x, const Tensors& t) {
  return sg::jvp(scan_of(scan, options), sg::args(x), sg::args(t)).tangent;
}
inline Tensors pulled(Scan scan, const sg::ScanOptions& options, const Tensors& x, const Tensor& g) {
  return sg::vjp(scan_of(scan, options), sg::args(x)).pullback(g);
}

}  // namespace property
