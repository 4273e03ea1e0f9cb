#pragma once
// Everything but the opt-in headers (eigen.h, eigen_tensor.h, fmt.h).

#if __cplusplus < 202002L
#error "scangrad needs C++20: compile with -std=c++20, or target_link_libraries(... scangrad::scangrad) in CMake, which sets it"
#else

#include "scangrad/associative_scan.h"
#include "scangrad/autodiff.h"
#include "scangrad/check.h"
#include "scangrad/custom_primitive.h"
#include "scangrad/graph.h"
#include "scangrad/io.h"
#include "scangrad/jacobian.h"
#include "scangrad/linalg.h"
#include "scangrad/logsumexp.h"
#include "scangrad/loop.h"
#include "scangrad/memory.h"
#include "scangrad/mistakes.h"
#include "scangrad/ops.h"
#include "scangrad/optimize.h"
#include "scangrad/print.h"
#include "scangrad/random.h"
#include "scangrad/scan.h"
#include "scangrad/threads.h"
#include "scangrad/version.h"
#include "scangrad/vmap.h"

#endif
