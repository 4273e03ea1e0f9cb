// The laws of the monoids: the identity is neutral on both sides, combine is associative, and the earlier summary comes first.

#include "ops/scan/monoid.h"

#include "ops/scan/log_monoid.h"

#include "support/catch.h"

using namespace scangrad::ops;

namespace {

constexpr double inf = INFINITY, nan = NAN;
const double values[] = {0.5, -2.0, 3.0, 0.0, -inf, inf, nan};

bool same(double a, double b) { return a == b || (a != a && b != b) || std::abs(a - b) <= 1e-14 * std::abs(b); }

/// project(state) is what two summaries are compared by.
template <class State, class Combine, class Project>
void check_laws(const std::vector<State>& states, State identity, const Combine& combine, const Project& project) {
  for (const State& a : states) {
    CHECK(same(project(combine(identity, a)), project(a)));
    CHECK(same(project(combine(a, identity)), project(a)));
    for (const State& b : states)
      for (const State& c : states) CHECK(same(project(combine(combine(a, b), c)), project(combine(a, combine(b, c)))));
  }
}

template <class M>
void check_monoid() {
  std::vector<typename M::State> states;
  for (double x : values) states.push_back(M::lift(x));
  check_laws(states, M::identity(), M::combine, M::project);
}

template <bool largest>
void check_extreme() {
  using M = ExtremeMonoid<double, largest>;
  std::vector<typename M::State> states;
  std::int64_t index = 0;
  for (double x : values) states.push_back(M::lift(x, index++));
  check_laws(states, M::identity(), M::combine, M::project);
  check_laws(states, M::identity(), M::combine, [](auto s) { return static_cast<double>(s.index); });
  CHECK(M::combine(M::lift(1.0, 3), M::lift(1.0, 7)).index == 7);  // ties go to the later one
  CHECK(M::combine(M::lift(nan, 3), M::lift(nan, 7)).index == 3);  // the first NaN stays
}

}  // namespace

TEST_CASE("sums, products and extremes") {
  check_monoid<SumMonoid<double>>();
  check_monoid<ProductMonoid<double>>();
  check_extreme<true>();
  check_extreme<false>();
}

TEST_CASE("log sum exp and the weighted mean") {
  check_monoid<LogSumExpMonoid<double>>();
  using M = WeightedMeanMonoid<double>;
  std::vector<M::State> states;
  for (double x : values)
    for (double t : {1.0, -3.0}) states.push_back(M::lift(x, t));
  check_laws(states, M::identity(), M::combine, M::project);
}

TEST_CASE("a weight is 0 beside +inf, and otherwise positive however small") {
  using M = WeightedMeanMonoid<double>;
  const auto joined = [](M::State a, M::State b) { return M::project(M::combine(a, b)); };
  for (double other : {inf, -inf}) {
    CHECK(joined(M::lift(0.0, other), M::lift(2000.0, 1.0)) == other);
    CHECK(joined(M::lift(2000.0, 1.0), M::lift(0.0, other)) == other);
  }
  for (double t : {inf, double{NAN}, 3.0}) {
    CHECK(joined(M::lift(0.0, t), M::lift(inf, 2.0)) == 2);
    CHECK(joined(M::lift(inf, 2.0), M::lift(0.0, t)) == 2);
  }
}

TEST_CASE("affine maps do not commute: the earlier one is applied first") {
  using M = AffineMonoid<std::int64_t>;
  std::vector<M::State> maps;
  for (std::int64_t a : {-2, 0, 1, 3})
    for (std::int64_t b : {-1, 0, 5}) maps.push_back(M::lift(a, b));
  for (const auto& f : maps)
    for (const auto& g : maps) {
      CHECK(M::apply(M::combine(f, g), 7) == M::apply(g, M::apply(f, 7)));
      for (const auto& h : maps)
        CHECK(M::apply(M::combine(M::combine(f, g), h), 7) == M::apply(M::combine(f, M::combine(g, h)), 7));
    }
  CHECK(M::apply(M::identity(), 7) == 7);
}
