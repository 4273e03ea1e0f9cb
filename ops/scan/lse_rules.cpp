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
//
// Of complex x, products of means in place of D and r, which would divide by prefixes that nearly cancel:
//
//   M t       M (a t) - Ma Mt                  conj(t) M^H q - M^H (conj(Mt) q)
//   M^H g     conj(a) M^H g - M^H (conj(Ma) g) conj(q) M^H g - M^H (conj(Mq) g)

#include <limits>

#include "core/planted.h"
#include "ops/scan/fused.h"
#include "ops/shape.h"

namespace scangrad::inline v0::ops {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

Tensor is_minus_infinity(const Tensor& x) { return real(x) == -infinity; }

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

/// P on x, the arguments and the head.
template <class P, class... Attributes>
Tensor apply_to(std::initializer_list<Tensor> arguments, Ins head, Attributes... attributes) {
  core::FixedList<Tensor, 2> ins(arguments.size() + head.size());
  std::copy(head.begin(), head.end(), std::copy(arguments.begin(), arguments.end(), ins.begin()));
  return apply(make_primitive<P>(attributes...), core::node_of(*arguments.begin()).value.spec, std::move(ins));
}
Tensor mean_of(const Tensor& x, const Tensor& t, Ins head, ScanOrder order, LogScanRule rule) {
  return apply_to<LseMean>({x, t}, head, order, rule);
}
Tensor mean_adjoint_of(const Tensor& x, const Tensor& g, Ins head, ScanOrder order, LogScanRule rule) {
  return apply_to<LseMeanAdjoint>({x, g}, head, order, rule);
}

/// The linear operators of one scan of x, whose lanes' first elements count `head` times (or once).
class Operators {
 public:
  Operators(const Tensor& at, Ins head_or_none, ScanOrder scan_order, LogScanRule log_rule = LogScanRule::weights)
      : x(SCANGRAD_PLANT(log_exclusive_uses_last, used(at, scan_order), at)),
        head(head_or_none),
        order(scan_order),
        rule(log_rule),
        of_complex(is_complex(dtype_of_tensor(at))) {}

  /// M t
  Tensor mean(const Tensor& t) const { return mean(t, order); }
  /// M^H g
  Tensor mean_adjoint(const Tensor& g) const { return mean_adjoint(g, order); }

  /// The derivative of M t in x, in direction a.
  Tensor mean_tangent(const Tensor& t, const Tensor& a) const {
    if (of_complex) return mean(a * t) - mean(a) * mean(t);
    return mean(kept_times(added(a) * added(t)));
  }
  /// Its adjoint for the cotangent q, where back = M^H q; and so the derivative of M^H q in x, for the cotangent t or in direction t.
  Tensor mean_cotangent(const Tensor& t, const Tensor& q, const Tensor& back) const {
    if (of_complex)
      return conjugate_times(t, back) - mean_adjoint(SCANGRAD_PLANT(log_complex_dropped_conj, conj(mean(t)), mean(t)) * q);
    return added_adjoint(kept_times(added(t) * back));
  }
  /// r c D t, and its adjoint D^H (r c q)
  Tensor weight_tangent(const Tensor& t) const { return kept_times(own_times(added(t))); }
  Tensor weight_cotangent(const Tensor& q) const { return added_adjoint(kept_times(own_times(q))); }

 private:
  Tensor mean(const Tensor& t, ScanOrder o) const { return mean_of(x, t, head, o, rule); }
  Tensor mean_adjoint(const Tensor& g, ScanOrder o) const { return mean_adjoint_of(x, g, head, o, rule); }

  /// D t
  Tensor added(const Tensor& t) const { return where(is_minus_infinity(x), 0, t - shift(mean(t, order.inclusive()), order)); }
  /// D^H u
  Tensor added_adjoint(const Tensor& u) const {
    const Tensor v = where(is_minus_infinity(x), 0, u);
    return v - mean_adjoint(unshift(v, order), SCANGRAD_PLANT(log_added_exclusive, order.inclusive(), order));
  }
  /// r v, where r is exactly 0 for a prefix that is empty, all -inf, or finite before a +inf.
  Tensor kept_times(const Tensor& v) const {
    const Tensor before = logcumsumexp(x, exclusive(order).options());
    const Tensor none = logical_or(before == -infinity, logical_and(x == infinity, before < infinity));
    return weighted(apply_to<LseWeight>({x}, head, order, true), v, logical_not(none));
  }
  /// c v, where c is exactly 0 for an element at -inf, or finite beside a +inf.
  Tensor own_times(const Tensor& v) const {
    return weighted(apply_to<LseWeight>({x}, head, order, false), v, logical_not(weightless()));
  }
  /// conj(v) b for b = M^H .., exactly 0, whatever v, at elements without weight.
  Tensor conjugate_times(const Tensor& v, const Tensor& b) const { return where(weightless(), 0, conj(v) * b); }
  /// Elements at -inf, and finite ones behind or at a +inf.
  Tensor weightless() const {
    const Tensor y = logcumsumexp(x, order.inclusive().options());
    return logical_or(is_minus_infinity(x), logical_and(real(y) == infinity, real(x) < infinity));
  }

  Tensor x;
  Ins head;
  ScanOrder order;
  LogScanRule rule;
  bool of_complex;
};

}  // namespace

// The last input of each, where there is one more than named here, is the head; no derivative passes through it.

MaybeTensors LogCumSumExp::jvp(Ins ins, Outs, Tangents t) const {
  return {map(t[0], [&](const Tensor& a) { return mean_of(ins[0], a, ins.subspan(1), order, rule); })};
}
MaybeTensors LogCumSumExp::vjp(Ins ins, Outs, Tangents g, WantedMask) const {
  MaybeTensors result(ins.size());
  result[0] = mean_adjoint_of(ins[0], *g[0], ins.subspan(1), order, rule);
  return result;
}
std::optional<core::OutsAndTangents> LogCumSumExp::jvp_fused(Ins ins, Tangents t) const {
  if (ins.size() > 1 || rule == LogScanRule::split) return std::nullopt;
  return pair_of(make_primitive<LogCumSumExpJvp>(order), ins[0], *t[0]);
}
Decomposed LogCumSumExpJvp::decompose(Ins ins) const {
  return {{logcumsumexp(ins[0], order.options()), mean_of(ins[0], ins[1], {}, order, LogScanRule::weights)}};
}

MaybeTensors LseMean::jvp(Ins ins, Outs, Tangents t) const {
  const Operators of_x(ins[0], ins.subspan(2), order, rule);
  return {sum_of(map(t[0], [&](const Tensor& a) { return of_x.mean_tangent(ins[1], a); }),
                 map(t[1], [&](const Tensor& dv) { return of_x.mean(dv); }))};
}
MaybeTensors LseMean::vjp(Ins ins, Outs, Tangents g, WantedMask wanted) const {
  const Operators of_x(ins[0], ins.subspan(2), order, rule);
  const Tensor back = of_x.mean_adjoint(*g[0]);
  MaybeTensors result(ins.size());
  if (wanted[0]) result[0] = of_x.mean_cotangent(ins[1], *g[0], back);
  if (wanted[1]) result[1] = back;
  return result;
}

MaybeTensors LseMeanAdjoint::jvp(Ins ins, Outs outs, Tangents t) const {
  const Operators of_x(ins[0], ins.subspan(2), order, rule);
  return {sum_of(map(t[0], [&](const Tensor& a) { return of_x.mean_cotangent(a, ins[1], outs[0]); }),
                 map(t[1], [&](const Tensor& dg) { return of_x.mean_adjoint(dg); }))};
}
MaybeTensors LseMeanAdjoint::vjp(Ins ins, Outs outs, Tangents g, WantedMask wanted) const {
  const Operators of_x(ins[0], ins.subspan(2), order, rule);
  MaybeTensors result(ins.size());
  if (wanted[0]) result[0] = of_x.mean_cotangent(*g[0], ins[1], outs[0]);
  if (wanted[1]) result[1] = of_x.mean(*g[0]);
  return result;
}

MaybeTensors LseWeight::jvp(Ins ins, Outs, Tangents t) const {
  return {map(t[0], [&](const Tensor& a) {
    const Tensor dc = Operators(ins[0], ins.subspan(1), order).weight_tangent(a);
    return kept ? SCANGRAD_PLANT(log_kept_sign, -dc, dc) : dc;
  })};
}
MaybeTensors LseWeight::vjp(Ins ins, Outs, Tangents g, WantedMask) const {
  const Tensor gc = Operators(ins[0], ins.subspan(1), order).weight_cotangent(*g[0]);
  MaybeTensors result(ins.size());
  result[0] = kept ? -gc : gc;
  return result;
}

}  // namespace scangrad::inline v0::ops
