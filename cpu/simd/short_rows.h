#pragma once
// Many short rows, as many at a time as a register has lanes: squares of their elements are turned in registers, so that lane r of
// register k is element k of row r, scanned as columns are (stepwise.h), and turned back.

#include <type_traits>

#include "cpu/simd/stepwise.h"

namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL {

namespace detail {
/// Of two rows of 2 by 2 blocks, `half` lanes wide: the left ones, and the right ones.
template <int half, class V, int... i>
SCANGRAD_INLINE V left_blocks(V a, V b, std::integer_sequence<int, i...>) {
  return __builtin_shufflevector(a, b, ((i & half) != 0 ? lanes_in<V> + i - half : i)...);
}
template <int half, class V, int... i>
SCANGRAD_INLINE V right_blocks(V a, V b, std::integer_sequence<int, i...>) {
  return __builtin_shufflevector(a, b, ((i & half) != 0 ? lanes_in<V> + i : i + half)...);
}
/// Of each four lanes of a and b, the first two in turn, or the last two (from = 2).
template <int from, int... i>
SCANGRAD_INLINE S interleaved(S a, S b, std::integer_sequence<int, i...>) {
  return __builtin_shufflevector(a, b, ((i & 1) * wide + (i & ~3) + from + (i >> 1 & 1))...);
}
/// Each four lanes of four registers turned: the processor has one instruction for each of these.
SCANGRAD_INLINE void transpose_fours(S* v) {
  const S a = interleaved<0>(v[0], v[2], EachFloat()), b = interleaved<0>(v[1], v[3], EachFloat()),
          c = interleaved<2>(v[0], v[2], EachFloat()), d = interleaved<2>(v[1], v[3], EachFloat());
  v[0] = interleaved<0>(a, b, EachFloat()), v[1] = interleaved<2>(a, b, EachFloat());
  v[2] = interleaved<0>(c, d, EachFloat()), v[3] = interleaved<2>(c, d, EachFloat());
}
}  // namespace detail

/// Lane c of register r goes to lane r of register c; where there are fewer registers than lanes, in each part of so many lanes.
template <class V, int n, int half = n / 2>
SCANGRAD_INLINE void transpose(V (&v)[n]) {
  using Each = std::make_integer_sequence<int, lanes_in<V>>;
  if constexpr (std::is_same_v<V, S> && half == 2) {
    for (int r = 0; r < n; r += 4) detail::transpose_fours(v + r);
  } else {
    for (int r = 0; r < n; ++r)
      if ((r & half) == 0) {
        const V a = v[r], b = v[r + half];
        v[r] = detail::left_blocks<half>(a, b, Each()), v[r + half] = detail::right_blocks<half>(a, b, Each());
      }
    if constexpr (half > 1) transpose<V, n, half / 2>(v);
  }
}

/// Whether rows shorter than a register has lanes share one by twos.
template <class V>
inline constexpr bool half_squares = lanes_in<V> == 16;

/// Calls f(at, n) for the elements of rows, n a constant: squares of as many elements as a register has lanes, then one of half as many
/// where these are sixteen floats, then elements one by one.
template <class V, class F>
SCANGRAD_INLINE void for_each_square(std::int64_t length, const F& f) {
  constexpr int width = lanes_in<V>;
  std::int64_t at = 0;
  for (; at + width <= length; at += width) f(at, std::integral_constant<int, width>());
  if constexpr (half_squares<V>)
    if (at + width / 2 <= length) f(at, std::integral_constant<int, width / 2>()), at += width / 2;
  for (; at < length; ++at) f(at, std::integral_constant<int, 1>());
}
/// The same from the last to the first.
template <class V, class F>
SCANGRAD_INLINE void for_each_square_back(std::int64_t length, const F& f) {
  constexpr int width = lanes_in<V>;
  const bool half = half_squares<V> && length % width >= width / 2;
  std::int64_t at = length;
  for (const std::int64_t left = length % width - (half ? width / 2 : 0); at > length - left;)
    f(--at, std::integral_constant<int, 1>());
  if constexpr (half_squares<V>)
    if (half) f(at -= width / 2, std::integral_constant<int, width / 2>());
  while (at > 0) f(at -= width, std::integral_constant<int, width>());
}

/// The first rows, as many as a register has lanes, of an input or output of a job; T is const for inputs.
template <class V, class T>
class RowsOfRegister {
 public:
  static constexpr int width = lanes_in<V>;

  RowsOfRegister(const ScanJob& job, int k, bool asks = true)
      : backwards_(job.out_step < 0), apart_(std::is_const_v<T> ? job.in_apart[k] : job.out_apart[k]) {
    first_ = static_cast<T*>(std::is_const_v<T> ? const_cast<void*>(job.in[k]) : job.out[k]);
    if (asks && job.length > 2 * line) ahead_ = width * apart_;
  }
  /// Goes on to the next rows.
  SCANGRAD_INLINE void next() { first_ += width * apart_; }
  /// Elements at to at + n - 1 of each.
  template <int n>
  SCANGRAD_INLINE void get(std::int64_t at, V (&v)[n]) const {
    if constexpr (n == 1) {
      v[0] = one(at);
    } else {
      ask_ahead(at, n);
      for (int r = 0; r < n; ++r) v[r] = piece<n>(at, r);
      transpose(v);
      if (SCANGRAD_PLANT(short_rows_not_reversed, backwards_, false)) reverse(v);
    }
  }
  template <int n>
  SCANGRAD_INLINE void put(std::int64_t at, V (&v)[n]) const {
    if constexpr (n == 1) {
      put_one(at, v[0]);
    } else {
      ask_ahead(at, n);
      if (backwards_) reverse(v);
      transpose(v);
      for (int r = 0; r < n; ++r) put_piece<n>(at, r, v[r]);
    }
  }

 private:
  static constexpr std::int64_t line = 64 / sizeof(T);

  SCANGRAD_INLINE T* corner(std::int64_t at, int n) const { return first_ + (backwards_ ? -(at + n - 1) : at); }
  /// n elements of row r, and of row r + n where a register has room for two.
  template <int n>
  SCANGRAD_INLINE V piece(std::int64_t at, int r) const {
    const T* const from = corner(at, n) + r * apart_;
    if constexpr (n == width) return load_as<V>(from);
    else return joined(load_narrow(from), load_narrow(from + n * apart_));
  }
  template <int n>
  SCANGRAD_INLINE void put_piece(std::int64_t at, int r, V v) const {
    T* const to = corner(at, n) + r * apart_;
    if constexpr (n == width) store_as(to, v);
    else store_narrow(to, low_half(v)), store_narrow(to + n * apart_, high_half(v));
  }
  SCANGRAD_INLINE V one(std::int64_t at) const {
    return from_each(first_ + (backwards_ ? -at : at), std::make_integer_sequence<int, width>());
  }
  /// A number for each lane, put together in a register: in memory, the load would wait for all the stores.
  template <int... r>
  SCANGRAD_INLINE V from_each(T* from, std::integer_sequence<int, r...>) const {
    using Bits = std::conditional_t<sizeof(T) == 2, std::int16_t, std::conditional_t<sizeof(T) == 4, float, double>>;
    using All __attribute__((vector_size(sizeof(T) * width))) = Bits;
    std::remove_const_t<T> all[width];
    store_raw(all, All{as_bits<Bits>(from[r * apart_])...});
    return load_as<V>(all);
  }
  SCANGRAD_INLINE void put_one(std::int64_t at, V v) const {
    T own[width];
    store_as(own, v);
    for (int r = 0; r < width; ++r) first_[r * apart_ + (backwards_ ? -at : at)] = own[r];
  }
  /// Asks for the lines of the next rows: pieces of rows are taken in an order that the hardware does not know.
  SCANGRAD_INLINE void ask_ahead(std::int64_t at, int n) const {
    if (ahead_ != 0 && at % line == 0)
      for (int r = 0; r < width; ++r) __builtin_prefetch(corner(at, n) + r * apart_ + ahead_, std::is_const_v<T> ? 0 : 1);
  }
  template <int n>
  static SCANGRAD_INLINE void reverse(V (&v)[n]) {
    for (int k = 0; k < n / 2; ++k) {
      const V other = v[k];
      v[k] = v[n - 1 - k], v[n - 1 - k] = other;
    }
  }

  bool backwards_;
  std::int64_t apart_, ahead_ = 0;
  T* first_;
};

/// The last rows of a job, fewer than a register has lanes, in a job that has as many.
template <class T, int width>
class LastRows {
 public:
  LastRows(const ScanJob& job, std::int64_t first, int inputs, int outputs)
      : job_(job), rows_(job), first_(first), outputs_(outputs) {
    for (int k = 0; k < inputs; ++k) {
      for (int r = 0; r < width; ++r) {
        const std::int64_t row = first + r < job.columns ? first + r : job.columns - 1;
        copy(static_cast<const T*>(job.in[k]) + row * job.in_apart[k], place(in_[k], r));
      }
      rows_.in[k] = place(in_[k], 0), rows_.in_apart[k] = short_row;
    }
    for (int k = 0; k < outputs; ++k) rows_.out[k] = place(out_[k], 0), rows_.out_apart[k] = short_row;
    if (job.initial != nullptr) rows_.initial = job.initial + first;
    if (job.final != nullptr) rows_.final = job.final + first;
    if (job.behind != nullptr) rows_.behind = job.behind + first;
  }
  const ScanJob& rows() const { return rows_; }
  std::int64_t count() const {
    return SCANGRAD_PLANT(short_rows_one_missing, job_.columns - first_, job_.columns - first_ - 1);
  }
  void finish() {
    for (int k = 0; k < outputs_; ++k)
      for (std::int64_t r = 0; r < count(); ++r)
        copy(place(out_[k], r), static_cast<T*>(job_.out[k]) + (first_ + r) * job_.out_apart[k]);
  }

 private:
  T* place(T (&rows)[width][short_row], std::int64_t r) { return rows[r] + (job_.out_step < 0 ? job_.length - 1 : 0); }
  void copy(const T* from, T* to) const {
    for (std::int64_t i = 0; i < job_.length; ++i) to[i * job_.out_step] = from[i * job_.out_step];
  }

  const ScanJob& job_;
  ScanJob rows_;
  std::int64_t first_;
  int outputs_;
  T in_[max_inputs][width][short_row], out_[max_outputs][width][short_row];
};

/// Rows::run(job, rows) for all rows of a job, which takes as many at a time as a register has lanes: those that fill registers, then the
/// rest, of which `rows` count.
template <class Rows, class T>
void for_each_register_of_rows(const ScanJob& job) {
  const std::int64_t whole = job.columns / Rows::width * Rows::width;
  Rows::run(job, whole);
  if (whole == job.columns) return;
  LastRows<T, Rows::width> last(job, whole, Rows::inputs, Rows::outputs);
  Rows::run(last.rows(), last.count());
  last.finish();
}

template <class Step, class T>
class ShortRows {
  using V = typename Step::V;

 public:
  static constexpr int width = lanes_in<V>, inputs = Step::inputs, outputs = Step::outputs;

  static void run(const ScanJob& job, std::int64_t rows) {
    constexpr bool asks = inputs < 4;  // of more than that, lines asked for would drive out others
    In ins[] = {
        {job, 0, asks}, {job, inputs > 1 ? 1 : 0, asks}, {job, inputs > 2 ? 2 : 0, asks}, {job, inputs > 3 ? 3 : 0, asks}};
    Out outs[] = {{job, 0, asks}, {job, outputs - 1, asks}};
    for_each_part(
        rows, width, [&](std::int64_t row, std::int64_t count) __attribute__((always_inline)) {
          Step step;
          step.start(job, row, count);
          scan(step, ins, outs, job.length, job.initial == nullptr);
          step.finish(job, row, count);
          for (int k = 0; k < inputs; ++k) ins[k].next();
          for (int k = 0; k < outputs; ++k) outs[k].next();
        });
  }

 private:
  using In = RowsOfRegister<V, const T>;
  using Out = RowsOfRegister<V, T>;

  static SCANGRAD_INLINE void scan(Step& step, const In* ins, const Out* outs, std::int64_t length, bool fresh) {
    for_each_square<V>(
        length, [&](std::int64_t at, auto size) __attribute__((always_inline)) {
          constexpr int n = size, some = takes_rows<Step> && n > 1 ? rows_at_once : 1;
          V x[inputs][n], y[outputs][n];
#pragma GCC unroll 4
          for (int k = 0; k < inputs; ++k) ins[k].get(at, x[k]);
          for (int e = 0; e < n; e += some) {
            V from[some][inputs], to[some][outputs];
            for (int r = 0; r < some; ++r)
              for (int k = 0; k < inputs; ++k) from[r][k] = x[k][e + r];
            take(step, from, SCANGRAD_PLANT(short_rows_fresh_twice, fresh && at + e == 0, e == 0), to);
            for (int r = 0; r < some; ++r)
              for (int k = 0; k < outputs; ++k) y[k][e + r] = to[r][k];
          }
#pragma GCC unroll 2
          for (int k = 0; k < outputs; ++k) outs[k].put(at, y[k]);
        });
  }
  template <int rows>
  static SCANGRAD_INLINE void take(Step& step, V (&x)[rows][inputs], bool fresh, V (&y)[rows][outputs]) {
    if constexpr (takes_rows<Step>) step.take_rows(x, fresh, y);
    else step.take(x[0], fresh, y[0]);
  }
};

template <class Step, class T>
void short_rows(const ScanJob& job) {
  for_each_register_of_rows<ShortRows<Step, T>, T>(job);
}

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
