#pragma once
// The data that scans are judged on: where digits tend to be lost.

#include <complex>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "judge/exact.h"
#include "scangrad/dtype.h"

namespace accuracy {

namespace sg = scangrad;
using Column = std::vector<std::complex<double>>;

/// Reproducible random numbers (splitmix64).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  double uniform();  ///< in (0, 1)
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  double normal();

 private:
  std::uint64_t state_;
};

/// How tangents and cotangents look.
enum class Directions : std::uint8_t { normal, alternating, one_hot, tiny, huge, subnormal };

using Fill = std::function<void(Random&, Column&)>;
struct Distribution {
  std::string name;
  std::vector<Fill> fills;  ///< one for each input
  Directions directions = Directions::normal;
  bool long_too = false;  ///< runs at the greatest length
  bool complex_only = false;
};

std::vector<Distribution> distributions(judge::Scan scan, sg::DType dtype);

/// The inputs, two tangents for each, and a cotangent.
struct Data {
  std::vector<Column> x, t, a;
  Column g;
};
Data generate(const Distribution& distribution, sg::DType dtype, std::size_t n);

}  // namespace accuracy
