// The rules of the scans that start from a carry.

#include "ops/scan/carried.h"
#include "core/planted.h"

#include "ops/shape.h"

namespace scangrad::inline v0::ops {
namespace {

std::int64_t length_of(const Tensor& x, ScanOrder order) { return shape_of(x)[static_cast<std::size_t>(order.axis)]; }

/// Parts that stand for a derivative: itself, and zeros.
std::vector<Tensor> linear_parts(const MaybeTensor& derivative, Ins parts) {
  std::vector<Tensor> result = {SCANGRAD_PLANT(carried_stale_tangent, dense(derivative, parts[0]), zeros_like(parts[0]))};
  for (std::size_t i = 1; i < parts.size(); ++i) result.push_back(zeros_like(parts[i]));
  return result;
}

/// x with an axis of size 1 at the scan's.
Tensor with_axis(const Tensor& x, ScanOrder order) {
  Dims shape(shape_of(x).size() + 1, 1);
  for (std::size_t i = 0, next = 0; i < shape.size(); ++i)
    if (static_cast<int>(i) != order.axis) shape[i] = shape_of(x)[next++];
  return reshape(x, shape);
}

/// a_{k+1}, and 1 after the last.
Tensor next_factors(const Tensor& a, ScanOrder order) {
  Shape one = shape_of(a);
  std::int64_t& n = one[static_cast<std::size_t>(order.axis)];
  if (n == 0) return a;
  const Tensor rest = slice_range(a, {order.axis, order.reverse ? 0 : 1, 1, n - 1});
  n = 1;
  const Tensor last = ones(one, {.dtype = dtype_of_tensor(a)});
  return order.reverse ? concatenate({last, rest}, {.axis = order.axis}) : concatenate({rest, last}, {.axis = order.axis});
}

/// In scan order: x_0, x_1, ..
Tensor in_front(const Tensor& head, const Tensor& x, ScanOrder order) {
  const Tensor front = with_axis(head, order);
  return order.reverse ? concatenate({x, front}, {.axis = order.axis}) : concatenate({front, x}, {.axis = order.axis});
}

/// Elements begin .. begin + size - 1 in scan order.
Tensor part(const Tensor& x, std::int64_t begin, std::int64_t size, ScanOrder order) {
  return slice_range(x, {order.axis, order.reverse ? length_of(x, order) - begin - size : begin, 1, size});
}

}  // namespace

std::vector<Tensor> apply_carried(const PrimitiveRef& scan, std::vector<Tensor> elements, std::span<const Tensor> parts) {
  std::vector<Spec> specs = {core::node_of(elements[0]).value.spec};
  for (const Tensor& x : parts) specs.push_back(core::node_of(x).value.spec);
  elements.insert(elements.end(), parts.begin(), parts.end());
  return core::apply_multi(scan, std::move(specs), core::FixedList<Tensor, 2>(std::span<const Tensor>(elements)));
}

// dy is the sum of the tangents, from that of the carry; back, g is summed from the cotangent of the carry.
MaybeTensors CarriedSum::jvp(Ins ins, Outs, Tangents t) const {
  const auto outs = apply_carried(make_primitive<CarriedSum>(order), {dense(t[0], ins[0])}, linear_parts(t[1], ins.subspan(1)));
  MaybeTensors result(ins.size());
  result[0] = outs[0], result[1] = outs[1];
  return result;
}
MaybeTensors CarriedSum::vjp(Ins ins, Outs, Tangents g, WantedMask) const {
  const auto outs = apply_carried(make_primitive<CarriedSum>(SCANGRAD_PLANT(carried_sum_not_flipped, order.flipped(), order)),
                                  {dense(g[0], ins[0])}, linear_parts(g[1], ins.subspan(1)));
  MaybeTensors result(ins.size());
  result[0] = outs[0], result[1] = outs[1];
  return result;
}

Decomposed CarriedProduct::decompose(Ins ins) const {
  return apply_carried(make_primitive<CarriedRecurrence>(order), {ins[0], zeros_like(ins[0])}, ins.subspan(1));
}

// dh_k = a_k dh_{k-1} + (da_k h_{k-1} + db_k)
MaybeTensors CarriedRecurrence::jvp(Ins ins, Outs, Tangents t) const {
  const MaybeTensor from_a = map(t[0], [&](const Tensor& da) {
    return da * apply_carried(make_primitive<CarriedRecurrence>(exclusive(order)), {ins[0], ins[1]}, ins.subspan(2))[0];
  });
  const Tensor source = dense(sum_of(from_a, t[1]), ins[1]);
  const auto outs =
      apply_carried(make_primitive<CarriedRecurrence>(order), {ins[0], source}, linear_parts(t[2], ins.subspan(2)));
  MaybeTensors result(ins.size() - 1);
  result[0] = outs[0], result[1] = outs[1];
  return result;
}

// D_k = g_k + a_{k+1} D_{k+1} from D_n = g_n + gcarry; gb = D, ga_k = D_k h_{k-1}, ginitial = a_1 D_1. Exclusive: g_{k+1} for g_k,
// ginitial = a_1 D_1 + g_1. The last element of an exclusive scan is used by its carry alone.
MaybeTensors CarriedRecurrence::vjp(Ins ins, Outs, Tangents g, WantedMask wanted) const {
  MaybeTensors result(ins.size());
  const auto used = [&](const Tensor& x) { return order.exclusive && !g[1] ? unshift(shift(x, order), order) : x; };
  const Tensor a = used(conjugate(ins[0])), reached = dense(g[0], ins[1]);
  const auto back = apply_carried(make_primitive<CarriedRecurrence>(order.inclusive().flipped()),
                                  {next_factors(a, order), order.exclusive ? unshift(reached, order) : reached},
                                  linear_parts(g[1], ins.subspan(2)));
  const Tensor& D = back[0];
  if (wanted[0]) {
    const Tensor before =
        apply_carried(make_primitive<CarriedRecurrence>(exclusive(order)), {ins[0], ins[1]}, ins.subspan(2))[0];
    result[0] = D * SCANGRAD_PLANT(carried_dropped_conj, conjugate(used(before)), used(before));
  }
  result[1] = D;
  if (!wanted[2]) return result;
  if (length_of(a, order) == 0) {
    result[2] = g[1];
    return result;
  }
  const DType dtype = dtype_of_tensor(ins[2]);
  const Tensor through_first = in_dtype(first(a, order), dtype) * back[1];
  result[2] = order.exclusive ? through_first + in_dtype(first(reached, order), dtype) : through_first;
  return result;
}

Decomposed CarriedLogSumExp::decompose(Ins ins) const {
  const DType dtype = dtype_of_tensor(ins[1]);
  const Tensor x = in_front(ins[1], in_dtype(ins[0], dtype), order);
  const Tensor y = apply(make_primitive<LogCumSumExp>(order.inclusive()), core::node_of(x).value.spec, {x, ins[2]});
  const std::int64_t n = length_of(ins[0], order);
  const Tensor seen = part(y, SCANGRAD_PLANT(carried_log_off_by_one, order.exclusive ? 0 : 1, 1), n, order);
  std::vector<Tensor> outs = {in_dtype(seen, dtype_of_tensor(ins[0])), reshape(part(y, n, 1, order), shape_of(ins[1]))};
  for (std::size_t i = 2; i < ins.size(); ++i) outs.push_back(stop_gradient(ins[i]));
  return outs;
}

}  // namespace scangrad::inline v0::ops
