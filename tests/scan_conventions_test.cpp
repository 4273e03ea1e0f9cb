// What the scans do where mathematics leaves a choice: zeros, ties, infinities, NaN.

#include "support/catch.h"
#include "support/typed.h"

namespace {

using namespace test;
using Scan = Tensor (*)(const sg::Operand&, const sg::ScanOptions&);

const sg::ScanOptions forward{}, exclusive{.exclusive = true}, reverse{.reverse = true},
    reverse_exclusive{.reverse = true, .exclusive = true};

Operation scan(Scan f, const sg::ScanOptions& options) {
  return [=](const Tensors& x) { return f(x[0], options); };
}

const Values ones3 = {1, 1, 1}, ones4 = {1, 1, 1, 1}, ones5 = {1, 1, 1, 1, 1};

TEST_CASE("cumprod with zeros: no factor is divided out") {
  const auto gradient = [](const char* name, const sg::ScanOptions& options, const Values& x, const Values& gx) {
    check({.name = name, .f = scan(sg::cumprod, options), .x = {x}, .g = Values(x.size(), 1), .gx = {gx}});
  };
  gradient("no zero", forward, {2, 1, 2, 2, 3}, {20, 38, 18, 16, 8});
  gradient("no zero, exclusive", exclusive, {2, 1, 2, 2, 3}, {8, 14, 6, 4, 0});
  gradient("no zero, reverse", reverse, {2, 1, 2, 2, 3}, {12, 36, 24, 27, 19});
  gradient("no zero, reverse exclusive", reverse_exclusive, {2, 1, 2, 2, 3}, {0, 12, 12, 15, 11});
  gradient("one zero", forward, {2, 0, 2, 2, 3}, {1, 38, 0, 0, 0});
  gradient("one zero, exclusive", exclusive, {2, 0, 2, 2, 3}, {1, 14, 0, 0, 0});
  gradient("one zero, reverse", reverse, {2, 0, 2, 2, 3}, {0, 36, 6, 9, 7});
  gradient("one zero, reverse exclusive", reverse_exclusive, {2, 0, 2, 2, 3}, {0, 12, 6, 9, 7});
  gradient("two zeros", forward, {2, 0, 2, 0, 3}, {1, 6, 0, 0, 0});
  gradient("two zeros, exclusive", exclusive, {2, 0, 2, 0, 3}, {1, 6, 0, 0, 0});
  gradient("two zeros, reverse", reverse, {2, 0, 2, 0, 3}, {0, 0, 0, 9, 1});
  gradient("two zeros, reverse exclusive", reverse_exclusive, {2, 0, 2, 0, 3}, {0, 0, 0, 9, 1});
  gradient("a zero inside (TensorFlow issue 3862)", forward, {2, 0, 3, 4}, {1, 32, 0, 0});
  gradient("a zero first", forward, {0, 2, 3}, {9, 0, 0});
  gradient("a zero last", forward, {2, 3, 0}, {4, 2, 6});
  gradient("zeros side by side", forward, {2, 0, 0, 3}, {1, 2, 0, 0});

  check({.name = "value and jvp",
         .f = scan(sg::cumprod, forward),
         .x = {{2, 0, 2, 2, 3}},
         .y = {2, 0, 0, 0, 0},
         .t = {ones5},
         .dy = {1, 2, 4, 8, 24}});
  check({.name = "jvp, two zeros",
         .f = scan(sg::cumprod, forward),
         .x = {{2, 0, 0, 3}},
         .y = {2, 0, 0, 0},
         .t = {ones4},
         .dy = {1, 2, 0, 0}});
  check({.name = "jvp, exclusive",
         .f = scan(sg::cumprod, exclusive),
         .x = {{0, 2, 3}},
         .y = {1, 0, 0},
         .t = {{1, 5, 5}},
         .dy = {0, 1, 2}});
}

TEST_CASE("cumprod of two rows that pass through zero has its second derivative (PyTorch issue 196701)") {
  const Tensor slope = {{1.0, 1.0, -1.0}, {1.0, 2.0, 1.0}}, offset = {{0.0, 1.0, 2.0}, {-1.0, 1.0, 3.0}};
  const Tensor weights = {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}};
  check_expansion([&](const Tensor& t) { return sg::sum(weights * sg::cumprod(slope * t + offset)); }, 1, {11, 101, 144}, 0);
}

TEST_CASE("the second derivative of cumprod sees both zeros") {
  const Tensor x = {2.0, 0.0, 0.0, 3.0}, second = {0.0, 1.0, 0.0, 0.0}, third = {0.0, 0.0, 1.0, 0.0};
  const auto product = [](const Tensor& at) { return sg::cumprod(at); };
  const auto along_second = [&](const Tensor& at) { return sg::jvp(product, {at}, {second}).tangent; };
  CHECK(sg::jvp(along_second, {x}, {third}).tangent.to_vector<double>() == Values{0, 0, 2, 6});
  CHECK(sg::vjp(along_second, {x}).pullback(sg::ones({4})).to_vector<double>() == Values{1, 0, 8, 0});
}

TEST_CASE("cummax and cummin: a tie belongs to its last element in scan order") {
  const Values x = {3, 3, 1, 5, 5}, weighted = {10, 1, 1, 100, 1000};
  const auto gradient = [&](const char* name, Scan f, const sg::ScanOptions& options, const Values& g, const Values& gx) {
    check({.name = name, .f = scan(f, options), .x = {x}, .g = g, .gx = {gx}});
  };
  gradient("cummax", sg::cummax, forward, ones5, {1, 2, 0, 1, 1});
  gradient("cummax exclusive", sg::cummax, exclusive, ones5, {1, 2, 0, 1, 0});
  gradient("cummax reverse", sg::cummax, reverse, ones5, {0, 0, 0, 4, 1});
  gradient("cummax reverse exclusive", sg::cummax, reverse_exclusive, ones5, {0, 0, 0, 3, 1});
  gradient("cummax weighted", sg::cummax, forward, weighted, {10, 2, 0, 100, 1000});
  gradient("cummin", sg::cummin, forward, ones5, {1, 1, 3, 0, 0});
  gradient("cummin exclusive", sg::cummin, exclusive, ones5, {1, 1, 2, 0, 0});
  gradient("cummin reverse", sg::cummin, reverse, ones5, {0, 0, 3, 1, 1});
  gradient("cummin reverse exclusive", sg::cummin, reverse_exclusive, ones5, {0, 0, 2, 1, 1});
  gradient("cummin weighted", sg::cummin, forward, weighted, {10, 1, 1101, 0, 0});

  check({.name = "tangents",
         .f = scan(sg::cummax, forward),
         .x = {x},
         .y = {3, 3, 3, 5, 5},
         .t = {{1, 2, 3, 4, 5}},
         .dy = {1, 2, 2, 4, 5}});
  check({.name = "tangents, reverse",
         .f = scan(sg::cummin, reverse),
         .x = {x},
         .y = {1, 1, 1, 5, 5},
         .t = {{1, 2, 3, 4, 5}},
         .dy = {3, 3, 3, 4, 5}});
  check({.name = "infinities",
         .f = scan(sg::cummax, forward),
         .x = {{-inf, -inf, inf, inf}},
         .y = {-inf, -inf, inf, inf},
         .g = ones4,
         .gx = {ones4}});
}

TEST_CASE("cummax and cummin: ties in rows and columns, and in second derivatives") {
  const Tensor rows = {{1.0, 3.0, 3.0}, {4.0, 2.0, 4.0}};
  const auto pull = [&](Scan f, const sg::ScanOptions& options) {
    return sg::vjp([&](const Tensor& at) { return f(at, options); }, {rows}).pullback(sg::ones({2, 3})).to_vector<double>();
  };
  CHECK(pull(sg::cummax, {.axis = 1}) == Values{1, 1, 1, 2, 0, 1});
  CHECK(pull(sg::cummax, {.axis = 1, .exclusive = true}) == Values{1, 1, 0, 2, 0, 0});
  CHECK(pull(sg::cummin, {.axis = 0}) == Values{2, 1, 2, 0, 1, 0});

  const auto energy = [](const Tensor& at) { return sg::sum(sg::square(sg::cummax(at))); };
  const Tensor H = sg::hessian(energy)(Tensor({3.0, 3.0, 1.0, 5.0, 5.0}));
  CHECK(same_bits(H, sg::eye(5) * Tensor({2.0, 4.0, 0.0, 2.0, 2.0})));
}

TEST_CASE("cummax and cummin: NaN stays from where it stands, and holds the derivative") {
  check({.name = "cummax",
         .f = scan(sg::cummax, forward),
         .x = {{1, 3, NaN, 5, NaN}},
         .y = {1, 3, NaN, NaN, NaN},
         .t = {{1, 2, 3, 4, 5}},
         .dy = {1, 2, 3, 3, 3},
         .g = ones5,
         .gx = {{1, 1, 3, 0, 0}}});
  check({.name = "exclusive",
         .f = scan(sg::cummax, exclusive),
         .x = {{1, 3, NaN, 5, 4}},
         .y = {-inf, 1, 3, NaN, NaN},
         .t = {{1, 2, 3, 4, 5}},
         .dy = {0, 1, 2, 3, 3},
         .g = ones5,
         .gx = {{1, 1, 2, 0, 0}}});
  check({.name = "reverse",
         .f = scan(sg::cummin, reverse),
         .x = {{1, 3, NaN, 5, 4}},
         .y = {NaN, NaN, NaN, 4, 4},
         .g = ones5,
         .gx = {{0, 0, 3, 0, 2}}});
  check({.name = "all kinds, cummax",
         .f = scan(sg::cummax, forward),
         .x = {{4, inf, 1.5, -inf, 0, NaN, 1}},
         .y = {4, inf, inf, inf, inf, NaN, NaN}});
  check({.name = "all kinds, cummin",
         .f = scan(sg::cummin, forward),
         .x = {{4, inf, 1.5, -inf, 0, NaN, 1}},
         .y = {4, 4, 1.5, -inf, -inf, NaN, NaN}});
}

TEST_CASE("exclusive scans start from the identity, in every dtype") {
  const Tensor integers = {5, 7}, numbers = {5.0, 7.0};
  constexpr std::int64_t lowest = INT64_MIN, highest = INT64_MAX;
  using Integers = std::vector<std::int64_t>;
  CHECK(sg::cumsum(integers, exclusive).to_vector<std::int64_t>() == Integers{0, 5});
  CHECK(sg::cumprod(integers, exclusive).to_vector<std::int64_t>() == Integers{1, 5});
  CHECK(sg::cummax(integers, exclusive).to_vector<std::int64_t>() == Integers{lowest, 5});
  CHECK(sg::cummin(integers, exclusive).to_vector<std::int64_t>() == Integers{highest, 5});
  CHECK(sg::linear_recurrence(integers, integers, Tensor(3), exclusive).to_vector<std::int64_t>() == Integers{3, 20});
  CHECK(sg::cummax(numbers, exclusive).to_vector<double>() == Values{-inf, 5});
  CHECK(sg::cummin(numbers, exclusive).to_vector<double>() == Values{inf, 5});
  CHECK(sg::logcumsumexp(numbers, exclusive).to_vector<double>() == Values{-inf, 5});
  CHECK(sg::linear_recurrence(numbers, numbers, exclusive).to_vector<double>() == Values{0, 5});
}

TEST_CASE("scans of integers wrap, and those of bool count") {
  using Integers = std::vector<std::int64_t>;
  constexpr std::int64_t half = std::int64_t{1} << 62;
  CHECK(sg::cumsum(Tensor({INT64_MAX, std::int64_t{1}, std::int64_t{-1}})).to_vector<std::int64_t>() ==
        Integers{INT64_MAX, INT64_MIN, INT64_MAX});
  CHECK(sg::cumprod(Tensor({half, std::int64_t{2}, std::int64_t{2}})).to_vector<std::int64_t>() ==
        Integers{half, INT64_MIN, 0});
  CHECK(sg::linear_recurrence(Tensor({0, 2}), Tensor({INT64_MAX, std::int64_t{3}})).to_vector<std::int64_t>() ==
        Integers{INT64_MAX, 1});
  CHECK(sg::cumsum(Tensor({true, false, true})).to_vector<std::int64_t>() == Integers{1, 1, 2});
}

}  // namespace

TEST_CASE("an exclusive scan does not use its last element, in second derivatives either") {
  for (const bool reverse : {false, true})
    for (const double bad : {double{INFINITY}, double{NAN}}) {
      const sg::ScanOptions options{.reverse = reverse, .exclusive = true};
      const Tensor x = reverse ? Tensor{bad, 3.0, 2.0} : Tensor{2.0, 3.0, bad}, t = {1.0, -2.0, 0.5}, g = {0.5, 1.0, 3.0};
      const auto product = [&](const Tensor& at) { return sg::cumprod(at, options); };
      const auto recurrence = [&](const Tensor& at) { return sg::linear_recurrence(at, at, 1.0, options); };
      const auto check = [&](const auto& f) {
        const auto pushed = [&](const Tensor& at) { return sg::jvp(f, {at}, {t}).tangent; };
        const auto pulled = [&](const Tensor& at) { return sg::vjp(f, {at}).pullback(g); };
        for (const Tensor& second : {sg::jvp(pushed, {x}, {t}).tangent, sg::vjp(pushed, {x}).pullback(g),
                                     sg::jvp(pulled, {x}, {t}).tangent, sg::vjp(pulled, {x}).pullback(t)})
          for (const double value : second.to_vector<double>()) CHECK(std::isfinite(value));
      };
      check(product);
      check(recurrence);
    }
}
