#include "ops/logsumexp/logsumexp.h"

#include <limits>

#include "scangrad/logsumexp.h"

namespace scangrad::inline v0 {
namespace ops {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

Tensor softmax(const Tensor& x, const Dims& axes) {
  return apply(make_primitive<Softmax>(axes), core::node_of(x).value.spec, {x});
}

Tensor largest_of(const Tensor& x, const Dims& axes) { return spread(reduce<Max>(x, axes, false), axes, shape_of(x)); }

/// Which elements have a weight that is not exactly 0.
Tensor has_weight(const Tensor& x, const Tensor& largest) { return where(largest == infinity, x == infinity, x != -infinity); }

/// p (t - <p, t>): the Jacobian of softmax, which is its own adjoint. t is first taken relative to its value where x is largest:
/// the result is the same, and keeps its digits where that element has all the weight.
MaybeTensors softmax_derivative(const Tensor& x, const Tensor& p, const Tensor& t, const Dims& axes) {
  const auto sum_over = [&](const Tensor& v) { return spread(reduce<Sum>(v, axes, false), axes, shape_of(x)); };
  const Tensor largest = largest_of(x, axes), mask = has_weight(x, largest), top = x == largest;
  const Tensor pivot = sum_over(where(top, t, 0)) / sum_over(astype(top, dtype_of_tensor(t)));
  const Tensor relative = t - where(isfinite(pivot), pivot, 0);
  return {weighted(p, relative - sum_over(weighted(p, relative, mask)), mask)};
}

}  // namespace

MaybeTensors LogSumExp::jvp(Ins ins, Outs, Tangents t) const {
  if (ins[0].size() == 0) return {std::nullopt};
  return {reduce<Sum>(weighted(softmax(ins[0], axes), *t[0], has_weight(ins[0], largest_of(ins[0], axes))), axes, false)};
}

MaybeTensors LogSumExp::vjp(Ins ins, Outs, Tangents g, WantedMask) const {
  if (ins[0].size() == 0) return {std::nullopt};
  return {weighted(softmax(ins[0], axes), spread(*g[0], axes, ins[0].shape()), has_weight(ins[0], largest_of(ins[0], axes)))};
}

MaybeTensors Softmax::jvp(Ins ins, Outs outs, Tangents t) const { return softmax_derivative(ins[0], outs[0], *t[0], axes); }
MaybeTensors Softmax::vjp(Ins ins, Outs outs, Tangents g, WantedMask) const {
  return softmax_derivative(ins[0], outs[0], *g[0], axes);
}

}  // namespace ops

using namespace ops;

Tensor logsumexp(const Operand& x, const ReduceOptions& options) {
  const CallScope scope("logsumexp", x.site());
  const Tensor tensor = as_floating(x);
  check_dtype(core::Floats{}, dtype_of_tensor(tensor));
  return reduce<LogSumExp>(tensor, core::normalize_axes(options.axis, shape_of(tensor)), options.keepdims);
}

}  // namespace scangrad::inline v0
