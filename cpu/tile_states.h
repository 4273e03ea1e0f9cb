#pragma once
// The states of logcumsumexp before each tile of each row: the forward pass leaves them as a note beside x, and what runs back over x in
// the same order begins with them. Who finds none leaves them, so that a second cotangent finds some.

#include "cpu/hot_scan.h"

namespace scangrad::inline v0::cpu {

class TileStates {
 public:
  TileStates(const HotCall& call, std::int64_t length, std::int64_t rows)
      : x_(*call.in[0]), order_(call.order), size_(state_parts * tiles_of(length)) {
    if (length <= tile) return;
    const core::Storage* found = x_.notes.find(about());
    known_ = found != nullptr;
    if (cotangent_of(call.scan) < 0 && known_) return;
    if (!known_) {
      storage_ = core::Storage::allocate(size_ * rows * static_cast<std::int64_t>(sizeof(double)));
      found = storage_.get();
    }
    states_ = reinterpret_cast<double*>(found->data);
  }

  void give(ScanJob& job, std::int64_t row) const {
    if (states_ != nullptr) job.states = states_ + row * size_, job.states_known = known_;
  }
  /// Once all rows are done.
  void keep() const {
    if (storage_) x_.notes.keep({about(), storage_});
  }

 private:
  std::int64_t about() const { return 4 * order_.axis + 2 * (order_.reverse ? 1 : 0) + (order_.exclusive ? 1 : 0); }

  const Array& x_;
  const ops::ScanOrder& order_;
  std::int64_t size_;
  core::Ref<core::Storage> storage_;
  double* states_ = nullptr;
  bool known_ = false;
};

}  // namespace scangrad::inline v0::cpu
