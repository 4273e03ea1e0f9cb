#pragma once
// How kernels scan, for any monoid of monoids.h.
//
// Along a contiguous axis: each register of elements is scanned within itself (Hillis and Steele: log2(lanes) shifts), then meets the
// carry. Columns and short rows: stepwise.h. Both work in scan order from the first element on, so that bits do not depend on where the
// data lies, what lies beside it, or how many threads there are.

#include "cpu/simd/elements.h"

namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL {

template <class State>
inline constexpr int parts_of = sizeof(State) / sizeof(D);

template <class State>
struct Parts {
  D part[parts_of<State>];
};

/// f of each part, and of those of other states.
template <class F, class State, class... States>
SCANGRAD_INLINE State each_part(const F& f, const State& state, const States&... others) {
  auto v = as_bits<Parts<State>>(state);
  for (int p = 0; p < parts_of<State>; ++p) v.part[p] = f(v.part[p], as_bits<Parts<State>>(others).part[p]...);
  return as_bits<State>(v);
}
template <class State>
SCANGRAD_INLINE State first_lane_of(const State& state) {
  return each_part(
      [](D v) __attribute__((always_inline)) { return first_lane(v); }, state);
}
template <class State>
SCANGRAD_INLINE State last_lane_of(const State& state) {
  return each_part(
      [](D v) __attribute__((always_inline)) { return last_lane(v); }, state);
}
template <class State>
SCANGRAD_INLINE State reversed_lanes_of(const State& state) {
  return each_part(
      [](D v) __attribute__((always_inline)) { return reversed(v); }, state);
}

/// What stands `by` places earlier in scan order; the identity comes in.
template <bool mirrored, int by, class State>
SCANGRAD_INLINE State delayed(const State& state, const State& identity) {
  return each_part(
      [](D v, D fill) __attribute__((always_inline)) {
        if constexpr (mirrored) return shifted_down<by>(v, fill);
        else return shifted_up<by>(v, fill);
      },
      state, identity);
}
template <int by, class State>
SCANGRAD_INLINE State shifted_up(const State& state, const State& identity) {
  return delayed<false, by>(state, identity);
}
/// 0 for what is first in scan order.
template <bool mirrored>
SCANGRAD_INLINE D without_first(D v) {
  return lane_numbers() == (mirrored ? lanes - 1 : 0) ? D{} : v;
}
template <bool mirrored, class State>
SCANGRAD_INLINE State last_of(const State& state) {
  if constexpr (mirrored) return first_lane_of(state);
  else return last_lane_of(state);
}

/// `state` in the first `count` lanes, the identity in the others.
template <class State>
SCANGRAD_INLINE State first_lanes(const State& state, const State& identity, std::int64_t count) {
  const I here = lane_numbers() < splat<I>(SCANGRAD_PLANT(hot_tail_one_more, count, count + 1));
  return each_part(
      [here](D v, D fill) __attribute__((always_inline)) { return here ? v : fill; }, state, identity);
}

/// The prefixes of each of some registers: each lane combines those up to it. A step after the other on all of them, since the chain of
/// one would leave the machine idle.
template <class M, bool mirrored, std::size_t n>
SCANGRAD_INLINE void take_prefixes(typename M::State (&states)[n]) {
  const auto step = [&](auto by) __attribute__((always_inline)) {
#pragma GCC unroll 4
    for (auto& state : states) state = M::combine(delayed<mirrored, by>(state, M::identity()), state);
  };
  step(std::integral_constant<int, 1>());
  if constexpr (lanes > 2) SCANGRAD_PLANT(hot_prefix_step, step(std::integral_constant<int, 2>()), void());
  if constexpr (lanes > 4) step(std::integral_constant<int, 4>());
}
template <class M, bool mirrored = false>
SCANGRAD_INLINE typename M::State prefixes(const typename M::State& state) {
  typename M::State one[1] = {state};
  take_prefixes<M, mirrored>(one);
  return one[0];
}
/// The states after each element of some registers, lifted, from `carry`, which moves behind them. The last lane's step is taken twice,
/// so that no shuffle stands between one carry and the next.
template <class M, bool mirrored, std::size_t n>
SCANGRAD_INLINE void scan_regrouped(typename M::State& carry, typename M::State (&states)[n]) {
  if constexpr (requires { typename M::Within; }) {
    typename M::Within::State own[n];
#pragma GCC unroll 4
    for (std::size_t k = 0; k < n; ++k) own[k] = M::plain(states[k]);
    take_prefixes<typename M::Within, mirrored>(own);
#pragma GCC unroll 4
    for (std::size_t k = 0; k < n; ++k) {
      states[k] = M::beside(carry, own[k]);
      carry = M::advance(carry, M::from(last_of<mirrored>(own[k])));
    }
  } else {
    take_prefixes<M, mirrored>(states);
#pragma GCC unroll 4
    for (auto& state : states) {
      const auto last = SCANGRAD_PLANT(hot_row_carry, last_of<mirrored>(state), last_of<!mirrored>(state));
      state = M::advance(carry, state);
      carry = M::advance(carry, last);
    }
  }
}

/// A carry and a register's elements; then the carry behind them, and the states after each.
template <class State>
struct Turn {
  State carry, states;
};
/// One element after the other.
template <class M>
__attribute__((noinline)) void in_turn(Turn<typename M::State>& turn) {
  using State = typename M::State;
  auto all = as_bits<Parts<State>>(turn.states);
  for (int lane = 0; lane < lanes; ++lane) {
    Parts<State> one;
    for (int p = 0; p < parts_of<State>; ++p) one.part[p] = splat(all.part[p][lane]);
    turn.carry = M::advance(turn.carry, as_bits<State>(one));
    const auto now = as_bits<Parts<State>>(turn.carry);
    for (int p = 0; p < parts_of<State>; ++p) all.part[p][lane] = now.part[p][lane];
  }
  turn.states = as_bits<State>(all);
}

/// The same of a register's first `here` elements x, regrouped where the monoid allows it.
template <class M, bool mirrored = false, class Whole>
SCANGRAD_INLINE typename M::State scan_register(typename M::State& carry, typename M::State lifted, const D* x,
                                                std::int64_t here, Whole) {
  if constexpr (!Whole::value) lifted = first_lanes(lifted, M::identity(), here);
  typename M::State states;
  if (__builtin_expect(SCANGRAD_PLANT(hot_always_regrouped, M::regular(x), true), 1)) {
    typename M::State own[1] = {lifted};
    scan_regrouped<M, mirrored>(carry, own);
    states = own[0];
  } else {
    // A copy in memory, so that the carry need not be there.
    Turn<typename M::State> turn{carry, mirrored ? reversed_lanes_of(lifted) : lifted};
    in_turn<M>(turn);
    states = mirrored ? reversed_lanes_of(turn.states) : turn.states;
    carry = turn.carry;
  }
  return states;
}

template <class M>
SCANGRAD_INLINE typename M::State start_of() {
  if constexpr (requires { M::start(); }) return M::start();
  else return M::identity();
}

/// Whether the first factor multiplies nothing where a scan has no initial value, not even 0: an infinite one gives no NaN.
template <class M>
inline constexpr bool starts_empty = requires {
  M::starts_empty;
};

/// The carry of `count` columns from `column` on: what the job gives (see ScanJob::initial) from a part on, or `start`.
template <class State>
SCANGRAD_INLINE State initial_state(const ScanJob& job, std::int64_t column, std::int64_t count, const State& start,
                                    int first_part = 0) {
  auto state = as_bits<Parts<State>>(start);
  if (job.initial != nullptr)
    for (int p = 0; p < parts_of<State>; ++p)
      state.part[p] = load_some(job.initial + (first_part + p) * job.columns + column, count, state.part[p][0]);
  return as_bits<State>(state);
}
template <class State>
SCANGRAD_INLINE void final_state(const ScanJob& job, std::int64_t column, std::int64_t count, const State& carry) {
  if (job.final == nullptr) return;
  const auto state = as_bits<Parts<State>>(carry);
  for (int p = 0; p < parts_of<State>; ++p) store_some(job.final + p * job.columns + column, count, state.part[p]);
}

/// A scan along a contiguous axis.
template <class M, class T>
void scan_row(const ScanJob& job) {
  using State = typename M::State;
  Reader<T> reader(job.in[0], job.in_step[0], job.out_step < 0), second(job.in[1], job.in_step[1], job.out_step < 0);
  Writer<T> writer(job.out[0], job.out_step, job.stream);
  State carry = first_lane_of(initial_state(job, 0, 1, start_of<M>()));
  for (std::int64_t at = 0; at < job.length; at += tile) {
    const std::int64_t count = job.length - at < tile ? job.length - at : tile;
    const bool fresh = starts_empty<M> && at == 0 && job.initial == nullptr;  // the first factor multiplies nothing
    Source<T> in[M::arity] = {reader.tile_at(at, count)};
    if constexpr (M::arity > 1) in[1] = second.tile_at(at, count);
    const auto out = writer.tile_at(at, count);
    in_direction(
        out.backwards, [&](auto backwards) __attribute__((always_inline)) {
          const auto read = [&](std::int64_t i, std::int64_t here, auto whole, D* x) __attribute__((always_inline)) {
            constexpr bool mirrored = backwards && whole;
            x[0] = read_register<mirrored>(in[0], i, here, whole);
            if constexpr (M::arity > 1) x[1] = read_register<mirrored>(in[1], i, here, whole);
            if (__builtin_expect(fresh && i == 0, 0)) x[0] = without_first<mirrored>(x[0]);
          };
          const auto write = [&](std::int64_t i, std::int64_t here, auto whole, const State& state)
              __attribute__((always_inline)) {
            constexpr bool mirrored = backwards && whole;
            write_register<mirrored>(out, i, here, M::project(state), whole);
          };
          const auto one = [&](std::int64_t i, std::int64_t here, auto whole) __attribute__((always_inline)) {
            constexpr bool mirrored = backwards && whole;
            D x[2];
            read(i, here, whole, x);
            write(i, here, whole, scan_register<M, mirrored>(carry, M::lift(x), x, here, whole));
          };
          for_each_register_ahead<four_lanes>(
              count, in, [&](std::int64_t i, std::int64_t here, auto whole) __attribute__((always_inline)) {
                if constexpr (whole) {
                  D x[4][2];
                  State states[4];
                  bool regular = true;
#pragma GCC unroll 4
                  for (int k = 0; k < 4; ++k) {
                    read(i + k * lanes, lanes, whole, x[k]);
                    regular = regular && M::regular(x[k]);
                    states[k] = M::lift(x[k]);
                  }
                  if (__builtin_expect(regular, 1)) {
                    scan_regrouped<M, backwards>(carry, states);
#pragma GCC unroll 4
                    for (int k = 0; k < 4; ++k) write(i + k * lanes, lanes, whole, states[k]);
                    return;
                  }
                }
                std::int64_t k = 0;
                for (; k + lanes <= here; k += lanes) one(i + k, lanes, std::true_type());
                if (k < here) one(i + k, here - k, std::false_type());
              });
        });
    writer.end_tile(count);
  }
  final_state(job, 0, 1, carry);
}

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
