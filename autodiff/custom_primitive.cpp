// custom_primitive: a custom_function (custom.cpp) whose forward makes one node, the user's kernel. So rules, transposes and errors are
// those of custom_function, and the node itself knows values and batches alone.

#include "scangrad/custom_primitive.h"

#include "autodiff/program.h"
#include "core/error.h"
#include "ops/rules.h"

namespace scangrad::inline v0 {
namespace autodiff {
namespace {

using core::Array;
using core::CallScope;
using core::check;
using core::Spec;
using Rules = std::shared_ptr<const PrimitiveRules>;

/// f(), where what the user's code throws becomes an error of the primitive: fail(what it said).
template <class F, class Fail>
auto guarded(const F& f, const Fail& fail) {
  try {
    return f();
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    fail(error.what());
    throw;
  }
}

std::vector<Spec> output_specs(const PrimitiveRules& rules, std::span<const Tensor> x, std::size_t outputs) {
  std::vector<TensorSpec> inputs;
  std::string given;
  for (const Tensor& in : x) {
    inputs.push_back({in.shape(), in.dtype()});
    given += fmt::format("{}{} {}", given.empty() ? "" : ", ", in.dtype(), in.shape());
  }
  const TensorSpecList list =
      guarded([&] { return rules.outputs(inputs); },
              [&](const char* what) { core::fail("{}; given {}", what, given.empty() ? "no tensors" : given); });
  check(list.size() == outputs,
        "outputs returned {} shapes, but the primitive has {} outputs; say how many as in custom_primitive<2>(..)", list.size(),
        outputs);
  std::vector<Spec> specs;
  for (const TensorSpec& spec : list) {
    core::checked_size(spec.shape, item_size(spec.dtype));
    specs.push_back({spec.shape, spec.dtype});
  }
  return specs;
}

template <class Byte>
KernelArray<Byte> seen_by_kernel(const Array& x) {
  return {{x.shape(), x.dtype()},
          x.size(),
          reinterpret_cast<Byte*>(x.storage->data) + x.offset * static_cast<std::int64_t>(item_size(x.dtype()))};
}

/// Element i of axis 0 of a row-major array.
Array example(const Array& x, std::int64_t i) {
  Array result = x;
  result.spec.shape = Shape(std::span<const std::int64_t>(x.shape().begin() + 1, x.shape().end()));
  result.view(x, core::dense_strides(result.shape()), x.offset + i * core::count(result.shape()));
  return result;
}

class UserKernel final : public core::Primitive {
 public:
  /// Which inputs have a batch axis, for each batch, the outermost first. All outputs have one.
  using Batches = std::vector<std::vector<bool>>;

  explicit UserKernel(Rules rules, Batches batches = {}) : rules_(std::move(rules)), batches_(std::move(batches)) {}
  std::string_view name() const override { return rules_->name; }

  MaybeTensors jvp(core::Ins, core::Outs, core::Tangents) const override { fail_without_rules(); }
  MaybeTensors vjp(core::Ins, core::Outs, core::Tangents, core::WantedMask) const override { fail_without_rules(); }

  core::BatchResult vmap(core::Ins ins, core::MappedMask mapped, core::Specs outs) const override {
    Batches batches = {{mapped.begin(), mapped.end()}};
    batches.insert(batches.end(), batches_.begin(), batches_.end());
    return ops::apply_batched(core::make_primitive<UserKernel>(rules_, std::move(batches)), core::FixedList<Tensor, 2>(ins),
                              outs, ops::batch_size(ins, mapped));
  }

  static void kernel(const core::Context& context, const Primitive& primitive, core::Inputs ins, core::Outputs outs) {
    std::vector<Array> copies(ins.size()), x;
    for (std::size_t i = 0; i < ins.size(); ++i) x.push_back(core::row_major(context, *ins[i], copies[i]));
    for (Array& out : outs) context.allocate(out);
    static_cast<const UserKernel&>(primitive).run(0, x, std::vector<Array>(outs.begin(), outs.end()));
  }

 private:
  [[noreturn]] static void fail_without_rules() {
    core::fail("there is no rule for derivatives; give custom_primitive a .jvp, a .vjp or both");
  }

  void run(std::size_t batch, const std::vector<Array>& x, const std::vector<Array>& y) const {
    if (batch == batches_.size()) {
      std::vector<KernelInput> from;
      std::vector<KernelOutput> to;
      for (const Array& in : x) from.push_back(seen_by_kernel<const std::byte>(in));
      for (const Array& out : y) to.push_back(seen_by_kernel<std::byte>(out));
      guarded([&] { rules_->kernel(from, to); }, [](const char* what) { core::fail("the kernel failed: {}", what); });
      return;
    }
    for (std::int64_t i = 0; i < y[0].shape()[0]; ++i) {
      std::vector<Array> xi = x, yi;
      for (std::size_t k = 0; k < x.size(); ++k)
        if (batches_[batch][k]) xi[k] = example(x[k], i);
      for (const Array& out : y) yi.push_back(example(out, i));
      run(batch + 1, xi, yi);
    }
  }

  Rules rules_;
  Batches batches_;
};

}  // namespace

void add_user_kernel(DeviceType device) { core::add_kernel<UserKernel>(device, UserKernel::kernel); }

}  // namespace autodiff

void detail::check_kernel_reads(DType asked, DType dtype) {
  core::check(asked == dtype, "the kernel takes a {} array for {}; ask its dtype(), or let outputs refuse it", dtype, asked);
}

std::shared_ptr<const CustomRules> detail::checked(PrimitiveRules given, std::size_t outputs, Site site) {
  using namespace autodiff;
  const CallScope call("custom_primitive", site);
  check(!given.name.empty(), "there is no name; give one, for errors");
  check(static_cast<bool>(given.outputs), "{} has no outputs; give the shapes and dtypes of y from those of x", given.name);
  check(static_cast<bool>(given.kernel), "{} has no kernel; give what computes y from x", given.name);
  const auto rules = std::make_shared<const PrimitiveRules>(std::move(given));
  const core::PrimitiveRef primitive = core::make_primitive<UserKernel>(rules);
  CustomRules all;
  all.name = rules->name;
  all.forward = [=](CustomRules::List x) -> TensorList {
    const CallScope scope(CallScope::Override(), rules->name, site);
    return apply(primitive, output_specs(*rules, x, outputs), core::FixedList<Tensor, 2>(x));
  };
  all.outputs_like = [=](CustomRules::List x) {
    const CallScope scope(CallScope::Override(), rules->name, site);
    TensorList y;
    for (const Spec& spec : output_specs(*rules, x, outputs)) y.push_back(zeros(spec.shape, {.dtype = spec.dtype}));
    return y;
  };
  all.jvp = rules->jvp;
  all.vjp = rules->vjp;
  all.vmap = rules->vmap;
  return std::make_shared<const CustomRules>(std::move(all));
}

}  // namespace scangrad::inline v0
