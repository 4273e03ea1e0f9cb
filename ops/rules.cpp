#include "ops/rules.h"

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
  return reshape(axes.empty() ? g : sum(g, {.axis = axes}), shape);
}

Tensor conjugate(const Tensor& x) {
  return is_complex(dtype_of_tensor(x)) ? apply(shared_primitive<Conj>(), core::node_of(x).value.spec, {x}) : x;
}

Tensor weighted(const Tensor& p, const Tensor& t, const Tensor& mask) { return where(mask, where(isfinite(t), p * t, t), 0); }

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
  const Tensor g = conjugate(*cotangents[0]);
  for (std::size_t i = 0; i < ins.size(); ++i)
    if (wanted[i]) result[i] = unbroadcast(conjugate(times_partial(i, ins, outs[0], g)), shape_of(ins[i]));
  return result;
}

}  // namespace scangrad::inline v0::ops
