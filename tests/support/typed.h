#pragma once
// Cases typed in by hand: what an operation does where its definition leaves a choice, in float64 and float32.

#include "support/row.h"

namespace test {

using Values = std::vector<double>;  ///< a vector (n,); a value of rank 0 where the result has it

inline constexpr double inf = __builtin_inf(), NaN = __builtin_nan("");

struct Typed {
  const char* name;
  Operation f;
  std::vector<Values> x;
  Values y = {};                ///< the value, where given
  std::vector<Values> t = {};   ///< a tangent for each input
  Values dy = {};               ///< what jvp makes of it
  Values g = {};                ///< a cotangent
  std::vector<Values> gx = {};  ///< what vjp makes of it
  double units = 0;             ///< allowed error in units of u |expected|; 0: as exact as the dtype can say it
  std::vector<DType> dtypes = {DType::float32, DType::float64};
};

void check(const Typed& typed);

/// A function of a number, its value and its first two derivatives; by jvp, grad, and all ways to nest them. float64.
struct Expansion {
  double value, first, second;
};
void check_expansion(const std::function<Tensor(const Tensor&)>& f, double at, Expansion expected, double units);

}  // namespace test
