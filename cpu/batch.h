#pragma once
// Batches: arrays whose last axes are those of a matrix or a vector, walked item by item.

#include "cpu/backend.h"

namespace scangrad::inline v0::cpu {

/// An array, and how many of its last axes are those of an item.
struct Batch {
  const Array& array;
  std::size_t item_rank;
};

/// One lane an item: for_each gives the offsets of its first element in each array. Batch axes broadcast to `axes`.
template <std::size_t N>
Lanes<N> over_items(const Shape& axes, const std::array<Batch, N>& batches) {
  Shape shape(axes.size() + 1, 1);
  std::copy(axes.begin(), axes.end(), shape.begin());
  std::array<Strides, N> strides;
  for (std::size_t k = 0; k < N; ++k) {
    strides[k] = Strides(shape.size(), 0);
    const Array& array = batches[k].array;
    const std::size_t own = array.shape().size() - batches[k].item_rank;
    for (std::size_t i = 0; i < own; ++i)
      if (array.shape()[i] != 1) strides[k][axes.size() - own + i] = array.strides[i];
  }
  return Lanes<N>::along(shape, strides, static_cast<int>(axes.size()), false);
}

/// All axes of an array but those of an item.
inline Shape batch_axes(const Array& array, std::size_t item_rank) {
  return Shape(std::span(array.shape().begin(), array.shape().end() - static_cast<std::ptrdiff_t>(item_rank)));
}

}  // namespace scangrad::inline v0::cpu
