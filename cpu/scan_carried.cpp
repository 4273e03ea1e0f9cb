// The scans that start from a carry and end with one (ops/scan/carried.h), as plain loops.

#include "cpu/scan_lanes.h"
#include "ops/scan/carried.h"

namespace scangrad::inline v0::cpu {
namespace {

/// Where a lane finds its elements, writes its outputs, and has the parts of its carry before and after.
constexpr std::size_t elements_at = 0, out_at = 2, before_at = 3, after_at = 6;
using CarriedLanes = Lanes<9>;

CarriedLanes carried_lanes(const Context& context, const ScanOrder& order, Inputs ins, Outputs outs) {
  const std::size_t parts = outs.size() - 1, elements = ins.size() - parts;
  std::array<Strides, 9> strides;
  strides.fill(Strides(outs[0].shape().size(), 0));
  for (Array& out : outs) context.allocate(out);
  for (std::size_t i = 0; i < elements; ++i) strides[elements_at + i] = ins[i]->strides;
  strides[out_at] = outs[0].strides;
  for (std::size_t i = 0; i < parts; ++i) {
    strides[before_at + i] = strides_without_axis(*ins[elements + i], order.axis);
    strides[after_at + i] = strides_without_axis(outs[1 + i], order.axis);
  }
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

/// `start(parts, offsets)`, `next(state, offsets)` and `seen(state)` make a scan of T; `end` writes what it ends with.
template <class T, class Start, class Next, class Seen, class End>
void carried_scan(const Context& context, const ScanOrder& order, const CarriedLanes& lanes, Array& out, const Start& start,
                  const Next& next, const Seen& seen, const End& end) {
  for_each_lane(context, lanes, [&](auto at) {
    auto state = start(at);
    const CarriedLanes::Offsets first = at;
    for (std::int64_t k = 0; k < lanes.length; ++k) {
      const auto joined = next(state, at);
      out.data<T>()[at[out_at]] = seen(order.exclusive ? state : joined);
      state = joined;
      for (std::size_t i = 0; i < at.size(); ++i) at[i] += lanes.step[i];
    }
    end(first, state);
  });
}

/// A scan whose state is a number: `next(state, first element, second)`.
template <class Next>
void scan_of_numbers(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs, const Next& next) {
  const ScanOrder& order = order_of(primitive);
  const CarriedLanes lanes = carried_lanes(context, order, ins, outs);
  const Inputs before = ins.last(outs.size() - 1);
  const Outputs after = outs.subspan(1);
  visit_checked(Numbers{}, outs[0].dtype(), [&]<class T>() {
    using C = ops::Carry<T>;
    const std::size_t second = ins.size() - before.size() - 1;
    const T *x = ins[0]->data<T>(), *b = ins[second]->data<T>();
    carried_scan<T>(
        context, order, lanes, outs[0], [&](const auto& at) { return read_carry<C>(before, at, 0); },
        [&](const C& state, const auto& at) {
          return next(state, ops::carried(x[at[elements_at]]), ops::carried(b[at[elements_at + second]]));
        },
        [](const C& state) { return ops::stored<T>(state); },
        [&](const auto& at, const C& state) { write_carry(after, at, 0, state); });
  });
}

void carried_sum(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  scan_of_numbers(context, primitive, ins, outs, [](auto s, auto x, auto) { return ops::add(s, x); });
}
void carried_product(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  scan_of_numbers(context, primitive, ins, outs, [](auto s, auto x, auto) { return ops::multiply(s, x); });
}
void carried_recurrence(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  scan_of_numbers(context, primitive, ins, outs, [](auto h, auto a, auto b) { return ops::add(ops::multiply(a, h), b); });
}

/// (m, s), where a complex m stands for a log-sum of its own: its phase goes into s.
template <class T>
typename ops::LogSumExpMonoid<T>::State read_log_sum(Inputs before, const CarriedLanes::Offsets& at) {
  using M = ops::LogSumExpMonoid<T>;
  using Sum = typename M::Sum;
  using Wide = typename Parts<Sum>::Type;
  const Wide m = before[0]->data<Wide>()[at[before_at]];
  const auto s = read_carry<Sum>(before, at, 1);
  if constexpr (core::is_complex_type<T>) {
    const auto phase = ops::LogSumExpMonoid<Wide>::lift(m);
    if (ops::is_zero(phase.s)) return M::identity();
    const auto turned = ops::multiply(s, Sum{{phase.s.re.high}, {phase.s.im.high}});
    return {phase.m, turned};
  } else {
    if (m == ops::minus_infinity) return M::identity();
    return {m, s};
  }
}

void carried_log_sum_exp(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  const ScanOrder& order = order_of(primitive);
  const CarriedLanes lanes = carried_lanes(context, order, ins, outs);
  const Inputs before = ins.subspan(1);
  const Outputs after = outs.subspan(1);
  visit_checked(Inexact{}, outs[0].dtype(), [&]<class T>() {
    using M = ops::LogSumExpMonoid<T>;
    using State = typename M::State;
    using Wide = typename Parts<typename M::Sum>::Type;
    const T* x = ins[0]->data<T>();
    carried_scan<T>(
        context, order, lanes, outs[0], [&](const auto& at) { return read_log_sum<T>(before, at); },
        [&](const State& state, const auto& at) { return M::combine(state, M::lift(x[at[elements_at]])); },
        [](const State& state) { return M::project(state); },
        [&](const auto& at, const State& state) {
          after[0].data<Wide>()[at[after_at]] = state.m;
          write_carry(after, at, 1, state.s);
        });
  });
}

}  // namespace

void register_carried_scans() {
  core::add_kernel<ops::CarriedSum>(DeviceType::cpu, carried_sum);
  core::add_kernel<ops::CarriedProduct>(DeviceType::cpu, carried_product);
  core::add_kernel<ops::CarriedRecurrence>(DeviceType::cpu, carried_recurrence);
  core::add_kernel<ops::CarriedLogSumExp>(DeviceType::cpu, carried_log_sum_exp);
}

}  // namespace scangrad::inline v0::cpu
