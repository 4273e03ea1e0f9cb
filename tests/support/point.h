#pragma once
// Point: a row at one case in one dtype; what the checks work on.

#include "support/differences.h"
#include "support/row.h"

namespace test {

struct Point {
  const Row& row;
  const Denses& at;          ///< the inputs, as the dtype has them
  const Derivatives& exact;  ///< of the reference there
  DType dtype;
  Tensors x = to_tensors(at, dtype);
  real u = 0;

  std::size_t inputs() const { return exact.inputs; }
  std::size_t outputs() const { return exact.outputs; }
};

/// Fails unless |got - expected| <= tolerance * u * scale (+ absolute) at each element, and NaN and infinities are the same.
void check_close(const char* what, const Vector& got, const Vector& expected, const Vector& scale, double tolerance, real u,
                 double absolute = 0);

/// Random vectors for directions and cotangents, and one-hot ones.
Denses random_like(const Denses& like, std::uint64_t seed);
inline Dense random_like(const Dense& like, std::uint64_t seed) { return random(like.shape, {0.5, 2, true}, seed); }
Denses one_hot(const Denses& like, std::size_t i);

real dot(const Vector& a, const Vector& b);
Vector absolute(Vector v);
real largest(const Vector& v);  ///< absolute value

void check_value(const Point& point);
void check_first_order(const Point& point);
void check_second_order(const Point& point);
void check_layouts(const Point& point);
void check_vmap_rules(const Point& point);

}  // namespace test
