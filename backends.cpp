// Which backends this build has. Explicit calls: the linker drops static initialisers.

#include "autodiff/program.h"

namespace scangrad::inline v0 {

namespace cpu {
void register_backend();
}

void core::register_backends() {
  cpu::register_backend();
  autodiff::add_program_kernels(DeviceType::cpu);
}

}  // namespace scangrad::inline v0
