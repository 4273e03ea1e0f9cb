#include "autodiff/program.h"

#include "scangrad/ops.h"

namespace scangrad::inline v0::autodiff {
namespace {

using core::Program;
using core::TransformScope;

Traced traced(std::span<const Tensor> placeholders, const Tensors& outputs, const TransformScope& scope) {
  auto program = std::make_shared<Program>(Trace(placeholders, outputs, scope.bit(), Trace::Follow::values),
                                           Program::Capture::pending_or_tracked);
  Tensors captured = program->take_captured();
  return {std::move(program), std::move(captured)};
}

}  // namespace

Traced trace_program(std::vector<core::Spec> inputs, Device device, const core::Absent& absent, const TensorFunction& f) {
  const TransformScope scope(TransformScope::Values::absent);
  Tensors examples;
  for (core::Spec& spec : inputs) examples.push_back(scope.example(std::move(spec), device, absent));
  return traced(examples, f(examples), scope);
}

Traced trace_program(std::vector<core::Spec> inputs, Device device, const TensorFunction& f) {
  return trace_program(std::move(inputs), device, {"scangrad", "a derivative rule read a value, which there is none of yet"},
                       f);
}

Traced trace_program(std::span<const Tensor> inputs, const TensorFunction& f) {
  const TransformScope scope;
  Tensors placeholders;
  for (const Tensor& x : inputs) placeholders.push_back(scope.placeholder(x));
  return traced(placeholders, f(placeholders), scope);
}

namespace {

/// The trace of a program on placeholders for its inputs.
Trace trace_of(const Program& program, std::span<const Tensor> inputs) {
  const TransformScope scope;
  Tensors placeholders;
  for (const Tensor& x : inputs) placeholders.push_back(scope.placeholder(x));
  return Trace(placeholders, replay(program, std::span<const Tensor>(placeholders)), scope.bit());
}

}  // namespace

Forward push_forward(const Program& program, std::span<const Tensor> inputs, std::span<const MaybeTensor> tangents) {
  return push_forward(trace_of(program, inputs), tangents, true);
}

MaybeTensors pull_back(const Program& program, std::span<const Tensor> inputs, std::span<const MaybeTensor> cotangents) {
  return pull_back(trace_of(program, inputs), cotangents);
}

Tensor zeros_of(const core::Spec& spec) { return zeros(spec.shape, {.dtype = spec.dtype}); }

Tensors with_unread_zeros(const Program& program, Tensors inputs, std::size_t first) {
  const std::vector<bool> read = program.inputs_read(std::vector<bool>(program.outputs().size(), true));
  for (std::size_t i = first; i < inputs.size(); ++i)
    if (!read[i]) inputs[i] = zeros_of(core::node_of(inputs[i]).value.spec);
  return inputs;
}

Tensors present(std::span<const MaybeTensor> derivatives) {
  Tensors result;
  for (const MaybeTensor& x : derivatives)
    if (x) result.push_back(*x);
  return result;
}

}  // namespace scangrad::inline v0::autodiff
