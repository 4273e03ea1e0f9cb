// The hot kernels of one level. This file and complex_kernels.cpp are compiled once for each level: SCANGRAD_LEVEL names it.

#include <type_traits>

#include "cpu/simd/back_columns.h"
#include "cpu/simd/complex_kernels.h"
#include "cpu/simd/extremes_back.h"
#include "cpu/simd/lse_adjoint_columns.h"
#include "cpu/simd/lse_rows.h"
#include "cpu/simd/monoids.h"
#include "cpu/simd/short_rows.h"
#include "cpu/simd/stepwise.h"
#include "cpu/simd/traverse.h"

namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL {
namespace {

/// A rule as a value.
template <template <bool> class Rule>
struct Named {};

template <class T>
constexpr void fill(HotKernels& table, int dtype) {
  constexpr bool full = is_full<T>;
  const auto set = [&](HotScan scan, ScanKernel row, ScanKernel columns, ScanKernel short_row = nullptr) {
    table.rows[static_cast<int>(scan)][dtype] = row;
    table.columns[static_cast<int>(scan)][dtype] = columns;
    table.short_rows[static_cast<int>(scan)][dtype] = short_row;
  };
  const auto set_steps = [&]<class Step>(std::type_identity<Step>, HotScan scan, ScanKernel row) {
    set(scan, row, step_columns<Step, T>, short_rows<Step, T>);
  };
  const auto set_monoid = [&]<class M>(std::type_identity<M>, HotScan scan) {
    set_steps(std::type_identity<MonoidStep<M>>(), scan, scan_row<M, T>);
  };
  const auto set_tangent = [&]<template <bool> class Rule>(Named<Rule>, HotScan scan) {
    set_steps(std::type_identity<TangentStep<Rule<full>, full>>(), scan, tangent_row<Rule, T>);
  };
  const auto set_back = [&]<template <bool> class Rule>(Named<Rule>, HotScan scan) {
    set(scan, back_row<Rule, T>, back_columns<Rule, T>, short_rows_back<Rule, T>);
  };
  const auto set_extreme = [&]<bool largest>(std::bool_constant<largest>, HotScan scan, HotScan with_tangent, HotScan back) {
    using V = ElementsOf<T>;
    set_steps(std::type_identity<ExtremeStep<largest, false, V>>(), scan, extreme_row<largest, false, T>);
    // Short rows and their tangents in doubles: in floats there would be more rows at a time than the caches like.
    set(with_tangent, extreme_row<largest, true, T>, step_columns<ExtremeStep<largest, true, V>, T>,
        short_rows<ExtremeStep<largest, true, D>, T>);
    set(back, extreme_back_row<largest, T>, back_columns<ExtremeBack<largest>::template Rule, T>,
        short_rows_back<ExtremeBack<largest>::template Rule, T>);
  };
  set_monoid(std::type_identity<Sum<full>>(), HotScan::cumsum);
  set_monoid(std::type_identity<Product<full>>(), HotScan::cumprod);
  set_monoid(std::type_identity<Affine<full>>(), HotScan::linear_recurrence);
  set_tangent(Named<ProductTangent>(), HotScan::cumprod_tangent);
  set_tangent(Named<RecurrenceTangent>(), HotScan::linear_recurrence_tangent);
  set_back(Named<ProductBack>(), HotScan::cumprod_back);
  set_back(Named<RecurrenceBack>(), HotScan::linear_recurrence_back);
  set_extreme(std::true_type(), HotScan::cummax, HotScan::cummax_tangent, HotScan::cummax_back);
  set_extreme(std::false_type(), HotScan::cummin, HotScan::cummin_tangent, HotScan::cummin_back);
  const auto set_lse = [&]<bool value, bool tangent>(HotScan scan) {
    set_steps(std::type_identity<LseStepOf<T, value, tangent>>(), scan, lse_row<T, value, tangent>);
  };
  set_lse.template operator()<true, false>(HotScan::logcumsumexp);
  set_lse.template operator()<false, true>(HotScan::logcumsumexp_mean);
  set_lse.template operator()<true, true>(HotScan::logcumsumexp_and_mean);
  constexpr auto adjoint = HotScan::logcumsumexp_adjoint;
  if constexpr (in_floats<T>) set(adjoint, lse_adjoint_row<T>, lse_adjoint_columns<T>, lse_adjoint_short_rows<T>);
  else set(adjoint, lse_adjoint_row<T>, lse_adjoint_columns<T>);
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
