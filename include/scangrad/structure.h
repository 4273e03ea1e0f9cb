#pragma once
// Structures of Tensors: what transforms accept as arguments and results. A Tensor; a std::vector, std::array, std::pair or
// std::tuple of structures; an aggregate (a struct without constructors) whose fields, at most 12, are structures; or a class that
// shows its Tensors by a member for_each_tensor(f), as ScanCarry does.

#include <array>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "scangrad/tensor.h"

namespace scangrad::inline v0::detail {

struct AnyField {
  template <class T>
  operator T() const;
};

template <class T, class... Fields>
constexpr std::size_t field_count() {
  if constexpr (sizeof...(Fields) < 12 && requires { T{Fields{}..., AnyField{}}; })
    return field_count<T, Fields..., AnyField>();
  else return sizeof...(Fields);
}

/// Calls f(field) for each field of an aggregate.
template <class T, class F>
constexpr void for_each_field(T& s, const F& f) {
  constexpr std::size_t n = field_count<std::remove_const_t<T>>();
  const auto each = [&f](auto&... fields) { (f(fields), ...); };
  // clang-format off
  if constexpr (n == 1) { auto& [a] = s; each(a); }
  else if constexpr (n == 2) { auto& [a, b] = s; each(a, b); }
  else if constexpr (n == 3) { auto& [a, b, c] = s; each(a, b, c); }
  else if constexpr (n == 4) { auto& [a, b, c, d] = s; each(a, b, c, d); }
  else if constexpr (n == 5) { auto& [a, b, c, d, e] = s; each(a, b, c, d, e); }
  else if constexpr (n == 6) { auto& [a, b, c, d, e, g] = s; each(a, b, c, d, e, g); }
  else if constexpr (n == 7) { auto& [a, b, c, d, e, g, h] = s; each(a, b, c, d, e, g, h); }
  else if constexpr (n == 8) { auto& [a, b, c, d, e, g, h, i] = s; each(a, b, c, d, e, g, h, i); }
  else if constexpr (n == 9) { auto& [a, b, c, d, e, g, h, i, j] = s; each(a, b, c, d, e, g, h, i, j); }
  else if constexpr (n == 10) { auto& [a, b, c, d, e, g, h, i, j, k] = s; each(a, b, c, d, e, g, h, i, j, k); }
  else if constexpr (n == 11) { auto& [a, b, c, d, e, g, h, i, j, k, l] = s; each(a, b, c, d, e, g, h, i, j, k, l); }
  else { auto& [a, b, c, d, e, g, h, i, j, k, l, m] = s; each(a, b, c, d, e, g, h, i, j, k, l, m); }
  // clang-format on
}

template <class T>
concept List = requires(T& list) {
  typename T::value_type;
  list.begin();
  list.size();
};
template <class T>
concept TupleLike = requires {
  std::tuple_size<T>::value;
};

/// Calls f(Tensor&) for every Tensor of a structure, in order.
template <class T, class F>
void for_each_tensor(T& structure, const F& f) {
  using S = std::remove_const_t<T>;
  if constexpr (std::is_same_v<S, Tensor>) {
    f(structure);
  } else if constexpr (requires { structure.for_each_tensor(f); }) {
    structure.for_each_tensor(f);
  } else if constexpr (List<S>) {
    for (auto& item : structure) for_each_tensor(item, f);
  } else if constexpr (TupleLike<S>) {
    std::apply([&f](auto&... items) { (for_each_tensor(items, f), ...); }, structure);
  } else if constexpr (Number<S>) {
    static_assert(!Number<S>, "transforms take and return Tensors, and this is a number: write Tensor(3.0) in place of 3.0");
  } else {
    static_assert(
        std::is_aggregate_v<S> && std::is_class_v<S>,
        "transforms take and return Tensors, or vectors, arrays, tuples and aggregates of Tensors; this type is none of them");
    for_each_field(structure, [&f](auto& field) { for_each_tensor(field, f); });
  }
}

template <class T>
std::vector<Tensor> flatten(const T& structure) {
  std::vector<Tensor> tensors;
  for_each_tensor(structure, [&tensors](const Tensor& x) { tensors.push_back(x); });
  return tensors;
}

/// A structure like `like` that holds `tensors`, in order.
template <class T>
T unflatten(const T& like, std::span<const Tensor> tensors) {
  T result = like;
  std::size_t i = 0;
  for_each_tensor(result, [&](Tensor& x) { x = tensors[i++]; });
  return result;
}

/// f of the arguments in a tuple. Where that makes no sense, the compiler says why, and (by the empty Tensor) little else.
template <class F, class... T>
auto call(F& f, std::tuple<T...> arguments) {
  constexpr bool callable = std::is_invocable_v<F&, T...>;
  static_assert(callable,
                "the function cannot be called with these arguments: it takes more or fewer, or other types; let it take "
                "each Tensor as const Tensor&");
  if constexpr (callable) {
    constexpr bool returns = !std::is_void_v<std::invoke_result_t<F&, T...>>;
    static_assert(returns, "the function returns nothing: return the Tensor that it computes");
    if constexpr (returns) return std::apply(f, std::move(arguments));
    else return Tensor();
  } else {
    return Tensor();
  }
}

}  // namespace scangrad::inline v0::detail
