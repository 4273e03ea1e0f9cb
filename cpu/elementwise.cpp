// Element-wise kernels: one loop each for one, two and three inputs, over a function of the element type.

#include <cmath>

#include "cpu/backend.h"
#include "ops/elementwise.h"

namespace scangrad::inline v0::cpu {
namespace {

using core::Floats;
using core::Numbers;
using core::Working;
using wide = std::uint64_t;  // integer arithmetic wraps

/// to[i] = f(x[i]) for a row-major x.
template <class T, class Out, class F>
void loop_over(const Context& context, const Array& x, Out* to, std::int64_t n, const F& f) {
  const T* from = x.data<T>();
  context.parallel_for(n, parallel_grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) to[i] = f(from[i]);
  });
}

/// Arguments of type T in, whatever f returns out; the output may reuse an input of T's size.
template <class T, std::size_t N, class F, std::size_t... I>
void loop(const Context& context, Inputs ins, Array& out, const F& f, std::index_sequence<I...>) {
  using Out = decltype(f(((void)I, T{})...));
  context.allocate_or_reuse(out);
  Out* to = out.data<Out>();
  const std::int64_t n = out.size();
  if (((ins[I]->dense && ins[I]->shape() == out.shape()) && ...)) {
    const std::array<const T*, N> from{ins[I]->template data<T>()...};
    context.parallel_for(n, parallel_grain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) to[i] = f(from[I][i]...);
    });
    return;
  }
  if (n == 0) return;
  if constexpr (N == 2) {
    if (ins[0]->dense && ins[0]->shape() == out.shape() && ins[1]->size() == 1) {
      const T b = *ins[1]->data<T>();
      loop_over<T>(context, *ins[0], to, n, [b, f](T a) { return f(a, b); });
      return;
    }
    if (ins[1]->dense && ins[1]->shape() == out.shape() && ins[0]->size() == 1) {
      const T a = *ins[0]->data<T>();
      loop_over<T>(context, *ins[1], to, n, [a, f](T b) { return f(a, b); });
      return;
    }
  }
  const auto lanes = Lanes<N + 1>::elementwise(
      out.shape(), {core::broadcast_strides(*ins[I], out.shape())..., out.strides});
  const std::array<const T*, N> from{ins[I]->template data<T>()...};
  for_each_lane(context, lanes, [&](const auto& at) {
    for (std::int64_t i = 0; i < lanes.length; ++i)
      to[at[N] + i * lanes.step[N]] = f(from[I][at[I] + i * lanes.step[I]]...);
  });
}

template <class List, std::size_t N, class F>
void kernel(const Context& context, const Primitive&, Inputs ins, Outputs outs) {
  visit_checked(List{}, ins[0]->dtype(), [&]<class T>() {
    loop<T, N>(context, ins, outs[0], F{}, std::make_index_sequence<N>());
  });
}

template <class P, class List, class F>
void unary(List, F) {
  core::add_kernel<P>(DeviceType::cpu, kernel<List, 1, F>);
}
template <class P, class List, class F>
void binary(List, F) {
  core::add_kernel<P>(DeviceType::cpu, kernel<List, 2, F>);
}

/// Integers through unsigned ones, so that they wrap.
template <class T, class F>
T wrapped(F f, T a, T b) {
  if constexpr (std::is_integral_v<T>) return static_cast<T>(f(static_cast<wide>(a), static_cast<wide>(b)));
  else return f(a, b);
}

void where(const Context& context, const Primitive&, Inputs ins, Outputs outs) {
  Array& out = outs[0];
  context.allocate(out);
  if (out.size() == 0) return;
  const auto lanes = Lanes<4>::elementwise(
      out.shape(), {core::broadcast_strides(*ins[0], out.shape()), core::broadcast_strides(*ins[1], out.shape()),
                    core::broadcast_strides(*ins[2], out.shape()), out.strides});
  visit_checked(Working{}, out.dtype(), [&]<class T>() {
    const bool* c = ins[0]->data<bool>();
    const T *a = ins[1]->data<T>(), *b = ins[2]->data<T>();
    T* to = out.data<T>();
    for_each_lane(context, lanes, [&](const auto& at) {
      for (std::int64_t i = 0; i < lanes.length; ++i)
        to[at[3] + i * lanes.step[3]] = c[at[0] + i * lanes.step[0]] ? a[at[1] + i * lanes.step[1]] : b[at[2] + i * lanes.step[2]];
    });
  });
}

void astype(const Context& context, const Primitive&, Inputs ins, Outputs outs) {
  Array& out = outs[0];
  context.allocate(out);
  if (out.size() == 0) return;
  const auto lanes = Lanes<2>::elementwise(out.shape(), {ins[0]->strides, out.strides});
  visit_checked(core::Every{}, ins[0]->dtype(), [&]<class From>() {
    visit_checked(core::Every{}, out.dtype(), [&]<class To>() {
      const From* from = ins[0]->data<From>();
      To* to = out.data<To>();
      for_each_lane(context, lanes, [&](const auto& at) {
        for (std::int64_t i = 0; i < lanes.length; ++i)
          to[at[1] + i * lanes.step[1]] = core::convert<To>(from[at[0] + i * lanes.step[0]]);
      });
    });
  });
}

template <class T>
T sigmoid(T x) {
  const T e = std::exp(-std::abs(x));
  return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}

void register_arithmetic() {
  using namespace ops;
  binary<Add>(Numbers{}, []<class T>(T a, T b) { return wrapped([](auto x, auto y) { return x + y; }, a, b); });
  binary<Subtract>(Numbers{}, []<class T>(T a, T b) { return wrapped([](auto x, auto y) { return x - y; }, a, b); });
  binary<Multiply>(Numbers{}, []<class T>(T a, T b) { return wrapped([](auto x, auto y) { return x * y; }, a, b); });
  binary<Divide>(Floats{}, [](auto a, auto b) { return a / b; });
  binary<Maximum>(Numbers{}, [](auto a, auto b) { return a > b || a != a ? a : b; });
  binary<Minimum>(Numbers{}, [](auto a, auto b) { return a < b || a != a ? a : b; });
  unary<Negative>(Numbers{}, []<class T>(T x) {
    if constexpr (std::is_integral_v<T>) return static_cast<T>(-static_cast<wide>(x));
    else return -x;
  });
  unary<Square>(Numbers{}, []<class T>(T x) { return wrapped([](auto a, auto b) { return a * b; }, x, x); });
  unary<Abs>(Numbers{}, []<class T>(T x) {
    if constexpr (std::is_integral_v<T>) return x < 0 ? static_cast<T>(-static_cast<wide>(x)) : x;
    else return std::abs(x);
  });
  unary<Sign>(Numbers{}, []<class T>(T x) { return x > 0 ? T{1} : x < 0 ? T{-1} : x == x ? T{0} : x; });
}

void register_functions() {
  using namespace ops;
  unary<Exp>(Floats{}, [](auto x) { return std::exp(x); });
  unary<Expm1>(Floats{}, [](auto x) { return std::expm1(x); });
  unary<Log>(Floats{}, [](auto x) { return std::log(x); });
  unary<Log1p>(Floats{}, [](auto x) { return std::log1p(x); });
  unary<Sqrt>(Floats{}, [](auto x) { return std::sqrt(x); });
  unary<Sigmoid>(Floats{}, [](auto x) { return sigmoid(x); });
  unary<Tanh>(Floats{}, [](auto x) { return std::tanh(x); });
}

void register_comparisons() {
  using namespace ops;
  binary<Equal>(Working{}, [](auto a, auto b) { return a == b; });
  binary<NotEqual>(Working{}, [](auto a, auto b) { return a != b; });
  binary<Less>(Working{}, [](auto a, auto b) { return a < b; });
  binary<LessEqual>(Working{}, [](auto a, auto b) { return a <= b; });
  binary<Greater>(Working{}, [](auto a, auto b) { return a > b; });
  binary<GreaterEqual>(Working{}, [](auto a, auto b) { return a >= b; });
}

}  // namespace

void register_elementwise() {
  register_arithmetic();
  register_functions();
  register_comparisons();
  core::add_kernel<ops::Where>(DeviceType::cpu, where);
  core::add_kernel<ops::AsType>(DeviceType::cpu, astype);
}

}  // namespace scangrad::inline v0::cpu
