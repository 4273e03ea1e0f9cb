// Defects that were found once, each by its smallest case.

#include <semaphore>
#include <thread>

#include "core/node.h"
#include "scangrad/scangrad.h"
#include "support/catch.h"

namespace sg = scangrad;
using sg::DType;
using sg::Tensor;

namespace {

constexpr double inf = INFINITY;
std::vector<double> numbers(const Tensor& x) { return x.to_vector<double>(); }

template <class F>
std::vector<double> gradient(const F& f, const Tensor& x) {
  return numbers(sg::vjp(f, {x}).pullback(sg::ones(x.shape())));
}

}  // namespace

TEST_CASE("the last element, which an exclusive scan does not use, stays out of the derivatives") {
  for (const double last : {inf, static_cast<double>(NAN)}) {
    const Tensor x = {1.0, 2.0, 3.0, last};
    const auto exclusive = [](auto scan) {
      return [scan](const Tensor& t) { return scan(t, sg::ScanOptions{.exclusive = true}); };
    };
    const auto cumprod = exclusive([](const Tensor& t, const sg::ScanOptions& o) { return sg::cumprod(t, o); });
    const auto lse = exclusive([](const Tensor& t, const sg::ScanOptions& o) { return sg::logcumsumexp(t, o); });
    const auto factors = exclusive([](const Tensor& t, const sg::ScanOptions& o) { return sg::linear_recurrence(t, 1.0, o); });
    CHECK(gradient(cumprod, x) == std::vector<double>{9, 4, 2, 0});
    CHECK(gradient(factors, x) == std::vector<double>{0, 4, 3, 0});
    const Tensor shorter = {1.0, 2.0, 3.0, 0.0};
    CHECK(gradient(lse, x) == gradient(lse, shorter));
    const auto total = [&](const Tensor& t) { return sg::sum(sg::where(sg::arange(4) == 0, 0, lse(t))); };
    CHECK(numbers(sg::hessian(total)(x)) == numbers(sg::hessian(total)(shorter)));
  }
}

TEST_CASE("max and min of a NaN give their derivative to the NaN, in both modes") {
  const Tensor x = {1.0, NAN, 3.0};
  const auto f = [](const Tensor& t) { return sg::max(t); };
  CHECK(sg::jvp(f, {x}, {Tensor{1.0, 2.0, 4.0}}).tangent.item<double>() == 2.0);
  CHECK(numbers(sg::vjp(f, {x}).pullback(Tensor(5.0))) == std::vector<double>{0, 5, 0});
}

TEST_CASE("a bit of an earlier transform does not make an older tensor part of a later one") {
  std::binary_semaphore begun(0), evaluated(0);
  Tensor old;
  // This thread's transform takes the bit of the other one, whose tensor is evaluated after that.
  Tensor pending;
  sg::grad([&](const Tensor& x) {
    pending = x * 2.0;
    return x;
  })(Tensor(1.0));
  std::thread other([&] {
    begun.acquire();
    sg::eval(pending);
    old = pending * 3.0;
    sg::eval(old);
    evaluated.release();
  });
  const Tensor g = sg::grad([&](const Tensor& x) {
    begun.release();
    evaluated.acquire();
    return x * old;
  })(Tensor(5.0));
  other.join();
  CHECK(g.item<double>() == 6.0);
}

TEST_CASE("a thread outside a transform takes no buffer that the transform may need") {
  int wrong = 0;
  for (int i = 0; i < 50; ++i) {
    const auto f = [](const Tensor& p) {
      const Tensor y = p * (sg::ones({100'000}) * 2.0 + 3.0);
      std::thread worker([y] { sg::eval(y); });
      Tensor result = sg::sum(y);
      worker.detach();
      return result;
    };
    try {
      wrong += sg::grad(f)(sg::ones({100'000}))[7].item<double>() != 5.0;
    } catch (const sg::Error&) {  // the documented error: a tracked tensor was evaluated elsewhere
    }
  }
  CHECK(wrong == 0);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
}

TEST_CASE("tensors that are too large in a wider dtype are refused") {
  const Tensor x = sg::zeros({(std::int64_t{1} << 61) + 1}, {.dtype = DType::boolean});
  const std::string message = "a tensor of shape (2305843009213693953,) is too large: it would need more than 2^62 bytes";
  CHECK_THROWS_WITH(sg::astype(x, DType::float64), Catch::StartsWith("astype: " + message));
  CHECK_THROWS_WITH(sg::sum(x), Catch::StartsWith("sum: " + message));
  CHECK_THROWS_WITH(sg::cumsum(x), Catch::StartsWith("cumsum: " + message));
  CHECK_THROWS_WITH(sg::argsort(x), Catch::StartsWith("argsort: " + message));
  CHECK_THROWS(sg::eval(sg::exp(sg::zeros({std::int64_t{1} << 50}))));  // more than there is: an exception, not a crash
  CHECK_THROWS_WITH(sg::arange(INT64_MIN, INT64_MAX), Catch::Contains("which is too many"));
  CHECK(sg::arange(INT64_MIN, INT64_MAX, INT64_MAX).to_vector<std::int64_t>() ==
        std::vector<std::int64_t>{INT64_MIN, -1, INT64_MAX - 1});
}

TEST_CASE("the result of a small view does not hold a large buffer") {
  const std::int64_t before = sg::memory::active();
  const Tensor y = sg::exp(sg::slice(sg::cumsum(sg::ones({1'000'000})), {.end = 1}));
  sg::eval(y);
  CHECK(sg::memory::active() - before < 1000);
}

TEST_CASE("the cache's limit counts what buffers really take") {
  const std::int64_t limit = sg::memory::set_cache_limit(1 << 20);
  std::vector<Tensor> many;
  for (int i = 0; i < 20'000; ++i) many.emplace_back(1.0);
  many.clear();
  CHECK(sg::memory::cached() <= (1 << 20) / 8);  // a number of 8 bytes takes a block of 128
  sg::memory::set_cache_limit(limit);
}

TEST_CASE("the step of a slice may be anything") {
  const auto f = [](const Tensor& x) { return sg::slice(x, {.begin = 1, .step = INT64_MAX}); };
  CHECK(numbers(sg::vjp(f, {Tensor{1.0, 2.0, 3.0}}).pullback(Tensor{1.0})) == std::vector<double>{0, 1, 0});
}

TEST_CASE("sums add what the blocks before have rounded away") {
  std::vector<double> x(192);
  x[0] = 1e16, x[64] = 1, x[128] = -1e16;
  CHECK(sg::sum(Tensor(x)).item<double>() == 1);
}

TEST_CASE("products from a carry round once, at the store") {
  std::vector<double> x;
  for (int k = 0; k < 2000; ++k) x.push_back(1 + std::sin(k) / 64);
  long double product = 1;
  for (double factor : x) product *= factor;
  const double got = sg::cumprod(Tensor(x), 1.0)[-1].item<double>();
  CHECK(std::abs(got - product) <= 0x1p-52L * std::abs(product));
}

TEST_CASE("beside an initial value too, what is infinite survives a weight that vanishes") {
  const auto f = [](const Tensor& x) { return sg::logcumsumexp(x, -5.0); };
  const Tensor x = {0.0, 800.0};
  CHECK(numbers(sg::jvp(f, {x}, {Tensor{inf, 0.0}}).tangent) == std::vector<double>{inf, inf});
  CHECK(numbers(sg::vjp(f, {x}).pullback(Tensor{0.0, inf})) == std::vector<double>{inf, inf});
}

TEST_CASE("softmax weights do not lose what the difference of their exponents rounds away") {
  const double high = 700.3, low = 0.1;
  const long double e = std::exp(static_cast<long double>(low) - high), expected = e / (1 + e);
  const Tensor x = {high, low};
  const double weight = numbers(sg::grad([](const Tensor& t) { return sg::logsumexp(t); })(x))[1];
  CHECK(std::abs(weight - expected) <= 0x1p-51L * expected);
}

TEST_CASE("in second derivatives too, what is infinite survives a weight that vanishes") {
  const auto slope = [](const Tensor& x) {
    return sg::jvp([](const Tensor& t) { return sg::logcumsumexp(t); }, {x}, {Tensor{1.0, 2.0, 1.0}}).tangent;
  };
  const Tensor x = {-2000.0, 0.0, 1.0};
  CHECK(numbers(sg::jvp(slope, {x}, {Tensor{0.0, inf, 0.0}}).tangent) == std::vector<double>{0, inf, inf});
}

TEST_CASE("the cotangent of an extreme that reigns over many pieces is rounded once") {
  const Tensor x = sg::astype(sg::concatenate({Tensor{1.0}, sg::zeros({40})}), sg::DType::bfloat16),
               g = sg::astype(sg::full({41}, 1.015625), sg::DType::bfloat16);
  const auto in_pieces = [](const Tensor& t) {
    auto [y, carry] = sg::cummax_with_carry(sg::slice(t, {.end = 1}));
    std::vector<Tensor> parts = {y};
    for (std::int64_t k = 1; k < 41; ++k) {
      const auto [next, after] = sg::cummax_with_carry(sg::slice(t, {.begin = k, .end = k + 1}), carry);
      parts.push_back(next), carry = after;
    }
    return sg::concatenate(parts);
  };
  const double exact = 41 * 1.015625;
  const Tensor got = sg::vjp(in_pieces, {x}).pullback(g);
  CHECK(std::abs(sg::astype(got[0], sg::DType::float64).item<double>() - exact) <= 0x1p-9 * 64);
}
