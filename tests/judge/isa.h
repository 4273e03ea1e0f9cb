#pragma once
// The instruction set levels of x86-64 that the kernels are built for, and which of them the machine has.

#include <string>
#include <vector>

namespace judge {

/// "v2", "v3", "v4", as far as the machine has them; empty on other architectures.
std::vector<std::string> isa_levels();

/// Makes the library use a level (SCANGRAD_ISA; before its first use). One that the machine lacks ends the program with status
/// `lacking`, an unknown one with 64.
void choose_isa(const std::string& program, const std::string& level, int lacking);

}  // namespace judge
