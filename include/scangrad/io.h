#pragma once
// Looking at graphs.

#include "scangrad/tensor.h"

namespace scangrad::inline v0 {

/// The graph below the given tensors in Graphviz's language: an ellipse for an operation, a box for a value that is there, with
/// shape and dtype. What was evaluated has let go of its inputs and shows as a value.
SCANGRAD_API std::string to_dot(std::span<const Tensor> outputs);
inline std::string to_dot(const Tensor& y) { return to_dot(std::span<const Tensor>(&y, 1)); }

}  // namespace scangrad::inline v0
