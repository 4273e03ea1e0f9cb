#pragma once
// The version, for the preprocessor and at run time. The build reads the three numbers from here.

#include <string_view>

#include "scangrad/export.h"

#define SCANGRAD_VERSION_MAJOR 0  ///< of incompatible changes; while it is 0, the minor version counts them
#define SCANGRAD_VERSION_MINOR 1  ///< of new features
#define SCANGRAD_VERSION_PATCH 0  ///< of corrections

/// To compare with: 10000 * major + 100 * minor + patch.
#define SCANGRAD_VERSION (SCANGRAD_VERSION_MAJOR * 10000 + SCANGRAD_VERSION_MINOR * 100 + SCANGRAD_VERSION_PATCH)

namespace scangrad::inline v0 {

/// The version of the library that the program runs with, "0.1.0"; the macros are that of the headers it was compiled with.
SCANGRAD_API std::string_view version() noexcept;

}  // namespace scangrad::inline v0
