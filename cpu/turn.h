#pragma once
// Short rows, turned: element k of several rows side by side, so that kernels for columns can scan them, a row in each lane.

#include <cstdint>
#include <cstring>

namespace scangrad::inline v0::cpu {

/// Rows in memory: their first elements in scan order, and the step from one element to the next.
struct RowSet {
  void* const* first;
  std::int64_t count, step, length;
};

namespace detail {

/// Items of any type, by their size.
template <class Bits, int count = 1>
struct __attribute__((may_alias)) Item {
  Bits bits[count];
};
using Item2 = Item<std::uint16_t>;
using Item4 = Item<std::uint32_t>;
using Item8 = Item<std::uint64_t>;
using Item16 = Item<std::uint64_t, 2>;
using Quad = std::uint32_t __attribute__((vector_size(16)));

inline void turn(Quad (&q)[4]) {
  const Quad a = __builtin_shufflevector(q[0], q[1], 0, 4, 1, 5), b = __builtin_shufflevector(q[2], q[3], 0, 4, 1, 5),
             c = __builtin_shufflevector(q[0], q[1], 2, 6, 3, 7), d = __builtin_shufflevector(q[2], q[3], 2, 6, 3, 7);
  q[0] = __builtin_shufflevector(a, b, 0, 1, 4, 5), q[1] = __builtin_shufflevector(a, b, 2, 3, 6, 7);
  q[2] = __builtin_shufflevector(c, d, 0, 1, 4, 5), q[3] = __builtin_shufflevector(c, d, 2, 3, 6, 7);
}

/// Elements `first` on of the rows [row, row_end).
template <bool in, class Any>
void turn_one_by_one(const RowSet& rows, Any* side, std::int64_t width, std::int64_t row, std::int64_t row_end,
                     std::int64_t first) {
  for (std::int64_t r = row; r < row_end; ++r) {
    Any* const here = static_cast<Any*>(rows.first[r]);
    for (std::int64_t k = first; k < rows.length; ++k) {
      if constexpr (in) side[k * width + r] = here[k * rows.step];
      else here[k * rows.step] = side[k * width + r];
    }
  }
}

/// Squares of four by four where elements are neighbours, forwards or backwards.
template <bool in>
void turn_squares(const RowSet& rows, Item4* side, std::int64_t width) {
  const std::int64_t whole_rows = rows.count / 4 * 4, whole = rows.length / 4 * 4;
  const bool back = rows.step < 0;
  // While these are scanned, the next rows come into the caches.
  const auto address = [](const void* p) { return reinterpret_cast<std::intptr_t>(p); };
  const std::intptr_t ahead = rows.count > 1 ? rows.count * (address(rows.first[1]) - address(rows.first[0])) : 0;
  for (std::int64_t r = 0; r < whole_rows; r += 4)
    for (std::int64_t k = 0; k < whole; k += 4) {
      Quad q[4];
      const auto of_row = [&](std::int64_t i) { return static_cast<Item4*>(rows.first[r + i]) + (back ? -(k + 3) : k); };
      const auto of_side = [&](std::int64_t i) { return side + (back ? k + 3 - i : k + i) * width + r; };
      for (std::int64_t i = 0; i < 4; ++i) {
        __builtin_prefetch(reinterpret_cast<const void*>(address(of_row(i)) + ahead), in ? 0 : 1);
        std::memcpy(&q[i], in ? of_row(i) : of_side(i), sizeof(Quad));
      }
      turn(q);
      for (std::int64_t i = 0; i < 4; ++i) std::memcpy(in ? of_side(i) : of_row(i), &q[i], sizeof(Quad));
    }
  turn_one_by_one<in>(rows, side, width, 0, whole_rows, whole);
  turn_one_by_one<in>(rows, side, width, whole_rows, rows.count, 0);
}

template <bool in>
void turn(const RowSet& rows, std::int64_t item_size, void* side, std::int64_t width) {
  const auto all = [&]<class Any>(Any* to) { turn_one_by_one<in>(rows, to, width, 0, rows.count, 0); };
  if (item_size == 2) all(static_cast<Item2*>(side));
  else if (item_size == 8) all(static_cast<Item8*>(side));
  else if (item_size == 16) all(static_cast<Item16*>(side));
  else if (rows.step == 1 || rows.step == -1) turn_squares<in>(rows, static_cast<Item4*>(side), width);
  else all(static_cast<Item4*>(side));
}

}  // namespace detail

/// Element k of row r to side[k * width + r]; items of 2, 4, 8 or 16 bytes.
inline void turn_in(const RowSet& rows, std::int64_t item_size, void* side, std::int64_t width) {
  detail::turn<true>(rows, item_size, side, width);
}
/// And back.
inline void turn_out(const RowSet& rows, std::int64_t item_size, void* side, std::int64_t width) {
  detail::turn<false>(rows, item_size, side, width);
}

}  // namespace scangrad::inline v0::cpu
