#include "cpu/simd/levels.h"

#include <cstdlib>
#include <string>

#include "core/error.h"

namespace scangrad::inline v0::cpu {

#if defined(__x86_64__)
namespace v2 {
extern const HotKernels hot_kernels;
}
namespace v3 {
extern const HotKernels hot_kernels;
}
namespace v4 {
extern const HotKernels hot_kernels;
}
#else
namespace base {
extern const HotKernels hot_kernels;
}
#endif

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
#if defined(__x86_64__)
  static const Level all[] = {
      {"v2", &v2::hot_kernels, __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt")},
      {"v3", &v3::hot_kernels,
       __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2")},
      {"v4", &v4::hot_kernels,
       __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")}};
#else
  static const Level all[] = {{"base", &base::hot_kernels, true}};
#endif
  return all;
}

const Level& current_level() {
  static const Level& level = choose();
  return level;
}

}  // namespace scangrad::inline v0::cpu
