#pragma once
// The adjoint of the running mean across neighbouring columns: forwards once for the carries at every `checkpoint_rows` rows; then back,
// block after block of rows, each of which runs forwards again. In doubles, or in floats with doubles for what does not fit
// (lse_float_columns.h).

#include "cpu/simd/lse_adjoint.h"
#include "cpu/simd/lse_float_columns.h"

namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL {

/// f(i) for the first element of each register of doubles.
template <class F>
SCANGRAD_INLINE void for_each_first(std::int64_t count, const F& f) {
  for (std::int64_t i = 0; i < count; i += lanes) f(i);
}

/// A block of rows in doubles.
template <class T>
class LseDoubleRows {
  static constexpr bool full = is_full<T>;
  static constexpr std::int64_t width = adjoint_columns;  // the block's references and sums stay in the first caches

 public:
  using Carry = LseCarry<full, false>;

  void start(const ScanJob& job, std::int64_t first, std::int64_t count) {
    for_each_register(count, [&](std::int64_t i, std::int64_t here, auto) {
      carries_[i / lanes] = initial_state(job, first + i, here, Carry::identity());
    });
  }
  Carry get(std::int64_t i) const { return carries_[i / lanes]; }
  void put(std::int64_t i, const Carry& carry) { carries_[i / lanes] = carry; }

  /// Forwards over rows `begin` on, which are the block's if `recorded`.
  template <bool recorded>
  void down(ColumnReader<T>& xs, std::int64_t begin, std::int64_t rows, std::int64_t count, bool) {
    for (std::int64_t row = 0; row < rows; ++row) {
      const auto source = xs.row(begin + row);
      for_each_register(
          count, [&](std::int64_t i, std::int64_t here, auto whole) __attribute__((always_inline)) {
            const D x = source.get(i, here, whole);
            const auto element = LogSumExp<full, false>::lift(&x);
            carries_[i / lanes].absorb(element.ref, element.s, D{});
            if constexpr (recorded)
              store(ref_[row] + i, carries_[i / lanes].ref), store(s_[row] + i, carries_[i / lanes].sum());
          });
    }
  }
  void turn(std::int64_t, std::int64_t) {}

  /// The row's results; `scale` as of Sizes, one a column.
  void back(std::int64_t row, const Source<T>& xs, const Source<T>& gs, const Target<T>& out, std::int64_t count, Suffix* later,
            const double* scales) {
    for_each_register(
        count, [&](std::int64_t i, std::int64_t here, auto whole) __attribute__((always_inline)) {
          const D scale = full ? load(scales + i) : splat(1.0);
          const D x = xs.get(i, here, whole), g = full ? gs.get(i, here, whole) * scale : gs.get(i, here, whole);
          const D ref = load(ref_[row] + i), s = load(s_[row] + i);
          Suffix& rest = later[i / lanes];
          const D q = is_nan(ref) ? ref : s == 0.0 ? D{} : quotient<full>(g, s == 0.0 ? splat(1.0) : s);
          rest.a = any(rest.ref != ref) ? carried_back<full>(rest.a, rest.ref, ref) + q : rest.a + q;
          rest.ref = ref;
          const D v = given_to<full>(x, rest.a, ref);
          out.put(i, here, full ? v * (1.0 / scale) : v, whole);
        });
  }

 private:
  Carry carries_[width / lanes];
  alignas(64) double ref_[checkpoint_rows][width], s_[checkpoint_rows][width];
};

/// The same in floats. Suffix sums count in the power of two of their column, which moves where a register does not fit.
template <class T>
class LseFloatRows {
  static constexpr std::int64_t width = adjoint_columns;

 public:
  using Carry = LseCarry<false, false>;

  void start(const ScanJob& job, std::int64_t first, std::int64_t count) { carries_.start(job, first, count); }
  Carry get(std::int64_t i) const { return carries_.get(i); }
  void put(std::int64_t i, const Carry& carry) { carries_.put(i, carry); }

  /// `fresh`: nothing is before the first.
  template <bool recorded>
  void down(ColumnReader<T>& xs, std::int64_t begin, std::int64_t rows, std::int64_t count, bool fresh) {
    std::int64_t row = 0;
    if (fresh) some_rows<recorded, 1, true>(xs, begin, row++, count);
    for_each_rows(row, rows, [&](std::int64_t at, auto some) { some_rows<recorded, some, false>(xs, begin, at, count); });
  }
  /// Behind the last of the block's rows.
  void turn(std::int64_t rows, std::int64_t count) {
    for (std::int64_t i = 0; i < count; i += wide) {
      fit_[rows][i / wide] = false;
      store_halves(before_[rows] + i, load_halves(carries_.ref + i));
    }
  }

  void back(std::int64_t row, const Source<T>& xs, const Source<T>& gs, const Target<T>& out, std::int64_t count, Suffix* later,
            const double*) {
    for_each_floats(
        count, [&](std::int64_t i, std::int64_t here, auto whole) __attribute__((always_inline)) {
          Suffix* const rest = later + i / lanes;
          if (__builtin_expect(!fit_[row + 1][i / wide], 0)) move(rest, load_halves(before_[row + 1] + i));
          const Halves g = widened(gs.get_floats(i, here, whole));
          const Halves a = Halves{rest[0].a, rest[1].a} + g * widened(load_floats(inverse_[row] + i));
          const S e = load_floats(e_[row] + i);
          S v = narrowed(widened(e) * a);
          v = e == 0.0f ? S{} : v;
          if (__builtin_expect(fit_[row][i / wide], 1)) rest[0].a = a.low, rest[1].a = a.high;
          else {
            const Products own{g, a};
            v = back_in_doubles(row, i, xs.get_floats(i, here, whole), v, own, rest);
          }
          out.put_floats(i, here, v, whole);
        });
  }

 private:
  template <bool recorded, std::int64_t rows, bool fresh>
  void some_rows(ColumnReader<T>& xs, std::int64_t begin, std::int64_t row, std::int64_t count) {
    Source<T> sources[rows];
    for (std::int64_t r = 0; r < rows; ++r) sources[r] = xs.row(begin + row + r);
    for_each_floats(
        count, [&](std::int64_t i, std::int64_t here, auto whole) __attribute__((always_inline)) {
          S x[rows];
          for (std::int64_t r = 0; r < rows; ++r) x[r] = sources[r].get_floats(i, here, whole);
          if constexpr (fresh)
            if (carries_.begin(i, x[0], S{})) {
              if constexpr (recorded) record(row, i, narrowed(load_halves(carries_.s + i)), load_halves(carries_.s + i));
              return;
            }
          if (rows == 1 || !four_rows<recorded>(row, i, x))
            for (std::int64_t r = 0; r < rows; ++r) step<recorded>(row + r, i, x[r]);
        });
  }
  SCANGRAD_INLINE void record(std::int64_t row, std::int64_t i, S e, const Halves& s) {
    store_floats(e_[row] + i, e), store_floats(inverse_[row] + i, 1.0f / narrowed(s));
    fit_[row][i / wide] = true;
  }
  /// One register of four rows, whose chains of operations fill each other's waits. Says whether all fit.
  template <bool recorded>
  SCANGRAD_INLINE bool four_rows(std::int64_t row, std::int64_t i, const S* x) {
    if (__builtin_expect(!carries_.all_fit(i, x), 0)) return false;
    const Block e = carries_.weights(i, Block{x[0], x[1], x[2], x[3]});
    const S weights[] = {e.a, e.b, e.c, e.d};
    Halves s = load_halves(carries_.s + i);
    for (std::int64_t r = 0; r < rows_at_once; ++r) {
      s = s + widened(weights[r]);
      if constexpr (recorded) record(row + r, i, weights[r], s);
    }
    store_halves(carries_.s + i, s);
    return true;
  }
  template <bool recorded>
  SCANGRAD_INLINE void step(std::int64_t row, std::int64_t i, S x) {
    const S32 fits = carries_.fits(i, x);
    const S e = carries_.weights(i, x);
    const Halves s = load_halves(carries_.s + i) + widened(e);
    if constexpr (recorded) record(row, i, e, s);
    if (__builtin_expect(!any_float(~fits), 1)) {
      store_halves(carries_.s + i, s);
      return;
    }
    if constexpr (recorded) {
      fit_[row][i / wide] = false;
      store_raw(fits_[row] + i, fits);
      store_halves(before_[row] + i, load_halves(carries_.ref + i));
    }
    const Halves own = s;
    in_doubles(i, x, fits, own);
    if constexpr (recorded) store_halves(s_[row] + i, load_halves(carries_.s + i));
  }
  __attribute__((noinline)) void in_doubles(std::int64_t i, S x, S32 fits, const Halves& s) {
    const Halves xs = widened(x);
    const auto half = [&](std::int64_t at, D x_at, I fits_at, D s_fit) {
      const auto element = LogSumExp<false, false>::lift(&x_at);
      Carry carry = carries_.get(at);
      carry.absorb(element.ref, element.s, D{});
      carries_.put(at, fits_at, carry, s_fit, D{});
    };
    half(i, xs.low, low_mask(fits), s.low);
    half(i + lanes, xs.high, high_mask(fits), s.high);
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
  /// `v` and `own.a` are right for the columns that fit.
  __attribute__((noinline)) S back_in_doubles(std::int64_t row, std::int64_t i, S x, S v, const Products& own, Suffix* rest) {
    const S32 fits = load_raw<S32>(fits_[row] + i);
    const Halves xs = widened(x), sums = load_halves(s_[row] + i);
    const auto half = [](D x_at, D g_at, D s, I fits_at, D a_fit, Suffix & later) __attribute__((always_inline)) {
      const D q = is_nan(later.ref) ? later.ref : s == 0.0 ? D{} : quotient<false>(g_at, s == 0.0 ? splat(1.0) : s);
      later.a = fits_at ? a_fit : later.a + q;
      return given_to<false>(x_at, later.a, later.ref);
    };
    const Halves given{half(xs.low, own.g.low, sums.low, low_mask(fits), own.a.low, rest[0]),
                       half(xs.high, own.g.high, sums.high, high_mask(fits), own.a.high, rest[1])};
    return fits ? v : narrowed(given);
  }

  FloatColumns<false, true, width> carries_;
  alignas(64) float e_[checkpoint_rows][width], inverse_[checkpoint_rows][width];
  bool fit_[checkpoint_rows + 1][width / wide];  ///< all of a register
  // Where it does not:
  alignas(64) std::int32_t fits_[checkpoint_rows][width];
  alignas(64) double before_[checkpoint_rows + 1][width];  ///< the row's references before it
  alignas(64) double s_[checkpoint_rows][width];           ///< and the sums behind it
};

template <class T>
class LseAdjointColumns {
  static constexpr bool full = is_full<T>, floats = has_floats && !full;
  using Rows = std::conditional_t<floats, LseFloatRows<T>, LseDoubleRows<T>>;
  using Carry = typename Rows::Carry;
  static constexpr std::int64_t width = adjoint_columns;

 public:
  explicit LseAdjointColumns(const ScanJob& job) : job_(job) {}

  void run() {
    for_each_part(job_.columns, width, [&](std::int64_t first, std::int64_t count) {
      ColumnReader<T> xs(job_, 0, first, count), gs(job_, 1, first, count);
      Suffix later[width / lanes];
      if constexpr (full) find_scales(gs, first, count);
      forwards(xs, first, count, later);
      for (std::int64_t row = (job_.length - 1) / checkpoint_rows * checkpoint_rows; row >= 0; row -= checkpoint_rows)
        back(xs, gs, row, first, count, later);
      if (job_.final != nullptr)
        for_each_register(count, [&](std::int64_t i, std::int64_t here, auto) {
          store_some(job_.final + first + i, here, later[i / lanes].ref);
          store_some(job_.final + job_.columns + first + i, here, later[i / lanes].a / scale(i));
        });
    });
  }

 private:
  SCANGRAD_INLINE D scale(std::int64_t i) const { return full ? load(scale_ + i) : splat(1.0); }
  void find_scales(ColumnReader<T>& gs, std::int64_t first, std::int64_t count) {
    Sizes sizes[width / lanes];
    for (std::int64_t row = 0; row < job_.length; ++row) {
      const auto g = gs.row(row);
      for_each_register(
          count, [&](std::int64_t i, std::int64_t here, auto whole)
                     __attribute__((always_inline)) { sizes[i / lanes].add(g.get(i, here, whole)); });
    }
    for_each_register(count, [&](std::int64_t i, std::int64_t here, auto) {
      if (job_.behind != nullptr) sizes[i / lanes].add(load_some(job_.behind + first + i, here, 0.0));
      store(scale_ + i, sizes[i / lanes].scale());
    });
  }

  /// Whether nothing is before a row.
  bool fresh(std::int64_t row) const { return row == 0 && job_.initial == nullptr; }
  double* kept(std::int64_t row, std::int64_t i) const { return job_.scratch + 3 * ((row / checkpoint_rows) * width + i); }

  void forwards(ColumnReader<T>& xs, std::int64_t first, std::int64_t count, Suffix* later) {
    rows_.start(job_, first, count);
    for (std::int64_t row = 0; row < job_.length; row += checkpoint_rows) {
      for_each_first(count, [&](std::int64_t i) {
        const Carry c = rows_.get(i);
        store(kept(row, i), c.ref), store(kept(row, i) + lanes, c.s), store(kept(row, i) + 2 * lanes, c.s_low);
      });
      const std::int64_t rows = job_.length - row < checkpoint_rows ? job_.length - row : checkpoint_rows;
      if (job_.behind == nullptr && row + rows == job_.length) return;  // `back` will see the rest
      rows_.template down<false>(xs, row, rows, count, fresh(row));
    }
    for_each_register(count, [&](std::int64_t i, std::int64_t here, auto) {
      later[i / lanes] = suffix_of<full>(load_some(job_.behind + first + i, here, 0.0) * scale(i), rows_.get(i));
    });
  }

  void back(ColumnReader<T>& xs, ColumnReader<T>& gs, std::int64_t begin, std::int64_t first, std::int64_t count,
            Suffix* later) {
    const std::int64_t rows = job_.length - begin < checkpoint_rows ? job_.length - begin : checkpoint_rows;
    for_each_first(count, [&](std::int64_t i) {
      rows_.put(i, {load(kept(begin, i)), load(kept(begin, i) + lanes), load(kept(begin, i) + 2 * lanes), D{}, D{}});
    });
    rows_.template down<true>(xs, begin, rows, count, fresh(begin));
    rows_.turn(rows, count);
    for (std::int64_t row = rows - 1; row >= 0; --row) {
      const Target<T> out{static_cast<T*>(job_.out[0]) + (begin + row) * job_.out_step + first, false};
      rows_.back(row, xs.row(begin + row), gs.row(begin + row), out, count, later, scale_);
    }
  }

  const ScanJob& job_;
  Rows rows_;
  alignas(64) double scale_[width];
};

template <class T>
void lse_adjoint_columns(const ScanJob& job) {
  if (job.length > 0 && job.columns > 0) LseAdjointColumns<T>(job).run();
}

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
