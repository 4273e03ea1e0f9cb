#pragma once
// Loops with state, and functions that are computed again instead of remembered.
//
//   auto [carry, ys] = sg::scan(step, init, xs);                 // step(carry, x) -> std::pair(carry, y)
//   auto f = sg::checkpoint(expensive);                          // f(x) as before; in reverse mode it keeps its arguments alone
//
// scan calls step once, with a carry and an element that have a shape and dtype and no value, and repeats what step built: a loop has
// one node, however long it is, and works in all modes, to any order and under vmap (where there is no loop over the batch).
// Reading a value inside step throws; a branch on a value is written with where. While loops and branches on values need nothing
// of this: outside of step they are plain C++.

#include <functional>
#include <optional>

#include "scangrad/ops.h"
#include "scangrad/structure.h"

namespace scangrad::inline v0 {

/// Of scan.
struct LoopOptions {
  detail::ByName by_name = detail::ByName();
  int axis = 0;                             ///< of the Tensors in xs and ys: which one the loop runs along
  bool reverse = false;                     ///< from the end of the axis; ys stay where their xs are
  std::int64_t checkpoint_every = 1;        ///< reverse mode keeps the carry of every so-many steps; see scan
  std::optional<std::int64_t> length = {};  ///< the number of steps; needed where xs holds no Tensor
};

/// What scan returns.
template <class Carry, class Ys>
struct LoopResult {
  Carry carry;  ///< after the last step
  Ys ys;        ///< each y of a step with the axis of the loop, in order
};

namespace detail {

struct LoopStep {
  std::vector<Tensor> carry, y;
};
using LoopFunction = std::function<LoopStep(const std::vector<Tensor>& carry, const std::vector<Tensor>& x)>;
SCANGRAD_API LoopStep scan(const LoopFunction& step, const std::vector<Tensor>& init, const std::vector<Tensor>& xs,
                           const LoopOptions& options, Site site);

using CheckpointFunction = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;
SCANGRAD_API std::vector<Tensor> checkpoint(const CheckpointFunction& f, const std::vector<Tensor>& x, Site site);

}  // namespace detail

/// A loop over an axis: carry_t, y_t = step(carry_{t-1}, x_t), from carry_0 = init. init, x and y are structures of Tensors (Tensor,
/// vector, array, tuple, aggregate; std::tuple<>() for none) of any dtypes; step returns a std::pair, a tuple of two or a struct of two
/// fields. The carry keeps shapes and dtypes, and the elements x_t lack the axis that the Tensors of xs have. An axis of length 0 gives
/// init and empty ys.
///
/// Reverse mode keeps xs, ys and the carries between the steps, and computes the inside of each step again. `checkpoint_every = k` keeps
/// every k-th carry, and k of them at a time of those between, at the cost of one more pass: with n steps and k about sqrt(n) that is
/// 2 sqrt(n) carries in place of n. What step captures is differentiated too.
template <class Step, class Carry, class Xs>
auto scan(const Step& step, const Carry& init, const Xs& xs, const LoopOptions& options = {}, Site site = Site::here()) {
  const auto call = [&step](const Carry& carry, const Xs& x) {
    using Returned = std::remove_cvref_t<decltype(step(carry, x))>;
    static_assert(!std::is_void_v<Returned> && !std::is_same_v<Returned, Tensor>,
                  "step must return a pair, of the next carry and a y: return std::pair(carry, y)");
    auto [next, y] = step(carry, x);
    static_assert(std::is_same_v<std::remove_cvref_t<decltype(next)>, Carry>,
                  "step must return a pair of a carry, of the type of init, and a y");
    return std::pair<Carry, std::remove_cvref_t<decltype(y)>>(std::move(next), std::move(y));
  };
  std::optional<typename decltype(call(init, xs))::second_type> like;
  const detail::LoopFunction flat = [&](const std::vector<Tensor>& carry, const std::vector<Tensor>& x) {
    const auto result = call(detail::unflatten(init, carry), detail::unflatten(xs, x));
    like = result.second;
    return detail::LoopStep{detail::flatten(result.first), detail::flatten(result.second)};
  };
  const detail::LoopStep all = detail::scan(flat, detail::flatten(init), detail::flatten(xs), options, site);
  return LoopResult<Carry, std::remove_cvref_t<decltype(*like)>>{detail::unflatten(init, all.carry),
                                                                 detail::unflatten(*like, all.y)};
}

/// The function f, of which reverse mode keeps the arguments and nothing from inside: that is computed again when the cotangents are
/// there. f takes and returns structures of Tensors, and what it captures is differentiated too. Reading values inside f is allowed.
template <class F>
auto checkpoint(F f, Site site = Site::here()) {
  return [f = std::move(f), site](const auto&... arguments) {
    const std::tuple<std::remove_cvref_t<decltype(arguments)>...> all(arguments...);
    std::optional<std::remove_cvref_t<decltype(detail::call(f, all))>> like;
    const detail::CheckpointFunction flat = [&](const std::vector<Tensor>& x) {
      like = detail::call(f, detail::unflatten(all, x));
      return detail::flatten(*like);
    };
    const std::vector<Tensor> y = detail::checkpoint(flat, detail::flatten(all), site);
    return detail::unflatten(*like, y);
  };
}

}  // namespace scangrad::inline v0
