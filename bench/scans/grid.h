#pragma once
// The grid of the benchmark: which scan, of what shape, dtype and direction, in which mode.

#include <string>
#include <vector>

#include "judge/exact.h"
#include "scangrad/scangrad.h"

namespace grid {

namespace sg = scangrad;
using judge::Scan;

enum class Mode : std::uint8_t { forward, vjp, jvp };  ///< vjp and jvp with the value
inline constexpr Mode modes[] = {Mode::forward, Mode::vjp, Mode::jvp};

struct Layout {
  std::string name;
  sg::Shape shape;
  int axis = -1;
  std::int64_t stride = 1;  ///< of the last axis in memory
};

struct Case {
  Scan scan;
  Layout layout;
  Mode mode = Mode::forward;
  sg::DType dtype = sg::DType::float32;
  bool reverse = false, exclusive = false, initial = false;  ///< initial: starts from a value
  bool error = false;  ///< is measured too

  sg::ScanOptions options() const { return {.axis = layout.axis, .reverse = reverse, .exclusive = exclusive}; }
  /// What an element moves: forward x and y; with the jvp t and dy too; with the vjp g, gx and x once more.
  double bytes_an_element() const;
  /// scan/dtype/layout/mode/flags
  std::string name() const;
};

/// All of them, or (quick) a few small ones of each kind.
std::vector<Case> cases(bool quick);

}  // namespace grid
