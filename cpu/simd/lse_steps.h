#pragma once
// logcumsumexp and its derivative where every element meets its carry in turn (stepwise.h): across neighbouring columns and along short
// rows. In registers of doubles, or of floats, which take exponentials, logarithms and reciprocals in floats and sums in doubles.
//
// A scan in floats counts in a power of two 2^n that seldom changes: e_k = e^{x_k} 2^-n, s_k = s_{k-1} + e_k, y_k = n ln2 + log s_k.
// Elements that do not fit, far above or below what came before, infinite or NaN, take the doubles of lse.h, which may move n. What each
// scan takes depends on it alone, not on those beside it.

#include "cpu/simd/float_math.h"
#include "cpu/simd/lse.h"
#include "cpu/simd/stepwise.h"

namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL {

/// In doubles.
template <bool full, bool value, bool tangent>
class LseStep {
  using Carry = LseCarry<full, tangent>;

 public:
  using V = D;
  static constexpr int inputs = tangent ? 2 : 1, outputs = value && tangent ? 2 : 1;

  void start(const ScanJob& job, std::int64_t column, std::int64_t count) {
    carry_ = initial_state(job, column, count, Carry::identity());
  }
  void finish(const ScanJob& job, std::int64_t column, std::int64_t count) { final_state(job, column, count, carry_); }

  SCANGRAD_INLINE void take(D* x, bool fresh, D* y) {
    const auto element = LogSumExp<full, tangent>::lift(x);
    carry_.absorb(element.ref, element.s, element.u);
    const D s = carry_.sum();
    if constexpr (value) y[0] = fresh ? x[0] : log_of_sum<full>(carry_.ref, s);
    if constexpr (tangent) y[outputs - 1] = mean_of<full>(carry_.ref, carry_.weighted(), s);
  }

 private:
  Carry carry_;
};

/// A register of floats as two of doubles.
struct Halves {
  D low, high;
};
SCANGRAD_INLINE Halves widened(S v) { return {widened(low_half(v)), widened(high_half(v))}; }
SCANGRAD_INLINE S narrowed(Halves v) { return joined(__builtin_convertvector(v.low, F), __builtin_convertvector(v.high, F)); }
SCANGRAD_INLINE Halves operator+(Halves a, Halves b) { return {a.low + b.low, a.high + b.high}; }
SCANGRAD_INLINE Halves operator*(Halves a, Halves b) { return {a.low * b.low, a.high * b.high}; }
SCANGRAD_INLINE Halves load_halves(const double* p) { return {load(p), load(p + lanes)}; }
SCANGRAD_INLINE void store_halves(double* p, Halves v) { store(p, v.low), store(p + lanes, v.high); }
/// True lanes of a mask of floats, in one of its halves' doubles.
SCANGRAD_INLINE I low_mask(S32 mask) { return widened(mask ? splat_float(1.0f) : S{}).low != 0.0; }
SCANGRAD_INLINE I high_mask(S32 mask) { return widened(mask ? splat_float(1.0f) : S{}).high != 0.0; }

/// The carries of a register of scans, and what their weights in floats need. With `derivatives`, no weight may be lost beside the sum: a
/// tangent may make up for it.
template <bool tangent, bool derivatives>
class FloatCarries {
 public:
  using Carry = LseCarry<false, tangent>;

  void start(const ScanJob& job, std::int64_t column, std::int64_t count) {
    for (std::int64_t k = 0; k < wide; k += lanes) put(k, Carry::identity());
    if (job.initial == nullptr) return;
    for_each_register(count, [&](std::int64_t k, std::int64_t here, auto) {
      put(k, initial_state(job, column + k, here, Carry::identity()));
    });
  }
  void finish(const ScanJob& job, std::int64_t column, std::int64_t count) const {
    for_each_register(count, [&](std::int64_t k, std::int64_t here, auto) { final_state(job, column + k, here, get(k)); });
  }

  /// Scans k to k + lanes - 1.
  Carry get(std::int64_t k) const { return {load(ref + k), load(s + k), D{}, tangent ? load(u + k) : D{}, D{}}; }
  void put(std::int64_t k, const Carry& carry) {
    store(ref + k, carry.ref), store(s + k, carry.s);
    if constexpr (tangent) store(u + k, carry.u);
    const I fits = (absolute(carry.ref) < 0x1p20) & (carry.s >= 0x1p-20) & (carry.s <= 0x1p100);
    store(n + k, fits ? carry.ref : D{});
    store(top + k, fits ? (carry.ref + room_above) * ln2 : splat(__builtin_nan("")));
    store(bottom + k, fits ? (carry.ref - room_below) * ln2 : D{});
  }
  /// Takes in elements in doubles; returns what comes out. Scans that fit in floats keep their sums of floats, s_fit and u_fit.
  Carry absorb(std::int64_t k, D x, D t, I fits, D s_fit, D u_fit) {
    const D in[2] = {x, t};
    const auto element = LogSumExp<false, tangent>::lift(in);
    Carry carry = get(k);
    carry.absorb(element.ref, element.s, element.u);
    fits = SCANGRAD_PLANT(hot_columns_not_blended, fits, I{});
    Carry now = carry;
    now.ref = fits ? load(ref + k) : carry.ref, now.s = fits ? s_fit : carry.s;
    if constexpr (tangent) now.u = fits ? u_fit : carry.u;
    put(k, now);
    return carry;
  }

  /// Where nothing was before: counts as suits the first elements x. Says of which scans: not of those whose elements do not fit.
  SCANGRAD_INLINE S32 begin(S x) {
    const S32 fit = (x < 0x1p19f) & (x > -0x1p19f);
    const S whole = (x * static_cast<float>(log2_e) + float_to_integer) - float_to_integer;
    const Halves refs = widened(fit ? whole : splat_float(-__builtin_inff()));
    store_halves(ref, refs);
    store_floats(n, fit ? whole : S{});
    store_floats(top, fit ? (whole + static_cast<float>(room_above)) * ln2_float : splat_float(__builtin_nanf("")));
    store_floats(bottom, fit ? (whole - static_cast<float>(room_below)) * ln2_float : S{});
    return fit;
  }

  /// e^x 2^-n for what fits. Without derivatives what is small may be any number that vanishes beside the sum.
  template <class V>
  SCANGRAD_INLINE V weights(V x) const {
    const S low = load_floats(bottom);
    const V e = exp_floats(maximum(x, all<V>(low)), all<V>(splat_float(float_to_integer) - load_floats(n)));
    if constexpr (!derivatives) return e;
    return each(
        [&](S at, S weight) __attribute__((always_inline)) { return at >= low ? weight : S{}; }, x, e);
  }
  SCANGRAD_INLINE S32 fits(S x) const {
    const S32 below = x <= load_floats(top);
    return SCANGRAD_PLANT(hot_column_weight_lost, derivatives, false)
               ? below & ((x >= load_floats(bottom)) | (x == -__builtin_inff()))
               : below;
  }
  SCANGRAD_INLINE bool all_fit(S x0, S x1, S x2, S x3) const { return !any(~(fits(x0) & fits(x1) & fits(x2) & fits(x3))); }

  alignas(64) double ref[wide], s[wide], u[tangent ? wide : 1];
  alignas(64) float n[wide], top[wide], bottom[wide];

 private:
  static constexpr double room_above = 40, room_below = 125;
};

/// In floats.
template <bool value, bool tangent>
class LseFloatStep {
 public:
  using V = S;
  static constexpr int inputs = tangent ? 2 : 1, outputs = value && tangent ? 2 : 1;

  void start(const ScanJob& job, std::int64_t column, std::int64_t count) { carries_.start(job, column, count); }
  void finish(const ScanJob& job, std::int64_t column, std::int64_t count) { carries_.finish(job, column, count); }

  /// Takes in elements one after the other, one or four; `fresh` if nothing was before them.
  template <int rows>
  SCANGRAD_INLINE void take_rows(const S (&in)[rows][inputs], bool fresh, S (&out)[rows][outputs]) {
    const S32 begun = fresh ? carries_.begin(in[0][0]) : S32{};
    if constexpr (rows == 1) step(in[0], out[0]);
    else if (__builtin_expect(!four_rows(in, out), 0)) one_by_one(in, out);
    if (!fresh) return;
    // the log of one exponential, and the mean of one number, exactly
    if constexpr (value) out[0][0] = begun ? in[0][0] : out[0][0];
    if constexpr (tangent) out[0][outputs - 1] = begun ? in[0][inputs - 1] : out[0][outputs - 1];
  }

 private:
  struct Sums {
    Halves s, u;
  };
  SCANGRAD_INLINE Sums sums() const { return {load_halves(carries_.s), tangent ? load_halves(carries_.u) : Halves{}}; }
  SCANGRAD_INLINE void put(const Sums& sums) {
    store_halves(carries_.s, sums.s);
    if constexpr (tangent) store_halves(carries_.u, sums.u);
  }
  /// Takes in an element of weight e. Returns s in floats; fills in the mean.
  static SCANGRAD_INLINE S take(Sums& sums, S e, const S* in, S* out) {
    const Halves weight = widened(e);
    sums.s = sums.s + weight;
    const S s = narrowed(sums.s);
    if constexpr (tangent) {
      const S32 empty = in[0] == -__builtin_inff();
      const S t = in[inputs - 1];
      sums.u = sums.u + weight * widened(SCANGRAD_PLANT(hot_column_empty, empty ? S{} : t, t));
      out[outputs - 1] = narrowed(sums.u * widened(reciprocal(s)));
    }
    return s;
  }

  /// Four elements, whose chains of operations fill each other's waits; the bits are those of `step`. Says whether all fit.
  SCANGRAD_INLINE bool four_rows(const S (&in)[4][inputs], S (&out)[4][outputs]) {
    if (__builtin_expect(!carries_.all_fit(in[0][0], in[1][0], in[2][0], in[3][0]), 0)) return false;
    const Block e = carries_.weights(Block{in[0][0], in[1][0], in[2][0], in[3][0]});
    Sums now = sums();
    Block s;
    s.a = take(now, e.a, in[0], out[0]), s.b = take(now, e.b, in[1], out[1]);
    s.c = take(now, e.c, in[2], out[2]), s.d = take(now, e.d, in[3], out[3]);
    put(now);
    if constexpr (value) {
      const Block y = log_floats(all<Block>(load_floats(carries_.n)), s);
      out[0][0] = y.a, out[1][0] = y.b, out[2][0] = y.c, out[3][0] = y.d;
    }
    return true;
  }
  __attribute__((noinline)) void one_by_one(const S (&in)[4][inputs], S (&out)[4][outputs]) {
    for (int r = 0; r < 4; ++r) step(in[r], out[r]);
  }
  SCANGRAD_INLINE void step(const S* in, S* out) {
    const S32 fits = carries_.fits(in[0]);
    Sums now = sums();
    const S s = take(now, carries_.weights(in[0]), in, out);
    if constexpr (value) out[0] = log_floats(load_floats(carries_.n), s);
    if (__builtin_expect(!any(~fits), 1)) return put(now);
    // copies in memory, so that the others need not be there
    const Elements own{in[0], in[inputs - 1], fits, now};
    S now_out[outputs];
    for (int k = 0; k < outputs; ++k) now_out[k] = out[k];
    in_doubles(own, now_out);
    for (int k = 0; k < outputs; ++k) out[k] = now_out[k];
  }

  struct Elements {
    S x, t;
    S32 fits;
    Sums sums;
  };
  /// The scans that do not fit take their carries in doubles; the sums and `out` are right for the others.
  __attribute__((noinline)) void in_doubles(const Elements& own, S* out) {
    Halves y{}, mean{};
    const Halves xs = widened(own.x), ts = widened(own.t);
    const auto half = [&](std::int64_t k, D x, D t, I fits, D s_fit, D u_fit, D& y_at, D& mean_at) {
      const auto carry = carries_.absorb(k, x, t, fits, s_fit, u_fit);
      y_at = log_of_sum<false>(carry.ref, carry.s);
      if constexpr (tangent) mean_at = mean_of<false>(carry.ref, carry.u, carry.s);
    };
    const S32 value_fits = own.x <= load_floats(carries_.top);  // the same without a tangent
    half(0, xs.low, ts.low, low_mask(own.fits), own.sums.s.low, own.sums.u.low, y.low, mean.low);
    half(lanes, xs.high, ts.high, high_mask(own.fits), own.sums.s.high, own.sums.u.high, y.high, mean.high);
    if constexpr (tangent) out[outputs - 1] = own.fits ? out[outputs - 1] : narrowed(mean);
    if constexpr (value) out[0] = value_fits ? out[0] : narrowed(y);
  }

  FloatCarries<tangent, tangent> carries_;
};

template <class T, bool value, bool tangent>
using LseStepOf = std::conditional_t<in_floats<T>, LseFloatStep<value, tangent>, LseStep<is_full<T>, value, tangent>>;

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
