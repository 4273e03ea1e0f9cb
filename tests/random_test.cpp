// Random numbers: the generator's published answers, golden bits, keys, the distributions' accuracy, rules and errors.

#include <bit>
#include <cmath>
#include <numeric>

#include "ops/random/random.h"
#include "support/catch.h"
#include "support/draws.h"

namespace {

/// FNV-1a over the bytes.
template <class T>
std::uint64_t hash(const Tensor& x) {
  std::uint64_t h = 0xcbf29ce484222325;
  for (const T value : x.to_vector<T>())
    for (const auto byte : std::bit_cast<std::array<unsigned char, sizeof(T)>>(value)) h = (h ^ byte) * 0x100000001b3;
  return h;
}

using Sampler = Tensor (*)(const sg::Operand&, const sg::Shape&, sg::TensorOptions);
constexpr DType float_dtypes[] = {DType::float16, DType::bfloat16, DType::float32, DType::float64};

}  // namespace

TEST_CASE("Philox4x32-10 gives its authors' answers") {
  using Block = ops::PhiloxBlock;
  CHECK(ops::philox({{0, 0, 0, 0}}, 0) == Block{{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}});
  const std::uint32_t ones = 0xffffffff;
  CHECK(ops::philox({{ones, ones, ones, ones}}, ~std::uint64_t{0}) == Block{{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}});
  CHECK(ops::philox({{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}}, 0x299f31d0a4093822) ==
        Block{{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}});
}

TEST_CASE("words are the halves of blocks, however many are made at once") {
  const std::uint64_t key = 0x0123456789abcdef, first = (std::uint64_t{1} << 32) - 3;  // the counter's low word overflows
  std::uint64_t words[16];
  ops::random_words<8>(key, ops::Stream::normal, first, words);
  for (std::uint64_t i = 0; i < 16; ++i) CHECK(words[i] == ops::random_word(key, ops::Stream::normal, 2 * first + i));
  const auto block = ops::philox({{5, 1, 0, 4}}, key);
  CHECK(ops::random_word(key, ops::Stream::normal, 2 * 0x100000005) == (std::uint64_t{block.word[1]} << 32 | block.word[0]));
  const Integers drawn = integers(rnd::bits(rnd::key(7), {5}));
  for (std::uint64_t i = 0; i < 5; ++i)
    CHECK(static_cast<std::uint64_t>(drawn[i]) == ops::random_word(7, ops::Stream::bits, i));
}

TEST_CASE("golden bits: no release, compiler or machine may change them") {
  const Tensor key = rnd::key(42);
  const sg::Shape n = {10000};
  CHECK(hash<std::int64_t>(rnd::bits(key, n)) == 0x115556b6088643da);
  CHECK(hash<std::int64_t>(rnd::split(key, 1000)) == 0xa36cb03cc2bdc110);
  CHECK(hash<std::int64_t>(rnd::fold_in(key, sg::arange(-500, 500))) == 0x10f005618417ddb0);
  CHECK(hash<std::int64_t>(rnd::randint(key, n, -5, 1'000'000'007)) == 0x6c4f00dd9e256a21);
  CHECK(hash<std::int64_t>(rnd::randint(key, n, -INT64_MAX, INT64_MAX)) == 0x46668e860c24b15);
  CHECK(hash<std::int64_t>(rnd::permutation(key, 10000)) == 0xa4444d5af20d38e1);
  CHECK(hash<double>(rnd::uniform(key, n)) == 0x7fae889f1e05d414);
  CHECK(hash<double>(rnd::normal(key, n)) == 0xc2b4ce5fe8c2c106);
  CHECK(hash<double>(rnd::exponential(key, n)) == 0xe6faf4510ae624b7);
  CHECK(hash<double>(rnd::gumbel(key, n)) == 0x37dc7af460bbf51e);
  CHECK(hash<float>(rnd::uniform(key, n, {.dtype = DType::float32})) == 0xcd2c587d0091525);
  CHECK(hash<float>(rnd::normal(key, n, {.dtype = DType::float32})) == 0xbbf509eed8c45763);
  CHECK(hash<sg::float16>(rnd::uniform(key, n, {.dtype = DType::float16})) == 0x6a395dfd36c02399);
  CHECK(hash<sg::float16>(rnd::gumbel(key, n, {.dtype = DType::float16})) == 0x864331afa0d15942);
  CHECK(hash<sg::bfloat16>(rnd::normal(key, n, {.dtype = DType::bfloat16})) == 0xe3475c1bf9107844);
}

TEST_CASE("an element depends on its key and position alone") {
  const Tensor keys = rnd::split(rnd::key(3), 6);
  const Doubles whole = doubles(rnd::normal(keys[1], {1001}));
  for (const std::int64_t n : {0, 1, 2, 127, 128, 129, 130, 500}) {
    const Doubles part = doubles(rnd::normal(keys[1], {n}));
    CHECK(part == Doubles(whole.begin(), whole.begin() + n));
  }
  CHECK(doubles(rnd::normal(keys[1], {7, 11, 13})) == whole);
  CHECK(doubles(rnd::normal(keys[1], {})) == Doubles{whole[0]});
  // a batch of keys gives for each key what it gives alone
  const Doubles batch = doubles(rnd::normal(sg::reshape(keys, {2, 3}), {5}));
  CHECK(rnd::normal(sg::reshape(keys, {2, 3}), {5}).shape() == sg::Shape{2, 3, 5});
  for (std::int64_t k = 0; k < 6; ++k) {
    const Doubles alone = doubles(rnd::normal(keys[k], {5}));
    CHECK(alone == Doubles(batch.begin() + 5 * k, batch.begin() + 5 * (k + 1)));
  }
  CHECK(doubles(rnd::normal(sg::flip(keys), {5})) == doubles(sg::flip(rnd::normal(keys, {5}), 0)));  // strided keys
  CHECK(rnd::normal(keys, {0}).shape() == sg::Shape{6, 0});
  CHECK(doubles(rnd::normal(sg::zeros({0}, {.dtype = DType::int64}), {3})).empty());
}

TEST_CASE("split and fold_in") {
  const Tensor key = rnd::key(11);
  const auto [a, b] = rnd::split(key);
  CHECK(a.shape() == sg::Shape{});
  const Integers many = integers(rnd::split(key, 5));
  CHECK(Integers{a.item<std::int64_t>(), b.item<std::int64_t>()} == Integers(many.begin(), many.begin() + 2));
  CHECK(integers(rnd::split(rnd::split(key, 5), 3)).at(7) == integers(rnd::split(Tensor(many[2]), 3)).at(1));
  CHECK(rnd::split(rnd::split(key, 5)).at(0).shape() == sg::Shape{5});
  // fold_in broadcasts, and is split's relative but not its twin
  const Tensor folded = rnd::fold_in(rnd::split(key, 3), sg::reshape(sg::arange(4), {4, 1}));
  CHECK(folded.shape() == sg::Shape{4, 3});
  CHECK(folded[2][1].item<std::int64_t>() == rnd::fold_in(rnd::split(key, 3)[1], 2).item<std::int64_t>());
  CHECK(rnd::fold_in(key, Tensor(0)).item<std::int64_t>() != many[0]);
  CHECK(rnd::fold_in(key, sg::astype(Tensor(3), DType::int32)).item<std::int64_t>() ==
        rnd::fold_in(key, Tensor(3)).item<std::int64_t>());
}

TEST_CASE("lower precisions are the same numbers, rounded; uniform ones truncated") {
  const Tensor key = rnd::key(5);
  const Doubles exact = doubles(rnd::uniform(key, {2000}));
  for (const auto& [dtype, digits] : {std::pair{DType::float16, 11}, {DType::bfloat16, 8}, {DType::float32, 24}}) {
    const Doubles x = doubles(rnd::uniform(key, {2000}, {.dtype = dtype}));
    for (std::size_t i = 0; i < x.size(); ++i) CHECK(x[i] == std::ldexp(std::floor(std::ldexp(exact[i], digits)), -digits));
  }
  for (const Sampler sample : std::initializer_list<Sampler>{rnd::normal, rnd::exponential, rnd::gumbel}) {
    const Tensor wide = sample(key, {2000}, {});
    for (const DType dtype : float_dtypes)
      CHECK(doubles(sample(key, {2000}, {.dtype = dtype})) == doubles(sg::astype(wide, dtype)));
  }
  for (const std::uint64_t bits : {std::uint64_t{0}, ~std::uint64_t{0}}) {
    CHECK(ops::unit_interval<double>(bits) == (bits == 0 ? 0 : 1 - 0x1p-53));
    CHECK(ops::unit_interval<float>(bits) == (bits == 0 ? 0 : 1 - 0x1p-24f));
  }
}

TEST_CASE("the distributions are as accurate as documented, from end to end") {
  constexpr double u = 0x1p-53;
  const std::uint64_t top = std::uint64_t{1} << 63;
  std::vector<std::uint64_t> words = {0, 1, 2, top - 1, top, top + 1, ~std::uint64_t{0}, ~std::uint64_t{0} - 1};
  for (std::uint64_t i = 0; i < 20000; ++i) {
    const std::uint64_t word = ops::random_word(1, ops::Stream::bits, i);
    for (const std::uint64_t w : {word, word >> (i % 64), ~(word >> (i % 64)), top | word >> (i % 63 + 1)}) words.push_back(w);
  }
  double worst_normal = 0, worst_exponential = 0, worst_gumbel = 0;
  for (const std::uint64_t word : words) {
    double z, e, g;
    ops::standard_normals(&word, 1, &z);
    ops::standard_exponentials(&word, 1, &e);
    ops::standard_gumbels(&word, 1, &g);
    // By the integers themselves: p = P(|Z| > |z|) / 2, v = 1 - u.
    const long double half = 0.5L, p = (static_cast<long double>(word & ~top) + half) * 0x1p-64L;
    const long double at = std::abs(static_cast<long double>(z)),
                      density = std::exp(-at * at / 2) / std::sqrt(2 * std::acos(-1.0L));
    worst_normal = std::max(
        worst_normal, static_cast<double>(std::abs(std::erfc(at / std::sqrt(2.0L)) / 2 - p) / (density * std::max(1.0L, at))));
    CHECK(std::signbit(z) == (word >= top));
    const long double exact = word >= top ? -std::log1p(-(static_cast<long double>(~word) + half) * 0x1p-64L)
                                          : -std::log((static_cast<long double>(word) + half) * 0x1p-64L);
    worst_exponential = std::max(worst_exponential, static_cast<double>(std::abs(static_cast<long double>(e) - exact) / exact));
    const long double log_exact = -std::log(exact);
    worst_gumbel = std::max(worst_gumbel, static_cast<double>(std::abs(static_cast<long double>(g) - log_exact) /
                                                              std::max(1.0L, std::abs(log_exact))));
  }
  CHECK(worst_normal / u <= 8);
  CHECK(worst_exponential / u <= 4);
  CHECK(worst_gumbel / u <= 6);
  const std::uint64_t ends[] = {0, ~std::uint64_t{0}};
  double x[2];
  ops::standard_normals(ends, 2, x);
  CHECK(x[0] == Approx(9.15529377));
  ops::standard_exponentials(ends, 2, x);
  CHECK(x[0] == Approx(65 * std::log(2.0)));
  CHECK(x[1] == 0x1p-65);
}

TEST_CASE("no derivative passes through a draw") {
  const Tensor key = rnd::key(1);
  const auto f = [&](const Tensor& x) { return sg::sum(x * rnd::normal(key, {3})); };
  CHECK(doubles(sg::grad(f)(Tensor{1.0, 2.0, 3.0})) == doubles(rnd::normal(key, {3})));
  CHECK(sg::jvp(f, {Tensor{1.0, 2.0, 3.0}}, {Tensor{0.0, 1.0, 0.0}}).tangent.item<double>() ==
        doubles(rnd::normal(key, {3}))[1]);
}

TEST_CASE("the vmap rules give for each key what it gives alone") {
  const Tensor keys = rnd::split(rnd::key(2), 3);
  const bool mapped[] = {true, true}, first[] = {true, false}, second[] = {false, true};
  const auto specs = [](const Tensor& one) { return std::vector<sg::core::Spec>{{one.shape(), one.dtype()}}; };
  const auto check = [&](const Tensor& one) {
    const auto& primitive = *sg::core::node_of(one).edge.primitive;
    const auto batch = primitive.vmap(std::span(&keys, 1), std::span(mapped, 1), specs(one));
    CHECK(batch.mapped == std::vector<bool>{true});
    CHECK(batch.outs[0].dtype() == one.dtype());
    CHECK(doubles(batch.outs[0][2]) == doubles(one));
  };
  const Tensor key = keys[2];
  check(rnd::bits(key, {2, 3}));
  check(rnd::split(key, 4));
  check(rnd::uniform(key, {5}, {.dtype = DType::float32}));
  check(rnd::normal(key, {}));
  check(rnd::exponential(key, {0}));
  check(rnd::gumbel(key, {3}));
  check(rnd::randint(key, {3}, 0, 10, {.dtype = DType::int32}));
  const auto primitive = sg::core::make_primitive<ops::FoldIn>();
  const auto& fold = *primitive;
  const Tensor numbers = sg::reshape(sg::arange(6), {3, 2}), pair = sg::arange(2);
  const auto specs_of_one = specs(rnd::fold_in(key, pair));
  CHECK(doubles(fold.vmap(std::vector{keys, numbers}, mapped, specs_of_one).outs[0]) ==
        doubles(rnd::fold_in(sg::reshape(keys, {3, 1}), numbers)));
  CHECK(doubles(fold.vmap(std::vector{keys, pair}, first, specs_of_one).outs[0]) ==
        doubles(rnd::fold_in(sg::reshape(keys, {3, 1}), pair)));
  CHECK(doubles(fold.vmap(std::vector{key, numbers}, second, specs_of_one).outs[0]) == doubles(rnd::fold_in(key, numbers)));
}

TEST_CASE("errors") {
  const Tensor key = rnd::key(1);
  const auto message = [](const auto& call) {
    try {
      sg::eval(call());
      return std::string("nothing was thrown");
    } catch (const sg::Error& error) {
      CHECK(std::string(error.site().file) == __FILE__);
      return error.message();
    }
  };
  constexpr std::int64_t huge = std::int64_t{1} << 62;
  CHECK(message([] { return rnd::normal(1.5, {2}); }) ==
        "random::normal: the key must be int64, but it is float64; make one with random::key(seed)");
  CHECK(message([] { return rnd::split(Tensor(true), 2); }) ==
        "random::split: the key must be int64, but it is bool; make one with random::key(seed)");
  CHECK(message([] { return rnd::bits(Tensor(), {2}); }) ==
        "random::bits: a default-constructed Tensor was given; give it a value first, as in Tensor x = {1.0, 2.0};");
  CHECK(message([&] { return rnd::split(key, -1); }) == "random::split: the count must not be negative, given -1");
  CHECK(message([&] {
          return rnd::uniform(key, {2, -1});
        }) == "random::uniform: sizes must not be negative, given the shape (2, -1)");
  CHECK(message([&] {
          return rnd::exponential(key, {huge, 4});
        }) ==
        "random::exponential: a tensor of shape (4611686018427387904, 4) is too large: it would need more than 2^62 bytes");
  CHECK(message([&] { return rnd::normal(rnd::split(key, 16), {huge / 64}); }) ==
        "random::normal: a tensor of shape (16, 72057594037927936) is too large: it would need more than 2^62 bytes");
  CHECK(message([&] { return rnd::gumbel(key, {2}, {.dtype = DType::complex64}); }) ==
        "random::gumbel: the dtype must be float16, bfloat16, float32 or float64, given complex64");
  CHECK(message([&] { return rnd::randint(key, {2}, 0, 9, {.dtype = DType::float32}); }) ==
        "random::randint: the dtype must be int64 or int32, given float32");
  CHECK(message([&] { return rnd::randint(key, {2}, 3, 3); }) ==
        "random::randint: there is no integer from 3 to below 3; low must be less than high");
  CHECK(message([&] { return rnd::randint(key, {2}, 0, huge, {.dtype = DType::int32}); }) ==
        "random::randint: int32 cannot hold the integers from 0 to below 4611686018427387904; use int64");
  CHECK(message([&] { return rnd::fold_in(key, 0.5); }) ==
        "random::fold_in: the data must be int64 or int32, but they are float64; convert with astype");
  CHECK(message([&] { return rnd::fold_in(rnd::split(key, 3), sg::arange(2)); }) ==
        "random::fold_in: shapes (3,) and (2,) do not broadcast: axis -1 has sizes 3 and 2, which must be equal or 1");
  CHECK(message([&] { return rnd::bernoulli(key, std::complex<double>(0, 1)); }) ==
        "random::bernoulli: the probability must be real, but it is complex128");
  CHECK(message([&] {
          return rnd::bernoulli(key, Tensor{0.5, 0.5}, {3});
        }) == "random::bernoulli: probabilities of shape (2,) do not broadcast to (3,); sizes must be equal or 1");
  CHECK(message([&] {
          return rnd::categorical(key, sg::zeros({2, 3}), {.axis = 2});
        }) == "random::categorical: axis 2 is out of range for a tensor of shape (2, 3); it must be in -2..1");
  CHECK(message([&] {
          return rnd::categorical(key, sg::zeros({2, 0}));
        }) == "random::categorical: axis 1 of a tensor of shape (2, 0) is empty, and nothing has no argmax");
  CHECK(message([&] { return rnd::permutation(key, -2); }) ==
        "random::permutation: the number of elements must not be negative, given -2");
  CHECK(message([&] { return rnd::permutation(rnd::split(key, 3), sg::zeros({2})); }) ==
        "random::permutation: one key is needed, given keys of shape (3,); take one of them");
}
