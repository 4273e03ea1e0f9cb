#include "ops/logsumexp/logsumexp.h"

#include <limits>

#include "scangrad/logsumexp.h"

namespace scangrad::inline v0 {
namespace ops {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

template <class P>
Tensor linear(const Tensor& x, const Tensor& t, const Dims& axes) {
  return apply(make_primitive<P>(axes), core::node_of(x).value.spec, {x, t});
}
Tensor times(const Tensor& x, const Tensor& t, const Dims& axes) { return linear<SoftmaxTimes>(x, t, axes); }
Tensor jacobian(const Tensor& x, const Tensor& t, const Dims& axes) { return linear<SoftmaxJacobian>(x, t, axes); }

Tensor sum_over(const Tensor& v, const Dims& axes) { return spread(reduce<Sum>(v, axes, false), axes, shape_of(v)); }
Tensor largest_of(const Tensor& x, const Dims& axes) { return spread(reduce<Max>(x, axes, false), axes, shape_of(x)); }

/// v where x has a weight that is not exactly 0.
Tensor where_weighed(const Tensor& x, const Tensor& v, const Dims& axes) {
  const Tensor largest = largest_of(x, axes);
  return where(where(largest == infinity, x == infinity, x != -infinity), v, 0);
}

/// t - <p, t>. t is first taken relative to its value where x is largest: the result is the same, and keeps its digits where that
/// element has all the weight.
Tensor centered(const Tensor& x, const Tensor& t, const Dims& axes) {
  const Tensor top = x == largest_of(x, axes);
  const Tensor relative = t - sum_over(where(top, t, 0), axes) / sum_over(astype(top, dtype_of_tensor(t)), axes);
  return relative - sum_over(times(x, relative, axes), axes);
}

}  // namespace

MaybeTensors LogSumExp::jvp(Ins ins, Outs, Tangents t) const {
  if (ins[0].size() == 0) return {std::nullopt};
  return {reduce<Sum>(times(ins[0], *t[0], axes), axes, false)};
}

MaybeTensors LogSumExp::vjp(Ins ins, Outs, Tangents g, WantedMask) const {
  if (ins[0].size() == 0) return {std::nullopt};
  return {times(ins[0], spread(*g[0], axes, ins[0].shape()), axes)};
}

MaybeTensors SoftmaxTimes::jvp(Ins ins, Outs, Tangents t) const {
  const Tensor& x = ins[0];
  return {sum_of(map(t[0], [&](const Tensor& dx) { return where_weighed(x, jacobian(x, dx, axes) * ins[1], axes); }),
                 map(t[1], [&](const Tensor& dt) { return times(x, dt, axes); }))};
}

MaybeTensors SoftmaxTimes::vjp(Ins ins, Outs, Tangents g, WantedMask wanted) const {
  const Tensor& x = ins[0];
  MaybeTensors result(2);
  if (wanted[0]) result[0] = jacobian(x, where_weighed(x, *g[0] * ins[1], axes), axes);
  if (wanted[1]) result[1] = times(x, *g[0], axes);
  return result;
}

MaybeTensors SoftmaxJacobian::jvp(Ins ins, Outs, Tangents t) const {
  const Tensor& x = ins[0];
  return {sum_of(map(t[0],
                     [&](const Tensor& dx) {
                       const Tensor both = centered(x, ins[1], axes) * centered(x, dx, axes);
                       return jacobian(x, where_weighed(x, both, axes), axes);
                     }),
                 map(t[1], [&](const Tensor& dt) { return jacobian(x, dt, axes); }))};
}

// <g, J(u v)> = <(J g) u, v>, and v = dx - <p, dx>
MaybeTensors SoftmaxJacobian::vjp(Ins ins, Outs, Tangents g, WantedMask wanted) const {
  const Tensor& x = ins[0];
  MaybeTensors result(2);
  if (wanted[0]) {
    const Tensor of_v = where_weighed(x, jacobian(x, *g[0], axes) * centered(x, ins[1], axes), axes);
    result[0] = of_v - times(x, sum_over(of_v, axes), axes);
  }
  if (wanted[1]) result[1] = jacobian(x, *g[0], axes);
  return result;
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
