// The second rule for the running weighted mean and its adjoint: in log space, positive and negative parts apart (of complex tangents
// four parts, so that no phase is lost).
//
//   (M t)_k   = sum over parts of  sign  exp(log sum e^{x_i + log t_i} - y_k)
//   (M^H g)_i = sum over parts of  sign  exp(x_i + log sum e^{log g_k - y_k})
//
// A weight that underflows meets its huge tangent as a logarithm. Log sums are the states (m, s) of log_monoid.h.

#include "core/planted.h"
#include "cpu/scan_lanes.h"

namespace scangrad::inline v0::cpu {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

template <class T>
struct Split {
  using M = ops::LogSumExpMonoid<T>;
  using State = typename M::State;
  using Sum = typename M::Sum;
  static constexpr bool of_complex = core::is_complex_type<T>;
  static constexpr std::size_t count = of_complex ? 4 : 2;
  std::array<State, count> parts;

  Split() { clear(); }
  void clear() { parts.fill(M::identity()); }

  /// Takes t e^m s in: each part of t as a logarithm.
  void add(T t, double m, Sum s) {
    for (std::size_t i = 0; i < count; ++i) {
      const double size = part_of(t, i);
      if (!(size <= 0)) parts[i] = M::combine(parts[i], {m + std::log(size), s});  // NaN too
    }
  }

  /// The sum, times e^m s.
  ops::Planar<double> total(double m, ops::Planar<double> s) const {
    ops::Planar<double> sum{};
    for (std::size_t i = 0; i < count; ++i) {
      if (ops::is_zero(parts[i].s)) continue;
      const auto term = ops::scaled(ops::multiply(planar(parts[i].s), s), (i % 2 == 0 ? 1 : -1) * std::exp(parts[i].m + m));
      sum = i < 2 ? ops::add(sum, term) : ops::add(sum, {-term.im, term.re});
    }
    return sum;
  }

  static ops::Planar<double> planar(Sum s) {
    if constexpr (of_complex) return ops::rounded(s);
    else return {ops::rounded(s), 0.0};
  }
  static T stored(ops::Planar<double> z) {
    if constexpr (of_complex) return {static_cast<typename T::value_type>(z.re), static_cast<typename T::value_type>(z.im)};
    else return core::convert<T>(z.re);
  }

 private:
  static double part_of(T t, std::size_t i) {
    if constexpr (of_complex) return (i % 2 == 0 ? 1 : -1) * static_cast<double>(i < 2 ? t.real() : t.imag());
    else return (i % 2 == 0 ? 1 : -1) * core::convert<double>(t);
  }
};

ops::Planar<double> reciprocal(ops::Planar<double> s) { return ops::divide(ops::Planar<double>{1, 0}, s); }

/// x where it is finite; beside +inf, weights are relative to that.
double relative(double m) { return m == infinity ? 0.0 : m; }

}  // namespace

void split_mean(const Context& context, const ScanOrder& order, Inputs ins, Outputs outs) {
  context.allocate(outs[0]);
  const Head head(ins, 2, outs[0].shape(), order.axis);
  const auto lanes = Lanes<4>::along(outs[0].shape(), {ins[0]->strides, ins[1]->strides, outs[0].strides, head.strides},
                                     order.axis, order.reverse);
  visit_checked(Inexact{}, outs[0].dtype(), [&]<class T>() {
    using M = ops::LogSumExpMonoid<T>;
    const T *x = ins[0]->data<T>(), *t = ins[1]->data<T>();
    T* y = outs[0].data<T>();
    for_each_lane(context, lanes, [&](auto at) {
      auto weights = M::identity();
      Split<T> sums;
      const auto seen = [&] {
        if (ops::is_zero(weights.s)) return T{};
        return Split<T>::stored(sums.total(-relative(weights.m), reciprocal(Split<T>::planar(weights.s))));
      };
      for (std::int64_t k = 0; k < lanes.length; ++k) {
        if (order.exclusive) y[at[2]] = seen();
        const auto element = lifted<M>(k, head.at<T>(at[3]), x[at[0]]);
        const double before = weights.m;
        weights = M::combine(weights, element);
        if (weights.m == infinity && before != infinity) sums.clear();
        const bool has_weight = !ops::is_zero(element.s) && (weights.m != infinity || element.m == infinity);
        if (has_weight) sums.add(t[at[1]], relative(element.m), element.s);
        if (!order.exclusive) y[at[2]] = seen();
        for (std::size_t i = 0; i < 4; ++i) at[i] += lanes.step[i];
      }
    });
  });
}

void split_mean_adjoint(const Context& context, const ScanOrder& order, Inputs ins, Outputs outs) {
  const Shape& shape = outs[0].shape();
  const Head head(ins, 2, shape, order.axis);
  const auto lanes = Lanes<4>::along(shape, {ins[0]->strides, ins[1]->strides, core::dense_strides(shape), head.strides},
                                     order.axis, order.reverse);
  visit_checked(Inexact{}, outs[0].dtype(), [&]<class T>() {
    using M = ops::LogSumExpMonoid<T>;
    using State = typename M::State;
    using Sum = typename M::Sum;
    const auto& step = lanes.step;
    const auto lane = [&](const auto& at, State* memory) {
      const T *x = ins[0]->data<T>() + at[0], *g = ins[1]->data<T>() + at[1], *times = head.at<T>(at[3]);
      T* v = outs[0].data<T>() + at[2];
      const auto element_at = [&](std::int64_t k) { return lifted<M>(k, times, x[k * step[0]]); };
      std::int64_t n = lanes.length;
      if (order.exclusive && n > 0) v[--n * step[2]] = T{};  // the last element is not used
      Split<T> sums;
      BackwardStates<State>::run(
          n, M::identity(), memory, [&](const State& s, std::int64_t k) { return M::combine(s, element_at(k)); },
          [&](std::int64_t k, const State& before, const State& state) {
            const T g_k = g[(SCANGRAD_PLANT(split_exclusive_off_by_one, order.exclusive ? k + 1 : k, k)) * step[1]];
            // conj(e^{-y}) = e^{-m} conj(1 / s)
            if (!ops::is_zero(state.s))
              sums.add(g_k, -relative(state.m), ops::conjugated(ops::divide(ops::from_real<Sum>(1), state.s)));
            const State element = element_at(k);
            const bool has_weight = !ops::is_zero(element.s) && (state.m != infinity || element.m == infinity);
            v[k * step[2]] =
                has_weight ? Split<T>::stored(sums.total(relative(element.m), Split<T>::planar(ops::conjugated(element.s))))
                           : T{};
            if (state.m == infinity && before.m != infinity) sums.clear();  // no finite element has weight from here on
          });
    };
    for_each_lane_back<State>(
        context, lanes, [&] { context.allocate(outs[0]); }, lane);
  });
}

}  // namespace scangrad::inline v0::cpu
