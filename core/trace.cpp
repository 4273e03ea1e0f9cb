#include "core/trace.h"

#include <bit>
#include <mutex>

#include "core/error.h"
#include "core/post_order.h"

namespace scangrad::inline v0::core {
namespace {

// Bits are handed out lowest free first. Past 64 live transforms the last one is shared, which only makes walks longer.
constexpr int bit_count = 64;
struct Bits {
  std::mutex mutex;
  std::uint32_t users[bit_count] = {};
  std::atomic<std::uint64_t> live{0};
  std::atomic<std::uint64_t> clock{0};               ///< transforms begun
  std::atomic<std::uint64_t> start[bit_count] = {};  ///< when the bit's first user began
};
Bits bits;

constinit thread_local std::uint32_t users_here[bit_count] = {};
constinit thread_local std::uint64_t bits_here = 0;
constinit thread_local std::uint64_t bits_without_values = 0;
thread_local std::vector<Tensor> retained;

}  // namespace

TransformScope::TransformScope(Values values) : outer_without_values_(bits_without_values) {
  const std::lock_guard lock(bits.mutex);
  const int free = std::countr_one(bits.live.load(std::memory_order_relaxed));
  const int index = free < bit_count ? free : bit_count - 1;
  bit_ = std::uint64_t{1} << index;
  if (bits.users[index]++ == 0)
    bits.start[index].store(bits.clock.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  bits.clock.fetch_add(1, std::memory_order_relaxed);
  ++users_here[index];
  bits.live.fetch_or(bit_, std::memory_order_release);
  bits_here |= bit_;
  if (values == Values::absent) bits_without_values |= bit_;
}

TransformScope::~TransformScope() {
  bits_without_values = outer_without_values_;
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
std::uint64_t TransformScope::without_values() noexcept { return bits_without_values; }
std::uint64_t TransformScope::now() noexcept { return bits.clock.load(std::memory_order_relaxed); }

std::uint64_t TransformScope::live_bits(const Node& node) noexcept {
  const std::uint64_t candidates = node.tracked.load(std::memory_order_relaxed) & bits.live.load(std::memory_order_acquire);
  std::uint64_t result = 0;
  for (std::uint64_t rest = candidates; rest != 0; rest &= rest - 1) {
    const int index = std::countr_zero(rest);
    if (bits.start[index].load(std::memory_order_relaxed) <= node.born) result |= std::uint64_t{1} << index;
  }
  return result;
}

void TransformScope::make_space_to_retain() {
  if (retained.size() == retained.capacity()) retained.reserve(2 * retained.size() + 16);
}
void TransformScope::retain(const Tensor& node) noexcept { retained.push_back(node); }

Trace::Trace(std::span<const Tensor> placeholders, std::span<const Tensor> outputs, std::uint64_t bit, Follow follow)
    : placeholders_(placeholders.begin(), placeholders.end()), outputs_(outputs.begin(), outputs.end()) {
  NodeMap slots;
  auto next_slot = static_cast<std::int32_t>(placeholders.size());
  for (std::int32_t i = 0; i < next_slot; ++i) slots.insert(&node_of(placeholders_[static_cast<std::size_t>(i)]), i);

  const auto followed = [&](const Node& node) { return follow == Follow::values || is_inexact(node.value.spec.dtype); };
  const auto slot_of = [&](const Tensor& x) {
    const std::int32_t* slot = followed(node_of(x)) ? slots.find(&node_of(x)) : nullptr;
    return slot == nullptr ? constant : *slot;
  };
  const std::vector<Tensor> order = post_order(
      outputs_, [&](const Node& node) { return (TransformScope::live_bits(node) & bit) == 0 || slots.find(&node) != nullptr; });
  steps_.reserve(order.size());
  for (const Tensor& x : order) {
    const Node& node = node_of(x);
    if (!node.tuple && !followed(node)) continue;
    Edge edge = copy_edge(node);
    if (!edge)
      fail(
          "a tensor that depends on the transform's input was evaluated on another thread while the transform was running; "
          "evaluate it on the transform's own thread, or after it");
    if (node.selected >= 0) {
      if (const std::int32_t* tuple = slots.find(&node_of(edge.inputs[0]))) slots.insert(&node, *tuple + node.selected);
      continue;
    }
    if (is_placeholder(edge)) {
      if (const std::int32_t* input = slots.find(&node_of(edge.inputs[0]))) slots.insert(&node, *input);
      continue;
    }
    if (const std::size_t arity = edge.primitive->arity(edge.inputs.size()); arity < edge.inputs.size())
      edge.inputs = FixedList<Tensor, 2>(std::span<const Tensor>(edge.inputs.begin(), arity));
    FixedList<std::int32_t, 2> in_slots(edge.inputs.size());
    bool dependent = false;
    for (std::size_t i = 0; i < in_slots.size(); ++i) {
      in_slots[i] = slot_of(edge.inputs[i]);
      dependent |= in_slots[i] != constant;
    }
    if (!dependent) continue;
    slots.insert(&node, next_slot);
    FixedList<Tensor, 1> outs(node.tuple ? node.tuple->size() : 1);
    for (std::size_t i = 0; i < outs.size(); ++i) outs[i] = node.tuple ? select(x, i) : x;
    steps_.push_back(
        {std::move(edge.primitive), std::move(edge.inputs), std::move(in_slots), std::move(outs), next_slot, node.site});
    next_slot += static_cast<std::int32_t>(steps_.back().outs.size());
  }
  for (const Tensor& out : outputs_) output_slots_.push_back(slot_of(out));
  slot_count_ = static_cast<std::size_t>(next_slot);
}

}  // namespace scangrad::inline v0::core
