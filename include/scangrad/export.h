#pragma once
// SCANGRAD_API marks what the library exports; everything else is hidden.
#if defined(SCANGRAD_STATIC)
#define SCANGRAD_API
#else
#define SCANGRAD_API __attribute__((visibility("default")))
#endif
