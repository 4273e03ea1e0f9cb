#pragma once
// Golden messages: a call, and the whole message of the Error that it throws.

#include <functional>
#include <string>
#include <vector>

#include "scangrad/error.h"
#include "support/catch.h"

namespace test {

struct Golden {
  std::function<void()> call;
  std::string message;
};

inline void check_all(const std::vector<Golden>& table) {
  for (const Golden& row : table) {
    INFO("expected: " << row.message);
    try {
      row.call();
      CHECK(std::string("nothing was thrown") == row.message);
    } catch (const scangrad::Error& error) {
      CHECK(error.message() == row.message);
    }
  }
}

}  // namespace test
