// The fused derivatives of the scans (ops/scan/fused.h): value and tangent on one way forwards, cotangents on the way back, by the hot
// kernels (cpu/simd).

#include "cpu/scan_lanes.h"
#include "ops/scan/fused.h"

namespace scangrad::inline v0::cpu {
namespace {

void allocate_all(const Context& context, Outputs outs) {
  for (Array& out : outs) context.allocate(out);
}

// dy_k = x_k dy_{k-1} + y_{k-1} t_k
void cumprod_jvp(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  allocate_all(context, outs);
  run_hot(context, {.scan = HotScan::cumprod_tangent,
                    .order = order_of(primitive),
                    .in = {ins[0], ins[1]},
                    .out = {&outs[0], &outs[1]},
                    .first = {1, 0}});
}

void cumextreme_jvp(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  const auto& scan = static_cast<const ops::CumExtremeJvp&>(primitive);
  allocate_all(context, outs);
  run_hot(context, {.scan = scan.largest ? HotScan::cummax_tangent : HotScan::cummin_tangent,
                    .order = scan.order,
                    .in = {ins[0], ins[1]},
                    .out = {&outs[0], &outs[1]},
                    .first = {scan.largest ? -INFINITY : INFINITY, 0}});
}

void logcumsumexp_jvp(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  allocate_all(context, outs);
  run_hot(context, {.scan = HotScan::logcumsumexp_and_mean,
                    .order = order_of(primitive),
                    .in = {ins[0], ins[1]},
                    .out = {&outs[0], &outs[1]},
                    .first = {-INFINITY, 0}});
}

// dh_k = a_k dh_{k-1} + (da_k h_{k-1} + db_k)
void linear_recurrence_jvp(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  allocate_all(context, outs);
  const std::size_t n = ins.size() / 2;
  run_hot(context, {.scan = HotScan::linear_recurrence_tangent,
                    .order = order_of(primitive),
                    .in = {ins[0], ins[1], ins[n], ins[n + 1]},
                    .out = {&outs[0], &outs[1]},
                    .initial = {n == 3 ? ins[2] : nullptr, nullptr, nullptr, n == 3 ? ins[n + 2] : nullptr},
                    .carry_part = recurrence_parts(outs[0].dtype())});
}

// R_k = g_k + conj(x_{k+1}) R_{k+1}, gx_k = conj(p_k) R_k, with p the products before k. Of an exclusive scan, element k meets the
// cotangent of the next output, and the last element none.
void cumprod_vjp(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  context.allocate(outs[0]);
  run_hot(context, {.scan = HotScan::cumprod_back, .order = order_of(primitive), .in = {ins[0], ins[1]}, .out = {&outs[0]}});
}

void cumextreme_vjp(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  const auto& scan = static_cast<const ops::CumExtremeVjp&>(primitive);
  context.allocate(outs[0]);
  run_hot(context, {.scan = scan.largest ? HotScan::cummax_back : HotScan::cummin_back,
                    .order = scan.order,
                    .in = {ins[0], ins[1]},
                    .out = {&outs[0]}});
}

// D_k = g_k + conj(a_{k+1}) D_{k+1}; gb = D, ga_k = D_k conj(h_{k-1}), ginitial = conj(a_1) D_1 (and g_1 of an exclusive scan)
void linear_recurrence_vjp(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  const bool has_initial = outs.size() == 3;
  if (has_initial) outs[2].strides = core::dense_strides(outs[2].shape());
  allocate_all(context, outs);
  run_hot(context, {.scan = HotScan::linear_recurrence_back,
                    .order = order_of(primitive),
                    .in = {ins[0], ins[1], ins.back()},
                    .out = {&outs[0], &outs[1]},
                    .initial = {has_initial ? ins[2] : nullptr},
                    .carry_part = recurrence_parts(outs[0].dtype()),
                    .initial_cotangent = has_initial ? &outs[2] : nullptr});
}

}  // namespace

void register_fused_scans() {
  core::add_kernel<ops::CumProdJvp>(DeviceType::cpu, cumprod_jvp);
  core::add_kernel<ops::CumProdVjp>(DeviceType::cpu, cumprod_vjp);
  core::add_kernel<ops::CumExtremeJvp>(DeviceType::cpu, cumextreme_jvp);
  core::add_kernel<ops::CumExtremeVjp>(DeviceType::cpu, cumextreme_vjp);
  core::add_kernel<ops::LinearRecurrenceJvp>(DeviceType::cpu, linear_recurrence_jvp);
  core::add_kernel<ops::LinearRecurrenceVjp>(DeviceType::cpu, linear_recurrence_vjp);
  core::add_kernel<ops::LogCumSumExpJvp>(DeviceType::cpu, logcumsumexp_jvp);
}

}  // namespace scangrad::inline v0::cpu
