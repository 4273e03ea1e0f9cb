// The scans that start from a carry and end with one (ops/scan/carried.h): floating ones by the hot kernels, the others as plain loops.

#include "cpu/scan_lanes.h"
#include "ops/scan/carried.h"

namespace scangrad::inline v0::cpu {
namespace {

/// Where a lane finds its elements, writes its outputs, and has the parts of its carry before and after.
constexpr std::size_t elements_at = 0, out_at = 2, before_at = 3, after_at = 6;
using CarriedLanes = Lanes<9>;

CarriedLanes carried_lanes(const ScanOrder& order, Inputs elements, Inputs before, Outputs outs) {
  std::array<Strides, 9> strides;
  strides.fill(Strides(outs[0].shape().size(), 0));
  for (std::size_t i = 0; i < elements.size(); ++i) strides[elements_at + i] = elements[i]->strides;
  strides[out_at] = outs[0].strides;
  for (std::size_t i = 0; i < before.size(); ++i) strides[before_at + i] = strides_without_axis(*before[i], order.axis);
  for (std::size_t i = 0; i + 1 < outs.size(); ++i) strides[after_at + i] = strides_without_axis(outs[1 + i], order.axis);
  return CarriedLanes::along(outs[0].shape(), strides, order.axis, order.reverse);
}

// A number that a scan carries in, from one or two parts, and back.
template <class C>
struct Parts;
template <>
struct Parts<std::int64_t> {
  using Type = std::int64_t;
  static std::int64_t join(Type value, Type) { return value; }
  static Type part(std::int64_t c, int) { return c; }
};
template <>
struct Parts<double> {
  using Type = double;
  static double join(double value, double) { return value; }
  static double part(double c, int) { return c; }
};
template <>
struct Parts<ops::Twice> {
  using Type = double;
  static ops::Twice join(double high, double low) { return ops::quick_two_sum(high, low); }
  static double part(ops::Twice c, int i) { return i == 0 ? c.high : c.low; }
};
template <class R>
struct Parts<ops::Planar<R>> {
  using Type = std::complex<double>;
  static ops::Planar<R> join(Type high, Type low) {
    return {Parts<R>::join(high.real(), low.real()), Parts<R>::join(high.imag(), low.imag())};
  }
  static Type part(ops::Planar<R> c, int i) { return {Parts<R>::part(c.re, i), Parts<R>::part(c.im, i)}; }
};
template <class C>
inline constexpr int width_of = std::is_same_v<C, ops::Twice> || std::is_same_v<C, ops::Planar<ops::Twice>> ? 2 : 1;

/// Reads or writes the carry `c` at the parts from number `first` on.
template <class C>
C read_carry(Inputs parts, const CarriedLanes::Offsets& at, std::size_t first) {
  using Part = typename Parts<C>::Type;
  const auto value = [&](std::size_t i) { return parts[i]->data<Part>()[at[before_at + i]]; };
  return Parts<C>::join(value(first), width_of<C> == 2 ? value(first + 1) : Part{});
}
template <class C>
void write_carry(Outputs parts, const CarriedLanes::Offsets& at, std::size_t first, C c) {
  using Part = typename Parts<C>::Type;
  for (int i = 0; i < width_of<C>; ++i) {
    const std::size_t place = first + static_cast<std::size_t>(i);
    parts[place].data<Part>()[at[after_at + place]] = Parts<C>::part(c, i);
  }
}

/// `start(offsets)`, `next(state, offsets, position)` and `seen(state)` make a scan of T; `end` writes what it ends with.
template <class T, class Start, class Next, class Seen, class End>
void carried_scan(const Context& context, const ScanOrder& order, const CarriedLanes& lanes, Array& out, const Start& start,
                  const Next& next, const Seen& seen, const End& end) {
  for_each_lane(context, lanes, [&](auto at) {
    auto state = start(at);
    const CarriedLanes::Offsets first = at;
    for (std::int64_t k = 0; k < lanes.length; ++k) {
      const auto joined = next(state, at, k);
      out.data<T>()[at[out_at]] = seen(order.exclusive ? state : joined);
      state = joined;
      for (std::size_t i = 0; i < at.size(); ++i) at[i] += lanes.step[i];
    }
    end(first, state);
  });
}

/// What the four kernels share: outputs, and the way to the hot kernels for floating dtypes, where true is returned. `first`: the
/// identity; `part`: where the kernels carry the number.
bool carried_hot(const Context& context, const ScanOrder& order, Inputs elements, Inputs before, Outputs outs, HotScan scan,
                 double first, std::array<int, max_carried> part) {
  for (Array& out : outs) context.allocate(out);
  if (!is_floating(outs[0].dtype())) return false;
  HotCall call{.scan = scan, .order = order, .out = {&outs[0]}, .carry_part = part, .first = {first}};
  std::copy(elements.begin(), elements.end(), call.in.begin());
  std::copy(before.begin(), before.end(), call.initial.begin());
  for (std::size_t i = 1; i < outs.size(); ++i) call.final[i - 1] = &outs[i];
  run_hot(context, call);
  return true;
}

/// A scan whose state is a number: `next(state, first element, second)`.
template <class Next>
void scan_of_numbers(const Context& context, const ScanOrder& order, Inputs elements, Inputs before, Outputs outs, int identity,
                     const Next& next) {
  const CarriedLanes lanes = carried_lanes(order, elements, before, outs);
  const Outputs after = outs.subspan(1);
  visit_checked(Numbers{}, outs[0].dtype(), [&]<class T>() {
    using C = ops::Carry<T>;
    const std::size_t second = elements.size() - 1;
    const T *x = elements[0]->data<T>(), *b = elements[second]->data<T>();
    carried_scan<T>(
        context, order, lanes, outs[0],
        [&](const auto& at) { return before.empty() ? ops::from_real<C>(identity) : read_carry<C>(before, at, 0); },
        [&](const C& state, const auto& at, std::int64_t k) {
          const C e = ops::carried(b[at[elements_at + second]]);
          if (k == 0 && before.empty()) return e;  // there is nothing that it meets
          return next(state, ops::carried(x[at[elements_at]]), e);
        },
        [](const C& state) { return ops::stored<T>(state); },
        [&](const auto& at, const C& state) { write_carry(after, at, 0, state); });
  });
}

void carried_sum(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  const ScanOrder& order = order_of(primitive);
  const Inputs x = ins.first(1), before = ins.subspan(1);
  if (carried_hot(context, order, x, before, outs, HotScan::cumsum, 0, {0, 1})) return;
  scan_of_numbers(context, order, x, before, outs, 0, [](auto s, auto e, auto) { return ops::add(s, e); });
}
void carried_product(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  const ScanOrder& order = order_of(primitive);
  const Inputs x = ins.first(1), before = ins.subspan(1);
  if (carried_hot(context, order, x, before, outs, HotScan::cumprod, 1, {0, 1})) return;
  scan_of_numbers(context, order, x, before, outs, 1, [](auto s, auto e, auto) { return ops::multiply(s, e); });
}
void carried_recurrence(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  const ScanOrder& order = order_of(primitive);
  const Inputs ab = ins.first(2), before = ins.subspan(2);
  const auto part = recurrence_parts(outs[0].dtype());
  if (carried_hot(context, order, ab, before, outs, HotScan::linear_recurrence, 0, part)) return;
  scan_of_numbers(context, order, ab, before, outs, 0, [](auto h, auto a, auto b) { return ops::add(ops::multiply(a, h), b); });
}

template <bool largest>
void carried_extreme(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  const ScanOrder& order = order_of(primitive);
  const Inputs x = ins.first(1), before = ins.subspan(1);
  if (carried_hot(context, order, x, before, outs, largest ? HotScan::cummax : HotScan::cummin, largest ? -INFINITY : INFINITY,
                  {}))
    return;
  const CarriedLanes lanes = carried_lanes(order, x, before, outs);
  visit_checked(core::Integers{}, outs[0].dtype(), [&]<class T>() {
    using M = ops::ExtremeMonoid<T, largest>;
    const T* elements = ins[0]->data<T>();
    carried_scan<T>(
        context, order, lanes, outs[0],
        [&](const auto& at) {
          return before.empty() ? M::identity() : M::lift(before[0]->template data<T>()[at[before_at]], 0);
        },
        [&](const auto& state, const auto& at, std::int64_t) {
          return M::combine(state, M::lift(elements[at[elements_at]], 0));
        },
        [](const auto& state) { return M::project(state); },
        [&](const auto& at, const auto& state) { outs[1].data<T>()[at[after_at]] = M::project(state); });
  });
}

/// (m, s), where m stands for a log-sum of its own: its phase goes into s.
template <class T>
typename ops::LogSumExpMonoid<T>::State read_log_sum(Inputs before, const CarriedLanes::Offsets& at) {
  using M = ops::LogSumExpMonoid<T>;
  using Sum = typename M::Sum;
  using Wide = typename Parts<Sum>::Type;
  if (before.empty()) return M::identity();
  const auto phase = ops::LogSumExpMonoid<Wide>::lift(before[0]->data<Wide>()[at[before_at]]);
  if (ops::is_zero(phase.s)) return M::identity();
  return {phase.m, ops::multiply(read_carry<Sum>(before, at, 1), Sum{{phase.s.re.high}, {phase.s.im.high}})};
}

void carried_log_sum_exp(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  const ScanOrder& order = order_of(primitive);
  const Inputs before = ins.subspan(1);
  if (carried_hot(context, order, ins.first(1), before, outs, HotScan::logcumsumexp, ops::minus_infinity, {})) return;
  const CarriedLanes lanes = carried_lanes(order, ins.first(1), before, outs);
  const Outputs after = outs.subspan(1);
  visit_checked(core::Complexes{}, outs[0].dtype(), [&]<class T>() {
    using M = ops::LogSumExpMonoid<T>;
    using State = typename M::State;
    using Wide = typename Parts<typename M::Sum>::Type;
    const T* x = ins[0]->data<T>();
    carried_scan<T>(
        context, order, lanes, outs[0], [&](const auto& at) { return read_log_sum<T>(before, at); },
        [&](const State& state, const auto& at, std::int64_t) { return M::combine(state, M::lift(x[at[elements_at]])); },
        [](const State& state) { return M::project(state); },
        [&](const auto& at, const State& state) {
          after[0].data<Wide>()[at[after_at]] = state.m;
          write_carry(after, at, 1, state.s);
        });
  });
}

/// dy of x, t, and the tangent of the log sum after the last element.
void carried_mean(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  for (Array& out : outs) context.allocate(out);
  HotCall call{.scan = HotScan::logcumsumexp_mean, .order = order_of(primitive), .in = {ins[0], ins[1]}, .out = {&outs[0]}};
  if (ins.size() > 2) {
    std::copy(ins.begin() + 2, ins.end() - 1, call.initial.begin());
    call.initial[carried_tangent] = ins.back();
  }
  call.final[carried_tangent] = &outs[1];
  run_hot(context, call);
}

/// `part`: where the kernels carry the number.
void carried_back(const Context& context, const ScanOrder& order, Inputs ins, Outputs outs, std::size_t elements, bool ends,
                  HotScan scan, std::array<int, max_carried> part) {
  for (Array& out : outs) context.allocate(out);
  HotCall call{.scan = scan, .order = order, .carry_part = part};
  std::copy_n(ins.begin(), elements, call.in.begin());
  const std::size_t g = ins.size() - (ends ? 2 : 1);
  std::copy(ins.begin() + static_cast<std::ptrdiff_t>(elements), ins.begin() + static_cast<std::ptrdiff_t>(g),
            call.initial.begin());
  call.in[elements] = ins[g];
  if (ends) call.final_cotangent = ins.back();
  for (std::size_t i = 0; i < elements; ++i) call.out[i] = &outs[i];
  if (outs.size() > elements) call.initial_cotangent = &outs[elements];
  run_hot(context, call);
}

template <class P, HotScan scan>
void carried_vjp(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  const auto& back = static_cast<const ops::CarriedVjp<P>&>(primitive);
  std::array<int, max_carried> part{0, 1};
  if (P::elements == 2) part = recurrence_parts(outs[0].dtype());
  carried_back(context, back.order, ins, outs, P::elements, back.ends, scan, part);
}

}  // namespace

void register_carried_scans() {
  core::add_kernel<ops::CarriedSum>(DeviceType::cpu, carried_sum);
  core::add_kernel<ops::CarriedProduct>(DeviceType::cpu, carried_product);
  core::add_kernel<ops::CarriedRecurrence>(DeviceType::cpu, carried_recurrence);
  core::add_kernel<ops::CarriedExtreme<true>>(DeviceType::cpu, carried_extreme<true>);
  core::add_kernel<ops::CarriedExtreme<false>>(DeviceType::cpu, carried_extreme<false>);
  core::add_kernel<ops::CarriedVjp<ops::CarriedExtreme<true>>>(DeviceType::cpu,
                                                               carried_vjp<ops::CarriedExtreme<true>, HotScan::cummax_back>);
  core::add_kernel<ops::CarriedVjp<ops::CarriedExtreme<false>>>(DeviceType::cpu,
                                                                carried_vjp<ops::CarriedExtreme<false>, HotScan::cummin_back>);
  core::add_kernel<ops::CarriedLogSumExp>(DeviceType::cpu, carried_log_sum_exp);
  core::add_kernel<ops::CarriedMean>(DeviceType::cpu, carried_mean);
  core::add_kernel<ops::CarriedVjp<ops::CarriedProduct>>(DeviceType::cpu,
                                                         carried_vjp<ops::CarriedProduct, HotScan::cumprod_back>);
  core::add_kernel<ops::CarriedVjp<ops::CarriedRecurrence>>(
      DeviceType::cpu, carried_vjp<ops::CarriedRecurrence, HotScan::linear_recurrence_back>);
  core::add_kernel<ops::CarriedVjp<ops::CarriedLogSumExp>>(DeviceType::cpu,
                                                           carried_vjp<ops::CarriedLogSumExp, HotScan::logcumsumexp_adjoint>);
}

}  // namespace scangrad::inline v0::cpu
