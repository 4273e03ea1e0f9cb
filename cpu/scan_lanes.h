#pragma once
// How the plain kernels of the scans walk: forwards along a lane with a monoid's state, and back along a lane whose states are needed
// again. What runs back keeps the state before each block of elements alone, and finds those inside by running forwards again through
// one block at a time: no kernel holds more than a small part of its inputs.

#include "cpu/hot_scan.h"
#include "ops/scan/log_monoid.h"
#include "ops/scan/monoid.h"
#include "ops/scan/scan.h"

namespace scangrad::inline v0::cpu {

using core::Complexes;
using core::Floats;
using core::Inexact;
using core::Numbers;
using ops::ScanOrder;

inline const ScanOrder& order_of(const Primitive& primitive) { return static_cast<const ops::ScanPrimitive&>(primitive).order; }

/// Lanes over arrays of the shape of the scan, the last of which is a row-major output.
template <std::size_t N>
Lanes<N> scan_lanes_of(const Array& out, const std::array<const Array*, N - 1>& ins, const ScanOrder& order) {
  std::array<Strides, N> strides;
  for (std::size_t i = 0; i + 1 < N; ++i) strides[i] = ins[i]->strides;
  strides[N - 1] = core::dense_strides(out.shape());
  return Lanes<N>::along(out.shape(), strides, order.axis, order.reverse);
}

/// The strides of a value that lacks the axis, read as if it had it.
inline Strides strides_without_axis(const Array& value, int axis) {
  Strides strides(value.shape().size() + 1, 0);
  for (std::size_t i = 0, next = 0; i < strides.size(); ++i)
    if (static_cast<int>(i) != axis) strides[i] = value.strides[next++];
  return strides;
}

/// Runs along each lane: `lift(element offsets, position)` makes an element's summary, `store(out, state)` writes one.
template <class Monoid, std::size_t N, class Lift, class Store>
void scan_lanes(const Context& context, const Lanes<N>& lanes, bool exclusive, const Lift& lift, const Store& store) {
  for_each_lane(context, lanes, [&](auto at) {
    auto state = Monoid::identity();
    for (std::int64_t k = 0; k < lanes.length; ++k) {
      const auto joined = Monoid::combine(state, lift(at, k));
      store(at[N - 1], exclusive ? state : joined);
      state = joined;
      for (std::size_t i = 0; i < N; ++i) at[i] += lanes.step[i];
    }
  });
}

/// The optional last input of the primitives of logcumsumexp: how many times each lane's first element counts.
struct Head {
  const Array* array;
  Strides strides;
  Head(Inputs ins, std::size_t place, const Shape& shape, int axis)
      : array(ins.size() > place ? ins[place] : nullptr),
        strides(array != nullptr ? strides_without_axis(*array, axis) : Strides(shape.size(), 0)) {}
  /// Whether there are hot kernels for the dtype: with a head, not for complex ones.
  bool is_hot(DType dtype) const { return array == nullptr ? cpu::is_hot(dtype) : is_floating(dtype); }
  /// Runs a scan with or without it.
  void run(const Context& context, const HotCall& call) const {
    if (array == nullptr) run_hot(context, call);
    else run_hot_with_head(context, call, *array);
  }
  template <class T>
  const T* at(std::int64_t offset) const {
    return array != nullptr ? array->data<T>() + offset : nullptr;
  }
};

/// The summary of an element (x, or x and t) of which, if it is the first of its lane, there are `head`.
template <class M, class T, class... X>
typename M::State lifted(std::int64_t k, const T* head, X... x) {
  return k == 0 && head != nullptr ? M::lift(x..., ops::carried(*head)) : M::lift(x...);
}

/// The split rule's kernels (scan_split.cpp).
void split_mean(const Context& context, const ScanOrder& order, Inputs ins, Outputs outs);
void split_mean_adjoint(const Context& context, const ScanOrder& order, Inputs ins, Outputs outs);

/// The states of a lane of n elements, from the last to the first.
template <class State>
class BackwardStates {
 public:
  static constexpr std::int64_t block = 256;
  /// How many states `memory` must hold.
  static std::int64_t needed(std::int64_t n) { return (n + block - 1) / block + std::min(n, block) + 1; }

  /// back(k, before, after) for k = n - 1 .. 0, where after = next(before, k).
  template <class Next, class Back>
  static void run(std::int64_t n, const State& start, State* memory, const Next& next, const Back& back) {
    State* const inside = memory + (n + block - 1) / block;
    State state = start;
    for (std::int64_t k = 0; k < n; ++k) {
      if (k % block == 0) memory[k / block] = state;
      state = next(state, k);
    }
    for (std::int64_t b = (n + block - 1) / block; b-- > 0;) {
      const std::int64_t first = b * block, last = std::min(first + block, n);
      inside[0] = memory[b];
      for (std::int64_t k = first; k < last; ++k) inside[k - first + 1] = next(inside[k - first], k);
      for (std::int64_t k = last; k-- > first;) back(k, inside[k - first], inside[k - first + 1]);
    }
  }
};

/// lane(offsets, memory for its states) for each lane; `allocate` takes the outputs, after the memory.
template <class State, std::size_t N, class Allocate, class Lane>
void for_each_lane_back(const Context& context, const Lanes<N>& lanes, const Allocate& allocate, const Lane& lane) {
  const std::int64_t grain = std::max<std::int64_t>(1, parallel_grain / std::max<std::int64_t>(lanes.length, 1));
  const std::int64_t pieces = std::max<std::int64_t>(1, std::min<std::int64_t>(lanes.count() / grain, context.pool().size()));
  const std::int64_t states = BackwardStates<State>::needed(lanes.length);
  const auto memory = context.scratch<State>(pieces * states);
  allocate();
  context.parallel_for(pieces, 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t piece = first; piece < last; ++piece)
      lanes.for_each(lanes.count() * piece / pieces, lanes.count() * (piece + 1) / pieces,
                     [&](const auto& at) { lane(at, memory.data() + piece * states); });
  });
}

}  // namespace scangrad::inline v0::cpu
