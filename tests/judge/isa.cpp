#include "judge/isa.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "cpu/simd/levels.h"

namespace judge {

std::vector<std::string> isa_levels() {
  std::vector<std::string> levels;
  for (const auto& level : scangrad::cpu::levels())
    if (level.available && level.name != "base") levels.emplace_back(level.name);
  return levels;
}

void choose_isa(const std::string& program, const std::string& level, int lacking) {
  if (level != "v2" && level != "v3" && level != "v4") {
    std::fprintf(stderr, "%s: no instruction set level '%s'; there are v2, v3 and v4\n", program.c_str(), level.c_str());
    std::exit(64);
  }
  const auto levels = isa_levels();
  if (std::find(levels.begin(), levels.end(), level) == levels.end()) {
    std::fprintf(stderr, "%s: this machine has no x86-64-%s; the best it has is %s\n", program.c_str(), level.c_str(),
                 levels.empty() ? "none of them" : levels.back().c_str());
    std::exit(lacking);
  }
  setenv("SCANGRAD_ISA", level.c_str(), 1);
}

}  // namespace judge
