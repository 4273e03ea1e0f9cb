// Every scan on the CPU. Floating ones run the hot kernels (cpu/simd); the rest one loop over their monoid.

#include "ops/scan/scan.h"
#include "cpu/backend.h"
#include "cpu/hot_scan.h"

namespace scangrad::inline v0::cpu {
namespace {

using core::Floats;
using core::Numbers;
using ops::ScanOrder;

/// Runs along each lane: `lift(element offsets, position)` makes an element's summary, `store(out, state)` writes one.
template <class Monoid, std::size_t N, class Lift, class Store>
void scan_lanes(const Context& context, const Lanes<N>& lanes, bool exclusive, const Lift& lift, const Store& store) {
  for_each_lane(context, lanes, [&](auto at) {
    auto state = Monoid::identity();
    for (std::int64_t k = 0; k < lanes.length; ++k) {
      const auto joined = Monoid::combine(state, lift(at, k));
      store(at[N - 1], exclusive ? state : joined);
      state = joined;
      for (std::size_t i = 0; i < N; ++i) at[i] += lanes.step[i];
    }
  });
}

template <std::size_t N>
Lanes<N> scan_lanes_of(const Array& out, const std::array<const Array*, N - 1>& ins, const ScanOrder& order) {
  std::array<Strides, N> strides;
  for (std::size_t i = 0; i + 1 < N; ++i) strides[i] = ins[i]->strides;
  strides[N - 1] = core::dense_strides(out.shape());
  return Lanes<N>::along(out.shape(), strides, order.axis, order.reverse);
}

const ScanOrder& order_of(const Primitive& primitive) { return static_cast<const ops::ScanPrimitive&>(primitive).order; }

/// A scan of one input whose monoid lifts an element as it is; an exclusive one begins with `first`.
template <template <class> class Monoid, class List, HotScan hot, int first>
void simple_scan(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  context.allocate(outs[0]);
  if (is_hot(outs[0].dtype()))
    return run_hot(context, {.scan = hot, .order = order_of(primitive), .in = {ins[0]}, .out = {&outs[0]}, .first = first});
  const auto lanes = scan_lanes_of<2>(outs[0], {ins[0]}, order_of(primitive));
  visit_checked(List{}, outs[0].dtype(), [&]<class T>() {
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
                             .first = scan.largest ? -INFINITY : INFINITY});
  if (scan.largest) extreme_scan<true>(context, scan, *ins[0], outs[0]);
  else extreme_scan<false>(context, scan, *ins[0], outs[0]);
}

void linear_recurrence(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  const ScanOrder& order = order_of(primitive);
  Array& out = outs[0];
  context.allocate(out);
  if (is_hot(out.dtype()))
    return run_hot(context, {.scan = HotScan::linear_recurrence,
                             .order = order,
                             .in = {ins[0], ins[1]},
                             .out = {&out},
                             .initial = ins.size() == 3 ? ins[2] : nullptr,
                             .initial_part = out.dtype() == DType::float64 ? 2 : 1});
  Strides initial(out.shape().size(), 0);  // that of the initial value, with zero along the axis
  if (ins.size() == 3)
    for (std::size_t i = 0, next = 0; i < initial.size(); ++i)
      if (static_cast<int>(i) != order.axis) initial[i] = ins[2]->strides[next++];
  const auto lanes =
      Lanes<4>::along(out.shape(), {ins[0]->strides, ins[1]->strides, initial, out.strides}, order.axis, order.reverse);
  visit_checked(Numbers{}, out.dtype(), [&]<class T>() {
    using M = ops::AffineMonoid<T>;
    for_each_lane(context, lanes, [&](auto at) {
      auto h = ins.size() == 3 ? core::convert<ops::Carry<T>>(ins[2]->data<T>()[at[2]]) : ops::Carry<T>{};
      for (std::int64_t k = 0; k < lanes.length; ++k) {
        const auto next = M::apply(M::lift(ins[0]->data<T>()[at[0]], ins[1]->data<T>()[at[1]]), h);
        out.data<T>()[at[3]] = core::convert<T>(order.exclusive ? h : next);
        h = next;
        for (std::size_t i = 0; i < 4; ++i) at[i] += lanes.step[i];
      }
    });
  });
}

void logcumsumexp(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  context.allocate(outs[0]);
  run_hot(context,
          {.scan = HotScan::logcumsumexp, .order = order_of(primitive), .in = {ins[0]}, .out = {&outs[0]}, .first = -INFINITY});
}

void lse_mean(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  context.allocate(outs[0]);
  run_hot(context,
          {.scan = HotScan::logcumsumexp_mean, .order = order_of(primitive), .in = {ins[0], ins[1]}, .out = {&outs[0]}});
}

void lse_mean_adjoint(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  context.allocate(outs[0]);
  run_hot(context,
          {.scan = HotScan::logcumsumexp_adjoint, .order = order_of(primitive), .in = {ins[0], ins[1]}, .out = {&outs[0]}});
}

void lse_weight(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  const auto& scan = static_cast<const ops::LseWeight&>(primitive);
  context.allocate(outs[0]);
  const auto lanes = scan_lanes_of<2>(outs[0], {ins[0]}, scan.order);
  visit_checked(Floats{}, outs[0].dtype(), [&]<class T>() {
    using M = ops::LogSumExpMonoid<T>;
    for_each_lane(context, lanes, [&](auto at) {
      auto before = M::identity();
      for (std::int64_t k = 0; k < lanes.length; ++k) {
        const auto element = M::lift(ins[0]->data<T>()[at[0]]);
        const auto state = M::combine(before, element);
        const auto& part = scan.kept ? before : element;
        const double weight = state.s == 0 ? 0.0 : ops::rescale(part.s, part.m, state.m) / state.s;
        outs[0].data<T>()[at[1]] = core::convert<T>(weight);
        before = state;
        for (std::size_t i = 0; i < 2; ++i) at[i] += lanes.step[i];
      }
    });
  });
}

}  // namespace

void register_scans() {
  core::add_kernel<ops::CumSum>(DeviceType::cpu, simple_scan<ops::SumMonoid, Numbers, HotScan::cumsum, 0>);
  core::add_kernel<ops::CumProd>(DeviceType::cpu, simple_scan<ops::ProductMonoid, Numbers, HotScan::cumprod, 1>);
  core::add_kernel<ops::CumExtreme>(DeviceType::cpu, cumextreme);
  core::add_kernel<ops::LinearRecurrence>(DeviceType::cpu, linear_recurrence);
  core::add_kernel<ops::LogCumSumExp>(DeviceType::cpu, logcumsumexp);
  core::add_kernel<ops::LseMean>(DeviceType::cpu, lse_mean);
  core::add_kernel<ops::LseMeanAdjoint>(DeviceType::cpu, lse_mean_adjoint);
  core::add_kernel<ops::LseWeight>(DeviceType::cpu, lse_weight);
}

}  // namespace scangrad::inline v0::cpu
