#pragma once
// Matrices of arrays as Eigen's maps: row-major, rows any number of elements apart.

#include <Eigen/Core>

#include "core/node.h"
#include "cpu/batch.h"

namespace scangrad::inline v0::cpu {

template <class T>
using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class T>
using Rows = Eigen::Map<Matrix<T>>;
template <class T>
using StridedRows = Eigen::Map<Matrix<T>, 0, Eigen::OuterStride<>>;
template <class T>
using ConstRows = Eigen::Map<const Matrix<T>, 0, Eigen::OuterStride<>>;

/// The type of a number's parts.
template <class T>
using RealOf = typename Eigen::NumTraits<T>::Real;

/// Multiplications that are worth a piece of their own on another thread: Eigen does several at once.
inline constexpr std::int64_t products_grain = 8 * parallel_grain;

/// f(offsets) for every item, on the threads; `work`: multiplications an item.
template <std::size_t N, class F>
void for_each_item(const Context& context, const Lanes<N>& items, std::int64_t work, const F& f) {
  context.parallel_for(items.count(), products_grain / std::max<std::int64_t>(work, 1),
                       [&](std::int64_t begin, std::int64_t end) { items.for_each(begin, end, f); });
}

/// The array itself if the rows of its matrices have no gaps, else a row-major copy, kept in `copy`.
inline const Array& with_rows(const Context& context, const Array& x, Array& copy) {
  const std::size_t rank = x.shape().size();
  if ((x.strides[rank - 1] == 1 || x.shape()[rank - 1] <= 1) && x.strides[rank - 2] >= 0) return x;
  return core::row_major(context, x, copy);
}
template <class T>
ConstRows<T> rows_at(const Array& x, std::int64_t offset) {
  const std::size_t rank = x.shape().size();
  return {x.data<T>() + offset, x.shape()[rank - 2], x.shape()[rank - 1], Eigen::OuterStride<>(x.strides[rank - 2])};
}

/// The output as a row-major copy of x, broadcast to its shape.
inline void copy_to(const Context& context, const Array& x, Array& out) {
  Array seen;
  seen.spec = out.spec;
  seen.view(x, core::broadcast_strides(x, out.shape()), x.offset);
  const Array* in = &seen;
  const Primitive& copy = *core::shared_primitive<core::Contiguous>();
  core::find_kernel(copy, context.device())(context, copy, Inputs(&in, 1), Outputs(&out, 1));
}

}  // namespace scangrad::inline v0::cpu
