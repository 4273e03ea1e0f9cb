// Graphs as pictures and as text. Both show values too, and look only at edges that are there.

#include "scangrad/graph.h"

#include <fmt/ostream.h>

#include "core/error.h"
#include "core/node_map.h"
#include "core/post_order.h"

namespace scangrad::inline v0 {
namespace {

using core::Node;

std::int64_t bytes_of(const core::Spec& spec) {
  return core::count(spec.shape) * static_cast<std::int64_t>(item_size(spec.dtype));
}

/// "float64 (2, 3)", "2 outputs"
std::string kind(const Node& node) {
  if (node.tuple) return fmt::format("{} outputs", node.tuple->size());
  return fmt::format("{} {}", node.value.spec.dtype, node.value.spec.shape);
}

std::string bytes(const Node& node) {
  std::int64_t total = node.tuple ? 0 : bytes_of(node.value.spec);
  if (node.tuple)
    for (const core::Array& out : *node.tuple) total += bytes_of(out.spec);
  return fmt::format("{} bytes", total);
}

std::string label_of(const Node& node) {
  const std::lock_guard lock(const_cast<Node&>(node).edge_lock);
  return node.label ? *node.label : std::string();
}

/// For text between quotes.
std::string escaped(std::string_view text) {
  std::string result;
  for (char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    if (c == '\n') result += "\\n";
    else result += c;
  }
  return result;
}

/// The nodes below the outputs, inputs first, and their numbers.
struct Graph {
  explicit Graph(std::span<const Tensor> outputs) {
    for (const Tensor& y : outputs) core::check_not_empty(y);
    nodes = core::post_order(outputs, [](const Node&) { return false; });
    for (std::size_t i = 0; i < nodes.size(); ++i) numbers.insert(&core::node_of(nodes[i]), static_cast<std::int32_t>(i));
  }
  std::int32_t number(const Tensor& x) const { return *numbers.find(&core::node_of(x)); }

  std::vector<Tensor> nodes;
  core::NodeMap numbers;
};

}  // namespace

Tensor label(const Tensor& x, std::string name, Site site) {
  const core::CallScope scope("label", site);
  core::check_not_empty(x);
  auto text = std::make_unique<const std::string>(std::move(name));
  Node& node = core::node_of(x);
  const std::lock_guard lock(node.edge_lock);
  std::swap(node.label, text);
  return x;
}

std::string to_dot(std::span<const Tensor> outputs) {
  const core::CallScope scope("to_dot", {});
  const Graph graph(outputs);
  std::string dot = "digraph scangrad {\n  node [shape=ellipse, fontname=\"sans-serif\", fontsize=10];\n";
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = core::node_of(graph.nodes[i]);
    const core::Edge edge = core::copy_edge(node);
    std::string text = escaped(label_of(node));
    if (edge) text += (text.empty() ? "" : " = ") + escaped(edge.primitive->name());
    dot += fmt::format("  n{} [{}label=\"{}{}{}\\n{}\"];\n", i, edge ? "" : "shape=box, ", text, text.empty() ? "" : "\\n",
                       kind(node), bytes(node));
    for (const Tensor& in : edge.inputs) dot += fmt::format("  n{} -> n{};\n", graph.number(in), i);
  }
  return dot + "}\n";
}

void print_graph(std::ostream& stream, std::span<const Tensor> outputs) {
  const core::CallScope scope("print_graph", {});
  const Graph graph(outputs);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = core::node_of(graph.nodes[i]);
    const core::Edge edge = core::copy_edge(node);
    std::string inputs;
    for (const Tensor& in : edge.inputs) inputs += fmt::format("{}%{}", inputs.empty() ? "" : ", ", graph.number(in));
    const std::string name = label_of(node);
    fmt::print(stream, "%{} = {}: {}, {}{}{}\n", i, edge ? fmt::format("{}({})", edge.primitive->name(), inputs) : "value",
               kind(node), bytes(node), name.empty() ? "" : fmt::format(", \"{}\"", escaped(name)),
               node.site.file != nullptr ? fmt::format(" [{}:{}]", node.site.file, node.site.line) : "");
  }
}

}  // namespace scangrad::inline v0
