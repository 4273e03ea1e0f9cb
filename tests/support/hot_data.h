#pragma once
// Elements for the tests of the hot kernels: of every size, rising and falling, with what is special among them.

#include <algorithm>
#include <limits>
#include <random>
#include <vector>

#include "core/dtype_visit.h"

namespace hot_data {

using namespace scangrad;
using real = long double;
inline constexpr real inf = std::numeric_limits<real>::infinity(), NaN = std::numeric_limits<real>::quiet_NaN();

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](T p, T q) {
           const auto x = core::widen(p), y = core::widen(q);
           return x == y || (x != x && y != y);
         });
}

struct Data {
  const char* name;
  real spread, slope;
  real special;  ///< stands at places of its own
};
inline constexpr Data all_data[] = {{"normal", 1, 0, 0},
                                    {"wide", 300, 0, 0},
                                    {"rising", 1, 1.5L, 0},
                                    {"falling", 1, -1.5L, 0},
                                    {"slowly rising", 0, .004L, 0},
                                    {"log zeros", 1, 0, -inf},
                                    {"infinities", 1, 0, inf},
                                    {"NaN", 1, 0, NaN}};

template <class T>
std::vector<T> make(const Data& data, std::size_t n, bool positive, std::mt19937_64& generator) {
  std::normal_distribution<double> normal;
  std::vector<T> v;
  for (std::size_t k = 0; k < n; ++k) {
    real x = static_cast<real>(normal(generator)) * data.spread + data.slope * static_cast<real>(k);
    if (positive) x = 1 + static_cast<real>(normal(generator)) / 8;  // factors whose products stay normal numbers
    if (data.special != 0 && k % 7 == 2) x = data.special;
    v.push_back(core::convert<T>(static_cast<double>(x)));
  }
  return v;
}

}  // namespace hot_data
