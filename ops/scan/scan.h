#pragma once
// The scan primitives. Every derivative of a scan is again one of these (docs/scan_rules.md):
//
//   CumSum                                its own tangent and, with the direction flipped, its own adjoint
//   CumProd, LinearRecurrence             recurrences, without a division
//   CumMax, CumMin                        gathers and scatters along the index of the running extreme
//   LogCumSumExp                          M t = LseMean and M^H g = LseMeanAdjoint, with the kept and added weights r and c

#include "core/planted.h"
#include "ops/rules.h"
#include "scangrad/scan.h"

namespace scangrad::inline v0::ops {

/// Which way a scan runs.
struct ScanOrder {
  int axis = 0;
  bool reverse = false;
  bool exclusive = false;

  ScanOrder flipped() const { return {axis, SCANGRAD_PLANT(reverse_not_flipped, !reverse, reverse), exclusive}; }
  ScanOrder behind_batch() const { return {SCANGRAD_PLANT(batched_scan_wrong_axis, axis + 1, axis), reverse, exclusive}; }
  ScanOrder inclusive() const { return {axis, reverse, SCANGRAD_PLANT(inclusive_stays_exclusive, false, exclusive)}; }
  ScanOptions options() const { return {.axis = axis, .reverse = reverse, .exclusive = exclusive}; }
};

struct ScanPrimitive : AlongAxes<Primitive> {
  explicit ScanPrimitive(ScanOrder o) : order(o) {}
  ScanOrder order;
};

/// A scan that its order says all of.
template <class P>
struct OrderedScan : ScanPrimitive {
  using ScanPrimitive::ScanPrimitive;
  PrimitiveRef behind_batch() const final { return make_primitive<P>(order.behind_batch()); }
};

struct CumSum final : OrderedScan<CumSum> {
  using OrderedScan::OrderedScan;
  std::string_view name() const override { return "cumsum"; }
  MaybeTensors jvp(Ins ins, Outs outs, Tangents t) const override;
  MaybeTensors vjp(Ins ins, Outs outs, Tangents g, WantedMask) const override;
};

struct CumProd final : OrderedScan<CumProd> {
  using OrderedScan::OrderedScan;
  std::string_view name() const override { return "cumprod"; }
  MaybeTensors jvp(Ins ins, Outs outs, Tangents t) const override;
  MaybeTensors vjp(Ins ins, Outs outs, Tangents g, WantedMask) const override;
  std::optional<core::OutsAndTangents> jvp_fused(Ins ins, Tangents t) const override;
};

/// The running extreme, or (`index`) where it stands along the axis, -1 before the first element.
struct CumExtreme final : ScanPrimitive {
  CumExtreme(ScanOrder o, bool largest_wins, bool as_index) : ScanPrimitive(o), largest(largest_wins), index(as_index) {}
  std::string_view name() const override { return largest ? "cummax" : "cummin"; }
  PrimitiveRef behind_batch() const override { return make_primitive<CumExtreme>(order.behind_batch(), largest, index); }
  MaybeTensors jvp(Ins ins, Outs outs, Tangents t) const override;
  MaybeTensors vjp(Ins ins, Outs outs, Tangents g, WantedMask) const override;
  std::optional<core::OutsAndTangents> jvp_fused(Ins ins, Tangents t) const override;
  bool largest, index;
};

/// Inputs a, b and, optionally, the initial h.
struct LinearRecurrence final : OrderedScan<LinearRecurrence> {
  using OrderedScan::OrderedScan;
  std::string_view name() const override { return "linear_recurrence"; }
  MaybeTensors jvp(Ins ins, Outs outs, Tangents t) const override;
  MaybeTensors vjp(Ins ins, Outs outs, Tangents g, WantedMask wanted) const override;
  std::optional<core::OutsAndTangents> jvp_fused(Ins ins, Tangents t) const override;
};

// The primitives of logcumsumexp may have one input more, the head: how many times the first element of each lane counts.

/// A scan whose derivatives, or whose kernel, follow one of the two rules.
template <class P>
struct LogScan : ScanPrimitive {
  explicit LogScan(ScanOrder o, LogScanRule r = LogScanRule::weights) : ScanPrimitive(o), rule(r) {}
  PrimitiveRef behind_batch() const final { return make_primitive<P>(order.behind_batch(), rule); }
  LogScanRule rule;
};

struct LogCumSumExp final : LogScan<LogCumSumExp> {
  using LogScan::LogScan;
  std::string_view name() const override { return "logcumsumexp"; }
  MaybeTensors jvp(Ins ins, Outs outs, Tangents t) const override;
  MaybeTensors vjp(Ins ins, Outs outs, Tangents g, WantedMask) const override;
  std::optional<core::OutsAndTangents> jvp_fused(Ins ins, Tangents t) const override;
};

/// (M t)_k = sum_{i in S_k} w_ki t_i with w_ki = exp(x_i - y_k): the running weighted mean. Inputs x, t.
struct LseMean final : LogScan<LseMean> {
  using LogScan::LogScan;
  std::string_view name() const override { return "logcumsumexp_jvp"; }
  MaybeTensors jvp(Ins ins, Outs outs, Tangents t) const override;
  MaybeTensors vjp(Ins ins, Outs outs, Tangents g, WantedMask wanted) const override;
};

/// (M^H g)_i = sum_{k: i in S_k} conj(w_ki) g_k. Inputs x, g.
struct LseMeanAdjoint final : LogScan<LseMeanAdjoint> {
  using LogScan::LogScan;
  std::string_view name() const override { return "logcumsumexp_vjp"; }
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
/// The first element in scan order, without the axis; zeros of an empty one.
Tensor first(const Tensor& x, ScanOrder order);

/// h_k = a_k h_{k-1} + b_k for inputs of one shape and dtype.
Tensor recurrence(const Tensor& a, const Tensor& b, const MaybeTensor& initial, ScanOrder order);
inline ScanOrder exclusive(ScanOrder order) { return {order.axis, order.reverse, true}; }

}  // namespace scangrad::inline v0::ops
