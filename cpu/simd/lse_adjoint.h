#pragma once
// The adjoint of the running mean along a contiguous axis: forwards for the carries at the tiles, then back, in the forms of lse_rows.h.

#include "cpu/simd/lse_floats.h"
#include "cpu/simd/lse_tile.h"

namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL {

/// v B^(to - from): a suffix sum whose reference `from` becomes `to`, an earlier one.
template <bool full>
SCANGRAD_INLINE D carried_back(D v, D from, D to) {
  const D w = between<full>(to, from);
  return from == to ? v : weigh(v, w, (from == infinity) & (to < infinity));
}

/// e^x v B^-from: what a suffix sum with reference `from` gives to the element x.
template <bool full>
SCANGRAD_INLINE D given_to(D x, D v, D from) {
  const Element e = element_of<full>(x);
  const D own = carried_back<full>(v, from, e.ref);
  return x == -infinity ? D{} : full ? own : own * e.s;
}

/// The sum over later outputs of g / s, relative to `ref`; at first there are none.
struct Suffix {
  D a{}, ref = splat(infinity);
};

/// What the cotangent of a log-sum, the state at the end, gives to those before it.
template <bool full>
SCANGRAD_INLINE Suffix suffix_of(D cotangent, const LseCarry<full, false>& end) {
  const D s = end.sum();
  const I empty = s == 0.0;
  const D a = is_nan(end.ref) ? end.ref : cotangent / (empty ? splat(1.0) : s);
  return {empty ? D{} : a, empty ? splat(infinity) : end.ref};
}

/// (M^H g)_i = e^{x_i} sum_{k >= i} g_k e^{-y_k}: forwards for the carries at the tiles, then back.
template <class T>
class LseAdjointRow {
  static constexpr bool full = is_full<T>;
  using Carry = LseCarry<full, false>;

 public:
  explicit LseAdjointRow(const ScanJob& job)
      : job_(job), t_(job), f_(job), g_(job.in[1], job.in_step[1]), v_(job.out[0], job.out_step, job.stream) {}

  void run() {
    Carry carry = first_lane_of(initial_state(job_, 0, 1, Carry::identity()));
    for (std::int64_t at = 0; at < job_.length; at += tile) {
      double* keep = job_.scratch + 3 * (at / tile);
      keep[0] = carry.ref[0], keep[1] = carry.s[0], keep[2] = carry.s_low[0];
      const std::int64_t count = job_.length - at < tile ? job_.length - at : tile;
      if (at + count == job_.length && job_.behind == nullptr) break;
      if constexpr (has_floats && !full)
        if (count == tile && f_.read(at, tile, carry)) {
          carry.s += splat(f_.sum());
          continue;
        }
      t_.read(at, count);
      const auto total = t_.sum(count);
      carry.absorb(total.ref, total.s, total.u);
    }
    Suffix later;
    if (job_.behind != nullptr) later = suffix_of<full>(splat(job_.behind[0]), carry);
    for (std::int64_t at = (job_.length - 1) / tile * tile; at >= 0; at -= tile) back(at, later);
    if (job_.final != nullptr) job_.final[0] = later.ref[0], job_.final[1] = later.a[0];
  }

 private:
  void back(std::int64_t at, Suffix& later) {
    const std::int64_t count = job_.length - at < tile ? job_.length - at : tile;
    const double* kept = job_.scratch + 3 * (at / tile);
    Carry carry{splat(kept[0]), splat(kept[1]), splat(kept[2]), D{}, D{}};
    out_ = v_.tile_at(at, count);
    if constexpr (has_floats && !full)
      if (back_floats(at, count, carry, later)) return v_.end_tile(count);
    t_.read(at, count, Ahead::backwards);
    t_.scan(count);
    in_ = g_.tile_at(at, count);
    if (!(t_.plain && kept[0] < infinity && back_plain(count, carry, later))) back_any(count, carry, later);
    v_.end_tile(count);
  }

  /// f(i, count, whole) over a tile, backwards.
  template <class F>
  static SCANGRAD_INLINE void for_each_register_back(std::int64_t count, const F& f) {
    std::int64_t i = count / lanes * lanes;
    if (i < count) f(i, count - i, std::false_type());
    while ((i -= lanes) >= 0) f(i, std::int64_t{lanes}, std::true_type());
  }

  /// Says whether it could.
  bool back_floats(std::int64_t at, std::int64_t count, Carry carry, Suffix& later) {
    if (!f_.read(at, count, carry, Ahead::backwards)) return false;
    const D a = carried_back<full>(later.a, later.ref, carry.ref);
    if (!f_.read_t(at, count, a[0], Ahead::backwards)) return false;
    Before s_before, after;
    double later_sum = a[0];
    f_.template scan<false, true>(count, carry, s_before, s_before, e_of_);
    for (std::int64_t i = (count - 1) / block * block; i >= 0; i -= block) {
      store_block(f_.q_of + i, suffix_sums(load_block(f_.t_of + i) / s_before.plus(i, load_block(f_.p_of + i))));
      later_sum = after.add_back(i, f_.q_of, later_sum);
    }
    after.split(count);
    const auto out = out_;
    for_each_block(
        count, [&](std::int64_t i, std::int64_t here, auto whole) __attribute__((always_inline)) {
          out.put_block(i, here, load_block(e_of_ + i) * after.plus(i, load_block(f_.q_of + i)), whole);
        });
    later = {splat(later_sum), carry.ref};
    return true;
  }

  /// Says whether it could: cotangents that are not finite, or too large, take the other form.
  bool back_plain(std::int64_t count, Carry carry, Suffix& later) {
    const D w = carry.meet(splat(t_.reference)) * t_.unit;
    const D a = carried_back<full>(later.a, later.ref, carry.ref);
    Chain<full> chain{a, D{}};
    I odd = I{};
    const D s0 = carry.sum();
    const auto in = in_;
    const auto out = out_;
    for_each_register_back(
        count, [&](std::int64_t i, std::int64_t here, auto whole) __attribute__((always_inline)) {
          const D g = in.get(i, here, whole), x = load(t_.x_of + i);
          if constexpr (full) odd |= ((absolute(g) < 0x1p-900) & (g != 0.0)) | !(absolute(g) <= 0x1p900);
          const D q = suffix_sum(quotient<full>(g, fma(w, load(t_.s_of + i), s0)));
          const D v = load(t_.e_of + i) * w * chain.plus(q);
          out.put(i, here, x == -infinity ? D{} : v, whole);
          chain.add(first_lane(q));
        });
    if (any(odd) || !__builtin_isfinite(chain.sum[0])) return false;
    later = {chain.plus(D{}), carry.ref};
    return true;
  }

  void back_any(std::int64_t count, const Carry& carry, Suffix& later) {
    for_each_register_back(count, [&](std::int64_t i, std::int64_t here, auto whole) {
      const auto s = LogSumExp<full, false>::combine(carry.state(), t_.at(i));
      const D q = in_.get(i, here, whole) / s.s, x = load(t_.x_of + i);
      D a = is_nan(s.ref) ? s.ref : s.s == 0.0 ? D{} : q;
      a = add_later<1>(a, s.ref);
      if constexpr (lanes > 2) a = add_later<2>(a, s.ref);
      if constexpr (lanes > 4) a = add_later<4>(a, s.ref);
      a += carried_back<full>(later.a, later.ref, s.ref);
      out_.put(i, here, given_to<full>(x, a, s.ref), whole);
      later = {first_lane(a), first_lane(s.ref)};
    });
  }
  template <int by>
  static SCANGRAD_INLINE D add_later(D a, D ref) {
    return a + carried_back<full>(shifted_down<by>(a, D{}), shifted_down<by>(ref, last_lane(ref)), ref);
  }

  const ScanJob& job_;
  LseTile<T, false, true> t_;
  LseFloats<T, !full> f_;
  alignas(64) float e_of_[LseFloats<T, true>::spaced];
  Reader<T> g_;
  Writer<T> v_;
  Source<T> in_{};
  Target<T> out_{};
};

template <class T>
void lse_adjoint_row(const ScanJob& job) {
  if (job.length > 0) LseAdjointRow<T>(job).run();
}

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
