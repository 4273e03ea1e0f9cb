#include "core/trace.h"

#include <bit>
#include <mutex>

#include "core/error.h"
#include "core/node_map.h"

namespace scangrad::inline v0::core {
namespace {

// Bits are handed out lowest free first. Past 64 live transforms the last one is shared, which only makes walks longer.
constexpr int bit_count = 64;
struct Bits {
  std::mutex mutex;
  std::uint32_t users[bit_count] = {};
  std::atomic<std::uint64_t> live{0};
};
Bits bits;

constinit thread_local std::uint32_t users_here[bit_count] = {};
constinit thread_local std::uint64_t bits_here = 0;
thread_local std::vector<Tensor> retained;

}  // namespace

TransformScope::TransformScope() {
  const std::lock_guard lock(bits.mutex);
  const int free = std::countr_one(bits.live.load(std::memory_order_relaxed));
  const int index = free < bit_count ? free : bit_count - 1;
  bit_ = std::uint64_t{1} << index;
  ++bits.users[index];
  ++users_here[index];
  bits.live.fetch_or(bit_, std::memory_order_relaxed);
  bits_here |= bit_;
}

TransformScope::~TransformScope() {
  const int index = std::countr_zero(bit_);
  {
    const std::lock_guard lock(bits.mutex);
    if (--bits.users[index] == 0) bits.live.fetch_and(~bit_, std::memory_order_relaxed);
  }
  if (--users_here[index] == 0) bits_here &= ~bit_;
  if (bits_here != 0 || retained.empty()) return;
  std::vector<Tensor> dropped = std::move(retained);
  retained.clear();
  for (const Tensor& x : dropped) drop_edge(node_of(x));
}

std::uint64_t TransformScope::live_here() noexcept { return bits_here; }
std::uint64_t TransformScope::live_anywhere() noexcept { return bits.live.load(std::memory_order_relaxed); }

void TransformScope::make_space_to_retain() {
  if (retained.size() == retained.capacity()) retained.reserve(2 * retained.size() + 16);
}
void TransformScope::retain(const Tensor& node) noexcept { retained.push_back(node); }

Trace::Trace(std::span<const Tensor> placeholders, std::span<const Tensor> outputs, std::uint64_t bit)
    : placeholders_(placeholders.begin(), placeholders.end()), outputs_(outputs.begin(), outputs.end()) {
  NodeMap slots;
  auto next_slot = static_cast<std::int32_t>(placeholders.size());
  for (std::int32_t i = 0; i < next_slot; ++i) slots.insert(&node_of(placeholders_[static_cast<std::size_t>(i)]), i);

  const auto slot_of = [&](const Tensor& x) {
    const std::int32_t* slot = slots.find(&node_of(x));
    return slot == nullptr ? constant : *slot;
  };
  const auto depends = [bit](const Node& node) { return (node.tracked.load(std::memory_order_relaxed) & bit) != 0; };

  struct Frame {
    Tensor x;
    Edge edge;  ///< set when the node is entered; it is left once its inputs are done
  };
  std::vector<Frame> stack;
  for (std::size_t i = outputs.size(); i-- > 0;) stack.push_back({outputs[i], {}});
  while (!stack.empty()) {
    Frame frame = std::move(stack.back());
    stack.pop_back();
    const Node& node = node_of(frame.x);
    if (!frame.edge) {
      if (!depends(node) || !slots.insert(&node, constant).added) continue;
      frame.edge = copy_edge(node);
      if (!frame.edge)
        fail("a tensor that depends on the transform's input was evaluated on another thread while the transform was running; "
             "evaluate it on the transform's own thread, or after it");
      const std::size_t first_input = stack.size() + 1;
      stack.push_back(std::move(frame));
      for (std::size_t i = stack.back().edge.inputs.size(); i-- > 0;) {
        Tensor in = stack[first_input - 1].edge.inputs[i];
        if (depends(node_of(in))) stack.push_back({std::move(in), {}});
      }
      continue;
    }
    Step step;
    step.in_slots = FixedList<std::int32_t, 2>(frame.edge.inputs.size());
    bool dependent = false;
    for (std::size_t i = 0; i < frame.edge.inputs.size(); ++i) {
      step.in_slots[i] = slot_of(frame.edge.inputs[i]);
      dependent |= step.in_slots[i] != constant;
    }
    if (!dependent) continue;
    if (node.selected >= 0) {
      *slots.insert(&node, 0).value = step.in_slots[0] + node.selected;
      continue;
    }
    *slots.insert(&node, 0).value = next_slot;
    step.first_slot = next_slot;
    step.primitive = std::move(frame.edge.primitive);
    step.ins = std::move(frame.edge.inputs);
    step.site = node.site;
    if (node.tuple == nullptr) {
      step.outs = {frame.x};
    } else {
      step.outs = FixedList<Tensor, 1>(node.tuple->size());
      for (std::size_t i = 0; i < node.tuple->size(); ++i) step.outs[i] = select(frame.x, i);
    }
    next_slot += static_cast<std::int32_t>(step.outs.size());
    steps_.push_back(std::move(step));
  }
  for (const Tensor& out : outputs_) output_slots_.push_back(slot_of(out));
  slot_count_ = static_cast<std::size_t>(next_slot);
}

}  // namespace scangrad::inline v0::core
