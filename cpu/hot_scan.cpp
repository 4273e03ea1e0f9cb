#include "cpu/hot_scan.h"

#include <unistd.h>

#include "core/planted.h"
#include "cpu/hot_carry.h"
#include "cpu/hot_element.h"
#include "cpu/simd/levels.h"
#include "cpu/turn.h"

namespace scangrad::inline v0::cpu {
namespace {

/// Rows no longer than this are scanned side by side, so many at a time: a kernel for rows would spend more on each row than turning
/// them costs. Never by the number of rows: a row's bits are the same alone and among others. Longer ones would gain in crowds, but
/// alone they would wait: a row in one lane is a chain of operations.
constexpr std::int64_t rows_side_by_side = 32;
std::int64_t short_row(HotScan scan, DType dtype) {
  if (is_complex(dtype) || dtype == DType::float64) return 16;
  return is_log_sum(scan) ? 64 : 32;
}

/// Results larger than this are written past the caches.
std::int64_t last_level_cache() {
#if defined(_SC_LEVEL3_CACHE_SIZE)
  static const std::int64_t size = sysconf(_SC_LEVEL3_CACHE_SIZE);
  if (size > 0) return size;
#endif
  return std::int64_t{32} << 20;
}

// inputs, outputs, the carries that they start from and end with, the cotangents of these
constexpr std::size_t max_arrays = max_inputs + max_outputs + 2 * max_carried + 2;
constexpr std::size_t out_at = max_inputs, initial_at = out_at + max_outputs, final_at = initial_at + max_carried,
                      cotangent_at = final_at + max_carried, behind_at = cotangent_at + 1;

class HotScanRun {
 public:
  HotScanRun(const Context& context, const HotCall& call)
      : context_(context),
        call_(call),
        shape_(call.out[0]->shape()),
        lanes_(lanes_of(call)),
        dtype_(call.out[0]->dtype()),
        components_(is_complex(dtype_) ? 2 : 1),
        kernel_index_(static_cast<std::size_t>(call.scan)) {
    for (std::size_t i = static_cast<std::size_t>(call.order.axis) + 1; i < shape_.size(); ++i) inner_ *= shape_[i];
    std::int64_t bytes = 0;
    for (const Array* in : call.in)
      if (in != nullptr) bytes += in->size() * static_cast<std::int64_t>(item_size(dtype_));
    for (const Array* array : call.final) ends_ = ends_ || array != nullptr;
    stream_ = bytes + bytes_of(call.out[0]) + bytes_of(call.out[1]) > last_level_cache();
  }

  void run() {
    if (lanes_.length == 0) return empty();
    if (call_.out[0]->size() == 0) return;
    const bool turned = inner_ == 1 && lanes_.length <= short_row(call_.scan, dtype_);
    if (turned) inner_ = lanes_.count();
    const bool across = inner_ != 1 || turned;
    const std::int64_t width = turned ? rows_side_by_side : std::min(inner_, tile), blocks = (inner_ + width - 1) / width;
    const std::int64_t tasks = lanes_.count() / inner_ * blocks;
    const std::int64_t grain = std::max<std::int64_t>(1, parallel_grain / (lanes_.length * width));
    std::int64_t pieces = std::clamp<std::int64_t>(tasks / grain, 1, context_.pool().size());
    if (!across && tasks < context_.pool().size() && shares_rows(call_.scan) &&
        !is_complex(dtype_)) {  // each row by all threads
      pieces = 1;
      sharers_ = std::clamp<std::int64_t>(lanes_.length / parallel_grain, 1, context_.pool().size());
    }
    const std::int64_t scratch = (is_complex(dtype_) ? complex_scratch_size : scratch_size)(call_.scan, lanes_.length, across) +
                                 (turned ? turned_size() : 0);
    const auto memory = context_.scratch<double>(pieces * scratch);
    const auto& level = *current_level().kernels;
    const auto dtype = static_cast<std::size_t>(hot_dtype(dtype_));
    const ScanKernel kernel = across ? level.columns[kernel_index_][dtype] : level.rows[kernel_index_][dtype];
    context_.parallel_for(pieces, 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t piece = first; piece < last; ++piece) {
        double* own = memory.data() + piece * scratch;
        const std::int64_t begin = tasks * piece / pieces, end = tasks * (piece + 1) / pieces;
        if (!across) rows(kernel, begin, end, own);
        for (std::int64_t task = begin; across && task < end; ++task) {
          if (turned) turned_rows(kernel, task * width, std::min(width, inner_ - task * width), own);
          else columns(kernel, task / blocks, task % blocks * width, width, own);
        }
      }
    });
  }

 private:
  using Offsets = std::array<std::int64_t, max_arrays>;

  static std::int64_t bytes_of(const Array* array) {
    return array == nullptr ? 0 : array->size() * static_cast<std::int64_t>(item_size(array->dtype()));
  }

  static Lanes<max_arrays> lanes_of(const HotCall& call) {
    const Shape& shape = call.out[0]->shape();
    std::array<Strides, max_arrays> strides;
    strides.fill(Strides(shape.size(), 0));
    for (std::size_t k = 0; k < max_inputs; ++k)
      if (call.in[k] != nullptr) strides[k] = call.in[k]->strides;
    for (std::size_t k = 0; k < max_outputs; ++k)
      if (call.out[k] != nullptr) strides[out_at + k] = call.out[k]->strides;
    const auto without_axis = [&](std::size_t place, const Array* array) {
      if (array == nullptr) return;
      for (std::size_t i = 0, next = 0; i < shape.size(); ++i)
        if (static_cast<int>(i) != call.order.axis) strides[place][i] = array->strides[next++];
    };
    for (std::size_t k = 0; k < max_carried; ++k) without_axis(initial_at + k, call.initial[k]);
    for (std::size_t k = 0; k < max_carried; ++k) without_axis(final_at + k, call.final[k]);
    without_axis(cotangent_at, call.initial_cotangent);
    without_axis(behind_at, call.final_cotangent);
    return Lanes<max_arrays>::along(shape, strides, call.order.axis, call.order.reverse);
  }

  ScanJob job_at(const Offsets& at, std::int64_t columns, double* scratch) const {
    ScanJob job;
    job.length = lanes_.length;
    job.columns = columns;
    job.scratch = scratch;
    job.stream = stream_;
    for (std::size_t k = 0; k < max_inputs && call_.in[k] != nullptr; ++k) {
      job.in[k] = element(*call_.in[k], at[k]);
      job.in_step[k] = lanes_.step[k];
    }
    if (job.in[1] == nullptr) job.in[1] = job.in[0], job.in_step[1] = job.in_step[0];
    job.out_step = lanes_.step[out_at];
    for (std::size_t k = 0; k < max_outputs && call_.out[k] != nullptr; ++k)
      job.out[k] = element(*call_.out[k], at[out_at + k]);
    return job;
  }

  /// Neighbouring elements from `first` on: of(column, component).
  template <class Of>
  void fill_row(void* first, std::int64_t count, const Of& of) const {
    core::visit(core::Floats{}, component_type(dtype_), [&]<class T>() {
      for (std::int64_t c = 0; c < count; ++c)
        for (int k = 0; k < components_; ++k) static_cast<T*>(first)[c * components_ + k] = core::convert<T>(of(c, k));
    });
  }

  /// The carries that `count` neighbouring lanes start from and end with, part after part; what an exclusive scan shows of the first,
  /// output after output, each by components; and the cotangents of the last.
  struct Carries {
    std::int64_t count;
    double initial[max_parts * tile], final[max_parts * tile], seen[2 * max_outputs * tile], behind[tile];
    explicit Carries(std::int64_t n) : count(n) {
      std::fill_n(initial, max_parts * n, 0.0);
      std::fill_n(final, max_parts * n, 0.0);
    }
  };
  bool full() const { return dtype_ == DType::float64; }

  static LogParts log_parts(const double* parts, std::int64_t stride) {
    return {parts[0], parts[stride], parts[2 * stride], parts[3 * stride], parts[4 * stride]};
  }

  /// Whether lanes start from, end with, or pass anything.
  bool carried() const {
    return call_.initial[0] != nullptr || call_.initial_cotangent != nullptr || call_.final_cotangent != nullptr || ends_;
  }
  void give(Carries& carries, std::int64_t lane, const Offsets& at) const {
    if (call_.final_cotangent != nullptr) carries.behind[lane] = value_at(*call_.final_cotangent, at[behind_at]);
    if (call_.initial[0] == nullptr) return;
    double *to = carries.initial + lane, *seen = carries.seen + lane;
    const auto value = [&](std::size_t k, int c = 0) {
      return call_.initial[k] == nullptr ? 0.0 : value_at(*call_.initial[k], at[initial_at + k], c);
    };
    if (!is_log_sum(call_.scan)) {
      for (int c = 0; c < components_; ++c) {
        for (std::size_t k = 0; k < max_carried; ++k)
          if (call_.initial[k] != nullptr) to[(call_.carry_part[k] + c) * carries.count] = value(k, c);
        seen[c * carries.count] = value(0, c), seen[(components_ + c) * carries.count] = value(carried_tangent, c);
      }
      return;
    }
    const LogCarry carry{value(0), {value(1), value(2)}, value(carried_tangent)};
    const LogParts parts = to_kernel(carry, full());
    const double all[] = {parts.ref, parts.s, parts.s_low, parts.u, parts.u_low};
    for (int p = 0; p < 5; ++p) to[p * carries.count] = all[p];
    seen[0] = carry.empty() ? ops::minus_infinity : ops::log_relative(carry.m, carry.s);
    const double mean = carry.empty() ? 0 : std::isnan(carry.m) ? carry.m : carry.tangent;
    seen[call_.scan == HotScan::logcumsumexp_mean ? 0 : carries.count] = mean;
  }

  void take(const Carries& carries, std::int64_t lane, const Offsets& at) const {
    if (ends_) take_final(carries, lane, at);
    for (int c = 0; c < components_ && call_.initial_cotangent != nullptr; ++c)
      put_value(*call_.initial_cotangent, at[cotangent_at], cotangent(carries, lane, at, c), c);
  }
  void take_final(const Carries& carries, std::int64_t lane, const Offsets& at) const {
    const double* from = carries.final + lane;
    double value[max_carried];
    if (is_log_sum(call_.scan)) {
      const LogCarry carry = from_kernel(log_parts(from, carries.count), full());
      value[0] = carry.m, value[1] = carry.s.high, value[2] = carry.s.low, value[3] = carry.tangent;
    } else if (call_.final[1] != nullptr) {  // in two parts
      const double high = from[call_.carry_part[0] * carries.count], low = from[call_.carry_part[1] * carries.count];
      const ops::Twice c = ops::two_sum(high, std::isfinite(high) ? low : 0);
      value[0] = c.high, value[1] = c.low;
    } else {
      value[0] = from[call_.carry_part[0] * carries.count];
    }
    for (std::size_t k = 0; k < max_carried; ++k)
      if (call_.final[k] != nullptr) put_value(*call_.final[k], at[final_at + k], value[k]);
  }
  /// Of the carry that the scan starts from. An exclusive scan's first output is that carry itself.
  double cotangent(const Carries& carries, std::int64_t lane, const Offsets& at, int component) const {
    const double first = carries.final[component * carries.count + lane], second = carries.final[carries.count + lane];
    const auto g = static_cast<std::size_t>(cotangent_of(call_.scan));
    const double own = call_.order.exclusive ? value_at(*call_.in[g], at[g], component) : 0;
    if (is_complex(dtype_)) return first + own;
    if (!is_log_sum(call_.scan)) return first + second + own;
    const LogParts start = log_parts(carries.initial + lane, carries.count);
    return start.s == 0 ? 0 : given_to(start, second, first, full()) + own;
  }

  /// Lanes without elements end with what they started from.
  void empty() const {
    lanes_.for_each(0, lanes_.count(), [&](const Offsets& at) {
      for (std::size_t k = 0; k < max_carried; ++k)
        if (call_.final[k] != nullptr) {
          const double identity = k == 0 ? call_.first[0] : 0;
          const Array* initial = call_.initial[k];
          put_value(*call_.final[k], at[final_at + k], initial == nullptr ? identity : value_at(*initial, at[initial_at + k]));
        }
      if (call_.initial_cotangent == nullptr) return;
      const bool passes = call_.final_cotangent != nullptr &&
                          !(is_log_sum(call_.scan) && value_at(*call_.initial[0], at[initial_at]) == ops::minus_infinity);
      for (int c = 0; c < components_; ++c)
        put_value(*call_.initial_cotangent, at[cotangent_at], passes ? value_at(*call_.final_cotangent, at[behind_at], c) : 0,
                  c);
    });
  }

  /// Runs a job as the order says. An exclusive scan is the inclusive one of all elements but the last, one place further on; one that
  /// runs back meets the cotangents one place further on.
  void run_job(ScanKernel kernel, ScanJob job, Carries& carries) const {
    if (call_.initial[0] != nullptr) job.initial = carries.initial;
    if (ends_ || call_.initial_cotangent != nullptr) job.final = carries.final;
    if (call_.final_cotangent != nullptr) job.behind = carries.behind;
    if (!call_.order.exclusive) return share(kernel, job);
    --job.length;
    ScanJob last = job;
    const int g = cotangent_of(call_.scan);
    if (g >= 0) job.in[g] = moved(job.in[g], SCANGRAD_PLANT(hot_exclusive_cotangent, job.in_step[g], std::int64_t{0}));
    for (std::size_t k = 0; k < max_outputs && job.out[k] != nullptr; ++k) {
      if (g >= 0) {
        fill_row(moved(job.out[k], job.length * job.out_step), job.columns, [](std::int64_t, int) { return 0.0; });
        continue;
      }
      fill_row(job.out[k], job.columns, [&](std::int64_t column, int c) {
        if (call_.initial[0] != nullptr) return carries.seen[(static_cast<int>(k) * components_ + c) * job.columns + column];
        return c == 0 ? call_.first[k] : 0.0;
      });
      job.out[k] = moved(job.out[k], SCANGRAD_PLANT(hot_exclusive_place, job.out_step, std::int64_t{0}));
    }
    if (job.length > 0) share(kernel, job);
    if (ends_) run_last(kernel, last, job.length, carries);
  }
  void share(ScanKernel kernel, ScanJob job) const {
    if (sharers_ == 1) return kernel(job);
    RowChain chain[2];
    job.chain = chain;
    context_.parallel_for(sharers_, 1, [&](std::int64_t first, std::int64_t last) {
      for (; first < last; ++first) kernel(job);
    });
  }
  /// The last element of an exclusive scan, which only the carry sees.
  void run_last(ScanKernel kernel, ScanJob job, std::int64_t at, Carries& carries) const {
    double unseen[max_outputs][tile];
    for (std::size_t k = 0; k < max_inputs && job.in[k] != nullptr; ++k) job.in[k] = moved(job.in[k], at * job.in_step[k]);
    for (std::size_t k = 0; k < max_outputs && job.out[k] != nullptr; ++k) job.out[k] = unseen[k];
    job.out_step = 1, job.length = 1, job.stream = false;
    if (at > 0) job.initial = carries.final;
    kernel(job);
  }
  template <class Pointer>
  Pointer* moved(Pointer* p, std::int64_t by) const {
    return static_cast<char*>(const_cast<void*>(static_cast<const void*>(p))) +
           by * static_cast<std::int64_t>(item_size(dtype_));
  }

  void rows(ScanKernel kernel, std::int64_t begin, std::int64_t end, double* scratch) const {
    lanes_.for_each(begin, end, [&](const Offsets& at) {
      Carries carries(1);
      give(carries, 0, at);
      run_job(kernel, job_at(at, 1, scratch), carries);
      take(carries, 0, at);
    });
  }

  /// f(which, offsets) for `count` lanes from `lane` on.
  template <class F>
  void each_lane(std::int64_t lane, std::int64_t count, const F& f) const {
    std::int64_t c = 0;
    lanes_.for_each(lane, lane + count, [&](const Offsets& at) { f(c++, at); });
  }

  std::size_t inputs() const {
    return static_cast<std::size_t>(std::find(call_.in.begin(), call_.in.end(), nullptr) - call_.in.begin());
  }
  std::size_t outputs() const { return call_.out[1] == nullptr ? 1 : 2; }
  /// So many rows, padded to whole registers.
  static std::int64_t padded(std::int64_t rows) {
    const std::int64_t wide = current_level().kernels->wide;
    return (rows + wide - 1) / wide * wide;
  }
  /// Doubles of scratch that one turned array takes, and all of them.
  std::int64_t turned_array() const {
    const std::int64_t rows = padded(std::min(rows_side_by_side, lanes_.count()));
    return (lanes_.length * rows * static_cast<std::int64_t>(item_size(dtype_)) + 7) / 8;
  }
  std::int64_t turned_size() const { return static_cast<std::int64_t>(inputs() + outputs()) * turned_array(); }

  /// `count` rows from `lane` on, side by side.
  void turned_rows(ScanKernel kernel, std::int64_t lane, std::int64_t count, double* scratch) const {
    const std::int64_t width = padded(count), item = static_cast<std::int64_t>(item_size(dtype_)), array = turned_array();
    const std::size_t ins = inputs(), all = ins + outputs();
    const auto place = [&](std::size_t k) { return k < ins ? k : out_at + k - ins; };
    const auto side = [&](std::size_t k) { return scratch + static_cast<std::int64_t>(k) * array; };
    char* base[max_inputs + max_outputs];
    for (std::size_t k = 0; k < all; ++k)
      base[k] = static_cast<char*>(element(k < ins ? *call_.in[k] : *call_.out[k - ins], 0));

    void* first[max_inputs + max_outputs][rows_side_by_side];
    std::int64_t row = 0;
    lanes_.for_each_run(lane, lane + count, [&](const Offsets& at, std::int64_t n, const Offsets& strides) {
      for (std::size_t k = 0; k < all; ++k)
        for (std::int64_t r = 0; r < n; ++r) first[k][row + r] = base[k] + (at[place(k)] + r * strides[place(k)]) * item;
      row += n;
    });
    const auto rows = [&](std::size_t k) { return RowSet{first[k], count, lanes_.step[place(k)], lanes_.length}; };

    ScanJob job;
    job.length = lanes_.length, job.columns = width, job.out_step = width;
    job.scratch = scratch + turned_size();
    std::fill_n(job.in_step, max_inputs, width);
    for (std::size_t k = 0; k < ins; ++k) {
      if (count < width) std::memset(side(k), 0, static_cast<std::size_t>(lanes_.length * width * item));
      turn_in(rows(k), item, side(k), width);
      job.in[k] = side(k);
    }
    if (ins == 1) job.in[1] = job.in[0];
    for (std::size_t k = ins; k < all; ++k) job.out[k - ins] = side(k);

    Carries carries(width);
    if (carried()) each_lane(lane, count, [&](std::int64_t c, const Offsets& at) { give(carries, c, at); });
    run_job(kernel, job, carries);
    for (std::size_t k = ins; k < all; ++k) turn_out(rows(k), item, side(k), width);
    if (carried()) each_lane(lane, count, [&](std::int64_t c, const Offsets& at) { take(carries, c, at); });
  }

  void columns(ScanKernel kernel, std::int64_t outer, std::int64_t first, std::int64_t width, double* scratch) const {
    const std::int64_t count = std::min(width, inner_ - first), lane = outer * inner_ + first;
    std::int64_t offsets[max_inputs][tile];
    Carries carries(count);
    Offsets start{};
    bool dense[max_inputs];
    std::fill_n(dense, max_inputs, true);
    each_lane(lane, count, [&](std::int64_t c, const Offsets& at) {
      if (c == 0) start = at;
      for (std::size_t k = 0; k < max_inputs; ++k) {
        offsets[k][c] = at[k] - start[k];
        dense[k] = dense[k] && offsets[k][c] == c;
      }
      give(carries, c, at);
    });
    ScanJob job = job_at(start, count, scratch);
    for (std::size_t k = 0; k < max_inputs && call_.in[k] != nullptr; ++k)
      if (!dense[k]) job.in_columns[k] = offsets[k];
    if (job.in[1] == job.in[0]) job.in_columns[1] = job.in_columns[0];
    run_job(kernel, job, carries);
    each_lane(lane, count, [&](std::int64_t c, const Offsets& at) { take(carries, c, at); });
  }

  const Context& context_;
  const HotCall& call_;
  const Shape& shape_;
  Lanes<max_arrays> lanes_;
  DType dtype_;
  int components_;
  std::size_t kernel_index_;
  std::int64_t inner_ = 1;
  std::int64_t sharers_ = 1;  ///< threads that work on one row
  bool stream_ = false;
  bool ends_ = false;  ///< the carry after the last element is wanted
};

}  // namespace

void run_hot(const Context& context, const HotCall& call) { HotScanRun(context, call).run(); }

}  // namespace scangrad::inline v0::cpu
