#pragma once
// The running extremes of float32 and less, and the tangents of the elements that hold them, in registers of floats: they are elements,
// and no arithmetic is done. An extreme stays beside what is smaller, and gives way to an equal one; NaN stays from where it stands.

#include "cpu/simd/monoids.h"
#include "cpu/simd/traverse.h"

namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL {

template <bool largest, bool with_tangent>
struct Reign {
  S value, tangent;

  static SCANGRAD_INLINE Reign before_all() { return {splat_float(largest ? -__builtin_inff() : __builtin_inff()), S{}}; }

  /// Where no value is NaN.
  static SCANGRAD_INLINE Reign combine(const Reign& a, const Reign& b) {
    const S value =
        largest ? maximum(a.value, b.value) : minimum(a.value, b.value);  // b of equals, which may be zeros of two signs
    if constexpr (!with_tangent) return {value, S{}};
    return {value, (SCANGRAD_PLANT(hot_extreme_floats_ties, largest ? a.value > b.value : a.value < b.value,
                                   largest ? a.value >= b.value : a.value <= b.value)
                        ? a.tangent
                        : b.tangent)};
  }
  /// For any.
  static SCANGRAD_INLINE Reign advance(const Reign& a, const Reign& b) {
    const S32 stays = extreme_stays<largest>(a.value, b.value);
    return {stays ? a.value : b.value, with_tangent ? (stays ? a.tangent : b.tangent) : S{}};
  }
};

/// The reigns after each element of `own`, from `carry`, which moves behind them.
template <bool largest, bool with_tangent>
struct Reigns {
  using R = Reign<largest, with_tangent>;

  template <bool mirrored>
  static SCANGRAD_INLINE R after(R& carry, const R& own) {
    const S32 odd = (own.value != own.value) | (carry.value != carry.value);
    return SCANGRAD_PLANT(hot_extreme_floats_nan, any_float(odd), false) ? in_turn<mirrored>(carry, own)
                                                                         : regrouped<mirrored>(carry, own);
  }
  /// Copies of the last of `count` elements after them, which change nothing.
  static SCANGRAD_INLINE R first(const R& own, std::int64_t count) {
    return each(own, [count](S v) {
      float all[wide];
      store_raw(all, v);
      for (std::int64_t k = count; k < wide; ++k) all[k] = all[count - 1];
      return load_raw<S>(all);
    });
  }
  template <bool mirrored, int by>
  static SCANGRAD_INLINE R delayed(const R& r, const R& fill = R::before_all()) {
    const auto moved = [](S v, S before) __attribute__((always_inline)) {
      if constexpr (mirrored) return shifted_down<by>(v, before);
      else return shifted_up<by>(v, before);
    };
    return {moved(r.value, fill.value), with_tangent ? moved(r.tangent, fill.tangent) : S{}};
  }

 private:
  template <bool mirrored>
  static SCANGRAD_INLINE R regrouped(R& carry, R own) {
    own = R::combine(delayed<mirrored, 1>(own), own);
    own = R::combine(delayed<mirrored, 2>(own), own);
    if constexpr (wide > 4) own = R::combine(delayed<mirrored, 4>(own), own);
    if constexpr (wide > 8) own = R::combine(delayed<mirrored, 8>(own), own);
    const R seen = R::combine(carry, own),
            last = each(
                own, [](S v) __attribute__((always_inline)) { return mirrored ? first_float(v) : last_float(v); });
    carry = R::combine(carry, last);
    return seen;
  }
  template <bool mirrored>
  static SCANGRAD_INLINE R in_turn(R& carry, const R& own) {
    const auto turn = [](S v) { return mirrored ? reversed_floats(v) : v; };
    Turn both{carry, each(own, turn)};  // a copy in memory, so that the carry need not be there
    one_by_one(both);
    carry = both.carry;
    return each(both.own, turn);
  }
  struct Turn {
    R carry, own;
  };
  static __attribute__((noinline)) void one_by_one(Turn& both) {
    for (int k = 0; k < wide; ++k) {
      both.carry = R::advance(both.carry, {splat_float(both.own.value[k]), splat_float(both.own.tangent[k])});
      both.own.value[k] = both.carry.value[0], both.own.tangent[k] = both.carry.tangent[0];
    }
  }
  template <class F>
  static SCANGRAD_INLINE R each(const R& r, const F& f) {
    return {f(r.value), with_tangent ? f(r.tangent) : S{}};
  }
};

template <bool largest, bool with_tangent, class T>
class ExtremeRow {
  using R = Reign<largest, with_tangent>;
  using All = Reigns<largest, with_tangent>;

 public:
  explicit ExtremeRow(const ScanJob& job)
      : job_(job),
        x_(job.in[0], job.in_step[0], job.out_step < 0),
        t_(job.in[1], job.in_step[1], job.out_step < 0),
        y_(job.out[0], job.out_step, job.stream),
        dy_(job.out[1], job.out_step, job.stream) {}

  void run() {
    carry_ = R::before_all();
    if (job_.initial != nullptr)
      carry_ = {splat_float(static_cast<float>(job_.initial[0])),
                splat_float(with_tangent ? static_cast<float>(job_.initial[1]) : 0.0f)};
    for (std::int64_t at = 0; at < job_.length; at += tile) run_tile(at, job_.length - at < tile ? job_.length - at : tile);
    if (job_.final == nullptr) return;
    job_.final[0] = carry_.value[0];
    if constexpr (with_tangent) job_.final[1] = carry_.tangent[0];
  }

 private:
  void run_tile(std::int64_t at, std::int64_t count) {
    Source<T> in[with_tangent ? 2 : 1] = {x_.tile_at(at, count)};
    if constexpr (with_tangent) in[1] = t_.tile_at(at, count);
    const auto y = y_.tile_at(at, count), dy = with_tangent ? dy_.tile_at(at, count) : y;
    R carry = carry_;  // in a register
    in_direction(
        y.backwards, [&](auto backwards) __attribute__((always_inline)) {
          for_each_register_ahead<wide>(
              count, in, [&](std::int64_t i, std::int64_t here, auto whole) __attribute__((always_inline)) {
                constexpr bool mirrored = backwards && whole;
                R own{read_floats<mirrored>(in[0], i, here, whole), S{}};
                if constexpr (with_tangent) own.tangent = read_floats<mirrored>(in[1], i, here, whole);
                if constexpr (!whole) own = All::first(own, here);
                const R seen = All::template after<mirrored>(carry, own);
                write_floats<mirrored>(y, i, here, seen.value, whole);
                if constexpr (with_tangent) write_floats<mirrored>(dy, i, here, seen.tangent, whole);
              });
        });
    carry_ = carry;
    y_.end_tile(count);
    if constexpr (with_tangent) dy_.end_tile(count);
  }

  const ScanJob& job_;
  Reader<T> x_, t_;
  Writer<T> y_, dy_;
  R carry_;
};

template <bool largest, bool with_tangent, class T>
void extreme_row(const ScanJob& job) {
  ExtremeRow<largest, with_tangent, T>(job).run();
}

/// The same of a register of scans, one element after the other.
template <bool largest, bool with_tangent>
class ExtremeStep {
  using R = Reign<largest, with_tangent>;

 public:
  using V = S;
  static constexpr int inputs = with_tangent ? 2 : 1, outputs = inputs;

  void start(const ScanJob& job, std::int64_t column, std::int64_t count) {
    carry_ = R::before_all();
    if (job.initial == nullptr) return;
    each_part([&](S& part, int p) {
      for (std::int64_t k = 0; k < count; ++k) part[k] = static_cast<float>(job.initial[p * job.columns + column + k]);
    });
  }
  void finish(const ScanJob& job, std::int64_t column, std::int64_t count) {
    if (job.final == nullptr) return;
    each_part([&](S& part, int p) {
      for (std::int64_t k = 0; k < count; ++k) job.final[p * job.columns + column + k] = part[k];
    });
  }
  SCANGRAD_INLINE void take(S* x, bool, S* y) {
    carry_ = R::advance(carry_, {x[0], with_tangent ? x[inputs - 1] : S{}});
    y[0] = carry_.value;
    if constexpr (with_tangent) y[1] = carry_.tangent;
  }

 private:
  template <class F>
  void each_part(const F& f) {
    f(carry_.value, 0);
    if constexpr (with_tangent) f(carry_.tangent, 1);
  }
  R carry_;
};

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
