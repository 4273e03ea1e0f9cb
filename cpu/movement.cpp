// Kernels that copy elements: row-major copies, concatenation, and the adjoint of a slice.

#include <algorithm>

#include "cpu/backend.h"
#include "ops/shape.h"

namespace scangrad::inline v0::cpu {
namespace {

/// Copies an array of any layout to the elements of `to` that `strides` and `offset` reach.
void copy(const Context& context, const Array& from, const Array& to, const Strides& strides, std::int64_t offset) {
  if (from.size() == 0) return;
  const auto lanes = Lanes<2>::elementwise(from.shape(), {from.strides, strides});
  visit_checked(core::Every{}, from.dtype(), [&]<class T>() {
    const T* source = from.data<T>();
    T* target = to.data<T>() + offset;
    for_each_lane(context, lanes, [&](const auto& at) {
      const T* in = source + at[0];
      T* out = target + at[1];
      if (lanes.step[0] == 1 && lanes.step[1] == 1) std::copy_n(in, lanes.length, out);
      else
        for (std::int64_t i = 0; i < lanes.length; ++i) out[i * lanes.step[1]] = in[i * lanes.step[0]];
    });
  });
}

void contiguous(const Context& context, const Primitive&, Inputs ins, Outputs outs) {
  context.allocate(outs[0]);
  copy(context, *ins[0], outs[0], outs[0].strides, 0);
}

void concatenate(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  const auto axis = static_cast<std::size_t>(static_cast<const ops::Concatenate&>(primitive).axis);
  Array& out = outs[0];
  context.allocate(out);
  std::int64_t begin = 0;
  for (const Array* in : ins) {
    copy(context, *in, out, out.strides, begin * out.strides[axis]);
    begin += in->shape()[axis];
  }
}

void embed(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  const ops::Range& range = static_cast<const ops::Embed&>(primitive).range;
  const auto axis = static_cast<std::size_t>(range.axis);
  Array& out = outs[0];
  context.allocate(out);
  std::fill_n(out.storage->data, out.storage->bytes, std::byte{0});
  Strides strides = out.strides;
  if (range.size > 1) strides[axis] *= range.step;
  copy(context, *ins[0], out, strides, range.begin * out.strides[axis]);
}

}  // namespace

void register_movement() {
  core::add_kernel<core::Contiguous>(DeviceType::cpu, contiguous);
  core::add_kernel<ops::Concatenate>(DeviceType::cpu, concatenate);
  core::add_kernel<ops::Embed>(DeviceType::cpu, embed);
}

}  // namespace scangrad::inline v0::cpu
