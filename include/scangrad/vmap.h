#pragma once
// vmap: a function of one example becomes a function of a batch of them, without a loop.
//
//   auto y  = sg::vmap(f)(x);                                       // y[i] = f(x[i])
//   auto y  = sg::vmap(f, {.in_axes = {1, std::nullopt}})(x, w);    // columns of x, all with the same w
//   auto gs = sg::vmap(sg::grad(loss), {.in_axes = {std::nullopt, 0, 0}})(beta, xs, ys);   // a gradient an example
//
// f is called once, with tensors that have the shape and dtype of one example and no value: reading one inside f (item, data,
// printing, eval) throws, and so a branch on a value is written with where. What f builds is replayed for the whole batch by the
// vmap rules of its operations. vmap nests with itself and with every other transform, in any order.

#include <optional>

#include "scangrad/ops.h"
#include "scangrad/structure.h"

namespace scangrad::inline v0 {

/// The axis that runs over the examples, or std::nullopt for what they all share: one for all, or a list.
class BatchAxes {
 public:
  BatchAxes(int axis) : axes_{axis} {}                ///< the same for all; negative: from the end
  BatchAxes(std::nullopt_t) : axes_{std::nullopt} {}  ///< shared by all
  /// One each, as in {0, std::nullopt}.
  BatchAxes(std::initializer_list<std::optional<int>> axes) : axes_(axes), list_(true) {}

  bool is_list() const noexcept { return list_; }             ///< one each, not one for all
  std::size_t size() const noexcept { return axes_.size(); }  ///< of the list
  /// Of argument or result i.
  std::optional<int> operator[](std::size_t i) const noexcept { return list_ ? axes_[i] : axes_[0]; }

 private:
  std::vector<std::optional<int>> axes_;
  bool list_ = false;
};

/// Of vmap.
struct VmapOptions {
  detail::ByName by_name = detail::ByName();
  BatchAxes in_axes = 0;   ///< a list has one an argument; that of a structure is for all its Tensors
  BatchAxes out_axes = 0;  ///< where the batch axis goes; a list has one a Tensor of the result
};

namespace detail {

/// The non-template part of vmap; live on this thread from construction to results() or destruction.
class SCANGRAD_API Vmap {
 public:
  Vmap(const char* name, Site site);
  ~Vmap();
  Vmap(const Vmap&) = delete;

  /// What f is called with in place of the arguments, each of which is a list of Tensors.
  std::vector<Tensor> examples(std::span<const std::vector<Tensor>> arguments, const BatchAxes& axes);
  /// The batch of what f returned; ends the transform.
  std::vector<Tensor> results(std::span<const Tensor> outputs, const BatchAxes& axes);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace detail

/// The function that calls f for each example of a batch: arguments of shape (batch, s) for an f that takes (s), where in_axes has the
/// place of the batch axis; results of shape (batch, t) for an f that returns (t), where out_axes has it. Arguments and results may be
/// structures of Tensors of any dtype. Throws if the batches differ in size, no argument has a batch axis, or f reads a value. Derivatives
/// go through, to any order, and may be taken inside.
template <class F>
auto vmap(F f, const VmapOptions& options = {}, Site site = Site::here()) {
  return [f = std::move(f), options, site](const auto&... arguments) {
    detail::Vmap transform("vmap", site);
    const std::tuple<std::remove_cvref_t<decltype(arguments)>...> all(arguments...);
    const std::vector<Tensor> examples = transform.examples(std::array{detail::flatten(arguments)...}, options.in_axes);
    const auto y = detail::call(f, detail::unflatten(all, examples));
    return detail::unflatten(y, transform.results(detail::flatten(y), options.out_axes));
  };
}

}  // namespace scangrad::inline v0
