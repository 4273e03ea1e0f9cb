#include "cpu/backend.h"
#include "ops/shape.h"

namespace scangrad::inline v0::cpu {

void register_backend() {
  core::set_thread_pool(DeviceType::cpu, eigen_thread_pool());
  ops::add_view_kernels(DeviceType::cpu);
  register_elementwise();
  register_reductions();
  register_movement();
  register_indexing();
  register_matmul();
  register_search();
  register_factorizations();
  register_solvers();
  register_random();
  register_scans();
  register_fused_scans();
  register_carried_scans();
}

}  // namespace scangrad::inline v0::cpu
