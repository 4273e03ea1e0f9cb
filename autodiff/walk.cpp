#include "autodiff/walk.h"

#include "core/error.h"
#include "scangrad/ops.h"

namespace scangrad::inline v0::autodiff {
namespace {

using core::CallScope;
using core::check;
using core::Primitive;
using core::TransformScope;
using Step = Trace::Step;

/// A rule must return one derivative for each of `primals`, each of its shape and dtype.
void check_derivatives(const Step& step, std::string_view rule, std::string_view what, std::span<const Tensor> primals,
                       const MaybeTensors& derivatives) {
  check(derivatives.size() == primals.size(), "the {} rule of {} returned {} {}, but there are {}", rule,
        step.primitive->name(), derivatives.size(), what, primals.size());
  for (std::size_t i = 0; i < primals.size(); ++i) {
    if (!derivatives[i]) continue;
    check(derivatives[i]->shape() == primals[i].shape() && derivatives[i]->dtype() == primals[i].dtype(),
          "the {} rule of {} returned a {} {} for number {} of the {}, which is {} {}", rule, step.primitive->name(),
          derivatives[i]->dtype(), derivatives[i]->shape(), i, what, primals[i].dtype(), primals[i].shape());
  }
}

/// The trace of a fused primitive's decomposition, on placeholders for its inputs; none if it has none.
std::optional<Trace> decomposition(const Primitive& primitive, std::span<const Tensor> ins) {
  if (!primitive.decompose(ins)) return std::nullopt;
  const TransformScope scope;
  std::vector<Tensor> placeholders;
  for (const Tensor& in : ins) placeholders.push_back(scope.placeholder(in));
  return Trace(placeholders, *primitive.decompose(placeholders), scope.bit());
}

MaybeTensors step_jvp(const Step& step, std::span<const Tensor> ins, std::span<const Tensor> outs,
                      std::span<const MaybeTensor> tangents) {
  if (const auto plain = decomposition(*step.primitive, ins)) return push_forward(*plain, tangents, false).tangents;
  return step.primitive->jvp(ins, outs, tangents);
}

MaybeTensors step_vjp(const Step& step, std::span<const MaybeTensor> cotangents) {
  if (const auto plain = decomposition(*step.primitive, step.ins)) return pull_back(*plain, cotangents);
  core::FixedList<bool, 8> wanted(step.ins.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) wanted[i] = step.in_slots[i] != Trace::constant;
  return step.primitive->vjp(step.ins, step.outs, cotangents, core::WantedMask(wanted));
}

/// A step's primitive on other inputs.
core::FixedList<Tensor, 1> run_again(const Step& step, const core::FixedList<Tensor, 2>& ins) {
  std::vector<core::Spec> specs;
  for (const Tensor& out : step.outs) specs.push_back(core::node_of(out).value.spec);
  if (specs.size() == 1) return core::FixedList<Tensor, 1>(core::apply(step.primitive, specs[0], ins));
  return core::FixedList<Tensor, 1>(std::span<const Tensor>(core::apply_multi(step.primitive, specs, ins)));
}

bool any(std::span<const MaybeTensor> derivatives) {
  for (const MaybeTensor& derivative : derivatives)
    if (derivative) return true;
  return false;
}

}  // namespace

// A fused rule computes its outputs anew, so what comes after it is built again on those: `replaced` holds the new values.
Forward push_forward(const Trace& trace, std::span<const MaybeTensor> tangents, bool may_fuse) {
  MaybeTensors tangent(trace.slot_count()), replaced(may_fuse ? trace.slot_count() : 0);
  std::copy(tangents.begin(), tangents.end(), tangent.begin());
  bool any_replaced = false;
  for (const Step& step : trace.steps()) {
    const CallScope scope(CallScope::Override(), step.primitive->name(), step.site);
    core::FixedList<Tensor, 2> ins(step.ins);
    core::FixedList<Tensor, 1> outs(step.outs);
    MaybeTensors in_tangents(ins.size());
    bool moved = false;
    for (std::size_t i = 0; i < ins.size(); ++i) {
      if (step.in_slots[i] == Trace::constant) continue;
      const auto slot = static_cast<std::size_t>(step.in_slots[i]);
      in_tangents[i] = tangent[slot];
      if (any_replaced && replaced[slot]) ins[i] = *replaced[slot], moved = true;
    }
    const auto first = static_cast<std::size_t>(step.first_slot);
    MaybeTensors result(outs.size());
    std::optional<core::OutsAndTangents> fused;
    if (may_fuse && any(in_tangents)) fused = step.primitive->jvp_fused(ins, in_tangents);
    if (fused) {
      for (std::size_t i = 0; i < outs.size(); ++i) outs[i] = fused->outs[i];
      result = std::move(fused->tangents);
    } else {
      if (moved) outs = run_again(step, ins);
      if (any(in_tangents)) result = step_jvp(step, ins, outs, in_tangents);
    }
    check_derivatives(step, "jvp", "outputs", outs, result);
    if (fused || moved) {
      any_replaced = true;
      for (std::size_t i = 0; i < outs.size(); ++i) replaced[first + i] = outs[i];
    }
    for (std::size_t i = 0; i < outs.size(); ++i) tangent[first + i] = std::move(result[i]);
  }
  Forward forward;
  for (std::size_t i = 0; i < trace.outputs().size(); ++i) {
    const std::int32_t slot = trace.output_slots()[i];
    forward.values.push_back(trace.outputs()[i]);
    forward.tangents.push_back(slot == Trace::constant ? std::nullopt : tangent[static_cast<std::size_t>(slot)]);
    if (any_replaced && slot != Trace::constant && replaced[static_cast<std::size_t>(slot)])
      forward.values.back() = *replaced[static_cast<std::size_t>(slot)];
  }
  return forward;
}

MaybeTensors pull_back(const Trace& trace, std::span<const MaybeTensor> cotangents) {
  MaybeTensors cotangent(trace.slot_count());
  const auto accumulate = [&](std::int32_t slot, MaybeTensor&& g) {
    if (slot == Trace::constant || !g) return;
    MaybeTensor& sum = cotangent[static_cast<std::size_t>(slot)];
    sum = sum ? add(*sum, *g) : std::move(*g);
  };
  for (std::size_t i = 0; i < cotangents.size(); ++i) accumulate(trace.output_slots()[i], MaybeTensor(cotangents[i]));
  for (std::size_t s = trace.steps().size(); s-- > 0;) {
    const Step& step = trace.steps()[s];
    const auto first = cotangent.begin() + step.first_slot;
    const std::span<MaybeTensor> outs(&*first, step.outs.size());
    if (!any(outs)) continue;
    const CallScope scope(CallScope::Override(), step.primitive->name(), step.site);
    MaybeTensors result = step_vjp(step, outs);
    check_derivatives(step, "vjp", "inputs", step.ins, result);
    for (MaybeTensor& used : outs) used.reset();
    for (std::size_t i = 0; i < result.size(); ++i) accumulate(step.in_slots[i], std::move(result[i]));
  }
  cotangent.resize(trace.placeholders().size());
  return cotangent;
}

namespace {

/// A rule must return each output, for each example or for all, with the shape and dtype that `outs` have for one.
void check_batch(const Step& step, std::span<const Tensor> ins, std::span<const bool> mapped, const core::BatchResult& result) {
  const std::size_t count = step.outs.size();
  check(result.outs.size() == count && result.mapped.size() == count,
        "the vmap rule of {} returned {} outputs and {} marks, but there are {} outputs", step.primitive->name(),
        result.outs.size(), result.mapped.size(), count);
  std::size_t first = 0;
  while (!mapped[first]) ++first;
  for (std::size_t i = 0; i < count; ++i) {
    const Shape& single = step.outs[i].shape();
    std::vector<std::int64_t> shape(single.begin(), single.end());
    if (result.mapped[i]) shape.insert(shape.begin(), ins[first].shape()[0]);
    check(result.outs[i].shape() == Shape(shape) && result.outs[i].dtype() == step.outs[i].dtype(),
          "the vmap rule of {} returned a {} {} for output {}, which should be {} {}", step.primitive->name(),
          result.outs[i].dtype(), result.outs[i].shape(), i, step.outs[i].dtype(), Shape(shape));
  }
}

}  // namespace

std::vector<Batched> push_batch(const Trace& trace, std::span<const Tensor> placeholders) {
  std::vector<Batched> values(trace.slot_count());
  for (std::size_t i = 0; i < placeholders.size(); ++i) values[i] = {placeholders[i], true};
  for (const Step& step : trace.steps()) {
    const CallScope scope(CallScope::Override(), step.primitive->name(), step.site);
    core::FixedList<Tensor, 2> ins(step.ins);
    core::FixedList<bool, 8> mapped(ins.size());
    bool any_mapped = false;
    for (std::size_t i = 0; i < ins.size(); ++i) {
      if (step.in_slots[i] == Trace::constant) continue;
      const Batched& value = values[static_cast<std::size_t>(step.in_slots[i])];
      ins[i] = value.value;
      mapped[i] = value.mapped;
      any_mapped |= value.mapped;
    }
    const auto first = static_cast<std::size_t>(step.first_slot);
    if (!any_mapped) {
      const auto outs = run_again(step, ins);
      for (std::size_t i = 0; i < outs.size(); ++i) values[first + i] = {outs[i], false};
      continue;
    }
    std::vector<core::Spec> specs;
    for (const Tensor& out : step.outs) specs.push_back(core::node_of(out).value.spec);
    core::BatchResult result = step.primitive->vmap(ins, mapped, specs);
    check_batch(step, ins, mapped, result);
    for (std::size_t i = 0; i < result.outs.size(); ++i) values[first + i] = {std::move(result.outs[i]), result.mapped[i]};
  }
  std::vector<Batched> outputs;
  for (std::size_t i = 0; i < trace.outputs().size(); ++i) {
    const std::int32_t slot = trace.output_slots()[i];
    outputs.push_back(slot == Trace::constant ? Batched{trace.outputs()[i], false} : values[static_cast<std::size_t>(slot)]);
  }
  return outputs;
}

void evaluate_if_outermost(std::span<const Tensor> results) {
  if (core::TransformScope::live_here() == 0) core::evaluate(results);
}

}  // namespace scangrad::inline v0::autodiff
