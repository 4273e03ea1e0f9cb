#include "core/node.h"

#include <algorithm>

#include "core/debug.h"
#include "core/error.h"
#include "core/poison.h"
#include "core/trace.h"

namespace scangrad::inline v0 {
namespace core {
namespace {

struct NodeCache {
  /// Nodes may die after the thread's cache has; a flag inside it would be gone with it.
  static inline constinit thread_local bool closed = false;
  static constexpr std::size_t limit = address_sanitizer ? 0 : 1024;
  struct Free {
    Free* next;
  };
  Free* list = nullptr;
  std::size_t size = 0;

  ~NodeCache() {
    closed = true;
    while (list != nullptr) ::operator delete(std::exchange(list, list->next));
  }
};
thread_local NodeCache node_cache;

/// Takes the value of its input; how transforms mark what they differentiate with respect to.
class Placeholder final : public Primitive {
 public:
  std::string_view name() const override { return "placeholder"; }
  MaybeTensors jvp(Ins, Outs, Tangents tangents) const override { return {tangents[0]}; }
  MaybeTensors vjp(Ins, Outs, Tangents cotangents, WantedMask) const override { return {cotangents[0]}; }
  BatchResult vmap(Ins ins, MappedMask, Specs) const override { return {{ins[0]}, {true}}; }
};

/// A tensor without a value: reading it fails.
class Example final : public Primitive {
 public:
  explicit Example(const Absent& why) : absent(why) {}
  std::string_view name() const override { return absent.transform; }
  Absent absent;
};

void fail_to_read(const Context&, const Primitive& primitive, Inputs, Outputs) {
  const Absent& absent = static_cast<const Example&>(primitive).absent;
  throw NoValue(absent.transform, absent.message, CallScope::site());
}

/// One output of a primitive that has several. Walks see through it (Trace), so it needs no rules.
class Selector final : public Primitive {
 public:
  std::string_view name() const override { return "output"; }
};

bool eager() {
  static const bool on = environment_flag("SCANGRAD_EAGER");
  return on;
}

Tensor new_node(const PrimitiveRef& primitive, FixedList<Tensor, 2> ins, Kernel kernel) {
  Tensor result = Access::tensor(new Node);
  Node& node = node_of(result);
  std::uint64_t tracked = 0;
  for (const Tensor& in : ins) {
    const Node& input = node_of(in);
    tracked |= TransformScope::live_bits(input);
    check(input.device == node_of(ins[0]).device, "inputs are on {} and {}; move them to one device", node_of(ins[0]).device,
          input.device);
  }
  if (ins.size() != 0) node.device = node_of(ins[0]).device;
  node.tracked.store(tracked, std::memory_order_relaxed);
  node.born = TransformScope::now();
  node.kernel = kernel != nullptr ? kernel : find_kernel(*primitive, node.device);
  node.site = CallScope::site();
  node.edge.primitive = primitive;
  node.edge.inputs = std::move(ins);
  return result;
}

void evaluate_if_eager(const Tensor& x) {
  if (eager() && (TransformScope::live_bits(node_of(x)) & TransformScope::without_values()) == 0) [[unlikely]]
    evaluate(std::span<const Tensor>(&x, 1));
}

}  // namespace

void* Node::operator new(std::size_t size) {
  if (NodeCache::closed) return ::operator new(size);
  NodeCache& cache = node_cache;
  if (cache.list == nullptr) return ::operator new(size);
  --cache.size;
  return std::exchange(cache.list, cache.list->next);
}

void Node::operator delete(void* memory) noexcept {
  if (NodeCache::closed || node_cache.size == NodeCache::limit) {
    ::operator delete(memory);
    return;
  }
  NodeCache& cache = node_cache;
  ++cache.size;
  cache.list = new (memory) NodeCache::Free{cache.list};
}

void share_value(const Context&, const Primitive&, Inputs ins, Outputs outs) {
  outs[0].view(*ins[0], ins[0]->strides, ins[0]->offset);
}

const Array& row_major(const Context& context, const Array& x, Array& copy) {
  if (x.dense) return x;
  const Primitive& primitive = *shared_primitive<Contiguous>();
  const Array* in = &x;
  copy.spec = x.spec;
  find_kernel(primitive, context.device())(context, primitive, Inputs(&in, 1), Outputs(&copy, 1));
  return copy;
}

Tensor apply(const PrimitiveRef& primitive, Spec out, FixedList<Tensor, 2> ins) {
  Tensor result = new_node(primitive, std::move(ins), nullptr);
  node_of(result).value.spec = std::move(out);
  evaluate_if_eager(result);
  return result;
}

std::vector<Tensor> apply_multi(const PrimitiveRef& primitive, std::vector<Spec> outs, FixedList<Tensor, 2> ins) {
  const Tensor tuple = new_node(primitive, std::move(ins), nullptr);
  Node& node = node_of(tuple);
  node.tuple = std::make_unique<std::vector<Array>>(outs.size());
  for (std::size_t i = 0; i < outs.size(); ++i) (*node.tuple)[i].spec = std::move(outs[i]);
  std::vector<Tensor> results;
  for (std::size_t i = 0; i < outs.size(); ++i) results.push_back(select(tuple, i));
  for (const Tensor& result : results) evaluate_if_eager(result);
  return results;
}

Tensor select(const Tensor& tuple, std::size_t i) {
  Tensor result = new_node(shared_primitive<Selector>(), {tuple}, share_value);
  Node& node = node_of(result);
  node.selected = static_cast<std::int32_t>(i);
  node.value.spec = (*node_of(tuple).tuple)[i].spec;
  return result;
}

Tensor make_leaf(Array value) {
  Tensor result = Access::tensor(new Node);
  Node& node = node_of(result);
  node.value = std::move(value);
  node.site = CallScope::site();
  node.state.store(State::done, std::memory_order_release);
  return result;
}

Tensor make_placeholder(const Tensor& x, std::uint64_t transform_bit) {
  check_not_empty(x);
  Tensor result = new_node(shared_primitive<Placeholder>(), {x}, share_value);
  Node& node = node_of(result);
  node.value.spec = node_of(x).value.spec;
  node.tracked.fetch_or(transform_bit, std::memory_order_relaxed);
  return result;
}

bool is_placeholder(const Edge& edge) noexcept { return edge.primitive.get() == shared_primitive<Placeholder>().get(); }

Tensor make_example(Spec spec, Device device, const Absent& absent, std::uint64_t transform_bit) {
  Tensor result = new_node(make_primitive<Example>(absent), {}, fail_to_read);
  Node& node = node_of(result);
  node.device = device;
  node.value.spec = std::move(spec);
  node.tracked.store(transform_bit, std::memory_order_relaxed);
  return result;
}

Edge copy_edge(const Node& node) {
  Node& locked = const_cast<Node&>(node);
  Edge copy;
  for (std::size_t space = decltype(Edge::inputs)::inline_capacity;;) {  // allocated outside the lock: it may throw
    if (space > copy.inputs.inline_capacity) copy.inputs = FixedList<Tensor, 2>(space);
    const std::lock_guard lock(locked.edge_lock);
    const std::size_t size = node.edge.inputs.size();
    if (size > space) {
      space = size;
      continue;
    }
    if (!node.edge) return {};
    copy.primitive = node.edge.primitive;
    if (space == copy.inputs.inline_capacity) copy.inputs = FixedList<Tensor, 2>(node.edge.inputs);
    else std::copy_n(node.edge.inputs.begin(), size, copy.inputs.begin());
    return copy;
  }
}

}  // namespace core

// Nodes that die while a node dies wait in a list, so that a long chain is taken down in a loop.
void detail::destroy(NodeHead* head) noexcept {
  static constinit thread_local core::Node* waiting = nullptr;
  static constinit thread_local bool draining = false;
  auto* node = static_cast<core::Node*>(head);
  node->next_dead = std::exchange(waiting, node);
  if (std::exchange(draining, true)) return;
  while (waiting != nullptr) {
    core::Node* next = waiting;
    waiting = next->next_dead;
    delete next;
  }
  draining = false;
}

}  // namespace scangrad::inline v0
