#pragma once
// The tangents of products and linear recurrences beside their values: h_k as ever, and dh_k = a_k dh_{k-1} + (da_k h_{k-1} + db_k), a
// linear recurrence once h is there.

#include "cpu/simd/monoids.h"
#include "cpu/simd/traverse.h"

namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL {

/// A number as a high and a low part; light ones have no low part.
struct Pair {
  D high, low;
};
/// a b + c for b in two parts, to twice the precision if full.
template <bool full>
SCANGRAD_INLINE Pair multiply_add(D a, Pair b, D c) {
  if constexpr (!full) return {fma(a, b.high, c), D{}};
  const D p = a * b.high, s = p + c;
  return {s, sum_error(p, c, s) + (product_error(a, b.high, p) + a * b.low)};
}

SCANGRAD_INLINE Pair value_of(Product<false>::State s) { return {s.p, D{}}; }
SCANGRAD_INLINE Pair value_of(Product<true>::State s) { return {s.high, s.low}; }
SCANGRAD_INLINE Pair value_of(Affine<false>::State s) { return {s.b, D{}}; }
SCANGRAD_INLINE Pair value_of(Affine<true>::State s) { return {s.b, s.b_low}; }

/// The map h -> a h + b.
template <bool full>
SCANGRAD_INLINE typename Affine<full>::State affine(D a, Pair b) {
  if constexpr (full) return {a, D{}, b.high, b.low};
  else return {a, b.high};
}

/// x, t -> y, dy
template <bool full>
struct ProductTangent {
  using Value = Product<full>;
  static constexpr int inputs = 2;
  static SCANGRAD_INLINE Pair source(Pair before, const D* in) { return multiply_add<full>(in[1], before, D{}); }
};
/// a, b, da, db -> h, dh
template <bool full>
struct RecurrenceTangent {
  using Value = Affine<full>;
  static constexpr int inputs = 4;
  static SCANGRAD_INLINE Pair source(Pair before, const D* in) { return multiply_add<full>(in[2], before, in[3]); }
};

/// The carry's parts: those of the value, then those of its tangent.
template <template <bool> class Rule, class T>
void tangent_row(const ScanJob& job) {
  constexpr bool full = is_full<T>;
  using M = typename Rule<full>::Value;
  using L = Affine<full>;
  const bool backwards = job.out_step < 0;
  Reader<T> readers[] = {{job.in[0], job.in_step[0], backwards},
                         {job.in[1], job.in_step[1], backwards},
                         {job.in[2], job.in_step[2], backwards},
                         {job.in[3], job.in_step[3], backwards}};
  Writer<T> values(job.out[0], job.out_step, job.stream), tangents(job.out[1], job.out_step, job.stream);
  auto h = first_lane_of(initial_state(job, 0, 1, start_of<M>()));
  auto dh = first_lane_of(initial_state(job, 0, 1, start_of<L>(), parts_of<typename M::State>));
  for (std::int64_t at = 0; at < job.length; at += tile) {
    const std::int64_t count = job.length - at < tile ? job.length - at : tile;
    Source<T> sources[Rule<full>::inputs];
    for (int k = 0; k < Rule<full>::inputs; ++k) sources[k] = readers[k].tile_at(at, count);
    const auto y = values.tile_at(at, count), dy = tangents.tile_at(at, count);
    in_direction(
        backwards, [&](auto turned) __attribute__((always_inline)) {
          for_each_register_ahead(
              count, sources, [&](std::int64_t i, std::int64_t here, auto whole) __attribute__((always_inline)) {
                constexpr bool mirrored = turned && whole;
                D x[Rule<full>::inputs];
                for (int k = 0; k < Rule<full>::inputs; ++k) x[k] = read_register<mirrored>(sources[k], i, here, whole);
                const bool fresh = at == 0 && i == 0 && job.initial == nullptr;
                if constexpr (starts_empty<M>)
                  if (__builtin_expect(fresh, 0)) x[0] = without_first<mirrored>(x[0]), x[2] = without_first<mirrored>(x[2]);
                const auto before = h;
                const auto after = scan_register<M, mirrored>(h, M::lift(x), x, here, whole);
                const Pair source = Rule<full>::source(value_of(delayed<mirrored, 1>(after, before)), x);
                if (SCANGRAD_PLANT(hot_product_starts_full, __builtin_expect(fresh, 0), false))
                  x[0] = without_first<mirrored>(x[0]);  // there is nothing before the first, nor a tangent of it
                const D step[2] = {x[0], source.high};
                const auto tangent = scan_register<L, mirrored>(dh, affine<full>(x[0], source), step, here, whole);
                write_register<mirrored>(y, i, here, M::project(after), whole);
                write_register<mirrored>(dy, i, here, L::project(tangent), whole);
              });
        });
    values.end_tile(count), tangents.end_tile(count);
  }
}

/// The same of a register of scans, one element after the other.
template <class Rule, bool full>
class TangentStep {
  using M = typename Rule::Value;
  using L = Affine<full>;

 public:
  using V = D;
  static constexpr int inputs = Rule::inputs, outputs = 2;

  void start(const ScanJob& job, std::int64_t column, std::int64_t count) {
    h_ = initial_state(job, column, count, start_of<M>());
    dh_ = initial_state(job, column, count, start_of<L>(), parts_of<typename M::State>);
  }
  void finish(const ScanJob&, std::int64_t, std::int64_t) {}

  SCANGRAD_INLINE void take(D* x, bool fresh, D* y) {
    if (starts_empty<M> && fresh) x[0] = x[2] = D{};
    const Pair source = Rule::source(value_of(h_), x);
    h_ = M::advance(h_, M::lift(x));
    if (fresh) x[0] = D{};
    dh_ = L::advance(dh_, affine<full>(x[0], source));
    y[0] = M::project(h_), y[1] = L::project(dh_);
  }

 private:
  typename M::State h_;
  typename L::State dh_;
};

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
