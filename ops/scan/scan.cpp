// The public scans and the rules of all but logcumsumexp (lse_rules.cpp).

#include "ops/scan/scan.h"

#include "ops/gather.h"
#include "ops/shape.h"

namespace scangrad::inline v0 {
namespace ops {
namespace {

/// Moves the elements by one place towards the end of the axis (or its beginning), zero in.
Tensor moved(const Tensor& x, int axis, bool to_end) {
  const std::int64_t n = shape_of(x)[static_cast<std::size_t>(axis)];
  if (n == 0) return x;
  return Embed::embed(slice_range(x, {axis, to_end ? 0 : 1, 1, n - 1}), {axis, to_end ? 1 : 0, 1, n - 1}, n);
}

/// The first element in scan order, without the axis; zeros of an empty one.
Tensor first(const Tensor& x, ScanOrder order) {
  const std::int64_t n = shape_of(x)[static_cast<std::size_t>(order.axis)];
  return sum(slice_range(x, {order.axis, order.reverse && n > 0 ? n - 1 : 0, 1, n > 0 ? 1 : 0}), {.axis = order.axis});
}

Tensor recurrence(const Tensor& a, const Tensor& b, const MaybeTensor& initial, ScanOrder order) {
  const PrimitiveRef primitive = make_primitive<LinearRecurrence>(order);
  const Spec& spec = core::node_of(b).value.spec;
  return initial ? apply(primitive, spec, {a, b, *initial}) : apply(primitive, spec, {a, b});
}

/// What the scan uses of x: an exclusive one leaves out the last element, which must not get in as 0 times inf or NaN either.
Tensor used(const Tensor& x, ScanOrder order) { return order.exclusive ? unshift(shift(x, order), order) : x; }

/// The recurrence that runs back over a recurrence with factors a: D_k = g_k + a_{k+1} D_{k+1}, g being what reached y.
Tensor run_back(const Tensor& a, const Tensor& g, ScanOrder order) {
  return recurrence(unshift(used(a, order), order), order.exclusive ? unshift(g, order) : g, std::nullopt,
                    order.inclusive().flipped());
}

Tensor extreme_index(const Tensor& x, const CumExtreme& scan) {
  return apply(make_primitive<CumExtreme>(scan.order, scan.largest, true), {shape_of(x), DType::int64}, {x});
}

}  // namespace

Tensor shift(const Tensor& x, ScanOrder order) { return moved(x, order.axis, !order.reverse); }
Tensor unshift(const Tensor& x, ScanOrder order) { return moved(x, order.axis, order.reverse); }

MaybeTensors CumSum::jvp(Ins, Outs, Tangents t) const { return {cumsum(*t[0], order.options())}; }
MaybeTensors CumSum::vjp(Ins, Outs, Tangents g, WantedMask) const { return {cumsum(*g[0], order.flipped().options())}; }

// dy_k = x_k dy_{k-1} + p_k dx_k, with p the exclusive products
MaybeTensors CumProd::jvp(Ins ins, Outs, Tangents t) const {
  const Tensor before = cumprod(ins[0], {.axis = order.axis, .reverse = order.reverse, .exclusive = true});
  return {recurrence(ins[0], before * *t[0], std::nullopt, order)};
}

// R_k = g_k + x_{k+1} R_{k+1}, gx_k = p_k R_k
MaybeTensors CumProd::vjp(Ins ins, Outs, Tangents g, WantedMask) const {
  const Tensor before = cumprod(ins[0], {.axis = order.axis, .reverse = order.reverse, .exclusive = true});
  return {conjugate(used(before, order)) * run_back(conjugate(ins[0]), *g[0], order)};
}

MaybeTensors CumExtreme::jvp(Ins ins, Outs, Tangents t) const {
  if (index) return {std::nullopt};
  return {gather_along(*t[0], extreme_index(ins[0], *this), order.axis, true)};
}
MaybeTensors CumExtreme::vjp(Ins ins, Outs, Tangents g, WantedMask) const {
  return {scatter_along(*g[0], extreme_index(ins[0], *this), order.axis, true,
                        shape_of(ins[0])[static_cast<std::size_t>(order.axis)])};
}

namespace {
/// h_{k-1}
Tensor previous(Ins ins, ScanOrder order) {
  order.exclusive = true;
  return recurrence(ins[0], ins[1], ins.size() == 3 ? MaybeTensor(ins[2]) : std::nullopt, order);
}
}  // namespace

// dh_k = a_k dh_{k-1} + (da_k h_{k-1} + db_k)
MaybeTensors LinearRecurrence::jvp(Ins ins, Outs outs, Tangents t) const {
  const MaybeTensor from_a = map(t[0], [&](const Tensor& da) { return da * previous(ins, order); });
  const Tensor source = dense(sum_of(from_a, t[1]), outs[0]);
  return {recurrence(ins[0], source, ins.size() == 3 ? t[2] : std::nullopt, order)};
}

// D_k = g_k + a_{k+1} D_{k+1};  gb = D, ga_k = D_k h_{k-1}, ginitial = a_1 D_1 (and g_1, which an exclusive scan takes from it)
MaybeTensors LinearRecurrence::vjp(Ins ins, Outs, Tangents g, WantedMask wanted) const {
  const Tensor a = conjugate(ins[0]);
  const Tensor D = run_back(a, *g[0], order);
  MaybeTensors result(ins.size());
  if (wanted[0]) result[0] = D * conjugate(used(previous(ins, order), order));
  if (wanted[1]) result[1] = D;
  if (ins.size() == 3 && wanted[2]) {
    const Tensor through_first = first(used(a, order), order) * first(D, order);
    result[2] = order.exclusive ? through_first + first(*g[0], order) : through_first;
  }
  return result;
}

}  // namespace ops

using namespace ops;

namespace {

template <class List, class Make>
Tensor scan(std::string_view name, const Operand& x, const ScanOptions& options, DType (*to)(DType), List, const Make& make) {
  const CallScope scope(name, x.site());
  Tensor tensor = as_tensor(x);
  tensor = in_dtype(tensor, to(dtype_of_tensor(tensor)));
  check_dtype(List{}, dtype_of_tensor(tensor));
  const ScanOrder order{core::single_axis(options.axis, shape_of(tensor)), options.reverse, options.exclusive};
  return apply(make(order), core::node_of(tensor).value.spec, {tensor});
}

Tensor recurrence_of(const Operand& a, const Operand& b, const Operand* initial, const ScanOptions& options) {
  const CallScope scope("linear_recurrence", a.site());
  DType dtype = number_dtype(common_dtype(a, b));
  if (initial != nullptr) dtype = common_dtype(zeros({}, {.dtype = dtype}), *initial);
  check_dtype(core::Numbers{}, dtype);
  Tensor factors = in_dtype(a, dtype), terms = in_dtype(b, dtype);
  const Shape shape = broadcast_shapes(shape_of(factors), shape_of(terms));
  const ScanOrder order{core::single_axis(options.axis, shape), options.reverse, options.exclusive};
  MaybeTensor start;
  if (initial != nullptr) {
    start = in_dtype(*initial, dtype);
    std::vector<std::int64_t> rest(shape.begin(), shape.end());
    rest.erase(rest.begin() + order.axis);
    check(broadcasts_to(shape_of(*start), Shape(rest)),
          "the initial value has shape {}, but a scan of {} along axis {} needs {}", shape_of(*start), shape, order.axis,
          Shape(rest));
    start = broadcast_to(*start, Shape(rest));
  }
  return recurrence(broadcast_to(factors, shape), broadcast_to(terms, shape), start, order);
}

}  // namespace

Tensor cumsum(const Operand& x, const ScanOptions& options) {
  return scan("cumsum", x, options, number_dtype, core::Numbers{}, [](ScanOrder o) { return make_primitive<CumSum>(o); });
}
Tensor cumprod(const Operand& x, const ScanOptions& options) {
  return scan("cumprod", x, options, number_dtype, core::Numbers{}, [](ScanOrder o) { return make_primitive<CumProd>(o); });
}
Tensor cummax(const Operand& x, const ScanOptions& options) {
  return scan("cummax", x, options, number_dtype, core::Reals{},
              [](ScanOrder o) { return make_primitive<CumExtreme>(o, true, false); });
}
Tensor cummin(const Operand& x, const ScanOptions& options) {
  return scan("cummin", x, options, number_dtype, core::Reals{},
              [](ScanOrder o) { return make_primitive<CumExtreme>(o, false, false); });
}
Tensor logcumsumexp(const Operand& x, const ScanOptions& options) {
  return scan("logcumsumexp", x, options, float_dtype, core::Floats{},
              [](ScanOrder o) { return make_primitive<LogCumSumExp>(o); });
}

Tensor linear_recurrence(const Operand& a, const Operand& b, const ScanOptions& options) {
  return recurrence_of(a, b, nullptr, options);
}
Tensor linear_recurrence(const Operand& a, const Operand& b, const Operand& initial, const ScanOptions& options) {
  return recurrence_of(a, b, &initial, options);
}

}  // namespace scangrad::inline v0
