// Which backends this build has. Explicit calls: the linker drops static initialisers.

#include "core/kernel_table.h"

namespace scangrad::inline v0 {

namespace cpu {
void register_backend();
}

void core::register_backends() { cpu::register_backend(); }

}  // namespace scangrad::inline v0
