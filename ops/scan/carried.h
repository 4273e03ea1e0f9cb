#pragma once
// Scans that start from a carry and end with one. Inputs: the elements, then the parts of the carry; outputs: y, then the parts of
// the carry after the last element. Parts have the shape of the scan without its axis, and the dtype of what it carries in:
//
//   of                      integers   float16, bfloat16, float32   float64            complex64     complex128
//   carry_dtype             int64      float64                      float64            complex128    complex128
//   sums, products, h       value      value                        high, low          value         high, low
//   log sums                           m, s                         m, s high, s low   m, s          m, s high, s low
//
// m is the reference of log_monoid.h. The derivative of a carry is that of the value it stands for, in its first part: rules give the
// other parts no tangents and read none.

#include "ops/scan/fused.h"

namespace scangrad::inline v0 {

struct ScanAccess {
  static ScanCarry make(std::vector<Tensor> parts, const char* scan, DType dtype) {
    ScanCarry carry;
    carry.parts_ = std::move(parts);
    carry.scan_ = scan;
    carry.dtype_ = dtype;
    return carry;
  }
  static const std::vector<Tensor>& parts(const ScanCarry& carry) { return carry.parts_; }
  static std::string_view scan(const ScanCarry& carry) { return carry.scan_; }
  static DType dtype(const ScanCarry& carry) { return carry.dtype_; }
  static const Operand& value(const ScanInitial& initial) { return initial.value_; }
  static const ScanCarry* carry(const ScanInitial& initial) { return initial.carry_; }
};

namespace ops {

constexpr DType carry_dtype(DType dtype) {
  return is_complex(dtype) ? DType::complex128 : is_integer(dtype) ? DType::int64 : DType::float64;
}
/// How many tensors a number of the dtype is carried in.
constexpr std::size_t carry_width(DType dtype) { return dtype == DType::float64 || dtype == DType::complex128 ? 2 : 1; }

struct CarriedSum final : OrderedScan<CarriedSum> {
  using OrderedScan::OrderedScan;
  std::string_view name() const override { return "cumsum"; }
  MaybeTensors jvp(Ins ins, Outs outs, Tangents t) const override;
  MaybeTensors vjp(Ins ins, Outs outs, Tangents g, WantedMask wanted) const override;
};
/// Its derivatives are those of the recurrence with factors x and terms 0.
struct CarriedProduct final : OrderedScan<CarriedProduct> {
  using OrderedScan::OrderedScan;
  std::string_view name() const override { return "cumprod"; }
  Decomposed decompose(Ins ins) const override;
};
struct CarriedRecurrence final : OrderedScan<CarriedRecurrence> {
  using OrderedScan::OrderedScan;
  std::string_view name() const override { return "linear_recurrence"; }
  MaybeTensors jvp(Ins ins, Outs outs, Tangents t) const override;
  MaybeTensors vjp(Ins ins, Outs outs, Tangents g, WantedMask wanted) const override;
};
/// Its derivatives are those of the scan, in the carry's dtype, of one element more: m in front, which counts s times.
struct CarriedLogSumExp final : OrderedScan<CarriedLogSumExp> {
  using OrderedScan::OrderedScan;
  std::string_view name() const override { return "logcumsumexp"; }
  Decomposed decompose(Ins ins) const override;
};

/// Applies one of these to elements of one shape and dtype.
std::vector<Tensor> apply_carried(const PrimitiveRef& scan, std::vector<Tensor> elements, std::span<const Tensor> parts);

}  // namespace ops
}  // namespace scangrad::inline v0
