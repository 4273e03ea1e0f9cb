#pragma once
// The walks over a Trace: tangents forwards, cotangents backwards, a batch forwards. They know Primitive's interface, and of the operations only
// the sum of two cotangents.

#include "core/program.h"

namespace scangrad::inline v0::autodiff {

using core::MaybeTensor;
using core::MaybeTensors;
using core::Trace;

/// Values and tangents of the trace's outputs. Values differ from the trace's own outputs only where a fused rule computed both.
struct Forward {
  std::vector<Tensor> values;
  MaybeTensors tangents;
};
Forward push_forward(const Trace& trace, std::span<const MaybeTensor> tangents, bool may_fuse);

/// Cotangents of the trace's placeholders.
MaybeTensors pull_back(const Trace& trace, std::span<const MaybeTensor> cotangents);

/// A value for each example of a batch, along axis 0; or, where it is not mapped, one for all of them.
struct Batched {
  Tensor value;
  bool mapped;
};
/// The program's outputs for these inputs, as new graph: where an input is mapped, by the primitives' vmap rules.
std::vector<Batched> replay(const core::Program& program, std::span<const Batched> inputs);
/// The same without a batch.
std::vector<Tensor> replay(const core::Program& program, std::span<const Tensor> inputs);
std::vector<core::Spec> specs_of(std::span<const Tensor> tensors);
/// A primitive on inputs, as one node or, for several outputs, a tuple.
std::vector<Tensor> apply(const core::PrimitiveRef& primitive, std::vector<core::Spec> outs, core::FixedList<Tensor, 2> ins);

/// d output i / d placeholder j, of shape (shape of i, shape of j), at i * placeholders + j: columns by jvp or rows by vjp, a chunk
/// of them at a time, as a batch.
std::vector<Tensor> jacobian_by_column(const Trace& trace, std::int64_t chunk_size);
std::vector<Tensor> jacobian_by_row(const Trace& trace, std::int64_t chunk_size);

/// The derivatives themselves, zeros like the primal where one is a symbolic zero.
std::vector<Tensor> with_zeros(std::span<const MaybeTensor> derivatives, std::span<const Tensor> primals);

/// Where no transform is live any more, what one returns is computed.
void evaluate_if_outermost(std::span<const Tensor> results);

}  // namespace scangrad::inline v0::autodiff
