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
}  // namespace detail

/// Lane c of register r goes to lane r of register c.
template <class V, int half = lanes_in<V> / 2>
SCANGRAD_INLINE void transpose(V (&v)[lanes_in<V>]) {
  using Each = std::make_integer_sequence<int, lanes_in<V>>;
  for (int r = 0; r < lanes_in<V>; ++r)
    if ((r & half) == 0) {
      const V a = v[r], b = v[r + half];
      v[r] = detail::left_blocks<half>(a, b, Each()), v[r + half] = detail::right_blocks<half>(a, b, Each());
    }
  if constexpr (half > 1) transpose<V, half / 2>(v);
}

/// The rows of one register, of an input or output of a job; T is const for inputs. Where there are fewer rows than lanes, the others
/// read the first, and are not written.
template <class V, class T>
class RowsOfRegister {
 public:
  static constexpr int width = lanes_in<V>;

  RowsOfRegister(const ScanJob& job, int k, std::int64_t first, std::int64_t count)
      : backwards_(job.out_step < 0), count_(count) {
    const std::int64_t apart = std::is_const_v<T> ? job.in_apart[k] : job.out_apart[k];
    T* const begin = std::is_const_v<T> ? static_cast<T*>(const_cast<void*>(job.in[k])) : static_cast<T*>(job.out[k]);
    for (int r = 0; r < width; ++r) row_[r] = begin + (first + (r < count ? r : 0)) * apart;
  }
  /// Elements at to at + width - 1 of each.
  SCANGRAD_INLINE void square(std::int64_t at, V (&v)[width]) const {
    for (int r = 0; r < width; ++r) v[r] = read<V>(row_[r] + corner(at), width, std::true_type());
    transpose(v);
    if (SCANGRAD_PLANT(short_rows_not_reversed, backwards_, false)) reverse(v);
  }
  SCANGRAD_INLINE void put_square(std::int64_t at, V (&v)[width]) const {
    if (backwards_) reverse(v);
    transpose(v);
    if (__builtin_expect(count_ == width, 1))
      for (int r = 0; r < width; ++r) write(row_[r] + corner(at), width, v[r], std::true_type());
    else
      for (int r = 0; r < count_; ++r) write(row_[r] + corner(at), width, v[r], std::true_type());
  }
  /// Element `at` of each.
  SCANGRAD_INLINE V one(std::int64_t at) const {
    std::remove_const_t<T> own[width];
    for (int r = 0; r < width; ++r) own[r] = row_[r][backwards_ ? -at : at];
    return read<V>(own, width, std::true_type());
  }
  SCANGRAD_INLINE void put_one(std::int64_t at, V v) const {
    T own[width];
    write(own, width, v, std::true_type());
    for (int r = 0; r < SCANGRAD_PLANT(short_rows_one_missing, count_, count_ - 1); ++r)
      row_[r][backwards_ ? -at : at] = own[r];
  }

 private:
  SCANGRAD_INLINE std::int64_t corner(std::int64_t at) const { return backwards_ ? -(at + width - 1) : at; }
  static SCANGRAD_INLINE void reverse(V (&v)[width]) {
    for (int k = 0; k < width / 2; ++k) {
      const V other = v[k];
      v[k] = v[width - 1 - k], v[width - 1 - k] = other;
    }
  }

  bool backwards_;
  T* row_[width];
  std::int64_t count_;
};

template <class Step, class T>
class ShortRows {
  using V = typename Step::V;
  static constexpr int width = lanes_in<V>, inputs = Step::inputs, outputs = Step::outputs;

 public:
  static void run(const ScanJob& job, std::int64_t row, std::int64_t count) {
    const RowsOfRegister<V, const T> ins[] = {{job, 0, row, count},
                                              {job, inputs > 1 ? 1 : 0, row, count},
                                              {job, inputs > 2 ? 2 : 0, row, count},
                                              {job, inputs > 3 ? 3 : 0, row, count}};
    const RowsOfRegister<V, T> outs[] = {{job, 0, row, count}, {job, outputs - 1, row, count}};
    Step step;
    step.start(job, row, count);
    bool fresh = job.initial == nullptr;
    std::int64_t at = 0;
    for (; at + width <= job.length; at += width) {
      V x[inputs][width] = {}, y[outputs][width] = {};
      for (int k = 0; k < inputs; ++k) ins[k].square(at, x[k]);
      for (int e = 0; e < width; ++e) {
        V from[inputs], to[outputs];
        for (int k = 0; k < inputs; ++k) from[k] = x[k][e];
        step.take(from, SCANGRAD_PLANT(short_rows_fresh_twice, fresh && e == 0, e == 0), to);
        for (int k = 0; k < outputs; ++k) y[k][e] = to[k];
      }
      fresh = false;
      for (int k = 0; k < outputs; ++k) outs[k].put_square(at, y[k]);
    }
    for (; at < job.length; ++at, fresh = false) {
      V x[inputs], y[outputs];
      for (int k = 0; k < inputs; ++k) x[k] = ins[k].one(at);
      step.take(x, fresh, y);
      for (int k = 0; k < outputs; ++k) outs[k].put_one(at, y[k]);
    }
    step.finish(job, row, count);
  }
};

template <class Step, class T>
void short_rows(const ScanJob& job) {
  for_each_part(job.columns, lanes_in<typename Step::V>,
                [&](std::int64_t row, std::int64_t count) { ShortRows<Step, T>::run(job, row, count); });
}

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
