#pragma once
// Random draws as numbers, and the names under which the tests of random numbers call the library.

#include "ops/random/distributions.h"
#include "scangrad/scangrad.h"

namespace sg = scangrad;
namespace ops = sg::ops;
namespace rnd = sg::random;
using sg::DType;
using sg::Tensor;

using Doubles = std::vector<double>;
using Integers = std::vector<std::int64_t>;

inline Doubles doubles(const Tensor& x) { return sg::astype(x, DType::float64).to_vector<double>(); }
inline Integers integers(const Tensor& x) { return sg::astype(x, DType::int64).to_vector<std::int64_t>(); }
