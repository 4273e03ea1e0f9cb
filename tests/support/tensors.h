#pragma once
// Between Tensors and the references' arrays, and tensors in odd layouts.

#include "scangrad/scangrad.h"
#include "support/dense.h"

namespace test {

namespace sg = scangrad;
using sg::DType;
using sg::Tensor;
using Tensors = std::vector<Tensor>;

Tensor to_tensor(const Dense& values, DType dtype);
Tensors to_tensors(const Denses& values, DType dtype);
Dense to_dense(const Tensor& x);
/// All values one after the other.
Vector flatten(const Tensors& x);
inline Vector flatten(const Tensor& x) { return to_dense(x).values; }

/// Equal shape, dtype and bits.
bool same_bits(const Tensor& a, const Tensor& b);

/// A number as the dtype has it: integers saturate.
real in_dtype(real x, DType dtype);
/// 2^-53 for float64, 2^-24 for float32, 0 for the rest.
real unit_roundoff(DType dtype);

enum class Layout { row_major, transposed, flipped, stepped, padded };
inline constexpr Layout odd_layouts[] = {Layout::transposed, Layout::flipped, Layout::stepped, Layout::padded};
const char* to_string(Layout layout);

/// The same values with other strides: axes in reverse order in memory; every axis backwards; every second element of a larger
/// array; strides along axes of size 1 that lead nowhere.
Tensor laid_out(const Dense& values, DType dtype, Layout layout);
Tensors laid_out(const Denses& values, DType dtype, Layout layout);

/// The given number of random values that float32 can hold, in [low, high), or with either sign.
struct Range {
  double low, high;
  bool either_sign = false;
};
Dense random(const Shape& shape, Range range, std::uint64_t seed);

}  // namespace test
