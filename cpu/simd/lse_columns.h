#pragma once
// logcumsumexp and its derivatives across neighbouring columns: every element meets its column's carry in turn.

#include "cpu/simd/lse_adjoint.h"

namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL {

template <class T, bool value, bool tangent>
void lse_columns(const ScanJob& job) {
  constexpr bool full = is_full<T>;
  using Carry = LseCarry<full, tangent>;
  Carry carries[tile / lanes];
  for (std::int64_t first = 0; first < job.columns; first += tile) {
    const std::int64_t count = job.columns - first < tile ? job.columns - first : tile;
    ColumnReader<T> xs(job, 0, first, count), ts(job, tangent ? 1 : 0, first, count);
    for_each_register(count, [&](std::int64_t i, std::int64_t here, auto) {
      carries[i / lanes] = initial_state(job, first + i, here, Carry::identity());
    });
    for (std::int64_t row = 0; row < job.length; ++row) {
      const std::int64_t to = row * job.out_step + first;
      const auto x = xs.row(row), t = tangent ? ts.row(row) : x;
      for_each_register(
          count, [&](std::int64_t i, std::int64_t here, auto whole) __attribute__((always_inline)) {
            const D in[2] = {x.get(i, here, whole), tangent ? t.get(i, here, whole) : D{}};
            const auto element = LogSumExp<full, tangent>::lift(in);
            Carry& carry = carries[i / lanes];
            carry.absorb(element.ref, element.s, element.u);
            const auto put = [&](int k, D v) __attribute__((always_inline)) {
              Target<T>{static_cast<T*>(job.out[k]) + to, false}.put(i, here, v, whole);
            };
            const D s = carry.sum();
            if constexpr (value) put(0, log_of_sum<full>(carry.ref, s));
            if constexpr (tangent) put(value ? 1 : 0, mean_of<full>(carry.ref, carry.weighted(), s));
          });
    }
    for_each_register(count,
                      [&](std::int64_t i, std::int64_t here, auto) { final_state(job, first + i, here, carries[i / lanes]); });
  }
}

/// Forwards once for the carries after every `checkpoint_rows` rows; then back, block after block, each of which runs forwards again.
template <class T>
class LseAdjointColumns {
  static constexpr bool full = is_full<T>;
  using Carry = LseCarry<full, false>;
  static constexpr std::int64_t width = adjoint_columns;  // the block's references and sums stay in the first caches

 public:
  explicit LseAdjointColumns(const ScanJob& job) : job_(job) {}

  void run() {
    for (std::int64_t first = 0; first < job_.columns; first += width) {
      const std::int64_t count = job_.columns - first < width ? job_.columns - first : width;
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
    }
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

  double* kept(std::int64_t row, std::int64_t i) const { return job_.scratch + 3 * ((row / checkpoint_rows) * width + i); }

  static void step(const Source<T>& xs, std::int64_t count, Carry* carries) {
    for_each_register(
        count, [&](std::int64_t i, std::int64_t here, auto whole) __attribute__((always_inline)) {
          const D x = xs.get(i, here, whole);
          const auto element = LogSumExp<full, false>::lift(&x);
          carries[i / lanes].absorb(element.ref, element.s, D{});
        });
  }

  void forwards(ColumnReader<T>& xs, std::int64_t first, std::int64_t count, Suffix* later) {
    Carry carries[width / lanes];
    for_each_register(count, [&](std::int64_t i, std::int64_t here, auto) {
      carries[i / lanes] = initial_state(job_, first + i, here, Carry::identity());
    });
    for (std::int64_t row = 0; row < job_.length; ++row) {
      if (row % checkpoint_rows == 0)
        for (std::int64_t i = 0; i < count; i += lanes) {
          const Carry& c = carries[i / lanes];
          store(kept(row, i), c.ref), store(kept(row, i) + lanes, c.s), store(kept(row, i) + 2 * lanes, c.s_low);
        }
      step(xs.row(row), count, carries);
    }
    if (job_.behind == nullptr) return;
    for_each_register(count, [&](std::int64_t i, std::int64_t here, auto) {
      later[i / lanes] = suffix_of<full>(load_some(job_.behind + first + i, here, 0.0) * scale(i), carries[i / lanes]);
    });
  }

  void back(ColumnReader<T>& xs, ColumnReader<T>& gs, std::int64_t begin, std::int64_t first, std::int64_t count,
            Suffix* later) {
    const std::int64_t end = job_.length - begin < checkpoint_rows ? job_.length : begin + checkpoint_rows;
    Carry carries[width / lanes];
    for (std::int64_t i = 0; i < count; i += lanes)
      carries[i / lanes] = {load(kept(begin, i)), load(kept(begin, i) + lanes), load(kept(begin, i) + 2 * lanes), D{}, D{}};
    for (std::int64_t row = begin; row < end; ++row) {
      step(xs.row(row), count, carries);
      for (std::int64_t i = 0; i < count; i += lanes) {
        store(ref_[row - begin] + i, carries[i / lanes].ref);
        store(s_[row - begin] + i, carries[i / lanes].sum());
      }
    }
    for (std::int64_t row = end - 1; row >= begin; --row) {
      const auto xrow = xs.row(row), grow = gs.row(row);
      const Target<T> out{static_cast<T*>(job_.out[0]) + row * job_.out_step + first, false};
      for_each_register(
          count, [&](std::int64_t i, std::int64_t here, auto whole) __attribute__((always_inline)) {
            const D x = xrow.get(i, here, whole), g = full ? grow.get(i, here, whole) * scale(i) : grow.get(i, here, whole);
            const D ref = load(ref_[row - begin] + i), s = load(s_[row - begin] + i);
            Suffix& rest = later[i / lanes];
            const D q = is_nan(ref) ? ref : s == 0.0 ? D{} : quotient<full>(g, s == 0.0 ? splat(1.0) : s);
            rest.a = any(rest.ref != ref) ? carried_back<full>(rest.a, rest.ref, ref) + q : rest.a + q;
            rest.ref = ref;
            const D v = given_to<full>(x, rest.a, ref);
            out.put(i, here, full ? v * (1.0 / scale(i)) : v, whole);
          });
    }
  }

  const ScanJob& job_;
  alignas(64) double ref_[checkpoint_rows][width], s_[checkpoint_rows][width], scale_[width];
};

template <class T>
void lse_adjoint_columns(const ScanJob& job) {
  if (job.length > 0 && job.columns > 0) LseAdjointColumns<T>(job).run();
}

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
