#pragma once
// A tile of logcumsumexp in doubles, on its own: its prefixes before the carry enters.
//
// The plain form: one reference M (that of the tile's maximum), e_i = e^{x_i} / B^M, and ordinary prefix sums of e and e t. It does not
// depend on what came before; the carry enters with two factors: s_k = s + B^{M - ref} P_k. One exponential and one logarithm an
// element. A tile whose prefixes could vanish beside its maximum, or that holds NaN or +inf, takes the monoid form instead: prefixes
// of (ref, s, u) within each register, right for anything.

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

  void read(std::int64_t at, std::int64_t count, Ahead where = Ahead::forwards) {
    Source<T> in[tangent ? 2 : 1] = {x_.tile_at(at, count)};
    if constexpr (tangent) in[1] = t_.tile_at(at, count);
    D most = splat(-infinity), least = splat(infinity);
    I odd = I{}, odd_t = I{};
    here_ = in[0], there_ = in[tangent ? 1 : 0], ahead_ = static_cast<std::int64_t>(where);
    for_each_register(
        count, [&](std::int64_t i, std::int64_t here, auto whole) __attribute__((always_inline)) {
          D x = in[0].get(i, here, whole);
          if constexpr (!whole) x = lane_numbers() < splat<I>(here) ? x : splat(-infinity);
          store(x_of + i, x);
          most = maximum(x, most);
          odd |= is_nan(x);
          if constexpr (full) least = minimum(x == -infinity ? splat(infinity) : x, least);
          if constexpr (tangent) {
            const D t = in[1].get(i, here, whole);
            store(t_of + i, t);
            const D size = absolute(t);
            if constexpr (full) odd_t |= ((size < 0x1p-900) & (t != 0.0)) | !(size <= 0x1p900);
          }
        });
    moderate = !any(odd_t);
    const double top = largest_lane(most);
    constexpr double room =
        full ? 30.0 : 480.0;  // e^-room of a prefix beside the maximum, times any tangent, stays a normal number
    plain = !any(odd) && x_of[0] > top - room;
    if constexpr (full) plain = plain && top < infinity && -largest_lane(-least) > top - 650.0;
    else plain = plain && top < 0x1p40 && x_of[0] > -0x1p40;
    reference = element_of<full>(splat(top)).ref[0];
  }

  /// Fills s_of and u_of with the prefixes, relative to `reference` if `plain`, else to ref_of.
  void scan(std::int64_t count) {
    if (plain) scan_plain(count);
    else scan_any(count);
  }
  State total(std::int64_t count) const {
    return at(count - 1, [](const double* p) { return splat(*p); });
  }
  SCANGRAD_INLINE State at(std::int64_t i) const {
    return at(
        i, [](const double* p) __attribute__((always_inline)) { return load(p); });
  }

  bool plain = false;     ///< as far as x goes
  bool moderate = false;  ///< no tangent is too large or too small for the plain form
  double reference = 0;   ///< of a plain tile

  // Buffers a multiple of 4 KiB apart would make each load wait for the store before it.
  static constexpr std::int64_t spaced = tile + 80;
  alignas(64) double x_of[spaced], s_of[spaced], t_of[tangent ? spaced : 8], u_of[tangent ? spaced : 8];
  alignas(64) double e_of[keep_weights ? spaced : 8], ref_of[spaced];

  void scan_plain(std::int64_t count) {
    Chain<full> s, u;
    double* const weights = keep_weights ? e_of : s_of;
    weigh(count, weights);
    for (std::int64_t i = 0; i < count; i += lanes) {
      const D x = load(x_of + i), e = load(weights + i), p = prefix_sum(e);
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
      ask_ahead(i, lanes);
      const D in[2] = {load(x_of + i), tangent ? load(t_of + i) : D{}};
      const State own = prefixes<M>(M::lift(in)), state = M::combine(carry.state(), own), last = last_lane_of(own);
      store(ref_of + i, state.ref);
      store(s_of + i, state.s);
      if constexpr (tangent) store(u_of + i, state.u);
      carry.absorb(last.ref, last.s, last.u);
    }
    plain = false;
  }

 private:
  /// Asks for what a tile further on will read, beside other work (see LseFloats).
  SCANGRAD_INLINE void ask_ahead(std::int64_t i, std::int64_t n) const {
    expect(here_, i + ahead_, n);
    if constexpr (tangent) expect(there_, i + ahead_, n);
  }
  /// e^x / B^reference
  void weigh(std::int64_t count, double* to) const {
    for (std::int64_t i = 0; i < count; i += four_lanes) {
      ask_ahead(i, four_lanes);
      store_four(to + i, near_weight<full>(load_four(x_of + i), reference));
    }
  }
  template <class Load>
  SCANGRAD_INLINE State at(std::int64_t i, const Load& load_at) const {
    const D s = load_at(s_of + i), u = tangent ? load_at(u_of + i) : D{};
    return {plain ? splat(reference) : load_at(ref_of + i), s, u};
  }

  Reader<T> x_, t_;
  Source<T> here_{}, there_{};
  std::int64_t ahead_ = 0;
};

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
