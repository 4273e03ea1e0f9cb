#pragma once
// Sums in log space.

#include "scangrad/ops.h"

namespace scangrad::inline v0 {

/// log(sum exp x) over the axes, without overflow; an empty sum is -inf. Derivative: softmax(x), where elements at -inf have weight
/// exactly 0, a row that is all -inf has derivative 0, and elements at +inf share the weight.
SCANGRAD_API Tensor logsumexp(const Operand& x, const ReduceOptions& options = {});

}  // namespace scangrad::inline v0
