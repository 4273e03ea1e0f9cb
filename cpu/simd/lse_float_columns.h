#pragma once
// logcumsumexp and its derivatives of float32 and less across neighbouring columns, in registers of floats: every element meets its
// column's carry in turn. Exponentials, logarithms and reciprocals are taken in floats, sums in doubles.
//
// A column counts in a power of two 2^n that seldom changes: e_k = e^{x_k} 2^-n, s_k = s_{k-1} + e_k, y_k = n ln2 + log s_k. Elements
// that do not fit, far above or below what came before, infinite or NaN, take the doubles of lse.h, which may move n. What each column
// takes depends on it alone, not on those beside it.

#include "cpu/simd/float_math.h"
#include "cpu/simd/lse_columns.h"

namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL {

/// A register of floats as two of doubles.
struct Halves {
  D low, high;
};
namespace detail {
template <int... i>
SCANGRAD_INLINE F low_half(S v, std::integer_sequence<int, i...>) {
  return __builtin_shufflevector(v, v, i...);
}
template <int... i>
SCANGRAD_INLINE F high_half(S v, std::integer_sequence<int, i...>) {
  return __builtin_shufflevector(v, v, (i + lanes)...);
}
template <int... i>
SCANGRAD_INLINE S joined(F low, F high, std::integer_sequence<int, i...>) {
  return __builtin_shufflevector(low, high, i...);
}
}  // namespace detail
SCANGRAD_INLINE Halves widened(S v) {
  return {widened(detail::low_half(v, EachLane())), widened(detail::high_half(v, EachLane()))};
}
SCANGRAD_INLINE S narrowed(Halves v) {
  return detail::joined(__builtin_convertvector(v.low, F), __builtin_convertvector(v.high, F), EachFloat());
}
SCANGRAD_INLINE Halves operator+(Halves a, Halves b) { return {a.low + b.low, a.high + b.high}; }
SCANGRAD_INLINE Halves operator*(Halves a, Halves b) { return {a.low * b.low, a.high * b.high}; }
SCANGRAD_INLINE Halves load_halves(const double* p) { return {load(p), load(p + lanes)}; }
SCANGRAD_INLINE void store_halves(double* p, Halves v) { store(p, v.low), store(p + lanes, v.high); }
/// True lanes of a mask of floats, in one of its halves' doubles.
SCANGRAD_INLINE I low_mask(S32 mask) { return widened(mask ? splat_float(1.0f) : S{}).low != 0.0; }
SCANGRAD_INLINE I high_mask(S32 mask) { return widened(mask ? splat_float(1.0f) : S{}).high != 0.0; }

/// The carries of up to `count` columns, and what their weights in floats need. With `derivatives`, no weight may be lost beside the
/// sum: a tangent may make up for it.
template <bool tangent, bool derivatives, int count>
class FloatColumns {
 public:
  using Carry = LseCarry<false, tangent>;

  void start(const ScanJob& job, std::int64_t first, std::int64_t columns) {
    for (std::int64_t i = 0; i < columns; i += wide)
      for (std::int64_t k = i; k < i + wide; k += lanes) {
        const std::int64_t here = columns - k < lanes ? columns - k : lanes;
        put(k, here > 0 ? initial_state(job, first + k, here, Carry::identity()) : Carry::identity());
      }
  }
  void finish(const ScanJob& job, std::int64_t first, std::int64_t columns) const {
    for_each_register(columns, [&](std::int64_t i, std::int64_t here, auto) { final_state(job, first + i, here, get(i)); });
  }

  /// Columns i to i + lanes - 1.
  Carry get(std::int64_t i) const { return {load(ref + i), load(s + i), D{}, tangent ? load(u + i) : D{}, D{}}; }
  void put(std::int64_t i, const Carry& carry) {
    store(ref + i, carry.ref), store(s + i, carry.s);
    if constexpr (tangent) store(u + i, carry.u);
    const I fits = (absolute(carry.ref) < 0x1p20) & (carry.s >= 0x1p-20) & (carry.s <= 0x1p100);
    store(n + i, fits ? carry.ref : D{});
    store(top + i, fits ? (carry.ref + 40.0) * ln2 : splat(__builtin_nan("")));
    store(bottom + i, fits ? (carry.ref - 125.0) * ln2 : D{});
  }
  /// The same of columns that do not fit in floats; of those that do, the sums alone.
  void put(std::int64_t i, I fits, const Carry& carry, D s_fit, D u_fit) {
    fits = SCANGRAD_PLANT(hot_columns_not_blended, fits, I{});
    Carry now = carry;
    now.ref = fits ? load(ref + i) : carry.ref, now.s = fits ? s_fit : carry.s;
    if constexpr (tangent) now.u = fits ? u_fit : carry.u;
    put(i, now);
  }

  /// Takes in the first elements of a register of columns that nothing was before, if they are finite. Says whether they are.
  SCANGRAD_INLINE bool begin(std::int64_t i, S x, S t) {
    if (any_float(~((x < __builtin_inff()) & (x > -__builtin_inff())))) return false;
    const Halves xs = widened(x), ts = widened(t);
    const auto half = [&](std::int64_t at, D x_at, D t_at) __attribute__((always_inline)) {
      const D in[2] = {x_at, t_at};
      const auto element = LogSumExp<false, tangent>::lift(in);
      put(at, {element.ref, element.s, D{}, element.u, D{}});
    };
    half(i, xs.low, ts.low), half(i + lanes, xs.high, ts.high);
    return true;
  }

  /// e^x 2^-n for what fits. Without derivatives what is small may be any number that vanishes beside the sum.
  template <class V>
  SCANGRAD_INLINE V weights(std::int64_t i, V x) const {
    const S low = load_floats(bottom + i);
    const V e = exp_floats(maximum(x, all<V>(low)), all<V>(splat_float(float_to_integer) - load_floats(n + i)));
    if constexpr (!derivatives) return e;
    return each(
        [&](S at, S weight) __attribute__((always_inline)) { return at >= low ? weight : S{}; }, x, e);
  }
  SCANGRAD_INLINE S32 fits(std::int64_t i, S x) const {
    const S32 below = x <= load_floats(top + i);
    return SCANGRAD_PLANT(hot_column_weight_lost, derivatives, false)
               ? below & ((x >= load_floats(bottom + i)) | (x == -__builtin_inff()))
               : below;
  }

  /// Four rows of a register.
  SCANGRAD_INLINE bool all_fit(std::int64_t i, const S* x) const {
    return !any_float(~(fits(i, x[0]) & fits(i, x[1]) & fits(i, x[2]) & fits(i, x[3])));
  }

  alignas(64) double ref[count], s[count], u[tangent ? count : 1];
  alignas(64) float n[count], top[count], bottom[count];
};

template <class T, bool value, bool tangent>
class LseFloatColumns {
 public:
  explicit LseFloatColumns(const ScanJob& job) : job_(job) {}

  void run() {
    for_each_part(job_.columns, tile, [&](std::int64_t first, std::int64_t count) { run(first, count); });
  }

 private:
  void run(std::int64_t first, std::int64_t count) {
    ColumnReader<T> xs(job_, 0, first, count), ts(job_, tangent ? 1 : 0, first, count);
    ColumnWriter<T> ys(job_, 0, first), dys(job_, value && tangent ? 1 : 0, first);
    carries_.start(job_, first, count);
    std::int64_t row = 0;
    if (job_.initial == nullptr && job_.length > 0) some_rows<1, true>(row++, count, xs, ts, ys, dys);
    for_each_rows(row, job_.length, [&](std::int64_t at, auto rows) { some_rows<rows>(at, count, xs, ts, ys, dys); });
    carries_.finish(job_, first, count);
  }

  /// `fresh`: nothing was before the row.
  template <std::int64_t rows, bool fresh = false>
  void some_rows(std::int64_t row, std::int64_t count, ColumnReader<T>& xs, ColumnReader<T>& ts, ColumnWriter<T>& ys,
                 ColumnWriter<T>& dys) {
    Source<T> x[rows], t[rows];
    Target<T> y[rows], dy[rows];
    for (std::int64_t r = 0; r < rows; ++r) {
      x[r] = xs.row(row + r), y[r] = ys.row(row + r);
      t[r] = tangent ? ts.row(row + r) : x[r], dy[r] = value && tangent ? dys.row(row + r) : y[r];
    }
    for_each_floats(
        count, [&](std::int64_t i, std::int64_t here, auto whole) __attribute__((always_inline)) {
          S xs_here[rows], ts_here[rows] = {};
          Outcome now[rows];
          for (std::int64_t r = 0; r < rows; ++r) {
            xs_here[r] = x[r].get_floats(i, here, whole);
            if constexpr (tangent) ts_here[r] = t[r].get_floats(i, here, whole);
          }
          if (fresh && carries_.begin(i, xs_here[0], ts_here[0])) now[0] = {xs_here[0], ts_here[0]};
          else if (rows == 1 || !four_rows(i, xs_here, ts_here, now))
            for (std::int64_t r = 0; r < rows; ++r) now[r] = step(i, xs_here[r], ts_here[r]);
          for (std::int64_t r = 0; r < rows; ++r) {
            if constexpr (value) y[r].put_floats(i, here, now[r].y, whole);
            if constexpr (tangent) dy[r].put_floats(i, here, now[r].mean, whole);
          }
        });
    for (std::int64_t r = 0; r < rows; ++r) {
      ys.end_row(row + r, count);
      if constexpr (value && tangent) dys.end_row(row + r, count);
    }
  }

  struct Outcome {
    S y, mean;
  };
  struct Sums {
    Halves s, u;
  };

  SCANGRAD_INLINE Sums sums_at(std::int64_t i) const {
    return {load_halves(carries_.s + i), tangent ? load_halves(carries_.u + i) : Halves{}};
  }
  SCANGRAD_INLINE void put_sums(std::int64_t i, const Sums& sums) {
    store_halves(carries_.s + i, sums.s);
    if constexpr (tangent) store_halves(carries_.u + i, sums.u);
  }
  /// Takes in an element of weight e. Returns s in floats; fills now.mean.
  static SCANGRAD_INLINE S take(Sums& sums, S e, S x, S t, Outcome& now) {
    const Halves weight = widened(e);
    sums.s = sums.s + weight;
    const S s = narrowed(sums.s);
    if constexpr (tangent) {
      const S32 empty = x == -__builtin_inff();
      sums.u = sums.u + weight * widened(SCANGRAD_PLANT(hot_column_empty, empty ? S{} : t, t));
      now.mean = narrowed(sums.u * widened(1.0f / s));
    }
    return s;
  }

  /// One register of four rows, whose chains of operations fill each other's waits; the bits are those of `step`. Says whether all fit.
  SCANGRAD_INLINE bool four_rows(std::int64_t i, const S* x, const S* t, Outcome* now) {
    if (__builtin_expect(!carries_.all_fit(i, x), 0)) return false;
    const Block e = carries_.weights(i, Block{x[0], x[1], x[2], x[3]});
    const S weights[] = {e.a, e.b, e.c, e.d};
    Sums sums = sums_at(i);
    S s[4];
    for (int r = 0; r < 4; ++r) s[r] = take(sums, weights[r], x[r], t[r], now[r]);
    put_sums(i, sums);
    if constexpr (value) {
      const Block y = log_floats(all<Block>(load_floats(carries_.n + i)), Block{s[0], s[1], s[2], s[3]});
      now[0].y = y.a, now[1].y = y.b, now[2].y = y.c, now[3].y = y.d;
    }
    return true;
  }
  SCANGRAD_INLINE Outcome step(std::int64_t i, S x, S t) {
    const S32 fits = carries_.fits(i, x);
    Sums sums = sums_at(i);
    Outcome now;
    const S s = take(sums, carries_.weights(i, x), x, t, now);
    if constexpr (value) now.y = log_floats(load_floats(carries_.n + i), s);
    if (__builtin_expect(any_float(~fits), 0)) {
      const Sums own = sums;
      Outcome in_part = now;
      in_doubles(i, x, t, fits, own, in_part);
      return in_part;
    }
    put_sums(i, sums);
    return now;
  }

  /// The columns that do not fit take their carries in doubles; `sums` and `now` are right for the others.
  __attribute__((noinline)) void in_doubles(std::int64_t i, S x, S t, S32 fits, const Sums& sums, Outcome& now) {
    const S32 value_fits = x <= load_floats(carries_.top + i);  // the same without a tangent
    Halves y{}, mean{};
    const Halves xs = widened(x), ts = widened(t);
    const auto half = [&](std::int64_t at, D x_at, D t_at, I fits_at, D s_fit, D u_fit, D& y_at, D& mean_at) {
      const D in[2] = {x_at, t_at};
      const auto element = LogSumExp<false, tangent>::lift(in);
      auto carry = carries_.get(at);
      carry.absorb(element.ref, element.s, element.u);
      y_at = log_of_sum<false>(carry.ref, carry.s);
      if constexpr (tangent) mean_at = mean_of<false>(carry.ref, carry.u, carry.s);
      carries_.put(at, fits_at, carry, s_fit, u_fit);
    };
    half(i, xs.low, ts.low, low_mask(fits), sums.s.low, sums.u.low, y.low, mean.low);
    half(i + lanes, xs.high, ts.high, high_mask(fits), sums.s.high, sums.u.high, y.high, mean.high);
    if constexpr (value) now.y = value_fits ? now.y : narrowed(y);
    if constexpr (tangent) now.mean = fits ? now.mean : narrowed(mean);
  }

  const ScanJob& job_;
  FloatColumns<tangent, tangent, tile> carries_;
};

template <class T, bool value, bool tangent>
void lse_across(const ScanJob& job) {
  if constexpr (has_floats && !is_full<T>) LseFloatColumns<T, value, tangent>(job).run();
  else lse_columns<T, value, tangent>(job);
}

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
