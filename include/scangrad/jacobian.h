#pragma once
// Whole matrices of derivatives, a batch of columns or rows at a time: no loop over them.
//
//   auto J = sg::jacobian(f)(x);                            // (f(x).shape, x.shape)
//   auto H = sg::hessian(loss, {.chunk_size = 8})(beta);    // (beta.shape, beta.shape)
//
// To multiply by them, form none: jvp, vjp and linearize (autodiff.h), and hvp for the Hessian, do it at the cost of a few calls of f.

#include "scangrad/autodiff.h"

namespace scangrad::inline v0 {

/// Of jacfwd, jacrev, jacobian and hessian.
struct JacobianOptions {
  std::int64_t chunk_size = 32;  ///< how many columns or rows are computed at once, as a batch
};

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
/// vjp, jacobian the fewer of the two. All are real floating; of complex tensors take the real and imaginary part.
/// @{
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

/// @}

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

/// The product of the Hessian of a scalar f with v, which is like x; forward over reverse, so that it costs a few times f and no matrix
/// is formed. For one argument of its type, for several a tuple.
/// @{
template <class F, class... T>
auto hvp(F&& f, const Args<T...>& x, const Args<T...>& v, Site site = Site::here()) {
  const auto gradient = [&](const auto&... arguments) {
    return detail::value_and_grad("hvp", f, std::tuple<T...>(arguments...), std::index_sequence_for<T...>(), site).gradient;
  };
  return detail::jvp("hvp", gradient, x.values, v.values, site).tangent;
}
template <class F, std::size_t N, std::size_t M>
auto hvp(F&& f, const Tensor (&x)[N], const Tensor (&v)[M], Site site = Site::here()) {
  static_assert(N == M, "hvp takes one vector for each argument: hvp(f, {x, y}, {vx, vy})");
  return hvp(f, detail::tensor_tuple(x), detail::tensor_tuple(v), site);
}
/// @}

}  // namespace scangrad::inline v0
