#pragma once
// The hot kernels of complex dtypes, compiled on their own (complex_kernels.cpp).

#include "cpu/simd/job.h"

namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL {

/// Complex numbers have no order.
constexpr bool is_complex_scan(HotScan scan) {
  switch (scan) {
    case HotScan::cummax:
    case HotScan::cummin:
    case HotScan::cummax_tangent:
    case HotScan::cummin_tangent:
    case HotScan::cummax_back:
    case HotScan::cummin_back:
      return false;
    default:
      return true;
  }
}

/// R: float for complex64, double for complex128.
template <HotScan scan, class R, bool across>
void complex_kernel(const ScanJob& job);

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
