// The non-template half of the transforms: placeholders in, a Trace out, a walk over it, symbolic zeros made real at the end.

#include "autodiff/program.h"
#include "core/error.h"
#include "scangrad/jacobian.h"
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

class LinearMapHandle {
 public:
  std::shared_ptr<const core::Program> program;  ///< tangents of the results, from those of the arguments
  std::vector<Tensor> coefficients;              ///< its last inputs: what the values of f contribute
};

struct Transform::State {
  State(const char* n, Site s) : name(n), site(s), note(n, s) { scope.emplace(); }

  const char* name;
  Site site;
  core::InTransform note;
  std::optional<core::TransformScope> scope;
  std::vector<Tensor> inputs;
  std::vector<Tensor> aux;
};

namespace {

/// Each derivative has the shape and dtype of its primal.
void check_matches(std::string_view what, std::string_view of, std::span<const Tensor> derivatives,
                   std::span<const core::Spec> primals) {
  check(derivatives.size() == primals.size(), "{} {}s were given for {} {}s; give one each", derivatives.size(), what,
        primals.size(), of);
  for (std::size_t i = 0; i < primals.size(); ++i) {
    core::check_not_empty(derivatives[i]);
    check(derivatives[i].shape() == primals[i].shape && derivatives[i].dtype() == primals[i].dtype,
          "{} {} is {} {}, but the {} is {} {}; they must be equal", what, i, derivatives[i].dtype(), derivatives[i].shape(),
          of, primals[i].dtype, primals[i].shape);
  }
}

void check_differentiable(std::size_t argument, const Tensor& x) {
  check(is_inexact(x.dtype()),
        "argument {} is {}, and derivatives exist for floating tensors only; convert it with astype, or close over it",
        argument, x.dtype());
}

/// What f returned.
void check_results(std::span<const Tensor> outputs) {
  for (const Tensor& y : outputs) core::check_not_empty(y);
}

MaybeTensors maybe(std::span<const Tensor> tensors) { return MaybeTensors(tensors.begin(), tensors.end()); }

}  // namespace

Transform::Transform(const char* name, Site site) : state_(new State(name, site)) {}
Transform::~Transform() = default;

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

void Transform::add_results(std::span<const Tensor> aux) {
  const CallScope call(state_->name, state_->site);
  check_results(aux);
  state_->aux.assign(aux.begin(), aux.end());
}

void Transform::finish(std::span<const Tensor> results) {
  state_->scope.reset();
  evaluate_if_outermost(autodiff::joined(results, state_->aux));
}

Transform::Results Transform::jvp(std::span<const Tensor> outputs, std::span<const Tensor> tangents) {
  const CallScope call(state_->name, state_->site);
  check_results(outputs);
  check_matches("tangent", "argument", tangents, autodiff::specs_of(state_->inputs));
  auto forward = autodiff::push_forward(Trace(state_->inputs, outputs, state_->scope->bit()), maybe(tangents), true);
  Results results{std::move(forward.values), with_zeros(forward.tangents, outputs)};
  finish(autodiff::joined(results.values, results.derivatives));
  return results;
}

std::shared_ptr<const TraceHandle> Transform::vjp(std::span<const Tensor> outputs) {
  const CallScope call(state_->name, state_->site);
  check_results(outputs);
  auto handle = std::make_shared<TraceHandle>(Trace(state_->inputs, outputs, state_->scope->bit()));
  finish(outputs);
  return handle;
}

// The walk on tangents without values: what does not come from them is what the values of f contribute, computed now.
std::shared_ptr<const LinearMapHandle> Transform::linearize(std::span<const Tensor> outputs) {
  const CallScope call(state_->name, state_->site);
  check_results(outputs);
  const Trace trace(state_->inputs, outputs, state_->scope->bit());
  auto traced = autodiff::trace_program(
      autodiff::specs_of(state_->inputs), state_->inputs[0].device(), [&](std::span<const Tensor> tangents) {
        return with_zeros(autodiff::push_forward(trace, maybe(tangents), false).tangents, outputs);
      });
  finish(autodiff::joined(outputs, traced.captured));
  return std::make_shared<const LinearMapHandle>(LinearMapHandle{std::move(traced.program), std::move(traced.captured)});
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
  state_->inputs.clear();
  finish(autodiff::joined(results.derivatives, outputs));
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
  const core::InTransform note("vjp", site);
  check_matches("cotangent", "result", cotangents, autodiff::specs_of(handle.trace.outputs()));
  auto gradients = with_zeros(autodiff::pull_back(handle.trace, maybe(cotangents)), handle.trace.placeholders());
  evaluate_if_outermost(gradients);
  return gradients;
}

std::vector<Tensor> push_forward(const LinearMapHandle& map, std::span<const Tensor> tangents, Site site) {
  const CallScope call("linearize", site);
  const core::InTransform note("linearize", site);
  const auto& inputs = map.program->inputs();
  check_matches("tangent", "argument", tangents, std::span(inputs.data(), inputs.size() - map.coefficients.size()));
  const std::vector<Tensor> results = autodiff::replay(*map.program, autodiff::joined(tangents, map.coefficients));
  evaluate_if_outermost(results);
  return results;
}

std::shared_ptr<const TraceHandle> linear_transpose(const TensorsFunction& f, std::span<const Tensor> like, Site site) {
  constexpr core::Absent absent = {
      "linear_transpose", "the function is not linear: it, or its derivative, needs the values of its arguments; use vjp"};
  const core::InTransform note("linear_transpose", site);
  const core::TransformScope scope(core::TransformScope::Values::absent);
  std::vector<Tensor> examples;
  {
    const CallScope call("linear_transpose", site);
    check(!like.empty(), "there is nothing to transpose with respect to; give at least one Tensor");
    for (std::size_t i = 0; i < like.size(); ++i) {
      core::check_not_empty(like[i]);
      check_differentiable(i, like[i]);
      examples.push_back(scope.example(core::node_of(like[i]).value.spec, like[i].device(), absent));
    }
  }
  const std::vector<Tensor> outputs = f(examples);
  const CallScope call("linear_transpose", site);
  check_results(outputs);
  return std::make_shared<TraceHandle>(Trace(examples, outputs, scope.bit()));
}

}  // namespace scangrad::inline v0::detail
