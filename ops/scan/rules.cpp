// The rules of all scans but logcumsumexp (lse_rules.cpp). What the fused primitives compute in one pass or two, `decompose` says in
// plain ones: that is where their own derivatives come from.

#include "core/planted.h"
#include "ops/gather.h"
#include "ops/scan/fused.h"
#include "ops/shape.h"

namespace scangrad::inline v0::ops {
namespace {

/// Moves the elements by one place towards the end of the axis (or its beginning), zero in.
Tensor moved(const Tensor& x, int axis, bool to_end) {
  const std::int64_t n = shape_of(x)[static_cast<std::size_t>(axis)];
  if (n == 0) return x;
  return Embed::embed(slice_range(x, {axis, to_end ? 0 : 1, 1, n - 1}), {axis, to_end ? 1 : 0, 1, n - 1}, n);
}

/// What the scan uses of x: an exclusive one leaves out the last element, which must not get in as 0 times inf or NaN either.
Tensor used(const Tensor& x, ScanOrder order) {
  return SCANGRAD_PLANT(exclusive_uses_last, order.exclusive ? unshift(shift(x, order), order) : x, x);
}

/// The recurrence that runs back over a recurrence with factors a: D_k = g_k + a_{k+1} D_{k+1}, g being what reached y.
Tensor run_back(const Tensor& a, const Tensor& g, ScanOrder order) {
  return recurrence(unshift(used(a, order), order),
                    SCANGRAD_PLANT(run_back_exclusive_off_by_one, order.exclusive ? unshift(g, order) : g, g), std::nullopt,
                    order.inclusive().flipped());
}

Tensor extreme_index(const Tensor& x, ScanOrder order, bool largest) {
  return apply(make_primitive<CumExtreme>(order, largest, true), {shape_of(x), DType::int64}, {x});
}

}  // namespace

Tensor shift(const Tensor& x, ScanOrder order) {
  return moved(x, order.axis, SCANGRAD_PLANT(shift_wrong_way, !order.reverse, order.reverse));
}
Tensor unshift(const Tensor& x, ScanOrder order) { return moved(x, order.axis, order.reverse); }

Tensor first(const Tensor& x, ScanOrder order) {
  const std::int64_t n = shape_of(x)[static_cast<std::size_t>(order.axis)];
  return sum(slice_range(x, {order.axis, order.reverse && n > 0 ? n - 1 : 0, 1, n > 0 ? 1 : 0}), {.axis = order.axis});
}

Tensor recurrence(const Tensor& a, const Tensor& b, const MaybeTensor& initial, ScanOrder order) {
  const PrimitiveRef primitive = make_primitive<LinearRecurrence>(order);
  const Spec& spec = core::node_of(b).value.spec;
  return initial ? apply(primitive, spec, {a, b, *initial}) : apply(primitive, spec, {a, b});
}

namespace {
/// f on inputs in the dtype that compositions have.
template <class F>
std::vector<Tensor> rounded_once(Ins ins, const F& f) {
  const DType dtype = dtype_of_tensor(ins[0]);
  if (composed_dtype(dtype) == dtype) return f(ins);
  std::vector<Tensor> wide;
  for (const Tensor& in : ins) wide.push_back(in_dtype(in, composed_dtype(dtype)));
  std::vector<Tensor> outs = f(Ins(wide));
  for (Tensor& out : outs) out = in_dtype(out, dtype);
  return outs;
}
}  // namespace

// ---- cumsum -----------------------------------------------------------------------------------------------------------------
// Value and tangent share nothing that one pass could save: there is no fused form.

MaybeTensors CumSum::jvp(Ins, Outs, Tangents t) const { return {cumsum(*t[0], order.options())}; }
MaybeTensors CumSum::vjp(Ins, Outs, Tangents g, WantedMask) const { return {cumsum(*g[0], order.flipped().options())}; }

// ---- cumprod: dy_k = x_k dy_{k-1} + p_k dx_k; R_k = g_k + x_{k+1} R_{k+1}, gx_k = p_k R_k, with p the exclusive products --------

MaybeTensors CumProd::jvp(Ins ins, Outs, Tangents t) const {
  const Tensor both[] = {ins[0], *t[0]};
  return {rounded_once(both, [&](Ins in) -> std::vector<Tensor> {
    return {recurrence(in[0], cumprod(in[0], exclusive(order).options()) * in[1], std::nullopt, order)};
  })[0]};
}
MaybeTensors CumProd::vjp(Ins ins, Outs, Tangents g, WantedMask) const {
  return {apply(make_primitive<CumProdVjp>(order), core::node_of(ins[0]).value.spec, {ins[0], *g[0]})};
}
std::optional<core::OutsAndTangents> CumProd::jvp_fused(Ins ins, Tangents t) const {
  return pair_of(make_primitive<CumProdJvp>(order), ins[0], *t[0]);
}

Decomposed CumProdJvp::decompose(Ins ins) const {
  return rounded_once(ins, [&](Ins in) -> std::vector<Tensor> {
    const Tensor before = cumprod(in[0], exclusive(order).options());
    return {cumprod(in[0], order.options()), recurrence(in[0], before * in[1], std::nullopt, order)};
  });
}
Decomposed CumProdVjp::decompose(Ins ins) const {
  return rounded_once(ins, [&](Ins in) -> std::vector<Tensor> {
    const Tensor before = cumprod(in[0], exclusive(order).options());
    return {conjugate(used(before, order)) *
            run_back(SCANGRAD_PLANT(cumprod_factors_dropped_conj, conjugate(in[0]), in[0]), in[1], order)};
  });
}

// ---- cummax, cummin ---------------------------------------------------------------------------------------------------------

MaybeTensors CumExtreme::jvp(Ins ins, Outs, Tangents t) const {
  if (index) return {std::nullopt};
  return {gather_along(*t[0], extreme_index(ins[0], order, largest), order.axis, true)};
}
MaybeTensors CumExtreme::vjp(Ins ins, Outs, Tangents g, WantedMask) const {
  if (index) return {std::nullopt};
  return {apply(make_primitive<CumExtremeVjp>(order, largest), core::node_of(ins[0]).value.spec, {ins[0], *g[0]})};
}
std::optional<core::OutsAndTangents> CumExtreme::jvp_fused(Ins ins, Tangents t) const {
  if (index) return std::nullopt;
  return pair_of(make_primitive<CumExtremeJvp>(order, largest), ins[0], *t[0]);
}

Decomposed CumExtremeJvp::decompose(Ins ins) const {
  const Tensor y = apply(make_primitive<CumExtreme>(order, largest, false), core::node_of(ins[0]).value.spec, {ins[0]});
  return {{y, gather_along(ins[1], extreme_index(ins[0], order, largest), order.axis, true)}};
}
Decomposed CumExtremeVjp::decompose(Ins ins) const {
  return {{scatter_along(ins[1], extreme_index(ins[0], order, largest), order.axis, true,
                         shape_of(ins[0])[static_cast<std::size_t>(order.axis)])}};
}

// ---- linear recurrence: dh_k = a_k dh_{k-1} + (da_k h_{k-1} + db_k);  D_k = g_k + a_{k+1} D_{k+1}, gb = D, ga_k = D_k h_{k-1},
//      ginitial = a_1 D_1, and g_1, which an exclusive scan takes from it -----------------------------------------------------------

namespace {
/// h_{k-1}
Tensor previous(Ins ins, ScanOrder order) {
  return recurrence(ins[0], ins[1], ins.size() == 3 ? MaybeTensor(ins[2]) : std::nullopt,
                    SCANGRAD_PLANT(recurrence_previous_off_by_one, exclusive(order), order));
}
std::vector<Spec> specs_of(Ins ins) {
  std::vector<Spec> specs;
  for (const Tensor& in : ins) specs.push_back(core::node_of(in).value.spec);
  return specs;
}
}  // namespace

MaybeTensors LinearRecurrence::jvp(Ins ins, Outs outs, Tangents t) const {
  const std::size_t n = ins.size();
  if (!t[0]) return {recurrence(ins[0], dense(t[1], outs[0]), n == 3 ? t[2] : std::nullopt, order)};
  std::vector<Tensor> all(ins.begin(), ins.end());
  all.push_back(*t[0]);
  for (std::size_t i = 1; i < n; ++i)
    if (t[i]) all.push_back(*t[i]);
  return {rounded_once(all, [&](Ins in) -> std::vector<Tensor> {
    const Tensor from_a = in[n] * previous(in.first(n), order);
    const Tensor source = t[1] ? from_a + in[n + 1] : from_a;
    return {recurrence(in[0], source, n == 3 && t[2] ? MaybeTensor(in.back()) : std::nullopt, order)};
  })[0]};
}

MaybeTensors LinearRecurrence::vjp(Ins ins, Outs, Tangents g, WantedMask wanted) const {
  MaybeTensors result(ins.size());
  if (!wanted[0] && ins.size() == 2) {
    if (wanted[1]) result[1] = run_back(SCANGRAD_PLANT(recurrence_adjoint_of_b_alone, conjugate(ins[0]), ins[0]), *g[0], order);
    return result;
  }
  core::FixedList<Tensor, 2> all(ins.size() + 1);
  std::copy(ins.begin(), ins.end(), all.begin());
  all[ins.size()] = *g[0];
  const std::vector<Tensor> gradients =
      core::apply_multi(make_primitive<LinearRecurrenceVjp>(order), specs_of(ins), std::move(all));
  for (std::size_t i = 0; i < ins.size(); ++i)
    if (wanted[i]) result[i] = gradients[i];
  return result;
}

// Without a tangent of a, the tangent is one recurrence: nothing to fuse (and no 0 da to meet an infinite h).
std::optional<core::OutsAndTangents> LinearRecurrence::jvp_fused(Ins ins, Tangents t) const {
  if (!t[0]) return std::nullopt;
  core::FixedList<Tensor, 2> all(2 * ins.size());
  for (std::size_t i = 0; i < ins.size(); ++i) {
    all[i] = ins[i];
    all[ins.size() + i] = dense(t[i], ins[i]);
  }
  const Spec& spec = core::node_of(ins[1]).value.spec;
  auto outs = core::apply_multi(make_primitive<LinearRecurrenceJvp>(order), {spec, spec}, std::move(all));
  return core::OutsAndTangents{{outs[0]}, {outs[1]}};
}

Decomposed LinearRecurrenceJvp::decompose(Ins ins) const {
  return rounded_once(ins, [&](Ins in) -> std::vector<Tensor> {
    const std::size_t n = in.size() / 2;
    const Ins at = in.first(n), t = in.subspan(n);
    const auto initial = [&](Ins of) { return n == 3 ? MaybeTensor(of[2]) : std::nullopt; };
    return {recurrence(at[0], at[1], initial(at), order),
            recurrence(at[0], t[0] * previous(at, order) + t[1], initial(t), order)};
  });
}

Decomposed LinearRecurrenceVjp::decompose(Ins ins) const {
  return rounded_once(ins, [&](Ins in) -> std::vector<Tensor> {
    const Ins at = in.first(in.size() - 1);
    const Tensor a = conjugate(at[0]), g = in.back(), D = run_back(a, g, order);
    std::vector<Tensor> result = {D * conjugate(used(previous(at, order), order)), D};
    if (at.size() == 3) {
      const Tensor through_first = first(used(a, order), order) * first(D, order);
      result.push_back(order.exclusive ? through_first + first(g, order) : through_first);
    }
    return result;
  });
}

}  // namespace scangrad::inline v0::ops
