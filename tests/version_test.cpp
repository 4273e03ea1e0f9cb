#include "scangrad/scangrad.h"
#include "support/catch.h"

TEST_CASE("the header, the library and the build agree on the version") {
  const std::string numbers = std::to_string(SCANGRAD_VERSION_MAJOR) + "." + std::to_string(SCANGRAD_VERSION_MINOR) + "." +
                              std::to_string(SCANGRAD_VERSION_PATCH);
  CHECK(numbers == SCANGRAD_PROJECT_VERSION);
  CHECK(scangrad::version() == SCANGRAD_PROJECT_VERSION);
  CHECK(SCANGRAD_VERSION == SCANGRAD_VERSION_MAJOR * 10000 + SCANGRAD_VERSION_MINOR * 100 + SCANGRAD_VERSION_PATCH);
}
