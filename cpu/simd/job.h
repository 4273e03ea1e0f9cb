#pragma once
// What a hot kernel is called with, and the table of them, one for each instruction set level. Plain data: nothing here is code that
// two levels could share.

#include <cstdint>

#include "scangrad/dtype.h"

namespace scangrad::inline v0::cpu {

inline constexpr int max_inputs = 4, max_outputs = 2, max_parts = 8;

/// A row that several threads share: whose turn it is, and the carry that goes from each tile to the next (tiles.h).
struct RowChain {
  alignas(64) std::int64_t taken = 0;  ///< tiles that some thread works on, or did
  alignas(64) std::int64_t done = 0;   ///< tiles whose carry is here
  double carry[max_parts] = {};
};

/// One lane along a contiguous axis of the result, or a block of neighbouring lanes across it (`columns`). Pointers are to the first
/// elements in scan order; steps are in elements.
struct ScanJob {
  std::int64_t length = 0;
  const void* in[max_inputs] = {};
  std::int64_t in_step[max_inputs] = {};            ///< along the scan
  const std::int64_t* in_columns[max_inputs] = {};  ///< where each column starts; null: one after the other
  void* out[max_outputs] = {};
  std::int64_t out_step = 1;
  std::int64_t in_apart[max_inputs] = {}, out_apart[max_outputs] = {1, 1};  ///< from a column, or a short row, to the next
  std::int64_t columns = 1;
  const double* initial = nullptr;  ///< the carry to start from, part after part, each for all columns; null: the identity
  double* final = nullptr;          ///< the carry at the end, likewise; null: not wanted
  const double* behind = nullptr;   ///< of what runs back: the cotangent of the carry at the end, one a column; null: none
  double* scratch = nullptr;        ///< as many doubles as scratch_size says
  double* states = nullptr;  ///< of logcumsumexp along a row: before each tile (ref, s, s_low); null: not wanted
  bool states_known = false;  ///< by who came before; else the kernel fills them in
  RowChain* chain = nullptr;  ///< two, forwards and back, of a row that several threads share; null: it is this thread's alone
  bool stream = false;        ///< past the caches: the result is larger than they are
};

using ScanKernel = void (*)(const ScanJob& job);

enum class HotScan : std::uint8_t {
  cumsum,
  cumprod,
  cummax,
  cummin,
  linear_recurrence,
  logcumsumexp,           ///< x -> y
  logcumsumexp_mean,      ///< x, t -> M t
  logcumsumexp_and_mean,  ///< x, t -> y, M t
  logcumsumexp_adjoint,   ///< x, g -> M^H g
  cumprod_tangent,        ///< x, t -> y, dy
  cummax_tangent,
  cummin_tangent,
  linear_recurrence_tangent,  ///< a, b, da, db -> h, dh
  cumprod_back,               ///< x, g -> gx
  cummax_back,
  cummin_back,
  linear_recurrence_back,  ///< a, b, g -> ga, gb; `final` is what passes the first element, in two parts
};
inline constexpr int hot_scan_count = 17, hot_dtype_count = 6;  ///< float16 to complex128

struct HotKernels {
  ScanKernel rows[hot_scan_count][hot_dtype_count];
  ScanKernel columns[hot_scan_count][hot_dtype_count];
  ScanKernel short_rows[hot_scan_count][hot_dtype_count];  ///< at most short_row elements each; null where there is none
  int wide;                                                ///< columns that a register takes
};

/// Elements of a row that a kernel works on at a time; their buffers stay in the first cache. Threads that took turns at half as many
/// floats slowed each other down.
inline constexpr std::int64_t tile = 1024;
inline constexpr std::int64_t state_parts = 3;       ///< of ScanJob::states
inline constexpr std::int64_t most_columns = 1024;   ///< neighbouring columns of a job
inline constexpr std::int64_t checkpoint_rows = 32;  ///< across: after so many rows the adjoint keeps the carries
inline constexpr std::int64_t adjoint_columns = 64;  ///< across: the adjoint of logcumsumexp works on so many columns at a time
inline constexpr std::int64_t back_columns_at_once = 128;  ///< and other scans that run back

inline constexpr std::int64_t complex_tile = 512;  ///< of complex elements
inline constexpr std::int64_t complex_rows = 16, complex_columns = 32;  ///< across: complex kernels work on so many at a time

inline constexpr bool is_log_sum(HotScan scan) {
  return scan >= HotScan::logcumsumexp && scan <= HotScan::logcumsumexp_adjoint;
}

inline constexpr std::int64_t short_row = 64;  ///< rows of at most so many elements are short

/// Whether several threads can share a row of it.
inline constexpr bool shares_rows(HotScan scan) { return is_log_sum(scan); }

/// Which input of a scan that runs back is the cotangent; -1 for those that do not.
inline constexpr int cotangent_of(HotScan scan) {
  if (scan == HotScan::logcumsumexp_adjoint) return 1;
  if (scan < HotScan::cumprod_back) return -1;
  return scan == HotScan::linear_recurrence_back ? 2 : 1;
}
inline constexpr std::int64_t tiles_of(std::int64_t length) { return (length + tile - 1) / tile; }
/// Doubles of scratch that a job needs: what runs back keeps the carry (at most four parts) at the start of each tile.
inline std::int64_t scratch_size(HotScan scan, std::int64_t length, bool across) {
  if (cotangent_of(scan) < 0) return 0;
  if (!across) return 4 * tiles_of(length);
  const std::int64_t columns = is_log_sum(scan) ? adjoint_columns : back_columns_at_once;
  return 4 * ((length + checkpoint_rows - 1) / checkpoint_rows) * columns;
}

/// The same for complex elements: at most five parts for each of a register's lanes.
inline std::int64_t complex_scratch_size(HotScan scan, std::int64_t length, bool across) {
  if (cotangent_of(scan) < 0) return 0;
  return across ? 5 * ((length + complex_rows - 1) / complex_rows) * complex_columns : 40 * ((length + complex_tile - 1) / complex_tile);
}

inline constexpr int hot_dtype(DType dtype) { return static_cast<int>(dtype) - static_cast<int>(DType::float16); }

}  // namespace scangrad::inline v0::cpu
