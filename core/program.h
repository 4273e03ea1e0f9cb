#pragma once
// Program: what a function of Tensors did, as a list of steps that hold no tensor of that one call, so that they can be taken on other
// inputs: as kernels on arrays (Runner), without graph, or as new graph (replay in autodiff/walk.h).
//
// Loops and checkpoints are primitives that hold a Program; their derivatives are primitives that hold its derivative.

#include "core/trace.h"

namespace scangrad::inline v0::core {

class Program {
 public:
  /// Where a step finds an input: a slot (the program's inputs first, then each step's outputs), or, if negative, ~(index of a constant).
  using Source = std::int32_t;
  struct Step {
    PrimitiveRef primitive;
    Kernel kernel;
    Site site;
    FixedList<Source, 2> ins;
    FixedList<bool, 2> last;         ///< whether nothing reads that input later, or beside it
    std::vector<std::int32_t> ends;  ///< the slots that nothing reads after this step
    std::vector<Spec> outs;
    std::int32_t first_slot = 0;
  };
  /// Which tensors of the trace that are none of its placeholders become inputs, behind those; the others are constants.
  enum class Capture {
    nothing,
    pending_or_tracked,  ///< so that a kernel can run the program, and derivatives reach what the function captured
  };

  /// The trace must follow values.
  explicit Program(const Trace& trace, Capture capture = Capture::nothing);

  const std::vector<Step>& steps() const noexcept { return steps_; }
  const std::vector<Spec>& inputs() const noexcept { return inputs_; }
  const std::vector<Source>& outputs() const noexcept { return outputs_; }
  std::vector<Spec> output_specs() const;
  const std::vector<Tensor>& constants() const noexcept { return constants_; }
  const Tensor& constant(Source source) const noexcept { return constants_[static_cast<std::size_t>(~source)]; }
  std::size_t slot_count() const noexcept { return slot_count_; }
  Device device() const noexcept { return device_; }
  /// Which inputs the given outputs depend on.
  std::vector<bool> inputs_read(const std::vector<bool>& outputs) const;
  /// The tensors that became inputs. Whoever holds a program long takes them away.
  std::vector<Tensor> take_captured() { return std::move(captured_); }

 private:
  void find_ends();

  std::vector<Step> steps_;
  std::vector<Spec> inputs_;
  std::vector<Source> outputs_;
  std::vector<Tensor> constants_, captured_;
  std::size_t slot_count_ = 0;
  Device device_;
};

/// Runs a program, again and again, on arrays. Values die with their last use.
class Runner {
 public:
  /// Inputs from `first_kept` on stay for the next run; the others are used up.
  Runner(const Program& program, std::size_t first_kept);

  Array& input(std::size_t i) noexcept { return values_[i]; }
  void run();
  const Array& output(std::size_t i) const noexcept;
  /// Lets go of what the last run computed.
  void clear() noexcept;

 private:
  bool kept(std::int32_t slot) const noexcept {
    return static_cast<std::size_t>(slot) >= first_kept_ && static_cast<std::size_t>(slot) < program_.inputs().size();
  }

  const Program& program_;
  std::size_t first_kept_;
  std::vector<Array> values_;
};

}  // namespace scangrad::inline v0::core
