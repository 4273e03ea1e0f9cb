#pragma once
// SCANGRAD_API marks what the library exports; everything else is hidden.
#define SCANGRAD_API __attribute__((visibility("default")))  ///< visible in the shared library
