#pragma once
// logcumsumexp and its derivatives along a contiguous axis, a tile at a time, in loops through the first cache.
//
// The plain form of a tile: one reference M (the tile's maximum), e_i = e^{x_i - M}, and ordinary prefix sums of e and e t. It does
// not depend on what came before; the carry enters with two factors: s_k = s + e^{M - ref} P_k. One exponential and one logarithm an
// element. A tile whose prefixes could vanish beside its maximum, or that holds NaN or +inf, takes the monoid form instead: prefixes
// of (ref, s, u) within each register, four exponentials an element, right for anything.

#include "cpu/simd/lse.h"
#include "cpu/simd/traverse.h"

namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL {

SCANGRAD_INLINE D prefix_sum(D v) {
  v += shifted_up<1>(v, D{});
  if constexpr (lanes > 2) v += shifted_up<2>(v, D{});
  if constexpr (lanes > 4) v += shifted_up<4>(v, D{});
  return v;
}
SCANGRAD_INLINE D suffix_sum(D v) {
  v += shifted_down<1>(v, D{});
  if constexpr (lanes > 2) v += shifted_down<2>(v, D{});
  if constexpr (lanes > 4) v += shifted_down<4>(v, D{});
  return v;
}
SCANGRAD_INLINE double largest_lane(D v) {
  double m = v[0];
  for (int i = 1; i < lanes; ++i) m = v[i] > m ? v[i] : m;
  return m;
}

/// A running sum across registers; full ones keep what rounding takes.
template <bool full>
struct Chain {
  D sum{}, low{};
  SCANGRAD_INLINE D plus(D v) const { return full ? sum + (v + low) : sum + v; }
  SCANGRAD_INLINE void add(D total) {
    const D next = sum + total;
    if constexpr (full) low += sum_error(sum, total, next);
    sum = next;
  }
};

/// The tile's prefixes on their own, before the carry.
template <class T, bool tangent, bool keep_weights = false>
class LseTile {
 public:
  static constexpr bool full = is_full<T>;
  using M = LogSumExp<full, tangent>;
  using State = typename M::State;

  explicit LseTile(const ScanJob& job) : x_(job.in[0], job.in_step[0]), t_(job.in[1], job.in_step[1]) {}

  void read(std::int64_t at, std::int64_t count) {
    const auto xs = x_.tile_at(at, count), ts = tangent ? t_.tile_at(at, count) : xs;
    D most = splat(-infinity), least = splat(infinity);
    I odd = I{};
    for_each_register(
        count, [&](std::int64_t i, std::int64_t here, auto whole) __attribute__((always_inline)) {
          D x = xs.get(i, here, whole);
          if constexpr (!whole) x = lane_numbers() < splat<I>(here) ? x : splat(-infinity);
          store(x_of + i, x);
          most = maximum(x, most);
          odd |= is_nan(x);
          if constexpr (full) least = minimum(x == -infinity ? splat(infinity) : x, least);
          if constexpr (tangent) {
            const D t = ts.get(i, here, whole);
            store(t_of + i, t);
            const D size = absolute(t);
            if constexpr (full) odd |= ((size < 0x1p-900) & (t != 0.0)) | !(size <= 0x1p900);
          }
        });
    reference = largest_lane(most);
    constexpr double room =
        full ? 30.0 : 480.0;  // e^-room of a prefix beside the maximum, times any tangent, stays a normal number
    plain = !any(odd) && reference < infinity && x_of[0] > reference - room;
    if constexpr (full) plain = plain && -largest_lane(-least) > reference - 650.0;
  }

  /// Fills s_of and u_of with the prefixes, relative to `reference` if `plain`, else to ref_of.
  void scan(std::int64_t count) {
    if (plain) {
      scan_plain(count);
      if constexpr (tangent && !full) plain = __builtin_isfinite(u_of[count - 1]);
    }
    if (!plain) scan_any(count);
  }
  /// The last prefix alone: what the carry needs.
  State sum(std::int64_t count) {
    if (full || tangent || !plain) {
      scan(count);
      return total(count);
    }
    D s{}, s2{};
    const D m = splat(reference);
    std::int64_t i = 0;
    for (; i + lanes < count; i += 2 * lanes) {
      s += light_exp(load(x_of + i) - m);
      s2 += light_exp(load(x_of + i + lanes) - m);
    }
    if (i < count) s += light_exp(load(x_of + i) - m);
    return {m, last_lane(prefix_sum(s + s2)), D{}};
  }
  State total(std::int64_t count) const {
    return {splat(plain ? reference : ref_of[count - 1]), splat(s_of[count - 1]), tangent ? splat(u_of[count - 1]) : D{}};
  }
  SCANGRAD_INLINE State at(std::int64_t i) const { return {load(ref_of + i), load(s_of + i), tangent ? load(u_of + i) : D{}}; }

  bool plain = false;
  double reference = 0;

  // Buffers a multiple of 4 KiB apart would make each load wait for the store before it.
  static constexpr std::int64_t spaced = tile + 80;
  alignas(64) double x_of[spaced], s_of[spaced], t_of[tangent ? spaced : 8], u_of[tangent ? spaced : 8];
  alignas(64) double e_of[keep_weights ? spaced : 8], ref_of[spaced];

 private:
  void scan_plain(std::int64_t count) {
    const D m = splat(reference);
    Chain<full> s, u;
    for (std::int64_t i = 0; i < count; i += lanes) {
      const D x = load(x_of + i);
      const D e = exp_of_difference<full, Range::narrow>(x, m);
      if constexpr (keep_weights) store(e_of + i, e);
      const D p = prefix_sum(e);
      store(s_of + i, s.plus(p));
      s.add(last_lane(p));
      if constexpr (tangent) {
        const D q = prefix_sum(x == -infinity ? D{} : e * load(t_of + i));
        store(u_of + i, u.plus(q));
        u.add(last_lane(q));
      }
    }
  }
  void scan_any(std::int64_t count) {
    auto carry = LseCarry<full, tangent>::identity();
    for (std::int64_t i = 0; i < count; i += lanes) {
      const D in[2] = {load(x_of + i), tangent ? load(t_of + i) : D{}};
      const State own = prefixes<M>(M::lift(in)), state = M::combine(carry.state(), own), last = last_lane_of(own);
      store(ref_of + i, state.ref);
      store(s_of + i, state.s);
      if constexpr (tangent) store(u_of + i, state.u);
      carry.absorb(last.ref, last.s, last.u);
    }
  }

  Reader<T> x_, t_;
};

/// y (value), M t (tangent), or both.
template <class T, bool value, bool tangent>
void lse_row(const ScanJob& job) {
  constexpr bool full = is_full<T>;
  using Carry = LseCarry<full, tangent>;
  LseTile<T, tangent> t(job);
  Writer<T> y(job.out[0], job.out_step, job.stream), dy(job.out[value ? 1 : 0], job.out_step, job.stream);
  Carry carry = first_lane_of(initial_state(job, 0, 1, Carry::identity()));
  for (std::int64_t at = 0; at < job.length; at += tile) {
    const std::int64_t count = job.length - at < tile ? job.length - at : tile;
    t.read(at, count);
    t.scan(count);
    const auto write = [&](const auto& of) __attribute__((always_inline)) {
      const auto to = value ? y.tile_at(at, count) : dy.tile_at(at, count), to2 = tangent ? dy.tile_at(at, count) : to;
      for_each_register(
          count, [&](std::int64_t i, std::int64_t here, auto whole) __attribute__((always_inline)) {
            D out, mean;
            of(i, out, mean);
            if constexpr (value) to.put(i, here, out, whole);
            if constexpr (tangent) to2.put(i, here, mean, whole);
          });
      if constexpr (value) y.end_tile(count);
      if constexpr (tangent) dy.end_tile(count);
    };
    const auto total = t.total(count);
    if (t.plain && __builtin_isfinite(carry.u[0]) && !(carry.ref[0] == infinity) && !is_nan(carry.ref)[0]) {
      const bool alone = carry.s[0] == 0.0;
      const D w = carry.meet(total.ref);
      const D s0 = carry.s, u0 = carry.weighted();
      write([&](std::int64_t i, D & out, D & mean) __attribute__((always_inline)) {
        const D s = fma(w, load(t.s_of + i), s0);
        if constexpr (value) {
          out = log_plus<full>(carry.ref, s, carry.s_low);
          if (i == 0 && alone) out[0] = t.x_of[0];  // the log of one exponential, exactly
        }
        if constexpr (tangent) mean = quotient<full>(fma(w, load(t.u_of + i), u0), s);
      });
      carry.add(total.s * w, total.u * w);
    } else {
      const auto before = carry.state();
      write([&](std::int64_t i, D & out, D & mean) __attribute__((always_inline)) {
        auto own = t.at(i);
        if (t.plain) own.ref = total.ref;
        const auto s = LogSumExp<full, tangent>::combine(before, own);
        if constexpr (value) out = log_of_sum<full>(s.ref, s.s);
        if constexpr (tangent) mean = mean_of<full>(s.ref, s.u, s.s);
      });
      carry.absorb(total.ref, total.s, total.u);
    }
  }
  final_state(job, 0, 1, carry);
}

/// v e^{to - from}: a suffix sum whose reference `from` becomes `to`, an earlier one or the element itself.
template <bool full>
SCANGRAD_INLINE D carried_back(D v, D from, D to) {
  const D w = exp_of_difference<full>(to, from);
  return from == to ? v : weigh(v, w, (from == infinity) & (to < infinity));
}

/// The sum over later outputs of g / s, relative to `ref`; at first there are none.
struct Suffix {
  D a{}, ref = splat(infinity);
};

/// (M^H g)_i = e^{x_i} sum_{k >= i} g_k e^{-y_k}: forwards for the carries at the tiles, then back.
template <class T>
class LseAdjointRow {
  static constexpr bool full = is_full<T>;
  using Carry = LseCarry<full, false>;

 public:
  explicit LseAdjointRow(const ScanJob& job)
      : job_(job), t_(job), g_(job.in[1], job.in_step[1]), v_(job.out[0], job.out_step, job.stream) {}

  void run() {
    Carry carry = first_lane_of(initial_state(job_, 0, 1, Carry::identity()));
    for (std::int64_t at = 0; at < job_.length; at += tile) {
      double* keep = job_.scratch + 3 * (at / tile);
      keep[0] = carry.ref[0], keep[1] = carry.s[0], keep[2] = carry.s_low[0];
      if (at + tile >= job_.length) break;
      t_.read(at, tile);
      const auto total = t_.sum(tile);
      carry.absorb(total.ref, total.s, total.u);
    }
    Suffix later;
    for (std::int64_t at = (job_.length - 1) / tile * tile; at >= 0; at -= tile) back(at, later);
    if (job_.final != nullptr) job_.final[0] = later.ref[0], job_.final[1] = later.a[0];
  }

 private:
  void back(std::int64_t at, Suffix& later) {
    const std::int64_t count = job_.length - at < tile ? job_.length - at : tile;
    const double* kept = job_.scratch + 3 * (at / tile);
    const Carry carry{splat(kept[0]), splat(kept[1]), splat(kept[2]), D{}, D{}};
    t_.read(at, count);
    t_.scan(count);
    in_ = g_.tile_at(at, count);
    out_ = v_.tile_at(at, count);
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

  /// Says whether it could: cotangents that are not finite, or too large, take the other form.
  bool back_plain(std::int64_t count, Carry carry, Suffix& later) {
    const D w = carry.meet(splat(t_.reference));
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
      auto own = t_.at(i);
      if (t_.plain) own.ref = splat(t_.reference);
      const auto s = LogSumExp<full, false>::combine(carry.state(), own);
      const D q = in_.get(i, here, whole) / s.s, x = load(t_.x_of + i);
      D a = is_nan(s.ref) ? s.ref : s.s == 0.0 ? D{} : q;
      a = add_later<1>(a, s.ref);
      if constexpr (lanes > 2) a = add_later<2>(a, s.ref);
      if constexpr (lanes > 4) a = add_later<4>(a, s.ref);
      a += carried_back<full>(later.a, later.ref, s.ref);
      out_.put(i, here, x == -infinity ? D{} : carried_back<full>(a, s.ref, x), whole);
      later = {first_lane(a), first_lane(s.ref)};
    });
  }
  template <int by>
  static SCANGRAD_INLINE D add_later(D a, D ref) {
    return a + carried_back<full>(shifted_down<by>(a, D{}), shifted_down<by>(ref, last_lane(ref)), ref);
  }

  const ScanJob& job_;
  LseTile<T, false, true> t_;
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
