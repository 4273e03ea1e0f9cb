#pragma once
// Scans that start from a carry and end with one. Inputs: the elements, then the parts of the carry, or none to start from nothing;
// outputs: y, then the parts of the carry after the last element. Parts have the shape of the scan without its axis, and the dtype of what it carries in:
//
//   of                      integers   float16, bfloat16, float32   float64            complex64     complex128
//   carry_dtype             int64      float64                      float64            complex128    complex128
//   sums, products, h       value      value                        high, low          value         high, low
//   log sums                           m, s                         m, s high, s low   m, s          m, s high, s low
//
// What an extreme carries is one value, an integer of the elements' dtype: its cotangents are summed on through many pieces, and are
// not to be rounded at each.
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
constexpr std::size_t log_carry_width(DType dtype) { return 1 + carry_width(dtype); }

struct CarriedSum final : OrderedScan<CarriedSum> {
  using OrderedScan::OrderedScan;
  std::string_view name() const override { return "cumsum"; }
  MaybeTensors jvp(Ins ins, Outs outs, Tangents t) const override;
  MaybeTensors vjp(Ins ins, Outs outs, Tangents g, WantedMask wanted) const override;
};

/// What the cotangents of a scan from a carry are made of. `end`: that of the carry after the last element, of inclusive scans only:
/// an exclusive one that has it is the inclusive one of cotangents moved by one.
struct CarriedCotangents {
  Ins elements, parts;
  Tensor reached;
  MaybeTensor end;
  ScanOrder order;
  LogScanRule rule = LogScanRule::weights;
};

// The cotangents of the next ones are those of `cotangents`: of the elements and, if there are parts, of the first. Floating ones come
// from CarriedVjp in one primitive, but for the split rule's.

struct CarriedProduct final : OrderedScan<CarriedProduct> {
  using OrderedScan::OrderedScan;
  static constexpr std::size_t elements = 1;
  static constexpr std::string_view vjp_name = "cumprod_vjp";
  static std::vector<Tensor> cotangents(const CarriedCotangents& of);
  std::string_view name() const override { return "cumprod"; }
  MaybeTensors jvp(Ins ins, Outs outs, Tangents t) const override;
  MaybeTensors vjp(Ins ins, Outs outs, Tangents g, WantedMask wanted) const override;
};
struct CarriedRecurrence final : OrderedScan<CarriedRecurrence> {
  using OrderedScan::OrderedScan;
  static constexpr std::size_t elements = 2;
  static constexpr std::string_view vjp_name = "linear_recurrence_vjp";
  static std::vector<Tensor> cotangents(const CarriedCotangents& of);
  std::string_view name() const override { return "linear_recurrence"; }
  MaybeTensors jvp(Ins ins, Outs outs, Tangents t) const override;
  MaybeTensors vjp(Ins ins, Outs outs, Tangents g, WantedMask wanted) const override;
};
/// Its derivatives are those of the scan, in the carry's dtype, of one element more: m in front, which counts s times.
struct CarriedLogSumExp final : LogScan<CarriedLogSumExp> {
  using LogScan::LogScan;
  static constexpr std::size_t elements = 1;
  static constexpr std::string_view vjp_name = "logcumsumexp_vjp";
  static std::vector<Tensor> cotangents(const CarriedCotangents& of);
  std::string_view name() const override { return "logcumsumexp"; }
  MaybeTensors jvp(Ins ins, Outs outs, Tangents t) const override;
  MaybeTensors vjp(Ins ins, Outs outs, Tangents g, WantedMask wanted) const override;
};
/// M t from a carry. Inputs: x, t, then the parts of the carry and the tangent of its log sum, or none; outputs: M t, and the tangent of
/// the log sum after the last element.
struct CarriedMean final : OrderedScan<CarriedMean> {
  using OrderedScan::OrderedScan;
  std::string_view name() const override { return "logcumsumexp_jvp"; }
  Decomposed decompose(Ins ins) const override;
};

/// The running extreme. What it carries is an element; its derivatives are those of the scan with that in front.
template <bool largest>
struct CarriedExtreme final : OrderedScan<CarriedExtreme<largest>> {
  using OrderedScan<CarriedExtreme>::OrderedScan;
  static constexpr std::size_t elements = 1;
  static constexpr std::string_view vjp_name = largest ? "cummax_vjp" : "cummin_vjp";
  static std::vector<Tensor> cotangents(const CarriedCotangents& of);
  std::string_view name() const override { return largest ? "cummax" : "cummin"; }
  MaybeTensors jvp(Ins ins, Outs outs, Tangents t) const override;
  MaybeTensors vjp(Ins ins, Outs outs, Tangents g, WantedMask wanted) const override;
};

/// Inputs: the elements, the parts of the carry (`starts`), what reached y, and the cotangent of the carry after the last element
/// (`ends`); outputs: the cotangents of the elements and (`starts`) of the first part.
template <class P>
struct CarriedVjp final : ScanPrimitive {
  CarriedVjp(ScanOrder o, bool starts_from_carry, bool reached_behind)
      : ScanPrimitive(o), starts(starts_from_carry), ends(reached_behind) {}
  std::string_view name() const override { return P::vjp_name; }
  PrimitiveRef behind_batch() const override { return make_primitive<CarriedVjp>(order.behind_batch(), starts, ends); }
  Decomposed decompose(Ins ins) const override {
    const Ins rest = ins.subspan(P::elements, ins.size() - P::elements - (ends ? 2 : 1));
    const MaybeTensor end = ends ? MaybeTensor(ins.back()) : std::nullopt;
    return P::cotangents({ins.first(P::elements), rest, ins[ins.size() - (ends ? 2 : 1)], end, order});
  }
  bool starts, ends;
};

/// What an exclusive extreme of x begins with (-inf, inf, or the end of an integer dtype), in the shape without the axis.
Tensor no_extreme(const Tensor& x, ScanOrder order, bool largest);

/// Applies one of these to elements of one shape and dtype, and the parts of a carry or none. The result has `width` parts.
std::vector<Tensor> apply_carried(const PrimitiveRef& scan, std::vector<Tensor> elements, Ins parts, std::size_t width);
/// The same for a carry of another dtype than carry_dtype.
std::vector<Tensor> apply_carried(const PrimitiveRef& scan, std::vector<Tensor> elements, Ins parts, std::size_t width,
                                  DType carried);

}  // namespace ops
}  // namespace scangrad::inline v0
