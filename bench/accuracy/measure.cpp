#include "accuracy/measure.h"

#include <algorithm>

#include "judge/run.h"

namespace accuracy {

using judge::Exact;
using judge::Wide;

namespace {

template <class T>
class Measurement {
  using V = Wide<T>;
  using Elements = std::vector<T>;

 public:
  Measurement(Scan scan, sg::DType dtype, const Distribution& distribution, const Plan& plan)
      : scan_(scan), dtype_(dtype), distribution_(distribution), plan_(plan) {
    const Data data = generate(distribution, dtype, plan.n);
    for (std::size_t i = 0; i < data.x.size(); ++i) {
      x_.push_back(elements(data.x[i]));
      t_.push_back(elements(data.t[i]));
      a_.push_back(elements(data.a[i]));
    }
    g_ = elements(data.g);
  }

  bool fits() const {
    return std::all_of(x_.begin(), x_.end(), [](const Elements& x) {
      return std::all_of(x.begin(), x.end(), [](T value) { return judge::real_part(judge::widen(value)) < INFINITY; });
    });
  }

  void run(const std::function<void(const Finding&)>& report) {
    for (const bool reverse : {false, true}) {
      if (reverse && plan_.one_way) continue;
      reverse_ = reverse;
      reference_ = judge::reference<V>(scan_, lanes(x_));
      for (const bool exclusive : {false, true})
        if (!exclusive || !plan_.one_way) run(reverse, exclusive, report);
    }
  }

 private:
  void run(bool reverse, bool exclusive, const std::function<void(const Finding&)>& report) {
    options_ = {.axis = 0, .reverse = reverse, .exclusive = exclusive};
    const auto f = [&](const std::vector<sg::Tensor>& x) { return judge::apply(scan_, x, options_); };
    const auto tell = [&](Quantity quantity, const auto& compute, const auto& exactly) {
      Finding finding{scan_, quantity, dtype_, distribution_.name, plan_.n, reverse, exclusive, plan_.layout};
      try {
        const std::vector<sg::Tensor> got = compute();
        const std::vector<Exact<V>> exact = exactly();
        for (std::size_t i = 0; i < got.size(); ++i) compare(judge::widen<T>(got[i]), exact[i], finding);
      } catch (const sg::Error& error) {
        finding.units = INFINITY, finding.note = error.what();
      }
      report(finding);
    };
    using Tensors = std::vector<sg::Tensor>;
    const Tensors x = tensors(x_), t = tensors(t_);
    const auto pushed = [&](const Tensors& at) { return sg::jvp(f, sg::args(at), sg::args(t)).tangent; };
    tell(
        Quantity::value, [&] { return Tensors{f(x)}; }, [&] { return std::vector{reference_->value(exclusive)}; });
    tell(
        Quantity::jvp, [&] { return Tensors{pushed(x)}; }, [&] { return std::vector{reference_->jvp(lanes(t_), exclusive)}; });
    const auto pulled = [&](const Tensors& at) { return sg::vjp(f, sg::args(at)).pullback(tensor(g_)); };
    tell(
        Quantity::vjp, [&] { return pulled(x); }, [&] { return reference_->vjp(lane(g_), exclusive); });
    if (!plan_.second_order) return;
    const Tensors a = tensors(a_);
    tell(
        Quantity::jvp_of_jvp, [&] { return Tensors{sg::jvp(pushed, sg::args(x), sg::args(a)).tangent}; },
        [&] { return std::vector{reference_->jvp_of_jvp(lanes(t_), lanes(a_), exclusive)}; });
    if (scan_ != Scan::logcumsumexp) return;
    tell(
        Quantity::jvp_of_vjp, [&] { return sg::jvp(pulled, sg::args(x), sg::args(a)).tangent; },
        [&] { return std::vector{reference_->jvp_of_vjp(lane(g_), lane(a_[0]), exclusive)}; });
  }

  static Elements elements(const Column& column) {
    Elements result(column.size());
    for (std::size_t k = 0; k < column.size(); ++k) {
      if constexpr (sg::core::is_complex_type<T>) result[k] = sg::core::convert<T>(column[k]);
      else result[k] = sg::core::convert<T>(column[k].real());
    }
    return result;
  }
  sg::Tensor tensor(const Elements& values) const {
    const sg::Tensor vector(values);
    if (plan_.layout == Layout::row) return vector;
    const auto n = static_cast<std::int64_t>(values.size());
    return sg::broadcast_to(sg::reshape(vector, {n, 1}), {n, columns}) * sg::ones({1}, {.dtype = dtype_});
  }
  std::vector<sg::Tensor> tensors(const std::vector<Elements>& inputs) const {
    std::vector<sg::Tensor> result;
    for (const Elements& values : inputs) result.push_back(tensor(values));
    sg::eval(result);
    return result;
  }

  /// In scan order.
  judge::Values<V> lane(const Elements& values) const {
    judge::Values<V> result;
    result.reserve(values.size());
    for (const T& value : values) result.push_back(judge::widen(value));
    if (reverse_) std::reverse(result.begin(), result.end());
    return result;
  }
  judge::Lanes<V> lanes(const std::vector<Elements>& inputs) const {
    judge::Lanes<V> result;
    for (const Elements& values : inputs) result.push_back(lane(values));
    return result;
  }

  /// Of a matrix, its first and last column.
  void compare(const judge::Values<V>& got, const Exact<V>& exact, Finding& finding) const {
    const judge::Format format = judge::format_of(dtype_);
    const std::size_t n = plan_.n, step = plan_.layout == Layout::row ? 1 : static_cast<std::size_t>(columns);
    for (const std::size_t column : {std::size_t{0}, step - 1})
      for (std::size_t k = 0; k < n; ++k) {
        const std::size_t place = (reverse_ ? n - 1 - k : k) * step + column;
        const judge::Yardstick<judge::Real<V>> yardstick{exact.scale[k], exact.floor[k]};
        double units = 0;
        if constexpr (judge::is_complex<V>)
          units = judge::error_in_units(got[place], exact.value[k], yardstick, format,
                                        scan_ == Scan::logcumsumexp && finding.quantity == Quantity::value);
        else units = judge::error_in_units(got[place], exact.value[k], yardstick, format);
        if (units > finding.units) finding.units = units, finding.index = place / step;
      }
  }

  Scan scan_;
  sg::DType dtype_;
  const Distribution& distribution_;
  Plan plan_;
  std::vector<Elements> x_, t_, a_;
  Elements g_;
  bool reverse_ = false;
  sg::ScanOptions options_;
  std::unique_ptr<judge::Reference<V>> reference_;
};

}  // namespace

void measure(Scan scan, sg::DType dtype, const Distribution& distribution, const Plan& plan,
             const std::function<void(const Finding&)>& report) {
  sg::core::visit(judge::Judged(), dtype, [&]<class T>() {
    Measurement<T> measurement(scan, dtype, distribution, plan);
    if (measurement.fits()) measurement.run(report);
  });
}

}  // namespace accuracy
