// The test programs' main. Where SCANGRAD_ISA names a level that this processor lacks, the program is skipped.
#include <cstdio>
#include <cstdlib>

#include "cpu/simd/levels.h"

#if __has_include(<catch2/catch_session.hpp>)
#include <catch2/catch_session.hpp>
#else
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#endif

int main(int argc, char** argv) {
  constexpr int skipped = 77;
  if (const char* wanted = std::getenv("SCANGRAD_ISA"))
    for (const auto& level : scangrad::cpu::levels())
      if (level.name == wanted && !level.available) {
        std::printf("skipped: this processor does not have the level %s\n", wanted);
        return skipped;
      }
  return Catch::Session().run(argc, argv);
}
