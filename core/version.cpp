#include "scangrad/version.h"

#define SCANGRAD_TEXT_OF(x) #x
#define SCANGRAD_TEXT(x) SCANGRAD_TEXT_OF(x)

namespace scangrad::inline v0 {

std::string_view version() noexcept {
  return SCANGRAD_TEXT(SCANGRAD_VERSION_MAJOR) "." SCANGRAD_TEXT(SCANGRAD_VERSION_MINOR) "." SCANGRAD_TEXT(
      SCANGRAD_VERSION_PATCH);
}

}  // namespace scangrad::inline v0
