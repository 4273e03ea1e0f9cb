#pragma once
// Scans: y_k combines x_1 .. x_k along one axis.
//
// All of them take {.axis = last, .reverse = false, .exclusive = false}. Reverse runs from the end of the axis. Exclusive leaves
// out element k itself: y starts with the identity, and the last element of the scan order is not used. Floating scans carry in
// float64, those of float64 in twice its precision, with one rounding at the store. Derivatives of any order, in both modes, are
// scans again; docs/scan_rules.md has the formulas.
//
// A scan starts from an `initial` value where one is given: a number or Tensor (a sum, a product, an extreme, a log-sum, h_0) of the
// shape of x without the axis, or what it broadcasts from; or a ScanCarry, which is what an earlier scan ended with:
//
//   auto [y1, carry] = cumsum_with_carry(first_piece);
//   auto y2          = cumsum(second_piece, carry);     // the pieces of cumsum(both), to the last bits
//
// Carries are arguments and results of transforms like Tensors, so that a long sequence can be scanned and differentiated in pieces.

#include "scangrad/ops.h"

namespace scangrad::inline v0 {

/// How the derivatives of logcumsumexp are computed (their value is the same).
enum class LogScanRule {
  weights,  ///< running weighted means: exact to some units wherever a weight times a tangent is representable factor by factor
  split,  ///< logarithms of the positive and negative parts of tangents and cotangents: keeps a huge tangent times a weight that
          ///< underflows, and loses up to log |t| digits elsewhere
};

/// Which way a scan runs, and what of it is seen.
struct ScanOptions {
  detail::ByName by_name = detail::ByName();
  Axes axis = -1;                           ///< one axis
  bool reverse = false;                     ///< from the end of the axis
  bool exclusive = false;                   ///< without element k itself
  bool include_initial = false;             ///< n + 1 outputs: the initial value (or the identity) first in scan order
  LogScanRule rule = LogScanRule::weights;  ///< of logcumsumexp
};

/// What a scan ended with, in the type that it carries in: opaque. Its derivative is that of the value it stands for (the sum, the
/// log-sum, ..); it lives in the first of the tensors inside, and those of the others are 0.
class SCANGRAD_API ScanCarry {
 public:
  ScanCarry() = default;  ///< empty: using it throws

  /// For transforms: f(Tensor&) for each tensor inside.
  /// @{
  template <class F>
  void for_each_tensor(const F& f) {
    for (Tensor& part : parts_) f(part);
  }
  template <class F>
  void for_each_tensor(const F& f) const {
    for (const Tensor& part : parts_) f(part);
  }
  /// @}

 private:
  friend struct ScanAccess;
  std::vector<Tensor> parts_;
  const char* scan_ = "";  ///< whose it is
  DType dtype_ = DType::float64;
};

/// Where a scan starts. A type for parameters only.
class SCANGRAD_API ScanInitial {
 public:
  /// From a value, or from where an earlier scan ended.
  /// @{
  ScanInitial(const Tensor& value) : value_(value) {}
  template <Number T>
  ScanInitial(T value) : value_(value) {
    static_assert(!std::is_integral_v<T>,
                  "an axis is named, cumsum(x, {.axis = 1}); an initial value that is an integer is written as "
                  "1.0 or Tensor(1)");
  }
  ScanInitial(const ScanCarry& carry) : value_(0), carry_(&carry) {}
  /// @}

 private:
  friend struct ScanAccess;
  Operand value_;
  const ScanCarry* carry_ = nullptr;
};

/// The outputs of a scan and what it ended with, whether the scan was exclusive or not.
struct ScanWithCarry {
  Tensor y;         ///< the outputs
  ScanCarry carry;  ///< for the piece that follows in scan order
};
/// Extremes and where they stand.
struct ScanWithIndices {
  Tensor values;   ///< the running extremes
  Tensor indices;  ///< int64
};

/// y_k = x_1 + ... + x_k, from 0. bool is counted in int64.
/// @{
SCANGRAD_API Tensor cumsum(const Operand& x, const ScanOptions& options = {});
SCANGRAD_API Tensor cumsum(const Operand& x, const ScanInitial& initial, const ScanOptions& options = {});
SCANGRAD_API ScanWithCarry cumsum_with_carry(const Operand& x, const ScanOptions& options = {});
SCANGRAD_API ScanWithCarry cumsum_with_carry(const Operand& x, const ScanInitial& initial, const ScanOptions& options = {});
/// @}

/// y_k = x_1 ... x_k, from 1. The derivatives divide by nothing, so zeros in x are exact.
/// @{
SCANGRAD_API Tensor cumprod(const Operand& x, const ScanOptions& options = {});
SCANGRAD_API Tensor cumprod(const Operand& x, const ScanInitial& initial, const ScanOptions& options = {});
SCANGRAD_API ScanWithCarry cumprod_with_carry(const Operand& x, const ScanOptions& options = {});
SCANGRAD_API ScanWithCarry cumprod_with_carry(const Operand& x, const ScanInitial& initial, const ScanOptions& options = {});
/// @}

/// The largest of x_1 .. x_k, from -inf (integers: the lowest). NaN stays from where it stands. The derivative belongs to the element
/// that holds the extreme, at ties the last one in scan order.
/// @{
SCANGRAD_API Tensor cummax(const Operand& x, const ScanOptions& options = {});
SCANGRAD_API Tensor cummax(const Operand& x, const ScanInitial& initial, const ScanOptions& options = {});
SCANGRAD_API ScanWithCarry cummax_with_carry(const Operand& x, const ScanOptions& options = {});
SCANGRAD_API ScanWithCarry cummax_with_carry(const Operand& x, const ScanInitial& initial, const ScanOptions& options = {});
/// @}
/// The extremes, and where along the axis they stand (int64): -1 before the first element of an exclusive scan.
SCANGRAD_API ScanWithIndices cummax_with_indices(const Operand& x, const ScanOptions& options = {});

/// The smallest likewise, from +inf (integers: the highest).
/// @{
SCANGRAD_API Tensor cummin(const Operand& x, const ScanOptions& options = {});
SCANGRAD_API Tensor cummin(const Operand& x, const ScanInitial& initial, const ScanOptions& options = {});
SCANGRAD_API ScanWithCarry cummin_with_carry(const Operand& x, const ScanOptions& options = {});
SCANGRAD_API ScanWithCarry cummin_with_carry(const Operand& x, const ScanInitial& initial, const ScanOptions& options = {});
/// @}
/// The extremes, and where they stand, as of cummax_with_indices.
SCANGRAD_API ScanWithIndices cummin_with_indices(const Operand& x, const ScanOptions& options = {});

/// y_k = log(exp x_1 + ... + exp x_k), from -inf, without overflow at any x. Elements at -inf have weight exactly 0 in every
/// derivative; a prefix that is all -inf has derivative 0; elements at +inf share the weight. Complex x: the imaginary part of y is in
/// (-pi, pi]; a prefix whose sum is exactly 0 counts as empty at that k only.
/// @{
SCANGRAD_API Tensor logcumsumexp(const Operand& x, const ScanOptions& options = {});
SCANGRAD_API Tensor logcumsumexp(const Operand& x, const ScanInitial& initial, const ScanOptions& options = {});
SCANGRAD_API ScanWithCarry logcumsumexp_with_carry(const Operand& x, const ScanOptions& options = {});
SCANGRAD_API ScanWithCarry logcumsumexp_with_carry(const Operand& x, const ScanInitial& initial,
                                                   const ScanOptions& options = {});
/// @}

/// h_k = a_k h_{k-1} + b_k along an axis, from h_0 = 0 or the initial value. a and b broadcast. Exclusive: h_{k-1} in place of h_k.
/// @{
SCANGRAD_API Tensor linear_recurrence(const Operand& a, const Operand& b, const ScanOptions& options = {});
SCANGRAD_API Tensor linear_recurrence(const Operand& a, const Operand& b, const ScanInitial& initial,
                                      const ScanOptions& options = {});
SCANGRAD_API ScanWithCarry linear_recurrence_with_carry(const Operand& a, const Operand& b, const ScanOptions& options = {});
SCANGRAD_API ScanWithCarry linear_recurrence_with_carry(const Operand& a, const Operand& b, const ScanInitial& initial,
                                                        const ScanOptions& options = {});
/// @}

}  // namespace scangrad::inline v0
