#pragma once
// How the complex kernels walk. A rule (complex_monoids.h, complex_lse.h) sees one thing, a strip: the registers of a tile in
// scan order. Along a contiguous axis a strip is a tile of one row, and a register holds neighbours in scan order: it is
// scanned within itself, then meets the carry. Across, a strip is a register's columns over some rows, and each element meets
// its column's carry.

#include "cpu/simd/complex.h"
#include "cpu/simd/traverse.h"

namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL {

/// `back`: from the last register to the first, and lane 0 is the last in scan order.
template <bool across_, bool back_ = false>
struct Walk {
  static constexpr bool across = across_, back = back_;
  std::int64_t begin, registers, count;  ///< across: the first column; along: how many elements
  bool first;                            ///< nothing lies before the strip

  Walk<across, true> turned() const { return {begin, registers, count, first}; }

  SCANGRAD_INLINE std::int64_t place(std::int64_t j) const {
    if constexpr (across) return begin + (back ? registers - 1 - j : j) * complex_columns;
    return back ? count - lanes * (j + 1) : j * lanes;
  }
  /// How many lanes count.
  SCANGRAD_INLINE std::int64_t here(std::int64_t j) const {
    if (across || count - j * lanes > lanes) return lanes;
    return count - j * lanes;
  }
  SCANGRAD_INLINE D get(const Plane& plane, std::int64_t j) const {
    const D v = load(plane.at(place(j)));
    return !across && back ? reversed(v) : v;
  }
  SCANGRAD_INLINE Z get(const Planes& planes, std::int64_t j) const { return {get(planes.re, j), get(planes.im, j)}; }
  /// Lanes that do not count fall into the room before or behind the tile.
  SCANGRAD_INLINE void put(Plane& plane, std::int64_t j, D v) const {
    store(plane.at(place(j)), !across && back ? reversed(v) : v);
  }
  SCANGRAD_INLINE void put(Planes& planes, std::int64_t j, Z v) const { put(planes.re, j, v.re), put(planes.im, j, v.im); }

  template <class R>
  SCANGRAD_INLINE Z get(const Memory<R>& memory, std::int64_t j) const {
    return memory.get(j * lanes, here(j));
  }
  template <class R>
  SCANGRAD_INLINE void put(const Memory<R>& memory, std::int64_t j, Z v) const {
    memory.put(j * lanes, here(j), v);
  }

  /// Each lane's predecessor's v, the first one's from `last`; v's own last goes there.
  template <class State>
  static SCANGRAD_INLINE State delayed(const State& v, State& last) {
    const State before = across ? last : shifted_up<1>(v, last);
    last = across ? v : last_lane_of(v);
    return before;
  }
};

/// The states after each of a register's maps, one after the other, from `carry`.
template <class M>
inline __attribute__((noinline)) typename M::Carry complex_in_turn(typename M::Carry carry, const typename M::State& maps) {
  using Carry = typename M::Carry;
  const auto in = as_bits<Parts<typename M::State>>(maps);
  auto result = as_bits<Parts<Carry>>(carry);
  for (int lane = 0; lane < lanes; ++lane) {
    Parts<typename M::State> one;
    for (int p = 0; p < parts_of<typename M::State>; ++p) one.part[p] = splat(in.part[p][lane]);
    carry = M::advance(carry, as_bits<typename M::State>(one));
    const auto now = as_bits<Parts<Carry>>(carry);
    for (int p = 0; p < parts_of<Carry>; ++p) result.part[p][lane] = now.part[p][lane];
  }
  return as_bits<Carry>(result);
}

template <class State>
struct Stepped {
  State before, after;
};

/// The states before and after a register's elements, as maps; moves the carry on. Regrouped where the monoid allows it for x,
/// what the maps are made of.
template <class M, class W>
SCANGRAD_INLINE Stepped<typename M::Carry> step(W, typename M::Carry& carry, typename M::State map, const Z* x,
                                                std::int64_t here) {
  using Carry = typename M::Carry;
  if constexpr (W::across) {
    const Carry before = carry;
    carry = M::advance(carry, map);
    return {before, carry};
  } else {
    if (here < lanes) map = first_lanes(map, M::identity(), here);
    const bool regular = M::regular(x, high_of(carry));
    const Carry after = __builtin_expect(regular, 1) ? M::advance(carry, prefixes<M>(map)) : complex_in_turn<M>(carry, map);
    const Carry before = shifted_up<1>(after, carry);
    carry = last_lane_of(after);
    return {before, after};
  }
}

/// Runs a rule over a job; R is the type of the elements' parts.
///
/// A rule has `inputs` and `outputs`, its `Carry` with `start()`, and `run(walk, in, out, carry)`, which fills the outputs of a
/// strip. One that runs `back` has `advance(walk, in, carry)` for the way forwards, its `Later`, and `run(walk, in, out, carry
/// before the strip, later)`: carries are kept where strips begin, and each runs forwards again when its turn comes.
template <class Rule, class R, bool across>
class ComplexRun {
  using Carry = typename Rule::Carry;
  static constexpr int parts = parts_of<Carry>;
  static constexpr std::int64_t block = across ? complex_rows : complex_tile, width = across ? complex_columns : 1;

 public:
  explicit ComplexRun(const ScanJob& job) : job_(job), rule_(job) {}

  void run() {
    for_each_part(job_.columns, Rule::back ? width : complex_tile, [&](std::int64_t first, std::int64_t count) {
      if constexpr (Rule::back) run_back(first, count);
      else run_forwards(first, count);
    });
  }

 private:
  static std::int64_t least(std::int64_t a, std::int64_t b) { return a < b ? a : b; }

  /// f(strip's number, its first column) for the strips of `count` columns.
  template <class F>
  static SCANGRAD_INLINE void for_each_strip(std::int64_t count, const F& f) {
    for (std::int64_t c = 0; c < count; c += lanes) f(c / lanes, c);
  }
  void start(Carry* carries, std::int64_t first, std::int64_t count) const {
    for_each_strip(count, [&](std::int64_t strip, std::int64_t c) {
      carries[strip] = initial_state(job_, first + c, least(lanes, count - c), Rule::start());
      if (!across) carries[strip] = first_lane_of(carries[strip]);
    });
  }
  void finish(const Carry* carries, std::int64_t first, std::int64_t count) const {
    for_each_strip(count, [&](std::int64_t strip, std::int64_t c) {
      final_state(job_, first + c, least(lanes, count - c), carries[strip]);
    });
  }
  static Walk<across> walk(std::int64_t column, std::int64_t at, std::int64_t length) {
    return {column, across ? length : (length + lanes - 1) / lanes, length, at == 0};
  }

  /// All columns a few rows at a time, so that memory is read in long pieces.
  void run_forwards(std::int64_t first, std::int64_t count) {
    Carry carries[across ? complex_tile / lanes : 1];
    start(carries, first, count);
    for (std::int64_t at = 0; at < job_.length; at += block) {
      const std::int64_t length = least(block, job_.length - at);
      if (run_direct(at, length, carries[0])) continue;
      for (std::int64_t c = 0; c < count; c += width) {
        const std::int64_t here = least(width, count - c);
        read(at, length, first + c, here);
        for_each_strip(here, [&](std::int64_t strip, std::int64_t column) {
          rule_.run(walk(column, at, length), in_, out_, carries[c / lanes + strip]);
        });
        write(at, length, first + c, here);
      }
    }
    finish(carries, first, count);
  }

  /// Says whether it could.
  bool run_direct(std::int64_t at, std::int64_t length, Carry& carry) {
    if constexpr (requires { Rule::direct; } && !across) {
      Memory<const R> in[Rule::inputs];
      for (int k = 0; k < Rule::inputs; ++k) {
        if (job_.stream || job_.in_step[k] * job_.in_step[k] != 1) return false;
        in[k] = {static_cast<const R*>(job_.in[k]) + 2 * at * job_.in_step[k], job_.in_step[k]};
      }
      Memory<R> out[] = {{static_cast<R*>(job_.out[0]) + 2 * at * job_.out_step, job_.out_step}};
      rule_.run(walk(0, at, length), in, out, carry);
      return true;
    }
    return false;
  }

  void run_back(std::int64_t first, std::int64_t count) {
    constexpr std::int64_t strips = (width + lanes - 1) / lanes;
    Carry carries[strips];
    typename Rule::Later later[strips];
    start(carries, first, count);
    const std::int64_t last = (job_.length - 1) / block * block;
    for (std::int64_t at = 0; at < last; at += block) {
      keep(at, carries, strips);
      read(at, block, first, count);
      for_each_strip(count,
                     [&](std::int64_t strip, std::int64_t c) { rule_.advance(walk(c, at, block), in_, carries[strip]); });
    }
    keep(last, carries, strips);
    for (std::int64_t at = last; at >= 0; at -= block) {
      const std::int64_t length = least(block, job_.length - at);
      read(at, length, first, count);
      for_each_strip(count, [&](std::int64_t strip, std::int64_t c) {
        rule_.run(walk(c, at, length), in_, out_, load_raw<Carry>(kept(at, strip, strips)), later[strip]);
      });
      write(at, length, first, count);
    }
    if constexpr (requires { Rule::passed(later[0]); })
      if (job_.final != nullptr)
        for_each_strip(count, [&](std::int64_t strip, std::int64_t c) {
          const Z passed = Rule::passed(later[strip]);
          store_some(job_.final + first + c, least(lanes, count - c), passed.re);
          store_some(job_.final + job_.columns + first + c, least(lanes, count - c), passed.im);
        });
  }

  double* kept(std::int64_t at, std::int64_t strip, std::int64_t strips) const {
    return job_.scratch + (at / block * strips + strip) * (parts * lanes);
  }
  void keep(std::int64_t at, const Carry* carries, std::int64_t strips) const {
    for (std::int64_t strip = 0; strip < strips; ++strip) store_raw(kept(at, strip, strips), carries[strip]);
  }

  void read(std::int64_t at, std::int64_t length, std::int64_t first, std::int64_t count) {
    for (int k = 0; k < Rule::inputs; ++k) {
      const R* const from = static_cast<const R*>(job_.in[k]) + 2 * at * job_.in_step[k];
      const std::int64_t* const places = job_.in_columns[k] != nullptr ? job_.in_columns[k] + first : nullptr;
      if constexpr (!across) read_planar(in_[k], 0, from, job_.in_step[k], nullptr, length);
      else
        for (std::int64_t row = 0; row < length; ++row)
          read_planar(in_[k], row * width, from + 2 * (row * job_.in_step[k] + (places != nullptr ? 0 : first)), 1, places,
                      count);
    }
  }
  void write(std::int64_t at, std::int64_t length, std::int64_t first, std::int64_t count) {
    for (int k = 0; k < Rule::outputs; ++k) {
      R* const to = static_cast<R*>(job_.out[k]) + 2 * (at * job_.out_step + first);
      if constexpr (!across) write_planar(out_[k], 0, to, job_.out_step, length, job_.stream);
      else
        for (std::int64_t row = 0; row < length; ++row)
          write_planar(out_[k], row * width, to + 2 * row * job_.out_step, 1, count, job_.stream);
    }
  }

  const ScanJob& job_;
  Planes in_[Rule::inputs], out_[Rule::outputs];
  Rule rule_;
};

template <class Rule, class R, bool across>
void run_complex(const ScanJob& job) {
  if (job.length > 0 || !Rule::back) ComplexRun<Rule, R, across>(job).run();
}

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
