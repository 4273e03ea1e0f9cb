// Binary search in lanes that are sorted.

#include <cmath>

#include "cpu/batch.h"
#include "ops/search.h"

namespace scangrad::inline v0::cpu {
namespace {

/// NaN comes last.
template <class T>
bool precedes(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) return a < b || (std::isnan(b) && !std::isnan(a));
  else return a < b;
}

/// How many of the n elements come before the value or, on the right side, not after it. In 0..n also where they are not sorted.
template <class T, class Value>
std::int64_t place(const T* sorted, std::int64_t step, std::int64_t n, Value value, Side side) {
  std::int64_t low = 0;
  while (low < n) {
    const std::int64_t middle = low + (n - low) / 2;
    const auto at = core::widen(sorted[middle * step]);
    if (side == Side::left ? precedes(at, value) : !precedes(value, at)) low = middle + 1;
    else n = middle;
  }
  return low;
}

void searchsorted(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  const Side side = static_cast<const ops::SearchSorted&>(primitive).side;
  const Array &sorted = *ins[0], &values = *ins[1];
  Array& out = outs[0];
  context.allocate(out);
  if (out.size() == 0) return;
  const std::int64_t n = sorted.shape().back(), count = values.shape().back();
  const auto lanes = over_items<3>(batch_axes(out, 1), {Batch{sorted, 1}, Batch{values, 1}, Batch{out, 1}});
  visit_checked(core::Ordered{}, values.dtype(), [&]<class T>() {
    const auto search = [&](const auto& at, std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i)
        out.data<std::int64_t>()[at[2] + i] = place(sorted.data<T>() + at[0], sorted.strides.back(), n,
                                                    core::widen(values.data<T>()[at[1] + i * values.strides.back()]), side);
    };
    constexpr std::int64_t grain = parallel_grain / 16;  // a search is about 16 steps
    if (lanes.count() == 1) {
      lanes.for_each(0, 1, [&](const auto& at) {
        context.parallel_for(count, grain, [&](std::int64_t begin, std::int64_t end) { search(at, begin, end); });
      });
    } else {
      context.parallel_for(lanes.count(), grain / count, [&](std::int64_t begin, std::int64_t end) {
        lanes.for_each(begin, end, [&](const auto& at) { search(at, 0, count); });
      });
    }
  });
}

}  // namespace

void register_search() { core::add_kernel<ops::SearchSorted>(DeviceType::cpu, searchsorted); }

}  // namespace scangrad::inline v0::cpu
