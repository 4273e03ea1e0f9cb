// sin, cos and atan2 of cpu/simd/complex_math.h as one level has them. Compiled once for each: SCANGRAD_LEVEL names it.

#include "cpu/simd/complex_math.h"

namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL {
namespace {

template <bool full>
void cos_sins(const double* x, double* c, double* s, std::int64_t count) {
  for (std::int64_t i = 0; i < count; i += lanes) {
    const CosSin both = cos_sin<full>(load(x + i));
    store(c + i, both.cos), store(s + i, both.sin);
  }
}
template <bool full>
void angles(const double* y, const double* x, double* angle, std::int64_t count) {
  for (std::int64_t i = 0; i < count; i += lanes) store(angle + i, atan2<full>(load(y + i), load(x + i)));
}

}  // namespace

void test_cos_sin(bool full, const double* x, double* c, double* s, std::int64_t count) {
  (full ? cos_sins<true> : cos_sins<false>)(x, c, s, count);
}
void test_atan2(bool full, const double* y, const double* x, double* angle, std::int64_t count) {
  (full ? angles<true> : angles<false>)(y, x, angle, count);
}

}  // namespace scangrad::inline v0::cpu::SCANGRAD_LEVEL
