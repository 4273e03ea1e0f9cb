#pragma once
// From arrays to the hot kernels: cuts a scan of a whole array into jobs of rows or of columns.

#include "cpu/backend.h"
#include "cpu/simd/job.h"
#include "ops/scan/scan.h"

namespace scangrad::inline v0::cpu {

struct HotCall {
  HotScan scan;
  ops::ScanOrder order;
  std::array<const Array*, max_inputs> in{};  ///< of the result's shape; null after the last
  std::array<Array*, max_outputs> out{};      ///< row-major, allocated
  /// What the carry starts from, and its tangent, in the shape without the axis; and which parts of the carry they are.
  std::array<const Array*, max_outputs> initial{};
  std::array<int, max_outputs> initial_part{};
  std::array<double, max_outputs> first{};  ///< what an exclusive scan begins with where there is no initial value
  Array* initial_cotangent = nullptr;       ///< of a scan that runs back: what passes the first element; row-major, allocated
};

/// Whether there are hot kernels for the dtype.
inline bool is_hot(DType dtype) { return is_floating(dtype); }

void run_hot(const Context& context, const HotCall& call);

}  // namespace scangrad::inline v0::cpu
