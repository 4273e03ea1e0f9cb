// The non-template half of the transforms: placeholders in, a Trace out, a walk over it, symbolic zeros made real at the end.

#include "autodiff/walk.h"
#include "core/error.h"
#include "scangrad/autodiff.h"
#include "scangrad/ops.h"

namespace scangrad::inline v0::detail {

using autodiff::evaluate_if_outermost;
using autodiff::MaybeTensor;
using autodiff::MaybeTensors;
using autodiff::with_zeros;
using core::CallScope;
using core::check;
using core::fail;
using core::Trace;

class TraceHandle {
 public:
  explicit TraceHandle(Trace t) : trace(std::move(t)) {}
  Trace trace;
};

struct Transform::State {
  const char* name;
  Site site;
  std::optional<core::TransformScope> scope;
  std::vector<Tensor> inputs;
};

namespace {

/// Each derivative has the shape and dtype of its primal.
void check_matches(std::string_view what, std::string_view of, std::span<const Tensor> derivatives,
                   std::span<const Tensor> primals) {
  check(derivatives.size() == primals.size(), "{} {}s were given for {} {}s; give one each", derivatives.size(), what,
        primals.size(), of);
  for (std::size_t i = 0; i < primals.size(); ++i) {
    core::check_not_empty(derivatives[i]);
    check(derivatives[i].shape() == primals[i].shape() && derivatives[i].dtype() == primals[i].dtype(),
          "{} {} is {} {}, but the {} is {} {}; they must be equal", what, i, derivatives[i].dtype(), derivatives[i].shape(),
          of, primals[i].dtype(), primals[i].shape());
  }
}

/// What f returned.
void check_results(std::span<const Tensor> outputs) {
  for (const Tensor& y : outputs) core::check_not_empty(y);
}

MaybeTensors maybe(std::span<const Tensor> tensors) { return MaybeTensors(tensors.begin(), tensors.end()); }

}  // namespace

Transform::Transform(const char* name, Site site) : state_(new State{name, site, std::nullopt, {}}) { state_->scope.emplace(); }
Transform::~Transform() = default;

void Transform::check_differentiable(std::size_t argument, const Tensor& x) const {
  check(is_inexact(x.dtype()),
        "argument {} is {}, and derivatives exist for floating tensors only; convert it with astype, or close over it",
        argument, x.dtype());
}

std::vector<Tensor> Transform::placeholders(std::span<const Tensor> inputs) {
  const CallScope scope(state_->name, state_->site);
  check(!inputs.empty(), "there is nothing to differentiate with respect to; give at least one Tensor");
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    core::check_not_empty(inputs[i]);
    check_differentiable(i, inputs[i]);
    state_->inputs.push_back(state_->scope->placeholder(inputs[i]));
  }
  return state_->inputs;
}

void Transform::finish(std::span<const Tensor> results) {
  state_->scope.reset();
  evaluate_if_outermost(results);
}

Transform::Results Transform::jvp(std::span<const Tensor> outputs, std::span<const Tensor> tangents) {
  const CallScope call(state_->name, state_->site);
  check_results(outputs);
  check_matches("tangent", "argument", tangents, state_->inputs);
  auto forward = autodiff::push_forward(Trace(state_->inputs, outputs, state_->scope->bit()), maybe(tangents), true);
  Results results{std::move(forward.values), with_zeros(forward.tangents, outputs)};
  std::vector<Tensor> all = results.values;
  all.insert(all.end(), results.derivatives.begin(), results.derivatives.end());
  finish(all);
  return results;
}

std::shared_ptr<const TraceHandle> Transform::vjp(std::span<const Tensor> outputs) {
  const CallScope call(state_->name, state_->site);
  check_results(outputs);
  auto handle = std::make_shared<TraceHandle>(Trace(state_->inputs, outputs, state_->scope->bit()));
  finish(outputs);
  return handle;
}

Transform::Results Transform::value_and_grad(std::span<const Tensor> outputs) {
  const CallScope call(state_->name, state_->site);
  check(outputs.size() == 1, "the function must return one scalar, but it returned {} tensors; use vjp", outputs.size());
  const Tensor& y = outputs[0];
  check(y.rank() == 0, "the function must return a scalar, but its result has shape {}; reduce it (sum), or use vjp",
        y.shape());
  check(is_floating(y.dtype()), "the function must return a real floating scalar, but its result is {}; {}", y.dtype(),
        is_complex(y.dtype()) ? "use vjp" : "derivatives exist for floating tensors only");
  Results results;
  {
    const Trace trace(state_->inputs, outputs, state_->scope->bit());
    const MaybeTensor one = ones({}, {.dtype = y.dtype()});
    results = {{y}, with_zeros(autodiff::pull_back(trace, std::span<const MaybeTensor>(&one, 1)), state_->inputs)};
  }
  std::vector<Tensor> all = results.derivatives;
  all.push_back(y);
  state_->inputs.clear();
  finish(all);
  return results;
}

std::vector<Tensor> Transform::jacobian(std::span<const Tensor> outputs, JacobianMode mode, std::int64_t chunk_size) {
  const CallScope call(state_->name, state_->site);
  check(chunk_size > 0, "the chunk size must be at least 1, given {}", chunk_size);
  std::int64_t in_size = 0, out_size = 0;
  for (std::size_t i = 0; i < state_->inputs.size(); ++i) {
    in_size += state_->inputs[i].size();
    check(is_floating(state_->inputs[i].dtype()), "argument {} is {}; differentiate by its real and imaginary part, or use jvp",
          i, state_->inputs[i].dtype());
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    out_size += outputs[i].size();
    check(
        is_floating(outputs[i].dtype()), "result {} is {}, but must be real and floating; {}", i, outputs[i].dtype(),
        is_complex(outputs[i].dtype()) ? "return its real and imaginary part" : "derivatives exist for floating tensors only");
  }
  const bool by_column = mode == JacobianMode::forward || (mode == JacobianMode::cheaper && in_size <= out_size);
  const Trace trace(state_->inputs, outputs, state_->scope->bit());
  state_->scope.reset();
  const std::vector<Tensor> blocks =
      by_column ? autodiff::jacobian_by_column(trace, chunk_size) : autodiff::jacobian_by_row(trace, chunk_size);
  evaluate_if_outermost(blocks);
  return blocks;
}

std::vector<Tensor> pull_back(const TraceHandle& handle, std::span<const Tensor> cotangents, Site site) {
  const CallScope call("vjp", site);
  check_matches("cotangent", "result", cotangents, handle.trace.outputs());
  auto gradients = with_zeros(autodiff::pull_back(handle.trace, maybe(cotangents)), handle.trace.placeholders());
  evaluate_if_outermost(gradients);
  return gradients;
}

}  // namespace scangrad::inline v0::detail
