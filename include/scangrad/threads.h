#pragma once
// How many threads the CPU's kernels use. Results do not depend on it: same inputs, same bits.
//
// Tensors may be shared between the program's own threads, and graphs built, evaluated and differentiated on several at once; what
// two of them need is computed once. A single Tensor variable follows the rules of any C++ object: no writing while another reads.

#include "scangrad/error.h"

namespace scangrad::inline v0 {

/// Threads, the calling one included: what set_num_threads said, else the environment's SCANGRAD_NUM_THREADS, else one for each
/// processor that the program may run on. Throws if the environment's is no number from 1 to 1024.
SCANGRAD_API int num_threads(Site site = Site::here());
/// From the next kernel on, for all threads of the program; 1 to 1024, else it throws.
SCANGRAD_API void set_num_threads(int count, Site site = Site::here());

}  // namespace scangrad::inline v0
