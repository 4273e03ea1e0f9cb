#pragma once
// Functions with rules of their own: what the library should compute, and what it should take for the derivative.
//
//   const auto round_through = sg::custom_function({
//       .forward = [](auto x) { return sg::round(x[0]); },
//       .jvp     = [](auto x, auto y, auto dx) { return dx[0]; },           // "straight through"
//   });
//   auto g = sg::grad([&](const sg::Tensor& t) { return sg::sum(round_through(t) * t); })(x);
//
// What is missing is derived: vjp from jvp by transposing it, jvp from vjp likewise; with neither, forward itself is differentiated.
// Rules are made of public operations, so that they are differentiated in turn, to any order.

#include <array>
#include <functional>

#include "scangrad/ops.h"
#include "scangrad/structure.h"

namespace scangrad::inline v0 {

/// What a rule returns: one Tensor, or a list of them.
class TensorList : public std::vector<Tensor> {
 public:
  using std::vector<Tensor>::vector;
  /// From one, or from a list.
  /// @{
  TensorList(Tensor x) : std::vector<Tensor>{std::move(x)} {}
  TensorList(std::vector<Tensor> list) : std::vector<Tensor>(std::move(list)) {}
  /// @}
};

/// Of custom_function. x are the inputs and y the outputs of forward, as the Tensors that they are made of, in order.
struct CustomRules {
  using List = std::span<const Tensor>;  ///< inputs, outputs, tangents or cotangents
  detail::ByName by_name = detail::ByName();
  /// y from x. It may read values and do anything else, once for each call; it must not use a Tensor that a transform around it
  /// differentiates or maps over, unless that is in x.
  std::function<TensorList(List x)> forward = {};
  /// The tangents of y, from those of x; linear in dx. Each has the shape and dtype of its input or output. An input that is not floating
  /// has an empty Tensor as tangent; an empty Tensor as result is a zero.
  std::function<TensorList(List x, List y, List dx)> jvp = {};
  /// The cotangents of x, from those of y (J^H g); linear in g. An empty Tensor is a zero.
  std::function<TensorList(List x, List y, List g)> vjp = {};
  /// y for a batch, along axis 0 of every y and of those x that are `mapped`. Default: vmap of forward, which then must not read values.
  std::function<TensorList(List x, std::span<const bool> mapped)> vmap = {};
  /// Tensors with the shapes and dtypes of y. Needed where forward reads values and is called on what has none: in vmap, in scan.
  std::function<TensorList(List x)> outputs_like = {};
  std::string name = "custom_function";  ///< for errors and pictures
};

namespace detail {
SCANGRAD_API std::vector<Tensor> call_custom(const std::shared_ptr<const CustomRules>& rules, std::span<const Tensor> x,
                                             std::size_t outputs, Site site);
SCANGRAD_API std::shared_ptr<const CustomRules> checked(CustomRules rules, Site site);
}  // namespace detail

/// Made by custom_function: called with Tensors or structures of them.
template <std::size_t Outputs>
class CustomFunction {
 public:
  /// By custom_function.
  explicit CustomFunction(std::shared_ptr<const CustomRules> rules, Site site) : rules_(std::move(rules)), site_(site) {}

  /// y, a Tensor, or a std::array of them where there are several. Errors name the place where the function was made.
  template <class... T>
  auto operator()(const T&... x) const {
    const std::vector<Tensor> y = detail::call_custom(rules_, detail::flatten(std::tie(x...)), Outputs, site_);
    if constexpr (Outputs == 1) return y[0];
    else {
      std::array<Tensor, Outputs> all;
      for (std::size_t i = 0; i < Outputs; ++i) all[i] = y[i];
      return all;
    }
  }

 private:
  std::shared_ptr<const CustomRules> rules_;
  Site site_;
};

/// A function with the given rules, of one output or of as many as custom_function<2>({...}) says. Rules that return other counts, shapes
/// or dtypes than they should are an error that names the rule.
template <std::size_t Outputs = 1>
CustomFunction<Outputs> custom_function(CustomRules rules, Site site = Site::here()) {
  return CustomFunction<Outputs>(detail::checked(std::move(rules), site), site);
}

}  // namespace scangrad::inline v0
