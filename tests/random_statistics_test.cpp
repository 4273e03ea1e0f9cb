// Random numbers: what any good generator passes. Everything is deterministic: the limits (chances near 1e-4) are met by these keys, now
// and always.

#include <algorithm>
#include <cmath>
#include <numeric>

#include "support/catch.h"
#include "support/draws.h"

namespace {

/// How many deviations a chi-squared sum lies from its mean (Wilson and Hilferty).
double chi_squared_score(const Doubles& counts, const Doubles& expected) {
  double sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) sum += (counts[i] - expected[i]) * (counts[i] - expected[i]) / expected[i];
  const double k = static_cast<double>(counts.size()) - 1, w = 2 / (9 * k);
  return (std::cbrt(sum / k) - (1 - w)) / std::sqrt(w);
}
double chi_squared_score(const Doubles& counts) {
  const double mean = std::accumulate(counts.begin(), counts.end(), 0.0) / static_cast<double>(counts.size());
  return chi_squared_score(counts, Doubles(counts.size(), mean));
}

/// Kolmogorov and Smirnov: sqrt(n) times the largest distance between the empirical and the true distribution function.
template <class F>
double distance(Doubles x, const F& cdf) {
  std::sort(x.begin(), x.end());
  const auto n = static_cast<double>(x.size());
  double largest = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double p = cdf(x[i]), at = static_cast<double>(i);
    largest = std::max({largest, p - at / n, (at + 1) / n - p});
  }
  return std::sqrt(n) * largest;
}
constexpr double ks_limit = 2.2, deviations = 4;  // 1.2e-4 and 0.6e-4

double correlation(const Doubles& x, const Doubles& y) {
  const auto n = static_cast<double>(x.size());
  double sx = 0, sy = 0, xx = 0, yy = 0, xy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sx += x[i], sy += y[i], xx += x[i] * x[i], yy += y[i] * y[i], xy += x[i] * y[i];
  return (xy / n - sx / n * sy / n) / std::sqrt((xx / n - sx / n * sx / n) * (yy / n - sy / n * sy / n));
}
/// Correlation with oneself `lag` places on, in deviations.
double serial_score(const Doubles& x, std::size_t lag) {
  const auto shift = static_cast<std::ptrdiff_t>(lag);
  return correlation({x.begin(), x.end() - shift}, {x.begin() + shift, x.end()}) *
         std::sqrt(static_cast<double>(x.size() - lag));
}

double normal_cdf(double z) { return std::erfc(-z / std::sqrt(2.0)) / 2; }
double exponential_cdf(double x) { return -std::expm1(-x); }
double gumbel_cdf(double x) { return std::exp(-std::exp(-x)); }

}  // namespace

TEST_CASE("distribution functions: Kolmogorov-Smirnov and chi-squared") {
  const auto keys = rnd::split(rnd::key(2026), 4);
  constexpr std::int64_t n = 200'000;
  CHECK(distance(doubles(rnd::uniform(keys[0], {n})), [](double x) { return x; }) < ks_limit);
  CHECK(distance(doubles(rnd::normal(keys[1], {n})), normal_cdf) < ks_limit);
  CHECK(distance(doubles(rnd::exponential(keys[2], {n})), exponential_cdf) < ks_limit);
  CHECK(distance(doubles(rnd::gumbel(keys[3], {n})), gumbel_cdf) < ks_limit);
  // every one of the 2^8 values of bfloat16, and the 2^11 of float16
  for (const auto& [dtype, digits] : {std::pair{DType::float16, 11}, {DType::bfloat16, 8}}) {
    Doubles counts(std::size_t{1} << digits);
    for (const double x : doubles(rnd::uniform(keys[0], {n}, {.dtype = dtype})))
      ++counts.at(static_cast<std::size_t>(std::ldexp(x, digits)));
    CHECK(std::abs(chi_squared_score(counts)) < deviations);
  }
  // pairs and triples of neighbours fall evenly into squares and cubes
  const Doubles x = doubles(rnd::uniform(keys[0], {3 * n}));
  Doubles squares(64 * 64), cubes(16 * 16 * 16);
  for (std::size_t i = 0; i + 3 <= x.size(); i += 3) {
    ++squares.at(static_cast<std::size_t>(x[i] * 64) * 64 + static_cast<std::size_t>(x[i + 1] * 64));
    ++cubes.at((static_cast<std::size_t>(x[i] * 16) * 16 + static_cast<std::size_t>(x[i + 1] * 16)) * 16 +
               static_cast<std::size_t>(x[i + 2] * 16));
  }
  CHECK(std::abs(chi_squared_score(squares)) < deviations);
  CHECK(std::abs(chi_squared_score(cubes)) < deviations);
}

TEST_CASE("moments, tails and serial correlation") {
  constexpr std::int64_t n = 1'000'000;
  const Doubles z = doubles(rnd::normal(rnd::key(1), {n}));
  double moment[5] = {};
  std::int64_t beyond_4 = 0;
  for (const double x : z) {
    for (int k = 1; k <= 4; ++k) moment[k] += std::pow(x, k) / n;
    beyond_4 += std::abs(x) > 4;
  }
  const double root = std::sqrt(static_cast<double>(n));
  CHECK(std::abs(moment[1]) * root < deviations);
  CHECK(std::abs(moment[2] - 1) * root / std::sqrt(2.0) < deviations);
  CHECK(std::abs(moment[3]) * root / std::sqrt(15.0) < deviations);
  CHECK(std::abs(moment[4] - 3) * root / std::sqrt(96.0) < deviations);
  CHECK(std::abs(static_cast<double>(beyond_4) - 63.34) / std::sqrt(63.34) < deviations);
  const Doubles u = doubles(rnd::uniform(rnd::key(1), {n}));
  for (const std::size_t lag : {1, 2, 3, 4, 8, 16, 128, 1024}) {
    CHECK(std::abs(serial_score(z, lag)) < deviations);
    CHECK(std::abs(serial_score(u, lag)) < deviations);
  }
}

TEST_CASE("keys: neighbours, children and distributions are unrelated") {
  constexpr std::int64_t n = 100'000;
  const double root = std::sqrt(static_cast<double>(n));
  const Tensor key = rnd::key(100);
  const auto [left, right] = rnd::split(key);
  const Doubles own = doubles(rnd::uniform(key, {n}));
  const Doubles others[] = {doubles(rnd::uniform(rnd::key(101), {n})),
                            doubles(rnd::uniform(left, {n})),
                            doubles(rnd::uniform(right, {n})),
                            doubles(rnd::uniform(rnd::fold_in(key, 0), {n})),
                            doubles(rnd::normal(key, {n})),
                            doubles(rnd::gumbel(key, {n})),
                            doubles(sg::astype(rnd::bits(key, {n}), DType::float64)),
                            doubles(rnd::uniform(rnd::key(std::int64_t{100} << 32), {n}))};
  for (const Doubles& other : others) CHECK(std::abs(correlation(own, other)) * root < deviations);
  CHECK(std::abs(correlation(others[1], others[2])) * root < deviations);
  // Avalanche: one bit of the key, or of the position, changes each bit of a word in half of the cases.
  Doubles flips(64 * 64);
  constexpr int words = 4096;
  for (std::uint64_t w = 0; w < words; ++w)
    for (int bit = 0; bit < 64; ++bit) {
      const std::uint64_t changed =
          ops::random_word(w, ops::Stream::bits, 9) ^ ops::random_word(w ^ std::uint64_t{1} << bit, ops::Stream::bits, 9);
      for (int out = 0; out < 64; ++out)
        flips[static_cast<std::size_t>(64 * bit + out)] += static_cast<double>(changed >> out & 1);
    }
  for (const double count : flips) CHECK(std::abs(count - words / 2) < 5.5 * std::sqrt(words / 4));
  // The children of consecutive seeds are all different, and so are theirs.
  Integers children = integers(rnd::split(rnd::split(sg::arange(100), 100), 10));
  std::sort(children.begin(), children.end());
  CHECK(std::adjacent_find(children.begin(), children.end()) == children.end());
}

TEST_CASE("randint is even, whatever the range") {
  for (const std::int64_t range : {1, 2, 3, 6, 7, 100}) {
    Doubles counts(static_cast<std::size_t>(range));
    for (const std::int64_t x : integers(rnd::randint(rnd::key(range), {60'000}, -3, range - 3, {.dtype = DType::int32})))
      ++counts.at(static_cast<std::size_t>(x + 3));
    if (range > 1) CHECK(std::abs(chi_squared_score(counts)) < deviations);
  }
  // 3 2^62 values: without rejection, one of two would come half as often again.
  const std::int64_t low = -(std::int64_t{3} << 61), high = std::int64_t{3} << 61;
  Doubles thirds(3);
  for (const std::int64_t x : integers(rnd::randint(rnd::key(9), {60'000}, low, high))) {
    CHECK((x >= low && x < high));
    ++thirds.at(static_cast<std::size_t>((static_cast<std::uint64_t>(x) - static_cast<std::uint64_t>(low)) % 3));
  }
  CHECK(std::abs(chi_squared_score(thirds)) < deviations);
  std::uint64_t rejected = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const std::uint64_t word = ops::random_word(9, ops::Stream::randint, i), count = std::uint64_t{3} << 62;
    rejected += ops::below(count, word, 9, i) != static_cast<std::uint64_t>(static_cast<unsigned __int128>(word) * count >> 64);
  }
  CHECK(rejected > 200);  // a quarter
  CHECK(rejected < 300);
  const Integers extreme = integers(rnd::randint(rnd::key(0), {4}, INT64_MAX - 1, INT64_MAX));
  CHECK(extreme == Integers(4, INT64_MAX - 1));
}

TEST_CASE("permutations are even, and permute") {
  Doubles counts(24);
  const Integers orders = integers(rnd::permutation(rnd::split(rnd::key(8), 24'000), 4));
  for (std::size_t i = 0; i < orders.size(); i += 4) {
    std::size_t rank = 0;
    for (std::size_t j = 0; j < 4; ++j) {
      std::size_t smaller = 0;
      for (std::size_t k = j + 1; k < 4; ++k) smaller += orders[i + k] < orders[i + j];
      rank = rank * (4 - j) + smaller;
    }
    ++counts.at(rank);
  }
  CHECK(std::abs(chi_squared_score(counts)) < deviations);
  Integers sorted = integers(rnd::permutation(rnd::key(1), 1000));
  std::sort(sorted.begin(), sorted.end());
  CHECK(sorted == integers(sg::arange(1000)));
  CHECK(integers(rnd::permutation(rnd::key(1), 0)).empty());
  const Tensor x = {{1.0, 2.0}, {3.0, 4.0}, {5.0, 6.0}};
  const Tensor shuffled = rnd::permutation(rnd::key(4), x);
  CHECK(doubles(sg::sort(shuffled, {.axis = 0})) == doubles(x));
  CHECK(doubles(rnd::permutation(rnd::key(4), x, {.axis = 1})[0]).size() == 2);
  const auto f = [](const Tensor& t) { return sg::sum(rnd::permutation(rnd::key(4), t) * Tensor{{1.0}, {2.0}, {3.0}}); };
  CHECK(doubles(sg::sort(sg::grad(f)(x), {.axis = 0})) == Doubles{1, 1, 2, 2, 3, 3});
}

TEST_CASE("bernoulli and categorical") {
  constexpr std::int64_t n = 100'000;
  const Doubles p = {0.0, 0.1, 0.5, 1.0};
  const Doubles ones = doubles(sg::sum(rnd::bernoulli(rnd::key(6), Tensor(p), {n, 4}), {.axis = 0}));
  CHECK(ones[0] == 0);
  CHECK(ones[3] == n);
  for (const std::size_t i : {1, 2}) CHECK(std::abs(ones[i] - n * p[i]) < deviations * std::sqrt(n * p[i] * (1 - p[i])));
  CHECK(rnd::bernoulli(rnd::key(6), Tensor(p)).shape() == sg::Shape{4});
  CHECK_FALSE(rnd::bernoulli(rnd::key(6), NAN).item<bool>());
  const Tensor logits = sg::log(Tensor{0.1, 0.2, 0.3, 0.0, 0.4}) + 700.0;
  Doubles counts(5);
  for (const std::int64_t k : integers(rnd::categorical(rnd::key(6), sg::broadcast_to(logits, {n, 5}))))
    ++counts.at(static_cast<std::size_t>(k));
  CHECK(counts[3] == 0);
  counts.erase(counts.begin() + 3);
  CHECK(std::abs(chi_squared_score(counts, {0.1 * n, 0.2 * n, 0.3 * n, 0.4 * n})) < deviations);
  CHECK(rnd::categorical(rnd::key(6), sg::zeros({3, 4}), {.axis = 0}).shape() == sg::Shape{4});
}
