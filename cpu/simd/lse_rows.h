#pragma once
// logcumsumexp and its running means along a contiguous axis, a tile at a time, in loops through the first cache. A tile takes the
// first of three forms that is right for it: floats (lse_floats.h), plain or any (lse_tile.h).

#include "cpu/simd/lse_floats.h"
#include "cpu/simd/lse_tile.h"

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
    carry_ = first_lane_of(initial_state(job_, 0, 1, Carry::identity()));
    for (at_ = 0; at_ < job_.length; at_ += tile) {
      count_ = job_.length - at_ < tile ? job_.length - at_ : tile;
      const auto before = carry_.state();
      Done done = floats();
      if (done == Done::nothing) done = plain_form();
      if (done == Done::nothing) done = any_form();
      if (done == Done::sums) tangents_alone(before);
      if constexpr (value) y_.end_tile(count_);
      if constexpr (tangent) dy_.end_tile(count_);
    }
    final_state(job_, 0, 1, carry_);
  }

 private:
  enum class Done { nothing, sums, all };  ///< sums: y and s, but not the tangents

  Done floats() {
    if constexpr (!has_floats || full) return Done::nothing;
    else {
      if (!f_.read(at_, count_, carry_)) return Done::nothing;
      if constexpr (tangent) {
        if (f_.read_t(at_, count_, carry_.u[0])) return write_floats<true>();
        write_floats<false>();
        return Done::sums;
      }
      return write_floats<false>();
    }
  }

  template <bool with_t>
  Done write_floats() {
    const bool alone = carry_.s[0] == 0.0;
    Before s_before, u_before;
    f_.template scan<with_t>(count_, carry_, s_before, u_before);
    const float exponent = f_.exponent;
    const auto y = target_y();
    const auto dy = target_dy();
    if (value || with_t)
      for_each_block(
          count_, [&](std::int64_t i, std::int64_t here, auto whole) __attribute__((always_inline)) {
            const Block p = load_block(f_.p_of + i);
            if constexpr (value) y.put_block(i, here, log_floats(exponent, s_before.plus(i, p)), whole);
            if constexpr (with_t)
              dy.put_block(i, here, quotient(u_before.exactly(i, load_block(f_.q_of + i)), s_before.exactly(i, p)), whole);
          });
    if (value && alone) y.put_first(f_.first);  // the log of one exponential, exactly
    return Done::all;
  }

  Done plain_form() {
    t_.read(at_, count_);
    if (!t_.plain || carry_.ref[0] == infinity || is_nan(carry_.ref)[0]) return Done::nothing;
    t_.scan_plain(count_);
    const bool with_t = tangent && t_.moderate && __builtin_isfinite(carry_.u[0]) && __builtin_isfinite(t_.u_of[count_ - 1]);
    const auto total = t_.total(count_);
    const bool alone = carry_.s[0] == 0.0;
    const D w = carry_.meet(total.ref), s0 = carry_.sum(), u0 = carry_.weighted(), ref = carry_.ref, v = w * t_.unit;
    write([&](std::int64_t i, D & out, D & mean) __attribute__((always_inline)) {
      const D s = fma(v, load(t_.s_of + i), s0);
      if constexpr (value) {
        out = log_plus<full>(ref, s);
        if (i == 0 && alone) out[0] = t_.x_of[0];
      }
      if constexpr (tangent) mean = quotient<full>(fma(v, load(t_.u_of + i), u0), s);
    });
    carry_.add(total.s * w, with_t ? total.u * w : D{});
    return tangent && !with_t ? Done::sums : Done::all;
  }

  Done any_form() {
    t_.scan_any(count_);
    const auto before = carry_.state(), total = t_.total(count_);
    write([&](std::int64_t i, D & out, D & mean) __attribute__((always_inline)) {
      const auto s = LogSumExp<full, tangent>::combine(before, t_.at(i));
      if constexpr (value) out = log_of_sum<full>(s.ref, s.s);
      if constexpr (tangent) mean = mean_of<full>(s.ref, s.u, s.s);
    });
    carry_.absorb(total.ref, total.s, total.u);
    return Done::all;
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
  Carry carry_{};
  std::int64_t at_ = 0, count_ = 0;
};

template <class T, bool value, bool tangent>
void lse_row(const ScanJob& job) {
  LseRow<T, value, tangent>(job).run();
}

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
