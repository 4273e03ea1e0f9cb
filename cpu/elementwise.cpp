// Element-wise kernels: one loop each for one, two and three inputs, over a function of the element type.

#include <cmath>

#include "core/planted.h"
#include "cpu/backend.h"
#include "cpu/gamma.h"
#include "ops/elementwise.h"

namespace scangrad::inline v0::cpu {
namespace {

using core::Every;
using core::Floats;
using core::Inexact;
using core::is_complex_type;
using core::Numbers;
using core::Ordered;
using core::Reals;
using core::widen;

/// Functions of halves are computed in float; what they return becomes a half again, unless it is a bool.
template <class T, class Result>
using Stored = std::conditional_t<core::is_half_type<T> && !std::is_same_v<Result, bool>, T, Result>;

/// to[i] = f(x[i]) for a row-major x.
template <class T, class Out, class F>
void loop_over(const Context& context, const Array& x, Out* to, std::int64_t n, const F& f) {
  const T* from = x.data<T>();
  context.parallel_for(n, parallel_grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) to[i] = core::convert<Out>(f(widen(from[i])));
  });
}

/// Arguments of type T in, whatever f returns out; the output may reuse an input of T's size.
template <class T, std::size_t N, class F, std::size_t... I>
void loop(const Context& context, Inputs ins, Array& out, const F& f, std::index_sequence<I...>) {
  using Out = Stored<T, decltype(f(((void)I, widen(T{}))...))>;
  context.allocate_or_reuse(out);
  Out* to = out.data<Out>();
  const std::int64_t n = out.size();
  if (((ins[I]->dense && ins[I]->shape() == out.shape()) && ...)) {
    const std::array<const T*, N> from{ins[I]->template data<T>()...};
    context.parallel_for(n, parallel_grain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) to[i] = core::convert<Out>(f(widen(from[I][i])...));
    });
    return;
  }
  if (n == 0) return;
  if constexpr (N == 2) {
    if (ins[0]->dense && ins[0]->shape() == out.shape() && ins[1]->size() == 1) {
      loop_over<T>(context, *ins[0], to, n, [b = widen(*ins[1]->data<T>()), f](auto a) { return f(a, b); });
      return;
    }
    if (ins[1]->dense && ins[1]->shape() == out.shape() && ins[0]->size() == 1) {
      loop_over<T>(context, *ins[1], to, n, [a = widen(*ins[0]->data<T>()), f](auto b) { return f(a, b); });
      return;
    }
  }
  const auto lanes = Lanes<N + 1>::elementwise(out.shape(), {core::broadcast_strides(*ins[I], out.shape())..., out.strides});
  const std::array<const T*, N> from{ins[I]->template data<T>()...};
  for_each_lane(context, lanes, [&](const auto& at) {
    for (std::int64_t i = 0; i < lanes.length; ++i)
      to[at[N] + i * lanes.step[N]] = core::convert<Out>(f(widen(from[I][at[I] + i * lanes.step[I]])...));
  });
}

template <class List, std::size_t N, class F>
void kernel(const Context& context, const Primitive&, Inputs ins, Outputs outs) {
  visit_checked(List{}, ins[0]->dtype(),
                [&]<class T>() { loop<T, N>(context, ins, outs[0], F{}, std::make_index_sequence<N>()); });
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
  if constexpr (std::is_integral_v<T>)
    return static_cast<T>(f(static_cast<std::make_unsigned_t<T>>(a), static_cast<std::make_unsigned_t<T>>(b)));
  else return f(a, b);
}

void polygamma(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  const int order = static_cast<const ops::Polygamma&>(primitive).order;
  visit_checked(Floats{}, ins[0]->dtype(), [&]<class T>() {
    using Wide = decltype(widen(T{}));
    loop<T, 1>(
        context, ins, outs[0], [order](Wide x) { return static_cast<Wide>(polygamma_at(order, x)); },
        std::make_index_sequence<1>());
  });
}

void where(const Context& context, const Primitive&, Inputs ins, Outputs outs) {
  Array& out = outs[0];
  context.allocate(out);
  if (out.size() == 0) return;
  const auto lanes = Lanes<4>::elementwise(
      out.shape(), {core::broadcast_strides(*ins[0], out.shape()), core::broadcast_strides(*ins[1], out.shape()),
                    core::broadcast_strides(*ins[2], out.shape()), out.strides});
  visit_checked(Every{}, out.dtype(), [&]<class T>() {
    const bool* c = ins[0]->data<bool>();
    const T *a = ins[1]->data<T>(), *b = ins[2]->data<T>();
    T* to = out.data<T>();
    for_each_lane(context, lanes, [&](const auto& at) {
      for (std::int64_t i = 0; i < lanes.length; ++i)
        to[at[3] + i * lanes.step[3]] =
            c[at[0] + i * lanes.step[0]] ? a[at[1] + i * lanes.step[1]] : b[at[2] + i * lanes.step[2]];
    });
  });
}

void weighted(const Context& context, const Primitive&, Inputs ins, Outputs outs) {
  Array& out = outs[0];
  context.allocate(out);
  if (out.size() == 0) return;
  const auto strides = [&](std::size_t i) { return core::broadcast_strides(*ins[i], out.shape()); };
  const auto lanes = Lanes<4>::elementwise(out.shape(), {strides(0), strides(1), strides(2), out.strides});
  visit_checked(Floats{}, out.dtype(), [&]<class T>() {
    const T *p = ins[0]->data<T>(), *t = ins[1]->data<T>();
    const bool* mask = ins[2]->data<bool>();
    T* to = out.data<T>();
    for_each_lane(context, lanes, [&](const auto& at) {
      for (std::int64_t i = 0; i < lanes.length; ++i) {
        const auto ti = widen(t[at[1] + i * lanes.step[1]]);
        const auto product = widen(p[at[0] + i * lanes.step[0]]) * ti;
        const bool stays = SCANGRAD_PLANT(weighted_ignores_nan, !std::isfinite(ti), false);
        to[at[3] + i * lanes.step[3]] = core::convert<T>(!mask[at[2] + i * lanes.step[2]] ? 0 : stays ? ti : product);
      }
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
  if constexpr (is_complex_type<T>) {
    const bool right = x.real() >= 0;
    const T e = std::exp(right ? -x : x);
    return (right ? T(1) : e) / (T(1) + e);
  } else {
    const T e = std::exp(-std::abs(x));
    return x >= 0 ? 1 / (1 + e) : e / (1 + e);
  }
}

/// 1 - tanh^2 = 4 e^-2|x| / (1 + e^-2|x|)^2
template <class T>
T tanh_slope(T x) {
  if constexpr (is_complex_type<T>) return sigmoid(x + x) * sigmoid(-x - x) * T(4);
  else {
    const T e = std::exp(-2 * std::abs(x));
    return 4 * e / ((1 + e) * (1 + e));
  }
}

/// e^z - 1 = expm1(x) cos y - 2 sin^2(y/2) + i e^x sin y
template <class R>
std::complex<R> expm1(std::complex<R> z) {
  const R half_sine = std::sin(z.imag() / 2);
  return {std::expm1(z.real()) * std::cos(z.imag()) - 2 * half_sine * half_sine, std::exp(z.real()) * std::sin(z.imag())};
}

/// log |1 + z| = log1p(x (2 + x) + y^2) / 2, where the two terms may cancel: they are added exactly (two-fold).
template <class R>
std::complex<R> log1p(std::complex<R> z) {
  const double x = z.real(), y = z.imag();
  const R angle = static_cast<R>(std::atan2(y, 1 + x));
  if (!(std::abs(x) < 4 && std::abs(y) < 4)) return {static_cast<R>(std::log(std::hypot(1 + x, y))), angle};
  const double xx = x * x, yy = y * y, squares = xx + yy, sum = 2 * x + squares;
  const double lost = std::fma(x, x, -xx) + std::fma(y, y, -yy) + (xx >= yy ? (xx - squares) + yy : (yy - squares) + xx);
  const double lost_again = std::abs(2 * x) >= squares ? (2 * x - sum) + squares : (squares - sum) + 2 * x;
  return {static_cast<R>(std::log1p(sum + (lost + lost_again)) / 2), angle};
}

void register_arithmetic() {
  using namespace ops;
  binary<Add>(Numbers{}, []<class T>(T a, T b) { return wrapped([](auto x, auto y) { return x + y; }, a, b); });
  binary<Subtract>(Numbers{}, []<class T>(T a, T b) { return wrapped([](auto x, auto y) { return x - y; }, a, b); });
  binary<Multiply>(Numbers{}, []<class T>(T a, T b) { return wrapped([](auto x, auto y) { return x * y; }, a, b); });
  binary<Divide>(Inexact{}, [](auto a, auto b) { return a / b; });
  binary<Maximum>(Reals{}, [](auto a, auto b) { return a > b || a != a ? a : b; });
  binary<Minimum>(Reals{}, [](auto a, auto b) { return a < b || a != a ? a : b; });
  unary<Negative>(Numbers{}, []<class T>(T x) {
    if constexpr (std::is_integral_v<T>) return wrapped([](auto a, auto b) { return a - b; }, T{0}, x);
    else return -x;
  });
  unary<Square>(Numbers{}, []<class T>(T x) { return wrapped([](auto a, auto b) { return a * b; }, x, x); });
  unary<Abs>(Numbers{}, []<class T>(T x) {
    if constexpr (std::is_integral_v<T>) return x < 0 ? wrapped([](auto a, auto b) { return a - b; }, T{0}, x) : x;
    else return std::abs(x);
  });
  unary<Floor>(Reals{}, []<class T>(T x) {
    if constexpr (std::is_integral_v<T>) return x;
    else return std::floor(x);
  });
  unary<Round>(Reals{}, []<class T>(T x) {
    if constexpr (std::is_integral_v<T>) return x;
    else return std::nearbyint(x);
  });
  unary<Sign>(Reals{}, []<class T>(T x) { return x > 0 ? T{1} : x < 0 ? T{-1} : x == x ? T{0} : x; });
}

void register_functions() {
  using namespace ops;
  unary<Exp>(Inexact{}, [](auto x) { return std::exp(x); });
  unary<Expm1>(Inexact{}, []<class T>(T x) {
    if constexpr (is_complex_type<T>) return expm1(x);
    else return std::expm1(x);
  });
  unary<Log>(Inexact{}, [](auto x) { return std::log(x); });
  unary<Log1p>(Inexact{}, []<class T>(T x) {
    if constexpr (is_complex_type<T>) return log1p(x);
    else return std::log1p(x);
  });
  unary<Sqrt>(Inexact{}, [](auto x) { return std::sqrt(x); });
  unary<Rsqrt>(Inexact{}, []<class T>(T x) { return T(1) / std::sqrt(x); });
  unary<Reciprocal>(Inexact{}, []<class T>(T x) { return T(1) / x; });
  binary<Power>(Inexact{}, [](auto a, auto b) { return std::pow(a, b); });
  unary<Erf>(Floats{}, [](auto x) { return std::erf(x); });
  unary<Softplus>(Floats{}, []<class T>(T x) { return std::log1p(std::exp(-std::abs(x))) + (x > 0 || x != x ? x : T{0}); });
  unary<Lgamma>(Floats{}, []<class T>(T x) { return static_cast<T>(log_gamma(x)); });
  unary<Sigmoid>(Inexact{}, [](auto x) { return sigmoid(x); });
  unary<Tanh>(Inexact{}, [](auto x) { return std::tanh(x); });
  unary<TanhSlope>(Inexact{}, [](auto x) { return tanh_slope(x); });
}

void register_trigonometry() {
  using namespace ops;
  unary<Sin>(Inexact{}, [](auto x) { return std::sin(x); });
  unary<Cos>(Inexact{}, [](auto x) { return std::cos(x); });
  unary<Tan>(Inexact{}, [](auto x) { return std::tan(x); });
  unary<Asin>(Inexact{}, [](auto x) { return std::asin(x); });
  unary<Acos>(Inexact{}, [](auto x) { return std::acos(x); });
  unary<Atan>(Inexact{}, [](auto x) { return std::atan(x); });
  unary<Sinh>(Inexact{}, [](auto x) { return std::sinh(x); });
  unary<Cosh>(Inexact{}, [](auto x) { return std::cosh(x); });
  binary<Atan2>(Floats{}, [](auto y, auto x) { return std::atan2(y, x); });
}

void register_comparisons() {
  using namespace ops;
  binary<Equal>(Every{}, [](auto a, auto b) { return a == b; });
  binary<NotEqual>(Every{}, [](auto a, auto b) { return a != b; });
  binary<Less>(Ordered{}, [](auto a, auto b) { return a < b; });
  binary<LessEqual>(Ordered{}, [](auto a, auto b) { return a <= b; });
  binary<Greater>(Ordered{}, [](auto a, auto b) { return a > b; });
  binary<GreaterEqual>(Ordered{}, [](auto a, auto b) { return a >= b; });
  using Bool = core::TypeList<bool>;
  binary<LogicalAnd>(Bool{}, [](bool a, bool b) { return a && b; });
  binary<LogicalOr>(Bool{}, [](bool a, bool b) { return a || b; });
  binary<LogicalXor>(Bool{}, [](bool a, bool b) { return a != b; });
  unary<LogicalNot>(Bool{}, [](bool a) { return !a; });
  unary<IsNan>(Inexact{}, [](auto x) { return x != x; });
  unary<IsInf>(Inexact{}, []<class T>(T x) {
    if constexpr (is_complex_type<T>) return std::isinf(x.real()) || std::isinf(x.imag());
    else return std::isinf(x);
  });
  unary<IsFinite>(Inexact{}, []<class T>(T x) {
    if constexpr (is_complex_type<T>) return std::isfinite(x.real()) && std::isfinite(x.imag());
    else return std::isfinite(x);
  });
}

void register_complex() {
  using namespace ops;
  unary<Conj>(core::Complexes{}, [](auto z) { return std::conj(z); });
  unary<Real>(core::Complexes{}, [](auto z) { return z.real(); });
  unary<Imag>(core::Complexes{}, [](auto z) { return z.imag(); });
  binary<Complex>(core::TypeList<float, double>{}, []<class T>(T re, T im) { return std::complex<T>(re, im); });
}

}  // namespace

void register_elementwise() {
  register_arithmetic();
  register_functions();
  register_trigonometry();
  register_comparisons();
  register_complex();
  core::add_kernel<ops::Where>(DeviceType::cpu, where);
  core::add_kernel<ops::Weighted>(DeviceType::cpu, weighted);
  core::add_kernel<ops::AsType>(DeviceType::cpu, astype);
  core::add_kernel<ops::Polygamma>(DeviceType::cpu, polygamma);
}

}  // namespace scangrad::inline v0::cpu
