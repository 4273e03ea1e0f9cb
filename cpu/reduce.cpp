// Reductions: an output element at a time over the reduced axes. Sums go in blocks, whose totals are added with compensation.

#include <cmath>
#include <limits>
#include <utility>

#include "core/planted.h"
#include "cpu/backend.h"
#include "ops/logsumexp/logsumexp.h"
#include "ops/reduce.h"
#include "ops/scan/log_monoid.h"

namespace scangrad::inline v0::cpu {
namespace {

using core::Floats;
using core::Numbers;
using core::Ordered;

/// The axes in two groups: those that stay, and those that are reduced, walked for each place of the others.
template <std::size_t N>
struct Split {
  Lanes<N> kept, reduced;
};

template <std::size_t N>
Split<N> split(const Shape& shape, const std::array<Strides, N>& strides, const Dims& axes) {
  const auto group = [&](bool is_reduced) {
    const std::size_t rank = is_reduced ? axes.size() : shape.size() - axes.size();
    Shape sizes(rank, 0);
    std::array<Strides, N> steps;
    for (Strides& list : steps) list = Strides(rank, 0);
    for (std::size_t i = 0, next = 0; i < shape.size(); ++i) {
      if (std::binary_search(axes.begin(), axes.end(), static_cast<std::int64_t>(i)) != is_reduced) continue;
      sizes[next] = shape[i];
      for (std::size_t k = 0; k < N; ++k) steps[k][next] = strides[k][i];
      ++next;
    }
    return Lanes<N>::elementwise(sizes, steps);
  };
  return {group(false), group(true)};
}

/// The strides of a reduced array, with zeros for the axes it has lost.
Strides with_reduced_axes(const Strides& strides, const Dims& axes) {
  Strides result(strides.size() + axes.size(), 0);
  std::size_t next = 0;
  for (std::size_t i = 0; i < result.size(); ++i)
    if (!std::binary_search(axes.begin(), axes.end(), static_cast<std::int64_t>(i))) result[i] = strides[next++];
  return result;
}

/// The elements that are reduced to one, relative to the first of them.
template <std::size_t N = 2>
struct Elements {
  const Lanes<N>& lanes;

  template <class T, class F>
  void for_each_lane(const T* first, const F& f) const {
    lanes.for_each(0, lanes.length == 0 ? 0 : lanes.count(),
                   [&](const auto& at) { f(first + at[0], lanes.step[0], lanes.length); });
  }
  template <class T, class F>
  void for_each(const T* first, const F& f) const {
    for_each_lane(first, [&](const T* lane, std::int64_t step, std::int64_t length) {
      for (std::int64_t i = 0; i < length; ++i) f(lane[i * step]);
    });
  }
};

/// out = f(first, elements) for each element of the output.
template <class T, class To = T, class F>
void reduce(const Context& context, const Primitive& primitive, const Array& in, Array& out, const F& f) {
  const Dims& axes = static_cast<const ops::Reduction&>(primitive).axes;
  context.allocate(out);
  if (out.size() == 0) return;
  const Split<2> parts = split<2>(in.shape(), {in.strides, with_reduced_axes(out.strides, axes)}, axes);
  const T* from = in.data<T>();
  To* to = out.data<To>();
  const std::int64_t work = std::max<std::int64_t>(1, in.size() / parts.kept.count());
  context.parallel_for(parts.kept.count(), parallel_grain / work, [&](std::int64_t begin, std::int64_t end) {
    parts.kept.for_each(begin, end, [&](const auto& at) {
      for (std::int64_t i = 0; i < parts.kept.length; ++i)
        to[at[1] + i * parts.kept.step[1]] = f(from + at[0] + i * parts.kept.step[0], Elements<>{parts.reduced});
    });
  });
}

/// Adds doubles with one rounding error for the whole sum, to first order (Neumaier).
struct Compensated {
  double sum = 0, rest = 0;
  void add(double x) {
    const double next = sum + x;
    rest += std::abs(sum) >= std::abs(x) ? (sum - next) + x : (x - next) + sum;
    sum = next;
  }
  double total() const { return std::isfinite(rest) ? SCANGRAD_PLANT(sum_not_compensated, sum + rest, sum) : sum; }
};

constexpr std::int64_t sum_block = 64;

/// Sums of `width` neighbours at once, where those lie closer together than what is summed: the additions for each of them are those
/// of sum_of, in the same order.
template <class T>
void sum_neighbours(const T* first, std::int64_t neighbour_step, std::int64_t width, Elements<> elements, T* to,
                    std::int64_t to_step) {
  constexpr std::int64_t most = 128;
  for (std::int64_t begin = 0; begin < width; begin += most) {
    const std::int64_t count = std::min(most, width - begin);
    std::array<Compensated, most> totals{};
    std::array<double, most> parts{};
    std::int64_t room = sum_block;
    const auto flush = [&] {
      for (std::int64_t j = 0; j < count; ++j)
        totals[static_cast<std::size_t>(j)].add(std::exchange(parts[static_cast<std::size_t>(j)], 0.0));
    };
    elements.for_each_lane(first + begin * neighbour_step, [&](const T* lane, std::int64_t step, std::int64_t length) {
      for (std::int64_t i = 0; i < length; ++i) {
        const T* row = lane + i * step;
        for (std::int64_t j = 0; j < count; ++j)
          parts[static_cast<std::size_t>(j)] += core::convert<double>(row[j * neighbour_step]);
        if (--room > 0) continue;
        flush();
        room = sum_block;
      }
    });
    flush();
    for (std::int64_t j = 0; j < count; ++j)
      to[(begin + j) * to_step] = core::convert<T>(totals[static_cast<std::size_t>(j)].total());
  }
}

template <class T>
T sum_of(const T* first, Elements<> elements) {
  if constexpr (std::is_integral_v<T>) {
    std::int64_t total = 0;
    elements.for_each(first, [&](T x) { total = ops::add(total, x); });
    return core::convert<T>(total);
  } else if constexpr (core::is_complex_type<T>) {
    Compensated real, imag;
    elements.for_each(first, [&](T x) {
      real.add(x.real());
      imag.add(x.imag());
    });
    return core::convert<T>(std::complex<double>(real.total(), imag.total()));
  } else {
    // Blocks of the row-major order, wherever lanes end: the bits do not depend on the layout.
    Compensated total;
    double part = 0;
    std::int64_t room = sum_block;
    elements.for_each_lane(first, [&](const T* lane, std::int64_t step, std::int64_t length) {
      for (std::int64_t i = 0; i < length;) {
        const std::int64_t end = std::min(length, i + room);
        room -= end - i;
        for (; i < end; ++i) part += core::convert<double>(lane[i * step]);
        if (room > 0) continue;
        total.add(std::exchange(part, 0.0));
        room = sum_block;
      }
    });
    total.add(part);
    return core::convert<T>(total.total());
  }
}

/// Sums of floats: along the axes that are reduced, or of neighbours at once, whichever reads memory in order.
template <class T>
void float_sum(const Context& context, const Dims& axes, const Array& in, Array& out) {
  context.allocate(out);
  if (out.size() == 0) return;
  const Split<2> parts = split<2>(in.shape(), {in.strides, with_reduced_axes(out.strides, axes)}, axes);
  const auto& kept = parts.kept;
  const Elements<> elements{parts.reduced};
  const bool neighbours_are_near = std::abs(kept.step[0]) < std::abs(parts.reduced.step[0]);
  const std::int64_t work = std::max<std::int64_t>(1, in.size() / out.size());
  const auto sum_range = [&](const T* from, T* to, std::int64_t n) {
    if (neighbours_are_near) sum_neighbours(from, kept.step[0], n, elements, to, kept.step[1]);
    else
      for (std::int64_t i = 0; i < n; ++i) to[i * kept.step[1]] = sum_of(from + i * kept.step[0], elements);
  };
  const std::int64_t lanes = kept.count();
  if (lanes == 1) {
    context.parallel_for(kept.length, parallel_grain / work, [&](std::int64_t begin, std::int64_t end) {
      sum_range(in.data<T>() + begin * kept.step[0], out.data<T>() + begin * kept.step[1], end - begin);
    });
    return;
  }
  context.parallel_for(lanes, parallel_grain / (work * kept.length), [&](std::int64_t begin, std::int64_t end) {
    kept.for_each(begin, end, [&](const auto& at) { sum_range(in.data<T>() + at[0], out.data<T>() + at[1], kept.length); });
  });
}

void sum(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  visit_checked(Numbers{}, ins[0]->dtype(), [&]<class T>() {
    if constexpr (std::is_integral_v<T> || core::is_complex_type<T>) reduce<T>(context, primitive, *ins[0], outs[0], sum_of<T>);
    else float_sum<T>(context, static_cast<const ops::Reduction&>(primitive).axes, *ins[0], outs[0]);
  });
}

template <bool largest>
void extreme(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  visit_checked(Ordered{}, ins[0]->dtype(), [&]<class T>() {
    reduce<T>(context, primitive, *ins[0], outs[0], [](const T* first, Elements<> elements) {
      auto best = core::widen(*first);
      elements.for_each(first, [&](T element) {
        const auto x = core::widen(element);
        best = best != best || (largest ? best >= x : best <= x) ? best : x;
      });
      return core::convert<T>(best);
    });
  });
}

template <bool largest>
void arg_extreme(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  visit_checked(Ordered{}, ins[0]->dtype(), [&]<class T>() {
    reduce<T, std::int64_t>(context, primitive, *ins[0], outs[0], [](const T* first, Elements<> elements) {
      auto best = core::widen(*first);
      std::int64_t best_at = 0, at = 0;
      elements.for_each(first, [&](T element) {
        const auto x = core::widen(element);
        if (best == best && (x != x || (largest ? x > best : x < best))) best = x, best_at = at;
        ++at;
      });
      return best_at;
    });
  });
}

template <class T, std::size_t N>
auto log_sum_exp(const T* first, Elements<N> elements) {
  using Monoid = ops::LogSumExpMonoid<T>;
  auto state = Monoid::identity();
  elements.for_each(first, [&](T x) { state = Monoid::combine(state, Monoid::lift(x)); });
  return state;
}

void logsumexp(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  visit_checked(Floats{}, ins[0]->dtype(), [&]<class T>() {
    reduce<T>(context, primitive, *ins[0], outs[0], [](const T* first, Elements<> elements) {
      return ops::LogSumExpMonoid<T>::project(log_sum_exp(first, elements));
    });
  });
}

/// Of a lane: the weights of its elements x, and what they leave of numbers v (ops/logsumexp/logsumexp.h).
template <class T>
struct Weights {
  decltype(log_sum_exp<T, 3>(nullptr, std::declval<Elements<3>>())) state;
  double operator()(double x, double v) const {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    if (state.m == infinity ? x != infinity : x == -infinity) return 0;
    if (SCANGRAD_PLANT(softmax_loses_infinity, !std::isfinite(v), false)) return v;
    return ops::exp_difference(x, state.m) / ops::rounded(state.s) * v;
  }
};

/// f(x, t, place of the result) for each element of a lane.
template <class T, class F>
void for_each_pair(const T* x, const T* t, T* to, const Lanes<3>& lanes, const F& f) {
  lanes.for_each(0, lanes.count(), [&](const auto& at) {
    for (std::int64_t i = 0; i < lanes.length; ++i)
      f(core::convert<double>(x[at[0] + i * lanes.step[0]]), core::convert<double>(t[at[1] + i * lanes.step[1]]),
        to[at[2] + i * lanes.step[2]]);
  });
}

template <class T>
void softmax_times(const T* x, const T* t, T* to, const Lanes<3>& lanes) {
  const Weights<T> weighed{log_sum_exp(x, Elements<3>{lanes})};
  for_each_pair(x, t, to, lanes, [&](double xi, double ti, T& result) { result = core::convert<T>(weighed(xi, ti)); });
}

/// p (t - <p, t>), with t relative to its mean where x is largest.
template <class T>
void softmax_jacobian(const T* x, const T* t, T* to, const Lanes<3>& lanes) {
  const Weights<T> weighed{log_sum_exp(x, Elements<3>{lanes})};
  double largest = -std::numeric_limits<double>::infinity(), count = 0;
  Compensated top, mean;
  for_each_pair(x, t, to, lanes, [&](double xi, double, T&) { largest = std::max(largest, xi); });
  for_each_pair(x, t, to, lanes, [&](double xi, double ti, T&) {
    if (xi == largest) top.add(ti), ++count;
  });
  const double own = top.total() / count, pivot = std::isfinite(own) ? own : 0;
  for_each_pair(x, t, to, lanes, [&](double xi, double ti, T&) { mean.add(weighed(xi, ti - pivot)); });
  const double relative_mean = mean.total();
  for_each_pair(x, t, to, lanes,
                [&](double xi, double ti, T& result) { result = core::convert<T>(weighed(xi, (ti - pivot) - relative_mean)); });
}

/// row(x, t, to, lanes) for each lane that is reduced.
template <class Row>
void softmax_rows(const Context& context, const Primitive& primitive, Inputs ins, Array& out, const Row& row) {
  const Dims& axes = static_cast<const ops::Reduction&>(primitive).axes;
  context.allocate(out);
  if (out.size() == 0) return;
  const Split<3> parts = split<3>(out.shape(), {ins[0]->strides, ins[1]->strides, out.strides}, axes);
  const auto& kept = parts.kept;
  visit_checked(Floats{}, out.dtype(), [&]<class T>() {
    const T *x = ins[0]->data<T>(), *t = ins[1]->data<T>();
    T* to = out.data<T>();
    for_each_lane(context, kept, [&](const auto& at) {
      for (std::int64_t i = 0; i < kept.length; ++i)
        row(x + at[0] + i * kept.step[0], t + at[1] + i * kept.step[1], to + at[2] + i * kept.step[2], parts.reduced);
    });
  });
}

void times_kernel(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  softmax_rows(context, primitive, ins, outs[0], [](const auto&... row) { softmax_times(row...); });
}
void jacobian_kernel(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  softmax_rows(context, primitive, ins, outs[0], [](const auto&... row) { softmax_jacobian(row...); });
}

}  // namespace

void register_reductions() {
  core::add_kernel<ops::Sum>(DeviceType::cpu, sum);
  core::add_kernel<ops::Max>(DeviceType::cpu, extreme<true>);
  core::add_kernel<ops::Min>(DeviceType::cpu, extreme<false>);
  core::add_kernel<ops::ArgMax>(DeviceType::cpu, arg_extreme<true>);
  core::add_kernel<ops::ArgMin>(DeviceType::cpu, arg_extreme<false>);
  core::add_kernel<ops::LogSumExp>(DeviceType::cpu, logsumexp);
  core::add_kernel<ops::SoftmaxTimes>(DeviceType::cpu, times_kernel);
  core::add_kernel<ops::SoftmaxJacobian>(DeviceType::cpu, jacobian_kernel);
}

}  // namespace scangrad::inline v0::cpu
