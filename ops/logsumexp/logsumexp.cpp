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

/// Which elements have a weight that is not exactly 0.
Tensor weighted(const Tensor& x, const Dims& axes) {
  const Tensor largest = spread(reduce<Max>(x, axes, false), axes, shape_of(x));
  return where(largest == infinity, x == infinity, x != -infinity);
}

/// p t where there is a weight, 0 elsewhere.
Tensor weigh(const Tensor& p, const Tensor& t, const Tensor& mask) { return where(mask, p * t, 0); }

/// p (t - <p, t>): the Jacobian of softmax, which is its own adjoint.
MaybeTensors softmax_derivative(const Tensor& x, const Tensor& p, const Tensor& t, const Dims& axes) {
  const Tensor mask = weighted(x, axes);
  const Tensor mean = spread(reduce<Sum>(weigh(p, t, mask), axes, false), axes, shape_of(x));
  return {weigh(p, t - mean, mask)};
}

}  // namespace

MaybeTensors LogSumExp::jvp(Ins ins, Outs, Tangents t) const {
  if (ins[0].size() == 0) return {std::nullopt};
  return {reduce<Sum>(weigh(softmax(ins[0], axes), *t[0], weighted(ins[0], axes)), axes, false)};
}

MaybeTensors LogSumExp::vjp(Ins ins, Outs, Tangents g, WantedMask) const {
  if (ins[0].size() == 0) return {std::nullopt};
  return {weigh(softmax(ins[0], axes), spread(*g[0], axes, ins[0].shape()), weighted(ins[0], axes))};
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
