#pragma once
// SCANGRAD_DEBUG_NANS=1: the first operation that makes a NaN out of inputs without one throws, in values and in derivatives.

#include <string_view>

#include "core/context.h"

namespace scangrad::inline v0::core {

bool debug_nans() noexcept;
void check_no_new_nans(std::string_view op, Inputs ins, Outputs outs);
/// A switch of the environment: set, and neither empty nor "0".
bool environment_flag(const char* name) noexcept;

}  // namespace scangrad::inline v0::core
