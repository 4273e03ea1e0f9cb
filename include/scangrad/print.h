#pragma once
// Tensors as text: options for to_string (tensor.h has the one without), and what a tensor is like besides its elements.

#include <optional>

#include "scangrad/tensor.h"

namespace scangrad::inline v0 {

/// As numpy.set_printoptions.
struct PrintOptions {
  /// Digits behind the point, at most. Default: 8; and for a tensor of rank 0, all that tell it from its neighbours.
  std::optional<int> precision = {};
  std::int64_t threshold = 1000;  ///< tensors of more elements show only the edges of their axes
  std::int64_t edge_items = 3;    ///< how many, at each end
  std::int64_t line_width = 75;   ///< characters, before a row goes on in the next line
};

/// As numpy.array2string prints arrays. Evaluates.
SCANGRAD_API std::string to_string(const Tensor& x, const PrintOptions& options, Site site = Site::here());

/// What a tensor is, without evaluating it: "float64 (2, 3), strides (3, 1), cpu, evaluated, 48 bytes" or
/// "float64 (2, 3), cpu, pending (cumsum), tracked, 48 bytes". Bytes are those of the elements; a buffer that has others (one that a
/// view shows a part of, or repeats) is named too. What a live transform differentiates is tracked.
SCANGRAD_API std::string describe(const Tensor& x);

}  // namespace scangrad::inline v0
