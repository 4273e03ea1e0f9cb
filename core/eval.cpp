// Evaluation: the pending nodes below the outputs in post-order (inputs in order), then one after the other.
//
// Several threads may evaluate graphs that share nodes. A node is claimed only when its inputs are done, and nobody waits for
// another thread's node while holding a claim, so there is no deadlock; if the claimant fails, the node is pending again and
// the one who waited runs it itself. Whatever is thrown, nodes are as they were before.

#include <algorithm>

#include "core/debug.h"
#include "core/error.h"
#include "core/node.h"
#include "core/post_order.h"
#include "core/trace.h"

namespace scangrad::inline v0 {
namespace core {
namespace {

/// Whether a kernel may write into this input's buffer: nobody else can reach the node or the storage.
bool reusable(const Tensor& in) noexcept {
  const Node& node = node_of(in);
  return node.references.load(std::memory_order_acquire) == 1 && node.value.storage && node.value.storage.unique() &&
         node.value.storage->writable();
}

bool is_empty(const Array& out) noexcept { return out.size() == 0; }

/// `tracked`: a transform that is live on any thread may differentiate through the node, and need its inputs.
void compute(Node& node, bool tracked) {
  const std::size_t count = node.edge.inputs.size();
  if (node.selected >= 0) {
    const Array& source = (*node_of(node.edge.inputs[0]).tuple)[static_cast<std::size_t>(node.selected)];
    node.value.view(source, source.strides, source.offset);
    return;
  }
  FixedList<const Array*, 8> ins(count);
  FixedList<bool, 8> may_reuse(count);
  for (std::size_t i = 0; i < count; ++i) {
    ins[i] = &node_of(node.edge.inputs[i]).value;
    may_reuse[i] = !tracked && !debug_nans() && reusable(node.edge.inputs[i]);  // the check below needs the inputs
  }
  run_kernel(*node.edge.primitive, node.kernel, node.site, node.device, ins, may_reuse,
             node.tuple ? Outputs(*node.tuple) : Outputs(&node.value, 1));
}

/// False if the node is done already.
bool claim(Node& node) noexcept {
  for (;;) {
    State state = node.state.load(std::memory_order_acquire);
    if (state == State::done) return false;
    if (state == State::claimed) node.state.wait(State::claimed, std::memory_order_acquire);
    else if (node.state.compare_exchange_strong(state, State::claimed, std::memory_order_acq_rel)) return true;
  }
}

void publish(Node& node, State state) noexcept {
  node.state.store(state, std::memory_order_release);
  node.state.notify_all();
}

void run(const Tensor& x) {
  Node& node = node_of(x);
  const std::uint64_t transforms = TransformScope::live_bits(node);
  const bool keeps_edge = (transforms & TransformScope::live_here()) != 0;
  if (keeps_edge) TransformScope::make_space_to_retain();
  if (!claim(node)) return;
  try {
    compute(node, transforms != 0);
    if (keeps_edge) TransformScope::make_space_to_retain();  // the kernel may have evaluated others
  } catch (...) {
    node.value.reset();
    if (node.tuple)
      for (Array& out : *node.tuple) out.reset();
    publish(node, State::pending);
    throw;
  }
  if (keeps_edge) {
    TransformScope::retain(x);
    publish(node, State::done);
    return;
  }
  publish(node, State::done);
  drop_edge(node);
}

}  // namespace

void run_kernel(const Primitive& primitive, Kernel kernel, Site site, Device device, Inputs ins,
                std::span<const bool> may_reuse, Outputs outs) {
  const CallScope scope(CallScope::Override(), primitive.name(), site);
  if (!ins.empty() && std::all_of(outs.begin(), outs.end(), is_empty)) {  // however many lanes of length 0 there are
    for (Array& out : outs) out.allocate();
    return;
  }
  kernel(Context(device, thread_pool(device.type), ins, may_reuse), primitive, ins, outs);
  if (debug_nans()) [[unlikely]]
    check_no_new_nans(primitive.name(), ins, outs);
}

void drop_edge(Node& node) noexcept {
  Edge edge;
  {
    const std::lock_guard lock(node.edge_lock);
    std::swap(edge.primitive, node.edge.primitive);
    edge.inputs = std::move(node.edge.inputs);
  }
  if (node.tracked.load(std::memory_order_relaxed) != 0)
    node.tracked.fetch_and(TransformScope::live_bits(node), std::memory_order_relaxed);
}

void evaluate(std::span<const Tensor> outputs) {
  bool all_done = true;
  for (const Tensor& x : outputs) {
    check_not_empty(x);
    all_done &= node_of(x).done();
  }
  if (all_done) return;
  std::vector<Tensor> order = post_order(outputs, [](const Node& node) { return node.done(); });
  for (Tensor& x : order) {
    run(x);
    x = Tensor();
  }
}

}  // namespace core

void eval(std::span<const Tensor> tensors) {
  const core::CallScope scope("eval", {});
  core::evaluate(tensors);
}

}  // namespace scangrad::inline v0
