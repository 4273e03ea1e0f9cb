#include "ops/rules.h"
#include "core/planted.h"

#include "ops/elementwise.h"

namespace scangrad::inline v0::ops {

MaybeTensor sum_of(MaybeTensor a, MaybeTensor b) {
  if (!a) return b;
  if (!b) return a;
  return add(*a, *b);
}

Tensor unbroadcast(const Tensor& g, const Shape& shape) {
  const Shape& from = shape_of(g);
  if (from == shape) return g;
  const std::size_t lead = from.size() - shape.size();
  std::vector<int> axes;
  for (std::size_t i = 0; i < from.size(); ++i)
    if (i < lead || shape[i - lead] != from[i]) axes.push_back(static_cast<int>(i));
  return reshape(axes.empty() ? g : SCANGRAD_PLANT(unbroadcast_mean, sum(g, {.axis = axes}), mean(g, {.axis = axes})), shape);
}

Tensor conjugate(const Tensor& x) {
  return is_complex(dtype_of_tensor(x)) ? apply(shared_primitive<Conj>(), core::node_of(x).value.spec, {x}) : x;
}

Tensor weighted(const Tensor& p, const Tensor& t, const Tensor& mask) {
  Shape shape = broadcast_shapes(broadcast_shapes(shape_of(p), shape_of(t)), shape_of(mask));
  return apply(shared_primitive<Weighted>(), {std::move(shape), dtype_of_tensor(p)}, {p, t, mask});
}

std::int64_t batch_size(Ins ins, MappedMask mapped) {
  std::size_t i = 0;
  while (!mapped[i]) ++i;
  return shape_of(ins[i])[0];
}

Shape batch_shape(std::int64_t size, const Shape& shape) {
  Shape result(shape.size() + 1, size);
  std::copy(shape.begin(), shape.end(), result.begin() + 1);
  return result;
}

Tensor aligned(const Tensor& x, std::size_t rank) {
  const Shape& from = shape_of(x);
  Shape shape(rank + 1, 1);
  shape[0] = from[0];
  std::copy(from.begin() + 1, from.end(),
            SCANGRAD_PLANT(aligned_behind_batch, shape.end() - (from.end() - from.begin() - 1), shape.begin() + 1));
  return reshape(x, shape);
}

Tensor batched(const Tensor& x, bool mapped, std::int64_t size) {
  return mapped ? x : broadcast_to(x, batch_shape(size, shape_of(x)));
}

BatchResult apply_batched(const PrimitiveRef& primitive, core::FixedList<Tensor, 2> ins, Specs outs, std::int64_t size) {
  std::vector<Spec> specs;
  for (const Spec& out : outs) {
    specs.push_back({batch_shape(size, out.shape), out.dtype});
    core::checked_size(specs.back().shape, item_size(out.dtype));
  }
  std::vector<bool> mapped(outs.size(), true);
  if (outs.size() != 1) return {core::apply_multi(primitive, std::move(specs), std::move(ins)), std::move(mapped)};
  return {{apply(primitive, std::move(specs[0]), std::move(ins))}, std::move(mapped)};
}

// What is mapped and has fewer axes than the result gets axes of size 1 behind the batch axis; what is not broadcasts by itself.
BatchResult vmap_elements(const Primitive& primitive, Ins ins, MappedMask mapped, Specs outs) {
  core::FixedList<Tensor, 2> all(ins);
  for (std::size_t i = 0; i < ins.size(); ++i)
    if (mapped[i]) all[i] = aligned(ins[i], outs[0].shape.size());
  return apply_batched(PrimitiveRef(&primitive), std::move(all), outs, batch_size(ins, mapped));
}

BatchResult vmap_along_axes(const PrimitiveRef& behind_batch, Ins ins, MappedMask mapped, Specs outs) {
  const std::int64_t size = batch_size(ins, mapped);
  core::FixedList<Tensor, 2> all(ins.size());
  for (std::size_t i = 0; i < ins.size(); ++i) all[i] = batched(ins[i], mapped[i], size);
  return apply_batched(behind_batch, std::move(all), outs, size);
}

Dims behind_batch(Dims axes) {
  for (std::int64_t& axis : axes) ++axis;
  return axes;
}

MaybeTensors Elementwise::jvp(Ins ins, Outs outs, Tangents tangents) const {
  MaybeTensor total;
  for (std::size_t i = 0; i < ins.size(); ++i)
    if (tangents[i]) total = sum_of(std::move(total), times_partial(i, ins, outs[0], *tangents[i]));
  if (total && shape_of(*total) != shape_of(outs[0])) total = broadcast_to(*total, shape_of(outs[0]));
  return {total};
}

// conj(f') g = conj(f' conj(g))
MaybeTensors Elementwise::vjp(Ins ins, Outs outs, Tangents cotangents, WantedMask wanted) const {
  MaybeTensors result(ins.size());
  const Tensor g = SCANGRAD_PLANT(elementwise_dropped_conj, conjugate(*cotangents[0]), *cotangents[0]);
  for (std::size_t i = 0; i < ins.size(); ++i)
    if (wanted[i]) result[i] = unbroadcast(conjugate(times_partial(i, ins, outs[0], g)), shape_of(ins[i]));
  return result;
}

}  // namespace scangrad::inline v0::ops
