#pragma once
// Derivatives of functions of Tensors, in forward mode (jvp) and reverse mode (vjp), nested at will.
//
//   auto [value, gradient] = sg::value_and_grad(loss)(beta);
//   auto [y, dy]           = sg::jvp(f, {x}, {dx});              // dy = J dx
//   auto [out, pullback]   = sg::vjp(f, {x});                    // pullback(g) = J^H g
//
// f takes Tensors, or structures of them (structure.h), and returns one. A gradient has the type of the argument: a Tensor for a
// Tensor, a vector for a vector. Braces are the shorthand for Tensors; args(p, q) is the long form for structures.
//
// What was computed before the call is a constant in it: only what f computes from its arguments is differentiated. Reading
// values inside f is allowed, and the reading is not differentiated. The outermost transform evaluates what it returns.

#include <memory>

#include "scangrad/structure.h"

namespace scangrad::inline v0 {

struct JacobianOptions {
  std::int64_t chunk_size = 32;  ///< how many columns or rows are computed at once, as a batch
};

namespace detail {

enum class JacobianMode { forward, reverse, cheaper };

class TraceHandle;  // owns what a pullback needs

/// The non-template part of a transform; live on this thread from construction to finish() or destruction.
class SCANGRAD_API Transform {
 public:
  Transform(const char* name, Site site);
  ~Transform();
  Transform(const Transform&) = delete;

  /// What f is called with in place of `inputs`.
  std::vector<Tensor> placeholders(std::span<const Tensor> inputs);
  void check_differentiable(std::size_t argument, const Tensor& x) const;

  struct Results {
    std::vector<Tensor> values, derivatives;
  };
  Results jvp(std::span<const Tensor> outputs, std::span<const Tensor> tangents);
  std::shared_ptr<const TraceHandle> vjp(std::span<const Tensor> outputs);
  Results value_and_grad(std::span<const Tensor> outputs);
  /// d outputs[i] / d inputs[j], of shape (shape of output i, shape of input j), at i * inputs + j. Ends the transform.
  std::vector<Tensor> jacobian(std::span<const Tensor> outputs, JacobianMode mode, std::int64_t chunk_size);

  /// Ends the transform and evaluates `results` if no other is live.
  void finish(std::span<const Tensor> results);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

SCANGRAD_API std::vector<Tensor> pull_back(const TraceHandle& trace, std::span<const Tensor> cotangents, Site site);

}  // namespace detail

/// A pack of arguments, for jvp(f, args(p, q), args(dp, dq)) and vjp(f, args(p, q)).
template <class... T>
struct Args {
  std::tuple<T...> values;
};
template <class... T>
Args<T...> args(const T&... values) {
  return {std::tuple<T...>(values...)};
}

template <class Value>
struct JvpResult {
  Value value;
  Value tangent;
};

template <class Value, class Gradient>
struct ValueAndGrad {
  Value value;
  Gradient gradient;
};

/// The linear map J^H: takes a cotangent (the type of f's result), returns the gradient. Can be called again and again.
template <class Value, class... T>
class Pullback {
 public:
  Pullback(std::shared_ptr<const detail::TraceHandle> trace, std::tuple<T...> arguments)
      : trace_(std::move(trace)), arguments_(std::move(arguments)) {}

  /// For one argument its gradient, for several a tuple of theirs.
  auto operator()(const Value& cotangent, Site site = Site::here()) const {
    const std::vector<Tensor> gradients = detail::pull_back(*trace_, detail::flatten(cotangent), site);
    auto all = detail::unflatten(arguments_, gradients);
    if constexpr (sizeof...(T) == 1) return std::get<0>(std::move(all));
    else return all;
  }

 private:
  std::shared_ptr<const detail::TraceHandle> trace_;
  std::tuple<T...> arguments_;
};

template <class Value, class Pullback>
struct VjpResult {
  Value value;
  Pullback pullback;
};

/// f(x) and its derivative in the direction dx. Each tangent has the shape and dtype of its argument.
template <class F, class... T>
auto jvp(F&& f, const Args<T...>& x, const Args<T...>& dx, Site site = Site::here()) {
  detail::Transform transform("jvp", site);
  const auto inputs = transform.placeholders(detail::flatten(x.values));
  const auto y = detail::call(f, detail::unflatten(x.values, inputs));
  const auto results = transform.jvp(detail::flatten(y), detail::flatten(dx.values));
  return JvpResult<std::remove_const_t<decltype(y)>>{detail::unflatten(y, results.values),
                                                     detail::unflatten(y, results.derivatives)};
}

/// f(x), and the map from a cotangent of f(x) to the gradient in x.
template <class F, class... T>
auto vjp(F&& f, const Args<T...>& x, Site site = Site::here()) {
  detail::Transform transform("vjp", site);
  const auto inputs = transform.placeholders(detail::flatten(x.values));
  auto y = detail::call(f, detail::unflatten(x.values, inputs));
  using Value = decltype(y);
  auto trace = transform.vjp(detail::flatten(y));
  return VjpResult<Value, Pullback<Value, T...>>{std::move(y), Pullback<Value, T...>(std::move(trace), x.values)};
}

namespace detail {

template <std::size_t N>
auto tensor_tuple(const Tensor (&x)[N]) {
  return [&x]<std::size_t... I>(std::index_sequence<I...>) { return args(x[I]...); }
  (std::make_index_sequence<N>());
}

/// The arguments that grad<I...> differentiates: all of them by default.
template <std::size_t Count, std::size_t... I>
auto selection() {
  if constexpr (sizeof...(I) == 0) return std::make_index_sequence<Count>();
  else return std::index_sequence<I...>();
}

template <class F, class Arguments, std::size_t... I>
auto value_and_grad(const char* name, const F& f, Arguments arguments, std::index_sequence<I...>, Site site) {
  static_assert(((I < std::tuple_size_v<Arguments>)&&...), "grad<I...>: the function is called with fewer arguments");
  Transform transform(name, site);
  const auto selected = std::make_tuple(std::get<I>(arguments)...);
  const auto inputs = unflatten(selected, transform.placeholders(flatten(selected)));
  ((std::get<I>(arguments) = std::get<[] {
      constexpr std::size_t all[] = {I...};
      std::size_t place = 0;
      while (all[place] != I) ++place;
      return place;
    }()>(inputs)),
   ...);
  const auto y = call(f, arguments);
  const auto results = transform.value_and_grad(flatten(y));
  const auto value = unflatten(y, results.values);
  auto gradients = unflatten(selected, results.derivatives);
  if constexpr (sizeof...(I) == 1)
    return ValueAndGrad<std::remove_const_t<decltype(y)>, std::tuple_element_t<0, decltype(gradients)>>{value,
                                                                                                        std::get<0>(gradients)};
  else return ValueAndGrad<std::remove_const_t<decltype(y)>, decltype(gradients)>{value, std::move(gradients)};
}

}  // namespace detail

template <class F, std::size_t N, std::size_t M>
auto jvp(F&& f, const Tensor (&x)[N], const Tensor (&dx)[M], Site site = Site::here()) {
  static_assert(N == M, "jvp takes one tangent for each argument: jvp(f, {x, y}, {dx, dy})");
  return jvp(f, detail::tensor_tuple(x), detail::tensor_tuple(dx), site);
}
template <class F, std::size_t N>
auto vjp(F&& f, const Tensor (&x)[N], Site site = Site::here()) {
  return vjp(f, detail::tensor_tuple(x), site);
}
/// @cond
template <class F, class... T>
void jvp(F&&, const T&...) {
  static_assert(sizeof...(T) > 999,
                "jvp takes the arguments and their tangents each in braces, jvp(f, {x}, {dx}), or as structures, "
                "jvp(f, args(p), args(dp))");
}
template <class F, class... T>
void vjp(F&&, const T&...) {
  static_assert(sizeof...(T) > 999, "vjp takes the arguments in braces, vjp(f, {x}), or as structures, vjp(f, args(p))");
}
/// @endcond

/// The function that returns {value, gradient} of f, whose result must be a real floating scalar (shape ()). value_and_grad<0, 2>
/// differentiates arguments 0 and 2; the default is all. One argument: its gradient; several: a tuple.
template <std::size_t... I, class F>
auto value_and_grad(F f, Site site = Site::here()) {
  return [f = std::move(f), site](const auto&... arguments) {
    return detail::value_and_grad("grad", f, std::tuple<std::remove_cvref_t<decltype(arguments)>...>(arguments...),
                                  detail::selection<sizeof...(arguments), I...>(), site);
  };
}

/// The function that returns the gradient of f alone.
template <std::size_t... I, class F>
auto grad(F f, Site site = Site::here()) {
  return [both = value_and_grad<I...>(std::move(f), site)](const auto&... arguments) { return both(arguments...).gradient; };
}

namespace detail {

template <class F, class... T>
auto jacobian(const char* name, JacobianMode mode, const F& f, const JacobianOptions& options, Site site,
              const T&... arguments) {
  static_assert(
      (std::is_same_v<T, Tensor> && ...),
      "jacobians are of functions of Tensors: write Tensor(3.0) for a number, pass the fields of a structure one by one");
  constexpr std::size_t n = sizeof...(T);
  Transform transform(name, site);
  const auto inputs = transform.placeholders(std::array<Tensor, n>{arguments...});
  const auto y = [&]<std::size_t... J>(std::index_sequence<J...>) { return call(f, std::make_tuple(inputs[J]...)); }
  (std::make_index_sequence<n>());
  const std::vector<Tensor> outputs = flatten(y), blocks = transform.jacobian(outputs, mode, options.chunk_size);
  const auto by_argument = [&](std::size_t j) {
    std::vector<Tensor> column;
    for (std::size_t i = 0; i < outputs.size(); ++i) column.push_back(blocks[i * n + j]);
    return unflatten(y, column);
  };
  if constexpr (n == 1) return by_argument(0);
  else {
    return [&]<std::size_t... J>(std::index_sequence<J...>) { return std::make_tuple(by_argument(J)...); }
    (std::make_index_sequence<n>());
  }
}

}  // namespace detail

/// The function that returns the derivatives of every element of f's result by every element of its arguments, Tensors. For a
/// result of shape s and an argument of shape t they have the shape (s, t), so that a matrix-valued f of a matrix has one of rank 4;
/// several arguments give a tuple, and a structure as result a structure of them. jacfwd computes columns by jvp, jacrev rows by
/// vjp, jacobian the fewer of the two.
template <class F>
auto jacfwd(F f, const JacobianOptions& options = {}, Site site = Site::here()) {
  return [f = std::move(f), options, site](const auto&... arguments) {
    return detail::jacobian("jacfwd", detail::JacobianMode::forward, f, options, site, arguments...);
  };
}
template <class F>
auto jacrev(F f, const JacobianOptions& options = {}, Site site = Site::here()) {
  return [f = std::move(f), options, site](const auto&... arguments) {
    return detail::jacobian("jacrev", detail::JacobianMode::reverse, f, options, site, arguments...);
  };
}
template <class F>
auto jacobian(F f, const JacobianOptions& options = {}, Site site = Site::here()) {
  return [f = std::move(f), options, site](const auto&... arguments) {
    return detail::jacobian("jacobian", detail::JacobianMode::cheaper, f, options, site, arguments...);
  };
}

/// The function that returns the second derivatives of a scalar f of Tensors: for one argument a Tensor of shape
/// (x.shape, x.shape), for several a tuple of tuples of blocks.
template <class F>
auto hessian(F f, const JacobianOptions& options = {}, Site site = Site::here()) {
  return [f = std::move(f), options, site](const auto&... arguments) {
    static_assert(
        (std::is_same_v<std::remove_cvref_t<decltype(arguments)>, Tensor> && ...),
        "hessians are of functions of Tensors: write Tensor(3.0) for a number, pass the fields of a structure one by one");
    constexpr std::size_t n = sizeof...(arguments);
    detail::Transform transform("hessian", site);
    const auto inputs = transform.placeholders(std::array<Tensor, n>{arguments...});
    const auto tuple = [&]<std::size_t... J>(std::index_sequence<J...>) { return std::make_tuple(inputs[J]...); }
    (std::make_index_sequence<n>());
    const auto gradient = detail::value_and_grad("hessian", f, tuple, std::make_index_sequence<n>(), site).gradient;
    const std::vector<Tensor> blocks =
        transform.jacobian(detail::flatten(gradient), detail::JacobianMode::forward, options.chunk_size);
    if constexpr (n == 1) return blocks[0];
    else {
      return [&]<std::size_t... J>(std::index_sequence<J...>) {
        const auto row = [&](std::size_t i) { return std::make_tuple(blocks[i * n + J]...); };
        return std::make_tuple(row(J)...);
      }
      (std::make_index_sequence<n>());
    }
  };
}

}  // namespace scangrad::inline v0
