#pragma once
// The cotangents of running extremes along a row: an element's is the sum of what comes back over its reign, and 0 if it never reigns.
// In most data reigns are few and long. So a register in which none begins costs a comparison and a sum, a tile not even the comparison:
// forwards once for what reigns at each tile's start and each tile's own extreme; then back, a tile at a time, looking for beginnings
// only where there are some.

#include "cpu/simd/extremes.h"

namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL {

template <bool largest, class T>
class ExtremeBackRow {
  static constexpr bool full = is_full<T>;
  using V = ElementsOf<T>;
  using Mask = decltype(V{} < V{});
  static constexpr std::int64_t width = lanes_in<V>, parts = width / lanes;
  using M = Sum<full>;  // of the cotangents, lane by lane
  using State = typename M::State;

 public:
  explicit ExtremeBackRow(const ScanJob& job) : job_(job) {}

  void run() {
    const std::int64_t last = (job_.length - 1) / tile * tile;
    double reigning = job_.initial != nullptr ? job_.initial[0] : before_all;
    for (std::int64_t at = 0; at <= last; at += tile) {
      double* const seen = seen_at(at);
      seen[0] = reigning, seen[1] = extreme_of(at, count_at(at));
      if (!extreme_stays<largest>(reigning, seen[1])) reigning = seen[1];
    }
    if (job_.behind != nullptr) open_ = plus(open_, splat(job_.behind[0]));
    for (std::int64_t at = last; at >= 0; at -= tile) {
      const double* const seen = seen_at(at);
      if (SCANGRAD_PLANT(hot_extreme_back_idle, extreme_stays<largest>(seen[0], seen[1]), true))
        std::memset(begins_, 0, sizeof begins_);
      else find_beginnings(at, count_at(at), seen[0]);
      back(at, count_at(at));
    }
    if (job_.final == nullptr) return;
    job_.final[job_.columns] = 0;
    final_state(job_, 0, 1, open_);
  }

 private:
  static constexpr double before_all = largest ? -__builtin_inf() : __builtin_inf();

  /// The extremes at a tile's start and of itself.
  double* seen_at(std::int64_t at) const { return job_.scratch + 2 * (at / tile); }
  std::int64_t count_at(std::int64_t at) const { return job_.length - at < tile ? job_.length - at : tile; }

  /// f(mirrored, register's number, elements) for those of a tile; copies of the last one fill the last register.
  template <class F>
  SCANGRAD_INLINE void for_each_of(std::int64_t at, std::int64_t count, Ahead where, const F& f) {
    const Source<T> x[1] = {elements_.tile_at(at, count)};
    in_direction(
        backwards_, [&](auto backwards) __attribute__((always_inline)) {
          for_each_register_ahead<width>(
              count, x,
              [&](std::int64_t i, std::int64_t here, auto whole) __attribute__((always_inline)) {
                constexpr auto mirrored = std::bool_constant < backwards && whole > ();
                V v = read_register<mirrored, V>(x[0], i, here, whole);
                if constexpr (!whole)
                  for (std::int64_t k = here; k < width; ++k) v[k] = v[here - 1];
                f(mirrored, i / width, v);
              },
              where);
        });
  }
  /// NaN if there is one.
  double extreme_of(std::int64_t at, std::int64_t count) {
    V most = all<V>(before_all);
    Mask odd{};
    for_each_of(
        at, count, Ahead::forwards, [&](auto, std::int64_t, V v) __attribute__((always_inline)) {
          odd |= v != v;
          most = largest ? maximum(most, v) : minimum(most, v);
        });
    double result = before_all;
    for (int k = 0; k < width; ++k) {
      if (odd[k] != 0) return __builtin_nan("");
      if (!extreme_stays<largest>(result, double{most[k]})) result = most[k];
    }
    return result;
  }
  void find_beginnings(std::int64_t at, std::int64_t count, double reigning) {
    V extreme = all<V>(reigning);
    for_each_of(
        at, count, Ahead::backwards, [&](auto mirrored, std::int64_t k, V v) __attribute__((always_inline)) {
          begins_[k] = any(~extreme_stays<largest>(extreme, v));
          if (!begins_[k]) return;
          const V before = before_each<mirrored>(extreme, v);
          beginnings_[k] = ~extreme_stays<largest>(before, v);
        });
  }
  /// The extreme before each element; `extreme` moves behind them.
  template <bool mirrored>
  static SCANGRAD_INLINE V before_each(V& extreme, V v) {
    using All = Reigns<largest, false, V>;
    typename All::R carry{extreme, V{}};
    const typename All::R start = carry, after = All::template after<mirrored>(carry, {v, V{}});
    extreme = carry.value;
    return All::template delayed<mirrored, 1>(after, start).value;
  }

  void back(std::int64_t at, std::int64_t count) {
    const auto g = cotangents_.tile_at(at, count);
    const auto gx = writer_.tile_at(at, count);
    in_direction(
        backwards_, [&](auto backwards) __attribute__((always_inline)) {
          State open = open_, sums[parts] = {};
          const auto close = [&]() __attribute__((always_inline)) {
            open = total(open, sums);
            for (State& sum : sums) sum = M::identity();
          };
          std::int64_t i = count / width * width;
          if (i < count) open = one_by_one(open, g, gx, i, count - i, false);
          while ((i -= width) >= 0) {
            g.expect(i + static_cast<std::int64_t>(Ahead::backwards));
            D own[parts];
            for (int p = 0; p < parts; ++p) own[p] = read_register<backwards>(g, i + p * lanes, lanes, std::true_type());
            if (full && any(~(absolute(own[0]) <= 0x1p1000))) {
              close();
              open = one_by_one(open, g, gx, i, width, backwards);
            } else if (begins_[i / width]) {
              SCANGRAD_PLANT(hot_extreme_back_close, close(), void());
              for (int p = parts; p-- > 0;)
                write_register<backwards>(gx, i + p * lanes, lanes, over<backwards>(open, beginnings(i, p), own[p]),
                                          std::true_type());
            } else {
              for (int p = 0; p < parts; ++p) {
                sums[p] = plus(sums[p], own[p]);
                write_register<backwards>(gx, i + p * lanes, lanes, D{}, std::true_type());
              }
            }
          }
          close();
          open_ = open;
        });
    writer_.end_tile(count);
  }
  /// `open` and what the lanes have, pair by pair from both ends: mirrored registers give the same.
  static SCANGRAD_INLINE State total(State open, const State* sums) {
    State lane = sums[0];
    for (int p = 1; p < parts; ++p) lane = M::combine(lane, sums[p]);
    lane = M::combine(lane, reversed_lanes_of(lane));
    for (int k = 0; k < lanes / 2; ++k)
      open = M::combine(open, each_part(
                                  [k](D v) __attribute__((always_inline)) { return splat(v[k]); }, lane));
    return open;
  }
  static SCANGRAD_INLINE State plus(const State& sum, D v) { return M::combine(sum, M::lift(&v)); }

  /// The beginnings in a part of a register, as it lies.
  SCANGRAD_INLINE I beginnings(std::int64_t i, int p) const {
    const Mask& begin = beginnings_[i / width];
    if constexpr (full) return begin;
    else
      return __builtin_convertvector(
          load_raw<I32>(reinterpret_cast<const char*>(&begin) + (backwards_ ? parts - 1 - p : p) * sizeof(I32)), I);
  }
  /// Over a register of cotangents in which reigns begin; gives what is theirs. Its own sums, of a few terms, are plain.
  template <bool mirrored>
  static SCANGRAD_INLINE D over(State& open, I begins, D g) {
    const I yes = ~I{};
    I passes = behind<mirrored, 1>(~begins, yes);  // whether a lane gets what those behind it have
    D own = g;
    const auto reach = [&](auto by) __attribute__((always_inline)) {
      own = own + only(passes, behind<mirrored, by>(own, D{}));
      passes = passes & behind<mirrored, by>(passes, yes);
    };
    reach(std::integral_constant<int, 1>());
    if constexpr (lanes > 2) reach(std::integral_constant<int, 2>());
    if constexpr (lanes > 4) reach(std::integral_constant<int, 4>());
    const State passed = each_part(
                    [passes](D v) __attribute__((always_inline)) { return only(passes, v); }, open),
                sum = plus(passed, own);
    open = last_of<!mirrored>(each_part(
        [begins](D v) __attribute__((always_inline)) { return only(~begins, v); }, sum));
    return only(begins, M::project(sum));
  }
  template <bool mirrored, int by, class R>
  static SCANGRAD_INLINE R behind(R v, R fill) {
    if constexpr (mirrored) return as_bits<R>(shifted_up<by>(as_bits<D>(v), as_bits<D>(fill)));
    else return as_bits<R>(shifted_down<by>(as_bits<D>(v), as_bits<D>(fill)));
  }
  static SCANGRAD_INLINE D only(I mask, D v) { return as_bits<D>(as_bits<I>(v) & mask); }
  /// The same of the last elements of a row, or of some whose sums may overflow in another order.
  __attribute__((noinline)) State one_by_one(State open, const Source<T>& g, const Target<T>& gx, std::int64_t i,
                                             std::int64_t count, bool mirrored) {
    const std::int64_t direction = backwards_ ? -1 : 1;
    for (std::int64_t k = count; k-- > 0;) {
      const bool begins = begins_[i / width] && beginnings_[i / width][mirrored ? width - 1 - k : k] != 0;
      open = first_lane_of(plus(open, read_some<D>(g.here + direction * (i + k), 1, false)));
      write_some(gx.here + direction * (i + k), 1, begins ? M::project(open) : D{}, false);
      if (begins) open = M::identity();
    }
    return open;
  }

  const ScanJob& job_;
  const bool backwards_ = job_.out_step < 0;
  Reader<T> elements_{job_.in[0], job_.in_step[0], backwards_}, cotangents_{job_.in[1], job_.in_step[1], backwards_};
  Writer<T> writer_{job_.out[0], job_.out_step, job_.stream};
  State open_{};               ///< of the reign that goes on behind what is done, in every lane
  bool begins_[tile / width];  ///< whether a reign begins in a register, and if so where
  Mask beginnings_[tile / width];
};

template <bool largest, class T>
void extreme_back_row(const ScanJob& job) {
  if (job.length > 0) ExtremeBackRow<largest, T>(job).run();
}

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
