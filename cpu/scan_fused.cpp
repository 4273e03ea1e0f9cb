// The fused derivatives of the scans (ops/scan/fused.h): value and tangent on one way forwards, cotangents on the way back. Floating ones
// run the hot kernels (cpu/simd), complex ones plain loops.

#include "cpu/scan_lanes.h"
#include "ops/scan/fused.h"

namespace scangrad::inline v0::cpu {
namespace {

void allocate_all(const Context& context, Outputs outs) {
  for (Array& out : outs) context.allocate(out);
}

/// Lanes over two inputs and two outputs of one shape.
Lanes<4> pair_lanes(Inputs ins, Outputs outs, const ScanOrder& order) {
  return Lanes<4>::along(outs[0].shape(), {ins[0]->strides, ins[1]->strides, outs[0].strides, outs[1].strides}, order.axis,
                         order.reverse);
}

/// x, t -> y, dy: `next(state, x, t)` takes one element in, `value` and `tangent` are what is seen of a state.
template <class T, class State, class Next, class Value, class Tangent>
void pair_scan(const Context& context, const ScanOrder& order, Inputs ins, Outputs outs, const State& start, const Next& next,
               const Value& value, const Tangent& tangent) {
  const auto lanes = pair_lanes(ins, outs, order);
  const T *x = ins[0]->data<T>(), *t = ins[1]->data<T>();
  T *y = outs[0].data<T>(), *dy = outs[1].data<T>();
  for_each_lane(context, lanes, [&](auto at) {
    State state = start;
    for (std::int64_t k = 0; k < lanes.length; ++k) {
      const State joined = next(state, x[at[0]], t[at[1]]);
      const State& seen = order.exclusive ? state : joined;
      y[at[2]] = value(seen);
      dy[at[3]] = tangent(seen);
      state = joined;
      for (std::size_t i = 0; i < 4; ++i) at[i] += lanes.step[i];
    }
  });
}

// dy_k = x_k dy_{k-1} + y_{k-1} t_k
void cumprod_jvp(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  allocate_all(context, outs);
  if (is_hot(outs[0].dtype()))
    return run_hot(context, {.scan = HotScan::cumprod_tangent,
                             .order = order_of(primitive),
                             .in = {ins[0], ins[1]},
                             .out = {&outs[0], &outs[1]},
                             .first = {1, 0}});
  visit_checked(Complexes{}, outs[0].dtype(), [&]<class T>() {
    using C = ops::Carry<T>;
    struct State {
      C product, tangent;
      bool empty = false;
    };
    pair_scan<T>(
        context, order_of(primitive), ins, outs, State{ops::from_real<C>(1), C{}, true},
        [](const State& s, T x_k, T t_k) {
          const C x = ops::carried(x_k), t = ops::carried(t_k);
          if (s.empty) return State{x, t};
          return State{ops::multiply(s.product, x), ops::add(ops::multiply(x, s.tangent), ops::multiply(s.product, t))};
        },
        [](const State& s) { return ops::stored<T>(s.product); }, [](const State& s) { return ops::stored<T>(s.tangent); });
  });
}

void cumextreme_jvp(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  const auto& scan = static_cast<const ops::CumExtremeJvp&>(primitive);
  allocate_all(context, outs);
  run_hot(context, {.scan = scan.largest ? HotScan::cummax_tangent : HotScan::cummin_tangent,
                    .order = scan.order,
                    .in = {ins[0], ins[1]},
                    .out = {&outs[0], &outs[1]},
                    .first = {scan.largest ? -INFINITY : INFINITY, 0}});
}

void logcumsumexp_jvp(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  allocate_all(context, outs);
  if (is_hot(outs[0].dtype()))
    return run_hot(context, {.scan = HotScan::logcumsumexp_and_mean,
                             .order = order_of(primitive),
                             .in = {ins[0], ins[1]},
                             .out = {&outs[0], &outs[1]},
                             .first = {-INFINITY, 0}});
  visit_checked(Complexes{}, outs[0].dtype(), [&]<class T>() {
    using M = ops::WeightedMeanMonoid<T>;
    using State = typename M::State;
    pair_scan<T>(
        context, order_of(primitive), ins, outs, M::identity(),
        [](const State& s, T x, T t) { return M::combine(s, M::lift(x, t)); },
        [](const State& s) { return M::Weights::project(s.weights); }, [](const State& s) { return M::project(s); });
  });
}

// dh_k = a_k dh_{k-1} + (da_k h_{k-1} + db_k)
void linear_recurrence_jvp(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  const ScanOrder& order = order_of(primitive);
  allocate_all(context, outs);
  const Shape& shape = outs[0].shape();
  const std::size_t n = ins.size() / 2;
  if (is_hot(outs[0].dtype())) {
    const bool full = outs[0].dtype() == DType::float64;
    return run_hot(context, {.scan = HotScan::linear_recurrence_tangent,
                             .order = order,
                             .in = {ins[0], ins[1], ins[n], ins[n + 1]},
                             .out = {&outs[0], &outs[1]},
                             .initial = {n == 3 ? ins[2] : nullptr, nullptr, nullptr, n == 3 ? ins[n + 2] : nullptr},
                             .carry_part = {full ? 2 : 1, 0, 0, full ? 6 : 3}});
  }
  const Strides none(shape.size(), 0);
  const auto initial_strides = [&](std::size_t i) { return n == 3 ? strides_without_axis(*ins[i], order.axis) : none; };
  const auto lanes = Lanes<8>::along(shape,
                                     {ins[0]->strides, ins[1]->strides, ins[n]->strides, ins[n + 1]->strides, outs[0].strides,
                                      outs[1].strides, initial_strides(2), initial_strides(n + 2)},
                                     order.axis, order.reverse);
  visit_checked(Complexes{}, outs[0].dtype(), [&]<class T>() {
    using C = ops::Carry<T>;
    const T *a = ins[0]->data<T>(), *b = ins[1]->data<T>(), *da = ins[n]->data<T>(), *db = ins[n + 1]->data<T>();
    T *y = outs[0].data<T>(), *dy = outs[1].data<T>();
    for_each_lane(context, lanes, [&](auto at) {
      C h = n == 3 ? ops::carried(ins[2]->data<T>()[at[6]]) : C{};
      C dh = n == 3 ? ops::carried(ins[n + 2]->data<T>()[at[7]]) : C{};
      for (std::int64_t k = 0; k < lanes.length; ++k) {
        const bool alone = k == 0 && n == 2;  // there is no product with the first factor
        const C factor = alone ? C{} : ops::carried(a[at[0]]), moved = alone ? C{} : ops::carried(da[at[2]]);
        const C source = ops::add(ops::multiply(moved, h), ops::carried(db[at[3]]));
        const C next = ops::add(ops::multiply(factor, h), ops::carried(b[at[1]]));
        const C next_tangent = ops::add(ops::multiply(factor, dh), source);
        y[at[4]] = ops::stored<T>(order.exclusive ? h : next);
        dy[at[5]] = ops::stored<T>(order.exclusive ? dh : next_tangent);
        h = next, dh = next_tangent;
        for (std::size_t i = 0; i < 8; ++i) at[i] += lanes.step[i];
      }
    });
  });
}

// R_k = g_k + conj(x_{k+1}) R_{k+1}, gx_k = conj(p_k) R_k, with p the products before k. Of an exclusive scan, element k meets the
// cotangent of the next output, and the last element none.
void cumprod_vjp(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  const ScanOrder& order = order_of(primitive);
  if (is_hot(outs[0].dtype())) {
    context.allocate(outs[0]);
    return run_hot(context, {.scan = HotScan::cumprod_back, .order = order, .in = {ins[0], ins[1]}, .out = {&outs[0]}});
  }
  const auto lanes = scan_lanes_of<3>(outs[0], {ins[0], ins[1]}, order);
  visit_checked(Complexes{}, outs[0].dtype(), [&]<class T>() {
    using C = ops::Carry<T>;
    const auto [x_step, g_step, v_step] = lanes.step;
    const auto lane = [&, x_step = x_step, g_step = g_step, v_step = v_step](const auto& at, C* memory) {
      const T* x = ins[0]->data<T>() + at[0];
      const T* g = ins[1]->data<T>() + at[1] + (order.exclusive ? g_step : 0);
      T* v = outs[0].data<T>() + at[2];
      std::int64_t n = lanes.length;
      if (order.exclusive && n > 0) v[--n * v_step] = T{};
      C R{};
      BackwardStates<C>::run(
          n, ops::from_real<C>(1), memory,
          [&](const C& p, std::int64_t k) { return ops::multiply(p, ops::carried(x[k * x_step])); },
          [&](std::int64_t k, const C& before, const C&) {
            const C reached = ops::carried(g[k * g_step]);
            R = k + 1 < n ? ops::add(reached, ops::multiply(ops::conjugated(ops::carried(x[(k + 1) * x_step])), R)) : reached;
            v[k * v_step] = ops::stored<T>(ops::multiply(ops::conjugated(before), R));
          });
    };
    for_each_lane_back<C>(
        context, lanes, [&] { context.allocate(outs[0]); }, lane);
  });
}

void cumextreme_vjp(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  const auto& scan = static_cast<const ops::CumExtremeVjp&>(primitive);
  context.allocate(outs[0]);
  run_hot(context, {.scan = scan.largest ? HotScan::cummax_back : HotScan::cummin_back,
                    .order = scan.order,
                    .in = {ins[0], ins[1]},
                    .out = {&outs[0]}});
}

// D_k = g_k + conj(a_{k+1}) D_{k+1}; gb = D, ga_k = D_k conj(h_{k-1}), ginitial = conj(a_1) D_1 (and g_1 of an exclusive scan)
void linear_recurrence_vjp(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  const ScanOrder& order = order_of(primitive);
  const Shape& shape = outs[0].shape();
  const bool has_initial = outs.size() == 3;
  const Strides row_major = core::dense_strides(shape), none(shape.size(), 0);
  if (has_initial) outs[2].strides = core::dense_strides(outs[2].shape());
  if (is_hot(outs[0].dtype())) {
    allocate_all(context, outs);
    return run_hot(context, {.scan = HotScan::linear_recurrence_back,
                             .order = order,
                             .in = {ins[0], ins[1], ins.back()},
                             .out = {&outs[0], &outs[1]},
                             .initial = {has_initial ? ins[2] : nullptr},
                             .carry_part = {outs[0].dtype() == DType::float64 ? 2 : 1},
                             .initial_cotangent = has_initial ? &outs[2] : nullptr});
  }
  const auto lanes = Lanes<7>::along(shape,
                                     {ins[0]->strides, ins[1]->strides, ins.back()->strides, row_major, row_major,
                                      has_initial ? strides_without_axis(*ins[2], order.axis) : none,
                                      has_initial ? strides_without_axis(outs[2], order.axis) : none},
                                     order.axis, order.reverse);
  visit_checked(Complexes{}, outs[0].dtype(), [&]<class T>() {
    using C = ops::Carry<T>;
    using M = ops::AffineMonoid<T>;
    const auto lane = [&](const auto& at, C* memory) {
      const auto& step = lanes.step;
      const T *a = ins[0]->data<T>() + at[0], *b = ins[1]->data<T>() + at[1], *g = ins.back()->data<T>() + at[2];
      T *ga = outs[0].data<T>() + at[3], *gb = outs[1].data<T>() + at[4];
      const std::int64_t length = lanes.length, n = order.exclusive && length > 0 ? length - 1 : length;
      if (n < length) ga[n * step[3]] = gb[n * step[4]] = T{};
      const auto factor = [&](std::int64_t k) { return ops::conjugated(ops::carried(a[k * step[0]])); };
      C D{};
      BackwardStates<C>::run(
          n, has_initial ? ops::carried(ins[2]->data<T>()[at[5]]) : C{}, memory,
          [&](const C& h, std::int64_t k) {
            const T b_k = b[k * step[1]];
            return k == 0 && !has_initial ? ops::carried(b_k) : M::apply(M::lift(a[k * step[0]], b_k), h);
          },
          [&](std::int64_t k, const C& before, const C&) {
            const C reached = ops::carried(g[(order.exclusive ? k + 1 : k) * step[2]]);
            D = k + 1 < n ? ops::add(reached, ops::multiply(factor(k + 1), D)) : reached;
            gb[k * step[4]] = ops::stored<T>(D);
            ga[k * step[3]] = k == 0 && !has_initial ? T{} : ops::stored<T>(ops::multiply(D, ops::conjugated(before)));
          });
      if (!has_initial) return;
      C total = n > 0 ? ops::multiply(factor(0), D) : C{};
      if (order.exclusive && length > 0) total = ops::add(total, ops::carried(g[0]));
      outs[2].data<T>()[at[6]] = ops::stored<T>(total);
    };
    for_each_lane_back<C>(
        context, lanes, [&] { allocate_all(context, outs); }, lane);
  });
}

}  // namespace

void register_fused_scans() {
  core::add_kernel<ops::CumProdJvp>(DeviceType::cpu, cumprod_jvp);
  core::add_kernel<ops::CumProdVjp>(DeviceType::cpu, cumprod_vjp);
  core::add_kernel<ops::CumExtremeJvp>(DeviceType::cpu, cumextreme_jvp);
  core::add_kernel<ops::CumExtremeVjp>(DeviceType::cpu, cumextreme_vjp);
  core::add_kernel<ops::LinearRecurrenceJvp>(DeviceType::cpu, linear_recurrence_jvp);
  core::add_kernel<ops::LinearRecurrenceVjp>(DeviceType::cpu, linear_recurrence_vjp);
  core::add_kernel<ops::LogCumSumExpJvp>(DeviceType::cpu, logcumsumexp_jvp);
}

}  // namespace scangrad::inline v0::cpu
