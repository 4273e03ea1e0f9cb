#pragma once
// What the compiler says of common mistakes: overloads that are chosen for them alone, and whose one error is what to write. Nothing here
// can be called. (tests/compile/mistakes.txt has an example of each.)

#include "scangrad/autodiff.h"
#include "scangrad/jacobian.h"
#include "scangrad/logsumexp.h"
#include "scangrad/optimize.h"
#include "scangrad/random.h"
#include "scangrad/scan.h"
#include "scangrad/vmap.h"

namespace scangrad::inline v0 {
/// @cond

// ---- options by name: sum(x, 0), zeros({2}, DType::float32) ----
// Behind the function: what stands before the options.

#define SCANGRAD_OPTIONS(function, ...)                                                      \
  template <Number T>                                                                        \
  void function(__VA_ARGS__, T) {                                                            \
    static_assert(scangrad::detail::never<T>, "options are set by name, as in {.axis = 1}"); \
  }

SCANGRAD_OPTIONS(sum, const Operand&)
SCANGRAD_OPTIONS(mean, const Operand&)
SCANGRAD_OPTIONS(prod, const Operand&)
SCANGRAD_OPTIONS(any, const Operand&)
SCANGRAD_OPTIONS(all, const Operand&)
SCANGRAD_OPTIONS(norm, const Operand&)
SCANGRAD_OPTIONS(var, const Operand&)
SCANGRAD_OPTIONS(std, const Operand&)
SCANGRAD_OPTIONS(argmax, const Operand&)
SCANGRAD_OPTIONS(argmin, const Operand&)
SCANGRAD_OPTIONS(logsumexp, const Operand&)
SCANGRAD_OPTIONS(cummax_with_indices, const Operand&)
SCANGRAD_OPTIONS(cummin_with_indices, const Operand&)
SCANGRAD_OPTIONS(slice, const Operand&)
SCANGRAD_OPTIONS(concatenate, const std::vector<Tensor>&)
SCANGRAD_OPTIONS(stack, const std::vector<Tensor>&)
SCANGRAD_OPTIONS(split, const Operand&, const std::vector<std::int64_t>&)
SCANGRAD_OPTIONS(split, const Operand&, std::int64_t)
SCANGRAD_OPTIONS(roll, const Operand&, std::int64_t)
SCANGRAD_OPTIONS(shift, const Operand&, std::int64_t, const Operand&)
SCANGRAD_OPTIONS(repeat, const Operand&, std::int64_t)
SCANGRAD_OPTIONS(take, const Operand&, const Operand&)
SCANGRAD_OPTIONS(scatter_add, const Operand&, const Operand&, const Operand&)
SCANGRAD_OPTIONS(take_along_axis, const Operand&, const Operand&)
SCANGRAD_OPTIONS(argsort, const Operand&)
SCANGRAD_OPTIONS(sort, const Operand&)
SCANGRAD_OPTIONS(topk, const Operand&, std::int64_t)

#define SCANGRAD_DTYPE(function, ...)                                                                      \
  template <std::same_as<DType> T>                                                                         \
  void function(__VA_ARGS__, T) {                                                                          \
    static_assert(scangrad::detail::never<T>, "options are set by name, as in {.dtype = DType::float32}"); \
  }

SCANGRAD_DTYPE(zeros, const Shape&)
SCANGRAD_DTYPE(ones, const Shape&)
SCANGRAD_DTYPE(eye, std::int64_t)
SCANGRAD_DTYPE(linspace, double, double, std::int64_t)
SCANGRAD_DTYPE(one_hot, const Operand&, std::int64_t)

namespace random {
SCANGRAD_DTYPE(uniform, const Operand&, const Shape&)
SCANGRAD_DTYPE(normal, const Operand&, const Shape&)
SCANGRAD_DTYPE(exponential, const Operand&, const Shape&)
SCANGRAD_DTYPE(gumbel, const Operand&, const Shape&)
}  // namespace random

#undef SCANGRAD_OPTIONS
#undef SCANGRAD_DTYPE

// ---- the larger of two ----

template <class T>
requires(Number<T> || std::same_as<T, Tensor>) void max(const Operand&, const T&) {
  static_assert(detail::never<T>, "max is over axes, as in max(x, {.axis = 1}); the larger of two is maximum(a, b)");
}
template <class T>
requires(Number<T> || std::same_as<T, Tensor>) void min(const Operand&, const T&) {
  static_assert(detail::never<T>, "min is over axes, as in min(x, {.axis = 1}); the smaller of two is minimum(a, b)");
}

// ---- what goes into braces: zeros(2, 3), concatenate(x, y), jvp(f, x, dx) ----

#define SCANGRAD_SHAPE(function, ...)                                                               \
  template <std::integral T, std::integral... More>                                                 \
  requires(sizeof...(More) > 0) void function(__VA_ARGS__ T, More...) {                             \
    static_assert(scangrad::detail::never<T>, "a shape is written in braces, as in {3} or {2, 3}"); \
  }

SCANGRAD_SHAPE(zeros)
SCANGRAD_SHAPE(ones)
SCANGRAD_SHAPE(reshape, const Operand&, )
SCANGRAD_SHAPE(broadcast_to, const Operand&, )
#undef SCANGRAD_SHAPE

template <std::integral T, std::integral... More>
requires(sizeof...(More) > 0) void transpose(const Operand&, T, More...) {
  static_assert(detail::never<T>, "several axes are written in braces, as in transpose(x, {1, 0})");
}

template <std::same_as<Tensor>... T>
requires(sizeof...(T) > 0) void concatenate(const T&...) {
  static_assert(detail::never<T...>, "the tensors are written in braces, as in concatenate({x, y})");
}
template <std::same_as<Tensor>... T>
requires(sizeof...(T) > 0) void stack(const T&...) {
  static_assert(detail::never<T...>, "the tensors are written in braces, as in stack({x, y})");
}
template <std::same_as<Tensor>... T>
requires(sizeof...(T) > 0) void einsum(std::string_view, const T&...) {
  static_assert(detail::never<T...>, "the tensors are written in braces, as in einsum(subscripts, {x, y})");
}

template <class F, class... T>
void jvp(F&&, const T&...) {
  static_assert(detail::never<T...>,
                "jvp takes the arguments and their tangents each in braces, jvp(f, {x}, {dx}), or as structures, "
                "jvp(f, args(p), args(dp))");
}
template <class F, class... T>
void vjp(F&&, const T&...) {
  static_assert(detail::never<T...>, "vjp takes the arguments in braces, vjp(f, {x}), or as structures, vjp(f, args(p))");
}
template <class F, class... T>
void linearize(F&&, const T&...) {
  static_assert(detail::never<T...>,
                "linearize takes the arguments in braces, linearize(f, {x}), or as structures, linearize(f, args(p))");
}

// ---- transforms that return functions: grad(f, x), grad(f, {x}) ----

#define SCANGRAD_FUNCTION(function)                                                                                  \
  template <class F, std::same_as<Tensor> T, std::same_as<Tensor>... Rest>                                           \
  Tensor function(const F&, const T& x, const Rest&...) {                                                            \
    static_assert(detail::never<T>, #function "(f) is a function of the arguments of f: write " #function "(f)(x)"); \
    return x;                                                                                                        \
  }                                                                                                                  \
  template <class F, std::same_as<Tensor> T, std::size_t n>                                                          \
  Tensor function(const F&, const T(&x)[n]) {                                                                        \
    static_assert(detail::never<T>, #function "(f) is a function of the arguments of f: write " #function "(f)(x)"); \
    return x[0];                                                                                                     \
  }

SCANGRAD_FUNCTION(grad)
SCANGRAD_FUNCTION(value_and_grad)
SCANGRAD_FUNCTION(jacfwd)
SCANGRAD_FUNCTION(jacrev)
SCANGRAD_FUNCTION(jacobian)
SCANGRAD_FUNCTION(hessian)
SCANGRAD_FUNCTION(vmap)
#undef SCANGRAD_FUNCTION

// ---- minimisers: newton(f, {1.0, 2.0}) ----

#define SCANGRAD_START(function)                                                                        \
  template <class T>                                                                                    \
  void function(const T&, std::initializer_list<detail::Literal>) {                                     \
    static_assert(detail::never<T>, "the start is a Tensor: write " #function "(f, Tensor{1.0, 2.0})"); \
  }

SCANGRAD_START(newton)
SCANGRAD_START(lbfgs)
SCANGRAD_START(gradient_descent)
SCANGRAD_START(adam)
#undef SCANGRAD_START

/// @endcond
}  // namespace scangrad::inline v0
