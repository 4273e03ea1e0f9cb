#include "cpu/simd/levels.h"

#include <cstdlib>
#include <string>

#include "core/error.h"

namespace scangrad::inline v0::cpu {

// The levels that this build has (SCANGRAD_LEVELS); other processors than x86-64 have one, base.
namespace v2 {
extern const HotKernels hot_kernels;
}
namespace v3 {
extern const HotKernels hot_kernels;
}
namespace v4 {
extern const HotKernels hot_kernels;
}
namespace base {
extern const HotKernels hot_kernels;
}

namespace {

const Level& choose() {
  const std::span<const Level> all = levels();
  const char* wanted = std::getenv("SCANGRAD_ISA");
  if (wanted == nullptr || *wanted == '\0') {
    for (std::size_t i = all.size(); i-- > 0;)
      if (all[i].available) return all[i];
    core::fail("this processor lacks what even the lowest level of this build needs ({}: SSE4.2, POPCNT)", all[0].name);
  }
  std::string names;
  for (const Level& level : all) {
    names += (names.empty() ? "" : ", ") + std::string(level.name);
    if (level.name != wanted) continue;
    core::check(level.available, "SCANGRAD_ISA is {}, but this processor does not have that level; unset it to get the best",
                wanted);
    return level;
  }
  core::fail("SCANGRAD_ISA is '{}'; this build has the levels {}", wanted, names);
}

}  // namespace

std::span<const Level> levels() {
  static const Level all[] = {
#ifdef SCANGRAD_HAS_v2
      {"v2", &v2::hot_kernels, __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt")},
#endif
#ifdef SCANGRAD_HAS_v3
      {"v3", &v3::hot_kernels,
       __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2")},
#endif
#ifdef SCANGRAD_HAS_v4
      {"v4", &v4::hot_kernels,
       __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")},
#endif
#ifndef __x86_64__
      {"base", &base::hot_kernels, true},
#endif
  };
  return all;
}

const Level& current_level() {
  static const Level& level = choose();
  return level;
}

}  // namespace scangrad::inline v0::cpu
