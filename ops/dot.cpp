// Graphs as Graphviz draws them. A walk of its own: it shows values too, and looks only at edges that are there.

#include <fmt/format.h>

#include "core/error.h"
#include "core/node.h"
#include "core/node_map.h"
#include "scangrad/io.h"

namespace scangrad::inline v0 {
namespace {

using core::Node;

std::string description(const Node& node) {
  if (node.tuple) return fmt::format("{} outputs", node.tuple->size());
  return fmt::format("{} {}", node.value.spec.dtype, node.value.spec.shape);
}

void draw_node(std::string& dot, std::int32_t id, const Node& node, const core::Edge& edge) {
  if (edge) dot += fmt::format("  n{} [label=\"{}\\n{}\"];\n", id, edge.primitive->name(), description(node));
  else dot += fmt::format("  n{} [shape=box, label=\"{}\"];\n", id, description(node));
}

}  // namespace

std::string to_dot(std::span<const Tensor> outputs) {
  const core::CallScope scope("to_dot", {});
  std::string dot = "digraph scangrad {\n  node [shape=ellipse, fontname=\"sans-serif\", fontsize=10];\n";
  core::NodeMap ids;
  std::vector<Tensor> order;  // the nodes by id: a breadth-first walk from the outputs
  const auto id_of = [&](const Tensor& x) {
    const auto [id, added] = ids.insert(&core::node_of(x), static_cast<std::int32_t>(order.size()));
    const std::int32_t value = *id;
    if (added) order.push_back(x);
    return value;
  };
  for (const Tensor& output : outputs) {
    core::check_not_empty(output);
    id_of(output);
  }
  for (std::size_t i = 0; i < order.size(); ++i) {
    const Node& node = core::node_of(order[i]);
    const core::Edge edge = core::copy_edge(node);
    const auto id = static_cast<std::int32_t>(i);
    draw_node(dot, id, node, edge);
    for (const Tensor& in : edge.inputs) dot += fmt::format("  n{} -> n{};\n", id_of(in), id);
  }
  return dot + "}\n";
}

}  // namespace scangrad::inline v0
