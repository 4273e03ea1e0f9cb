#pragma once
// The CPU's kernels. Eigen and threads live in this folder only.

#include <type_traits>

#include "core/dtype_visit.h"
#include "core/error.h"
#include "core/kernel_table.h"
#include "core/lanes.h"

namespace scangrad::inline v0::cpu {

using core::Array;
using core::Context;
using core::Inputs;
using core::Lanes;
using core::Outputs;
using core::Primitive;
using core::TypeList;

void register_elementwise();
void register_reductions();
void register_movement();
void register_indexing();
void register_matmul();
void register_search();
void register_factorizations();
void register_solvers();
void register_random();
void register_scans();
void register_fused_scans();
void register_carried_scans();
core::ThreadPool& eigen_thread_pool();

/// Elements that are worth a piece of their own on another thread.
inline constexpr std::int64_t parallel_grain = 1 << 15;

/// f.operator()<T>() for the dtype, which the operation checked when the graph was built.
template <class List, class F>
void visit_checked(List list, DType dtype, const F& f) {
  if (!core::visit(list, dtype, f)) core::fail("dtype {} reached a kernel that has no code for it", dtype);
}

/// Lanes [begin, end) in pieces worth a thread each.
template <std::size_t N, class F>
void for_each_lane(const Context& context, const Lanes<N>& lanes, const F& f) {
  const std::int64_t grain = parallel_grain / std::max<std::int64_t>(lanes.length, 1);
  context.parallel_for(lanes.count(), grain, [&](std::int64_t begin, std::int64_t end) { lanes.for_each(begin, end, f); });
}

}  // namespace scangrad::inline v0::cpu
