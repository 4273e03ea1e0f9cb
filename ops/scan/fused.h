#pragma once
// Fused scans: value and tangent in one pass over memory, cotangents in two (one forwards, one back). Their own derivatives, and all
// of higher order, are those of what they decompose into.
//
//   ...Jvp    inputs and their tangents -> value, tangent
//   ...Vjp    inputs and the cotangent of the value -> their cotangents
//
// The cotangents of cumsum are a cumsum, those of logcumsumexp LseMeanAdjoint (scan.h).

#include "ops/scan/scan.h"

namespace scangrad::inline v0::ops {

using Decomposed = std::optional<std::vector<Tensor>>;

/// What is put together of several operations is computed in float32 for half types, so that it rounds once.
constexpr DType composed_dtype(DType dtype) {
  return dtype == DType::float16 || dtype == DType::bfloat16 ? DType::float32 : dtype;
}

/// x, t -> y, dy
struct CumProdJvp final : OrderedScan<CumProdJvp> {
  using OrderedScan::OrderedScan;
  std::string_view name() const override { return "cumprod_jvp"; }
  Decomposed decompose(Ins ins) const override;
};
/// x, g -> gx
struct CumProdVjp final : OrderedScan<CumProdVjp> {
  using OrderedScan::OrderedScan;
  std::string_view name() const override { return "cumprod_vjp"; }
  Decomposed decompose(Ins ins) const override;
};

template <class P>
struct FusedExtreme : ScanPrimitive {
  FusedExtreme(ScanOrder o, bool largest_wins) : ScanPrimitive(o), largest(largest_wins) {}
  PrimitiveRef behind_batch() const final { return make_primitive<P>(order.behind_batch(), largest); }
  bool largest;
};
/// x, t -> y, dy
struct CumExtremeJvp final : FusedExtreme<CumExtremeJvp> {
  using FusedExtreme::FusedExtreme;
  std::string_view name() const override { return largest ? "cummax_jvp" : "cummin_jvp"; }
  Decomposed decompose(Ins ins) const override;
};
/// x, g -> gx: a segmented sum from the end, each segment being the reign of one element.
struct CumExtremeVjp final : FusedExtreme<CumExtremeVjp> {
  using FusedExtreme::FusedExtreme;
  std::string_view name() const override { return largest ? "cummax_vjp" : "cummin_vjp"; }
  Decomposed decompose(Ins ins) const override;
};

/// a, b[, initial], da, db[, dinitial] -> h, dh
struct LinearRecurrenceJvp final : OrderedScan<LinearRecurrenceJvp> {
  using OrderedScan::OrderedScan;
  std::string_view name() const override { return "linear_recurrence_jvp"; }
  Decomposed decompose(Ins ins) const override;
};
/// a, b[, initial], g -> ga, gb[, ginitial]
struct LinearRecurrenceVjp final : OrderedScan<LinearRecurrenceVjp> {
  using OrderedScan::OrderedScan;
  std::string_view name() const override { return "linear_recurrence_vjp"; }
  Decomposed decompose(Ins ins) const override;
};

/// x, t -> y, M t
struct LogCumSumExpJvp final : OrderedScan<LogCumSumExpJvp> {
  using OrderedScan::OrderedScan;
  std::string_view name() const override { return "logcumsumexp_with_jvp"; }
  Decomposed decompose(Ins ins) const override;
};

/// Value and tangent from a primitive on x, t.
inline core::OutsAndTangents pair_of(const PrimitiveRef& fused, const Tensor& x, const Tensor& t) {
  const Spec& spec = core::node_of(x).value.spec;
  auto outs = core::apply_multi(fused, {spec, spec}, {x, t});
  return {{outs[0]}, {outs[1]}};
}

}  // namespace scangrad::inline v0::ops
