#pragma once
// Places in what is sorted.

#include "ops/rules.h"

namespace scangrad::inline v0::ops {

/// (..., n) and values (..., m), with the same leading axes.
struct SearchSorted final : AlongAxes<Constant> {
  explicit SearchSorted(Side at) : side(at) {}
  std::string_view name() const override { return "searchsorted"; }
  PrimitiveRef behind_batch() const override { return PrimitiveRef(this); }
  Side side;
};

}  // namespace scangrad::inline v0::ops
