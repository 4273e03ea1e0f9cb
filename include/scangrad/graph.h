#pragma once
// Looking at graphs: what is there to be computed, as a picture or as text.
//
//   const sg::Tensor beta = sg::label(x, "beta");
//   std::ofstream("loss.dot") << sg::to_dot(loss);        // dot -Tsvg loss.dot > loss.svg
//   sg::print_graph(std::cout, loss);
//
// What was evaluated has let go of its inputs and shows as a value; look before reading, or inside a transform.

#include <iosfwd>
#include <span>

#include "scangrad/tensor.h"

namespace scangrad::inline v0 {

/// Gives x a name for pictures and texts of graphs, and returns it. The same Tensor: copies of the handle have the name too, and a later
/// name takes its place.
SCANGRAD_API Tensor label(const Tensor& x, std::string name, Site site = Site::here());

/// The graph below the given tensors in Graphviz's language: an ellipse for an operation, a box for a value that is there, with
/// label, shape, dtype and bytes. Evaluates nothing.
SCANGRAD_API std::string to_dot(std::span<const Tensor> outputs);
/// Of one tensor.
inline std::string to_dot(const Tensor& y) { return to_dot(std::span<const Tensor>(&y, 1)); }

/// The same as text, a line a node, inputs before what is made of them: number, operation and its inputs (or "value"), dtype and shape,
/// bytes, label, and the file and line that made it. Evaluates nothing.
/// @{
SCANGRAD_API void print_graph(std::ostream& stream, std::span<const Tensor> outputs);
inline void print_graph(std::ostream& stream, const Tensor& y) { print_graph(stream, std::span<const Tensor>(&y, 1)); }
/// @}

}  // namespace scangrad::inline v0
