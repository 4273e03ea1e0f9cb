#pragma once
// Dense: a row-major array of reals, what references take and give. Plain and slow on purpose.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include "scangrad/shape.h"
#include "support/real.h"

namespace test {

using scangrad::Shape;
using Index = scangrad::Dims;
using Vector = std::vector<real>;

inline std::size_t count(const Shape& shape) {
  std::int64_t n = 1;
  for (std::int64_t size : shape) n *= size;
  return static_cast<std::size_t>(n);
}

/// Calls f(index) for every place of the shape, in row-major order.
template <class F>
void each_index(const Shape& shape, const F& f) {
  Index index(shape.size(), 0);
  for (std::size_t n = count(shape); n > 0; --n) {
    f(index);
    for (std::size_t i = shape.size(); i-- > 0;) {
      if (++index[i] < shape[i]) break;
      index[i] = 0;
    }
  }
}

struct Dense {
  Shape shape;
  Vector values;

  Dense() : values(1, 0) {}
  explicit Dense(Shape s, real fill = 0) : shape(std::move(s)), values(count(shape), fill) {}
  Dense(Shape s, Vector v) : shape(std::move(s)), values(std::move(v)) {}

  std::size_t size() const { return values.size(); }

  /// Where the element is that broadcasting puts at `index`: trailing axes meet, and size 1 stands for any.
  std::size_t place(const Index& index) const {
    std::size_t at = 0;
    const std::size_t lead = index.size() - shape.size();
    for (std::size_t i = 0; i < shape.size(); ++i)
      at = at * static_cast<std::size_t>(shape[i]) + static_cast<std::size_t>(shape[i] == 1 ? 0 : index[lead + i]);
    return at;
  }
  real operator()(const Index& index) const { return values[place(index)]; }
  real& operator()(const Index& index) { return values[place(index)]; }
};

/// A vector of the given numbers.
inline Dense numbers(std::initializer_list<double> values) {
  return Dense(Shape{static_cast<std::int64_t>(values.size())}, Vector(values.begin(), values.end()));
}

using Denses = std::vector<Dense>;
/// The definition of an operation.
using Reference = std::function<Dense(const Denses&)>;

/// Whether the shapes meet, and where.
inline bool broadcast(const Shape& a, const Shape& b, Shape& result) {
  const std::size_t rank = std::max(a.size(), b.size());
  result = Shape(rank, 1);
  for (const Shape* shape : {&a, &b})
    for (std::size_t i = 0; i < shape->size(); ++i) {
      std::int64_t& size = result[rank - shape->size() + i];
      if (size == 1) size = (*shape)[i];
      else if ((*shape)[i] != 1 && (*shape)[i] != size) return false;
    }
  return true;
}

/// All values one after the other.
inline Vector flatten(const Denses& x) {
  Vector all;
  for (const Dense& part : x) all.insert(all.end(), part.values.begin(), part.values.end());
  return all;
}

}  // namespace test
