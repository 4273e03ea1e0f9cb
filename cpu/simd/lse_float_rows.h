#pragma once
// The adjoint of the running mean where every element meets its carry in turn, in floats with doubles for what does not fit (lse_steps.h):
// forwards over a block of rows, whose weights and sums are kept, then back. And that of short rows, which are one block.

#include "cpu/simd/lse_adjoint.h"
#include "cpu/simd/lse_steps.h"
#include "cpu/simd/short_rows.h"

namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL {

/// A block of at most `most` rows of `width` scans. Suffix sums count in the power of two of their scan, which moves where a register does
/// not fit.
template <std::int64_t most, std::int64_t width>
class LseFloatRows {
 public:
  using Carry = LseCarry<false, false>;

  void start(const ScanJob& job, std::int64_t first, std::int64_t count) {
    for_each_part(count, wide, [&](std::int64_t i, std::int64_t here) { carries_[i / wide].start(job, first + i, here); });
  }
  Carry get(std::int64_t i) const { return carries_[i / wide].get(i % wide); }
  void put(std::int64_t i, const Carry& carry) { carries_[i / wide].put(i % wide, carry); }

  /// Forwards over rows `row` on, one or four, of the scans from i on; `fresh` if nothing was before them. They are kept if `recorded`.
  template <bool recorded, int rows>
  SCANGRAD_INLINE void take(std::int64_t row, std::int64_t i, const S (&x)[rows], bool fresh) {
    if (fresh) carries_[i / wide].begin(x[0]);
    if constexpr (rows == 1) step<recorded>(row, i, x[0]);
    else if (__builtin_expect(!four_rows<recorded>(row, i, x), 0)) one_by_one<recorded>(row, i, x);
  }
  /// Behind the last of the block's rows.
  void turn(std::int64_t rows, std::int64_t count) {
    for (std::int64_t i = 0; i < count; i += wide) {
      fit_[rows][i / wide] = false;
      store_halves(before_[rows] + i, load_halves(carries_[i / wide].ref));
    }
  }
  /// Back over a row, of cotangents g: what its elements get. `rest`: of the rows behind.
  SCANGRAD_INLINE S give(std::int64_t row, std::int64_t i, S g, Suffix* rest) {
    if (__builtin_expect(!fit_[row + 1][i / wide], 0)) move(rest, load_halves(before_[row + 1] + i));
    const Halves g_wide = widened(g);
    const Halves a = Halves{rest[0].a, rest[1].a} + g_wide * widened(load_floats(inverse_[row] + i));
    const S e = load_floats(e_[row] + i);
    S v = narrowed(widened(e) * a);
    v = e == 0.0f ? S{} : v;
    if (__builtin_expect(fit_[row][i / wide], 1)) {
      rest[0].a = a.low, rest[1].a = a.high;
      return v;
    }
    const Products own{g_wide, a};
    return back_in_doubles(row, i, v, own, rest);
  }

 private:
  SCANGRAD_INLINE void record(std::int64_t row, std::int64_t i, S e, const Halves& s) {
    store_floats(e_[row] + i, e), store_floats(inverse_[row] + i, reciprocal(narrowed(s)));
    fit_[row][i / wide] = true;
  }
  /// Four rows, whose chains of operations fill each other's waits. Says whether all fit.
  template <bool recorded>
  SCANGRAD_INLINE bool four_rows(std::int64_t row, std::int64_t i, const S (&x)[4]) {
    auto& carries = carries_[i / wide];
    if (__builtin_expect(!carries.all_fit(x[0], x[1], x[2], x[3]), 0)) return false;
    const Block e = carries.weights(Block{x[0], x[1], x[2], x[3]});
    const S weights[] = {e.a, e.b, e.c, e.d};
    Halves s = load_halves(carries.s);
    for (int r = 0; r < 4; ++r) {
      s = s + widened(weights[r]);
      if constexpr (recorded) record(row + r, i, weights[r], s);
    }
    store_halves(carries.s, s);
    return true;
  }
  template <bool recorded>
  __attribute__((noinline)) void one_by_one(std::int64_t row, std::int64_t i, const S (&x)[4]) {
    for (int r = 0; r < 4; ++r) step<recorded>(row + r, i, x[r]);
  }
  template <bool recorded>
  SCANGRAD_INLINE void step(std::int64_t row, std::int64_t i, S x) {
    auto& carries = carries_[i / wide];
    const S32 fits = carries.fits(x);
    const S e = carries.weights(x);
    const Halves s = load_halves(carries.s) + widened(e);
    if constexpr (recorded) record(row, i, e, s);
    if (__builtin_expect(!any(~fits), 1)) {
      store_halves(carries.s, s);
      return;
    }
    if constexpr (recorded) {
      fit_[row][i / wide] = false;
      store_raw(fits_[row] + i, fits), store_floats(x_[row] + i, x);
      store_halves(before_[row] + i, load_halves(carries.ref));
    }
    const Halves own = s;
    in_doubles(carries, x, fits, own);
    if constexpr (recorded) store_halves(s_[row] + i, load_halves(carries.s));
  }
  static __attribute__((noinline)) void in_doubles(FloatCarries<false, true>& carries, S x, S32 fits, const Halves& s) {
    const Halves xs = widened(x);
    carries.absorb(0, xs.low, D{}, low_mask(fits), s.low, D{});
    carries.absorb(lanes, xs.high, D{}, high_mask(fits), s.high, D{});
  }
  /// Suffix sums to the references of the row before.
  static SCANGRAD_INLINE void move(Suffix* rest, const Halves& to) {
    const auto moved = [](const Suffix& own, D ref) __attribute__((always_inline)) {
      return Suffix{SCANGRAD_PLANT(hot_column_suffix_not_moved, carried_back<false>(own.a, own.ref, ref), own.a), ref};
    };
    rest[0] = moved(rest[0], to.low), rest[1] = moved(rest[1], to.high);
  }
  struct Products {
    Halves g, a;
  };
  /// `v` and `own.a` are right for the scans that fit.
  __attribute__((noinline)) S back_in_doubles(std::int64_t row, std::int64_t i, S v, const Products& own, Suffix* rest) {
    const S32 fits = load_raw<S32>(fits_[row] + i);
    const Halves xs = widened(load_floats(x_[row] + i)), sums = load_halves(s_[row] + i);
    const auto half = [](D x_at, D g_at, D s, I fits_at, D a_fit, Suffix & later) __attribute__((always_inline)) {
      const D q = is_nan(later.ref) ? later.ref : s == 0.0 ? D{} : quotient<false>(g_at, s == 0.0 ? splat(1.0) : s);
      later.a = fits_at ? a_fit : later.a + q;
      return given_to<false>(x_at, later.a, later.ref);
    };
    const Halves given{half(xs.low, own.g.low, sums.low, low_mask(fits), own.a.low, rest[0]),
                       half(xs.high, own.g.high, sums.high, high_mask(fits), own.a.high, rest[1])};
    return fits ? v : narrowed(given);
  }

  FloatCarries<false, true> carries_[width / wide];
  alignas(64) float e_[most][width], inverse_[most][width];
  bool fit_[most + 1][width / wide];  ///< all of a register
  // Where it does not:
  alignas(64) float x_[most][width];
  alignas(64) std::int32_t fits_[most][width];
  alignas(64) double before_[most + 1][width];  ///< the row's references before it
  alignas(64) double s_[most][width];           ///< and the sums behind it
};

template <class T>
class LseAdjointShortRows {
 public:
  static constexpr int width = wide, inputs = 2, outputs = 1;

  static void run(const ScanJob& job, std::int64_t rows) {
    In xs(job, 0), gs(job, 1);
    Out out(job, 0);
    Rows all;
    for_each_part(
        rows, wide, [&](std::int64_t row, std::int64_t count) __attribute__((always_inline)) {
          all.start(job, row, count);
          forwards(all, xs, job.length, job.initial == nullptr);
          all.turn(job.length, wide);
          Suffix later[2];
          const auto each_half = [&](const auto& f) {
            for_each_register(count, [&](std::int64_t i, std::int64_t here, auto) { f(later[i / lanes], row + i, i, here); });
          };
          if (job.behind != nullptr)
            each_half([&](Suffix& half, std::int64_t column, std::int64_t i, std::int64_t here) {
              half = suffix_of<false>(load_some(job.behind + column, here, 0.0), all.get(i));
            });
          back(all, gs, out, job.length, later);
          if (job.final != nullptr)
            each_half([&](const Suffix& half, std::int64_t column, std::int64_t, std::int64_t here) {
              store_some(job.final + column, here, half.ref), store_some(job.final + job.columns + column, here, half.a);
            });
          xs.next(), gs.next(), out.next();
        });
  }

 private:
  using In = RowsOfRegister<S, const T>;
  using Out = RowsOfRegister<S, T>;
  using Rows = LseFloatRows<short_row, wide>;

  static SCANGRAD_INLINE void forwards(Rows& all, const In& xs, std::int64_t length, bool fresh) {
    for_each_square<S>(
        length, [&](std::int64_t at, auto size) __attribute__((always_inline)) {
          constexpr int n = size;
          S x[n];
          xs.get(at, x);
          if constexpr (n == 1) all.template take<true>(at, 0, x, fresh && at == 0);
          else
            for (int e = 0; e < n; e += rows_at_once)
              all.template take<true>(at + e, 0, {x[e], x[e + 1], x[e + 2], x[e + 3]}, fresh && at + e == 0);
        });
  }
  static SCANGRAD_INLINE void back(Rows& all, const In& gs, const Out& out, std::int64_t length, Suffix* later) {
    for_each_square_back<S>(
        length, [&](std::int64_t at, auto size) __attribute__((always_inline)) {
          constexpr int n = size;
          S g[n], v[n];
          gs.get(at, g);
          for (int e = n - 1; e >= 0; --e) v[e] = all.give(at + e, 0, g[e], later);
          out.put(at, v);
        });
  }
};

template <class T>
void lse_adjoint_short_rows(const ScanJob& job) {
  if (job.length > 0) for_each_register_of_rows<LseAdjointShortRows<T>, T>(job);
}

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
