#pragma once
// What the library says when it refuses.

#include <string>

#include "scangrad/error.h"

namespace scangrad::test {

/// The message of the Error that f throws, without the place; "no error" where there is none.
template <class F>
std::string message(const F& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.message();
  }
  return "no error";
}

}  // namespace scangrad::test
