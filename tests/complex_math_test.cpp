// sin, cos and atan2 of vectors on every level that the processor has, against long double: random arguments and those that are
// made to be hard.

#include <cmath>
#include <limits>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include "cpu/simd/levels.h"
#include "support/catch.h"

// Those of levels that this build does not have are null.
#define SCANGRAD_TESTED_LEVEL(level)                                                                             \
  namespace scangrad::inline v0::cpu::level {                                                                    \
  [[gnu::weak]] void test_cos_sin(bool full, const double* x, double* c, double* s, std::int64_t count);         \
  [[gnu::weak]] void test_atan2(bool full, const double* y, const double* x, double* angle, std::int64_t count); \
  }
SCANGRAD_TESTED_LEVEL(base)
SCANGRAD_TESTED_LEVEL(v2)
SCANGRAD_TESTED_LEVEL(v3)
SCANGRAD_TESTED_LEVEL(v4)

namespace {

namespace cpu = scangrad::cpu;
using real = long double;
using Doubles = std::vector<double>;
constexpr real half_pi = 1.57079632679489661923132169163975144L;
constexpr double inf = INFINITY, NaN = NAN;

struct Tested {
  std::string_view name;
  void (*cos_sin)(bool full, const double* x, double* c, double* s, std::int64_t count);
  void (*atan2)(bool full, const double* y, const double* x, double* angle, std::int64_t count);
};
std::vector<Tested> tested_levels() {
  using namespace scangrad::cpu;
  const Tested all[] = {{"base", base::test_cos_sin, base::test_atan2},
                        {"v2", v2::test_cos_sin, v2::test_atan2},
                        {"v3", v3::test_cos_sin, v3::test_atan2},
                        {"v4", v4::test_cos_sin, v4::test_atan2}};
  std::vector<Tested> result;
  for (const Tested& level : all)
    for (const cpu::Level& known : cpu::levels())
      if (known.available && known.name == level.name) result.push_back(level);
  return result;
}

/// In units of the last place of a double.
real ulps(double got, real want) {
  int exponent = 0;
  std::frexp(want, &exponent);
  return std::fabs(got - want) / std::ldexp(real(1), std::max(exponent - 53, -1074));
}

/// The full ones to `units` in the last place; the light ones to 2^-33 of 1 (angles: 2^-33 absolutely or of themselves).
void check(bool full, double got, real want, real units, real scale) {
  if (full ? ulps(got, want) <= units : std::fabs(got - want) <= 0x1p-33L * scale) return;
  FAIL_CHECK(got << " instead of " << static_cast<double>(want) << ", " << static_cast<double>(ulps(got, want)) << " ulp");
}

Doubles padded(Doubles x) {
  while (x.size() % 8 != 0) x.push_back(1);
  return x;
}

void check_angles(Doubles x, bool light) {
  x = padded(x);
  Doubles c(x.size()), s(x.size());
  for (const Tested& level : tested_levels())
    for (bool full : {true, false}) {
      if (!full && !light) continue;
      level.cos_sin(full, x.data(), c.data(), s.data(), static_cast<std::int64_t>(x.size()));
      for (std::size_t i = 0; i < x.size(); ++i) {
        INFO(level.name << (full ? " full" : " light") << ", angle " << x[i]);
        const real angle = x[i];
        check(full, c[i], std::cos(angle), 1, 1);
        check(full, s[i], std::sin(angle), 1, std::min<real>(1, std::fabs(angle)));
      }
    }
}

void check_quotients(Doubles y, Doubles x) {
  y = padded(y), x = padded(x);
  Doubles angle(x.size());
  for (const Tested& level : tested_levels())
    for (bool full : {true, false}) {
      level.atan2(full, y.data(), x.data(), angle.data(), static_cast<std::int64_t>(x.size()));
      for (std::size_t i = 0; i < x.size(); ++i) {
        INFO(level.name << (full ? " full" : " light") << ", atan2(" << y[i] << ", " << x[i] << ")");
        const real want = std::atan2(static_cast<real>(y[i]), static_cast<real>(x[i]));
        check(full, angle[i], want, 2, std::min<real>(1, std::fabs(want)));
        if (angle[i] != 0) CHECK(std::signbit(angle[i]) == std::signbit(y[i]));
      }
    }
}

}  // namespace

TEST_CASE("sin and cos of random angles of every size") {
  std::mt19937_64 generator(1);
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform(-1, 1);
  Doubles near, wide, tiny, huge;
  for (int i = 0; i < 20000; ++i) {
    near.push_back(3 * normal(generator));
    wide.push_back(uniform(generator) * 0x1p20);
    tiny.push_back(std::ldexp(uniform(generator), -static_cast<int>(generator() % 1060)));
    huge.push_back(std::ldexp(uniform(generator), 15 + static_cast<int>(generator() % 48)));
  }
  check_angles(near, true), check_angles(wide, true), check_angles(tiny, true), check_angles(huge, true);
}

TEST_CASE("sin and cos beside the multiples of pi / 2 keep all digits") {
  Doubles beside;
  for (int k = 1; k < 600000; k += 1 + k / 500)
    for (double sign : {1.0, -1.0}) {
      const double at = static_cast<double>(static_cast<real>(k) * half_pi);
      for (double x : {std::nextafter(at, 0.0), at, std::nextafter(at, inf)}) beside.push_back(sign * x);
    }
  check_angles(beside, false);
  Doubles single;  // light angles are float32
  for (double x : beside) single.push_back(static_cast<float>(x));
  check_angles(single, true);
}

TEST_CASE("particular angles") {
  const Doubles x = padded({0.0, inf, -inf, NaN, 0x1p20, 0x1.fffffp19, 5e-324, -1e300});
  Doubles c(x.size()), s(x.size());
  for (const Tested& level : tested_levels())
    for (bool full : {true, false}) {
      INFO(level.name << (full ? " full" : " light"));
      level.cos_sin(full, x.data(), c.data(), s.data(), static_cast<std::int64_t>(x.size()));
      CHECK((c[0] == 1 && s[0] == 0));
      for (std::size_t i : {1u, 2u, 3u}) CHECK((std::isnan(c[i]) && std::isnan(s[i])));
      CHECK(s[4] == Approx(std::sin(0x1p20)));
      CHECK(s[5] == Approx(std::sin(0x1.fffffp19)));
      CHECK(s[6] == 5e-324);
      CHECK(s[7] == Approx(std::sin(-1e300)));
    }
}

TEST_CASE("atan2 in every direction and of every size") {
  std::mt19937_64 generator(2);
  std::normal_distribution<double> normal;
  const auto scaled = [&](int reach) {
    return std::ldexp(normal(generator), static_cast<int>(generator() % static_cast<unsigned>(2 * reach + 1)) - reach);
  };
  Doubles y, x;
  for (int reach : {0, 20, 500})
    for (int i = 0; i < 20000; ++i) y.push_back(scaled(reach)), x.push_back(scaled(reach));
  for (double slope : {1.0, std::numbers::sqrt2 - 1, std::numbers::sqrt2 + 1})  // where the form changes
    for (int i = 0; i < 5000; ++i) {
      x.push_back(scaled(3));
      y.push_back(x.back() * slope * (1 + 1e-15 * normal(generator)));
    }
  check_quotients(y, x);
}

TEST_CASE("particular directions") {
  const Doubles y = padded({0.0, -0.0, 0.0, -0.0, 1, -1, 5e-324, NaN}), x = padded({1, 1, -1, -1, 0, 0, -1, 1});
  Doubles angle(x.size());
  for (const Tested& level : tested_levels())
    for (bool full : {true, false}) {
      INFO(level.name << (full ? " full" : " light"));
      level.atan2(full, y.data(), x.data(), angle.data(), static_cast<std::int64_t>(x.size()));
      CHECK((angle[0] == 0 && !std::signbit(angle[0]) && angle[1] == 0 && std::signbit(angle[1])));
      CHECK((angle[2] == std::numbers::pi && angle[3] == -std::numbers::pi));
      CHECK((angle[4] == std::numbers::pi / 2 && angle[5] == -std::numbers::pi / 2));
      CHECK((angle[6] == std::numbers::pi && std::isnan(angle[7])));
    }
}
