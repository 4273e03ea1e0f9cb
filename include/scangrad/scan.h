#pragma once
// Scans: y_k combines x_1 .. x_k along one axis.
//
// All of them take {.axis = last, .reverse = false, .exclusive = false}. Reverse runs from the end of the axis. Exclusive leaves
// out element k itself: y starts with the identity, and the last element of the scan order is not used. Floating scans carry in
// float64 (complex128), whatever the dtype, with one rounding at the store. Derivatives of any order, in both modes, go through the same kernels;
// docs/scan_rules.md has the formulas.

#include "scangrad/ops.h"

namespace scangrad::inline v0 {

struct ScanOptions {
  detail::ByName by_name = detail::ByName();
  Axes axis = -1;
  bool reverse = false;
  bool exclusive = false;
};

/// y_k = x_1 + ... + x_k, from 0. bool is counted in int64.
SCANGRAD_API Tensor cumsum(const Operand& x, const ScanOptions& options = {});
/// y_k = x_1 ... x_k, from 1. The derivatives divide by nothing, so zeros in x are exact.
SCANGRAD_API Tensor cumprod(const Operand& x, const ScanOptions& options = {});
/// The largest of x_1 .. x_k, from -inf (int64: the lowest). NaN stays from where it stands. The derivative belongs to the element
/// that holds the extreme, at ties the last one in scan order.
SCANGRAD_API Tensor cummax(const Operand& x, const ScanOptions& options = {});
SCANGRAD_API Tensor cummin(const Operand& x, const ScanOptions& options = {});
/// y_k = log(exp x_1 + ... + exp x_k), from -inf, without overflow at any x. Elements at -inf have weight exactly 0 in every
/// derivative; a prefix that is all -inf has derivative 0; elements at +inf share the weight.
SCANGRAD_API Tensor logcumsumexp(const Operand& x, const ScanOptions& options = {});

/// h_k = a_k h_{k-1} + b_k along an axis, from h_0 = 0, or from `initial` (the shape of b without the axis). a and b broadcast.
/// Exclusive: h_{k-1} in place of h_k.
SCANGRAD_API Tensor linear_recurrence(const Operand& a, const Operand& b, const ScanOptions& options = {});
SCANGRAD_API Tensor linear_recurrence(const Operand& a, const Operand& b, const Operand& initial,
                                      const ScanOptions& options = {});

}  // namespace scangrad::inline v0
