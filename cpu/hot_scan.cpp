#include "cpu/hot_scan.h"

#include <unistd.h>

#include "core/planted.h"
#include "cpu/hot_carries.h"
#include "cpu/simd/levels.h"
#include "cpu/tile_states.h"
#include "cpu/turn.h"

namespace scangrad::inline v0::cpu {
namespace {

/// Rows no longer than this are scanned side by side: a kernel for rows would spend more on starting each row than on its elements.
/// Never by the number of rows: a row's bits are the same alone and among others. Longer ones would gain in crowds, but alone they would
/// wait: a row in one lane is a chain of operations.
std::int64_t longest_short_row(HotScan scan, DType dtype) {
  if (is_complex(dtype) || (is_log_sum(scan) && dtype == DType::float64)) return 16;
  return short_row;
}
constexpr std::int64_t rows_a_task = 256;

/// Where all arrays are larger than this, results may be written past the caches. The last-level cache, but no more than what leaves
/// room for arrays that other operations work on: on two cores of a Xeon that names 480 MiB, copies slowed down between 64 and 96 MiB.
std::int64_t last_level_cache() {
  constexpr std::int64_t share = std::int64_t{40} << 20;
#if defined(_SC_LEVEL3_CACHE_SIZE)
  static const std::int64_t size = sysconf(_SC_LEVEL3_CACHE_SIZE);
  if (size > 0) return std::min(size, share);
#endif
  return share / 2;
}

/// Whether a row's stores go past the caches: on a Zen 3, a tile gathered for it, that cost more than it saved.
bool streams_rows() {
#ifdef __x86_64__
  static const bool yes = !__builtin_cpu_is("amd");
  return yes;
#else
  return true;
#endif
}

/// How the lanes of a scan are taken.
enum class Way : std::uint8_t { rows, columns, short_rows, turned_rows };

class HotScanRun {
 public:
  HotScanRun(const Context& context, const HotCall& call)
      : context_(context),
        call_(call),
        shape_(call.out[0]->shape()),
        lanes_(lanes_of(call)),
        dtype_(call.out[0]->dtype()),
        components_(is_complex(dtype_) ? 2 : 1),
        carries_(call) {
    for (std::size_t i = static_cast<std::size_t>(call.order.axis) + 1; i < shape_.size(); ++i) inner_ *= shape_[i];
    std::int64_t bytes = 0;
    for (const Array* in : call.in)
      if (in != nullptr) bytes += in->size() * static_cast<std::int64_t>(item_size(dtype_));
    way_ = way();
    stream_ =
        bytes + bytes_of(call.out[0]) + bytes_of(call.out[1]) > last_level_cache() && (way_ == Way::columns || streams_rows());
  }

  void run() {
    if (lanes_.length == 0) return lanes_.for_each(0, lanes_.count(), [&](const Offsets& at) { carries_.take_empty(at); });
    if (call_.out[0]->size() == 0) return;
    const std::int64_t threads = context_.pool().size();
    const std::int64_t blocks_of = way_ == Way::columns ? inner_ : lanes_.count();  // lanes that are cut into blocks
    const std::int64_t width = block_width(threads), blocks = (blocks_of + width - 1) / width;
    const std::int64_t tasks = lanes_.count() / blocks_of * blocks;
    const std::int64_t grain = std::max<std::int64_t>(1, parallel_grain / (lanes_.length * width));
    std::int64_t pieces = std::clamp<std::int64_t>(tasks / grain, 1, threads);
    if (way_ == Way::rows && tasks < threads && shares_rows(call_.scan) && !is_complex(dtype_)) {  // each row by all threads
      pieces = 1;
      sharers_ = std::clamp<std::int64_t>(lanes_.length / parallel_grain, 1, threads);
    }
    if (carries_.any()) carries_size_ = Carries::size(padded(width));
    const std::int64_t scratch = carries_size_ + (way_ == Way::turned_rows ? turned_size() : 0) + kernel_scratch();
    const auto memory = context_.scratch<double>(pieces * scratch);
    const ScanKernel kernel = kernel_of(way_);
    if (way_ == Way::rows && is_log_sum(call_.scan) && !is_complex(dtype_) && !carries_.any())
      states_.emplace(call_, lanes_.length, lanes_.count());
    context_.parallel_for(pieces, 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t piece = first; piece < last; ++piece) {
        double* own = memory.data() + piece * scratch;
        const std::int64_t begin = tasks * piece / pieces, end = tasks * (piece + 1) / pieces;
        if (way_ == Way::rows) rows(kernel, begin, end, own);
        for (std::int64_t task = begin; way_ != Way::rows && task < end; ++task) {
          const std::int64_t at = task % blocks * width, lane = task / blocks * blocks_of + at,
                             count = std::min(width, blocks_of - at);
          if (way_ == Way::columns) columns(kernel, lane, count, own);
          else if (way_ == Way::short_rows) short_rows(kernel, lane, count, own);
          else turned_rows(kernel, lane, count, own);
        }
      }
      finish_stores();
    });
    if (states_) states_->keep();
  }

 private:
  using Offsets = HotOffsets;

  ScanKernel kernel_of(Way way) const {
    const HotKernels& level = *current_level().kernels;
    const auto& table = way == Way::rows ? level.rows : way == Way::short_rows ? level.short_rows : level.columns;
    return table[static_cast<std::size_t>(call_.scan)][static_cast<std::size_t>(hot_dtype(dtype_))];
  }
  Way way() const {
    if (inner_ != 1) return Way::columns;
    if (lanes_.length > longest_short_row(call_.scan, dtype_)) return Way::rows;
    bool neighbours = kernel_of(Way::short_rows) != nullptr;
    for (std::size_t k = 0; k < inputs(); ++k) neighbours = neighbours && lanes_.step[k] == lanes_.step[out_at];
    return neighbours ? Way::short_rows : Way::turned_rows;
  }
  /// Lanes that a task takes. The columns are shared by all threads.
  std::int64_t block_width(std::int64_t threads) const {
    if (way_ == Way::rows) return 1;
    if (way_ == Way::short_rows) return rows_a_task;
    if (way_ == Way::turned_rows) return turned_a_task();
    constexpr std::int64_t few = 64;
    const std::int64_t shares = std::max<std::int64_t>(1, threads / (lanes_.count() / inner_));
    const std::int64_t share = (inner_ / shares + few - 1) / few * few;
    return std::min(inner_, std::clamp(share, few, most_columns));
  }
  /// Scratch begins with the carries of `lanes` lanes.
  Carries carries_of(std::int64_t lanes, double* scratch) const { return {lanes, carries_.any(), scratch}; }
  std::int64_t kernel_scratch() const {
    if (is_complex(dtype_)) return complex_scratch_size(call_.scan, lanes_.length, way_ != Way::rows);
    return way_ == Way::short_rows ? 0 : scratch_size(call_.scan, lanes_.length, way_ != Way::rows);
  }

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
    job.scratch = scratch + carries_size_;
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

  /// `count` elements that lie `apart`: of(column, component).
  template <class Of>
  void fill(void* first, std::int64_t apart, std::int64_t count, const Of& of) const {
    core::visit(core::Floats{}, component_type(dtype_), [&]<class T>() {
      for (std::int64_t c = 0; c < count; ++c)
        for (int k = 0; k < components_; ++k) static_cast<T*>(first)[c * apart * components_ + k] = core::convert<T>(of(c, k));
    });
  }

  /// Runs a job as the order says. An exclusive scan is the inclusive one of all elements but the last, one place further on; one that
  /// runs back meets the cotangents one place further on.
  void run_job(ScanKernel kernel, ScanJob job, Carries& carries) const {
    if (call_.initial[0] != nullptr) job.initial = carries.initial;
    if (carries_.ends() || call_.initial_cotangent != nullptr) job.final = carries.final;
    if (call_.final_cotangent != nullptr) job.behind = carries.behind;
    if (!call_.order.exclusive) return share(kernel, job);
    --job.length;
    ScanJob last = job;
    const int g = cotangent_of(call_.scan);
    if (g >= 0) job.in[g] = moved(job.in[g], SCANGRAD_PLANT(hot_exclusive_cotangent, job.in_step[g], std::int64_t{0}));
    for (std::size_t k = 0; k < max_outputs && job.out[k] != nullptr; ++k) {
      if (g >= 0) {
        fill(moved(job.out[k], job.length * job.out_step), job.out_apart[k], job.columns,
             [](std::int64_t, int) { return 0.0; });
        continue;
      }
      fill(job.out[k], job.out_apart[k], job.columns, [&](std::int64_t column, int c) {
        if (call_.initial[0] != nullptr) return carries.seen[(static_cast<int>(k) * components_ + c) * job.columns + column];
        return c == 0 ? call_.first[k] : 0.0;
      });
      job.out[k] = moved(job.out[k], SCANGRAD_PLANT(hot_exclusive_place, job.out_step, std::int64_t{0}));
    }
    if (job.length > 0) share(kernel, job);
    if (carries_.ends()) run_last(kernel, last, job.length, carries);
  }
  void share(ScanKernel kernel, ScanJob job) const {
    if (sharers_ == 1) return kernel(job);
    RowChain chain[2];
    job.chain = chain;
    context_.parallel_for(sharers_, 1, [&](std::int64_t first, std::int64_t last) {
      for (; first < last; ++first) kernel(job);
      finish_stores();
    });
  }
  /// Stores past the caches are in no order with others: who is told that a thread is done must find them.
  void finish_stores() const {
    if (stream_) std::atomic_thread_fence(std::memory_order_seq_cst);
  }
  /// The last element of an exclusive scan, which only the carry sees.
  void run_last(ScanKernel kernel, ScanJob job, std::int64_t at, Carries& carries) const {
    double unseen[max_outputs][2 * most_columns];
    for (std::size_t k = 0; k < max_inputs && job.in[k] != nullptr; ++k) job.in[k] = moved(job.in[k], at * job.in_step[k]);
    for (std::size_t k = 0; k < max_outputs && job.out[k] != nullptr; ++k) job.out[k] = unseen[k], job.out_apart[k] = 1;
    job.out_step = 1, job.length = 1, job.stream = false;
    if (at > 0) job.initial = carries.final;
    kernel(job);
  }
  template <class Pointer>
  Pointer* moved(Pointer* p, std::int64_t by) const {
    return static_cast<char*>(const_cast<void*>(static_cast<const void*>(p))) +
           by * static_cast<std::int64_t>(item_size(dtype_));
  }

  /// Rows go the way that their elements do: kernels ask for what lies ahead of them in memory.
  void rows(ScanKernel kernel, std::int64_t begin, std::int64_t end, double* scratch) const {
    const bool runs_back = cotangent_of(call_.scan) >= 0, down = (lanes_.step[out_at] < 0) != runs_back;
    std::int64_t row = down ? end - 1 : begin;
    const auto run = [&](const Offsets& at) {
      Carries carries = carries_of(1, scratch);
      carries_.give(carries, 0, at);
      ScanJob job = job_at(at, 1, scratch);
      if (states_) states_->give(job, SCANGRAD_PLANT(hot_states_of_other_row, row, begin));
      row += down ? -1 : 1;
      run_job(kernel, job, carries);
      carries_.take(carries, 0, at);
    };
    if (down) lanes_.for_each_back(begin, end, run);
    else lanes_.for_each(begin, end, run);
  }

  /// f(which, offsets) for `count` lanes from `lane` on.
  template <class F>
  void each_lane(std::int64_t lane, std::int64_t count, const F& f) const {
    std::int64_t c = 0;
    lanes_.for_each(lane, lane + count, [&](const Offsets& at) { f(c++, at); });
  }
  void give(Carries& carries, std::int64_t lane, std::int64_t count) const {
    if (carries_.any()) each_lane(lane, count, [&](std::int64_t c, const Offsets& at) { carries_.give(carries, c, at); });
  }
  void take(const Carries& carries, std::int64_t lane, std::int64_t count) const {
    if (carries_.any()) each_lane(lane, count, [&](std::int64_t c, const Offsets& at) { carries_.take(carries, c, at); });
  }

  /// `count` short rows from `lane` on, as they lie.
  void short_rows(ScanKernel kernel, std::int64_t lane, std::int64_t count, double* scratch) const {
    lanes_.for_each_run(lane, lane + count, [&](const Offsets& at, std::int64_t n, const Offsets& apart) {
      ScanJob job = job_at(at, n, scratch);
      for (std::size_t k = 0; k < inputs(); ++k) job.in_apart[k] = apart[k];
      for (std::size_t k = 0; k < outputs(); ++k) job.out_apart[k] = apart[out_at + k];
      Carries carries = carries_of(n, scratch);
      give(carries, lane, n);
      run_job(kernel, job, carries);
      take(carries, lane, n);
      lane += n;
    });
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
  /// So many rows are turned at a time: they stay in the first cache.
  std::int64_t turned_a_task() const { return std::clamp<std::int64_t>(2048 / lanes_.length / 32 * 32, 32, rows_a_task); }
  /// Doubles of scratch that one turned array takes, and all of them.
  std::int64_t turned_array() const {
    const std::int64_t rows = padded(std::min(turned_a_task(), lanes_.count()));
    return (lanes_.length * rows * static_cast<std::int64_t>(item_size(dtype_)) + 7) / 8;
  }
  std::int64_t turned_size() const { return static_cast<std::int64_t>(inputs() + outputs()) * turned_array(); }

  /// `count` rows from `lane` on, side by side.
  void turned_rows(ScanKernel kernel, std::int64_t lane, std::int64_t count, double* scratch) const {
    const std::int64_t width = padded(count), item = static_cast<std::int64_t>(item_size(dtype_)), array = turned_array();
    const std::size_t ins = inputs(), all = ins + outputs();
    const auto place = [&](std::size_t k) { return k < ins ? k : out_at + k - ins; };
    const auto side = [&](std::size_t k) { return scratch + carries_size_ + static_cast<std::int64_t>(k) * array; };
    char* base[max_inputs + max_outputs];
    for (std::size_t k = 0; k < all; ++k)
      base[k] = static_cast<char*>(element(k < ins ? *call_.in[k] : *call_.out[k - ins], 0));

    void* first[max_inputs + max_outputs][rows_a_task];
    std::int64_t row = 0;
    lanes_.for_each_run(lane, lane + count, [&](const Offsets& at, std::int64_t n, const Offsets& strides) {
      for (std::size_t k = 0; k < all; ++k)
        for (std::int64_t r = 0; r < n; ++r) first[k][row + r] = base[k] + (at[place(k)] + r * strides[place(k)]) * item;
      row += n;
    });
    const auto rows = [&](std::size_t k) { return RowSet{first[k], count, lanes_.step[place(k)], lanes_.length}; };

    ScanJob job;
    job.length = lanes_.length, job.columns = width, job.out_step = width;
    job.scratch = scratch + carries_size_ + turned_size();
    std::fill_n(job.in_step, max_inputs, width);
    for (std::size_t k = 0; k < ins; ++k) {
      if (count < width) std::memset(side(k), 0, static_cast<std::size_t>(lanes_.length * width * item));
      turn_in(rows(k), item, side(k), width);
      job.in[k] = side(k);
    }
    if (ins == 1) job.in[1] = job.in[0];
    for (std::size_t k = ins; k < all; ++k) job.out[k - ins] = side(k);

    Carries carries = carries_of(width, scratch);
    give(carries, lane, count);
    run_job(kernel, job, carries);
    for (std::size_t k = ins; k < all; ++k) turn_out(rows(k), item, side(k), width);
    take(carries, lane, count);
  }

  /// `count` neighbouring columns from `lane` on.
  void columns(ScanKernel kernel, std::int64_t lane, std::int64_t count, double* scratch) const {
    std::int64_t offsets[max_inputs][most_columns], done = 0;
    Offsets start{};
    bool dense[max_inputs];
    std::fill_n(dense, max_inputs, true);
    lanes_.for_each_run(lane, lane + count, [&](const Offsets& at, std::int64_t n, const Offsets& apart) {
      if (done == 0) start = at;
      for (std::size_t k = 0; k < inputs(); ++k) {
        dense[k] = dense[k] && at[k] - start[k] == done && (n == 1 || apart[k] == 1);
        for (std::int64_t c = 0; c < n; ++c) offsets[k][done + c] = at[k] - start[k] + c * apart[k];
      }
      done += n;
    });
    ScanJob job = job_at(start, count, scratch);
    for (std::size_t k = 0; k < inputs(); ++k)
      if (!dense[k]) job.in_columns[k] = offsets[k];
    if (job.in[1] == job.in[0]) job.in_columns[1] = job.in_columns[0];
    Carries carries = carries_of(count, scratch);
    give(carries, lane, count);
    run_job(kernel, job, carries);
    take(carries, lane, count);
  }

  const Context& context_;
  const HotCall& call_;
  const Shape& shape_;
  Lanes<max_arrays> lanes_;
  DType dtype_;
  int components_;
  HotCarries carries_;
  std::optional<TileStates> states_;
  std::int64_t inner_ = 1;
  std::int64_t carries_size_ = 0;
  std::int64_t sharers_ = 1;  ///< threads that work on one row
  bool stream_ = false;
  Way way_;
};

}  // namespace

void run_hot(const Context& context, const HotCall& call) { HotScanRun(context, call).run(); }

}  // namespace scangrad::inline v0::cpu
