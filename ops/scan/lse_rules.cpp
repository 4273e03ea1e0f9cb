// The derivatives of logcumsumexp close over one linear operator, the running weighted mean
//
//   (M t)_k = sum_{i in S_k} w_ki t_i,   w_ki = exp(x_i - y_k)
//
// and its adjoint M^H. With S the shift by one in scan order, r and c the weights that element k leaves to the prefix before it and
// takes itself, and D = L (I - S M), what an element adds over the mean before it (L zeroes the elements at -inf):
//
//   of        jvp in x, direction a      vjp in x, cotangent q
//   y         M a                        M^H q
//   M t       M (r Da Dt)                D^H (r Dt M^H q)
//   M^H g     D^H (r Da M^H g)           D^H (r Dq M^H g)
//   c, -r     r c Da                     D^H (r c q)
//
// M, M^H are those of the scan, inclusive or exclusive; D, r, c are always those of the inclusive one. No line takes a logarithm,
// divides, or subtracts exponentials, so the second derivatives keep all digits where one element holds all the weight.

#include <limits>

#include "ops/scan/scan.h"
#include "ops/shape.h"

namespace scangrad::inline v0::ops {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

Tensor mean(const Tensor& x, const Tensor& t, ScanOrder order) {
  return apply(make_primitive<LseMean>(order), core::node_of(x).value.spec, {x, t});
}
Tensor mean_adjoint(const Tensor& x, const Tensor& g, ScanOrder order) {
  return apply(make_primitive<LseMeanAdjoint>(order), core::node_of(x).value.spec, {x, g});
}
Tensor kept_weight(const Tensor& x, ScanOrder order) {
  return apply(make_primitive<LseWeight>(order, true), core::node_of(x).value.spec, {x});
}
Tensor own_weight(const Tensor& x, ScanOrder order) {
  return apply(make_primitive<LseWeight>(order, false), core::node_of(x).value.spec, {x});
}

/// x as an exclusive scan uses it: without its last element, to which r, c and D, of the inclusive scan, would otherwise give a place.
Tensor used(const Tensor& x, ScanOrder order) {
  const std::int64_t n = shape_of(x)[static_cast<std::size_t>(order.axis)];
  if (!order.exclusive || n == 0) return x;
  Shape one = shape_of(x);
  one[static_cast<std::size_t>(order.axis)] = 1;
  const Tensor none = broadcast_to(in_dtype(-infinity, dtype_of_tensor(x)), one);
  const Tensor rest = slice_range(x, {order.axis, order.reverse ? 1 : 0, 1, n - 1});
  return order.reverse ? concatenate({none, rest}, {.axis = order.axis}) : concatenate({rest, none}, {.axis = order.axis});
}

/// r v, where r is exactly 0 for a prefix that is empty, all -inf, or finite before a +inf.
Tensor kept_times(const Tensor& x, const Tensor& v, ScanOrder order) {
  const Tensor before = logcumsumexp(x, {.axis = order.axis, .reverse = order.reverse, .exclusive = true});
  const Tensor none = logical_or(before == -infinity, logical_and(x == infinity, before < infinity));
  return weighted(kept_weight(x, order), v, logical_not(none));
}

/// c v, where c is exactly 0 for an element at -inf, or finite beside a +inf.
Tensor own_times(const Tensor& x, const Tensor& v, ScanOrder order) {
  const Tensor y = logcumsumexp(x, order.inclusive().options());
  const Tensor none = logical_or(x == -infinity, logical_and(y == infinity, x < infinity));
  return weighted(own_weight(x, order), v, logical_not(none));
}

/// L v
Tensor zero_at_minus_infinity(const Tensor& x, const Tensor& v) { return where(x == -infinity, 0, v); }
/// D t
Tensor added(const Tensor& x, const Tensor& t, ScanOrder order) {
  return zero_at_minus_infinity(x, t - shift(mean(x, t, order.inclusive()), order));
}
/// D^H u
Tensor added_adjoint(const Tensor& x, const Tensor& u, ScanOrder order) {
  const Tensor v = zero_at_minus_infinity(x, u);
  return v - mean_adjoint(x, unshift(v, order), order.inclusive());
}

}  // namespace

MaybeTensors LogCumSumExp::jvp(Ins ins, Outs, Tangents t) const { return {mean(ins[0], *t[0], order)}; }
MaybeTensors LogCumSumExp::vjp(Ins ins, Outs, Tangents g, WantedMask) const { return {mean_adjoint(ins[0], *g[0], order)}; }

MaybeTensors LseMean::jvp(Ins ins, Outs, Tangents t) const {
  const Tensor x = used(ins[0], order);
  const Tensor& v = ins[1];
  return {sum_of(
      map(t[0], [&](const Tensor& a) { return mean(x, kept_times(x, added(x, a, order) * added(x, v, order), order), order); }),
      map(t[1], [&](const Tensor& dv) { return mean(x, dv, order); }))};
}

MaybeTensors LseMean::vjp(Ins ins, Outs, Tangents g, WantedMask wanted) const {
  const Tensor x = used(ins[0], order);
  const Tensor& v = ins[1];
  const Tensor back = mean_adjoint(x, *g[0], order);
  MaybeTensors result(2);
  if (wanted[0]) result[0] = added_adjoint(x, kept_times(x, added(x, v, order) * back, order), order);
  if (wanted[1]) result[1] = back;
  return result;
}

MaybeTensors LseMeanAdjoint::jvp(Ins ins, Outs outs, Tangents t) const {
  const Tensor x = used(ins[0], order);
  return {sum_of(
      map(t[0], [&](const Tensor& a) { return added_adjoint(x, kept_times(x, added(x, a, order) * outs[0], order), order); }),
      map(t[1], [&](const Tensor& dg) { return mean_adjoint(x, dg, order); }))};
}

MaybeTensors LseMeanAdjoint::vjp(Ins ins, Outs outs, Tangents g, WantedMask wanted) const {
  const Tensor x = used(ins[0], order);
  const Tensor& q = *g[0];
  MaybeTensors result(2);
  if (wanted[0]) result[0] = added_adjoint(x, kept_times(x, added(x, q, order) * outs[0], order), order);
  if (wanted[1]) result[1] = mean(x, q, order);
  return result;
}

MaybeTensors LseWeight::jvp(Ins ins, Outs, Tangents t) const {
  const Tensor& x = ins[0];
  const Tensor dc = kept_times(x, own_times(x, added(x, *t[0], order), order), order);
  return {kept ? -dc : dc};
}

MaybeTensors LseWeight::vjp(Ins ins, Outs, Tangents g, WantedMask) const {
  const Tensor& x = ins[0];
  const Tensor gc = added_adjoint(x, kept_times(x, own_times(x, *g[0], order), order), order);
  return {kept ? -gc : gc};
}

}  // namespace scangrad::inline v0::ops
