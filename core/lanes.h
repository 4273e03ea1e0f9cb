#pragma once
// Lanes: how kernels walk strided arrays. Arrays of one shape are walked together, lane by lane; a lane is a run of `length`
// elements, `step` apart in each array. Along an axis (scans, reductions, gathers) a lane is that axis, backwards for reverse;
// otherwise (element-wise work) it is the longest run that all the arrays allow. The other axes are collapsed where they can be.

#include <algorithm>
#include <array>

#include "core/array.h"

namespace scangrad::inline v0::core {

/// The strides with which `in` is read as if it had `shape`: zero along broadcast axes.
inline Strides broadcast_strides(const Array& in, const Shape& shape) {
  Strides strides(shape.size(), 0);
  const std::size_t lead = shape.size() - in.shape().size();
  for (std::size_t i = 0; i < in.shape().size(); ++i) strides[lead + i] = in.shape()[i] == 1 ? 0 : in.strides[i];
  return strides;
}

template <std::size_t N>
class Lanes {
 public:
  using Offsets = std::array<std::int64_t, N>;

  static Lanes elementwise(const Shape& shape, const std::array<Strides, N>& strides) {
    Lanes lanes(shape, strides, -1);
    if (lanes.used_ != 0) {
      const Axis& last = lanes.axes_[--lanes.used_];
      lanes.length = last.size;
      lanes.step = last.strides;
    }
    return lanes;
  }

  static Lanes along(const Shape& shape, const std::array<Strides, N>& strides, int axis, bool reverse) {
    Lanes lanes(shape, strides, axis);
    const auto a = static_cast<std::size_t>(axis);
    lanes.length = shape[a];
    for (std::size_t k = 0; k < N; ++k) {
      lanes.step[k] = strides[k][a];
      if (reverse) {
        lanes.start_[k] = (shape[a] - 1) * lanes.step[k];
        lanes.step[k] = -lanes.step[k];
      }
    }
    return lanes;
  }

  std::int64_t length = 1;
  Offsets step{};

  std::int64_t count() const noexcept {
    std::int64_t n = 1;
    for (std::size_t i = 0; i < used_; ++i) n *= axes_[i].size;
    return n;
  }

  /// f(offsets of the lane's first element) for the lanes [begin, end), in row-major order.
  template <class F>
  void for_each(std::int64_t begin, std::int64_t end, const F& f) const {
    for_each_run(begin, end,
                 [&](const Offsets& at, std::int64_t lanes, const Offsets& strides) { walk<1>(at, lanes, strides, f); });
  }

  /// The same from the last lane to the first.
  template <class F>
  void for_each_back(std::int64_t begin, std::int64_t end, const F& f) const {
    const std::int64_t size = used_ == 0 ? 1 : axes_[used_ - 1].size;
    for (std::int64_t first = 0; end > begin; end = first) {
      first = std::max(begin, (end - 1) / size * size);
      for_each_run(first, end, [&](Offsets at, std::int64_t lanes, const Offsets& strides) {
        for (std::size_t k = 0; k < N; ++k) at[k] += (lanes - 1) * strides[k];
        walk<-1>(at, lanes, strides, f);
      });
    }
  }

  /// In runs of lanes that lie `strides` apart: f(offsets of the first, how many, strides).
  template <class F>
  void for_each_run(std::int64_t begin, std::int64_t end, const F& f) const {
    if (begin >= end) return;
    if (used_ == 0) return f(start_, std::int64_t{1}, Offsets{});
    std::int64_t on_stack[64];  // kernels call this after their first write, so it must not fail
    std::vector<std::int64_t> on_heap(used_ > std::size(on_stack) ? used_ : 0);
    std::int64_t* index = on_heap.empty() ? on_stack : on_heap.data();
    Offsets at = start_;
    std::int64_t rest = begin;
    for (std::size_t i = used_; i-- > 0;) {
      index[i] = rest % axes_[i].size;
      rest /= axes_[i].size;
      move(at, axes_[i], index[i]);
    }
    const Axis& last = axes_[used_ - 1];
    for (std::int64_t lane = begin;;) {
      const std::int64_t lanes = std::min(last.size - index[used_ - 1], end - lane);
      f(at, lanes, last.strides);
      if ((lane += lanes) == end) return;
      std::size_t i = used_ - 1;
      for (move(at, axes_[i], -index[i]); i > 0; move(at, axes_[i], -axes_[i].size)) {
        index[i--] = 0;
        move(at, axes_[i], 1);
        if (++index[i] < axes_[i].size) break;
      }
    }
  }

 private:
  struct Axis {
    std::int64_t size = 0;
    Offsets strides{};
  };

  template <int by, class F>
  static void walk(Offsets at, std::int64_t lanes, const Offsets& strides, const F& f) {
    for (;;) {
      f(at);
      if (--lanes == 0) return;
      for (std::size_t k = 0; k < N; ++k) at[k] += by * strides[k];
    }
  }
  static void move(Offsets& at, const Axis& axis, std::int64_t by) {
    for (std::size_t k = 0; k < N; ++k) at[k] += by * axis.strides[k];
  }

  // Collapses all axes but `skip`: neighbours become one where every array steps through both as through one.
  Lanes(const Shape& shape, const std::array<Strides, N>& strides, int skip) : axes_(shape.size()) {
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (static_cast<int>(i) == skip || shape[i] == 1) continue;
      Axis axis{shape[i], {}};
      for (std::size_t k = 0; k < N; ++k) axis.strides[k] = strides[k][i];
      bool merges = used_ != 0;
      for (std::size_t k = 0; merges && k < N; ++k) merges = axes_[used_ - 1].strides[k] == axis.strides[k] * axis.size;
      if (merges) axes_[used_ - 1] = {axes_[used_ - 1].size * axis.size, axis.strides};
      else axes_[used_++] = axis;
    }
  }

  FixedList<Axis, 4> axes_;  ///< the first used_ of them
  std::size_t used_ = 0;
  Offsets start_{};
};

}  // namespace scangrad::inline v0::core
