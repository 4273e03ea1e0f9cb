#pragma once
// Scans whose elements meet their carry one after the other, `lanes` scans side by side: neighbouring columns, of which several rows
// are taken at a time, so that the carries stay in registers; and short rows, which are turned in registers.
//
// A step (MonoidStep; TangentStep in tangents.h) holds the carries of a register of scans. One whose chains of operations are long
// (LseFloatStep in lse_steps.h) takes four elements together.

#include "cpu/simd/traverse.h"

namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL {

template <class Step>
inline constexpr bool takes_rows = requires(Step step, typename Step::V (&x)[1][Step::inputs],
                                            typename Step::V (&y)[1][Step::outputs]) {
  step.take_rows(x, true, y);
};

template <class M>
class MonoidStep {
 public:
  using V = D;
  static constexpr int inputs = M::arity, outputs = 1;

  void start(const ScanJob& job, std::int64_t column, std::int64_t count) {
    carry_ = initial_state(job, column, count, start_of<M>());
  }
  void finish(const ScanJob& job, std::int64_t column, std::int64_t count) { final_state(job, column, count, carry_); }

  /// Takes in elements x, `fresh` if nothing was before them, and gives what the scans are behind them.
  SCANGRAD_INLINE void take(D* x, bool fresh, D* y) {
    if (starts_empty<M> && fresh) x[0] = D{};
    carry_ = M::advance(SCANGRAD_PLANT(hot_column_carry, carry_, start_of<M>()), M::lift(x));
    y[0] = M::project(carry_);
  }

 private:
  typename M::State carry_;
};

/// A scan across neighbouring columns, a tile of columns at a time.
template <class Step, class T>
class StepColumns {
 public:
  explicit StepColumns(const ScanJob& job) : job_(job) {}

  void run() {
    for_each_part(job_.columns, column_tile<T>, [&](std::int64_t first, std::int64_t count) { run(first, count); });
  }

 private:
  using V = typename Step::V;
  static constexpr int width = lanes_in<V>, inputs = Step::inputs, outputs = Step::outputs;
  using Readers = ColumnReader<T>[4];
  using Writers = ColumnWriter<T>[2];

  void run(std::int64_t first, std::int64_t count) {
    Readers in = {{job_, 0, first, count},
                  {job_, inputs > 1 ? 1 : 0, first, count},
                  {job_, inputs > 2 ? 2 : 0, first, count},
                  {job_, inputs > 3 ? 3 : 0, first, count}};
    Writers out = {{job_, 0, first}, {job_, outputs - 1, first}};
    const auto each_step = [&](const auto& f) {
      for_each_part(count, width, [&](std::int64_t i, std::int64_t here) { f(steps_[i / width], first + i, here); });
    };
    each_step([&](Step& step, std::int64_t column, std::int64_t here) { step.start(job_, column, here); });
    for_each_rows(0, job_.length, [&](std::int64_t row, auto rows) { some_rows<rows>(row, count, in, out); });
    each_step([&](Step& step, std::int64_t column, std::int64_t here) { step.finish(job_, column, here); });
  }

  template <std::int64_t rows>
  void some_rows(std::int64_t row, std::int64_t count, Readers& readers, Writers& writers) {
    const T* in[rows][inputs];
    T* out[rows][outputs];
    std::int64_t ahead[inputs];
    for (std::int64_t r = 0; r < rows; ++r) {
      for (int k = 0; k < inputs; ++k) in[r][k] = readers[k].at(row + r), ahead[k] = readers[k].ahead();
      for (int k = 0; k < outputs; ++k) out[r][k] = writers[k].at(row + r);
    }
    const bool fresh = row == 0 && job_.initial == nullptr;
    // Row after row of each group: rows may lie a multiple of 4 KiB apart, and the first cache then holds few of their lines.
    const auto take = [&](std::int64_t i, std::int64_t here, auto registers, auto whole) __attribute__((always_inline)) {
      if constexpr (takes_rows<Step>) {
        for (int g = 0; g < registers; ++g) {
          V x[rows][inputs], y[rows][outputs];
          for (std::int64_t r = 0; r < rows; ++r)
            for (int k = 0; k < inputs; ++k) x[r][k] = read<V>(in[r][k] + i + g * width, here, whole);
          steps_[i / width + g].take_rows(x, fresh, y);
          for (std::int64_t r = 0; r < rows; ++r)
            for (int k = 0; k < outputs; ++k) write(out[r][k] + i + g * width, here, y[r][k], whole);
        }
        return;
      } else {
        Step steps[registers];
        for (int g = 0; g < registers; ++g) steps[g] = steps_[i / width + g];
        for (std::int64_t r = 0; r < rows; ++r)
          for (int g = 0; g < registers; ++g) {
            V x[inputs], y[outputs];
            for (int k = 0; k < inputs; ++k) x[k] = read<V>(in[r][k] + i + g * width, here, whole);
            steps[g].take(x, fresh && r == 0, y);
            for (int k = 0; k < outputs; ++k) write(out[r][k] + i + g * width, here, y[k], whole);
          }
        for (int g = 0; g < registers; ++g) steps_[i / width + g] = steps[g];
      }
    };
    constexpr std::int64_t line = 64 / sizeof(T), chunk = line < 4 * width ? line : 4 * width;
    std::int64_t i = 0;
    for (; rows > 1 && i + chunk <= count; i += chunk) {
      for (std::int64_t r = 0; r < rows; ++r)
        for (int k = 0; k < inputs; ++k) __builtin_prefetch(in[r][k] + i + ahead[k]);
      take(i, width, std::integral_constant<int, chunk / width>(), std::true_type());
    }
    for (; i + width <= count; i += width) take(i, width, std::integral_constant<int, 1>(), std::true_type());
    if (i < count) take(i, count - i, std::integral_constant<int, 1>(), std::false_type());
    for (std::int64_t r = 0; r < rows; ++r)
      for (int k = 0; k < outputs; ++k) writers[k].end_row(row + r, count);
  }

  const ScanJob& job_;
  Step steps_[column_tile<T> / width];
};

template <class Step, class T>
void step_columns(const ScanJob& job) {
  StepColumns<Step, T>(job).run();
}

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
