// custom_function: a primitive whose kernel and rules are the user's.
//
// forward is called when the graph is built, on inputs that no transform tracks, and what it made is given to the node behind the
// node's inputs: the kernel only passes it on. Where there are no values (in a batch, in a loop), or where a program is run again, the
// kernel calls forward itself.

#include "scangrad/custom.h"

#include <mutex>
#include <set>

#include "autodiff/program.h"
#include "core/error.h"
#include "scangrad/vmap.h"

namespace scangrad::inline v0 {
namespace autodiff {
namespace {

using core::CallScope;
using core::check;
using core::Ins;
using core::Outs;
using core::Spec;
using core::TransformScope;
using detail::call_custom;
using Rules = std::shared_ptr<const CustomRules>;

/// A rule must return one tensor for each of `like`, of its shape and dtype, or an empty one.
MaybeTensors checked_result(std::string_view rule, std::string_view what, std::string_view of, const TensorList& result,
                            std::span<const Tensor> like) {
  check(result.size() == like.size(), "the {} rule returned {} {}s for {} {}s; return one each, an empty Tensor for zero", rule,
        result.size(), what, like.size(), of);
  MaybeTensors derivatives;
  for (std::size_t i = 0; i < like.size(); ++i) {
    derivatives.push_back(result[i].empty_handle() ? MaybeTensor() : MaybeTensor(result[i]));
    if (!derivatives[i]) continue;
    check(result[i].shape() == like[i].shape() && result[i].dtype() == like[i].dtype(),
          "the {} rule returned a {} {} as {} of {} {}, which is {} {}; they must be equal", rule, result[i].dtype(),
          result[i].shape(), what, of, i, like[i].dtype(), like[i].shape());
  }
  return derivatives;
}

/// The name for as long as the program runs: tensors without a value point at it, and may outlive the function.
const char* kept(const std::string& name) {
  static std::mutex mutex;
  static auto& names = *new std::set<std::string>;  // never destroyed: tensors may outlive every static
  const std::lock_guard lock(mutex);
  return names.insert(name).first->c_str();
}

/// What the user's rules get: zeros for what is absent, and nothing for what has no derivative.
Tensors dense(std::span<const MaybeTensor> derivatives, std::span<const Tensor> primals) {
  Tensors result = with_zeros(derivatives, primals);
  for (std::size_t i = 0; i < result.size(); ++i)
    if (!is_inexact(primals[i].dtype())) result[i] = Tensor();
  return result;
}

/// The adjoint of a rule that is linear in its last argument, which is like `like`: applied to the derivatives `given` of its results.
template <class Rule>
MaybeTensors transposed(const core::Absent& absent, std::span<const Tensor> like, std::span<const MaybeTensor> given,
                        const Rule& rule) {
  const TransformScope scope(TransformScope::Values::absent);
  Tensors examples, used, outputs;
  std::vector<MaybeTensor> cotangents;
  for (const Tensor& x : like) {
    examples.push_back(is_inexact(x.dtype()) ? scope.example(core::node_of(x).value.spec, x.device(), absent) : Tensor());
    if (is_inexact(x.dtype())) used.push_back(examples.back());
  }
  const MaybeTensors results = rule(examples);
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (!results[i] || !given[i]) continue;
    outputs.push_back(*results[i]);
    cotangents.push_back(given[i]);
  }
  const Tensors found = with_zeros(pull_back(Trace(used, outputs, scope.bit()), cotangents), used);
  MaybeTensors all;
  std::size_t next = 0;
  for (const Tensor& x : like) all.push_back(is_inexact(x.dtype()) ? MaybeTensor(found[next++]) : MaybeTensor());
  return all;
}

class Custom final : public core::Primitive {
 public:
  Custom(Rules rules, std::size_t inputs, std::size_t outputs) : rules_(std::move(rules)), inputs_(inputs), outputs_(outputs) {}
  std::string_view name() const override { return rules_->name; }
  std::size_t arity(std::size_t) const override { return inputs_; }

  MaybeTensors jvp(Ins ins, Outs outs, core::Tangents tangents) const override {
    if (rules_->jvp) return jvp_rule(ins, outs, dense(tangents, ins));
    if (rules_->vjp)
      return transposed(
          {kept(rules_->name), "the vjp rule is not linear in the cotangents: its transpose, the jvp, needs their values"},
          outs, tangents, [&](const Tensors& g) { return vjp_rule(ins, outs, g); });
    return push_forward(forward_trace(ins), tangents, true).tangents;
  }

  MaybeTensors vjp(Ins ins, Outs outs, core::Tangents cotangents, core::WantedMask wanted) const override {
    MaybeTensors result;
    if (rules_->vjp) result = vjp_rule(ins, outs, dense(cotangents, outs));
    else if (rules_->jvp)
      result = transposed(
          {kept(rules_->name), "the jvp rule is not linear in the tangents: its transpose, the vjp, needs their values"}, ins,
          cotangents, [&](const Tensors& dx) { return jvp_rule(ins, outs, dx); });
    else result = autodiff::pull_back(forward_trace(ins), cotangents);
    for (std::size_t i = 0; i < result.size(); ++i)
      if (!wanted[i]) result[i].reset();
    return result;
  }

  core::BatchResult vmap(Ins ins, core::MappedMask mapped, core::Specs outs) const override;

  static void kernel(const core::Context&, const Primitive& primitive, core::Inputs ins, core::Outputs outs) {
    const Custom& custom = static_cast<const Custom&>(primitive);
    if (ins.size() > custom.inputs_) {
      for (std::size_t i = 0; i < outs.size(); ++i) {
        const core::Array& y = *ins[custom.inputs_ + i];
        outs[i].view(y, y.strides, y.offset);
      }
      return;
    }
    Tensors x;
    for (const core::Array* in : ins) x.push_back(core::make_leaf(*in));
    const TensorList y = custom.rules_->forward(x);
    check(y.size() == outs.size(), "forward returned {} tensors, and {} when the graph was built", y.size(), outs.size());
    for (std::size_t i = 0; i < outs.size(); ++i) {
      core::check_not_empty(y[i]);
      const Spec& spec = core::node_of(y[i]).value.spec;
      check(spec == outs[i].spec, "forward returned a {} {} as output {}, which was {} {} when the graph was built", spec.dtype,
            spec.shape, i, outs[i].spec.dtype, outs[i].spec.shape);
    }
    core::evaluate(y);
    for (std::size_t i = 0; i < outs.size(); ++i) {
      const core::Array& value = core::node_of(y[i]).value;
      outs[i].view(value, value.strides, value.offset);
    }
  }

 private:
  MaybeTensors jvp_rule(Ins x, Outs y, const Tensors& dx) const {
    return checked_result("jvp", "tangent", "output", rules_->jvp(x, y, dx), y);
  }
  MaybeTensors vjp_rule(Ins x, Outs y, const Tensors& g) const {
    return checked_result("vjp", "cotangent", "input", rules_->vjp(x, y, g), x);
  }
  Trace forward_trace(Ins ins) const {
    const TransformScope scope;
    Tensors x;
    for (const Tensor& in : ins) x.push_back(scope.placeholder(in));
    return Trace(x, rules_->forward(x), scope.bit());
  }

  Rules rules_;
  std::size_t inputs_, outputs_;
};

/// f of lists that have a batch axis where `mapped` says so; the results have one everywhere. Empty tensors stay so.
template <class F>
TensorList in_batch(const std::vector<std::span<const Tensor>>& lists, const std::vector<std::vector<bool>>& mapped,
                    const F& f) {
  detail::Vmap transform("vmap", CallScope::site());
  Tensors batches;
  for (std::size_t l = 0; l < lists.size(); ++l)
    for (std::size_t i = 0; i < lists[l].size(); ++i)
      if (mapped[l][i] && !lists[l][i].empty_handle()) batches.push_back(lists[l][i]);
  const Tensors examples = transform.examples(std::span(&batches, 1), 0);
  std::vector<Tensors> arguments;
  std::size_t next = 0;
  for (std::size_t l = 0; l < lists.size(); ++l) {
    arguments.emplace_back(lists[l].begin(), lists[l].end());
    for (std::size_t i = 0; i < lists[l].size(); ++i)
      if (mapped[l][i] && !lists[l][i].empty_handle()) arguments[l][i] = examples[next++];
  }
  TensorList results = f(arguments);
  Tensors there;
  for (const Tensor& x : results)
    if (!x.empty_handle()) there.push_back(x);
  const Tensors batch = transform.results(there, 0);
  next = 0;
  for (Tensor& x : results)
    if (!x.empty_handle()) x = batch[next++];
  return results;
}

TensorList list_of(const MaybeTensors& derivatives) {
  TensorList result;
  for (const MaybeTensor& d : derivatives) result.push_back(d.value_or(Tensor()));
  return result;
}

// The rules of the batch: each is the rule of one example, in a batch. An input that all share gets the sum of its cotangents.
core::BatchResult Custom::vmap(Ins ins, core::MappedMask mapped, core::Specs outs) const {
  using List = CustomRules::List;
  const std::vector<bool> of_x(mapped.begin(), mapped.end()), of_y(outs.size(), true);
  const auto self = std::make_shared<Custom>(rules_, inputs_, outputs_);
  auto rules = std::make_shared<CustomRules>();
  rules->name = rules_->name;
  if (rules_->vmap)
    rules->forward = [self, of_x](List x) {
      const std::unique_ptr<bool[]> marks(new bool[x.size()]);
      std::copy(of_x.begin(), of_x.end(), marks.get());
      return self->rules_->vmap(x, std::span<const bool>(marks.get(), x.size()));
    };
  else
    rules->forward = [self, of_x](List x) {
      return in_batch({x}, {of_x}, [&](const std::vector<Tensors>& in) { return self->rules_->forward(in[0]); });
    };
  if (rules_->jvp || (rules_->vmap && !rules_->vjp))
    rules->jvp = [self, of_x, of_y](List x, List y, List dx) {
      return in_batch({x, y, dx}, {of_x, of_y, of_x}, [&](const std::vector<Tensors>& in) {
        MaybeTensors tangents;
        for (const Tensor& t : in[2]) tangents.push_back(t.empty_handle() ? MaybeTensor() : MaybeTensor(t));
        return list_of(self->jvp(in[0], in[1], tangents));
      });
    };
  if (rules_->vjp)
    rules->vjp = [self, of_x, of_y](List x, List y, List g) {
      TensorList result = in_batch({x, y, g}, {of_x, of_y, of_y}, [&](const std::vector<Tensors>& in) {
        return list_of(self->vjp_rule(in[0], in[1], in[2]));
      });
      for (std::size_t i = 0; i < result.size(); ++i)
        if (!of_x[i] && !result[i].empty_handle()) result[i] = sum(result[i], {.axis = 0});
      return result;
    };
  core::BatchResult result{call_custom(rules, ins, outputs_, CallScope::site()), of_y};
  std::int64_t size = 0;
  for (std::size_t i = 0; i < ins.size(); ++i)
    if (mapped[i]) size = ins[i].shape()[0];
  for (std::size_t i = 0; i < outs.size(); ++i) {
    std::vector<std::int64_t> sizes(outs[i].shape.begin(), outs[i].shape.end());
    sizes.insert(sizes.begin(), size);
    check(result.outs[i].shape() == Shape(sizes) && result.outs[i].dtype() == outs[i].dtype,
          "the vmap rule returned a {} {} as output {}, which for one example is {} {}; with the batch axis in front it must "
          "be {}",
          result.outs[i].dtype(), result.outs[i].shape(), i, outs[i].dtype, outs[i].shape, Shape(sizes));
  }
  return result;
}

void check_outputs(std::string_view rule, const TensorList& y, std::size_t outputs) {
  check(y.size() == outputs,
        "{} returned {} tensors, but the function has {} outputs; say how many as in custom_function<2>(..)", rule, y.size(),
        outputs);
  for (const Tensor& t : y) core::check_not_empty(t);
}

void check_captures_nothing(const TensorList& y, std::uint64_t own) {
  for (std::size_t i = 0; i < y.size(); ++i)
    check((TransformScope::live_bits(core::node_of(y[i])) & ~own) == 0,
          "output {} of forward depends on a tensor that forward captured and that a transform around it differentiates or "
          "maps over; "
          "its derivative would be lost: make that tensor an argument",
          i);
}

/// The shapes and dtypes of y for inputs that have no value.
std::vector<Spec> specs_without_values(const CustomRules& rules, std::span<const Tensor> x, std::size_t outputs, Site site) {
  if (rules.outputs_like) {
    const TensorList y = rules.outputs_like(x);
    const CallScope call(CallScope::Override(), rules.name, site);
    check_outputs("outputs_like", y, outputs);
    return specs_of(y);
  }
  const TransformScope scope(TransformScope::Values::absent);
  Tensors examples;
  for (const Tensor& in : x)
    examples.push_back(scope.example(core::node_of(in).value.spec, in.device(), {"custom_function", ""}));
  TensorList y;
  try {
    y = rules.forward(examples);
  } catch (const core::NoValue&) {
    const CallScope call(CallScope::Override(), rules.name, site);
    core::fail(
        "forward reads values, and here (in vmap or scan) its inputs have none; give custom_function .outputs_like, and for "
        "vmap "
        ".vmap too");
  }
  const CallScope call(CallScope::Override(), rules.name, site);
  check_outputs("forward", y, outputs);
  check_captures_nothing(y, scope.bit());
  return specs_of(y);
}

/// What forward makes of x, with which no live transform has to do.
TensorList untracked_forward(const CustomRules& rules, std::span<const Tensor> x, std::size_t outputs, Site site) {
  Tensors inputs;
  for (const Tensor& in : x) {
    inputs.push_back(core::make_placeholder(in, 0));
    core::node_of(inputs.back()).tracked.store(0, std::memory_order_relaxed);
  }
  TensorList y = rules.forward(inputs);
  const CallScope call(CallScope::Override(), rules.name, site);
  check_outputs("forward", y, outputs);
  check_captures_nothing(y, 0);
  return y;
}

}  // namespace

void add_custom_kernel(DeviceType device) { core::add_kernel<Custom>(device, Custom::kernel); }

}  // namespace autodiff

std::shared_ptr<const CustomRules> detail::checked(CustomRules rules, Site site) {
  const core::CallScope call("custom_function", site);
  core::check(static_cast<bool>(rules.forward), "there is no forward; give one, and a jvp or a vjp or both");
  return std::make_shared<const CustomRules>(std::move(rules));
}

std::vector<Tensor> detail::call_custom(const std::shared_ptr<const CustomRules>& rules, std::span<const Tensor> x,
                                        std::size_t outputs, Site site) {
  using namespace autodiff;
  std::uint64_t bits = 0;
  for (const Tensor& in : x) {
    const CallScope call(CallScope::Override(), rules->name, site);
    core::check_not_empty(in);
    bits |= TransformScope::live_bits(core::node_of(in));
  }
  std::vector<Spec> specs;
  TensorList y;
  if ((bits & TransformScope::without_values()) != 0) specs = specs_without_values(*rules, x, outputs, site);
  else specs = specs_of(y = untracked_forward(*rules, x, outputs, site));
  const CallScope call(CallScope::Override(), rules->name, site);
  const Tensors ins = joined(x, y);
  return apply(core::make_primitive<Custom>(rules, x.size(), outputs), std::move(specs),
               core::FixedList<Tensor, 2>(std::span<const Tensor>(ins)));
}

}  // namespace scangrad::inline v0
