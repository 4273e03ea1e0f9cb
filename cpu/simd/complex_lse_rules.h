#pragma once
// The rules of logcumsumexp and its derivatives (see complex_walk.h).
//
// The plain form, for tiles along an axis: one reference, ordinary prefix sums. A tile that rises too far, or that holds NaN or
// +inf, and columns take the form that is right for anything: states (ref, s, u).

#include "cpu/simd/complex_lse.h"

namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL {

/// A tile along an axis: what its real parts allow. The reference is that of the first element, so that nothing depends on what
/// comes later but the form, and that seldom: an exclusive scan has the bits of the inclusive one before.
template <bool full>
struct ComplexExtent {
  bool plain = false;
  double reference = 0;

  /// Puts log zeros behind the last element.
  SCANGRAD_INLINE void read(Planes& x, std::int64_t count) {
    D most = splat(-infinity), least = splat(infinity);
    I odd{};
    for (std::int64_t i = count; i % lanes != 0; ++i) *x.re.at(i) = -infinity, *x.im.at(i) = 0;
    for (std::int64_t i = 0; i < count; i += lanes) {
      const D re = load(x.re.at(i));
      most = maximum(re, most);
      odd |= is_nan(re);
      if constexpr (full) least = minimum(re == -infinity ? splat(infinity) : re, least);
    }
    const double first = *x.re.at(0);
    reference = element_of<full>(splat(first)).ref[0];
    // No sum, nor its square, nor its product with a moderate tangent overflows; the smallest weight is a normal number.
    plain = !any(odd) && largest_lane(most) < first + 200.0 && first > -infinity;
    if constexpr (full) plain = plain && first < infinity && -largest_lane(-least) > first - 650.0;
    else plain = plain && first < 0x1p40 && first > -0x1p40;
  }
};

SCANGRAD_INLINE Z prefix_sum(Z v) { return {prefix_sum(v.re), prefix_sum(v.im)}; }
SCANGRAD_INLINE Z last_lane(Z v) { return {last_lane(v.re), last_lane(v.im)}; }

/// A running sum across registers.
template <bool full>
struct ComplexChain {
  Chain<full> re, im;
  SCANGRAD_INLINE Z plus(Z v) const { return {re.plus(v.re), im.plus(v.im)}; }
  SCANGRAD_INLINE void add(Z total) { re.add(total.re), im.add(total.im); }
};

/// s + w v
template <bool full>
SCANGRAD_INLINE Number<full> add_scaled(Number<full> s, D w, Z v) {
  s.re = fma(w, v.re, s.re), s.im = fma(w, v.im, s.im);
  return s;
}

/// Not finite, or in full so large or small that it does not go through the plain form.
template <bool full>
SCANGRAD_INLINE I immoderate(Z t) {
  if constexpr (!full) return I{};
  const auto part = [](D v) __attribute__((always_inline)) {
    const D size = absolute(v);
    return ((size < 0x1p-900) & (v != 0.0)) | !(size <= 0x1p300);
  };
  return part(t.re) | part(t.im);
}

/// y (value), M t (tangent), or both. y has the same bits whatever the tangent is.
template <bool full, bool value, bool tangent>
struct ComplexLseScan {
  using M = ComplexLse<full, tangent>;
  using Carry = ComplexLseCarry<full, tangent>;
  static constexpr int inputs = tangent ? 2 : 1, outputs = value + tangent;
  static constexpr bool back = false;
  static Carry start() { return Carry::identity(); }
  explicit ComplexLseScan(const ScanJob&) {}

  template <class W>
  void run(W walk, Planes* in, Planes* out, Carry& carry) {
    if constexpr (!W::across) {
      ComplexExtent<full> extent;
      extent.read(in[0], walk.count);
      if (extent.plain && carry.ref[0] < infinity) return plain_form(walk, in, out, carry, extent.reference);
    }
    any_form<value>(walk, in, out, carry);
  }

 private:
  /// First the sums, then what is read off them: in one loop the chain from element to output would be too long to overlap.
  template <class W>
  void plain_form(W walk, Planes* in, Planes* out, Carry& carry, double reference) {
    const Carry before = carry;
    const D w = carry.meet(splat(reference));
    ComplexChain<full> s, u;
    I odd{};
    for (std::int64_t j = 0; j < walk.registers; ++j) {
      const Z x = walk.get(in[0], j), e = near_complex_weight<full>(x, reference), p = prefix_sum(e);
      walk.put(s_, j, s.plus(p));
      s.add(last_lane(p));
      if constexpr (tangent) {
        const Z t = walk.get(in[1], j), q = prefix_sum(select(x.re == -infinity, Z{}, e * t));
        walk.put(u_, j, u.plus(q));
        u.add(last_lane(q));
        odd |= immoderate<full>(t);
      }
    }
    for (std::int64_t j = 0; j < walk.registers; ++j) {
      const auto sum = add_scaled(carry.s, w, walk.get(s_, j));
      if constexpr (value) walk.put(out[0], j, complex_log<full>(carry.ref, sum));
      if constexpr (tangent) {
        const Z means = value_of(add_scaled(carry.u, w, walk.get(u_, j)));
        walk.put(out[value], j, complex_quotient<full>(carry.ref, means, value_of(sum)));
      }
    }
    const Z sums = s.plus(Z{}), means = u.plus(Z{});
    if constexpr (tangent)
      if (any(odd | ~is_finite(means) | ~is_finite(carry.weighted()))) {
        carry.add_sums(sums * w, Z{});
        return tangents_alone(walk, in, out, before, carry);
      }
    carry.add_sums(sums * w, means * w);
  }

  /// The means of a tile whose sums are done; `before`: the carry before it.
  template <class W>
  void tangents_alone(W walk, Planes* in, Planes* out, Carry before, Carry& carry) {
    any_form<false>(walk, in, out, before);
    carry.u = weigh(before.u, between<full>(before.ref, carry.ref), I{});
  }

  template <bool with_value, class W>
  void any_form(W walk, Planes* in, Planes* out, Carry& carried) {
    Carry carry = carried;
    for (std::int64_t j = 0; j < walk.registers; ++j) {
      const auto element = M::lift(walk.get(in[0], j), tangent ? walk.get(in[tangent], j) : Z{});
      D ref;
      Number<full> s;
      Z u;
      if constexpr (W::across) {
        carry.absorb(element.ref, element.s, element.u);
        ref = carry.ref, s = carry.s, u = carry.weighted();
      } else {
        const auto own = prefixes<M>(element), state = M::combine(carry.joined(), own), last = last_lane_of(own);
        ref = state.ref, s = number<full>(state.s), u = state.u;
        carry.absorb(last.ref, last.s, last.u);
      }
      if constexpr (with_value) walk.put(out[0], j, complex_log<full>(ref, s));
      if constexpr (tangent) walk.put(out[value], j, complex_quotient<full>(ref, u, value_of(s)));
    }
    carried = carry;
  }

  Planes s_, u_;
};

/// v B^(to - from): a suffix sum whose reference `from` becomes `to`, an earlier one.
template <bool full, class N>
SCANGRAD_INLINE N complex_carried_back(N v, D from, D to) {
  return weigh(v, from == to ? splat(1.0) : between<full>(to, from), (from == infinity) & (to < infinity));
}

/// (M^H g)_i = conj(e^{x_i}) sum_{k >= i} g_k / conj(e^{y_k})
template <bool full>
struct ComplexLseAdjoint {
  using M = ComplexLse<full, false>;
  using Carry = ComplexLseCarry<full, false>;
  static constexpr int inputs = 2, outputs = 1;
  static constexpr bool back = true;
  static Carry start() { return Carry::identity(); }
  /// The sum over later outputs, relative to `ref`; at first there are none.
  struct Later {
    Number<full> a = number<full>(Z{});
    D ref = splat(infinity);
  };
  explicit ComplexLseAdjoint(const ScanJob&) {}

  template <class W>
  void advance(W walk, Planes* in, Carry& carry) {
    if constexpr (!W::across) {
      extent_.read(in[0], walk.count);
      if (extent_.plain && carry.ref[0] < infinity) {
        const D w = carry.meet(splat(extent_.reference));
        return carry.add_sums(plain_sums(walk, in, [](std::int64_t, Z, Z) {}) * w, Z{});
      }
    }
    any_sums(walk, in, carry, [](std::int64_t, const ComplexElement&, D, Z) {});
  }

  template <class W>
  void run(W walk, Planes* in, Planes* out, Carry carry, Later& later) {
    if constexpr (!W::across) {
      extent_.read(in[0], walk.count);
      if (extent_.plain && carry.ref[0] < infinity && run_plain(walk, in, out, carry, later)) return;
    }
    run_any(walk, in, out, carry, later);
  }

 private:
  /// f(j, e, prefix); returns the last prefix.
  template <class W, class F>
  SCANGRAD_INLINE Z plain_sums(W walk, Planes* in, const F& f) {
    ComplexChain<full> s;
    for (std::int64_t j = 0; j < walk.registers; ++j) {
      const Z e = near_complex_weight<full>(walk.get(in[0], j), extent_.reference), p = prefix_sum(e);
      f(j, e, s.plus(p));
      s.add(last_lane(p));
    }
    return s.plus(Z{});
  }
  /// f(j, element, reference and sum so far)
  template <class W, class F>
  SCANGRAD_INLINE void any_sums(W walk, Planes* in, Carry& carried, const F& f) {
    Carry carry = carried;
    for (std::int64_t j = 0; j < walk.registers; ++j) {
      const ComplexElement e = complex_element<full>(walk.get(in[0], j));
      if constexpr (W::across) {
        carry.absorb(e.ref, e.s, Z{});
        f(j, e, carry.ref, value_of(carry.s));
      } else {
        const auto own = prefixes<M>({e.ref, e.s, Z{}}), state = M::combine(carry.joined(), own), last = last_lane_of(own);
        carry.absorb(last.ref, last.s, Z{});
        f(j, e, state.ref, state.s);
      }
    }
    carried = carry;
  }

  /// Says whether it could: cotangents that are not finite, or too large, take the other form.
  template <class W>
  bool run_plain(W walk, Planes* in, Planes* out, Carry carry, Later& later) {
    const D w = carry.meet(splat(extent_.reference));
    plain_sums(
        walk, in, [&](std::int64_t j, Z e, Z p) __attribute__((always_inline)) {
          walk.put(e_, j, e * w);
          walk.put(s_, j, value_of(add_scaled(carry.s, w, p)));
        });
    const auto turned = walk.turned();
    const Z a = value_of(complex_carried_back<full>(later.a, later.ref, carry.ref));
    ComplexChain<full> chain{{a.re, D{}}, {a.im, D{}}};
    I odd{};
    for (std::int64_t j = 0; j < turned.registers; ++j) {
      const Z g = turned.get(in[1], j), s = turned.get(s_, j);
      odd |= immoderate<full>(g);
      const Z q = prefix_sum(complex_quotient<full>(carry.ref, g, conjugate(s)));
      turned.put(out[0], j, conjugate(turned.get(e_, j)) * chain.plus(q));
      chain.add(last_lane(q));
    }
    const Z sum = chain.plus(Z{});
    if (any(odd | ~is_finite(sum))) return false;
    later = {number<full>(sum), carry.ref};
    return true;
  }

  template <class W>
  void run_any(W walk, Planes* in, Planes* out, Carry carry, Later& later) {
    any_sums(
        walk, in, carry, [&](std::int64_t j, const ComplexElement& e, D ref, Z s) __attribute__((always_inline)) {
          walk.put(e_ref_, j, e.ref), walk.put(e_, j, e.s);
          walk.put(ref_, j, ref), walk.put(s_, j, s);
        });
    if constexpr (!W::across)  // lanes before the first element
      for (int i = 1; i < lanes; ++i) *ref_.at(-i) = *ref_.at(0);
    const auto turned = walk.turned();
    for (std::int64_t j = 0; j < turned.registers; ++j) {
      const D ref = turned.get(ref_, j), own_ref = turned.get(e_ref_, j);
      const Z s = turned.get(s_, j), e = turned.get(e_, j), g = turned.get(in[1], j);
      Z q = complex_quotient<full>(ref, g, conjugate(s));
      if constexpr (!W::across) {
        q = add_later<1>(q, ref);
        if constexpr (lanes > 2) q = add_later<2>(q, ref);
        if constexpr (lanes > 4) q = add_later<4>(q, ref);
      }
      const auto a = add(complex_carried_back<full>(later.a, later.ref, ref), number<full>(q));
      const Z given = conjugate(e) * complex_carried_back<full>(value_of(a), ref, own_ref);
      turned.put(out[0], j, select(own_ref == -infinity, Z{}, given));
      later = W::across ? Later{a, ref} : Later{last_lane_of(a), last_lane(ref)};
    }
  }
  template <int by>
  static SCANGRAD_INLINE Z add_later(Z a, D ref) {
    const D from = shifted_up<by>(ref, first_lane(ref));
    return a + complex_carried_back<full>(shifted_up<by>(a, Z{}), from, ref);
  }

  ComplexExtent<full> extent_;
  Planes e_, s_;
  Plane ref_, e_ref_;
};

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
