#pragma once
// The two walks over a Trace: tangents forwards, cotangents backwards. They know Primitive's interface, and of the operations only
// the sum of two cotangents.

#include "core/trace.h"

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

}  // namespace scangrad::inline v0::autodiff
