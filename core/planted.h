#pragma once
// Planted mistakes: what a rule or kernel might get wrong, each beside what is right. A build with SCANGRAD_PLANTED (a CMake option, off)
// makes the one that the environment variable SCANGRAD_PLANT names; in any other build the macro is the right expression and
// nothing else. scripts/mutation makes them one after the other and says which ones no test notices.
//
//   SCANGRAD_PLANT(divide_sign, -(v * y), v * y)    // name, right, wrong; of one type, without commas outside of parentheses

// clang-format off
#ifdef SCANGRAD_PLANTED
#include <cstdlib>
#include <string_view>

namespace scangrad::inline v0::core {

inline bool is_planted(std::string_view name) {
  const char* const chosen = std::getenv("SCANGRAD_PLANT");
  return chosen != nullptr && name == chosen;
}

}  // namespace scangrad::inline v0::core

// Asked once a place: some are in inner loops.
#define SCANGRAD_PLANT(name, right, wrong)                              \
  ([] {                                                                 \
    static const bool is_made = ::scangrad::core::is_planted(#name);    \
    return is_made;                                                     \
  }() ? (wrong) : (right))
#else
#define SCANGRAD_PLANT(name, right, wrong) (right)
#endif
// clang-format on
