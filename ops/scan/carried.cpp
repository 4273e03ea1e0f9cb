// The rules of the scans that start from a carry.

#include "ops/scan/carried.h"

#include <limits>

#include "core/planted.h"
#include "ops/shape.h"

namespace scangrad::inline v0::ops {
namespace {

std::int64_t length_of(const Tensor& x, ScanOrder order) { return shape_of(x)[static_cast<std::size_t>(order.axis)]; }

/// Parts that stand for a derivative: itself, and zeros. None for a symbolic zero.
std::vector<Tensor> linear_parts(const MaybeTensor& derivative, std::size_t width) {
  if (!derivative) return {};
  std::vector<Tensor> result(width, zeros_like(*derivative));
  result[0] = SCANGRAD_PLANT(carried_stale_tangent, *derivative, result[0]);
  return result;
}
/// The derivative of the i-th of some inputs, of which there may be fewer.
MaybeTensor derivative_at(Tangents t, std::size_t i) { return i < t.size() ? t[i] : std::nullopt; }

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

std::vector<Tensor> apply_carried(const PrimitiveRef& scan, std::vector<Tensor> elements, Ins parts, std::size_t width) {
  const DType carried = carry_dtype(dtype_of_tensor(elements[0]));
  return apply_carried(scan, std::move(elements), parts, width, carried);
}
std::vector<Tensor> apply_carried(const PrimitiveRef& scan, std::vector<Tensor> elements, Ins parts, std::size_t width,
                                  DType carried) {
  const Spec& spec = core::node_of(elements[0]).value.spec;
  std::vector<std::int64_t> shape(spec.shape.begin(), spec.shape.end());
  shape.erase(shape.begin() + static_cast<const ScanPrimitive&>(*scan).order.axis);
  std::vector<Spec> specs(1 + width, {Shape(shape), carried});
  specs[0] = spec;
  elements.insert(elements.end(), parts.begin(), parts.end());
  return core::apply_multi(scan, std::move(specs), core::FixedList<Tensor, 2>(std::span<const Tensor>(elements)));
}

Tensor no_extreme(const Tensor& x, ScanOrder order, bool largest) {
  Shape one = shape_of(x);
  one[static_cast<std::size_t>(order.axis)] = 1;
  const Spec spec{one, dtype_of_tensor(x)};
  return first(apply(make_primitive<CumExtreme>(exclusive(order), largest, false), spec, {zeros(one, {.dtype = spec.dtype})}),
               order);
}

// dy is the sum of the tangents, from that of the carry; back, g is summed from the cotangent of the carry.
MaybeTensors CarriedSum::jvp(Ins ins, Outs outs, Tangents t) const {
  const std::size_t width = outs.size() - 1;
  const auto tangents =
      apply_carried(make_primitive<CarriedSum>(order), {dense(t[0], ins[0])}, linear_parts(derivative_at(t, 1), width), width);
  MaybeTensors result(outs.size());
  result[0] = tangents[0], result[1] = tangents[1];
  return result;
}
MaybeTensors CarriedSum::vjp(Ins ins, Outs outs, Tangents g, WantedMask) const {
  const std::size_t width = outs.size() - 1;
  const auto back = apply_carried(make_primitive<CarriedSum>(SCANGRAD_PLANT(carried_sum_not_flipped, order.flipped(), order)),
                                  {dense(g[0], ins[0])}, linear_parts(g[1], width), width);
  MaybeTensors result(ins.size());
  result[0] = back[0];
  if (ins.size() > 1) result[1] = back[1];
  return result;
}

// ---- cumprod and the linear recurrence: dh_k = a_k dh_{k-1} + (da_k h_{k-1} + db_k), with a = x, b = 0 for products ----------------

namespace {

Tensor composed(const Tensor& x) { return in_dtype(x, composed_dtype(dtype_of_tensor(x))); }

/// h_{k-1}
template <class P>
Tensor previous(Ins elements, Ins parts, ScanOrder order) {
  std::vector<Tensor> all;
  for (const Tensor& x : elements) all.push_back(composed(x));
  return apply_carried(make_primitive<P>(exclusive(order)), all, parts, carry_width(dtype_of_tensor(all[0])))[0];
}

MaybeTensors linear_tangents(const Tensor& a, const Tensor& source, const MaybeTensor& initial, ScanOrder order,
                             std::size_t width) {
  const auto tangents =
      apply_carried(make_primitive<CarriedRecurrence>(order), {composed(a), source}, linear_parts(initial, width), width);
  MaybeTensors result(1 + width);
  result[0] = in_dtype(tangents[0], dtype_of_tensor(a)), result[1] = tangents[1];
  return result;
}

/// D_k = g_k + a_{k+1} D_{k+1} from D_n = g_n + gcarry, and what passes the first element: a_1 D_1. Exclusive: g_{k+1} for g_k, which
/// leaves out the last element, and g_1 goes to the initial value itself.
struct WayBack {
  Tensor D, before_first;
};
Tensor used(const Tensor& x, ScanOrder order) { return order.exclusive ? unshift(shift(x, order), order) : x; }
WayBack way_back(const Tensor& factors, const CarriedCotangents& of) {
  const ScanOrder order = of.order;
  const Tensor a = used(conjugate(composed(factors)), order), g = composed(of.reached);
  const std::size_t width = carry_width(dtype_of_tensor(a));
  const auto back =
      apply_carried(make_primitive<CarriedRecurrence>(order.inclusive().flipped()),
                    {next_factors(a, order), order.exclusive ? unshift(g, order) : g}, linear_parts(of.end, width), width);
  if (of.parts.empty()) return {back[0], {}};
  if (length_of(a, order) == 0) return {back[0], back[1]};
  const DType dtype = dtype_of_tensor(of.parts[0]);
  const Tensor through_first = in_dtype(first(a, order), dtype) * back[1];
  return {back[0], order.exclusive ? through_first + in_dtype(first(of.reached, order), dtype) : through_first};
}

/// The rule of a scan that P::cotangents knows.
template <class P>
MaybeTensors carried_vjp(Ins ins, Outs outs, Tangents g, ScanOrder order, LogScanRule rule = LogScanRule::weights) {
  CarriedCotangents of{ins.first(P::elements), ins.subspan(P::elements), dense(g[0], outs[0]), g[1], order, rule};
  MaybeTensor direct;
  if (order.exclusive && of.end) {
    direct = in_dtype(first(of.reached, order), dtype_of_tensor(*of.end));
    of.reached = unshift(of.reached, order);
    of.order = order.inclusive();
  }
  const bool starts = !of.parts.empty();
  std::vector<Tensor> cotangents;
  if (is_floating(dtype_of_tensor(ins[0])) && rule == LogScanRule::weights) {
    std::vector<Tensor> all(ins.begin(), ins.end());
    all.push_back(of.reached);
    if (of.end) all.push_back(*of.end);
    std::vector<Spec> specs;
    for (std::size_t i = 0; i < P::elements + (starts ? 1 : 0); ++i) specs.push_back(core::node_of(ins[i]).value.spec);
    cotangents = core::apply_multi(make_primitive<CarriedVjp<P>>(of.order, starts, of.end.has_value()), std::move(specs),
                                   core::FixedList<Tensor, 2>(std::span<const Tensor>(all)));
  } else {
    cotangents = P::cotangents(of);
  }
  MaybeTensors result(ins.size());
  for (std::size_t i = 0; i < P::elements; ++i) result[i] = cotangents[i];
  if (starts) result[P::elements] = sum_of(cotangents[P::elements], direct);
  return result;
}

}  // namespace

MaybeTensors CarriedProduct::jvp(Ins ins, Outs outs, Tangents t) const {
  const Tensor source =
      t[0] ? composed(*t[0]) * previous<CarriedProduct>(ins.first(1), ins.subspan(1), order) : composed(zeros_like(ins[0]));
  return linear_tangents(ins[0], source, derivative_at(t, 1), order, outs.size() - 1);
}
std::vector<Tensor> CarriedProduct::cotangents(const CarriedCotangents& of) {
  const WayBack back = way_back(of.elements[0], of);
  const Tensor before = used(previous<CarriedProduct>(of.elements, of.parts, of.order), of.order);
  std::vector<Tensor> result = {in_dtype(back.D * conjugate(before), dtype_of_tensor(of.elements[0]))};
  if (!of.parts.empty()) result.push_back(back.before_first);
  return result;
}
MaybeTensors CarriedProduct::vjp(Ins ins, Outs outs, Tangents g, WantedMask) const {
  return carried_vjp<CarriedProduct>(ins, outs, g, order);
}

MaybeTensors CarriedRecurrence::jvp(Ins ins, Outs outs, Tangents t) const {
  const MaybeTensor from_a = map(
      t[0], [&](const Tensor& da) { return composed(da) * previous<CarriedRecurrence>(ins.first(2), ins.subspan(2), order); });
  const Tensor source = dense(sum_of(from_a, map(t[1], composed)), composed(ins[1]));
  return linear_tangents(ins[0], source, derivative_at(t, 2), order, outs.size() - 1);
}
// gb = D, ga_k = D_k h_{k-1}
std::vector<Tensor> CarriedRecurrence::cotangents(const CarriedCotangents& of) {
  const WayBack back = way_back(of.elements[0], of);
  const Tensor before = used(previous<CarriedRecurrence>(of.elements, of.parts, of.order), of.order);
  const DType dtype = dtype_of_tensor(of.elements[0]);
  std::vector<Tensor> result = {in_dtype(back.D * SCANGRAD_PLANT(carried_dropped_conj, conjugate(before), before), dtype),
                                in_dtype(back.D, dtype)};
  if (!of.parts.empty()) result.push_back(back.before_first);
  return result;
}
MaybeTensors CarriedRecurrence::vjp(Ins ins, Outs outs, Tangents g, WantedMask) const {
  return carried_vjp<CarriedRecurrence>(ins, outs, g, order);
}

// ---- the scans of which what is carried is an element in front ----------------------------------------------------------------

namespace {

/// A scan of x with one element more: m in front. In dtype `wide`.
class InFront {
 public:
  InFront(const Tensor& x, const Tensor& m, ScanOrder order, DType wide)
      : order_(order), n_(length_of(x, order)), dtype_(wide) {
    x_ = in_front(m, in_dtype(x, wide), order);
  }

  /// A tangent of x, and of m.
  Tensor tangent(const Tensor& t, const MaybeTensor& of_m) const {
    const Tensor wide = in_dtype(t, dtype_);
    return in_front(of_m ? *of_m : zeros_like(first(x_, order_)), wide, order_);
  }
  /// What reached the outputs, and the last one.
  Tensor cotangent(const Tensor& g, const MaybeTensor& of_last) const {
    const Tensor reached = placed(g, seen_at(), n_);
    return of_last ? reached + placed(with_axis(*of_last, order_), n_, 1) : reached;
  }
  const Tensor& x() const { return x_; }

  Tensor seen(const Tensor& all) const { return part(all, seen_at(), n_, order_); }
  Tensor last(const Tensor& all) const { return first(part(all, n_, 1, order_), order_); }
  Tensor of_x(const Tensor& all) const { return part(all, 1, n_, order_); }
  Tensor of_m(const Tensor& all) const { return first(all, order_); }

 private:
  std::int64_t seen_at() const { return SCANGRAD_PLANT(carried_log_off_by_one, order_.exclusive ? 0 : 1, 1); }
  /// v as elements begin .. begin + size - 1, in scan order, of zeros.
  Tensor placed(const Tensor& v, std::int64_t begin, std::int64_t size) const {
    const std::int64_t at = order_.reverse ? n_ + 1 - begin - size : begin;
    return Embed::embed(in_dtype(v, dtype_), {order_.axis, at, 1, size}, n_ + 1);
  }

  ScanOrder order_;
  std::int64_t n_;
  DType dtype_;
  Tensor x_;
};

}  // namespace

// ---- cummax, cummin ---------------------------------------------------------------------------------------------------------

namespace {

/// In the carry's dtype; of floating elements, which alone have derivatives.
template <bool largest>
InFront extreme_in_front(const Tensor& x, Ins parts, ScanOrder order) {
  const DType wide = carry_dtype(dtype_of_tensor(x));
  return {x, parts.empty() ? in_dtype(no_extreme(x, order, largest), wide) : parts[0], order, wide};
}

}  // namespace

template <bool largest>
MaybeTensors CarriedExtreme<largest>::jvp(Ins ins, Outs outs, Tangents t) const {
  const ScanOrder o = this->order;
  const InFront scan = extreme_in_front<largest>(ins[0], ins.subspan(1), o);
  const Tensor along = scan.tangent(dense(t[0], ins[0]), derivative_at(t, 1));
  const Tensor all = *pair_of(make_primitive<CumExtremeJvp>(o.inclusive(), largest), scan.x(), along).tangents[0];
  MaybeTensors result(outs.size());
  result[0] = in_dtype(scan.seen(all), dtype_of_tensor(ins[0])), result[1] = scan.last(all);
  return result;
}
template <bool largest>
std::vector<Tensor> CarriedExtreme<largest>::cotangents(const CarriedCotangents& of) {
  const InFront scan = extreme_in_front<largest>(of.elements[0], of.parts, of.order);
  const Tensor all = apply(make_primitive<CumExtremeVjp>(of.order.inclusive(), largest), core::node_of(scan.x()).value.spec,
                           {scan.x(), scan.cotangent(of.reached, of.end)});
  std::vector<Tensor> result = {in_dtype(scan.of_x(all), dtype_of_tensor(of.elements[0]))};
  if (!of.parts.empty()) result.push_back(scan.of_m(all));
  return result;
}
template <bool largest>
MaybeTensors CarriedExtreme<largest>::vjp(Ins ins, Outs outs, Tangents g, WantedMask) const {
  return carried_vjp<CarriedExtreme>(ins, outs, g, this->order);
}
template struct CarriedExtreme<true>;
template struct CarriedExtreme<false>;

// ---- logcumsumexp -----------------------------------------------------------------------------------------------------------

namespace {

/// In the carry's dtype; m counts s times. Without a carry there is -inf in front.
InFront log_sum_in_front(const Tensor& x, Ins parts, ScanOrder order) {
  const DType wide = carry_dtype(dtype_of_tensor(x));
  if (!parts.empty()) return {x, parts[0], order, wide};
  std::vector<std::int64_t> rest(shape_of(x).begin(), shape_of(x).end());
  rest.erase(rest.begin() + order.axis);
  return {x, broadcast_to(in_dtype(-std::numeric_limits<double>::infinity(), wide), Shape(rest)), order, wide};
}
template <class P>
Tensor applied(const InFront& scan, const Tensor& v, Ins parts, ScanOrder order, LogScanRule rule) {
  core::FixedList<Tensor, 2> ins(parts.empty() ? 2 : 3);
  ins[0] = scan.x(), ins[1] = v;
  if (!parts.empty()) ins[2] = parts[1];
  return apply(make_primitive<P>(order.inclusive(), rule), core::node_of(v).value.spec, std::move(ins));
}

}  // namespace

namespace {
/// Inputs and outputs are those of CarriedMean.
std::vector<Tensor> mean_in_front(Ins ins, ScanOrder order, LogScanRule rule) {
  const Ins parts = ins.size() > 2 ? ins.subspan(2, ins.size() - 3) : Ins();
  const InFront scan = log_sum_in_front(ins[0], parts, order);
  const Tensor t = scan.tangent(ins[1], parts.empty() ? MaybeTensor() : ins.back());
  const Tensor all = applied<LseMean>(scan, t, parts, order, rule);
  return {in_dtype(scan.seen(all), dtype_of_tensor(ins[0])), scan.last(all)};
}
}  // namespace

Decomposed CarriedMean::decompose(Ins ins) const { return mean_in_front(ins, order, LogScanRule::weights); }

MaybeTensors CarriedLogSumExp::jvp(Ins ins, Outs outs, Tangents t) const {
  std::vector<Tensor> all = {ins[0], dense(t[0], ins[0])};
  all.insert(all.end(), ins.begin() + 1, ins.end());
  if (ins.size() > 1) all.push_back(dense(t[1], ins[1]));
  const bool fused = is_floating(dtype_of_tensor(ins[0])) && rule == LogScanRule::weights;
  const std::vector<Tensor> tangents =
      fused ? core::apply_multi(make_primitive<CarriedMean>(order),
                                {core::node_of(outs[0]).value.spec, core::node_of(outs[1]).value.spec},
                                core::FixedList<Tensor, 2>(std::span<const Tensor>(all)))
            : mean_in_front(all, order, rule);
  MaybeTensors result(outs.size());
  result[0] = tangents[0], result[1] = tangents[1];
  return result;
}
std::vector<Tensor> CarriedLogSumExp::cotangents(const CarriedCotangents& of) {
  const Tensor& x = of.elements[0];
  const InFront scan = log_sum_in_front(x, of.parts, of.order);
  const Tensor all = applied<LseMeanAdjoint>(scan, scan.cotangent(of.reached, of.end), of.parts, of.order, of.rule);
  std::vector<Tensor> result = {in_dtype(scan.of_x(all), dtype_of_tensor(x))};
  if (!of.parts.empty()) result.push_back(scan.of_m(all));
  return result;
}
MaybeTensors CarriedLogSumExp::vjp(Ins ins, Outs outs, Tangents g, WantedMask) const {
  return carried_vjp<CarriedLogSumExp>(ins, outs, g, order, rule);
}

}  // namespace scangrad::inline v0::ops
