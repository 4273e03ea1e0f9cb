// logcumsumexp and its means where the first element of each lane counts several times: a scan that starts from that element.

#include "cpu/hot_carry.h"
#include "cpu/hot_scan.h"

namespace scangrad::inline v0::cpu {
namespace {

std::size_t axis_of(const HotCall& call) { return static_cast<std::size_t>(call.order.axis); }

/// The first element of each lane in scan order, without the axis.
Array first_of(const Array& array, const HotCall& call) {
  const std::size_t axis = axis_of(call);
  std::vector<std::int64_t> shape(array.shape().begin(), array.shape().end());
  Array first = array;
  if (call.order.reverse) first.offset += (shape[axis] - 1) * array.strides[axis];
  shape.erase(shape.begin() + call.order.axis);
  first.spec.shape = Shape(shape);
  first.strides = Strides(shape.size(), 0);
  for (std::size_t i = 0; i < shape.size(); ++i) first.strides[i] = array.strides[i < axis ? i : i + 1];
  first.dense = false;
  return first;
}
/// All others.
Array rest_of(const Array& array, const HotCall& call) {
  const std::size_t axis = axis_of(call);
  Array rest = array;
  if (!call.order.reverse) rest.offset += array.strides[axis];
  --rest.spec.shape[axis];
  rest.dense = false;
  return rest;
}

/// What the first output of a lane is, given its first element x, of which there are `times`, its tangent or cotangent v, and what
/// the later outputs give to x.
double first_output(const HotCall& call, double x, double times, double v, double later) {
  const LogCarry carry{x, {times, 0}};
  const bool value = call.scan == HotScan::logcumsumexp, back = call.scan == HotScan::logcumsumexp_adjoint;
  if (carry.empty() || (call.order.exclusive && !back)) return value ? ops::minus_infinity : 0;
  if (value) return ops::log_relative(x, carry.s);
  if (std::isnan(x)) return x;
  return back ? (call.order.exclusive ? later : later + v) : v;
}

}  // namespace

void run_hot_with_head(const Context& context, const HotCall& call, const Array& head) {
  if (call.out[0]->size() == 0) return;
  const std::int64_t n = call.out[0]->shape()[axis_of(call)];
  const Array &x = *call.in[0], &v = call.in[1] != nullptr ? *call.in[1] : x;
  const Array first_x = first_of(x, call), first_v = first_of(v, call);
  Array first_out = first_of(*call.out[0], call), rest_out = rest_of(*call.out[0], call);
  const bool back = call.scan == HotScan::logcumsumexp_adjoint;
  if (n > 1) {
    const Array rest_x = rest_of(x, call), rest_v = rest_of(v, call);
    HotCall rest{.scan = call.scan, .order = call.order, .in = {&rest_x}, .out = {&rest_out}, .initial = {&first_x, &head}};
    if (call.in[1] != nullptr) rest.in[1] = &rest_v;
    if (call.scan == HotScan::logcumsumexp_mean) rest.initial[carried_tangent] = &first_v;
    if (back) rest.initial_cotangent = &first_out;
    run_hot(context, rest);
  }
  const auto lanes =
      Lanes<4>::elementwise(first_out.shape(), {first_x.strides, head.strides, first_v.strides, first_out.strides});
  core::visit(core::Floats{}, first_out.dtype(), [&]<class T>() {
    const auto at = [](const Array& array, std::int64_t i) { return core::convert<double>(array.data<T>()[i]); };
    lanes.for_each(0, lanes.count(), [&](auto i) {
      for (std::int64_t k = 0; k < lanes.length; ++k) {
        const double later = back && n > 1 ? at(first_out, i[3]) : 0;
        const double y = first_output(call, at(first_x, i[0]), at(head, i[1]), at(first_v, i[2]), later);
        first_out.data<T>()[i[3]] = core::convert<T>(y);
        for (std::size_t a = 0; a < 4; ++a) i[a] += lanes.step[a];
      }
    });
  });
}

}  // namespace scangrad::inline v0::cpu
