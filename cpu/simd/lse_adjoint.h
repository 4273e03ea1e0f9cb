#pragma once
// The adjoint of the running mean along a contiguous axis: forwards for the carries at the tiles, then back, in the forms of lse_rows.h.

#include "cpu/simd/lse_floats.h"
#include "cpu/simd/lse_tile.h"
#include "cpu/simd/tiles.h"

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

/// What the cotangents of a lane are multiplied by on the way, and results divided by: sums of subnormal numbers would round at each
/// term. Only float64 has none wider to be summed in.
struct Sizes {
  D most{}, least = splat(infinity);
  SCANGRAD_INLINE void add(D g) {
    const D size = absolute(g);
    most = maximum(size, most), least = minimum(size == 0.0 ? splat(infinity) : size, least);
  }
  SCANGRAD_INLINE void add(const Sizes& s) {
    most = maximum(splat(largest_lane(s.most)), most), least = minimum(splat(-largest_lane(-s.least)), least);
  }
  SCANGRAD_INLINE D scale() const { return ((least < 0x1p-900) & (most < 0x1p300)) ? splat(0x1p600) : splat(1.0); }
};

/// (M^H g)_i = e^{x_i} sum_{k >= i} g_k e^{-y_k}: forwards for the carries at the tiles, then back.
template <class T>
class LseAdjointRow {
  static constexpr bool full = is_full<T>, floats = in_floats<T>;
  using Carry = LseCarry<full, false>;

 public:
  explicit LseAdjointRow(const ScanJob& job)
      : job_(job),
        states_(job.states != nullptr ? job.states : job.scratch),
        t_(job),
        f_(job),
        g_(job.in[1], job.in_step[1]),
        v_(job.out[0], job.out_step, job.stream) {}

  void run() {
    Forwards end = forwards();
    if (job_.behind != nullptr) end.sizes.add(splat(job_.behind[0]));
    if constexpr (full) scale_ = end.sizes.scale()[0];
    Suffix behind;
    if (job_.behind != nullptr) behind = suffix_of<full>(splat(job_.behind[0] * scale_), end.carry);
    Tiles<Suffix, true> tiles(job_, behind);
    while (tiles.next()) {
      back(tiles);
      if (tiles.last() && job_.final != nullptr) {
        const Suffix later = tiles.carry();
        job_.final[0] = later.ref[0], job_.final[1] = later.a[0] / scale_;
      }
    }
  }

 private:
  struct Forwards {
    Carry carry;
    Sizes sizes;  ///< of the cotangents, if full
  };
  /// Keeps the state before each tile, if nobody did, as lse_rows.h has it. Returns that behind the last, if anything comes back of it.
  Forwards forwards() {
    Forwards end{first_lane_of(initial_state(job_, 0, 1, Carry::identity())), Sizes()};
    if (job_.states_known && !full) return end;
    Tiles<Forwards> tiles(job_, end);
    while (tiles.next()) {
      const std::int64_t at = tiles.at(), count = tiles.count();
      const bool needed = !job_.states_known && (!tiles.last() || job_.behind != nullptr);
      Before s_before;
      bool in_floats = false;
      if constexpr (floats) in_floats = needed && f_.read(at, count);
      if (in_floats) f_.template scan<false>(count, s_before, s_before);
      else if (needed) t_.read(at, count), t_.scan(count);
      const Sizes sizes = full ? sizes_of(at, count) : Sizes();
      Forwards before = tiles.take();
      Carry& carry = before.carry;
      before.sizes.add(sizes);
      if (!job_.states_known) keep_state(states_, at, carry);
      if (in_floats && f_.joins(carry)) carry.s += splat(f_.share * s_before.sum(count, f_.p_of));
      else if (needed) {
        if (in_floats) t_.read(at, count), t_.scan(count);
        const auto total = t_.total(count);
        carry.absorb(total.ref, total.s, total.u);
      }
      tiles.give(before);
    }
    return tiles.finish();
  }
  Sizes sizes_of(std::int64_t at, std::int64_t count) {
    Sizes sizes;
    const auto in = g_.tile_at(at, count);
    for_each_register(
        count, [&](std::int64_t i, std::int64_t here, auto whole)
                   __attribute__((always_inline)) { sizes.add(in.get(i, here, whole)); });
    return sizes;
  }

  void back(Tiles<Suffix, true>& tiles) {
    const std::int64_t at = tiles.at(), count = tiles.count();
    const double* kept = states_ + state_parts * (at / tile);
    Carry carry{splat(kept[0]), splat(kept[1]), splat(kept[2]), D{}, D{}};
    out_ = v_.tile_at(at, count);
    bool done = false;
    if constexpr (floats) done = back_floats(tiles, carry);
    if (!done) {
      t_.read(at, count, Ahead::backwards);
      t_.scan(count);
      in_ = g_.tile_at(at, count);
      if (!(t_.plain && kept[0] < infinity && back_plain(tiles, carry))) back_any(tiles, carry);
    }
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
  bool back_floats(Tiles<Suffix, true>& tiles, Carry carry) {
    const std::int64_t count = tiles.count();
    if (!f_.read(tiles.at(), count, Ahead::backwards) || !f_.joins(carry)) return false;
    f_.exponent = carry.ref[0];  // the carry is known: all counts in its exponent
    if (!f_.read_t(tiles.at(), count)) return false;
    Before s_before, after;
    f_.template scan<false, true>(count, s_before, s_before, e_of_);
    s_before.join(count, carry.s[0], 1);
    double sum = 0;
    for (std::int64_t i = (count - 1) / block * block; i >= 0; i -= block) {
      f_.ask_for_t(i);
      store_block(f_.q_of + i, suffix_sums(quotient(load_block(f_.t_of + i), s_before.plus(i, load_block(f_.p_of + i)))));
      sum = after.add_back(i, f_.q_of, sum);
    }
    const Suffix later = tiles.take();
    const double a = SCANGRAD_PLANT(hot_adjoint_not_moved, carried_back<full>(later.a, later.ref, carry.ref), later.a)[0];
    if (!f_.moderate(a)) return false;
    tiles.give({splat(a + sum), carry.ref});
    after.join(count, a, 1);
    const auto out = out_;
    for_each_block(
        count, [&](std::int64_t i, std::int64_t here, auto whole) __attribute__((always_inline)) {
          expect(out, i - tile, block);
          out.put_block(i, here, load_block(e_of_ + i) * after.plus(i, load_block(f_.q_of + i)), whole);
        });
    return true;
  }

  /// Says whether it could: cotangents that are not finite, or too large, take the other form.
  bool back_plain(Tiles<Suffix, true>& tiles, Carry carry) {
    const std::int64_t count = tiles.count();
    const D w = carry.meet(splat(t_.reference));
    Chain<full> chain;
    I odd = I{};
    const D s0 = carry.sum();
    const auto in = in_;
    const auto out = out_;
    const double unscale = 1 / scale_;
    for_each_register_back(
        count, [&](std::int64_t i, std::int64_t here, auto whole) __attribute__((always_inline)) {
          const D g = full ? in.get(i, here, whole) * scale_ : in.get(i, here, whole);
          if constexpr (full) odd |= ((absolute(g) < 0x1p-900) & (g != 0.0)) | !(absolute(g) <= 0x1p900);
          const D q = suffix_sum(quotient<full>(g, fma(w, load(t_.s_of + i), s0)));
          store(t_.s_of + i, chain.plus(q));
          chain.add(SCANGRAD_PLANT(hot_adjoint_carry, first_lane(q), last_lane(q)));
        });
    const Suffix later = tiles.take();
    const D a = carried_back<full>(later.a, later.ref, carry.ref), all = a + chain.plus(D{});
    if (any(odd) || !__builtin_isfinite(all[0])) {
      t_.scan_plain(count);  // what the quotients have taken the place of
      return false;
    }
    tiles.give({all, carry.ref});
    for_each_register(
        count, [&](std::int64_t i, std::int64_t here, auto whole) __attribute__((always_inline)) {
          const D v = load(t_.e_of + i) * w * (a + load(t_.s_of + i));
          out.put(i, here, load(t_.x_of + i) == -infinity ? D{} : full ? v * unscale : v, whole);
        });
    return true;
  }

  void back_any(Tiles<Suffix, true>& tiles, const Carry& carry) {
    Suffix later = tiles.take();
    for_each_register_back(tiles.count(), [&](std::int64_t i, std::int64_t here, auto whole) {
      const auto s = LogSumExp<full, false>::combine(carry.state(), t_.at(i));
      const D q = in_.get(i, here, whole) * scale_ / s.s, x = load(t_.x_of + i);
      D a = is_nan(s.ref) ? s.ref : s.s == 0.0 ? D{} : q;
      a = add_later<1>(a, s.ref);
      if constexpr (lanes > 2) a = add_later<2>(a, s.ref);
      if constexpr (lanes > 4) a = add_later<4>(a, s.ref);
      a += carried_back<full>(later.a, later.ref, s.ref);
      out_.put(i, here, given_to<full>(x, a, s.ref) * (1 / scale_), whole);
      later = {first_lane(a), first_lane(s.ref)};
    });
    tiles.give(later);
  }
  template <int by>
  static SCANGRAD_INLINE D add_later(D a, D ref) {
    return a + carried_back<full>(shifted_down<by>(a, D{}), shifted_down<by>(ref, last_lane(ref)), ref);
  }

  const ScanJob& job_;
  double* states_;
  LseTile<T, false, true> t_;
  LseFloats<T, !full> f_;
  alignas(64) float e_of_[LseFloats<T, true>::spaced];
  Reader<T> g_;
  Writer<T> v_;
  Source<T> in_{};
  Target<T> out_{};
  double scale_ = 1;
};

template <class T>
void lse_adjoint_row(const ScanJob& job) {
  if (job.length > 0) LseAdjointRow<T>(job).run();
}

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
