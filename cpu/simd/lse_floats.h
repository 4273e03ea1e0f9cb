#pragma once
// logcumsumexp and its derivatives along a contiguous axis in floats: the fast form of a tile of float32 or less.
//
// With n the exponent of the tile's maximum: e_i = e^{x_i} 2^-n, prefix sums of e (and e t) within each group of lanes, sums over groups
// in double. Then the carry comes in, and with N the larger of its exponent and n: s = (what lies before the group) + 2^{n-N} prefix,
// y = N ln2 + log s, M t = u / s.
//
// Floats hold 2^-126 to 2^127. Within `room` of the first prefix, and of every weight that meets a tangent, nothing that counts is a
// subnormal number; what does not fit, infinities and NaN take the doubles of lse_rows.h.

#include "cpu/simd/float_math.h"
#include "cpu/simd/lse.h"
#include "cpu/simd/traverse.h"

namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL {

/// The sums of a tile's groups, added up in double: what lies before each, as a high and a low part.
class Before {
 public:
  /// Takes in the block at i, whose groups end with their sums; returns `sum` and those.
  SCANGRAD_INLINE double add(std::int64_t i, const float* prefixes, double sum) {
    for (std::int64_t k = i; k < i + block; k += group)
      before_[k / group] = sum, sum += prefixes[k + SCANGRAD_PLANT(hot_float_groups, group - 1, group - 2)];
    return sum;
  }
  /// The same from the last group to the first: they begin with their sums.
  SCANGRAD_INLINE double add_back(std::int64_t i, const float* suffixes, double sum) {
    for (std::int64_t k = i + block - group; k >= i; k -= group) before_[k / group] = sum, sum += suffixes[k];
    return sum;
  }
  /// All up to the first `count` elements.
  double sum(std::int64_t count, const float* prefixes) const { return before_[(count - 1) / group] + prefixes[count - 1]; }

  /// Lets the carry in: what lies before is `start`, and of the tile's own sums `share` counts, a power of two.
  void join(std::int64_t count, double start, double share) {
    share_ = static_cast<float>(share);
    for (std::int64_t v = 0; v * group < count; v += lanes) {
      const D all = fma(load(before_ + v), splat(share), splat(start));
      store(high_ + v, all);
      store(low_ + v, all - load(high_ + v));
    }
  }
  SCANGRAD_INLINE Block plus(std::int64_t i, Block v) const { return high<Block>(i) + more(i, v); }

  /// The same in two parts.
  struct Parts {
    Part high, more;
    SCANGRAD_INLINE Part sum() const { return high + more; }
  };
  SCANGRAD_INLINE Parts parts(std::int64_t i, Part v) const { return {high<Part>(i), more(i, v)}; }

 private:
  template <class V>
  SCANGRAD_INLINE V high(std::int64_t i) const {
    return spread<V>(high_ + i / group);
  }
  template <class V>
  SCANGRAD_INLINE V more(std::int64_t i, V v) const {
    return fma(v, all<V>(share_), spread<V>(low_ + i / group));
  }

  static constexpr std::int64_t groups = tile / group;
  alignas(64) double before_[groups];
  alignas(64) float high_[groups], low_[groups];
  float share_ = 1;
};

/// u / s, rounded once: what its first estimate leaves of u counts too.
SCANGRAD_INLINE Part quotient(const Before::Parts& u, const Before::Parts& s) {
  const Part whole = s.sum(), r = rough_reciprocal(whole);
#if defined(__AVX512F__)
  const Part q = u.sum() * r;
#else
  const Part q = u.sum() / whole;
#endif
  return fma(fma(-q, s.high, u.high) + fma(-q, s.more, u.more), r, q);
}

/// e^x 2^-n, no less than 2^-125.
class Weights {
 public:
  explicit SCANGRAD_INLINE Weights(float n) : zero_(four(float_to_integer - n)), lowest_(four((n - 125.0f) * ln2_float)) {}
  SCANGRAD_INLINE Block operator()(Block x) const { return exp_floats(maximum(x, lowest_), zero_); }

 private:
  Block zero_, lowest_;
};

/// A tile. With `tangents` it also reads the second input.
template <class T, bool tangents>
class LseFloats {
 public:
  explicit LseFloats(const ScanJob& job) : x_(job.in[0], job.in_step[0]), t_(job.in[1], job.in_step[1]) {
    store_block(x_of + tile, four(0.0f));
  }

  /// Reads x. Says whether sums of the tile can be done in floats, as far as it goes itself.
  bool read(std::int64_t at, std::int64_t count, Ahead where = Ahead::forwards) {
    const Extent x = read_x(at, count, where);
    exponent = (x.most * log2_e + round_to_integer) - round_to_integer;
    least = x.least;
    return x.finite && x.most < far;
  }
  /// Reads t. Says whether its products with weights can be done in floats.
  bool read_t(std::int64_t at, std::int64_t count) { return least * log2_e - exponent >= -room && read_moderate(at, count); }
  /// Says whether the carry can join the tile's sums. It moves to the larger exponent then, of which the tile's is `share`.
  template <class Carry>
  bool joins(Carry& carry) {
    const double before = carry.ref[0], to = before > exponent ? before : exponent;
    if (!(before < far_exponent)) return false;
    const double s = carry.s[0] * power_of_two(splat(before - to))[0];
    if (!(s >= 0x1p-60) && !(first > -far && first * log2_e - to >= -room)) return false;
    carry.raise(splat(to));
    share = power_of_two(splat(exponent - to))[0];
    return true;
  }
  /// Says whether products can join u, the carry's.
  bool joins_t(double u) const { return share >= 0x1p-60 && moderate(u); }

  /// Whether it and its products with weights are far from the ends of the floats.
  static bool moderate(double u) { return u == 0 || ((u < 0 ? -u : u) >= 0x1p-100 && (u < 0 ? -u : u) <= 0x1p100); }

  /// Asks for what a tile further on will read, a block at a time beside other work: a whole tile at once takes longer.
  SCANGRAD_INLINE void ask_for_x(std::int64_t i) const { expect(x_here_, i + ahead_, block); }
  SCANGRAD_INLINE void ask_for_t(std::int64_t i) const { expect(t_here_, i + ahead_, block); }

  Weights weights() const { return Weights(static_cast<float>(exponent)); }
  /// Fills p_of with the prefix sums of e within groups and, with t, q_of with those of e t. They are taken of a block beside the
  /// exponentials of the next.
  template <bool with_t, bool keep_weights = false>
  void scan(std::int64_t count, Before& s_before, Before& u_before, float* e_of = nullptr) {
    const Weights e_to = weights();
    double s = 0, u = 0;
    Block e = e_to(load_block(x_of));
    for (std::int64_t i = 0; i < count; i += block) {
      const Block next = e_to(load_block(x_of + i + block));
      ask_for_x(i);
      if constexpr (keep_weights) store_block(e_of + i, e);
      store_block(p_of + i, late_prefix_sums(e));
      s = s_before.add(i, p_of, s);
      if constexpr (with_t) {
        store_block(q_of + i, late_prefix_sums(e, load_block(t_of + i)));
        u = u_before.add(i, q_of, u);
      }
      e = next;
    }
  }

  double exponent = 0, share = 1;
  float first = 0, least = 0;
  static constexpr std::int64_t spaced = tile + block;  // not a multiple of 4 KiB apart
  alignas(64) float x_of[spaced], p_of[spaced], t_of[tangents ? spaced : 16], q_of[tangents ? spaced : 16];

 private:
  static constexpr float far = 0x1p20f;
  static constexpr double far_exponent = 0x1p21, room = 60;

  struct Extent {
    float most, least;
    bool finite;  ///< but for -inf
  };
  Extent read_x(std::int64_t at, std::int64_t count, Ahead where) {
    const auto xs = x_.tile_at(at, count);
    x_here_ = xs, ahead_ = static_cast<std::int64_t>(where);
    Block most = four(-far), lowest = four(far), sum = four(0.0f);
    for_each_block(
        count, [&](std::int64_t i, std::int64_t here, auto whole) __attribute__((always_inline)) {
          Block x = xs.block_at(i, here, whole);
          store_block(x_of + i, x);
          if constexpr (!whole) {
            for (std::int64_t k = here; k < block; ++k) x_of[i + k] = x_of[i];
            x = load_block(x_of + i);
          }
          const Block bounded = maximum(four(-far), x);
          most = maximum(bounded, most);
          sum = sum + bounded;
          if constexpr (tangents) lowest = minimum(x, lowest);
        });
    first = x_of[0];
    const auto larger = [](S a, S b) __attribute__((always_inline)) { return maximum(a, b); };
    const auto smaller = [](S a, S b) __attribute__((always_inline)) { return minimum(a, b); };
    const auto both = [](S a, S b) __attribute__((always_inline)) { return a + b; };
    const float total = over_lanes((sum.a + sum.b) + (sum.c + sum.d), both);
    return {over_lanes(maximum(maximum(most.a, most.b), maximum(most.c, most.d)), larger),
            over_lanes(minimum(minimum(lowest.a, lowest.b), minimum(lowest.c, lowest.d)), smaller), total - total == 0};
  }

  /// Says whether all t are 0 or of a magnitude between 2^-60 and 2^60.
  bool read_moderate(std::int64_t at, std::int64_t count) {
    const auto ts = t_.tile_at(at, count);
    t_here_ = ts;
    U32 most = U32{}, smallest = U32{} - 1;
    for_each_block(
        count, [&](std::int64_t i, std::int64_t here, auto whole) __attribute__((always_inline)) {
          const Block t = ts.block_at(i, here, whole);
          store_block(t_of + i, t);
          for (S v : {t.a, t.b, t.c, t.d}) {
            const U32 size = as_bits<U32>(v) & 0x7fffffffu;
            most = maximum(most, size);
            smallest = minimum(smallest, size - 1);  // 0 becomes the largest
          }
        });
    const auto larger = [](U32 a, U32 b) __attribute__((always_inline)) { return maximum(a, b); };
    const auto smaller = [](U32 a, U32 b) __attribute__((always_inline)) { return minimum(a, b); };
    const std::uint32_t low = (127u - 60u) << 23, high = (127u + 60u) << 23;
    return over_lanes(most, larger) <= high && over_lanes(smallest, smaller) >= low - 1;
  }

  Reader<T> x_, t_;
  Source<T> x_here_{}, t_here_{};
  std::int64_t ahead_ = 0;
};

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
