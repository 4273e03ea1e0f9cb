// The hot kernels of one level. This file and complex_kernels.cpp are compiled once for each level: SCANGRAD_LEVEL names it.

#include "cpu/simd/back.h"
#include "cpu/simd/complex_kernels.h"
#include "cpu/simd/extremes.h"
#include "cpu/simd/lse_adjoint_columns.h"
#include "cpu/simd/lse_rows.h"
#include "cpu/simd/monoids.h"
#include "cpu/simd/traverse.h"

namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL {
namespace {

template <class T>
constexpr void fill(HotKernels& table, int dtype) {
  constexpr bool full = is_full<T>;
  const auto set = [&](HotScan scan, ScanKernel row, ScanKernel columns) {
    table.rows[static_cast<int>(scan)][dtype] = row;
    table.columns[static_cast<int>(scan)][dtype] = columns;
  };
  set(HotScan::cumsum, scan_row<Sum<full>, T>, scan_columns<Sum<full>, T>);
  set(HotScan::cumprod, scan_row<Product<full>, T>, scan_columns<Product<full>, T>);
  set(HotScan::linear_recurrence, scan_row<Affine<full>, T>, scan_columns<Affine<full>, T>);
  set(HotScan::logcumsumexp, lse_row<T, true, false>, lse_across<T, true, false>);
  set(HotScan::logcumsumexp_mean, lse_row<T, false, true>, lse_across<T, false, true>);
  set(HotScan::logcumsumexp_and_mean, lse_row<T, true, true>, lse_across<T, true, true>);
  set(HotScan::logcumsumexp_adjoint, lse_adjoint_row<T>, lse_adjoint_columns<T>);
  set(HotScan::cumprod_tangent, tangent_row<ProductTangent, T>, tangent_columns<ProductTangent, T>);
  set(HotScan::linear_recurrence_tangent, tangent_row<RecurrenceTangent, T>, tangent_columns<RecurrenceTangent, T>);
  set(HotScan::cumprod_back, back_row<ProductBack, T>, back_columns<ProductBack, T>);
  set(HotScan::cummax_back, back_row<ExtremeBack<true>::Rule, T>, back_columns<ExtremeBack<true>::Rule, T>);
  set(HotScan::cummin_back, back_row<ExtremeBack<false>::Rule, T>, back_columns<ExtremeBack<false>::Rule, T>);
  set(HotScan::linear_recurrence_back, back_row<RecurrenceBack, T>, back_columns<RecurrenceBack, T>);
  if constexpr (full) {
    set(HotScan::cummax, scan_row<Extreme<true>, T>, scan_columns<Extreme<true>, T>);
    set(HotScan::cummin, scan_row<Extreme<false>, T>, scan_columns<Extreme<false>, T>);
    set(HotScan::cummax_tangent, scan_row<ExtremeTangent<true>, T>, scan_columns<ExtremeTangent<true>, T>);
    set(HotScan::cummin_tangent, scan_row<ExtremeTangent<false>, T>, scan_columns<ExtremeTangent<false>, T>);
  } else {
    set(HotScan::cummax, extreme_row<true, false, T>, extreme_columns<true, false, T>);
    set(HotScan::cummin, extreme_row<false, false, T>, extreme_columns<false, false, T>);
    set(HotScan::cummax_tangent, extreme_row<true, true, T>, extreme_columns<true, true, T>);
    set(HotScan::cummin_tangent, extreme_row<false, true, T>, extreme_columns<false, true, T>);
  }
}

template <class R>
constexpr void fill_complex(HotKernels& table, int dtype) {
  const auto set = [&]<int scan>() {
    if constexpr (is_complex_scan(HotScan{scan})) {
      table.rows[scan][dtype] = complex_kernel<HotScan{scan}, R, false>;
      table.columns[scan][dtype] = complex_kernel<HotScan{scan}, R, true>;
    }
  };
  [&]<int... scan>(std::integer_sequence<int, scan...>) { (set.template operator()<scan>(), ...); }
  (std::make_integer_sequence<int, hot_scan_count>());
}

constexpr HotKernels make_table() {
  HotKernels table{};
  table.wide = wide;
  fill<float16>(table, 0);
  fill<bfloat16>(table, 1);
  fill<float>(table, 2);
  fill<double>(table, 3);
  fill_complex<float>(table, 4);
  fill_complex<double>(table, 5);
  return table;
}

}  // namespace

extern const HotKernels hot_kernels;
constexpr HotKernels hot_kernels = make_table();

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
