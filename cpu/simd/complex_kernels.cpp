// The hot kernels of complex dtypes, of one level: see kernels.cpp.

#include "cpu/simd/complex_kernels.h"

#include <type_traits>

#include "cpu/simd/complex_lse_rules.h"
#include "cpu/simd/complex_monoids.h"

namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL {
namespace {

template <HotScan scan, bool full>
struct RuleOf;
template <bool full>
struct RuleOf<HotScan::cumsum, full> : std::type_identity<ComplexScan<ComplexSum<full>>> {};
template <bool full>
struct RuleOf<HotScan::cumprod, full> : std::type_identity<ComplexScan<ComplexProduct<full>>> {};
template <bool full>
struct RuleOf<HotScan::linear_recurrence, full> : std::type_identity<ComplexScan<ComplexAffine<full>>> {};
template <bool full>
struct RuleOf<HotScan::logcumsumexp, full> : std::type_identity<ComplexLseScan<full, true, false>> {};
template <bool full>
struct RuleOf<HotScan::logcumsumexp_mean, full> : std::type_identity<ComplexLseScan<full, false, true>> {};
template <bool full>
struct RuleOf<HotScan::logcumsumexp_and_mean, full> : std::type_identity<ComplexLseScan<full, true, true>> {};
template <bool full>
struct RuleOf<HotScan::logcumsumexp_adjoint, full> : std::type_identity<ComplexLseAdjoint<full>> {};
template <bool full>
struct RuleOf<HotScan::cumprod_tangent, full> : std::type_identity<ComplexTangent<full, true>> {};
template <bool full>
struct RuleOf<HotScan::linear_recurrence_tangent, full> : std::type_identity<ComplexTangent<full, false>> {};
template <bool full>
struct RuleOf<HotScan::cumprod_back, full> : std::type_identity<ComplexBack<full, true>> {};
template <bool full>
struct RuleOf<HotScan::linear_recurrence_back, full> : std::type_identity<ComplexBack<full, false>> {};

}  // namespace

template <HotScan scan, class R, bool across>
void complex_kernel(const ScanJob& job) {
  run_complex<typename RuleOf<scan, is_full<R>>::type, R, across>(job);
}

#define SCANGRAD_COMPLEX_KERNEL(scan)                                         \
  template void complex_kernel<HotScan::scan, float, false>(const ScanJob&);  \
  template void complex_kernel<HotScan::scan, float, true>(const ScanJob&);   \
  template void complex_kernel<HotScan::scan, double, false>(const ScanJob&); \
  template void complex_kernel<HotScan::scan, double, true>(const ScanJob&);
SCANGRAD_COMPLEX_KERNEL(cumsum)
SCANGRAD_COMPLEX_KERNEL(cumprod)
SCANGRAD_COMPLEX_KERNEL(linear_recurrence)
SCANGRAD_COMPLEX_KERNEL(logcumsumexp)
SCANGRAD_COMPLEX_KERNEL(logcumsumexp_mean)
SCANGRAD_COMPLEX_KERNEL(logcumsumexp_and_mean)
SCANGRAD_COMPLEX_KERNEL(logcumsumexp_adjoint)
SCANGRAD_COMPLEX_KERNEL(cumprod_tangent)
SCANGRAD_COMPLEX_KERNEL(linear_recurrence_tangent)
SCANGRAD_COMPLEX_KERNEL(cumprod_back)
SCANGRAD_COMPLEX_KERNEL(linear_recurrence_back)
#undef SCANGRAD_COMPLEX_KERNEL

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
