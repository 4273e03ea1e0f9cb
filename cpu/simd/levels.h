#pragma once
// Which level of the hot kernels this process runs: the best that the processor has, or what SCANGRAD_ISA says.

#include <span>
#include <string_view>

#include "cpu/simd/job.h"

namespace scangrad::inline v0::cpu {

struct Level {
  std::string_view name;
  const HotKernels* kernels;
  bool available;
};

/// Those of this build, the lowest first.
std::span<const Level> levels();

/// The level that runs. Throws where SCANGRAD_ISA names one that does not exist, or that this processor does not have.
const Level& current_level();

}  // namespace scangrad::inline v0::cpu
