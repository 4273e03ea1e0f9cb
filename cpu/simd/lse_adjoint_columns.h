#pragma once
// The adjoint of the running mean across neighbouring columns: forwards once for the carries at every `checkpoint_rows` rows; then back,
// block after block of rows, each of which runs forwards again. In doubles, or in floats with doubles for what does not fit
// (lse_float_rows.h). Rows may lie pages apart, where no hardware looks ahead: each asks for what those to come will touch.

#include "cpu/simd/lse_adjoint.h"
#include "cpu/simd/lse_float_rows.h"

namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL {

/// f(i) for the first element of each register of doubles.
template <class F>
SCANGRAD_INLINE void for_each_first(std::int64_t count, const F& f) {
  for (std::int64_t i = 0; i < count; i += lanes) f(i);
}

/// What the way back reads and writes, row by row.
template <class T>
class ColumnsBack {
 public:
  ColumnsBack(const ScanJob& job, std::int64_t first, std::int64_t count)
      : gs_(job, 1, first, count), out_(static_cast<T*>(job.out[0]) + first), step_(job.out_step) {}

  Source<T> cotangents(std::int64_t row) { return gs_.row(row); }
  Target<T> target(std::int64_t row) const { return {out_ + row * step_, false}; }
  SCANGRAD_INLINE void look_ahead(const Source<T>& g, const Target<T>& out, std::int64_t i) const {
    __builtin_prefetch(g.here + i - gs_.ahead());
    __builtin_prefetch(out.here + i - rows_at_once * step_, 1);
  }

 private:
  ColumnReader<T> gs_;
  T* out_;
  std::int64_t step_;
};

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
            __builtin_prefetch(source.here + i + xs.ahead());
            const D x = source.get(i, here, whole);
            const auto element = LogSumExp<full, false>::lift(&x);
            carries_[i / lanes].absorb(element.ref, element.s, D{});
            if constexpr (recorded)
              store(ref_[row] + i, carries_[i / lanes].ref), store(s_[row] + i, carries_[i / lanes].sum());
          });
    }
  }
  void turn(std::int64_t, std::int64_t) {}

  /// The results of a row, the block's first of which is `begin`; `scale` as of Sizes, one a column.
  void back(ColumnReader<T>& readers, std::int64_t begin, std::int64_t row, ColumnsBack<T>& way, std::int64_t count,
            Suffix* later, const double* scales) {
    const auto xs = readers.row(begin + row), gs = way.cotangents(begin + row);
    const auto out = way.target(begin + row);
    for_each_register(
        count, [&](std::int64_t i, std::int64_t here, auto whole) __attribute__((always_inline)) {
          way.look_ahead(gs, out, i);
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

/// The same in floats.
template <class T>
class LseFloatColumns : public LseFloatRows<checkpoint_rows, adjoint_columns> {
 public:
  /// `fresh`: nothing is before the first.
  template <bool recorded>
  void down(ColumnReader<T>& xs, std::int64_t begin, std::int64_t rows, std::int64_t count, bool fresh) {
    for_each_rows(0, rows, [&](std::int64_t row, auto some) {
      constexpr int rows_here = some;
      Source<T> sources[rows_here];
      for (std::int64_t r = 0; r < rows_here; ++r) sources[r] = xs.row(begin + row + r);
      for_each_floats(
          count, [&](std::int64_t i, std::int64_t here, auto whole) __attribute__((always_inline)) {
            S x[rows_here];
            for (std::int64_t r = 0; r < rows_here; ++r) {
              __builtin_prefetch(sources[r].here + i + xs.ahead());
              x[r] = sources[r].get_floats(i, here, whole);
            }
            this->template take<recorded>(row, i, x, fresh && row == 0);
          });
    });
  }
  void back(ColumnReader<T>&, std::int64_t begin, std::int64_t row, ColumnsBack<T>& way, std::int64_t count, Suffix* later,
            const double*) {
    const auto gs = way.cotangents(begin + row);
    const auto out = way.target(begin + row);
    for_each_floats(
        count, [&](std::int64_t i, std::int64_t here, auto whole) __attribute__((always_inline)) {
          way.look_ahead(gs, out, i);
          out.put_floats(i, here, this->give(row, i, gs.get_floats(i, here, whole), later + i / lanes), whole);
        });
  }
};

template <class T>
class LseAdjointColumns {
  static constexpr bool full = is_full<T>, floats = in_floats<T>;
  using Rows = std::conditional_t<floats, LseFloatColumns<T>, LseDoubleRows<T>>;
  using Carry = typename Rows::Carry;
  static constexpr std::int64_t width = adjoint_columns;

 public:
  explicit LseAdjointColumns(const ScanJob& job) : job_(job) {}

  void run() {
    for_each_part(job_.columns, width, [&](std::int64_t first, std::int64_t count) {
      ColumnReader<T> xs(job_, 0, first, count);
      ColumnsBack<T> way(job_, first, count);
      Suffix later[width / lanes];
      if constexpr (full) find_scales(way, first, count);
      forwards(xs, first, count, later);
      for (std::int64_t row = (job_.length - 1) / checkpoint_rows * checkpoint_rows; row >= 0; row -= checkpoint_rows)
        back(xs, way, row, count, later);
      if (job_.final != nullptr)
        for_each_register(count, [&](std::int64_t i, std::int64_t here, auto) {
          store_some(job_.final + first + i, here, later[i / lanes].ref);
          store_some(job_.final + job_.columns + first + i, here, later[i / lanes].a / scale(i));
        });
    });
  }

 private:
  SCANGRAD_INLINE D scale(std::int64_t i) const { return full ? load(scale_ + i) : splat(1.0); }
  void find_scales(ColumnsBack<T>& way, std::int64_t first, std::int64_t count) {
    Sizes sizes[width / lanes];
    for (std::int64_t row = 0; row < job_.length; ++row) {
      const auto g = way.cotangents(row);
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

  void back(ColumnReader<T>& xs, ColumnsBack<T>& way, std::int64_t begin, std::int64_t count, Suffix* later) {
    const std::int64_t rows = job_.length - begin < checkpoint_rows ? job_.length - begin : checkpoint_rows;
    for_each_first(count, [&](std::int64_t i) {
      rows_.put(i, {load(kept(begin, i)), load(kept(begin, i) + lanes), load(kept(begin, i) + 2 * lanes), D{}, D{}});
    });
    rows_.template down<true>(xs, begin, rows, count, fresh(begin));
    rows_.turn(rows, count);
    for (std::int64_t row = rows - 1; row >= 0; --row) rows_.back(xs, begin, row, way, count, later, scale_);
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
