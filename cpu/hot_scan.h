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
  const Array* initial = nullptr;             ///< what the carry starts from, in the shape without the axis
  int initial_part = 0;                       ///< which part of the carry that is
  double first = 0;                           ///< what an exclusive scan begins with where there is no initial value
  double first_of_second = 0;                 ///< the same of the second output
};

/// Whether there are hot kernels for the dtype.
inline bool is_hot(DType dtype) { return is_floating(dtype); }

void run_hot(const Context& context, const HotCall& call);

}  // namespace scangrad::inline v0::cpu
