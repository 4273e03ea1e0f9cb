#include "support/tensors.h"

#include <cstring>
#include <limits>
#include <memory>

#include "core/dtype_visit.h"

namespace test {
namespace {

using scangrad::core::visit;
/// The dtypes that the tables run on; the others have tests of their own (complex_test, typed).
using Working = scangrad::core::TypeList<bool, std::int64_t, float, double>;

template <class T>
T element(real x) {
  if constexpr (std::is_same_v<T, bool>) {
    return x != 0;
  } else if constexpr (std::is_integral_v<T>) {
    constexpr real end = 0x1p63L;
    return x >= end ? std::numeric_limits<T>::max() : x <= -end ? std::numeric_limits<T>::min() : static_cast<T>(x);
  } else {
    return static_cast<T>(x);
  }
}

/// Row-major elements of the dtype, and their owner.
template <class T>
std::shared_ptr<T[]> elements(const Vector& values) {
  const std::shared_ptr<T[]> result(new T[values.size() + 1]);
  for (std::size_t i = 0; i < values.size(); ++i) result[i] = element<T>(values[i]);
  return result;
}

Tensor transposed(const Dense& values, DType dtype) {
  std::vector<std::int64_t> sizes(values.shape.begin(), values.shape.end());
  std::reverse(sizes.begin(), sizes.end());
  Dense turned{Shape(sizes)};
  each_index(values.shape, [&](const Index& i) {
    Index back(i.size(), 0);
    std::reverse_copy(i.begin(), i.end(), back.begin());
    turned(back) = values(i);
  });
  return sg::transpose(to_tensor(turned, dtype));
}

Tensor stepped(const Dense& values, DType dtype) {
  Shape larger = values.shape;
  for (std::int64_t& size : larger) size = 2 * size + 1;
  Dense around(larger, 77);
  each_index(values.shape, [&](const Index& i) {
    Index place = i;
    for (std::int64_t& at : place) at = 2 * at + 1;
    around.values[around.place(place)] = values.values[values.place(i)];
  });
  Tensor x = to_tensor(around, dtype);
  for (int axis = 0; axis < x.rank(); ++axis) x = sg::slice(x, {.axis = axis, .begin = 1, .step = 2});
  return x;
}

Tensor padded(const Dense& values, DType dtype) {
  Shape strides = values.shape;
  std::int64_t step = 1;
  for (std::size_t i = strides.size(); i-- > 0; step *= values.shape[i]) strides[i] = values.shape[i] == 1 ? -1000003 : step;
  Tensor x;
  visit(Working{}, dtype, [&]<class T>() { x = Tensor::borrow(elements<T>(values.values), dtype, values.shape, strides); });
  return x;
}

}  // namespace

Tensor to_tensor(const Dense& values, DType dtype) {
  Tensor x;
  visit(Working{}, dtype,
        [&]<class T>() { x = Tensor(std::span<const T>(elements<T>(values.values).get(), values.size()), values.shape); });
  return x;
}

Tensors to_tensors(const Denses& values, DType dtype) { return laid_out(values, dtype, Layout::row_major); }

Dense to_dense(const Tensor& x) {
  Dense result(x.shape());
  visit(Working{}, x.dtype(), [&]<class T>() {
    const auto data = x.data<T>();
    std::copy(data.begin(), data.end(), result.values.begin());
  });
  return result;
}

Vector flatten(const Tensors& x) {
  Vector all;
  for (const Tensor& part : x) {
    const Vector values = flatten(part);
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

bool same_bits(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape() || a.dtype() != b.dtype()) return false;
  bool same = false;
  visit(sg::core::Every{}, a.dtype(), [&]<class T>() {
    const auto x = a.data<T>(), y = b.data<T>();
    same = x.size() == 0 || std::memcmp(x.data(), y.data(), x.size() * sizeof(T)) == 0;
  });
  return same;
}

real in_dtype(real x, DType dtype) {
  real result = 0;
  visit(Working{}, dtype, [&]<class T>() { result = static_cast<real>(element<T>(x)); });
  return result;
}

real unit_roundoff(DType dtype) { return dtype == DType::float64 ? 0x1p-53L : dtype == DType::float32 ? 0x1p-24L : 0.0L; }

const char* to_string(Layout layout) {
  constexpr const char* names[] = {"row-major", "transposed", "flipped", "stepped", "padded"};
  return names[static_cast<int>(layout)];
}

Tensor laid_out(const Dense& values, DType dtype, Layout layout) {
  switch (layout) {
    case Layout::transposed:
      return transposed(values, dtype);
    case Layout::flipped:
      return sg::flip(to_tensor({values.shape, Vector(values.values.rbegin(), values.values.rend())}, dtype));
    case Layout::stepped:
      return stepped(values, dtype);
    case Layout::padded:
      return padded(values, dtype);
    case Layout::row_major:
      break;
  }
  return to_tensor(values, dtype);
}

Tensors laid_out(const Denses& values, DType dtype, Layout layout) {
  Tensors result;
  for (const Dense& part : values) result.push_back(laid_out(part, dtype, layout));
  return result;
}

// splitmix64
Dense random(const Shape& shape, Range range, std::uint64_t seed) {
  Dense x(shape);
  for (real& value : x.values) {
    std::uint64_t bits = seed += 0x9e3779b97f4a7c15u;
    bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9u;
    bits = (bits ^ bits >> 27) * 0x94d049bb133111ebu;
    bits ^= bits >> 31;
    const double number = range.low + (range.high - range.low) * static_cast<double>(bits >> 11) * 0x1p-53;
    value = static_cast<float>(range.either_sign && (bits & 1) != 0 ? -number : number);
  }
  return x;
}

}  // namespace test
