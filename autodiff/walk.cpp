#include "autodiff/walk.h"
#include "core/planted.h"

#include "autodiff/program.h"
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

bool any(std::span<const MaybeTensor> derivatives) {
  for (const MaybeTensor& derivative : derivatives)
    if (derivative) return true;
  return false;
}

core::FixedList<Tensor, 1> run_again(const Step& step, const core::FixedList<Tensor, 2>& ins) {
  const std::vector<Tensor> outs = apply(step.primitive, specs_of(step.outs), ins);
  return core::FixedList<Tensor, 1>(std::span<const Tensor>(outs));
}

}  // namespace

std::vector<core::Spec> specs_of(std::span<const Tensor> tensors) {
  std::vector<core::Spec> specs;
  for (const Tensor& x : tensors) specs.push_back(core::node_of(x).value.spec);
  return specs;
}

std::vector<Tensor> apply(const core::PrimitiveRef& primitive, std::vector<core::Spec> outs, core::FixedList<Tensor, 2> ins) {
  if (outs.size() == 1) return {core::apply(primitive, std::move(outs[0]), std::move(ins))};
  return core::apply_multi(primitive, std::move(outs), std::move(ins));
}

// A fused rule computes its outputs anew, so what comes after it is built again on those: `replaced` holds the new values. They come out
// of one node with the tangents and so hang on those: not where tensors may have no value, for a transposed map has none for the tangents.
Forward push_forward(const Trace& trace, std::span<const MaybeTensor> tangents, bool may_fuse) {
  may_fuse = may_fuse && TransformScope::without_values() == 0;
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
    sum = sum ? SCANGRAD_PLANT(cotangents_overwritten, add(*sum, *g), *g) : std::move(*g);
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

using ProgramStep = core::Program::Step;

/// A rule must return each output, for each example or for all, with the shape and dtype that the program's have for one.
void check_batch(const ProgramStep& step, std::span<const Tensor> ins, std::span<const bool> mapped,
                 const core::BatchResult& result) {
  const std::size_t count = step.outs.size();
  check(result.outs.size() == count && result.mapped.size() == count,
        "the vmap rule of {} returned {} outputs and {} marks, but there are {} outputs", step.primitive->name(),
        result.outs.size(), result.mapped.size(), count);
  std::size_t first = 0;
  while (!mapped[first]) ++first;
  for (std::size_t i = 0; i < count; ++i) {
    const auto& [single, dtype] = step.outs[i];
    std::vector<std::int64_t> shape(single.begin(), single.end());
    if (result.mapped[i]) shape.insert(shape.begin(), ins[first].shape()[0]);
    check(result.outs[i].shape() == Shape(shape) && result.outs[i].dtype() == dtype,
          "the vmap rule of {} returned a {} {} for output {}, which should be {} {}", step.primitive->name(),
          result.outs[i].dtype(), result.outs[i].shape(), i, dtype, Shape(shape));
  }
}

/// The outputs for a batch: by the primitive's rule or, where it has none, by those of its parts.
core::BatchResult batch_of(const Primitive& primitive, core::Ins ins, core::MappedMask mapped, core::Specs outs) {
  core::BatchResult result = primitive.vmap(ins, mapped, outs);
  if (!result.outs.empty()) return result;
  std::vector<core::Spec> single = specs_of(ins);
  std::vector<Batched> inputs;
  for (std::size_t i = 0; i < ins.size(); ++i) {
    inputs.push_back({ins[i], mapped[i]});
    if (mapped[i]) single[i].shape = Shape(std::vector<std::int64_t>(single[i].shape.begin() + 1, single[i].shape.end()));
  }
  const Traced parts = trace_program(single, core::node_of(ins[0]).device, [&](std::span<const Tensor> one) {
    auto outputs = primitive.decompose(one);
    check(outputs.has_value(), "{} has no vmap rule; override Primitive::vmap or decompose", primitive.name());
    return *std::move(outputs);
  });
  for (const Tensor& shared : parts.captured) inputs.push_back({shared, false});
  for (Batched& out : replay(*parts.program, inputs)) {
    result.outs.push_back(std::move(out.value));
    result.mapped.push_back(out.mapped);
  }
  return result;
}

}  // namespace

std::vector<Batched> replay(const core::Program& program, std::span<const Batched> inputs) {
  std::vector<Batched> values(inputs.begin(), inputs.end());
  values.resize(program.slot_count());
  const auto value_of = [&](core::Program::Source source) {
    return source >= 0 ? values[static_cast<std::size_t>(source)] : Batched{program.constant(source), false};
  };
  for (const ProgramStep& step : program.steps()) {
    const CallScope scope(CallScope::Override(), step.primitive->name(), step.site);
    core::FixedList<Tensor, 2> ins(step.ins.size());
    core::FixedList<bool, 8> mapped(ins.size());
    bool any_mapped = false;
    for (std::size_t i = 0; i < ins.size(); ++i) {
      Batched value = value_of(step.ins[i]);
      ins[i] = std::move(value.value);
      mapped[i] = value.mapped;
      any_mapped |= value.mapped;
    }
    const auto first = values.begin() + step.first_slot;
    if (!any_mapped) {
      const std::vector<Tensor> outs = apply(step.primitive, step.outs, std::move(ins));
      for (std::size_t i = 0; i < outs.size(); ++i) first[static_cast<std::ptrdiff_t>(i)] = {outs[i], false};
    } else {
      core::BatchResult result = batch_of(*step.primitive, ins, mapped, step.outs);
      check_batch(step, ins, mapped, result);
      for (std::size_t i = 0; i < result.outs.size(); ++i)
        first[static_cast<std::ptrdiff_t>(i)] = {std::move(result.outs[i]), result.mapped[i]};
    }
    for (const std::int32_t slot : step.ends) values[static_cast<std::size_t>(slot)].value = Tensor();
  }
  std::vector<Batched> outputs;
  for (core::Program::Source out : program.outputs()) outputs.push_back(value_of(out));
  return outputs;
}

std::vector<Tensor> replay(const core::Program& program, std::span<const Tensor> inputs) {
  std::vector<Batched> shared;
  for (const Tensor& x : inputs) shared.push_back({x, false});
  std::vector<Tensor> outputs;
  for (Batched& out : replay(program, std::span<const Batched>(shared))) outputs.push_back(std::move(out.value));
  return outputs;
}

void evaluate_if_outermost(std::span<const Tensor> results) {
  if (core::TransformScope::live_here() == 0) core::evaluate(results);
}

}  // namespace scangrad::inline v0::autodiff
