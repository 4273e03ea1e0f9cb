#pragma once
// Cotangents of the scans that run back: R_k = g_k + (what element k + 1 lets through of R_{k+1}), and of R_k and the state before
// element k its cotangents. Forwards once for the states at the tiles, then back, a tile at a time, each of which runs forwards
// again. The way back is a scan like any other, of numbers in reverse.

#include "cpu/simd/tangents.h"

namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL {

/// Sums that start anew where nothing is let through.
template <bool full>
struct Segmented {
  struct State {
    D open;  ///< 1: the sum goes on; 0: it starts in here
    D sum, low;
  };
  static SCANGRAD_INLINE State identity() { return {splat(1.0), D{}, D{}}; }
  static SCANGRAD_INLINE State lift(const D* in) { return {in[0], in[1], D{}}; }
  static SCANGRAD_INLINE bool regular(const D* in) { return !full || !any((absolute(in[1]) > 0x1p1000)); }
  static SCANGRAD_INLINE State combine(State a, State b) {
    const I open = b.open != 0.0;
    const D s = a.sum + b.sum, low = full ? sum_error(a.sum, b.sum, s) + (a.low + b.low) : D{};
    return {open ? a.open : D{}, open ? s : b.sum, open ? low : b.low};
  }
  static SCANGRAD_INLINE State advance(State a, State b) { return combine(a, b); }
  static SCANGRAD_INLINE Pair value(State s) { return {s.sum, s.low}; }
};

template <bool full>
SCANGRAD_INLINE D product_of(Pair a, Pair b) {
  const D p = a.high * b.high;
  if constexpr (!full) return p;
  return rounded(p, product_error(a.high, b.high, p) + (a.high * b.low + a.low * b.high));
}

template <bool full>
struct LinearBack {
  using Back = Affine<full>;
  static SCANGRAD_INLINE Pair through(typename Back::State s) { return value_of(s); }
};
/// x, g -> gx_k = p_{k-1} R_k
template <bool full>
struct ProductBack : LinearBack<full> {
  using Value = Product<full>;
  static constexpr int inputs = 1, outputs = 1;
  static SCANGRAD_INLINE D link(const typename Value::State&, const D* in) { return in[0]; }
  static SCANGRAD_INLINE Pair kept(const typename Value::State& before) { return value_of(before); }
  static SCANGRAD_INLINE void give(D* out, Pair R, Pair before, D) { out[0] = product_of<full>(before, R); }
};
/// a, b, g -> ga_k = h_{k-1} R_k, gb = R
template <bool full>
struct RecurrenceBack : LinearBack<full> {
  using Value = Affine<full>;
  static constexpr int inputs = 2, outputs = 2;
  static SCANGRAD_INLINE D link(const typename Value::State&, const D* in) { return in[0]; }
  static SCANGRAD_INLINE Pair kept(const typename Value::State& before) { return value_of(before); }
  static SCANGRAD_INLINE void give(D* out, Pair R, Pair before, D) {
    out[0] = product_of<full>(before, R);
    out[1] = rounded(R.high, R.low);
  }
};
/// x, g -> the sum of g over the reign of element k, 0 if it has none
template <bool largest>
struct ExtremeBack {
  template <bool full>
  struct Rule {
    using Value = Extreme<largest>;
    using Back = Segmented<full>;
    static constexpr int inputs = 1, outputs = 1;
    static SCANGRAD_INLINE D link(const typename Value::State& before, const D* in) {
      return extreme_stays<largest>(before.value, in[0]) ? splat(1.0) : D{};
    }
    static SCANGRAD_INLINE Pair kept(const typename Value::State&) { return {D{}, D{}}; }
    static SCANGRAD_INLINE Pair through(typename Back::State s) { return Back::value(s); }
    static SCANGRAD_INLINE void give(D* out, Pair R, Pair, D own) { out[0] = own == 0.0 ? rounded(R.high, R.low) : D{}; }
  };
};

/// What has come back of `count` columns before the last element: of what the scan ends with.
template <class B>
SCANGRAD_INLINE typename B::State behind_state(const ScanJob& job, std::int64_t column, std::int64_t count) {
  if (job.behind == nullptr) return start_of<B>();
  const D in[2] = {splat(1.0), load_some(job.behind + column, count, 0.0)};
  return B::lift(in);
}
/// What the end lets through of that.
SCANGRAD_INLINE D behind_link(const ScanJob& job) { return job.behind == nullptr ? D{} : splat(1.0); }

/// What passes the first element: for an initial value.
template <class Rule>
SCANGRAD_INLINE void final_cotangent(const ScanJob& job, std::int64_t column, std::int64_t count, D link,
                                     const typename Rule::Back::State& R) {
  if (job.final == nullptr) return;
  const D in[2] = {link, D{}};
  const Pair passed = Rule::through(Rule::Back::advance(R, Rule::Back::lift(in)));
  store_some(job.final + column, count, passed.high);
  store_some(job.final + job.columns + column, count, passed.low);
}

template <class Rule, class T>
class BackRow {
  using M = typename Rule::Value;
  using B = typename Rule::Back;
  static constexpr int parts = parts_of<typename M::State>;

 public:
  explicit BackRow(const ScanJob& job) : job_(job) {}

  void run() {
    auto carry = first_lane_of(initial_state(job_, 0, 1, start_of<M>()));
    const std::int64_t last = (job_.length - 1) / tile * tile;
    for (std::int64_t at = 0; at < last; at += tile) {
      keep(at, carry);
      forwards(at, tile, carry, Ahead::forwards,
               [](auto, std::int64_t, std::int64_t, auto, const auto&, const auto&, const D*) {});
    }
    keep(last, carry);
    auto R = first_lane_of(behind_state<B>(job_, 0, 1));
    D link = behind_link(job_);
    for (std::int64_t at = last; at >= 0; at -= tile) back(at, job_.length - at < tile ? job_.length - at : tile, link, R);
    final_cotangent<Rule>(job_, 0, 1, link, R);
  }

 private:
  void keep(std::int64_t at, const typename M::State& carry) {
    const auto state = as_bits<Parts<typename M::State>>(carry);
    for (int p = 0; p < parts; ++p) job_.scratch[at / tile * parts + p] = state.part[p][0];
  }
  typename M::State kept(std::int64_t at) const {
    Parts<typename M::State> state;
    for (int p = 0; p < parts; ++p) state.part[p] = splat(job_.scratch[at / tile * parts + p]);
    return as_bits<typename M::State>(state);
  }
  /// Runs through a tile; f(mirrored, i, here, whole, carry before the register, states in it, elements) sees each register.
  template <class F>
  SCANGRAD_INLINE void forwards(std::int64_t at, std::int64_t count, typename M::State& carry, Ahead where, const F& f) {
    Source<T> in[Rule::inputs];
    for (int k = 0; k < Rule::inputs; ++k) in[k] = readers_[k].tile_at(at, count);
    const bool fresh = is_fresh(at);
    in_direction(
        backwards_, [&](auto backwards) __attribute__((always_inline)) {
          for_each_register_ahead(
              count, in,
              [&](std::int64_t i, std::int64_t here, auto whole) __attribute__((always_inline)) {
                constexpr bool mirrored = backwards && whole;
                D x[2];
                for (int k = 0; k < Rule::inputs; ++k) x[k] = read_register<mirrored>(in[k], i, here, whole);
                if (__builtin_expect(fresh && i == 0, 0)) x[0] = without_first<mirrored>(x[0]);
                const auto before = carry;
                const auto states = scan_register<M, mirrored>(carry, M::lift(x), x, here, whole);
                f(std::bool_constant<mirrored>(), i, here, whole, before, states, x);
              },
              where);
        });
  }
  /// Whether the tile's first factor multiplies nothing.
  bool is_fresh(std::int64_t at) const { return starts_empty<M> && at == 0 && job_.initial == nullptr; }

  /// Where element k of a tile is, in a buffer that lies as the data do.
  double* place(double* buffer, std::int64_t count, std::int64_t k) const { return buffer + (backwards_ ? count - k : k); }

  /// `link`: what the element behind the tile lets through; then that of the tile's first.
  void back(std::int64_t at, std::int64_t count, D& link, typename B::State& R) {
    auto carry = kept(at);
    const Target<double> high{place(before_, count, 0), backwards_}, low{place(before_low_, count, 0), backwards_},
        links{place(link_, count, 0), backwards_};
    forwards(
        at, count, carry, Ahead::backwards,
        [&](auto mirrored, std::int64_t i, std::int64_t here, auto whole, const auto& start, const auto& states, const D* x)
            __attribute__((always_inline)) {
              const auto before = SCANGRAD_PLANT(hot_back_before, (delayed<mirrored, 1>(states, start)), states);
              const Pair value = Rule::kept(before);
              write_register<mirrored>(high, i, here, value.high, whole);
              write_register<mirrored>(low, i, here, value.low, whole);
              write_register<mirrored>(links, i, here, Rule::link(before, x), whole);
            });
    *place(link_, count, count) = SCANGRAD_PLANT(hot_back_link, link[0], 1.0);
    run_back(at, count, R);
    link = splat(*place(link_, count, 0));
  }
  void run_back(std::int64_t at, std::int64_t count, typename B::State& R) {
    const Source<T> g[1] = {reversed_tile(cotangents_.tile_at(at, count), count)};
    const auto from = [&](double* buffer, std::int64_t k) { return Source<double>{place(buffer, count, k), !backwards_}; };
    const auto links = from(link_, count), own = from(link_, count - 1), high = from(before_, count - 1),
               low = from(before_low_, count - 1);
    Target<T> targets[Rule::outputs];
    for (int k = 0; k < Rule::outputs; ++k) targets[k] = reversed_tile(writers_[k].tile_at(at, count), count);
    in_direction(
        !backwards_, [&](auto backwards) __attribute__((always_inline)) {
          for_each_register_ahead(
              count, g, [&](std::int64_t i, std::int64_t here, auto whole) __attribute__((always_inline)) {
                constexpr bool mirrored = backwards && whole;
                const auto read = [&](const auto& source) __attribute__((always_inline)) {
                  return read_register<mirrored>(source, i, here, whole);
                };
                const D in[2] = {read(links), read(g[0])};
                const auto state = scan_register<B, mirrored>(R, B::lift(in), in, here, whole);
                D out[Rule::outputs];
                Rule::give(out, Rule::through(state), {read(high), read(low)}, read(own));
                for (int k = 0; k < Rule::outputs; ++k) write_register<mirrored>(targets[k], i, here, out[k], whole);
              });
        });
    if (is_fresh(at)) targets[0].put(count - 1, 1, D{}, std::false_type());
    for (int k = 0; k < Rule::outputs; ++k) writers_[k].end_tile(count);
  }

  const ScanJob& job_;
  const bool backwards_ = job_.out_step < 0;
  Reader<T> readers_[2] = {{job_.in[0], job_.in_step[0], backwards_}, {job_.in[1], job_.in_step[1], backwards_}};
  Reader<T> cotangents_{job_.in[Rule::inputs], job_.in_step[Rule::inputs], backwards_};
  Writer<T> writers_[2] = {{job_.out[0], job_.out_step, job_.stream}, {job_.out[1], job_.out_step, job_.stream}};
  alignas(64) double before_[tile + lanes], before_low_[tile + lanes], link_[tile + lanes];
};

template <template <bool> class Rule, class T>
void back_row(const ScanJob& job) {
  if (job.length > 0) BackRow<Rule<is_full<T>>, T>(job).run();
}

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
