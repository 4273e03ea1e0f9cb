#pragma once
// The tiles of a row, and how threads share them.

#include <sched.h>

#include "cpu/simd/traverse.h"

namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL {

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
        tiles_(tiles_of(job.length)),
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

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
