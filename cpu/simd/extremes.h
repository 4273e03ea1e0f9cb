#pragma once
// The running extremes and the tangents of the elements that hold them. They are elements, and no arithmetic is done: those of float32 and
// less stay in registers of floats. An extreme stays beside what is smaller, and gives way to an equal one; NaN stays from where it stands.

#include "cpu/simd/monoids.h"
#include "cpu/simd/traverse.h"

namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL {

/// A register that holds elements.
template <class T>
using ElementsOf = std::conditional_t<is_full<T>, D, S>;

template <bool largest, bool with_tangent, class V>
struct Reign {
  V value, tangent;

  static SCANGRAD_INLINE Reign before_all() { return {all<V>(largest ? -__builtin_inff() : __builtin_inff()), V{}}; }

  /// Where no value is NaN.
  static SCANGRAD_INLINE Reign combine(const Reign& a, const Reign& b) {
    const V value =
        largest ? maximum(a.value, b.value) : minimum(a.value, b.value);  // b of equals, which may be zeros of two signs
    if constexpr (!with_tangent) return {value, V{}};
    return {value, (SCANGRAD_PLANT(hot_extreme_maxima_ties, largest ? a.value > b.value : a.value < b.value,
                                   largest ? a.value >= b.value : a.value <= b.value)
                        ? a.tangent
                        : b.tangent)};
  }
  /// For any.
  static SCANGRAD_INLINE Reign advance(const Reign& a, const Reign& b) {
    const auto stays = extreme_stays<largest>(a.value, b.value);
    return {stays ? a.value : b.value, with_tangent ? (stays ? a.tangent : b.tangent) : V{}};
  }
};

/// The reigns after each element of `own`, from `carry`, which moves behind them.
template <bool largest, bool with_tangent, class V>
struct Reigns {
  using R = Reign<largest, with_tangent, V>;
  static constexpr int width = lanes_in<V>;

  template <bool mirrored>
  static SCANGRAD_INLINE R after(R& carry, const R& own) {
    const auto odd = (own.value != own.value) | (carry.value != carry.value);
    if (__builtin_expect(SCANGRAD_PLANT(hot_extreme_maxima_nan, any(odd), false), 0))
      return regrouped<mirrored>(carry, own, R::advance);
    return regrouped<mirrored>(carry, own, R::combine);
  }
  /// Copies of the last of `count` elements after them, which change nothing.
  static SCANGRAD_INLINE R first(const R& own, std::int64_t count) {
    return each(own, [count](V v) {
      for (std::int64_t k = count; k < width; ++k) v[k] = v[count - 1];
      return v;
    });
  }
  template <bool mirrored, int by>
  static SCANGRAD_INLINE R delayed(const R& r, const R& fill = R::before_all()) {
    const auto moved = [](V v, V before) __attribute__((always_inline)) {
      if constexpr (mirrored) return shifted_down<by>(v, before);
      else return shifted_up<by>(v, before);
    };
    return {moved(r.value, fill.value), with_tangent ? moved(r.tangent, fill.tangent) : V{}};
  }

 private:
  template <bool mirrored, class Combine>
  static SCANGRAD_INLINE R regrouped(R& carry, R own, const Combine& combine) {
    own = combine(delayed<mirrored, 1>(own), own);
    if constexpr (width > 2) own = combine(delayed<mirrored, 2>(own), own);
    if constexpr (width > 4) own = combine(delayed<mirrored, 4>(own), own);
    if constexpr (width > 8) own = combine(delayed<mirrored, 8>(own), own);
    const R seen = combine(carry, own),
            last = each(
                own, [](V v) __attribute__((always_inline)) { return mirrored ? first_lane(v) : last_lane(v); });
    carry = combine(carry, last);
    return seen;
  }
  template <class F>
  static SCANGRAD_INLINE R each(const R& r, const F& f) {
    return {f(r.value), with_tangent ? f(r.tangent) : V{}};
  }
};

template <bool largest, bool with_tangent, class T>
class ExtremeRow {
  using V = ElementsOf<T>;
  using R = Reign<largest, with_tangent, V>;
  using All = Reigns<largest, with_tangent, V>;

 public:
  explicit ExtremeRow(const ScanJob& job)
      : job_(job),
        x_(job.in[0], job.in_step[0], job.out_step < 0),
        t_(job.in[1], job.in_step[1], job.out_step < 0),
        y_(job.out[0], job.out_step, job.stream),
        dy_(job.out[1], job.out_step, job.stream) {}

  void run() {
    carry_ = R::before_all();
    if (job_.initial != nullptr) carry_ = {splat<V>(job_.initial[0]), splat<V>(with_tangent ? job_.initial[1] : 0.0)};
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
          for_each_register_ahead<lanes_in<V>>(
              count, in, [&](std::int64_t i, std::int64_t here, auto whole) __attribute__((always_inline)) {
                constexpr bool mirrored = backwards && whole;
                R own{read_register<mirrored, V>(in[0], i, here, whole), V{}};
                if constexpr (with_tangent) own.tangent = read_register<mirrored, V>(in[1], i, here, whole);
                if constexpr (!whole) own = All::first(own, here);
                const R seen = All::template after<mirrored>(carry, own);
                write_register<mirrored>(y, i, here, seen.value, whole);
                if constexpr (with_tangent) write_register<mirrored>(dy, i, here, seen.tangent, whole);
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
template <bool largest, bool with_tangent, class Register>
class ExtremeStep {
  using R = Reign<largest, with_tangent, Register>;

 public:
  using V = Register;
  static constexpr int inputs = with_tangent ? 2 : 1, outputs = inputs;

  void start(const ScanJob& job, std::int64_t column, std::int64_t count) {
    carry_ = R::before_all();
    if (job.initial == nullptr) return;
    each_part([&](V& part, int p) {
      for (std::int64_t k = 0; k < count; ++k)
        part[k] = static_cast<decltype(V{}[0] + 0)>(job.initial[p * job.columns + column + k]);
    });
  }
  void finish(const ScanJob& job, std::int64_t column, std::int64_t count) {
    if (job.final == nullptr) return;
    each_part([&](V& part, int p) {
      for (std::int64_t k = 0; k < count; ++k) job.final[p * job.columns + column + k] = part[k];
    });
  }
  SCANGRAD_INLINE void take(V* x, bool, V* y) {
    carry_ = R::advance(carry_, {x[0], with_tangent ? x[inputs - 1] : V{}});
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
