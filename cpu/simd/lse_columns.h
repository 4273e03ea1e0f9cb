#pragma once
// logcumsumexp and its derivative across neighbouring columns, in doubles: every element meets its column's carry in turn.

#include "cpu/simd/lse.h"
#include "cpu/simd/traverse.h"

namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL {

template <class T, bool value, bool tangent>
void lse_columns(const ScanJob& job) {
  constexpr bool full = is_full<T>;
  using Carry = LseCarry<full, tangent>;
  Carry carries[tile / lanes];
  for_each_part(job.columns, tile, [&](std::int64_t first, std::int64_t count) {
    ColumnReader<T> xs(job, 0, first, count), ts(job, tangent ? 1 : 0, first, count);
    for_each_register(count, [&](std::int64_t i, std::int64_t here, auto) {
      carries[i / lanes] = initial_state(job, first + i, here, Carry::identity());
    });
    for (std::int64_t row = 0; row < job.length; ++row) {
      const std::int64_t to = row * job.out_step + first;
      const auto x = xs.row(row), t = tangent ? ts.row(row) : x;
      for_each_register(
          count, [&](std::int64_t i, std::int64_t here, auto whole) __attribute__((always_inline)) {
            const D in[2] = {x.get(i, here, whole), tangent ? t.get(i, here, whole) : D{}};
            const auto element = LogSumExp<full, tangent>::lift(in);
            Carry& carry = carries[i / lanes];
            carry.absorb(element.ref, element.s, element.u);
            const auto put = [&](int k, D v) __attribute__((always_inline)) {
              Target<T>{static_cast<T*>(job.out[k]) + to, false}.put(i, here, v, whole);
            };
            const D s = carry.sum();
            if constexpr (value) put(0, log_of_sum<full>(carry.ref, s));
            if constexpr (tangent) put(value ? 1 : 0, mean_of<full>(carry.ref, carry.weighted(), s));
          });
    }
    for_each_register(count,
                      [&](std::int64_t i, std::int64_t here, auto) { final_state(job, first + i, here, carries[i / lanes]); });
  });
}

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
