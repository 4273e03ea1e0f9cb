#pragma once
// The derivatives of a reference by central differences, with one step of Richardson's extrapolation: errors near 1e-24 (first)
// and 1e-19 (second), relative to values near 1.

#include "support/dense.h"

namespace test {

/// Of a reference at a point, its inputs and outputs each taken as one long vector.
struct Derivatives {
  Dense value;
  std::size_t inputs = 0, outputs = 0;
  Vector jacobian;  ///< d y_k / d x_i at k * inputs + i
  Vector hessian;   ///< d2 y_k / d x_i d x_j at (k * inputs + i) * inputs + j; empty where it was not asked for

  real first(std::size_t k, std::size_t i) const { return jacobian[k * inputs + i]; }
  real second(std::size_t k, std::size_t i, std::size_t j) const { return hessian[(k * inputs + i) * inputs + j]; }
};

enum class Order { value, first, second };
Derivatives differentiate(const Reference& f, const Denses& x, Order order);

/// x -> D f(x)[a], for the third order.
Reference along(const Reference& f, const Denses& a);

}  // namespace test
