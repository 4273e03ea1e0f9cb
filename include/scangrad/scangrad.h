#pragma once
// Everything but the opt-in headers (eigen.h).

#include "scangrad/autodiff.h"
#include "scangrad/io.h"
#include "scangrad/logsumexp.h"
#include "scangrad/memory.h"
#include "scangrad/ops.h"
#include "scangrad/scan.h"
#include "scangrad/version.h"
