#pragma once
// Numbers as text, character for character as NumPy writes them; see format_numbers.cpp.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/array.h"

namespace scangrad::inline v0::core {

/// The first element on its own: "0.1", "1e-10", "(1+2j)", "True". It has every digit that tells it from its neighbours, or at most
/// `precision` of them behind the point.
std::string format_scalar(const Array& array, std::optional<int> precision = {});

/// The elements at `offsets` (counted from the first one), all equally wide and lined up at the decimal point, with at most
/// `precision` digits behind it.
std::vector<std::string> format_column(const Array& array, std::span<const std::int64_t> offsets, int precision);

}  // namespace scangrad::inline v0::core
