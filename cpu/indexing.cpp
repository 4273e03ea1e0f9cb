// take, scatter_add, argsort, and the gathers and scatters along a lane that running extremes are differentiated with.

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/node.h"
#include "cpu/backend.h"
#include "ops/gather.h"
#include "ops/scan/carry.h"

namespace scangrad::inline v0::cpu {
namespace {

using core::Every;
using core::Numbers;
using core::Ordered;

/// The indices, row-major and counted from 0; throws on one that is out of range.
Context::Scratch<std::int64_t> checked_indices(const Context& context, const Array& indices, int axis, std::int64_t size) {
  auto result = context.scratch<std::int64_t>(indices.size());
  const auto lanes = Lanes<1>::elementwise(indices.shape(), {indices.strides});
  std::int64_t* next = result.data();
  if (indices.size() == 0) return result;
  lanes.for_each(0, lanes.count(), [&](const auto& at) {
    for (std::int64_t i = 0; i < lanes.length; ++i) {
      const std::int64_t index = indices.data<std::int64_t>()[at[0] + i * lanes.step[0]];
      core::check(index >= -size && index < size, "index {} is out of range for axis {} of size {}; it must be in {}..{}",
                  index, axis, size, -size, size - 1);
      *next++ = index < 0 ? index + size : index;
    }
  });
  return result;
}

/// One array of rank r with an indexed axis, and one where the axes of the indices stand in its place: for each index, a block of
/// elements before and after the axis.
struct IndexedBlocks {
  Lanes<2> lanes;             ///< over the axes that both have: indexed array, taken array
  std::int64_t indexed_step;  ///< along the axis
  std::int64_t taken_step;    ///< from one index to the next, in the row-major taken array
};

IndexedBlocks indexed_blocks(const Shape& indexed, const Strides& strides, const Strides& taken, int axis,
                             std::size_t index_rank) {
  const auto a = static_cast<std::size_t>(axis);
  Shape shape(indexed.size() - 1, 0);
  Strides in(shape.size(), 0), out(shape.size(), 0);
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const std::size_t from = i < a ? i : i + 1;
    shape[i] = indexed[from];
    in[i] = strides[from];
    out[i] = taken[i < a ? i : i + index_rank];
  }
  const std::int64_t step = index_rank > 0 ? taken[a + index_rank - 1] : 0;
  return {Lanes<2>::elementwise(shape, {in, out}), strides[a], step};
}

void take(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  const int axis = static_cast<const ops::Take&>(primitive).axis;
  Array& out = outs[0];
  const auto indices = checked_indices(context, *ins[1], axis, ins[0]->shape()[static_cast<std::size_t>(axis)]);
  context.allocate(out);
  if (out.size() == 0) return;
  const IndexedBlocks blocks = indexed_blocks(ins[0]->shape(), ins[0]->strides, out.strides, axis, ins[1]->shape().size());
  const std::int64_t count = ins[1]->size();
  visit_checked(Every{}, out.dtype(), [&]<class T>() {
    for_each_lane(context, blocks.lanes, [&](const auto& at) {
      const T* from = ins[0]->data<T>() + at[0];
      T* to = out.data<T>() + at[1];
      for (std::int64_t k = 0; k < count; ++k)
        for (std::int64_t i = 0; i < blocks.lanes.length; ++i)
          to[k * blocks.taken_step + i * blocks.lanes.step[1]] =
              from[indices.data()[k] * blocks.indexed_step + i * blocks.lanes.step[0]];
    });
  });
}

template <class T>
void add_to(T& target, T value) {
  if constexpr (std::is_integral_v<T>) target = core::convert<T>(ops::add(std::int64_t{target}, std::int64_t{value}));
  else target += value;
}

/// f(sums), where sums is the row-major output itself; for halves, floats that are rounded to it once at the end.
template <class T, class F>
void accumulate(const Context& context, Array& out, const F& f) {
  if constexpr (core::is_half_type<T>) {
    const auto sums = context.scratch<float>(out.size());
    context.allocate(out);
    f(sums.data());
    for (std::int64_t i = 0; i < out.size(); ++i) out.data<T>()[i] = T(sums.data()[i]);
  } else {
    context.allocate(out);
    f(out.data<T>());
  }
}

void scatter_add(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  const int axis = static_cast<const ops::ScatterAdd&>(primitive).axis;
  Array& out = outs[0];
  const auto indices = checked_indices(context, *ins[1], axis, out.shape()[static_cast<std::size_t>(axis)]);
  Array copy;  // the updates with one step from index to index
  const Array& updates = core::row_major(context, *ins[2], copy);
  const Strides to_strides = core::dense_strides(out.shape());
  const auto copied = Lanes<2>::elementwise(out.shape(), {ins[0]->strides, to_strides});
  const IndexedBlocks blocks =
      indexed_blocks(out.shape(), to_strides, core::dense_strides(updates.shape()), axis, ins[1]->shape().size());
  visit_checked(Numbers{}, out.dtype(), [&]<class T>() {
    accumulate<T>(context, out, [&]<class Sum>(Sum* sums) {
      if (out.size() == 0) return;
      for_each_lane(context, copied, [&](const auto& at) {
        for (std::int64_t i = 0; i < copied.length; ++i)
          sums[at[1] + i * copied.step[1]] = core::convert<Sum>(ins[0]->data<T>()[at[0] + i * copied.step[0]]);
      });
      for_each_lane(context, blocks.lanes, [&](const auto& at) {
        const T* from = updates.data<T>() + at[1];
        for (std::int64_t k = 0; k < ins[1]->size(); ++k)
          for (std::int64_t i = 0; i < blocks.lanes.length; ++i)
            add_to(sums[at[0] + indices.data()[k] * blocks.indexed_step + i * blocks.lanes.step[0]],
                   core::convert<Sum>(from[k * blocks.taken_step + i * blocks.lanes.step[1]]));
      });
    });
  });
}

void argsort(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  const auto& sort = static_cast<const ops::ArgSort&>(primitive);
  Array& out = outs[0];
  const auto lanes = Lanes<2>::along(out.shape(), {ins[0]->strides, core::dense_strides(out.shape())}, sort.axis, false);
  const auto order = context.scratch<std::int64_t>(lanes.length);
  context.allocate(out);
  visit_checked(Ordered{}, ins[0]->dtype(), [&]<class T>() {
    lanes.for_each(0, lanes.count(), [&](const auto& at) {
      const T* x = ins[0]->data<T>() + at[0];
      const std::int64_t step = lanes.step[0];
      const auto before = [&](std::int64_t i, std::int64_t j) {
        const auto a = core::widen(x[i * step]), b = core::widen(x[j * step]);
        if constexpr (std::is_floating_point_v<decltype(core::widen(T{}))>)
          if (std::isnan(a) || std::isnan(b)) return !std::isnan(a) && std::isnan(b);  // NaN last
        return sort.descending ? b < a : a < b;
      };
      std::iota(order.data(), order.data() + lanes.length, std::int64_t{0});
      std::stable_sort(order.data(), order.data() + lanes.length, before);
      for (std::int64_t i = 0; i < lanes.length; ++i) out.data<std::int64_t>()[at[1] + i * lanes.step[1]] = order.data()[i];
    });
  });
}

/// An index within a lane of `size` elements; -1 where a sparse one takes nothing. Throws on one that is out of range.
std::int64_t lane_index(std::int64_t index, std::int64_t size, int axis, bool sparse) {
  if (sparse && index == -1) return -1;
  core::check(index >= (sparse ? 0 : -size) && index < size,
              "index {} is out of range for axis {} of size {}; it must be in {}..{}", index, axis, size, -size, size - 1);
  return index < 0 ? index + size : index;
}

void gather_along(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  const auto& gather = static_cast<const ops::GatherAlong&>(primitive);
  const std::int64_t size = ins[0]->shape()[static_cast<std::size_t>(gather.axis)];
  Array& out = outs[0];
  context.allocate(out);
  const auto lanes = Lanes<3>::along(out.shape(), {ins[0]->strides, ins[1]->strides, out.strides}, gather.axis, false);
  visit_checked(Every{}, out.dtype(), [&]<class T>() {
    for_each_lane(context, lanes, [&](const auto& at) {
      for (std::int64_t i = 0; i < lanes.length; ++i) {
        const std::int64_t index =
            lane_index(ins[1]->data<std::int64_t>()[at[1] + i * lanes.step[1]], size, gather.axis, gather.sparse);
        out.data<T>()[at[2] + i * lanes.step[2]] = index < 0 ? T{} : ins[0]->data<T>()[at[0] + index * lanes.step[0]];
      }
    });
  });
}

void scatter_along(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  const auto& scatter = static_cast<const ops::ScatterAlong&>(primitive);
  Array& out = outs[0];
  const auto lanes = Lanes<3>::along(ins[1]->shape(), {ins[0]->strides, ins[1]->strides, core::dense_strides(out.shape())},
                                     scatter.axis, false);
  visit_checked(Numbers{}, out.dtype(), [&]<class T>() {
    accumulate<T>(context, out, [&]<class Sum>(Sum* sums) {
      std::fill_n(sums, out.size(), Sum{});
      for_each_lane(context, lanes, [&](const auto& at) {
        for (std::int64_t i = 0; i < lanes.length; ++i) {
          const std::int64_t index =
              lane_index(ins[1]->data<std::int64_t>()[at[1] + i * lanes.step[1]], scatter.size, scatter.axis, scatter.sparse);
          if (index >= 0)
            add_to(sums[at[2] + index * lanes.step[2]], core::convert<Sum>(ins[0]->data<T>()[at[0] + i * lanes.step[0]]));
        }
      });
    });
  });
}

}  // namespace

void register_indexing() {
  core::add_kernel<ops::Take>(DeviceType::cpu, take);
  core::add_kernel<ops::ScatterAdd>(DeviceType::cpu, scatter_add);
  core::add_kernel<ops::ArgSort>(DeviceType::cpu, argsort);
  core::add_kernel<ops::GatherAlong>(DeviceType::cpu, gather_along);
  core::add_kernel<ops::ScatterAlong>(DeviceType::cpu, scatter_along);
}

}  // namespace scangrad::inline v0::cpu
