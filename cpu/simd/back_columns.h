#pragma once
// What runs back (back.h) across neighbouring columns and along short rows, one element after the other, `lanes` scans side by side.
//
// Columns: forwards once for the states at every checkpoint_rows rows, then back, so many rows at a time, which run forwards again.

#include "cpu/simd/back.h"
#include "cpu/simd/short_rows.h"

namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL {

/// What the way back needs of elements: of what was before them, and what they let through.
struct Seen {
  Pair before;
  D link;
};
/// The carry of a register of scans on the way forwards.
template <class Rule>
struct Down {
  using M = typename Rule::Value;
  typename M::State carry;

  static Down start(const ScanJob& job, std::int64_t column, std::int64_t count) {
    return {initial_state(job, column, count, start_of<M>())};
  }
  /// Over elements x, `fresh` if nothing was before them.
  SCANGRAD_INLINE Seen take(D* x, bool fresh) {
    if (starts_empty<M> && fresh) x[0] = D{};
    const Seen seen{Rule::kept(carry), Rule::link(carry, x)};
    carry = M::advance(carry, M::lift(x));
    return seen;
  }
};
/// The same on the way back.
template <class Rule>
struct Up {
  using B = typename Rule::Back;
  typename B::State R;
  D link;  ///< what the element behind lets through

  static Up start(const ScanJob& job, std::int64_t column, std::int64_t count) {
    return {behind_state<B>(job, column, count), behind_link(job)};
  }
  void finish(const ScanJob& job, std::int64_t column, std::int64_t count) const {
    final_cotangent<Rule>(job, column, count, link, R);
  }
  /// Over elements and their cotangents g; gives those of x.
  SCANGRAD_INLINE void take(const Seen& seen, D g, bool fresh, D* gx) {
    const D in[2] = {link, g};
    R = B::advance(R, B::lift(in));
    Rule::give(gx, Rule::through(R), seen.before, seen.link);
    if (starts_empty<typename Rule::Value> && fresh) gx[0] = D{};
    link = SCANGRAD_PLANT(hot_back_column_link, seen.link, link);
  }
};

template <class Rule, class T>
class BackColumns {
  using State = typename Rule::Value::State;
  static constexpr std::int64_t width = back_columns_at_once;
  static constexpr int inputs = Rule::inputs, outputs = Rule::outputs;

 public:
  explicit BackColumns(const ScanJob& job) : job_(job) {}

  void run() {
    for_each_part(job_.columns, width, [&](std::int64_t first, std::int64_t count) { block(first, count); });
  }

 private:
  using Reader = ColumnReader<T, width>;
  template <int n>
  using Constant = std::integral_constant<int, n>;

  void block(std::int64_t first, std::int64_t count) {
    Reader in[] = {{job_, 0, first, count}, {job_, inputs - 1, first, count}}, gs(job_, inputs, first, count);
    for_each_register(count, [&](std::int64_t i, std::int64_t here, auto) {
      downs_[i / lanes] = Down<Rule>::start(job_, first + i, here), ups_[i / lanes] = Up<Rule>::start(job_, first + i, here);
    });
    const std::int64_t last = (job_.length - 1) / checkpoint_rows * checkpoint_rows;
    for (std::int64_t begin = 0; begin < last; begin += checkpoint_rows) {
      keep(begin, count);
      down<false>(in, begin, count);
    }
    keep(last, count);
    for (std::int64_t begin = last; begin >= 0; begin -= checkpoint_rows) {
      restore(begin, count);
      down<true>(in, begin, count);
      up(gs, begin, first, count);
    }
    for_each_register(count, [&](std::int64_t i, std::int64_t here, auto) { ups_[i / lanes].finish(job_, first + i, here); });
  }

  /// Rows until the next checkpoint.
  std::int64_t rows_from(std::int64_t begin) const {
    return job_.length - begin < checkpoint_rows ? job_.length - begin : checkpoint_rows;
  }
  double* place(std::int64_t row, std::int64_t i, int part) const {
    return job_.scratch + (row / checkpoint_rows * parts_of<State> + part) * width + i;
  }
  void keep(std::int64_t row, std::int64_t count) {
    for (std::int64_t i = 0; i < count; i += lanes)
      for (int p = 0; p < parts_of<State>; ++p) store(place(row, i, p), as_bits<Parts<State>>(downs_[i / lanes].carry).part[p]);
  }
  void restore(std::int64_t row, std::int64_t count) {
    for (std::int64_t i = 0; i < count; i += lanes) {
      Parts<State> carry;
      for (int p = 0; p < parts_of<State>; ++p) carry.part[p] = load(place(row, i, p));
      downs_[i / lanes].carry = as_bits<State>(carry);
    }
  }

  /// Whether nothing is before a row.
  bool fresh(std::int64_t row) const { return row == 0 && job_.initial == nullptr; }

  template <bool recorded>
  void down(Reader (&in)[2], std::int64_t begin, std::int64_t count) {
    for_each_rows(0, rows_from(begin), [&](std::int64_t r, auto some) { down<recorded>(in, begin + r, r, count, some); });
  }
  template <bool recorded, class Rows>
  void down(Reader (&in)[2], std::int64_t row, std::int64_t k, std::int64_t count, Rows rows) {
    const T* from[rows][inputs];
    std::int64_t ahead[inputs];
    for (int n = 0; n < inputs; ++n) {
      ahead[n] = in[n].ahead();
      for (int r = 0; r < rows; ++r) from[r][n] = in[n].at(row + r);
    }
    for_each_register(
        count, [&](std::int64_t i, std::int64_t here, auto whole) __attribute__((always_inline)) {
          auto step = downs_[i / lanes];
          for (int r = 0; r < rows; ++r) {
            for (int n = 0; n < inputs; ++n) __builtin_prefetch(from[r][n] + i + ahead[n]);
            D x[2];
            for (int n = 0; n < inputs; ++n) x[n] = read<D>(from[r][n] + i, here, whole);
            const auto seen = step.take(x, fresh(row + r));
            if constexpr (recorded) record(k + r, i, seen);
          }
          downs_[i / lanes] = step;
        });
  }
  void up(Reader& gs, std::int64_t begin, std::int64_t first, std::int64_t count) {
    std::int64_t r = rows_from(begin);
    for (; r % rows_at_once != 0; --r) up(gs, begin + r - 1, r - 1, first, count, Constant<1>());
    for (; r > 0; r -= rows_at_once) up(gs, begin + r - rows_at_once, r - rows_at_once, first, count, Constant<rows_at_once>());
  }
  template <class Rows>
  void up(Reader& gs, std::int64_t row, std::int64_t k, std::int64_t first, std::int64_t count, Rows rows) {
    const T* from[rows];
    T* to[rows][outputs];
    const std::int64_t ahead = gs.ahead(), out_ahead = rows_at_once * job_.out_step;
    for (int r = 0; r < rows; ++r) {
      from[r] = gs.at(row + r);
      for (int n = 0; n < outputs; ++n) to[r][n] = static_cast<T*>(job_.out[n]) + (row + r) * job_.out_step + first;
    }
    for_each_register(
        count, [&](std::int64_t i, std::int64_t here, auto whole) __attribute__((always_inline)) {
          auto step = ups_[i / lanes];
          for (int r = rows - 1; r >= 0; --r) {
            __builtin_prefetch(from[r] + i - ahead);
            for (int n = 0; n < outputs; ++n) __builtin_prefetch(to[r][n] + i - out_ahead, 1);
            D gx[outputs];
            step.take(seen(k + r, i), read<D>(from[r] + i, here, whole), fresh(row + r), gx);
            for (int n = 0; n < outputs; ++n) write(to[r][n] + i, here, gx[n], whole);
          }
          ups_[i / lanes] = step;
        });
  }

  SCANGRAD_INLINE void record(std::int64_t k, std::int64_t i, const Seen& seen) {
    store(before_[k] + i, seen.before.high), store(links_[k] + i, seen.link);
    if constexpr (is_full<T>) store(before_low_[k] + i, seen.before.low);
  }
  SCANGRAD_INLINE Seen seen(std::int64_t k, std::int64_t i) const {
    return {{load(before_[k] + i), is_full<T> ? load(before_low_[k] + i) : D{}}, load(links_[k] + i)};
  }

  const ScanJob& job_;
  Down<Rule> downs_[width / lanes];
  Up<Rule> ups_[width / lanes];
  alignas(64) double before_[checkpoint_rows][width], links_[checkpoint_rows][width];
  alignas(64) double before_low_[is_full<T> ? checkpoint_rows : 1][width];
};

template <template <bool> class Rule, class T>
void back_columns(const ScanJob& job) {
  if (job.length > 0 && job.columns > 0) BackColumns<Rule<is_full<T>>, T>(job).run();
}

template <class Rule, class T>
class ShortRowsBack {
  static constexpr int arguments = Rule::inputs;

 public:
  static constexpr int width = lanes, inputs = arguments + 1, outputs = Rule::outputs;

  static void run(const ScanJob& job, std::int64_t rows) {
    In ins[] = {{job, 0}, {job, arguments - 1}}, gs(job, arguments);
    Out outs[] = {{job, 0}, {job, outputs - 1}};
    const bool fresh = job.initial == nullptr;
    for_each_part(
        rows, width, [&](std::int64_t row, std::int64_t count) __attribute__((always_inline)) {
          Seen seen[short_row];
          auto down = Down<Rule>::start(job, row, count);
          auto up = Up<Rule>::start(job, row, count);
          forwards(down, ins, job.length, fresh, seen);
          back(up, gs, outs, job.length, fresh, seen);
          up.finish(job, row, count);
          for (int k = 0; k < arguments; ++k) ins[k].next();
          for (int k = 0; k < outputs; ++k) outs[k].next();
          gs.next();
        });
  }

 private:
  using In = RowsOfRegister<D, const T>;
  using Out = RowsOfRegister<D, T>;

  static SCANGRAD_INLINE void forwards(Down<Rule>& down, const In* ins, std::int64_t length, bool fresh, Seen* seen) {
    for_each_square<D>(
        length, [&](std::int64_t at, auto size) __attribute__((always_inline)) {
          constexpr int n = size;
          D x[arguments][n];
#pragma GCC unroll 4
          for (int k = 0; k < arguments; ++k) ins[k].get(at, x[k]);
          for (int e = 0; e < n; ++e) {
            D from[2];
            for (int k = 0; k < arguments; ++k) from[k] = x[k][e];
            seen[at + e] = down.take(from, fresh && at + e == 0);
          }
        });
  }
  static SCANGRAD_INLINE void back(Up<Rule>& up, const In& gs, const Out* outs, std::int64_t length, bool fresh,
                                   const Seen* seen) {
    for_each_square_back<D>(
        length, [&](std::int64_t at, auto size) __attribute__((always_inline)) {
          constexpr int n = size;
          D g[n], gx[outputs][n];
          gs.get(at, g);
          for (int e = n - 1; e >= 0; --e) {
            D to[outputs];
            up.take(seen[at + e], g[e], fresh && at + e == 0, to);
            for (int k = 0; k < outputs; ++k) gx[k][e] = to[k];
          }
#pragma GCC unroll 2
          for (int k = 0; k < outputs; ++k) outs[k].put(at, gx[k]);
        });
  }
};

template <template <bool> class Rule, class T>
void short_rows_back(const ScanJob& job) {
  if (job.length == 0) return;
  for_each_register_of_rows<ShortRowsBack<Rule<is_full<T>>, T>, T>(job);
}

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
