// The hot kernels that take one element after the other, called as they are: short rows against columns, and columns beyond a block
// against each alone.

#include <cstdint>

#include "cpu/simd/levels.h"
#include "support/catch.h"
#include "support/hot_data.h"

namespace {

using namespace scangrad;
using namespace hot_data;
using cpu::HotScan;

/// Inputs and outputs of a scan.
struct Sides {
  std::size_t in, out;
};
Sides sides(HotScan scan) {
  switch (scan) {
    case HotScan::cumsum:
    case HotScan::cumprod:
    case HotScan::cummax:
    case HotScan::cummin:
    case HotScan::logcumsumexp:
      return {1, 1};
    case HotScan::linear_recurrence:
    case HotScan::cumprod_back:
    case HotScan::cummax_back:
    case HotScan::cummin_back:
    case HotScan::logcumsumexp_mean:
    case HotScan::logcumsumexp_adjoint:
      return {2, 1};
    case HotScan::linear_recurrence_back:
      return {3, 2};
    case HotScan::linear_recurrence_tangent:
      return {4, 2};
    default:
      return {2, 2};
  }
}

/// Several lanes of a scan, one after the other, each with room behind it, or side by side; what they start from, end with and pass.
template <class T>
struct Lanes {
  std::size_t count, length;
  std::vector<T> in[cpu::max_inputs], out[cpu::max_outputs];
  std::vector<double> initial, final, behind;
  static constexpr std::size_t room = 3;

  void run(HotScan scan, bool side_by_side, bool backwards, bool carried) {
    const auto n = static_cast<std::int64_t>(length), lanes = static_cast<std::int64_t>(count),
               pitch = static_cast<std::int64_t>(length + room);
    std::vector<double> scratch(static_cast<std::size_t>(cpu::scratch_size(scan, n, true)) + 1);
    cpu::ScanJob job;
    job.length = n, job.columns = lanes, job.scratch = scratch.data();
    const std::int64_t first = backwards ? (n - 1) * (side_by_side ? lanes : 1) : 0,
                       step = (backwards ? -1 : 1) * (side_by_side ? lanes : 1);
    for (std::size_t k = 0; k < cpu::max_inputs; ++k) {
      const std::size_t from = k < sides(scan).in ? k : 0;
      job.in[k] = in[from].data() + first, job.in_step[k] = step, job.in_apart[k] = pitch;
    }
    for (std::size_t k = 0; k < sides(scan).out; ++k) job.out[k] = out[k].data() + first, job.out_apart[k] = pitch;
    job.out_step = step;
    if (carried) {
      final.assign(cpu::max_parts * count, 0.0);
      job.initial = initial.data(), job.final = final.data();
      if (cpu::cotangent_of(scan) >= 0) job.behind = behind.data();
    }
    kernel(scan, side_by_side)(job);
  }
  static cpu::ScanKernel kernel(HotScan scan, bool side_by_side) {
    const auto& kernels = *cpu::current_level().kernels;
    const auto& table = side_by_side ? kernels.columns : kernels.short_rows;
    return table[static_cast<int>(scan)][cpu::hot_dtype(dtype_of<T>)];
  }
};

constexpr HotScan stepwise_scans[] = {HotScan::cumsum,
                                      HotScan::cumprod,
                                      HotScan::cummax,
                                      HotScan::cummin,
                                      HotScan::linear_recurrence,
                                      HotScan::cumprod_tangent,
                                      HotScan::cummax_tangent,
                                      HotScan::cummin_tangent,
                                      HotScan::linear_recurrence_tangent,
                                      HotScan::cumprod_back,
                                      HotScan::cummax_back,
                                      HotScan::cummin_back,
                                      HotScan::linear_recurrence_back,
                                      HotScan::logcumsumexp,
                                      HotScan::logcumsumexp_mean,
                                      HotScan::logcumsumexp_and_mean,
                                      HotScan::logcumsumexp_adjoint};

/// Lane c of input k. Those of log sums are of every kind, and begin with small numbers or with what is special.
template <class T>
std::vector<T> lane_of(HotScan scan, std::size_t k, std::size_t c, std::size_t length, std::mt19937_64& generator) {
  if (k > 0 || !cpu::is_log_sum(scan))
    return make<T>(all_data[c % 4 == 3 ? 7 : 0], length, k == 0 && scan != HotScan::cumsum, generator);
  const hot_data::Data& data = all_data[c % std::size(all_data)];
  auto lane = make<T>(data, length, false, generator);
  if (c % 3 == 1) lane[0] = core::convert<T>(data.special != 0 ? static_cast<double>(data.special) : 1e-6);
  return lane;
}

/// The same lanes as short rows and as columns.
template <class T>
void check_short_rows(HotScan scan, std::size_t count, std::size_t length, bool backwards, bool carried,
                      std::mt19937_64& generator) {
  if (Lanes<T>::kernel(scan, false) == nullptr) {  // turned in memory, for the kernels for columns
    if (scan != HotScan::logcumsumexp_adjoint) FAIL_CHECK("there is no kernel for short rows");
    return;
  }
  const std::size_t pitch = length + Lanes<T>::room;
  const T untouched = core::convert<T>(-77.0);
  Lanes<T> rows{count, length, {}, {}, {}, {}, {}}, columns = rows;
  for (auto* lanes : {&rows, &columns}) {
    for (auto& in : lanes->in) in.assign(count * pitch, T{});
    for (auto& out : lanes->out) out.assign(count * pitch, untouched);
  }
  for (std::size_t k = 0; k < sides(scan).in; ++k)
    for (std::size_t c = 0; c < count; ++c) {
      const auto v = lane_of<T>(scan, k, c, length, generator);
      for (std::size_t i = 0; i < length; ++i) rows.in[k][c * pitch + i] = columns.in[k][i * count + c] = v[i];
    }
  for (std::size_t p = 0; p < cpu::max_parts * count; ++p) {
    const bool reference = cpu::is_log_sum(scan) && p < count;  // an integer
    rows.initial.push_back(1 + (reference ? 1 : 0.25) * static_cast<double>(p % 5));
  }
  for (std::size_t c = 0; c < count; ++c) rows.behind.push_back(0.5 * static_cast<double>(c) - 1);
  columns.initial = rows.initial, columns.behind = rows.behind;
  rows.run(scan, false, backwards, carried);
  columns.run(scan, true, backwards, carried);
  for (std::size_t k = 0; k < sides(scan).out; ++k)
    for (std::size_t c = 0; c < count; ++c) {
      INFO("output " << k << ", row " << c);
      std::vector<T> row, column;
      for (std::size_t i = 0; i < length; ++i)
        row.push_back(rows.out[k][c * pitch + i]), column.push_back(columns.out[k][i * count + c]);
      if (!same_bits(row, column)) FAIL_CHECK("a short row has other bits than a column");
      for (std::size_t i = length; i < pitch; ++i)
        if (!(core::widen(rows.out[k][c * pitch + i]) == core::widen(untouched))) FAIL_CHECK("it wrote behind a row");
    }
  if (!same_bits(rows.final, columns.final)) FAIL_CHECK("short rows end with other carries than columns");
}

}  // namespace

TEMPLATE_TEST_CASE("short rows have the bits of columns, whatever their number, length, direction and carries", "[short]",
                   float16, bfloat16, float, double) {
  std::mt19937_64 generator(13);
  for (HotScan scan : stepwise_scans)
    for (std::size_t count : {1, 2, 5, 8, 19})
      for (std::size_t length : {1, 2, 3, 4, 7, 8, 16, 17, 27, 64})
        for (bool backwards : {false, true})
          for (bool carried : {false, true}) {
            INFO("scan " << static_cast<int>(scan) << ", " << count << " rows of " << length << (backwards ? ", backwards" : "")
                         << (carried ? ", carried" : ""));
            check_short_rows<TestType>(scan, count, length, backwards, carried, generator);
          }
}

TEMPLATE_TEST_CASE("columns beyond a block have the bits that each has alone", "[short]", float16, float, double) {
  using T = TestType;
  constexpr std::size_t length = 37;  // rows that are no multiple of those taken at a time, over a checkpoint
  std::mt19937_64 generator(14);
  for (HotScan scan : stepwise_scans)
    for (std::size_t count : {131, 1055}) {
      const std::size_t pitch = length + Lanes<T>::room;
      Lanes<T> all{count, length, {}, {}, {}, {}, {}};
      for (std::size_t k = 0; k < sides(scan).in; ++k) {
        all.in[k].assign(count * pitch, T{});
        for (std::size_t c = 0; c < count; ++c) {
          const auto lane = lane_of<T>(scan, k, c, length, generator);
          for (std::size_t i = 0; i < length; ++i) all.in[k][i * count + c] = lane[i];
        }
      }
      for (auto& out : all.out) out.assign(count * pitch, T{});
      all.run(scan, true, false, false);
      for (std::size_t c : {std::size_t{0}, std::size_t{9}, std::size_t{127}, std::size_t{130}, count - 1}) {
        Lanes<T> one{1, length, {}, {}, {}, {}, {}};
        for (auto& in : one.in) in.assign(pitch, T{});
        for (auto& out : one.out) out.assign(pitch, T{});
        for (std::size_t k = 0; k < sides(scan).in; ++k)
          for (std::size_t i = 0; i < length; ++i) one.in[k][i] = all.in[k][i * count + c];
        one.run(scan, true, false, false);
        for (std::size_t k = 0; k < sides(scan).out; ++k)
          for (std::size_t i = 0; i < length; ++i) {
            INFO("scan " << static_cast<int>(scan) << ", column " << c << " of " << count << ", output " << k << ", element "
                         << i);
            if (!same_bits(std::vector<T>{one.out[k][i]}, std::vector<T>{all.out[k][i * count + c]})) FAIL_CHECK("other bits");
          }
      }
    }
}
