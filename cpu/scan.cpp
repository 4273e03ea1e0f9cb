// Every scan on the CPU. Floating and complex ones run the hot kernels (cpu/simd); integers, and complex
// numbers whose first element counts several times, plain loops, each over its monoid.

#include "cpu/scan_lanes.h"

namespace scangrad::inline v0::cpu {
namespace {

/// A scan of one input whose monoid lifts an element as it is; an exclusive one begins with `first`.
template <template <class> class Monoid, HotScan hot, int first>
void simple_scan(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  context.allocate(outs[0]);
  if (is_hot(outs[0].dtype()))
    return run_hot(context, {.scan = hot, .order = order_of(primitive), .in = {ins[0]}, .out = {&outs[0]}, .first = {first}});
  const auto lanes = scan_lanes_of<2>(outs[0], {ins[0]}, order_of(primitive));
  visit_checked(core::Integers{}, outs[0].dtype(), [&]<class T>() {
    using M = Monoid<T>;
    const T* x = ins[0]->data<T>();
    T* y = outs[0].data<T>();
    scan_lanes<M>(
        context, lanes, order_of(primitive).exclusive, [&](const auto& at, std::int64_t) { return M::lift(x[at[0]]); },
        [&](std::int64_t to, const auto& state) { y[to] = M::project(state); });
  });
}

template <bool largest>
void extreme_scan(const Context& context, const ops::CumExtreme& scan, const Array& in, Array& out) {
  const auto lanes = scan_lanes_of<2>(out, {&in}, scan.order);
  visit_checked(core::Reals{}, in.dtype(), [&]<class T>() {
    using M = ops::ExtremeMonoid<T, largest>;
    const T* x = in.data<T>();
    const auto run = [&](const auto& store) {
      scan_lanes<M>(
          context, lanes, scan.order.exclusive,
          [&](const auto& at, std::int64_t k) { return M::lift(x[at[0]], scan.order.reverse ? lanes.length - 1 - k : k); },
          store);
    };
    if (scan.index) run([&](std::int64_t to, const auto& state) { out.data<std::int64_t>()[to] = state.index; });
    else run([&](std::int64_t to, const auto& state) { out.data<T>()[to] = M::project(state); });
  });
}

void cumextreme(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  const auto& scan = static_cast<const ops::CumExtreme&>(primitive);
  context.allocate(outs[0]);
  if (is_hot(outs[0].dtype()) && !scan.index)
    return run_hot(context, {.scan = scan.largest ? HotScan::cummax : HotScan::cummin,
                             .order = scan.order,
                             .in = {ins[0]},
                             .out = {&outs[0]},
                             .first = {scan.largest ? -INFINITY : INFINITY}});
  if (scan.largest) extreme_scan<true>(context, scan, *ins[0], outs[0]);
  else extreme_scan<false>(context, scan, *ins[0], outs[0]);
}

void linear_recurrence(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  const ScanOrder& order = order_of(primitive);
  Array& out = outs[0];
  context.allocate(out);
  const bool has_initial = ins.size() == 3;
  if (is_hot(out.dtype()))
    return run_hot(context, {.scan = HotScan::linear_recurrence,
                             .order = order,
                             .in = {ins[0], ins[1]},
                             .out = {&out},
                             .initial = {has_initial ? ins[2] : nullptr},
                             .carry_part = recurrence_parts(out.dtype())});
  const Strides none(out.shape().size(), 0), initial = has_initial ? strides_without_axis(*ins[2], order.axis) : none;
  const auto lanes =
      Lanes<4>::along(out.shape(), {ins[0]->strides, ins[1]->strides, initial, out.strides}, order.axis, order.reverse);
  visit_checked(core::Integers{}, out.dtype(), [&]<class T>() {
    using M = ops::AffineMonoid<T>;
    for_each_lane(context, lanes, [&](auto at) {
      auto h = has_initial ? ops::carried(ins[2]->data<T>()[at[2]]) : ops::Carry<T>{};
      for (std::int64_t k = 0; k < lanes.length; ++k) {
        const T b = ins[1]->data<T>()[at[1]];
        const bool alone = k == 0 && !has_initial;  // there is no product with the first factor
        const auto next = alone ? ops::carried(b) : M::apply(M::lift(ins[0]->data<T>()[at[0]], b), h);
        out.data<T>()[at[3]] = ops::stored<T>(order.exclusive ? h : next);
        h = next;
        for (std::size_t i = 0; i < 4; ++i) at[i] += lanes.step[i];
      }
    });
  });
}

void logcumsumexp(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  const ScanOrder& order = order_of(primitive);
  const Head head(ins, 1, outs[0].shape(), order.axis);
  context.allocate(outs[0]);
  if (head.is_hot(outs[0].dtype()))
    return head.run(context,
                    {.scan = HotScan::logcumsumexp, .order = order, .in = {ins[0]}, .out = {&outs[0]}, .first = {-INFINITY}});
  const auto lanes =
      Lanes<3>::along(outs[0].shape(), {ins[0]->strides, head.strides, outs[0].strides}, order.axis, order.reverse);
  visit_checked(Complexes{}, outs[0].dtype(), [&]<class T>() {
    using M = ops::LogSumExpMonoid<T>;
    const T* x = ins[0]->data<T>();
    T* y = outs[0].data<T>();
    scan_lanes<M>(
        context, lanes, order.exclusive,
        [&](const auto& at, std::int64_t k) { return lifted<M>(k, head.at<T>(at[1]), x[at[0]]); },
        [&](std::int64_t to, const auto& state) { y[to] = M::project(state); });
  });
}

void lse_mean(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  const ScanOrder& order = order_of(primitive);
  if (static_cast<const ops::LseMean&>(primitive).rule == LogScanRule::split) return split_mean(context, order, ins, outs);
  const Head head(ins, 2, outs[0].shape(), order.axis);
  context.allocate(outs[0]);
  if (head.is_hot(outs[0].dtype()))
    return head.run(context, {.scan = HotScan::logcumsumexp_mean, .order = order, .in = {ins[0], ins[1]}, .out = {&outs[0]}});
  const auto lanes = Lanes<4>::along(outs[0].shape(), {ins[0]->strides, ins[1]->strides, head.strides, outs[0].strides},
                                     order.axis, order.reverse);
  visit_checked(Complexes{}, outs[0].dtype(), [&]<class T>() {
    using M = ops::WeightedMeanMonoid<T>;
    const T *x = ins[0]->data<T>(), *t = ins[1]->data<T>();
    T* y = outs[0].data<T>();
    scan_lanes<M>(
        context, lanes, order.exclusive,
        [&](const auto& at, std::int64_t k) { return lifted<M>(k, head.at<T>(at[2]), x[at[0]], t[at[1]]); },
        [&](std::int64_t to, const auto& state) { y[to] = M::project(state); });
  });
}

void lse_weight(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  const auto& scan = static_cast<const ops::LseWeight&>(primitive);
  const ScanOrder& order = scan.order;
  const Head head(ins, 1, outs[0].shape(), order.axis);
  context.allocate(outs[0]);
  const auto lanes =
      Lanes<3>::along(outs[0].shape(), {ins[0]->strides, head.strides, outs[0].strides}, order.axis, order.reverse);
  visit_checked(Floats{}, outs[0].dtype(), [&]<class T>() {
    using M = ops::LogSumExpMonoid<T>;
    const T* x = ins[0]->data<T>();
    T* y = outs[0].data<T>();
    for_each_lane(context, lanes, [&](auto at) {
      auto before = M::identity();
      for (std::int64_t k = 0; k < lanes.length; ++k) {
        const auto element = lifted<M>(k, head.at<T>(at[1]), x[at[0]]);
        const auto state = M::combine(before, element);
        const auto& part = scan.kept ? before : element;
        y[at[2]] = ops::stored<T>(ops::is_zero(state.s) ? ops::Carry<T>{}
                                                        : ops::divide(ops::rescale(part.s, part.m, state.m), state.s));
        before = state;
        for (std::size_t i = 0; i < 3; ++i) at[i] += lanes.step[i];
      }
    });
  });
}

/// (M^H g)_i = conj(e^{x_i - m_i}) A_i with A_i = g_i / conj(s_i) + e^{m_i - m_{i+1}} A_{i+1}. Prefixes whose sum is empty pass
/// nothing; an exclusive scan meets the cotangent of its next output.
template <class T>
void mean_adjoint_lane(const T* x, const T* g, const T* head, T* v, const std::array<std::int64_t, 4>& step, std::int64_t n,
                       bool exclusive, typename ops::LogSumExpMonoid<T>::State* memory) {
  using M = ops::LogSumExpMonoid<T>;
  using State = typename M::State;
  if (exclusive && n > 0) v[--n * step[3]] = T{};  // the last element is not used
  ops::Carry<T> A{};
  double m = ops::minus_infinity;
  BackwardStates<State>::run(
      n, M::identity(), memory,
      [&](const State& s, std::int64_t k) { return M::combine(s, lifted<M>(k, head, x[k * step[0]])); },
      [&](std::int64_t k, const State&, const State& state) {
        const std::int64_t reader = exclusive ? k + 1 : k;
        A = k + 1 < n ? ops::rescale(A, state.m, m) : A;
        if (!ops::is_zero(state.s)) A = ops::add(A, ops::divide(ops::carried(g[reader * step[1]]), ops::conjugated(state.s)));
        m = state.m;
        const State element = lifted<M>(k, head, x[k * step[0]]);
        const bool none = ops::is_zero(element.s);
        v[k * step[3]] =
            ops::stored<T>(none ? ops::Carry<T>{} : ops::rescale(ops::multiply(ops::conjugated(element.s), A), element.m, m));
      });
}

void lse_mean_adjoint(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  const ScanOrder& order = order_of(primitive);
  if (static_cast<const ops::LseMeanAdjoint&>(primitive).rule == LogScanRule::split)
    return split_mean_adjoint(context, order, ins, outs);
  const Shape& shape = outs[0].shape();
  const Head head(ins, 2, shape, order.axis);
  if (head.is_hot(outs[0].dtype())) {
    context.allocate(outs[0]);
    return head.run(context,
                    {.scan = HotScan::logcumsumexp_adjoint, .order = order, .in = {ins[0], ins[1]}, .out = {&outs[0]}});
  }
  const auto lanes = Lanes<4>::along(shape, {ins[0]->strides, ins[1]->strides, head.strides, core::dense_strides(shape)},
                                     order.axis, order.reverse);
  visit_checked(Complexes{}, outs[0].dtype(), [&]<class T>() {
    using State = typename ops::LogSumExpMonoid<T>::State;
    for_each_lane_back<State>(
        context, lanes, [&] { context.allocate(outs[0]); },
        [&](const auto& at, State* memory) {
          mean_adjoint_lane(ins[0]->data<T>() + at[0], ins[1]->data<T>() + at[1], head.at<T>(at[2]), outs[0].data<T>() + at[3],
                            lanes.step, lanes.length, order.exclusive, memory);
        });
  });
}

}  // namespace

void register_scans() {
  core::add_kernel<ops::CumSum>(DeviceType::cpu, simple_scan<ops::SumMonoid, HotScan::cumsum, 0>);
  core::add_kernel<ops::CumProd>(DeviceType::cpu, simple_scan<ops::ProductMonoid, HotScan::cumprod, 1>);
  core::add_kernel<ops::CumExtreme>(DeviceType::cpu, cumextreme);
  core::add_kernel<ops::LinearRecurrence>(DeviceType::cpu, linear_recurrence);
  core::add_kernel<ops::LogCumSumExp>(DeviceType::cpu, logcumsumexp);
  core::add_kernel<ops::LseMean>(DeviceType::cpu, lse_mean);
  core::add_kernel<ops::LseMeanAdjoint>(DeviceType::cpu, lse_mean_adjoint);
  core::add_kernel<ops::LseWeight>(DeviceType::cpu, lse_weight);
}

}  // namespace scangrad::inline v0::cpu
