#pragma once
// The scans through the public interface, for what judges them.

#include <cstring>
#include <memory>
#include <vector>

#include "core/dtype_visit.h"
#include "judge/exact.h"
#include "scangrad/scangrad.h"
#include "support/dense.h"

namespace judge {

namespace sg = scangrad;

using Judged = sg::core::Inexact;  ///< the dtypes that have derivatives

sg::Tensor apply(Scan scan, const std::vector<sg::Tensor>& x, const sg::ScanOptions& options);
sg::Tensor apply(Scan scan, const std::vector<sg::Tensor>& x, const sg::ScanInitial& initial, const sg::ScanOptions& options);

/// Chooses the log-space split rule, for options that have it.
template <class Options>
bool choose_split(Options& options) {
  if constexpr (requires { options.rule; }) {
    options.rule = decltype(options.rule)::split;
    return true;
  }
  return false;
}

template <class T>
Wide<T> widen(T value) {
  if constexpr (sg::core::is_complex_type<T>) return {value.real(), value.imag()};
  else return static_cast<Wide<T>>(sg::core::widen(value));
}
template <class T>
Values<Wide<T>> widen(const sg::Tensor& x) {
  Values<Wide<T>> result;
  for (const T& value : x.data<T>()) result.push_back(widen(value));
  return result;
}

/// The values row-major; or `embedded` in a larger array, with NaN before, between and behind them along every axis.
template <class T>
sg::Tensor tensor_of(const std::vector<T>& values, const sg::Shape& shape, bool embedded) {
  if (!embedded) return sg::Tensor(values, shape);
  sg::Strides strides = shape;
  std::int64_t stride = 3;
  for (std::size_t axis = shape.size(); axis-- > 0; stride = stride * shape[axis] + 5) strides[axis] = stride;
  const auto size = static_cast<std::size_t>(stride) + 8;
  const std::shared_ptr<T[]> larger(new T[size]);
  for (std::size_t i = 0; i < size; ++i) larger[i] = sg::core::convert<T>(NAN);
  std::size_t next = 0;
  test::each_index(shape, [&](const test::Index& at) {
    std::int64_t place = 4;
    for (std::size_t axis = 0; axis < shape.size(); ++axis) place += at[axis] * strides[axis];
    larger[static_cast<std::size_t>(place)] = values[next++];
  });
  return sg::Tensor::borrow(std::shared_ptr<const void>(larger, larger.get() + 4), sg::dtype_of<T>, shape, strides);
}

}  // namespace judge
