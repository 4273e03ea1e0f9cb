#pragma once
// How kernels walk memory, for any monoid of monoids.h.
//
// Along a contiguous axis: each register of elements is scanned within itself (Hillis and Steele: log2(lanes) shifts), then meets the
// carry. Across: a register holds neighbouring columns, and each element meets its column's carry in turn. Both work in scan order
// from the first element on, so that bits do not depend on where the data lies, what lies beside it, or how many threads there are.

#include <sched.h>

#include "core/planted.h"
#include "cpu/simd/floats.h"
#include "cpu/simd/job.h"
#include "cpu/simd/vec.h"

namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL {

/// Elements of an input in scan order. Small and copied into each loop, so that it stays in registers there.
template <class T>
struct Source {
  const T* here;
  bool backwards;
  /// Elements i to i + lanes - 1.
  SCANGRAD_INLINE D at(std::int64_t i) const {
    if (backwards) return reversed(load(here - i - (lanes - 1)));
    return load(here + i);
  }
  /// Elements i to i + count - 1; zeros after them.
  SCANGRAD_INLINE D some(std::int64_t i, std::int64_t count) const {
    if (!backwards) return load_some(here + i, count, 0.0);
    T buffer[lanes] = {};
    for (std::int64_t k = 0; k < count; ++k) buffer[k] = here[-i - k];
    return load(buffer);
  }
  SCANGRAD_INLINE D get(std::int64_t i, std::int64_t, std::true_type) const { return at(i); }
  SCANGRAD_INLINE D get(std::int64_t i, std::int64_t count, std::false_type) const { return some(i, count); }

  SCANGRAD_INLINE S floats_at(std::int64_t i) const {
    if (backwards) return reversed_floats(load_floats(here - i - (wide - 1)));
    return load_floats(here + i);
  }
  SCANGRAD_INLINE S get_floats(std::int64_t i, std::int64_t, std::true_type) const { return floats_at(i); }
  /// Elements i to i + count - 1; zeros after them.
  SCANGRAD_INLINE S get_floats(std::int64_t i, std::int64_t count, std::false_type) const {
    T own[wide] = {};
    for (std::int64_t k = 0; k < count; ++k) own[k] = here[backwards ? -i - k : i + k];
    return load_floats(own);
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
  SCANGRAD_INLINE void expect(std::int64_t i) const { __builtin_prefetch(backwards ? here - i : here + i); }
};

/// Where the elements of an output go, in scan order.
template <class T>
struct Target {
  T* here;
  bool backwards;
  SCANGRAD_INLINE void put(std::int64_t i, std::int64_t, D v, std::true_type) const {
    if (backwards) store(here - i - (lanes - 1), reversed(v));
    else store(here + i, v);
  }
  SCANGRAD_INLINE void put(std::int64_t i, std::int64_t count, D v, std::false_type) const {
    T buffer[lanes];
    store(buffer, v);
    for (std::int64_t k = 0; k < lanes && k < SCANGRAD_PLANT(hot_tail_not_written, count, count - 1); ++k)
      here[backwards ? -(i + k) : i + k] = buffer[k];
  }

  void put_first(float v) const {
    T own[wide];
    store_floats(own, splat_float(v));
    *here = own[0];
  }
  SCANGRAD_INLINE void put_floats(std::int64_t i, S v) const {
    if (backwards) store_floats(here - i - (wide - 1), reversed_floats(v));
    else store_floats(here + i, v);
  }
  SCANGRAD_INLINE void put_floats(std::int64_t i, std::int64_t, S v, std::true_type) const { put_floats(i, v); }
  SCANGRAD_INLINE void put_floats(std::int64_t i, std::int64_t count, S v, std::false_type) const {
    T own[wide];
    store_floats(own, v);
    for (std::int64_t k = 0; k < count; ++k) here[backwards ? -(i + k) : i + k] = own[k];
  }
  SCANGRAD_INLINE void put_block(std::int64_t i, std::int64_t, Block v, std::true_type) const {
    put_floats(i, v.a), put_floats(i + wide, v.b), put_floats(i + 2 * wide, v.c), put_floats(i + 3 * wide, v.d);
  }
  void put_block(std::int64_t i, std::int64_t count, Block v, std::false_type) const {
    T own[block];
    store_floats(own, v.a), store_floats(own + wide, v.b), store_floats(own + 2 * wide, v.c), store_floats(own + 3 * wide, v.d);
    for (std::int64_t k = 0; k < count; ++k) here[backwards ? -(i + k) : i + k] = own[k];
  }
};

/// A tile's elements, or places, from the last to the first.
template <template <class> class Side, class T>
SCANGRAD_INLINE Side<T> reversed_tile(const Side<T>& side, std::int64_t count) {
  return {side.here + (side.backwards ? -(count - 1) : count - 1), !side.backwards};
}

/// An input, a tile at a time. What is neither forwards nor backwards contiguous is copied first.
template <class T>
class Reader {
 public:
  Reader(const void* first, std::int64_t step) : first_(static_cast<const T*>(first)), step_(step) {}

  Source<T> tile_at(std::int64_t at, std::int64_t count) {
    const T* here = first_ + at * step_;
    if (step_ == 1 || step_ == -1) return {here, step_ < 0};
    for (std::int64_t i = 0; i < count; ++i) copy_[i] = here[i * step_];
    return {copy_, false};
  }

 private:
  const T* first_;
  std::int64_t step_;
  T copy_[tile];
};

/// An output, a tile at a time; step 1 or -1. Streaming ones are gathered first.
template <class T>
class Writer {
 public:
  Writer(void* first, std::int64_t step, bool streaming) : first_(static_cast<T*>(first)), step_(step), streaming_(streaming) {}

  Target<T> tile_at(std::int64_t at, std::int64_t count) {
    target_ = first_ + at * step_;
    return {streaming_ ? copy_ + (step_ < 0 ? count - 1 : 0) : target_, step_ < 0};
  }
  void end_tile(std::int64_t count) {
    if (streaming_)
      stream(step_ < 0 ? target_ - (count - 1) : target_, copy_, SCANGRAD_PLANT(hot_stream_tail, count, count / lanes * lanes));
  }

 private:
  T* first_;
  T* target_ = nullptr;
  std::int64_t step_;
  bool streaming_;
  T copy_[tile];
};

/// Where to look for what will be read next: memory answers within the time of so many elements.
enum class Ahead : std::int64_t { forwards = 2 * tile, backwards = -2 * tile };
/// f(i, here, whole) over a tile, a register at a time; `whole` is a constant: the last one may be partly filled. Meanwhile asks for what
/// the tile after next will read: the hardware looks no further than its page.
template <std::int64_t width = lanes, class F, class T, std::size_t n>
SCANGRAD_INLINE void for_each_register_ahead(std::int64_t count, const Source<T> (&sources)[n], const F& f,
                                             Ahead where = Ahead::forwards) {
  constexpr std::int64_t some = 64, line = 64 / sizeof(T);
  const auto ahead = static_cast<std::int64_t>(where);
  std::int64_t i = 0;
  for (; i + some <= count; i += some) {
    for (const Source<T>& source : sources)
      for (std::int64_t k = 0; k < some; k += line) source.expect(i + k + ahead);
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

template <class State>
inline constexpr int parts_of = sizeof(State) / sizeof(D);

template <class State>
struct Parts {
  D part[parts_of<State>];
};

/// Every part moved `by` lanes up; the identity's come in.
template <int by, class State>
SCANGRAD_INLINE State shifted_up(const State& state, const State& identity) {
  auto v = as_bits<Parts<State>>(state);
  const auto fill = as_bits<Parts<State>>(identity);
  for (int p = 0; p < parts_of<State>; ++p) v.part[p] = shifted_up<by>(v.part[p], fill.part[p]);
  return as_bits<State>(v);
}

template <class State>
SCANGRAD_INLINE State first_lane_of(const State& state) {
  auto v = as_bits<Parts<State>>(state);
  for (int p = 0; p < parts_of<State>; ++p) v.part[p] = first_lane(v.part[p]);
  return as_bits<State>(v);
}
template <class State>
SCANGRAD_INLINE State last_lane_of(const State& state) {
  auto v = as_bits<Parts<State>>(state);
  for (int p = 0; p < parts_of<State>; ++p) v.part[p] = last_lane(v.part[p]);
  return as_bits<State>(v);
}

/// `state` in the first `count` lanes, the identity in the others.
template <class State>
SCANGRAD_INLINE State first_lanes(const State& state, const State& identity, std::int64_t count) {
  auto v = as_bits<Parts<State>>(state);
  const auto fill = as_bits<Parts<State>>(identity);
  const I here = lane_numbers() < splat<I>(SCANGRAD_PLANT(hot_tail_one_more, count, count + 1));
  for (int p = 0; p < parts_of<State>; ++p) v.part[p] = here ? v.part[p] : fill.part[p];
  return as_bits<State>(v);
}

/// The prefixes of a register's elements: lane i combines lanes 0 to i.
template <class M>
SCANGRAD_INLINE typename M::State prefixes(typename M::State state) {
  const auto identity = M::identity();
  state = M::combine(shifted_up<1>(state, identity), state);
  if constexpr (lanes > 2) state = SCANGRAD_PLANT(hot_prefix_step, M::combine(shifted_up<2>(state, identity), state), state);
  if constexpr (lanes > 4) state = M::combine(shifted_up<4>(state, identity), state);
  return state;
}

/// The states after each of a register's elements, one after the other, from `carry`.
template <class M>
typename M::State in_turn(typename M::State carry, const typename M::State& lifted) {
  using State = typename M::State;
  const auto in = as_bits<Parts<State>>(lifted);
  auto result = as_bits<Parts<State>>(carry);
  for (int lane = 0; lane < lanes; ++lane) {
    Parts<State> one;
    for (int p = 0; p < parts_of<State>; ++p) one.part[p] = splat(in.part[p][lane]);
    carry = M::advance(carry, as_bits<State>(one));
    const auto now = as_bits<Parts<State>>(carry);
    for (int p = 0; p < parts_of<State>; ++p) result.part[p][lane] = now.part[p][lane];
  }
  return as_bits<State>(result);
}

/// The states after each of a register's first `here` elements x, lifted, from `carry`, which moves behind them: regrouped where the
/// monoid allows it. Then the last lane's step is taken twice, so that no shuffle stands between one carry and the next.
template <class M, class Whole>
SCANGRAD_INLINE typename M::State scan_register(typename M::State& carry, typename M::State lifted, const D* x,
                                                std::int64_t here, Whole) {
  if constexpr (!Whole::value) lifted = first_lanes(lifted, M::identity(), here);
  typename M::State states;
  if (__builtin_expect(SCANGRAD_PLANT(hot_always_regrouped, M::regular(x), true), 1)) {
    const auto own = prefixes<M>(lifted);
    states = M::advance(carry, own);
    carry = M::advance(carry, SCANGRAD_PLANT(hot_row_carry, last_lane_of(own), first_lane_of(own)));
  } else {
    states = in_turn<M>(carry, lifted);
    carry = last_lane_of(states);
  }
  return states;
}

template <class M>
SCANGRAD_INLINE typename M::State start_of() {
  if constexpr (requires { M::start(); }) return M::start();
  else return M::identity();
}

/// Whether the first factor multiplies nothing where a scan has no initial value, not even 0: an infinite one gives no NaN.
template <class M>
inline constexpr bool starts_empty = requires {
  M::starts_empty;
};

/// The carry of `count` columns from `column` on: what the job gives (see ScanJob::initial) from a part on, or `start`.
template <class State>
SCANGRAD_INLINE State initial_state(const ScanJob& job, std::int64_t column, std::int64_t count, const State& start,
                                    int first_part = 0) {
  auto state = as_bits<Parts<State>>(start);
  if (job.initial != nullptr)
    for (int p = 0; p < parts_of<State>; ++p)
      state.part[p] = load_some(job.initial + (first_part + p) * job.columns + column, count, state.part[p][0]);
  return as_bits<State>(state);
}
template <class State>
SCANGRAD_INLINE void final_state(const ScanJob& job, std::int64_t column, std::int64_t count, const State& carry) {
  if (job.final == nullptr) return;
  const auto state = as_bits<Parts<State>>(carry);
  for (int p = 0; p < parts_of<State>; ++p) store_some(job.final + p * job.columns + column, count, state.part[p]);
}

/// Waits until a number that only grows is there.
inline __attribute__((noinline)) void wait_for(const std::int64_t* number, std::int64_t value) {
  for (int tries = 0; __atomic_load_n(number, __ATOMIC_ACQUIRE) < value; ++tries)
    if (tries > 200) sched_yield();
}

/// The tiles of a row from the first to the last, or from the last to the first, and the carry that goes from each to the next. Threads
/// that share the row take the next tile that is left, do what needs no carry, wait for it, and hand it on: the bits are those of one.
template <class State, bool back = false>
class Tiles {
  static_assert(parts_of<State> <= max_parts);

 public:
  Tiles(const ScanJob& job, const State& start)
      : length_(job.length),
        tiles_((job.length + tile - 1) / tile),
        chain_(job.chain == nullptr ? nullptr : job.chain + (back ? 1 : 0)),
        carry_(start) {}

  bool next() {
    i_ = chain_ == nullptr ? i_ + 1 : __atomic_fetch_add(&chain_->taken, 1, __ATOMIC_RELAXED);
    at_ = (back ? tiles_ - 1 - i_ : i_) * tile;
    return i_ < tiles_;
  }
  std::int64_t at() const { return at_; }
  std::int64_t count() const { return length_ - at_ < tile ? length_ - at_ : tile; }
  bool last() const { return i_ == tiles_ - 1; }

  State take() {
    if (chain_ != nullptr && i_ > 0) receive(i_);
    return carry_;
  }
  void give(const State& carry) {
    carry_ = carry;
    if (chain_ == nullptr) return;
    const auto state = as_bits<Parts<State>>(carry);
    for (int p = 0; p < parts_of<State>; ++p) chain_->carry[p] = state.part[p][0];
    __atomic_store_n(&chain_->done, i_ + 1, __ATOMIC_RELEASE);
  }
  /// What was taken or given last.
  const State& carry() const { return carry_; }
  /// The carry behind the last tile, once all are done.
  State finish() {
    if (chain_ != nullptr) receive(tiles_);
    return carry_;
  }

 private:
  void receive(std::int64_t done) {
    wait_for(&chain_->done, done);
    Parts<State> state;
    for (int p = 0; p < parts_of<State>; ++p) state.part[p] = splat(chain_->carry[p]);
    carry_ = as_bits<State>(state);
  }

  std::int64_t length_, tiles_, i_ = -1, at_ = 0;
  RowChain* chain_;
  State carry_;
};

/// A scan along a contiguous axis.
template <class M, class T>
void scan_row(const ScanJob& job) {
  using State = typename M::State;
  Reader<T> reader(job.in[0], job.in_step[0]), second(job.in[1], job.in_step[1]);
  constexpr bool two = requires(State s) { M::project_tangent(s); };
  Writer<T> writer(job.out[0], job.out_step, job.stream), second_writer(job.out[1], job.out_step, job.stream);
  State carry = first_lane_of(initial_state(job, 0, 1, start_of<M>()));
  [[maybe_unused]] bool fresh = job.initial == nullptr;
  for (std::int64_t at = 0; at < job.length; at += tile) {
    const std::int64_t count = job.length - at < tile ? job.length - at : tile;
    Source<T> in[M::arity] = {reader.tile_at(at, count)};
    if constexpr (M::arity > 1) in[1] = second.tile_at(at, count);
    const auto out = writer.tile_at(at, count), out2 = two ? second_writer.tile_at(at, count) : out;
    for_each_register_ahead(
        count, in, [&](std::int64_t i, std::int64_t here, auto whole) __attribute__((always_inline)) {
          D x[2] = {in[0].get(i, here, whole)};
          if constexpr (M::arity > 1) x[1] = in[1].get(i, here, whole);
          if constexpr (starts_empty<M>)
            if (__builtin_expect(fresh, 0)) x[0] = without_first(x[0]), fresh = false;
          const State state = scan_register<M>(carry, M::lift(x), x, here, whole);
          out.put(i, here, M::project(state), whole);
          if constexpr (two) out2.put(i, here, M::project_tangent(state), whole);
        });
    writer.end_tile(count);
    if constexpr (two) second_writer.end_tile(count);
  }
  final_state(job, 0, 1, carry);
}

/// A row of columns of an input: as it lies where its elements are neighbours, else copied.
template <class T>
class ColumnReader {
 public:
  ColumnReader(const ScanJob& job, int k, std::int64_t column, std::int64_t count)
      : first_(static_cast<const T*>(job.in[k])), step_(job.in_step[k]), count_(count) {
    if (job.in_columns[k] != nullptr) columns_ = job.in_columns[k] + column;
    else first_ += column;
  }
  Source<T> row(std::int64_t row) {
    const T* here = first_ + row * step_;
    if (columns_ == nullptr) {  // rows may lie pages apart, where no hardware looks ahead
      for (std::int64_t c = 0; c < count_; c += line) __builtin_prefetch(here + rows_ahead * step_ + c);
      return {here, false};
    }
    for (std::int64_t c = 0; c < count_; ++c) copy_[c] = here[columns_[c]];
    return {copy_, false};
  }

 private:
  static constexpr std::int64_t line = 64 / sizeof(T), rows_ahead = 2;
  const T* first_;
  const std::int64_t* columns_ = nullptr;
  std::int64_t step_, count_;
  T copy_[tile];
};

/// A row of columns of an output; streaming ones are gathered first.
template <class T>
class ColumnWriter {
 public:
  ColumnWriter(const ScanJob& job, int k, std::int64_t column)
      : first_(static_cast<T*>(job.out[k]) + column), step_(job.out_step), streaming_(job.stream) {}

  Target<T> row(std::int64_t row) {
    target_ = first_ + row * step_;
    return {streaming_ ? copy_ : target_, false};
  }
  void end_row(std::int64_t count) {
    if (streaming_) stream(target_, copy_, count);
  }

 private:
  T* first_;
  T* target_ = nullptr;
  std::int64_t step_;
  bool streaming_;
  alignas(64) T copy_[tile];
};

/// A scan across neighbouring columns, a tile of columns at a time.
template <class M, class T>
void scan_columns(const ScanJob& job) {
  using State = typename M::State;
  constexpr bool two = requires(State s) { M::project_tangent(s); };
  State carries[tile / lanes];
  for (std::int64_t first = 0; first < job.columns; first += tile) {
    const std::int64_t count = job.columns - first < tile ? job.columns - first : tile;
    ColumnReader<T> reader(job, 0, first, count), second(job, M::arity > 1 ? 1 : 0, first, count);
    ColumnWriter<T> writer(job, 0, first), second_writer(job, two ? 1 : 0, first);
    for_each_register(count, [&](std::int64_t i, std::int64_t here, auto) {
      carries[i / lanes] = initial_state(job, first + i, here, start_of<M>());
    });
    for (std::int64_t row = 0; row < job.length; ++row) {
      const auto in = reader.row(row), in2 = M::arity > 1 ? second.row(row) : in;
      const auto out = writer.row(row), out2 = two ? second_writer.row(row) : out;
      for_each_register(
          count, [&](std::int64_t i, std::int64_t here, auto whole) __attribute__((always_inline)) {
            D x[2] = {in.get(i, here, whole), M::arity > 1 ? in2.get(i, here, whole) : D{}};
            if (starts_empty<M> && row == 0 && job.initial == nullptr) x[0] = D{};
            const State carry = M::advance(SCANGRAD_PLANT(hot_column_carry, carries[i / lanes], start_of<M>()), M::lift(x));
            carries[i / lanes] = carry;
            out.put(i, here, M::project(carry), whole);
            if constexpr (two) out2.put(i, here, M::project_tangent(carry), whole);
          });
      writer.end_row(count);
      if constexpr (two) second_writer.end_row(count);
    }
    for_each_register(count,
                      [&](std::int64_t i, std::int64_t here, auto) { final_state(job, first + i, here, carries[i / lanes]); });
  }
}

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
