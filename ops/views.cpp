// The kernels of the view primitives: they make a layout over the input's storage. A reshape that no layout can express copies.

#include "core/lanes.h"
#include "ops/elementwise.h"
#include "ops/shape.h"

namespace scangrad::inline v0::ops {
namespace {

using core::Array;
using core::Context;
using core::Inputs;
using core::Outputs;

/// The strides under which `in` has `shape`, if there are any: groups of axes with the same product on both sides must each be
/// one run in the input.
std::optional<Strides> reshaped_strides(const Array& in, const Shape& shape) {
  if (in.dense || in.size() == 0) return core::dense_strides(shape);
  Strides strides(shape.size(), 0);
  std::size_t i = in.shape().size(), o = shape.size();
  while (i > 0 || o > 0) {
    while (i > 0 && in.shape()[i - 1] == 1) --i;
    if (i == 0) break;  // the rest of the output has size 1
    std::int64_t step = in.strides[i - 1], run = in.shape()[i - 1], filled = 1;
    --i;
    while (filled < run) {
      if (o == 0) return std::nullopt;
      strides[--o] = step * filled;
      filled *= shape[o];
      while (filled > run) {
        while (i > 0 && in.shape()[i - 1] == 1) --i;
        if (i == 0 || in.strides[i - 1] != step * run) return std::nullopt;
        run *= in.shape()[--i];
      }
    }
  }
  return strides;
}

void run_reshape(const Context& context, const Primitive&, Inputs ins, Outputs outs) {
  if (auto strides = reshaped_strides(*ins[0], outs[0].shape())) {
    outs[0].view(*ins[0], *std::move(strides), ins[0]->offset);
    return;
  }
  Array copy;
  const Array& dense = core::row_major(context, *ins[0], copy);
  outs[0].view(dense, core::dense_strides(outs[0].shape()), dense.offset);
}

void run_transpose(const Context&, const Primitive& primitive, Inputs ins, Outputs outs) {
  const Dims& axes = static_cast<const Transpose&>(primitive).axes;
  Strides strides(axes.size(), 0);
  for (std::size_t i = 0; i < axes.size(); ++i) strides[i] = ins[0]->strides[static_cast<std::size_t>(axes[i])];
  outs[0].view(*ins[0], std::move(strides), ins[0]->offset);
}

void run_broadcast_to(const Context&, const Primitive&, Inputs ins, Outputs outs) {
  outs[0].view(*ins[0], core::broadcast_strides(*ins[0], outs[0].shape()), ins[0]->offset);
}

void run_flip(const Context&, const Primitive& primitive, Inputs ins, Outputs outs) {
  Strides strides = ins[0]->strides;
  std::int64_t offset = ins[0]->offset;
  for (std::int64_t axis : static_cast<const Flip&>(primitive).axes) {
    const auto a = static_cast<std::size_t>(axis);
    if (outs[0].size() > 0) offset += (ins[0]->shape()[a] - 1) * strides[a];
    strides[a] = -strides[a];
  }
  outs[0].view(*ins[0], std::move(strides), offset);
}

void run_slice(const Context&, const Primitive& primitive, Inputs ins, Outputs outs) {
  const Range& range = static_cast<const Slice&>(primitive).range;
  Strides strides = ins[0]->strides;
  std::int64_t& stride = strides[static_cast<std::size_t>(range.axis)];
  const std::int64_t offset = ins[0]->offset + (outs[0].size() > 0 ? range.begin * stride : 0);
  if (range.size > 1) stride *= range.step;
  outs[0].view(*ins[0], std::move(strides), offset);
}

}  // namespace

void add_view_kernels(DeviceType device) {
  core::add_kernel<Reshape>(device, run_reshape);
  core::add_kernel<Transpose>(device, run_transpose);
  core::add_kernel<BroadcastTo>(device, run_broadcast_to);
  core::add_kernel<Flip>(device, run_flip);
  core::add_kernel<Slice>(device, run_slice);
  core::add_kernel<StopGradient>(device, core::share_value);
}

}  // namespace scangrad::inline v0::ops
