#pragma once
// What transforms share: the scope in which one is live, and the Trace it takes of the graph that f built.

#include <cstdint>
#include <vector>

#include "core/node.h"

namespace scangrad::inline v0::core {

/// A transform that is live on this thread. While one is, evaluated nodes that depend on its placeholders keep their edges;
/// when the outermost one ends, they drop them.
class TransformScope {
 public:
  /// Whether the placeholders have values: those of vmap stand for any one of many examples.
  enum class Values { present, absent };
  explicit TransformScope(Values values = Values::present);
  TransformScope(const TransformScope&) = delete;
  ~TransformScope();

  std::uint64_t bit() const noexcept { return bit_; }
  Tensor placeholder(const Tensor& x) const { return make_placeholder(x, bit_); }
  /// A shape and dtype without a value.
  Tensor example(Spec spec, Device device, const Absent& absent) const {
    return make_example(std::move(spec), device, absent, bit_);
  }

  static std::uint64_t live_here() noexcept;       ///< bits of the transforms live on this thread
  static std::uint64_t without_values() noexcept;  ///< of those, the bits of the ones whose placeholders have no value
  /// The bits of the live transforms, on all threads, that the node may depend on. A bit is handed out again when its transform
  /// ends: a node that is older than the transform that has the bit now got it from an earlier one.
  static std::uint64_t live_bits(const Node& node) noexcept;
  static std::uint64_t now() noexcept;  ///< counts the transforms begun
  /// Keeps the edge of an evaluated node until this thread's outermost transform ends. Space must have been made before.
  static void retain(const Tensor& node) noexcept;
  static void make_space_to_retain();

 private:
  std::uint64_t bit_;
  std::uint64_t outer_without_values_;
};

/// The part of the graph through which `outputs` depend on `placeholders`, in topological order, inputs in order. It owns its
/// edges, so it outlives their evaluation. Values have slots: first the placeholders', then those of each step's outputs.
class Trace {
 public:
  struct Step {
    PrimitiveRef primitive;
    FixedList<Tensor, 2> ins;
    FixedList<std::int32_t, 2> in_slots;  ///< constant for an input that no derivative comes from
    FixedList<Tensor, 1> outs;
    std::int32_t first_slot = 0;
    Site site;
  };
  static constexpr std::int32_t constant = -1;
  /// Derivatives flow through floating and complex values only; masks and indices carry none.
  enum class Follow { derivatives, values };

  Trace(std::span<const Tensor> placeholders, std::span<const Tensor> outputs, std::uint64_t transform_bit,
        Follow follow = Follow::derivatives);

  const std::vector<Step>& steps() const noexcept { return steps_; }
  const std::vector<std::int32_t>& output_slots() const noexcept { return output_slots_; }
  const std::vector<Tensor>& placeholders() const noexcept { return placeholders_; }
  const std::vector<Tensor>& outputs() const noexcept { return outputs_; }
  std::size_t slot_count() const noexcept { return slot_count_; }

 private:
  std::vector<Step> steps_;
  std::vector<Tensor> placeholders_, outputs_;
  std::vector<std::int32_t> output_slots_;
  std::size_t slot_count_;
};

}  // namespace scangrad::inline v0::core
