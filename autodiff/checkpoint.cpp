// checkpoint: a primitive that runs a program and keeps nothing of its inside. Its derivatives are programs that compute that again,
// and so primitives of the same kind: the inside lives while their kernels run, which is when the cotangents are there.

#include "autodiff/program.h"
#include "core/error.h"
#include "scangrad/loop.h"

namespace scangrad::inline v0 {
namespace autodiff {
namespace {

using core::BatchResult;
using core::Ins;
using core::Outs;
using core::Program;

class Checkpoint final : public core::Primitive {
 public:
  explicit Checkpoint(std::shared_ptr<const Program> program) : program_(std::move(program)) {}
  std::string_view name() const override { return "checkpoint"; }

  static Tensors call(const Traced& traced, std::span<const Tensor> ins) {
    const Tensors all = with_unread_zeros(*traced.program, joined(ins, traced.captured));
    if (traced.program->outputs().empty()) return {};
    return apply(core::make_primitive<Checkpoint>(traced.program), traced.program->output_specs(),
                 core::FixedList<Tensor, 2>(std::span<const Tensor>(all)));
  }

  std::optional<core::OutsAndTangents> jvp_fused(Ins ins, core::Tangents tangents) const override {
    return push(ins, tangents, true);
  }
  MaybeTensors jvp(Ins ins, Outs, core::Tangents tangents) const override { return push(ins, tangents, false).tangents; }

  MaybeTensors vjp(Ins ins, Outs, core::Tangents cotangents, core::WantedMask wanted) const override {
    std::vector<bool> found(ins.size());
    const Tensors given = joined(ins, present(cotangents));
    const Tensors result = call(trace_program(specs_of(given), program_->device(),
                                              [&](std::span<const Tensor> x) {
                                                MaybeTensors g = pull_back(*program_, x.first(ins.size()),
                                                                           in_places(x.subspan(ins.size()), cotangents));
                                                for (std::size_t i = 0; i < g.size(); ++i) {
                                                  if (!wanted[i]) g[i].reset();
                                                  found[i] = g[i].has_value();
                                                }
                                                return present(g);
                                              }),
                                given);
    return in_places(result, found);
  }

  BatchResult vmap(Ins ins, core::MappedMask mapped, core::Specs) const override {
    BatchResult result;
    result.outs = call(trace_program(specs_of(ins), program_->device(),
                                     [&](std::span<const Tensor> x) {
                                       std::vector<Batched> inputs;
                                       for (std::size_t i = 0; i < x.size(); ++i) inputs.push_back({x[i], mapped[i]});
                                       Tensors outs;
                                       for (Batched& out : replay(*program_, std::span<const Batched>(inputs))) {
                                         outs.push_back(std::move(out.value));
                                         result.mapped.push_back(out.mapped);
                                       }
                                       return outs;
                                     }),
                       ins);
    return result;
  }

  static void kernel(const core::Context&, const Primitive& primitive, core::Inputs ins, core::Outputs outs) {
    core::Runner runner(*static_cast<const Checkpoint&>(primitive).program_, ins.size());
    for (std::size_t i = 0; i < ins.size(); ++i) runner.input(i) = *ins[i];
    runner.run();
    for (std::size_t i = 0; i < outs.size(); ++i) {
      const core::Array& y = runner.output(i);
      outs[i].view(y, y.strides, y.offset);
    }
  }

 private:
  core::OutsAndTangents push(Ins ins, core::Tangents tangents, bool with_values) const {
    std::vector<bool> found;
    const Tensors given = joined(ins, present(tangents));
    const Tensors result =
        call(trace_program(specs_of(given), program_->device(),
                           [&](std::span<const Tensor> x) {
                             const Forward forward =
                                 push_forward(*program_, x.first(ins.size()), in_places(x.subspan(ins.size()), tangents));
                             for (const MaybeTensor& t : forward.tangents) found.push_back(t.has_value());
                             return with_values ? joined(forward.values, present(forward.tangents)) : present(forward.tangents);
                           }),
             given);
    const auto values = static_cast<std::ptrdiff_t>(with_values ? found.size() : 0);
    return {Tensors(result.begin(), result.begin() + values),
            in_places(std::span<const Tensor>(result).subspan(static_cast<std::size_t>(values)), found)};
  }

  std::shared_ptr<const Program> program_;
};

}  // namespace

void add_checkpoint_kernel(DeviceType device) { core::add_kernel<Checkpoint>(device, Checkpoint::kernel); }

}  // namespace autodiff

std::vector<Tensor> detail::checkpoint(const CheckpointFunction& f, const std::vector<Tensor>& x, Site site) {
  const core::InTransform note("checkpoint", site);
  {
    const core::CallScope call("checkpoint", site);
    for (const Tensor& t : x) core::check_not_empty(t);
  }
  const autodiff::Traced traced = autodiff::trace_program(x, [&](std::span<const Tensor> inputs) {
    const std::vector<Tensor> y = f(std::vector<Tensor>(inputs.begin(), inputs.end()));
    const core::CallScope call("checkpoint", site);
    for (const Tensor& t : y) core::check_not_empty(t);
    return y;
  });
  const core::CallScope call("checkpoint", site);
  return autodiff::Checkpoint::call(traced, x);
}

}  // namespace scangrad::inline v0
