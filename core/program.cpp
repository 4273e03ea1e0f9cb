#include "core/program.h"

#include <algorithm>

#include "core/node_map.h"

namespace scangrad::inline v0::core {
namespace {

bool becomes_input(const Node& node, Program::Capture capture) {
  return capture == Program::Capture::pending_or_tracked && (!node.done() || TransformScope::live_bits(node) != 0);
}

}  // namespace

Program::Program(const Trace& trace, Capture capture) {
  const auto placeholders = static_cast<std::int32_t>(trace.placeholders().size());
  for (const Tensor& x : trace.placeholders()) inputs_.push_back(node_of(x).value.spec);
  if (placeholders > 0) device_ = node_of(trace.placeholders()[0]).device;

  NodeMap known;  // what the trace does not compute, by source
  const auto learn = [&](const Tensor& x, std::int32_t slot) {
    if (slot != Trace::constant || known.find(&node_of(x)) != nullptr) return;
    if (becomes_input(node_of(x), capture)) {
      known.insert(&node_of(x), static_cast<Source>(inputs_.size()));
      inputs_.push_back(node_of(x).value.spec);
      captured_.push_back(x);
    } else {
      known.insert(&node_of(x), ~static_cast<Source>(constants_.size()));
      constants_.push_back(x);
    }
  };
  for (const Trace::Step& step : trace.steps())
    for (std::size_t i = 0; i < step.ins.size(); ++i) learn(step.ins[i], step.in_slots[i]);
  for (std::size_t i = 0; i < trace.outputs().size(); ++i) learn(trace.outputs()[i], trace.output_slots()[i]);

  const auto shift = static_cast<std::int32_t>(captured_.size());
  const auto source = [&](const Tensor& x, std::int32_t slot) {
    if (slot == Trace::constant) return *known.find(&node_of(x));
    return slot < placeholders ? slot : slot + shift;
  };
  for (const Trace::Step& step : trace.steps()) {
    Step copy{step.primitive, find_kernel(*step.primitive, device_), step.site, {}, {}, {}, {}, step.first_slot + shift};
    copy.ins = FixedList<Source, 2>(step.ins.size());
    for (std::size_t i = 0; i < step.ins.size(); ++i) copy.ins[i] = source(step.ins[i], step.in_slots[i]);
    for (const Tensor& out : step.outs) copy.outs.push_back(node_of(out).value.spec);
    steps_.push_back(std::move(copy));
  }
  for (std::size_t i = 0; i < trace.outputs().size(); ++i)
    outputs_.push_back(source(trace.outputs()[i], trace.output_slots()[i]));
  slot_count_ = trace.slot_count() + captured_.size();
  find_ends();
}

void Program::find_ends() {
  std::vector<bool> needed(slot_count_);
  for (Source out : outputs_)
    if (out >= 0) needed[static_cast<std::size_t>(out)] = true;
  for (std::size_t s = steps_.size(); s-- > 0;) {
    Step& step = steps_[s];
    const auto end = [&](std::int32_t slot) {
      if (needed[static_cast<std::size_t>(slot)]) return false;
      needed[static_cast<std::size_t>(slot)] = true;
      step.ends.push_back(slot);
      return true;
    };
    for (std::size_t i = 0; i < step.outs.size(); ++i) end(step.first_slot + static_cast<std::int32_t>(i));
    step.last = FixedList<bool, 2>(step.ins.size());
    for (std::size_t i = 0; i < step.ins.size(); ++i)
      step.last[i] = step.ins[i] >= 0 && end(step.ins[i]) && std::count(step.ins.begin(), step.ins.end(), step.ins[i]) == 1;
  }
}

std::vector<bool> Program::inputs_read(const std::vector<bool>& outputs) const {
  std::vector<bool> needed(slot_count_);
  const auto need = [&](Source source) {
    if (source >= 0) needed[static_cast<std::size_t>(source)] = true;
  };
  for (std::size_t i = 0; i < outputs_.size(); ++i)
    if (outputs[i]) need(outputs_[i]);
  for (std::size_t s = steps_.size(); s-- > 0;) {
    const auto first = needed.begin() + steps_[s].first_slot;
    if (std::find(first, first + static_cast<std::ptrdiff_t>(steps_[s].outs.size()), true) !=
        first + static_cast<std::ptrdiff_t>(steps_[s].outs.size()))
      std::for_each(steps_[s].ins.begin(), steps_[s].ins.end(), need);
  }
  needed.resize(inputs_.size());
  return needed;
}

std::vector<Spec> Program::output_specs() const {
  std::vector<Spec> slots(slot_count_), result;
  std::copy(inputs_.begin(), inputs_.end(), slots.begin());
  for (const Step& step : steps_) std::copy(step.outs.begin(), step.outs.end(), slots.begin() + step.first_slot);
  for (Source out : outputs_)
    result.push_back(out >= 0 ? slots[static_cast<std::size_t>(out)] : node_of(constant(out)).value.spec);
  return result;
}

Runner::Runner(const Program& program, std::size_t first_kept)
    : program_(program), first_kept_(first_kept), values_(program.slot_count()) {
  for (const Program::Step& step : program.steps())
    for (std::size_t i = 0; i < step.outs.size(); ++i)
      values_[static_cast<std::size_t>(step.first_slot) + i].spec = step.outs[i];
}

void Runner::run() {
  for (const Program::Step& step : program_.steps()) {
    FixedList<const Array*, 8> ins(step.ins.size());
    FixedList<bool, 8> may_reuse(step.ins.size());
    for (std::size_t i = 0; i < ins.size(); ++i) {
      const Program::Source source = step.ins[i];
      ins[i] = source >= 0 ? &values_[static_cast<std::size_t>(source)] : &node_of(program_.constant(source)).value;
      may_reuse[i] = step.last[i] && !kept(source) && ins[i]->storage.unique() && ins[i]->storage->writable();
    }
    run_kernel(*step.primitive, step.kernel, step.site, program_.device(), ins, may_reuse,
               Outputs(&values_[static_cast<std::size_t>(step.first_slot)], step.outs.size()));
    for (std::int32_t slot : step.ends)
      if (!kept(slot)) values_[static_cast<std::size_t>(slot)].reset();
  }
}

const Array& Runner::output(std::size_t i) const noexcept {
  const Program::Source source = program_.outputs()[i];
  return source >= 0 ? values_[static_cast<std::size_t>(source)] : node_of(program_.constant(source)).value;
}

void Runner::clear() noexcept {
  for (std::size_t slot = 0; slot < values_.size(); ++slot)
    if (!kept(static_cast<std::int32_t>(slot))) values_[slot].reset();
}

}  // namespace scangrad::inline v0::core
