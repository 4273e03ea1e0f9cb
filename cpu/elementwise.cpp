// Element-wise kernels: functions of the element type, run by element_loop.h.

#include <cmath>

#include "core/planted.h"
#include "cpu/element_loop.h"
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

template <class T, std::size_t>
using Each = T;

/// Arguments of type T in, whatever f returns out; the output may reuse an input of T's size.
template <class T, class F, std::size_t... I>
void run(const Context& context, Inputs ins, Array& out, const F& f, std::index_sequence<I...>) {
  using Out = Stored<T, decltype(f(widen(Each<T, I>{})...))>;
  context.allocate_or_reuse(out);
  run_elements(context, ins, out,
               element_loop<Out, Each<T, I>...>([f](Each<T, I>... x) { return core::convert<Out>(f(widen(x)...)); }));
}

template <class List, std::size_t N, class F>
void kernel(const Context& context, const Primitive&, Inputs ins, Outputs outs) {
  visit_checked(List{}, ins[0]->dtype(), [&]<class T>() { run<T>(context, ins, outs[0], F{}, std::make_index_sequence<N>()); });
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
    run<T>(
        context, ins, outs[0], [order](Wide x) { return static_cast<Wide>(polygamma_at(order, x)); },
        std::make_index_sequence<1>());
  });
}

void where(const Context& context, const Primitive&, Inputs ins, Outputs outs) {
  context.allocate(outs[0]);
  visit_checked(Every{}, outs[0].dtype(), [&]<class T>() {
    run_elements(context, ins, outs[0], element_loop<T, bool, T, T>([](bool c, T a, T b) { return c ? a : b; }));
  });
}

void weighted(const Context& context, const Primitive&, Inputs ins, Outputs outs) {
  context.allocate(outs[0]);
  visit_checked(Floats{}, outs[0].dtype(), [&]<class T>() {
    run_elements(context, ins, outs[0], element_loop<T, T, T, bool>([](T p, T t, bool mask) {
                   const auto wide = widen(t), product = widen(p) * wide;
                   const bool stays = SCANGRAD_PLANT(weighted_ignores_nan, !std::isfinite(wide), false);
                   return core::convert<T>(!mask ? 0 : stays ? wide : product);
                 }));
  });
}

void astype(const Context& context, const Primitive&, Inputs ins, Outputs outs) {
  context.allocate(outs[0]);
  visit_checked(Every{}, ins[0]->dtype(), [&]<class From>() {
    visit_checked(Every{}, outs[0].dtype(), [&]<class To>() {
      run_elements(context, ins, outs[0], element_loop<To, From>([](From x) { return core::convert<To>(x); }));
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
