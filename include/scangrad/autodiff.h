#pragma once
// Derivatives of functions of Tensors, in forward mode (jvp) and reverse mode (vjp), nested at will.
//
//   auto [value, gradient] = sg::value_and_grad(loss)(beta);
//   auto [y, dy]           = sg::jvp(f, {x}, {dx});              // dy = J dx
//   auto [out, pullback]   = sg::vjp(f, {x});                    // pullback(g) = J^H g
//   auto [out, jvp]        = sg::linearize(f, {x});              // jvp(dx) = J dx, again and again
//
// f takes Tensors, or structures of them (structure.h), and returns one. A gradient has the type of the argument: a Tensor for a
// Tensor, a vector for a vector. Braces are the shorthand for Tensors; args(p, q) is the long form for structures. Tangents and
// cotangents have the shape and dtype of what they belong to; anything else throws. The adjoint is that for Re sum conj(a) b: for a
// holomorphic f the pullback is conj(f') g.
//
// What f returns as with_aux(value, aux) is differentiated in value alone, and the result has a field aux beside the others.
//
// What was computed before the call is a constant in it: only what f computes from its arguments is differentiated. Reading
// values inside f is allowed, and the reading is not differentiated. The outermost transform evaluates what it returns.
//
// Arguments that are not floating or complex, empty Tensors and f's that return such throw; so does what is not a scalar where a
// scalar is needed.

#include <functional>
#include <memory>

#include "scangrad/structure.h"

namespace scangrad::inline v0 {

namespace detail {

enum class JacobianMode { forward, reverse, cheaper };

class TraceHandle;      // owns what a pullback needs
class LinearMapHandle;  // owns what a linear map needs

/// The non-template part of a transform; live on this thread from construction to finish() or destruction.
class SCANGRAD_API Transform {
 public:
  Transform(const char* name, Site site);
  ~Transform();
  Transform(const Transform&) = delete;

  /// What f is called with in place of `inputs`.
  std::vector<Tensor> placeholders(std::span<const Tensor> inputs);
  /// Tensors to be evaluated with the results.
  void add_results(std::span<const Tensor> aux);

  struct Results {
    std::vector<Tensor> values, derivatives;
  };
  Results jvp(std::span<const Tensor> outputs, std::span<const Tensor> tangents);
  std::shared_ptr<const TraceHandle> vjp(std::span<const Tensor> outputs);
  std::shared_ptr<const LinearMapHandle> linearize(std::span<const Tensor> outputs);
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
SCANGRAD_API std::vector<Tensor> push_forward(const LinearMapHandle& map, std::span<const Tensor> tangents, Site site);
using TensorsFunction = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;
SCANGRAD_API std::shared_ptr<const TraceHandle> linear_transpose(const TensorsFunction& f, std::span<const Tensor> like,
                                                                 Site site);

/// For one argument its derivative, for several the tuple of theirs.
template <class Tuple>
auto one_or_all(Tuple&& all) {
  if constexpr (std::tuple_size_v<std::remove_cvref_t<Tuple>> == 1) return std::get<0>(std::forward<Tuple>(all));
  else return std::remove_cvref_t<Tuple>(std::forward<Tuple>(all));
}

}  // namespace detail

/// A pack of arguments, made by args.
template <class... T>
struct Args {
  std::tuple<T...> values;  ///< the arguments
};
/// The arguments of a function, structures too, for jvp(f, args(p, q), args(dp, dq)) and the like.
template <class... T>
Args<T...> args(const T&... values) {
  return {std::tuple<T...>(values...)};
}

/// What f returns to be differentiated in part, made by with_aux.
template <class Value, class Aux>
struct WithAux {
  Value value;  ///< is differentiated
  Aux aux;      ///< comes along
};
/// A result of which only `value` is differentiated; `aux`, a structure of Tensors, is returned beside it, in the field aux.
template <class Value, class Aux>
WithAux<Value, Aux> with_aux(const Value& value, const Aux& aux) {
  return {value, aux};
}

/// What jvp returns.
template <class Value, class Aux = void>
struct JvpResult {
  Value value;    ///< f(x)
  Value tangent;  ///< J dx
  Aux aux;        ///< there if f returned with_aux
};
/// @cond
template <class Value>
struct JvpResult<Value, void> {
  Value value, tangent;
};
/// @endcond

/// What value_and_grad returns.
template <class Value, class Gradient, class Aux = void>
struct ValueAndGrad {
  Value value;        ///< f(x), shape ()
  Gradient gradient;  ///< of the type of the argument, or a tuple of such
  Aux aux;            ///< there if f returned with_aux
};
/// @cond
template <class Value, class Gradient>
struct ValueAndGrad<Value, Gradient, void> {
  Value value;
  Gradient gradient;
};
/// @endcond

/// What grad returns where f returned with_aux.
template <class Gradient, class Aux>
struct GradWithAux {
  Gradient gradient;  ///< of the type of the argument, or a tuple of such
  Aux aux;            ///< what f returned beside its value
};

/// The linear map J^H: takes a cotangent (the type of f's result), returns the gradient. Can be called again and again; it owns what it
/// needs, and can be differentiated in its cotangent.
template <class Value, class... T>
class Pullback {
 public:
  /// Made by vjp.
  Pullback(std::shared_ptr<const detail::TraceHandle> trace, std::tuple<T...> arguments)
      : trace_(std::move(trace)), arguments_(std::move(arguments)) {}

  /// For one argument its gradient, for several a tuple of theirs.
  auto operator()(const Value& cotangent, Site site = Site::here()) const {
    return detail::one_or_all(detail::unflatten(arguments_, detail::pull_back(*trace_, detail::flatten(cotangent), site)));
  }

 private:
  std::shared_ptr<const detail::TraceHandle> trace_;
  std::tuple<T...> arguments_;
};

/// What vjp returns.
template <class Value, class Pullback, class Aux = void>
struct VjpResult {
  Value value;        ///< f(x)
  Pullback pullback;  ///< J^H, a function of the cotangent
  Aux aux;            ///< there if f returned with_aux
};
/// @cond
template <class Value, class Pullback>
struct VjpResult<Value, Pullback, void> {
  Value value;
  Pullback pullback;
};
/// @endcond

/// The linear map J: takes a tangent for each argument, returns that of f's result. Can be called again and again; it owns what it
/// needs (what the values of f contribute, computed once), and can be differentiated in its tangents.
template <class Value, class... T>
class LinearMap {
 public:
  /// Made by linearize.
  LinearMap(std::shared_ptr<const detail::LinearMapHandle> map, Value like) : map_(std::move(map)), like_(std::move(like)) {}

  /// Tangents like the arguments of f; the tangent of f's result.
  Value operator()(const T&... tangents, Site site = Site::here()) const {
    return detail::unflatten(like_, detail::push_forward(*map_, detail::flatten(std::tie(tangents...)), site));
  }

 private:
  std::shared_ptr<const detail::LinearMapHandle> map_;
  Value like_;
};

/// What linearize returns.
template <class Value, class Jvp, class Aux = void>
struct LinearizeResult {
  Value value;  ///< f(x)
  Jvp jvp;      ///< J, a function of the tangents
  Aux aux;      ///< there if f returned with_aux
};
/// @cond
template <class Value, class Jvp>
struct LinearizeResult<Value, Jvp, void> {
  Value value;
  Jvp jvp;
};
/// @endcond

namespace detail {

template <class Y>
struct Returned {
  using Value = Y;
  static const Value& value(const Y& y) { return y; }
};
template <class V, class A>
struct Returned<WithAux<V, A>> {
  using Value = V;
  static const Value& value(const WithAux<V, A>& y) { return y.value; }
};

/// Result{parts..., the aux of y, if it has one}.
template <template <class...> class Result, class... Types, class Y, class... Parts>
auto with_aux_of(const Y& y, Parts&&... parts) {
  if constexpr (requires { y.aux; } && !std::is_same_v<Y, typename Returned<Y>::Value>)
    return Result<Types..., std::remove_const_t<decltype(y.aux)>>{std::forward<Parts>(parts)..., y.aux};
  else return Result<Types...>{std::forward<Parts>(parts)...};
}

/// What f makes of placeholders for `x`, and its value as a list.
template <class Y>
struct Called {
  Y y;
  std::vector<Tensor> outputs;
};
template <class F, class Tuple>
auto call(Transform& transform, F& f, const Tuple& x) {
  using Y = std::remove_cvref_t<decltype(call(f, x))>;
  Called<Y> called{call(f, x), {}};
  called.outputs = flatten(Returned<Y>::value(called.y));
  if constexpr (!std::is_same_v<Y, typename Returned<Y>::Value>) transform.add_results(flatten(called.y.aux));
  return called;
}

template <class F, class... T>
auto jvp(const char* name, F& f, const std::tuple<T...>& x, const std::tuple<T...>& dx, Site site) {
  Transform transform(name, site);
  const auto [y, outputs] = call(transform, f, unflatten(x, transform.placeholders(flatten(x))));
  using Value = typename Returned<std::remove_cvref_t<decltype(y)>>::Value;
  const auto results = transform.jvp(outputs, flatten(dx));
  const Value& like = Returned<std::remove_cvref_t<decltype(y)>>::value(y);
  return with_aux_of<JvpResult, Value>(y, unflatten(like, results.values), unflatten(like, results.derivatives));
}

}  // namespace detail

/// f(x) and its derivative in the direction dx. Each tangent has the shape and dtype of its argument.
template <class F, class... T>
auto jvp(F&& f, const Args<T...>& x, const Args<T...>& dx, Site site = Site::here()) {
  return detail::jvp("jvp", f, x.values, dx.values, site);
}

/// f(x), and the map from a cotangent of f(x) to the gradient in x.
template <class F, class... T>
auto vjp(F&& f, const Args<T...>& x, Site site = Site::here()) {
  detail::Transform transform("vjp", site);
  const auto [y, outputs] =
      detail::call(transform, f, detail::unflatten(x.values, transform.placeholders(detail::flatten(x.values))));
  using Y = detail::Returned<std::remove_cvref_t<decltype(y)>>;
  using Map = Pullback<typename Y::Value, T...>;
  auto trace = transform.vjp(outputs);
  return detail::with_aux_of<VjpResult, typename Y::Value, Map>(y, Y::value(y), Map(std::move(trace), x.values));
}

/// f(x), and the map from tangents of x to that of f(x): jvp with the work on values done once. (Checkpoints and loops inside f are
/// computed again at each call of the map.)
template <class F, class... T>
auto linearize(F&& f, const Args<T...>& x, Site site = Site::here()) {
  detail::Transform transform("linearize", site);
  const auto [y, outputs] =
      detail::call(transform, f, detail::unflatten(x.values, transform.placeholders(detail::flatten(x.values))));
  using Y = detail::Returned<std::remove_cvref_t<decltype(y)>>;
  using Map = LinearMap<typename Y::Value, T...>;
  auto map = transform.linearize(outputs);
  return detail::with_aux_of<LinearizeResult, typename Y::Value, Map>(y, Y::value(y), Map(std::move(map), Y::value(y)));
}

/// The adjoint of a linear function: a map from a cotangent of f's result to that of its arguments. Of `like` only shapes and dtypes
/// count. What f adds that is constant does not matter; an f that is not linear throws, at the latest where the map is called.
template <class F, class... T>
auto linear_transpose(F&& f, const Args<T...>& like, Site site = Site::here()) {
  using Value = std::remove_cvref_t<decltype(detail::call(f, like.values))>;
  auto trace = detail::linear_transpose(
      [&](const std::vector<Tensor>& x) { return detail::flatten(detail::call(f, detail::unflatten(like.values, x))); },
      detail::flatten(like.values), site);
  return Pullback<Value, T...>(std::move(trace), like.values);
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
auto value_and_grad(const char* name, F& f, Arguments arguments, std::index_sequence<I...>, Site site) {
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
  const auto [y, outputs] = call(transform, f, arguments);
  using Y = Returned<std::remove_cvref_t<decltype(y)>>;
  const auto results = transform.value_and_grad(outputs);
  auto gradient = one_or_all(unflatten(selected, results.derivatives));
  return with_aux_of<ValueAndGrad, typename Y::Value, decltype(gradient)>(y, unflatten(Y::value(y), results.values),
                                                                          std::move(gradient));
}

template <std::size_t... I, class F, class... T>
auto value_and_grad_as(const char* name, F& f, Site site, const T&... arguments) {
  return value_and_grad(name, f, std::tuple<T...>(arguments...), selection<sizeof...(T), I...>(), site);
}

}  // namespace detail

/// The same for Tensors between braces.
/// @{
template <class F, std::size_t N, std::size_t M>
auto jvp(F&& f, const Tensor (&x)[N], const Tensor (&dx)[M], Site site = Site::here()) {
  static_assert(N == M, "jvp takes one tangent for each argument: jvp(f, {x, y}, {dx, dy})");
  return jvp(f, detail::tensor_tuple(x), detail::tensor_tuple(dx), site);
}
template <class F, std::size_t N>
auto vjp(F&& f, const Tensor (&x)[N], Site site = Site::here()) {
  return vjp(f, detail::tensor_tuple(x), site);
}
template <class F, std::size_t N>
auto linearize(F&& f, const Tensor (&x)[N], Site site = Site::here()) {
  return linearize(f, detail::tensor_tuple(x), site);
}
template <class F, std::size_t N>
auto linear_transpose(F&& f, const Tensor (&like)[N], Site site = Site::here()) {
  return linear_transpose(f, detail::tensor_tuple(like), site);
}
/// @}

/// The function that returns {value, gradient} of f, whose result must be a real floating scalar (shape ()). value_and_grad<0, 2>
/// differentiates arguments 0 and 2; the default is all. One argument: its gradient; several: a tuple.
template <std::size_t... I, class F>
auto value_and_grad(F f, Site site = Site::here()) {
  return [f = std::move(f), site](const auto&... arguments) {
    return detail::value_and_grad_as<I...>("value_and_grad", f, site, arguments...);
  };
}

/// The function that returns the gradient of f alone; where f returns with_aux, {gradient, aux}.
template <std::size_t... I, class F>
auto grad(F f, Site site = Site::here()) {
  return [f = std::move(f), site](const auto&... arguments) {
    auto result = detail::value_and_grad_as<I...>("grad", f, site, arguments...);
    if constexpr (requires { result.aux; })
      return GradWithAux<decltype(result.gradient), decltype(result.aux)>{std::move(result.gradient), std::move(result.aux)};
    else return std::move(result.gradient);
  };
}

}  // namespace scangrad::inline v0
