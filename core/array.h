#pragma once
// Array: storage with a layout. What a node's value is, and all that a kernel sees of a tensor.

#include "core/storage.h"
#include "scangrad/dtype.h"
#include "scangrad/shape.h"

namespace scangrad::inline v0::core {

/// Shape and dtype: what is known of a value before it is computed.
struct Spec {
  Shape shape;
  DType dtype = DType::float64;
  friend bool operator==(const Spec&, const Spec&) = default;
};

/// Number of elements of a shape that was checked before.
inline std::int64_t count(const Shape& shape) noexcept {
  std::int64_t n = 1;
  for (std::int64_t size : shape) n *= size;
  return n;
}

/// Row-major strides, in elements.
Strides dense_strides(const Shape& shape);
/// Whether the elements lie row-major without gaps; axes of size 1 may have any stride.
bool is_dense(const Shape& shape, const Strides& strides) noexcept;

struct Array {
  Spec spec;
  Strides strides;          ///< in elements, one an axis; may be zero or negative
  std::int64_t offset = 0;  ///< of the first element, in elements
  bool dense = false;       ///< is_dense(shape, strides)
  Ref<Storage> storage;

  const Shape& shape() const noexcept { return spec.shape; }
  DType dtype() const noexcept { return spec.dtype; }
  std::int64_t size() const noexcept { return count(spec.shape); }
  template <class T>
  T* data() const noexcept {
    return reinterpret_cast<T*>(storage->data) + offset;
  }

  /// Becomes a row-major array on fresh storage.
  void allocate();
  /// Becomes a view on another array's storage.
  void view(const Array& of, Strides new_strides, std::int64_t new_offset);
  void reset() noexcept {
    storage = Ref<Storage>();
    dense = false;
  }
};

}  // namespace scangrad::inline v0::core
