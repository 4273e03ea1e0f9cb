#pragma once
// The one walk over a graph: depth first, inputs in order, without recursion, each node after its inputs.

#include <mutex>

#include "core/node.h"
#include "core/node_map.h"

namespace scangrad::inline v0::core {

/// The nodes below `outputs`, outputs included, but for those that `skip(node)` leaves out with what only they lead to. Safe against
/// threads that evaluate the same nodes: an edge dropped meanwhile ends the walk there.
template <class Skip>
std::vector<Tensor> post_order(std::span<const Tensor> outputs, const Skip& skip) {
  struct Frame {
    Tensor x;
    bool entered;
  };
  std::vector<Tensor> order;
  std::vector<Frame> stack;
  NodeMap seen;

  const auto push_inputs = [&](Node& node) {
    for (std::size_t space = 16;;) {  // made outside the lock: it may throw
      if (stack.capacity() - stack.size() < space) stack.reserve(2 * stack.size() + space);
      const std::lock_guard lock(node.edge_lock);
      const auto& inputs = node.edge.inputs;
      if (inputs.size() > space) {
        space = inputs.size();
        continue;
      }
      for (std::size_t i = inputs.size(); i-- > 0;)
        if (!skip(node_of(inputs[i]))) stack.push_back({inputs[i], false});
      return;
    }
  };

  for (std::size_t i = outputs.size(); i-- > 0;) stack.push_back({outputs[i], false});
  while (!stack.empty()) {
    Frame& top = stack.back();
    Node& node = node_of(top.x);
    if (top.entered) {
      order.push_back(std::move(top.x));
      stack.pop_back();
    } else if (skip(node) || !seen.insert(&node, 0).added) {
      stack.pop_back();
    } else {
      top.entered = true;
      push_inputs(node);
    }
  }
  return order;
}

}  // namespace scangrad::inline v0::core
