#pragma once
// The worst error of one scan on one distribution, for each quantity.

#include <functional>

#include "accuracy/distributions.h"
#include "judge/units.h"

namespace accuracy {

using judge::Quantity;
using judge::Scan;

/// How a lane lies in memory: along a vector, or down a matrix of `columns` equal ones.
enum class Layout : std::uint8_t { row, column };
inline constexpr std::int64_t columns = 19;

/// One measurement: what was scanned, and the worst element.
struct Finding {
  Scan scan;
  Quantity quantity;
  sg::DType dtype;
  std::string distribution;
  std::size_t n;
  bool reverse, exclusive;
  Layout layout;
  double units = 0;  ///< infinite where it throws or a value is of another kind
  std::size_t index = 0;
  std::string note = {};  ///< what it threw
};

struct Plan {
  std::size_t n;
  Layout layout = Layout::row;
  bool one_way = false;  ///< forward and inclusive only
  bool second_order = true;
};

/// Tells `report` of every quantity and direction. Nothing where the dtype cannot hold the data.
void measure(Scan scan, sg::DType dtype, const Distribution& distribution, const Plan& plan,
             const std::function<void(const Finding&)>& report);

}  // namespace accuracy
