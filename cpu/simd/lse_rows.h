#pragma once
// logcumsumexp and its running means along a contiguous axis, a tile at a time, in loops through the first cache. A tile takes the
// first of three forms that is right for it: floats (lse_floats.h), plain or any (lse_tile.h).

#include "cpu/simd/lse_floats.h"
#include "cpu/simd/lse_tile.h"
#include "cpu/simd/tiles.h"

namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL {

/// y (value), M t (tangent), or both. Which form a tile of sums takes depends on x alone, so that y and s have the same bits whoever asks;
/// tangents that do not fit into it are done on their own.
template <class T, bool value, bool tangent>
class LseRow {
  static constexpr bool full = is_full<T>;
  using Carry = LseCarry<full, tangent>;

 public:
  explicit LseRow(const ScanJob& job)
      : job_(job),
        t_(job),
        f_(job),
        y_(job.out[0], job.out_step, job.stream),
        dy_(job.out[value ? 1 : 0], job.out_step, job.stream) {}

  void run() {
    const Carry start = first_lane_of(initial_state(job_, 0, 1, Carry::identity()));
    if (job_.length == 0) return final_state(job_, 0, 1, start);
    Tiles<Carry> tiles(job_, start);
    while (tiles.next()) {
      at_ = tiles.at(), count_ = tiles.count();
      bool in_floats = alone();
      carry_ = tiles.take();
      if (job_.states != nullptr) keep_state(job_.states, at_, carry_);
      if constexpr (floats) in_floats = in_floats && join_floats(tiles);
      if (!in_floats) join_doubles(tiles);
      if constexpr (value) y_.end_tile(count_);
      if constexpr (tangent) dy_.end_tile(count_);
      if (tiles.last()) final_state(job_, 0, 1, carry_);
    }
  }

 private:
  static constexpr bool floats = in_floats<T>;

  /// What needs no carry. Says whether it was done in floats.
  bool alone() {
    in_doubles_ = false;
    if constexpr (floats) {
      if (f_.read(at_, count_)) {
        with_t_ = tangent && f_.read_t(at_, count_);
        if (with_t_) f_.template scan<tangent>(count_, s_before_, u_before_);
        else f_.template scan<false>(count_, s_before_, u_before_);
        return true;
      }
    }
    scan_doubles();
    return false;
  }
  void scan_doubles() {
    t_.read(at_, count_);
    t_.scan(count_);
    in_doubles_ = true;
  }

  /// Says whether it could.
  bool join_floats(Tiles<Carry>& tiles) {
    const auto before = carry_.state();
    if (!f_.joins(carry_)) return false;
    const double s = carry_.s[0], u = tangent ? carry_.u[0] : 0;
    const bool with_t = with_t_ && f_.joins_t(u);
    carry_.s = splat(s + f_.share * s_before_.sum(count_, f_.p_of));
    if (with_t) carry_.u = splat(u + f_.share * u_before_.sum(count_, f_.q_of));
    if (with_t == tangent) tiles.give(carry_);
    s_before_.join(count_, s, f_.share);
    if (with_t) u_before_.join(count_, u, f_.share);
    if (with_t) write_floats<tangent>();
    else write_floats<false>();
    if (before.s[0] == 0.0) {
      if (value) target_y().put_first(f_.first);  // the log of one exponential, exactly
      if constexpr (tangent)
        if (with_t) first_means();
    }
    if (with_t == tangent) return true;
    tangents_alone(before);
    tiles.give(carry_);
    return true;
  }

  template <bool with_t>
  void write_floats() {
    const float exponent = static_cast<float>(carry_.ref[0]);
    const auto y = target_y();
    const auto dy = target_dy();
    if constexpr (with_t)
      for_each_block(
          count_, [&](std::int64_t first, std::int64_t here, auto whole) __attribute__((always_inline)) {
            f_.ask_for_t(first);
#pragma GCC unroll 4
            for (std::int64_t k = 0; k < block; k += sizeof(Part) / sizeof(float)) {
              const std::int64_t i = first + k, left = whole ? block - k : here - k;
              const auto s = s_before_.parts(i, load_part(f_.p_of + i));
              if constexpr (value) y.put_part(i, left, log_floats(all<Part>(exponent), s.sum()));
              dy.put_part(i, left, quotient(u_before_.parts(i, load_part(f_.q_of + i)), s));
            }
          });
    else if constexpr (value)
      for_each_block(
          count_, [&](std::int64_t i, std::int64_t here, auto whole) __attribute__((always_inline)) {
            y.put_block(i, here, log_floats(four(exponent), s_before_.plus(i, load_block(f_.p_of + i))), whole);
          });
  }

  /// A row's first means again, of sums in doubles: in those of few terms, roundings have nothing to cancel with.
  void first_means() {
    const std::int64_t count = count_ < block ? count_ : block;
    float e_of[block];
    store_block(e_of, f_.weights()(load_block(f_.x_of)));
    D s{}, u{};
    const auto dy = target_dy();
    for_each_register(
        count, [&](std::int64_t i, std::int64_t here, auto whole) __attribute__((always_inline)) {
          const D e = load(e_of + i);
          const D own_s = s + prefix_sum(e), own_u = u + prefix_sum(e * load(f_.t_of + i));
          dy.put(i, here, own_u / own_s, whole);
          s = last_lane(own_s), u = last_lane(own_u);
        });
  }

  void join_doubles(Tiles<Carry>& tiles) {
    if (!in_doubles_) scan_doubles();
    if (t_.plain && carry_.ref[0] < infinity) join_plain(tiles);
    else join_any(tiles);
  }

  void join_plain(Tiles<Carry>& tiles) {
    const auto before = carry_.state(), total = t_.total(count_);
    const bool with_t = tangent && t_.moderate && __builtin_isfinite(carry_.u[0]) && __builtin_isfinite(t_.u_of[count_ - 1]);
    const D w = carry_.meet(total.ref), s0 = carry_.sum(), u0 = carry_.weighted(), ref = carry_.ref;
    carry_.add(total.s * w, with_t ? total.u * w : D{});
    if (with_t == tangent) tiles.give(carry_);
    const auto y = target_y();
    const auto dy = target_dy();
    for (std::int64_t i = 0; i < count_; i += four_lanes) {
      const auto with_carry = [&](const double* own, D from) __attribute__((always_inline)) {
        return fma(all<Four<D>>(w), load_four(own + i), all<Four<D>>(from));
      };
      const Four<D> s = with_carry(t_.s_of, s0);
      if constexpr (value) y.put_four(i, count_ - i, log_plus<full>(all<Four<D>>(ref), s));
      if constexpr (tangent) dy.put_four(i, count_ - i, quotient<full>(with_carry(t_.u_of, u0), s));
    }
    if (value && before.s[0] == 0.0) y.put(0, 1, splat(t_.x_of[0]), std::false_type());  // the log of one exponential, exactly
    if (with_t == tangent) return;
    tangents_alone(before);
    tiles.give(carry_);
  }

  void join_any(Tiles<Carry>& tiles) {
    if (t_.plain) t_.scan_any(count_);
    const auto before = carry_.state(), total = t_.total(count_);
    carry_.absorb(total.ref, total.s, total.u);
    tiles.give(carry_);
    write([&](std::int64_t i, D & out, D & mean) __attribute__((always_inline)) {
      const auto s = LogSumExp<full, tangent>::combine(before, t_.at(i));
      if constexpr (value) out = log_of_sum<full>(s.ref, s.s);
      if constexpr (tangent) mean = mean_of<full>(s.ref, s.u, s.s);
    });
  }

  /// dy and u of a tile whose y and s are done; `before`: the state before it.
  void tangents_alone(const typename Carry::Joined& before) {
    t_.read(at_, count_);
    t_.scan_any(count_);
    const auto to = target_dy();
    for_each_register(count_, [&](std::int64_t i, std::int64_t here, auto whole) {
      const auto s = LogSumExp<full, tangent>::combine(before, t_.at(i));
      to.put(i, here, mean_of<full>(s.ref, s.u, s.s), whole);
    });
    const auto total = t_.total(count_);
    carry_.absorb(total.ref, D{}, total.u);
  }

  template <class Of>
  SCANGRAD_INLINE void write(const Of& of) {
    const auto y = target_y();
    const auto dy = target_dy();
    for_each_register(
        count_, [&](std::int64_t i, std::int64_t here, auto whole) __attribute__((always_inline)) {
          D out, mean;
          of(i, out, mean);
          if constexpr (value) y.put(i, here, out, whole);
          if constexpr (tangent) dy.put(i, here, mean, whole);
        });
  }
  Target<T> target_y() { return value ? y_.tile_at(at_, count_) : Target<T>{}; }
  Target<T> target_dy() { return tangent ? dy_.tile_at(at_, count_) : Target<T>{}; }

  const ScanJob& job_;
  LseTile<T, tangent> t_;
  LseFloats<T, tangent> f_;
  Writer<T> y_, dy_;
  Before s_before_, u_before_;
  Carry carry_ = Carry::identity();
  std::int64_t at_ = 0, count_ = 0;
  bool with_t_ = false, in_doubles_ = false;  ///< the tile's tangents fit into floats; it was scanned in doubles
};

template <class T, bool value, bool tangent>
void lse_row(const ScanJob& job) {
  LseRow<T, value, tangent>(job).run();
}

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
