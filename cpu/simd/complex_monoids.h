#pragma once
// Sums, products and linear recurrences of complex numbers, their tangents, and the way back: the monoids of monoids.h, and the
// rules that run them (see complex_walk.h).
//
// Here an infinity makes the other part of a product NaN, so regrouping would change which of a row's parts are NaN: what is
// not finite goes in turn.

#include "cpu/simd/complex_walk.h"

namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL {

/// Neither NaN nor so large that sums could overflow; `size` is a sum of absolute values.
SCANGRAD_INLINE bool bounded(D size) { return !any(~(size < 0x1p1000)); }
SCANGRAD_INLINE D size_of(Z x) { return absolute(x.re) + absolute(x.im); }

/// Whether factors may be regrouped. Those of complex64 have no product of a register's that vanishes or overflows.
template <bool full>
SCANGRAD_INLINE bool regular_factors(Z x) {
  if constexpr (!full) return true;
  return !any(outside(x.re, 0x1p-100, 0x1p100) | outside(x.im, 0x1p-100, 0x1p100));
}

template <bool full>
struct ComplexSum {
  static constexpr int arity = 1;
  using State = Number<full>;
  using Carry = State;
  static SCANGRAD_INLINE State identity() { return number<full>(Z{}); }
  static SCANGRAD_INLINE Carry start() { return identity(); }
  static SCANGRAD_INLINE State lift(const Z* x) { return number<full>(x[0]); }
  static SCANGRAD_INLINE bool regular(const Z* x, Z) { return !full || bounded(size_of(x[0])); }
  static SCANGRAD_INLINE State combine(const State& a, const State& b) { return add(a, b); }
  static SCANGRAD_INLINE Carry advance(const Carry& a, const State& b) { return add(a, b); }
};

template <bool full>
struct ComplexProduct {
  static constexpr int arity = 1;
  using State = Number<full>;
  using Carry = State;
  static SCANGRAD_INLINE State identity() { return number<full>(Z{splat(1.0), D{}}); }
  static SCANGRAD_INLINE Carry start() { return identity(); }
  static SCANGRAD_INLINE State lift(const Z* x) { return number<full>(x[0]); }
  static SCANGRAD_INLINE bool regular(const Z* x, Z carry) {
    return bounded(size_of(x[0]) + size_of(carry)) && regular_factors<full>(x[0]);
  }
  static SCANGRAD_INLINE State combine(const State& a, const State& b) { return multiply(a, b); }
  static SCANGRAD_INLINE Carry advance(const Carry& a, const State& b) { return multiply(a, b); }
};

/// h -> a h + b. What is carried is h.
template <bool full>
struct ComplexAffine {
  static constexpr int arity = 2;
  static constexpr bool starts_empty = true;
  struct State {
    Number<full> a, b;
  };
  using Carry = Number<full>;
  static SCANGRAD_INLINE State identity() { return {number<full>(Z{splat(1.0), D{}}), number<full>(Z{})}; }
  static SCANGRAD_INLINE Carry start() { return number<full>(Z{}); }
  static SCANGRAD_INLINE State lift(const Z* x) { return {number<full>(x[0]), number<full>(x[1])}; }
  static SCANGRAD_INLINE bool regular(const Z* x, Z carry) {
    return bounded(size_of(x[0]) + size_of(x[1]) + size_of(carry)) && regular_factors<full>(x[0]) &&
           regular_factors<full>(x[1]);
  }
  static SCANGRAD_INLINE Carry advance(const Carry& h, const State& f) { return add(multiply(f.a, h), f.b); }
  static SCANGRAD_INLINE State combine(const State& e, const State& l) { return {multiply(l.a, e.a), advance(e.b, l)}; }
};

/// x with zeros for what stands first in scan order.
template <class W, class V>
SCANGRAD_INLINE V behind_first(W, const V& x) {
  return first_lanes(V{}, x, W::across ? lanes : 1);
}

// ---- rules ------------------------------------------------------------------------------------------------------------------
template <class M>
struct ComplexScan {
  static constexpr int inputs = M::arity, outputs = 1;
  static constexpr bool back = false, direct = true;
  using Carry = typename M::Carry;
  static Carry start() { return M::start(); }
  explicit ComplexScan(const ScanJob& job) : fresh_(starts_empty<M> && job.initial == nullptr) {}

  /// From and to planes, or memory.
  template <class W, class In, class Out>
  void run(W walk, const In* in, Out* out, Carry& carried) {
    Carry carry = carried;
    for (std::int64_t j = 0; j < walk.registers; ++j) {
      Z x[2] = {walk.get(in[0], j), M::arity > 1 ? walk.get(in[M::arity - 1], j) : Z{}};
      if (starts_empty<M> && __builtin_expect(fresh_ && walk.first && j == 0, 0)) x[0] = behind_first(walk, x[0]);
      walk.put(out[0], j, value_of(step<M>(walk, carry, M::lift(x), x, walk.here(j)).after));
    }
    carried = carry;
  }

 private:
  bool fresh_;  ///< the first factor multiplies nothing
};

/// h_k as ever, and dh_k = a_k dh_{k-1} + (da_k h_{k-1} + db_k): x, t -> y, dy of products, whose db is 0; a, b, da, db -> h,
/// dh.
template <bool full, bool product>
struct ComplexTangent {
  using M = std::conditional_t<product, ComplexProduct<full>, ComplexAffine<full>>;
  using L = ComplexAffine<full>;
  static constexpr int inputs = product ? 2 : 4, outputs = 2;
  static constexpr bool back = false;
  struct Carry {
    Number<full> h, dh;
  };
  static Carry start() { return {M::start(), L::start()}; }
  explicit ComplexTangent(const ScanJob& job) : fresh_(job.initial == nullptr) {}

  template <class W>
  void run(W walk, Planes* in, Planes* out, Carry& carried) {
    Carry carry = carried;
    for (std::int64_t j = 0; j < walk.registers; ++j) {
      const std::int64_t here = walk.here(j);
      Z x[2] = {walk.get(in[0], j), product ? Z{} : walk.get(in[1], j)};
      Z da = walk.get(in[product ? 1 : 2], j);
      const bool fresh = fresh_ && walk.first && j == 0;
      if (!product && __builtin_expect(fresh, 0)) x[0] = behind_first(walk, x[0]), da = behind_first(walk, da);
      const auto h = step<M>(walk, carry.h, M::lift(x), x, here);
      typename L::State map{number<full>(x[0]), multiply(number<full>(da), h.before)};
      if constexpr (!product) map.b = add(map.b, number<full>(walk.get(in[3], j)));
      if (product && __builtin_expect(fresh, 0)) without_factor(map, da, W::across ? lanes : 1);
      const Z moderate[2] = {high_of(map.a), high_of(map.b)};
      walk.put(out[0], j, value_of(h.after));
      walk.put(out[1], j, value_of(step<L>(walk, carry.dh, map, moderate, here).after));
    }
    carried = carry;
  }

 private:
  /// There is no factor before the first, not even of an infinity.
  static void without_factor(typename L::State& map, Z da, std::int64_t count) {
    map.a = first_lanes(number<full>(Z{}), map.a, count);
    map.b = first_lanes(number<full>(da), map.b, count);
  }
  bool fresh_;
};

/// R_k = g_k + conj(a_{k+1}) R_{k+1}. x, g -> conj(p_{k-1}) R_k of products; a, b, g -> conj(h_{k-1}) R_k, R_k of recurrences.
template <bool full, bool product>
struct ComplexBack {
  using M = std::conditional_t<product, ComplexProduct<full>, ComplexAffine<full>>;
  using L = ComplexAffine<full>;
  static constexpr int inputs = product ? 2 : 3, outputs = product ? 1 : 2;
  static constexpr bool back = true;
  using Carry = typename M::Carry;
  static Carry start() { return M::start(); }
  struct Later {
    Number<full> R = number<full>(Z{});
    Z link{};  ///< what the element behind lets through
  };
  explicit ComplexBack(const ScanJob& job) : fresh_(!product && job.initial == nullptr) {}

  template <class W>
  void advance(W walk, Planes* in, Carry& carried) {
    forwards(walk, in, carried, [](std::int64_t, const Carry&) {});
  }
  template <class W>
  void run(W walk, Planes* in, Planes* out, Carry carry, Later& later) {
    forwards(
        walk, in, carry, [&](std::int64_t j, const Carry& before) __attribute__((always_inline)) {
          const auto parts = as_bits<Parts<Carry>>(before);
          for (int p = 0; p < parts_of<Carry>; ++p) walk.put(before_[p], j, parts.part[p]);
        });
    const auto turned = walk.turned();
    auto R = later.R;
    Z link = later.link;
    for (std::int64_t j = 0; j < walk.registers; ++j) {
      const Z own = conjugate(turned.get(in[0], j));
      const Z map[2] = {turned.delayed(own, link), turned.get(in[inputs - 1], j)};
      const auto now = step<L>(turned, R, L::lift(map), map, turned.here(j)).after;
      Parts<Carry> before;
      for (int p = 0; p < parts_of<Carry>; ++p) before.part[p] = turned.get(before_[p], j);
      turned.put(out[0], j, value_of(multiply(conjugate(as_bits<Carry>(before)), now)));
      if constexpr (!product) turned.put(out[1], j, value_of(now));
    }
    if (fresh_ && walk.first) walk.put(out[0], 0, behind_first(walk, walk.get(out[0], 0)));
    if (!W::across) link = conjugate(Z{splat(*in[0].re.at(0)), splat(*in[0].im.at(0))});
    later = {R, link};
  }
  static Z passed(const Later& later) { return value_of(multiply(number<full>(later.link), later.R)); }

 private:
  template <class W, class F>
  SCANGRAD_INLINE void forwards(W walk, Planes* in, Carry& carried, const F& f) {
    Carry carry = carried;
    for (std::int64_t j = 0; j < walk.registers; ++j) {
      Z x[2] = {walk.get(in[0], j), product ? Z{} : walk.get(in[inputs - 2], j)};
      if (!product && __builtin_expect(fresh_ && walk.first && j == 0, 0)) x[0] = behind_first(walk, x[0]);
      f(j, step<M>(walk, carry, M::lift(x), x, walk.here(j)).before);
    }
    carried = carry;
  }
  bool fresh_;
  Plane before_[parts_of<Carry>];
};

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
