#pragma once
// What the operations mean, written as plainly as can be: the rows of op_table.cpp and scan_table.cpp are made of these.

#include <algorithm>
#include <type_traits>

#include "support/dense.h"

namespace test {

/// f of one, two or three numbers, at every place of the broadcast shape.
template <class F>
Reference elementwise(F f) {
  return [f](const Denses& x) {
    Shape shape;
    for (const Dense& part : x) broadcast(Shape(shape), part.shape, shape);
    Dense y(shape);
    each_index(shape, [&](const Index& i) {
      if constexpr (std::is_invocable_v<F, real>) y(i) = f(x[0](i));
      else if constexpr (std::is_invocable_v<F, real, real>) y(i) = f(x[0](i), x[1](i));
      else y(i) = f(x[0](i), x[1](i), x[2](i));
    });
    return y;
  };
}

/// An axis from the front.
inline std::size_t axis_of(int axis, const Shape& shape) {
  return static_cast<std::size_t>(axis < 0 ? axis + static_cast<int>(shape.size()) : axis);
}

/// All axes of a shape, or the ones listed.
struct Over {
  bool all = true;
  std::vector<int> axes;

  std::vector<bool> mask(const Shape& shape) const {
    std::vector<bool> result(shape.size(), all);
    for (int axis : axes) result[axis_of(axis, shape)] = true;
    return result;
  }
};

/// f of the elements that meet in one place when axes drop out (or stay, with size 1).
template <class F>
Reference reduction(Over over, bool keepdims, F f) {
  return [=](const Denses& x) {
    const Shape& from = x[0].shape;
    const std::vector<bool> drops = over.mask(from);
    Shape kept = from;
    for (std::size_t i = 0; i < from.size(); ++i)
      if (drops[i]) kept[i] = 1;
    std::vector<Vector> groups(count(kept));
    const Dense places(kept);
    each_index(from, [&](const Index& i) { groups[places.place(i)].push_back(x[0](i)); });
    std::vector<std::int64_t> shape;
    for (std::size_t i = 0; i < from.size(); ++i)
      if (!drops[i] || keepdims) shape.push_back(kept[i]);
    Dense y{Shape(shape)};
    std::transform(groups.begin(), groups.end(), y.values.begin(), f);
    return y;
  };
}

/// y[i] = x[from(i)] for an operation that only moves elements.
template <class To, class From>
Reference moved(To shape_of, From from) {
  return [=](const Denses& x) {
    Dense y(shape_of(x[0].shape));
    each_index(y.shape, [&](const Index& i) { y(i) = x[0](from(i, x[0].shape)); });
    return y;
  };
}

/// Row-major order kept.
inline Reference reshaped(Shape to) {
  return [to](const Denses& x) { return Dense(to, x[0].values); };
}

/// Along which axis, and which way.
struct Flags {
  int axis = 0;
  bool reverse = false, exclusive = false;
};

/// The places of each lane's elements, in scan order.
inline std::vector<std::vector<std::size_t>> lanes(const Shape& shape, const Flags& flags) {
  const std::size_t axis = axis_of(flags.axis, shape);
  Shape across = shape;
  across[axis] = 1;
  const Dense places(shape);
  std::vector<std::vector<std::size_t>> result;
  each_index(across, [&](Index i) {
    std::vector<std::size_t> lane;
    for (i[axis] = 0; i[axis] < shape[axis]; ++i[axis]) lane.push_back(places.place(i));
    if (flags.reverse) std::reverse(lane.begin(), lane.end());
    result.push_back(lane);
  });
  return result;
}

/// A scan by its definition: the state of nothing, how an element joins it, what is seen of it.
struct Definition {
  real identity;
  real (*join)(real state, real x);
  real (*seen)(real state) = [](real state) { return state; };
};

inline Reference scanned(Definition definition, Flags flags) {
  return [=](const Denses& x) {
    Dense y(x[0].shape);
    for (const auto& lane : lanes(y.shape, flags)) {
      real state = definition.identity;
      for (std::size_t at : lane) {
        const real next = definition.join(state, x[0].values[at]);
        y.values[at] = definition.seen(flags.exclusive ? state : next);
        state = next;
      }
    }
    return y;
  };
}

/// h_k = a_k h_{k-1} + b_k of the inputs a, b and perhaps the initial h.
inline Reference recurrence(Flags flags) {
  return [=](const Denses& x) {
    Shape shape;
    broadcast(x[0].shape, x[1].shape, shape);
    const Dense a = elementwise([](real value, real) { return value; })({x[0], Dense(shape)}), places(shape);
    const Dense b = elementwise([](real value, real) { return value; })({x[1], Dense(shape)});
    Dense y(shape);
    const auto all = lanes(shape, flags);
    for (std::size_t i = 0; i < all.size(); ++i) {
      real h = x.size() < 3 ? real(0) : x[2].values[x[2].size() == 1 ? 0 : i];
      for (std::size_t at : all[i]) {
        const real next = a.values[at] * h + b.values[at];
        y.values[at] = flags.exclusive ? h : next;
        h = next;
      }
    }
    return y;
  };
}

inline real sum_of(const Vector& v) {
  real total = 0;
  for (real x : v) total += x;
  return total;
}

}  // namespace test
