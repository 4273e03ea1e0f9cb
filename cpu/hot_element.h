#pragma once
// Single elements of arrays of any floating or complex dtype: what lanes start from and end with.

#include "cpu/backend.h"

namespace scangrad::inline v0::cpu {

inline void* element(const Array& array, std::int64_t at) {
  return reinterpret_cast<char*>(array.storage->data) +
         (array.offset + at) * static_cast<std::int64_t>(item_size(array.dtype()));
}

/// An element has one component, or two: its real and its imaginary part.
inline DType component_type(DType dtype) {
  return dtype == DType::complex64 ? DType::float32 : dtype == DType::complex128 ? DType::float64 : dtype;
}
inline double value_at(const Array& array, std::int64_t at, int component = 0) {
  double value = 0;
  core::visit(core::Floats{}, component_type(array.dtype()),
              [&]<class T>() { value = core::convert<double>(static_cast<const T*>(element(array, at))[component]); });
  return value;
}
inline void put_value(const Array& array, std::int64_t at, double value, int component = 0) {
  core::visit(core::Floats{}, component_type(array.dtype()),
              [&]<class T>() { static_cast<T*>(element(array, at))[component] = core::convert<T>(value); });
}

}  // namespace scangrad::inline v0::cpu
