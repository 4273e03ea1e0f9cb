#pragma once
// The primitive behind scan: a program, run once for each element of an axis. Its derivatives and its batches are loops over the
// derivative and the batch of the program, so that every order of every mode is a loop again.

#include "autodiff/program.h"

namespace scangrad::inline v0::autodiff {

/// What a loop runs along: `length` steps of a body that takes carries, elements of xs, and what it captured.
struct Course {
  std::int64_t length = 0;
  bool reverse = false;
};

/// Inputs: the carries' initial values, xs (axis 0 is that of the loop), captured tensors. Outputs: the last carries, ys (likewise).
class Loop final : public core::Primitive {
 public:
  Loop(std::shared_ptr<const core::Program> body, std::size_t carries, std::size_t xs, Course course)
      : body_(std::move(body)), carries_(carries), xs_(xs), course_(course) {}
  std::string_view name() const override { return "scan"; }

  /// A node of it. The body's inputs: carries, elements, captured, and what the body captured itself; its outputs: carries, ys.
  static Tensors run(const Traced& body, Course course, const Tensors& init, const Tensors& xs, const Tensors& captured);

  MaybeTensors jvp(core::Ins ins, core::Outs, core::Tangents tangents) const override { return push(ins, tangents).tangents; }
  std::optional<core::OutsAndTangents> jvp_fused(core::Ins ins, core::Tangents tangents) const override {
    return push(ins, tangents);
  }
  MaybeTensors vjp(core::Ins ins, core::Outs outs, core::Tangents cotangents, core::WantedMask wanted) const override;
  core::BatchResult vmap(core::Ins ins, core::MappedMask mapped, core::Specs outs) const override;

  static void kernel(const core::Context& context, const Primitive& primitive, core::Inputs ins, core::Outputs outs);

 private:
  core::OutsAndTangents push(core::Ins ins, core::Tangents tangents) const;
  /// The carry before each step, stacked, of those that are needed; zeros in place of the others.
  Tensors carries_before(core::Ins ins, const std::vector<bool>& needed) const;
  /// The needed carries and those that they depend on.
  std::vector<bool> with_their_sources(std::vector<bool> needed) const;

  std::shared_ptr<const core::Program> body_;
  std::size_t carries_, xs_;
  Course course_;
};

}  // namespace scangrad::inline v0::autodiff
