#pragma once
// How kernels read and write memory: tiles of rows, and rows of columns, in scan order. Sources and targets are small values that are
// copied into each loop, so that they stay in registers there.

#include "core/planted.h"
#include "cpu/simd/four.h"
#include "cpu/simd/job.h"
#include "cpu/simd/vec.h"

namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL {

/// A register of either kind, from neighbouring elements or there.
template <class V, class T>
SCANGRAD_INLINE V load_as(const T* from) {
  if constexpr (std::is_same_v<V, D>) return load(from);
  else return load_floats(from);
}
template <class V, class T>
SCANGRAD_INLINE void store_as(T* to, V v) {
  if constexpr (std::is_same_v<V, D>) store(to, v);
  else store_floats(to, v);
}
/// The same past the caches, where elements are floats or more and lie at a multiple of their register.
template <class V, class T>
SCANGRAD_INLINE void stream_as(T* to, V v) {
  if constexpr (sizeof(T) == 2) {
    store_as(to, v);
  } else if constexpr (std::is_same_v<T, float> && std::is_same_v<V, D>) {
    stream_as(to, narrowed(v));
  } else if (reinterpret_cast<std::uintptr_t>(to) % sizeof v == 0) {
    stream_register(to, SCANGRAD_PLANT(hot_stream_register_lost, v, V{}));
  } else {
    store_raw(to, v);
  }
}
/// Asks for the lines of n elements from i on, of a source or target.
template <class Side>
SCANGRAD_INLINE void expect(const Side& side, std::int64_t i, std::int64_t n) {
  constexpr std::int64_t line = 64 / sizeof(*side.here);
  for (std::int64_t k = 0; k < n; k += line) side.expect(i + k);
}
/// Its first `count` lanes, upwards or downwards; zeros after what was read.
template <class V, class T>
SCANGRAD_INLINE V read_some(const T* from, std::int64_t count, bool backwards) {
  T own[lanes_in<V>] = {};
  for (std::int64_t k = 0; k < count; ++k) own[k] = from[backwards ? -k : k];
  return load_as<V>(own);
}
template <class V, class T>
SCANGRAD_INLINE void write_some(T* to, std::int64_t count, V v, bool backwards) {
  T own[lanes_in<V>];
  store_as(own, v);
  for (std::int64_t k = 0; k < SCANGRAD_PLANT(hot_tail_not_written, count, count - 1); ++k) to[backwards ? -k : k] = own[k];
}

/// Elements of an input in scan order.
template <class T>
struct Source {
  const T* here;
  bool backwards;
  /// Elements i to i + lanes - 1.
  SCANGRAD_INLINE D at(std::int64_t i) const {
    if (backwards) return reversed(load(here - i - (lanes - 1)));
    return load(here + i);
  }
  SCANGRAD_INLINE D get(std::int64_t i, std::int64_t, std::true_type) const { return at(i); }
  /// Elements i to i + count - 1; zeros after them.
  SCANGRAD_INLINE D get(std::int64_t i, std::int64_t count, std::false_type) const {
    return read_some<D>(place(i), count, backwards);
  }

  SCANGRAD_INLINE S floats_at(std::int64_t i) const {
    if (backwards) return reversed(load_floats(here - i - (wide - 1)));
    return load_floats(here + i);
  }
  SCANGRAD_INLINE S get_floats(std::int64_t i, std::int64_t, std::true_type) const { return floats_at(i); }
  /// Elements i to i + count - 1; zeros after them.
  SCANGRAD_INLINE S get_floats(std::int64_t i, std::int64_t count, std::false_type) const {
    return read_some<S>(place(i), count, backwards);
  }
  SCANGRAD_INLINE Block block_at(std::int64_t i, std::int64_t, std::true_type) const {
    return {floats_at(i), floats_at(i + wide), floats_at(i + 2 * wide), floats_at(i + 3 * wide)};
  }
  /// Elements i to i + count - 1; zeros after them.
  Block block_at(std::int64_t i, std::int64_t count, std::false_type) const {
    T own[block] = {};
    for (std::int64_t k = 0; k < count; ++k) own[k] = here[backwards ? -i - k : i + k];
    return {load_floats(own), load_floats(own + wide), load_floats(own + 2 * wide), load_floats(own + 3 * wide)};
  }
  /// Asks for what will be read at element i.
  SCANGRAD_INLINE void expect(std::int64_t i) const { __builtin_prefetch(place(i)); }

 private:
  SCANGRAD_INLINE const T* place(std::int64_t i) const { return backwards ? here - i : here + i; }
};

/// Where the elements of an output go, in scan order.
template <class T>
struct Target {
  T* here;
  bool backwards;
  bool past_caches = false;
  SCANGRAD_INLINE void put(std::int64_t i, std::int64_t, D v, std::true_type) const {
    if (backwards) keep(here - i - (lanes - 1), reversed(v));
    else keep(here + i, v);
  }
  SCANGRAD_INLINE void put(std::int64_t i, std::int64_t count, D v, std::false_type) const {
    write_some(place(i), count, v, backwards);
  }

  /// The first `count` elements, if there are so many.
  SCANGRAD_INLINE void put_four(std::int64_t i, std::int64_t count, Four<D> v) const {
    const D registers[] = {v.a, v.b, v.c, v.d};
    for (int k = 0; k < 4; ++k) {
      const std::int64_t left = count - k * lanes;
      if (left >= lanes) put(i + k * lanes, lanes, registers[k], std::true_type());
      else if (left > 0) put(i + k * lanes, left, registers[k], std::false_type());
    }
  }
  /// Asks for where will be written at element i.
  SCANGRAD_INLINE void expect(std::int64_t i) const {
    if (!past_caches) __builtin_prefetch(place(i), 1);
  }
  /// A register's elements from `to` upwards.
  template <class V>
  SCANGRAD_INLINE void keep(T* to, V v) const {
    if (past_caches) stream_as(to, v);
    else store_as(to, v);
  }
  void put_first(float v) const {
    T own[wide];
    store_floats(own, splat_float(v));
    *here = own[0];
  }
  SCANGRAD_INLINE void put_floats(std::int64_t i, S v) const {
    if (backwards) keep(here - i - (wide - 1), reversed(v));
    else keep(here + i, v);
  }
  SCANGRAD_INLINE void put_floats(std::int64_t i, std::int64_t, S v, std::true_type) const { put_floats(i, v); }
  SCANGRAD_INLINE void put_floats(std::int64_t i, std::int64_t count, S v, std::false_type) const {
    write_some(place(i), count, v, backwards);
  }
  SCANGRAD_INLINE void put_block(std::int64_t i, std::int64_t, Block v, std::true_type) const {
    if (__builtin_expect(past_caches, 0)) return put_registers(i, v);
    Target{here, backwards}.put_registers(i, v);  // asked once for four
  }
  /// The first `count` elements, if there are so many.
  SCANGRAD_INLINE void put_part(std::int64_t i, std::int64_t count, S v) const {
    if (count >= wide) put_floats(i, v);
    else if (count > 0) put_floats(i, count, v, std::false_type());
  }
  SCANGRAD_INLINE void put_part(std::int64_t i, std::int64_t count, const Block& v) const {
    if (count >= block) put_block(i, block, v, std::true_type());
    else put_block(i, count, v, std::false_type());
  }
  void put_block(std::int64_t i, std::int64_t count, Block v, std::false_type) const {
    T own[block];
    store_floats(own, v.a), store_floats(own + wide, v.b), store_floats(own + 2 * wide, v.c), store_floats(own + 3 * wide, v.d);
    for (std::int64_t k = 0; k < count; ++k) here[backwards ? -(i + k) : i + k] = own[k];
  }

 private:
  SCANGRAD_INLINE void put_registers(std::int64_t i, Block v) const {
    put_floats(i, v.a), put_floats(i + wide, v.b), put_floats(i + 2 * wide, v.c), put_floats(i + 3 * wide, v.d);
  }
  SCANGRAD_INLINE T* place(std::int64_t i) const { return backwards ? here - i : here + i; }
};

/// A tile's elements, or places, from the last to the first.
template <class Side>
SCANGRAD_INLINE Side reversed_tile(Side side, std::int64_t count) {
  side.here += side.backwards ? -(count - 1) : count - 1;
  side.backwards = !side.backwards;
  return side;
}

/// An input, a tile at a time. What is not contiguous in the direction asked for, by default any, is copied first.
template <class T>
class Reader {
 public:
  Reader(const void* first, std::int64_t step) : Reader(first, step, step < 0) {}
  Reader(const void* first, std::int64_t step, bool backwards)
      : first_(static_cast<const T*>(first)), step_(step), backwards_(backwards) {}

  Source<T> tile_at(std::int64_t at, std::int64_t count) {
    const T* here = first_ + at * step_;
    const std::int64_t direction = backwards_ ? -1 : 1;
    if (step_ == direction) return {here, backwards_};
    T* const first = copy_ + (backwards_ ? count - 1 : 0);
    for (std::int64_t i = 0; i < count; ++i) first[i * direction] = here[i * step_];
    return {first, backwards_};
  }

 private:
  const T* first_;
  std::int64_t step_;
  bool backwards_;
  T copy_[tile];
};

/// An output, a tile at a time; step 1 or -1. What goes past the caches is written as it comes where registers fill lines, else gathered first.
template <class T>
class Writer {
 public:
  Writer(void* first, std::int64_t step, bool streaming) : first_(static_cast<T*>(first)), step_(step) {
    const bool fills_lines = sizeof(T) * lanes >= 16 && reinterpret_cast<std::uintptr_t>(first_ + (step < 0 ? 1 : 0)) % 64 == 0;
    direct_ = streaming && fills_lines, gathers_ = streaming && !fills_lines;
  }

  Target<T> tile_at(std::int64_t at, std::int64_t count) {
    target_ = first_ + at * step_;
    return {gathers_ ? copy_ + (step_ < 0 ? count - 1 : 0) : target_, step_ < 0, direct_};
  }
  void end_tile(std::int64_t count) {
    if (gathers_)
      stream(step_ < 0 ? target_ - (count - 1) : target_, copy_, SCANGRAD_PLANT(hot_stream_tail, count, count / lanes * lanes));
  }

 private:
  T* first_;
  T* target_ = nullptr;
  std::int64_t step_;
  bool direct_, gathers_;
  T copy_[tile];
};

/// Where to look for what will be read next: memory answers within the time of so many elements.
enum class Ahead : std::int64_t { forwards = 2 * tile, backwards = -2 * tile };
/// f(i, here, whole) over a tile, a register at a time; `whole` is a constant: the last one may be partly filled. Meanwhile asks for what
/// the tile after next will read: the hardware looks no further than its page.
template <std::int64_t width = lanes, class F, class T, std::size_t n>
SCANGRAD_INLINE void for_each_register_ahead(std::int64_t count, const Source<T> (&sources)[n], const F& f,
                                             Ahead where = Ahead::forwards) {
  constexpr std::int64_t some = 64;
  const auto ahead = static_cast<std::int64_t>(where);
  std::int64_t i = 0;
  for (; i + some <= count; i += some) {
    for (const Source<T>& source : sources) expect(source, i + ahead, some);
    for (std::int64_t k = 0; k < some; k += width) f(i + k, width, std::true_type());
  }
  for (; i + width <= count; i += width) f(i, width, std::true_type());
  if (i < count) f(i, count - i, std::false_type());
}

/// f(i, count, whole) over a tile, a register at a time; `whole` is a constant: the last one may be partly filled.
template <class F>
SCANGRAD_INLINE void for_each_register(std::int64_t count, const F& f) {
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) f(i, std::int64_t{lanes}, std::true_type());
  if (i < count) f(i, count - i, std::false_type());
}

/// The same in registers of floats.
template <class F>
SCANGRAD_INLINE void for_each_floats(std::int64_t count, const F& f) {
  std::int64_t i = 0;
  for (; i + wide <= count; i += wide) f(i, std::int64_t{wide}, std::true_type());
  if (i < count) f(i, count - i, std::false_type());
}

// Whole registers of what lies backwards in memory are scanned as they lie, `mirrored`: lane 0 is the last in scan order. The same
// operations meet the same elements, so the bits are the same. Those that are partly filled are turned.

/// f(backwards), a constant.
template <class F>
SCANGRAD_INLINE void in_direction(bool backwards, const F& f) {
  if (backwards) f(std::true_type());
  else f(std::false_type());
}
/// In a register of doubles or of floats.
template <bool mirrored, class V = D, class T, class Whole>
SCANGRAD_INLINE V read_register(const Source<T>& source, std::int64_t i, std::int64_t here, Whole whole) {
  if constexpr (Whole::value) return load_as<V>(mirrored ? source.here - i - (lanes_in<V> - 1) : source.here + i);
  else if constexpr (std::is_same_v<V, D>) return source.get(i, here, whole);
  else return source.get_floats(i, here, whole);
}
template <bool mirrored, class V, class T, class Whole>
SCANGRAD_INLINE void write_register(const Target<T>& target, std::int64_t i, std::int64_t here, V v, Whole whole) {
  if constexpr (Whole::value) target.keep(mirrored ? target.here - i - (lanes_in<V> - 1) : target.here + i, v);
  else if constexpr (std::is_same_v<V, D>) target.put(i, here, v, whole);
  else target.put_floats(i, here, v, whole);
}

/// The same of neighbouring elements in a register of any kind, from p upwards: all, or the first `count` (and zeros).
template <class V, class T, class Whole>
SCANGRAD_INLINE V read(const T* p, std::int64_t count, Whole) {
  if constexpr (Whole::value) return load_as<V>(p);
  else return read_some<V>(p, count, false);
}
template <class V, class T, class Whole>
SCANGRAD_INLINE void write(T* p, std::int64_t count, V v, Whole) {
  if constexpr (Whole::value) store_as(p, v);
  else write_some(p, count, v, false);
}

/// f(first, how many) for parts of at most `most` of `count` things.
template <class F>
SCANGRAD_INLINE void for_each_part(std::int64_t count, std::int64_t most, const F& f) {
  for (std::int64_t first = 0; first < count; first += most) f(first, count - first < most ? count - first : most);
}

/// So many neighbouring rows of columns may be looked at, or written, together, of at most so many columns.
inline constexpr std::int64_t rows_at_once = 4;
template <class T>
inline constexpr std::int64_t column_tile = 4096 / static_cast<std::int64_t>(sizeof(T)) < most_columns
                                                ? 4096 / static_cast<std::int64_t>(sizeof(T))
                                                : most_columns;

/// f(row, rows) for rows `row` to `end` - 1, several at a time; `rows`, how many, is a constant.
template <class F>
SCANGRAD_INLINE void for_each_rows(std::int64_t row, std::int64_t end, const F& f) {
  for (; row + rows_at_once <= end; row += rows_at_once) f(row, std::integral_constant<int, rows_at_once>());
  for (; row < end; ++row) f(row, std::integral_constant<int, 1>());
}

/// A row of at most `width` columns of an input: as it lies where its elements are neighbours, else copied.
template <class T, std::int64_t width = column_tile<T>>
class ColumnReader {
 public:
  ColumnReader(const ScanJob& job, int k, std::int64_t column, std::int64_t count)
      : first_(static_cast<const T*>(job.in[k])), step_(job.in_step[k]), count_(count) {
    if (job.in_columns[k] != nullptr) columns_ = job.in_columns[k] + column;
    else first_ += column;
  }
  Source<T> row(std::int64_t row) { return {at(row), false}; }
  const T* at(std::int64_t row) {
    const T* here = first_ + row * step_;
    if (columns_ == nullptr) return here;
    T* const copy = copy_[row % rows_at_once];
    for (std::int64_t c = 0; c < count_; ++c) copy[c] = here[columns_[c]];
    return copy;
  }
  /// From an element to what will be read so many rows later, where that lies in memory; rows may lie pages apart, where no hardware
  /// looks ahead.
  std::int64_t ahead() const { return columns_ == nullptr ? rows_at_once * step_ : 0; }

 private:
  const T* first_;
  const std::int64_t* columns_ = nullptr;
  std::int64_t step_, count_;
  T copy_[rows_at_once][width];
};

/// A row of columns of an output; streaming ones are gathered first.
template <class T>
class ColumnWriter {
 public:
  ColumnWriter(const ScanJob& job, int k, std::int64_t column)
      : first_(static_cast<T*>(job.out[k]) + column), step_(job.out_step), streaming_(job.stream) {}

  Target<T> row(std::int64_t row) { return {at(row), false}; }
  T* at(std::int64_t row) { return streaming_ ? copy_[row % rows_at_once] : first_ + row * step_; }
  void end_row(std::int64_t row, std::int64_t count) {
    if (streaming_) stream(first_ + row * step_, copy_[row % rows_at_once], count);
  }

 private:
  T* first_;
  std::int64_t step_;
  bool streaming_;
  alignas(64) T copy_[rows_at_once][column_tile<T>];
};

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
