#include "core/debug.h"

#include <algorithm>
#include <cstdlib>

#include "core/dtype_visit.h"
#include "core/error.h"
#include "core/lanes.h"

namespace scangrad::inline v0::core {
namespace {

bool has_nan(const Array& x) {
  bool found = false;
  if (!x.storage || x.size() == 0) return false;
  visit(Every{}, x.dtype(), [&]<class T>() {
    const auto lanes = Lanes<1>::elementwise(x.shape(), {x.strides});
    lanes.for_each(0, lanes.count(), [&](auto at) {
      const T* first = x.data<T>() + at[0];
      for (std::int64_t i = 0; i < lanes.length; ++i) {
        const auto value = widen(first[i * lanes.step[0]]);
        found |= !(value == value);
      }
    });
  });
  return found;
}

}  // namespace

bool environment_flag(const char* name) noexcept {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' && std::string_view(value) != "0";
}

bool debug_nans() noexcept {
  static const bool on = environment_flag("SCANGRAD_DEBUG_NANS");
  return on;
}

void check_no_new_nans(std::string_view op, Inputs ins, Outputs outs) {
  if (std::any_of(ins.begin(), ins.end(), [](const Array* in) { return has_nan(*in); })) return;
  for (const Array& out : outs)
    check(!has_nan(out), "{} made a NaN of shape {} out of inputs without one (SCANGRAD_DEBUG_NANS); look at its inputs", op,
          out.shape());
}

}  // namespace scangrad::inline v0::core
