#pragma once
// The primitives that move elements without computing. Most are views: their kernel makes a layout, and is the same on every device.

#include "core/kernel_table.h"
#include "core/planted.h"
#include "ops/rules.h"

namespace scangrad::inline v0::ops {

struct Reshape final : Linear {
  explicit Reshape(Shape to) : shape(std::move(to)) {}
  std::string_view name() const override { return "reshape"; }
  BatchResult vmap(Ins ins, MappedMask mapped, Specs outs) const override;
  Tensor forward(const Tensor& t, Ins) const override { return reshape(t, shape); }
  Tensor adjoint(const Tensor& g, Ins ins) const override { return reshape(g, ins[0].shape()); }
  Shape shape;
};

struct Transpose final : AlongAxes<Linear> {
  explicit Transpose(Dims order) : axes(std::move(order)) {}
  std::string_view name() const override { return "transpose"; }
  PrimitiveRef behind_batch() const override;
  Tensor forward(const Tensor& t, Ins) const override;
  Tensor adjoint(const Tensor& g, Ins) const override;
  Dims axes;  ///< axis i of the result is axis axes[i] of the input
};

struct BroadcastTo final : Linear {
  explicit BroadcastTo(Shape to) : shape(std::move(to)) {}
  std::string_view name() const override { return "broadcast_to"; }
  BatchResult vmap(Ins ins, MappedMask mapped, Specs outs) const override;
  Tensor forward(const Tensor& t, Ins) const override { return broadcast_to(t, shape); }
  Tensor adjoint(const Tensor& g, Ins ins) const override { return unbroadcast(g, ins[0].shape()); }
  Shape shape;
};

struct Flip final : AlongAxes<Linear> {
  explicit Flip(Dims which) : axes(std::move(which)) {}
  std::string_view name() const override { return "flip"; }
  PrimitiveRef behind_batch() const override { return make_primitive<Flip>(ops::behind_batch(axes)); }
  Tensor forward(const Tensor& t, Ins) const override { return apply(PrimitiveRef(this), {t.shape(), t.dtype()}, {t}); }
  Tensor adjoint(const Tensor& g, Ins ins) const override { return SCANGRAD_PLANT(flip_not_flipped_back, forward(g, ins), g); }
  Dims axes;
};

/// Elements begin, begin + step, ... of one axis, `size` of them.
struct Range {
  int axis;
  std::int64_t begin, step, size;
  Range behind_batch() const { return {axis + 1, begin, step, size}; }
};

struct Slice final : AlongAxes<Linear> {
  explicit Slice(Range r) : range(r) {}
  std::string_view name() const override { return "slice"; }
  PrimitiveRef behind_batch() const override { return make_primitive<Slice>(range.behind_batch()); }
  Tensor forward(const Tensor& t, Ins) const override;
  Tensor adjoint(const Tensor& g, Ins ins) const override;
  Range range;
};

/// The adjoint of Slice: zeros, with the input at the places of the range.
struct Embed final : AlongAxes<Linear> {
  Embed(Range r, std::int64_t axis_size) : range(r), size(axis_size) {}
  std::string_view name() const override { return "embed"; }
  PrimitiveRef behind_batch() const override { return make_primitive<Embed>(range.behind_batch(), size); }
  Tensor forward(const Tensor& t, Ins) const override { return embed(t, range, size); }
  Tensor adjoint(const Tensor& g, Ins) const override;
  static Tensor embed(const Tensor& x, Range range, std::int64_t size);
  Range range;
  std::int64_t size;
};

struct Concatenate final : AlongAxes<Primitive> {
  explicit Concatenate(int along) : axis(along) {}
  std::string_view name() const override { return "concatenate"; }
  PrimitiveRef behind_batch() const override { return make_primitive<Concatenate>(axis + 1); }
  MaybeTensors jvp(Ins ins, Outs outs, Tangents tangents) const override;
  MaybeTensors vjp(Ins ins, Outs outs, Tangents cotangents, WantedMask wanted) const override;
  int axis;
};

/// Elements [begin, begin + size) of an axis, without checks of the user's.
Tensor slice_range(const Tensor& x, Range range);

/// The diagonals of the last two axes: (..., m, n) to (..., min(m, n)).
Tensor diagonals(const Tensor& x);

/// The kernels of the views, for a backend's registration.
void add_view_kernels(DeviceType device);

}  // namespace scangrad::inline v0::ops
