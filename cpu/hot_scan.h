#pragma once
// From arrays to the hot kernels: cuts a scan of a whole array into jobs of rows or of columns.

#include "cpu/backend.h"
#include "cpu/simd/job.h"
#include "ops/scan/scan.h"

namespace scangrad::inline v0::cpu {

/// The numbers that a lane starts from or ends with, one array each in the shape without the axis: a number, or its high and low part;
/// of log sums m, s, and the low part of s. The last one is the tangent, of log sums that of m + log s.
inline constexpr std::size_t max_carried = 4, carried_tangent = 3;

struct HotCall {
  HotScan scan;
  ops::ScanOrder order;
  std::array<const Array*, max_inputs> in{};        ///< of the result's shape; null after the last
  std::array<Array*, max_outputs> out{};            ///< row-major along each lane's neighbours, allocated
  std::array<const Array*, max_carried> initial{};  ///< null: the scan starts from nothing
  std::array<int, max_carried>
      carry_part{};  ///< which part of the kernels' carry each array is, or its real part; not of log sums
  std::array<double, max_outputs> first{};  ///< what an exclusive scan begins with where there is no initial value
  std::array<Array*, max_carried> final{};  ///< the carry after the last element; allocated
  Array* initial_cotangent = nullptr;       ///< of a scan that runs back: what passes the first element; row-major, allocated
  const Array* final_cotangent = nullptr;   ///< likewise: the cotangent of the carry after the last element
};

/// Whether there are hot kernels for the dtype.
inline bool is_hot(DType dtype) { return is_floating(dtype) || is_complex(dtype); }

/// Which parts of its kernels' carry a recurrence's h, the low part of it, and its tangent are.
inline constexpr std::array<int, max_carried> recurrence_parts(DType dtype) {
  if (dtype == DType::complex64) return {0, 0, 0, 2};
  if (dtype == DType::complex128) return {0, 0, 0, 4};
  if (dtype == DType::float64) return {2, 3, 0, 6};
  return {1, 0, 0, 3};
}

void run_hot(const Context& context, const HotCall& call);
/// logcumsumexp, its mean or its adjoint where the first element of each lane counts `head` times (in the shape without the axis).
void run_hot_with_head(const Context& context, const HotCall& call, const Array& head);

}  // namespace scangrad::inline v0::cpu
