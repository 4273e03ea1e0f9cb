// The non-template half of vmap: examples without a value in, a Trace out, replayed for the batch by the primitives' vmap rules.

#include "scangrad/vmap.h"
#include "core/planted.h"

#include "autodiff/walk.h"
#include "core/error.h"

namespace scangrad::inline v0::detail {

using autodiff::Batched;
using core::CallScope;
using core::check;
using core::fail;

struct Vmap::State {
  State(const char* n, Site s) : name(n), site(s), note(name.c_str(), s) {}

  std::string name;
  Site site;
  core::InTransform note;
  std::optional<core::TransformScope> scope;
  std::vector<Tensor> batches, examples;  ///< of the mapped inputs
  std::int64_t size = 0;
  std::size_t first = 0;  ///< the argument that the size is from
};

Vmap::Vmap(const char* name, Site site) : state_(new State(name, site)) {
  state_->scope.emplace(core::TransformScope::Values::absent);
}
Vmap::~Vmap() = default;

namespace {

/// The argument with its batch axis in front.
Tensor batch_first(std::size_t argument, const Tensor& x, int axis) {
  core::check_not_empty(x);
  check(x.rank() > 0, "argument {} has shape () and so no axis to map over; give std::nullopt for it in in_axes, to share it",
        argument);
  check(axis >= -x.rank() && axis < x.rank(), "in_axes names axis {} of argument {}, whose shape is {}; it must be in {}..{}",
        axis, argument, x.shape(), -x.rank(), x.rank() - 1);
  return moveaxis(x, axis, 0);
}

/// Shape and dtype of one example.
core::Spec example_of(const Tensor& batch) {
  const core::Spec& spec = core::node_of(batch).value.spec;
  return {Shape(std::span<const std::int64_t>(spec.shape.begin() + 1, spec.shape.end())), spec.dtype};
}

constexpr core::Absent no_example = {
    "vmap",
    "inside the function an example has no value that could be read (by item, data, to_vector, eval or printing); "
    "use where in place of a branch on a value, or read the results of vmap"};

}  // namespace

std::vector<Tensor> Vmap::examples(std::span<const std::vector<Tensor>> arguments, const BatchAxes& axes) {
  State& state = *state_;
  const CallScope call(state.name, state.site);
  check(!axes.is_list() || axes.size() == arguments.size(),
        "in_axes names {} axes, but there are {} arguments; name one an argument, or one for all", axes.size(),
        arguments.size());
  std::vector<Tensor> inputs;
  for (std::size_t a = 0; a < arguments.size(); ++a)
    for (const Tensor& x : arguments[a]) {
      inputs.push_back(x);
      if (!axes[a]) continue;
      const Tensor batch = batch_first(a, x, *axes[a]);
      if (state.batches.empty()) state.size = batch.shape()[0], state.first = a;
      check(batch.shape()[0] == state.size, "arguments {} and {} have batches of {} and {} examples; they must be equal",
            state.first, a, state.size, batch.shape()[0]);
      inputs.back() = state.scope->example(example_of(batch), core::node_of(batch).device, no_example);
      state.batches.push_back(batch);
      state.examples.push_back(inputs.back());
    }
  check(!state.batches.empty(), "no argument is mapped; give at least one of them an axis in in_axes");
  return inputs;
}

std::vector<Tensor> Vmap::results(std::span<const Tensor> outputs, const BatchAxes& axes) {
  State& state = *state_;
  const CallScope call(state.name, state.site);
  check(!axes.is_list() || axes.size() == outputs.size(),
        "out_axes names {} axes, but the function returned {} tensors; name one a tensor, or one for all", axes.size(),
        outputs.size());
  for (const Tensor& y : outputs) core::check_not_empty(y);
  const core::Program program(core::Trace(state.examples, outputs, state.scope->bit(), core::Trace::Follow::values));
  std::vector<Batched> inputs;
  for (const Tensor& x : state.batches) inputs.push_back({x, true});
  const std::vector<Batched> batches = autodiff::replay(program, inputs);
  std::vector<Tensor> results;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const auto& [y, mapped] = batches[i];
    check(axes[i] || !mapped, "result {} is not the same for every example, so out_axes must name the place of its batch axis",
          i);
    if (!axes[i]) {
      results.push_back(y);
      continue;
    }
    const Shape& shape = outputs[i].shape();
    const int axis = core::normalize_axis(*axes[i], shape.size() + 1);
    std::vector<std::int64_t> sizes(shape.begin(), shape.end());
    sizes.insert(sizes.begin(), state.size);
    results.push_back(moveaxis(mapped ? y : broadcast_to(y, Shape(sizes)), 0, SCANGRAD_PLANT(vmap_out_axis_ignored, axis, 0)));
  }
  state.scope.reset();
  autodiff::evaluate_if_outermost(results);
  return results;
}

}  // namespace scangrad::inline v0::detail
