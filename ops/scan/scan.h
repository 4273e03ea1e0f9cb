#pragma once
// The scan primitives. Every derivative of a scan is again one of these (docs/scan_rules.md):
//
//   CumSum                                its own tangent and, with the direction flipped, its own adjoint
//   CumProd, LinearRecurrence             recurrences, without a division
//   CumMax, CumMin                        gathers and scatters along the index of the running extreme
//   LogCumSumExp                          M t = LseMean and M^H g = LseMeanAdjoint, with the kept and added weights r and c

#include "ops/rules.h"
#include "ops/scan/monoid.h"
#include "scangrad/scan.h"

namespace scangrad::inline v0::ops {

/// Which way a scan runs.
struct ScanOrder {
  int axis = 0;
  bool reverse = false;
  bool exclusive = false;

  ScanOrder flipped() const { return {axis, !reverse, exclusive}; }
  ScanOrder behind_batch() const { return {axis + 1, reverse, exclusive}; }
  ScanOrder inclusive() const { return {axis, reverse, false}; }
  ScanOptions options() const { return {.axis = axis, .reverse = reverse, .exclusive = exclusive}; }
};

struct ScanPrimitive : AlongAxes<Primitive> {
  explicit ScanPrimitive(ScanOrder o) : order(o) {}
  ScanOrder order;
};

struct CumSum final : ScanPrimitive {
  using ScanPrimitive::ScanPrimitive;
  std::string_view name() const override { return "cumsum"; }
  PrimitiveRef behind_batch() const override { return make_primitive<CumSum>(order.behind_batch()); }
  MaybeTensors jvp(Ins ins, Outs outs, Tangents t) const override;
  MaybeTensors vjp(Ins ins, Outs outs, Tangents g, WantedMask) const override;
};

struct CumProd final : ScanPrimitive {
  using ScanPrimitive::ScanPrimitive;
  std::string_view name() const override { return "cumprod"; }
  PrimitiveRef behind_batch() const override { return make_primitive<CumProd>(order.behind_batch()); }
  MaybeTensors jvp(Ins ins, Outs outs, Tangents t) const override;
  MaybeTensors vjp(Ins ins, Outs outs, Tangents g, WantedMask) const override;
};

/// The running extreme, or (`index`) where it stands along the axis, -1 before the first element.
struct CumExtreme final : ScanPrimitive {
  CumExtreme(ScanOrder o, bool largest_wins, bool as_index) : ScanPrimitive(o), largest(largest_wins), index(as_index) {}
  std::string_view name() const override { return largest ? "cummax" : "cummin"; }
  PrimitiveRef behind_batch() const override { return make_primitive<CumExtreme>(order.behind_batch(), largest, index); }
  MaybeTensors jvp(Ins ins, Outs outs, Tangents t) const override;
  MaybeTensors vjp(Ins ins, Outs outs, Tangents g, WantedMask) const override;
  bool largest, index;
};

/// Inputs a, b and, optionally, the initial h.
struct LinearRecurrence final : ScanPrimitive {
  using ScanPrimitive::ScanPrimitive;
  std::string_view name() const override { return "linear_recurrence"; }
  PrimitiveRef behind_batch() const override { return make_primitive<LinearRecurrence>(order.behind_batch()); }
  MaybeTensors jvp(Ins ins, Outs outs, Tangents t) const override;
  MaybeTensors vjp(Ins ins, Outs outs, Tangents g, WantedMask wanted) const override;
};

struct LogCumSumExp final : ScanPrimitive {
  using ScanPrimitive::ScanPrimitive;
  std::string_view name() const override { return "logcumsumexp"; }
  PrimitiveRef behind_batch() const override { return make_primitive<LogCumSumExp>(order.behind_batch()); }
  MaybeTensors jvp(Ins ins, Outs outs, Tangents t) const override;
  MaybeTensors vjp(Ins ins, Outs outs, Tangents g, WantedMask) const override;
};

/// (M t)_k = sum_{i in S_k} w_ki t_i with w_ki = exp(x_i - y_k): the running weighted mean. Inputs x, t.
struct LseMean final : ScanPrimitive {
  using ScanPrimitive::ScanPrimitive;
  std::string_view name() const override { return "logcumsumexp_jvp"; }
  PrimitiveRef behind_batch() const override { return make_primitive<LseMean>(order.behind_batch()); }
  MaybeTensors jvp(Ins ins, Outs outs, Tangents t) const override;
  MaybeTensors vjp(Ins ins, Outs outs, Tangents g, WantedMask wanted) const override;
};

/// (M^H g)_i = sum_{k: i in S_k} w_ki g_k. Inputs x, g.
struct LseMeanAdjoint final : ScanPrimitive {
  using ScanPrimitive::ScanPrimitive;
  std::string_view name() const override { return "logcumsumexp_vjp"; }
  PrimitiveRef behind_batch() const override { return make_primitive<LseMeanAdjoint>(order.behind_batch()); }
  MaybeTensors jvp(Ins ins, Outs outs, Tangents t) const override;
  MaybeTensors vjp(Ins ins, Outs outs, Tangents g, WantedMask wanted) const override;
};

/// What element k adds, c_k = w_kk, or what the prefix before it keeps, r_k = s_{k-1} e^{m_{k-1} - m_k} / s_k. Of the inclusive scan.
struct LseWeight final : ScanPrimitive {
  LseWeight(ScanOrder o, bool as_kept) : ScanPrimitive(o.inclusive()), kept(as_kept) {}
  std::string_view name() const override { return kept ? "logcumsumexp_kept" : "logcumsumexp_weight"; }
  PrimitiveRef behind_batch() const override { return make_primitive<LseWeight>(order.behind_batch(), kept); }
  MaybeTensors jvp(Ins ins, Outs outs, Tangents t) const override;
  MaybeTensors vjp(Ins ins, Outs outs, Tangents g, WantedMask) const override;
  bool kept;
};

/// y_k = x_{k-1} in scan order, y_1 = 0; and its adjoint, y_k = x_{k+1} with 0 at the end.
Tensor shift(const Tensor& x, ScanOrder order);
Tensor unshift(const Tensor& x, ScanOrder order);

}  // namespace scangrad::inline v0::ops
