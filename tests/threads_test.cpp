// Threads: their number never changes bits; host threads share tensors and work side by side.

#include "scangrad/threads.h"

#include <barrier>
#include <thread>

#include "scangrad/scangrad.h"
#include "support/catch.h"
#include "support/tensors.h"

namespace sg = scangrad;
using sg::DType;
using sg::Tensor;

namespace {

/// Puts the number of threads back at the end.
struct ThreadCount {
  const int before = sg::num_threads();
  ~ThreadCount() { sg::set_num_threads(before); }
};

/// Large enough for many pieces, on sizes that do not divide evenly.
std::vector<Tensor> results() {
  const auto keys = sg::random::split(sg::random::key(1), 3);
  const Tensor x = sg::random::normal(keys[0], {611, 509}), y = sg::random::uniform(keys[1], {611, 509});
  const Tensor single = sg::astype(x, DType::float32), half = sg::astype(x, DType::bfloat16);
  const Tensor index = sg::random::randint(keys[2], {300}, 0, 611);
  std::vector<Tensor> all = {x, y, sg::random::gumbel(keys[0], {7, 50001}), sg::random::randint(keys, {100001}, 0, 10)};
  for (const int axis : {0, 1}) {
    const auto add = [&](const Tensor& t) { all.push_back(t); };
    add(sg::sum(x, {.axis = axis}));
    add(sg::sum(single, {.axis = axis}));
    add(sg::sum(half, {.axis = axis}));
    add(sg::var(single, {.axis = axis}));
    add(sg::max(x, {.axis = axis}));
    add(sg::argmin(x, {.axis = axis}));
    add(sg::logsumexp(x, {.axis = axis}));
    add(sg::cumsum(single, {.axis = axis}));
    add(sg::cumprod(x, {.axis = axis, .reverse = true}));
    add(sg::cummax(x, {.axis = axis, .exclusive = true}));
    add(sg::logcumsumexp(x, {.axis = axis}));
    add(sg::linear_recurrence(y, x, {.axis = axis}));
    add(sg::sort(x, {.axis = axis}));
    add(sg::take(x, axis == 0 ? index : sg::minimum(index, 508), {.axis = axis}));
    add(sg::grad([&](const Tensor& t) { return sg::sum(sg::square(sg::cumsum(t, {.axis = axis}))); })(single));
    add(sg::grad([&](const Tensor& t) { return sg::sum(sg::square(sg::cumprod(t, {.axis = axis}))); })(single));
    add(sg::grad([&](const Tensor& t) { return sg::sum(sg::square(sg::logcumsumexp(t, {.axis = axis}))); })(single));
  }
  all.push_back(sg::sum(x));
  all.push_back(sg::mean(half));
  all.push_back(sg::norm(single));
  all.push_back(sg::matmul(x, sg::transpose(y)));
  all.push_back(sg::exp(sg::transpose(x)) + sg::tanh(sg::transpose(y)));
  const Tensor row = sg::sum(x, {.axis = 0}), column = sg::sum(x, {.axis = 1, .keepdims = true});
  for (const Tensor& t : {Tensor(1.5), row, column}) all.push_back(y * t);
  all.push_back(sg::reshape(single, {310999, 1}) - sg::astype(sg::take(row, sg::arange(3)), DType::float32));
  all.push_back(sg::scatter_add(sg::zeros({611, 509}), index, sg::take(y, index)));
  all.push_back(sg::where(x > 0.0, sg::erf(x), sg::log1p(y)));
  all.push_back(sg::astype(x, DType::float16));
  all.push_back(sg::grad([&](const Tensor& t) { return sg::logsumexp(t * t); })(x));
  sg::eval(all);
  return all;
}

Tensor loss(const Tensor& x, const Tensor& data) { return sg::sum(sg::square(sg::logcumsumexp(data * x))); }

}  // namespace

TEST_CASE("bits do not depend on the number of threads") {
  const ThreadCount restore;
  sg::set_num_threads(1);
  const std::vector<Tensor> expected = results();
  for (const int count : {2, 3, 8}) {
    sg::set_num_threads(count);
    CHECK(sg::num_threads() == count);
    const std::vector<Tensor> actual = results();
    REQUIRE(actual.size() == expected.size());
    for (std::size_t i = 0; i < actual.size(); ++i) {
      INFO("result " << i << " with " << count << " threads");
      CHECK(test::same_bits(actual[i], expected[i]));
    }
  }
}

TEST_CASE("host threads with graphs of their own, while the number of threads changes") {
  const ThreadCount restore;
  const auto work = [](int seed) {
    const Tensor data = sg::random::normal(sg::random::key(seed), {200'000});
    return sg::grad([&](const Tensor& x) { return loss(x, data); })(Tensor(0.5)).item<double>();
  };
  std::vector<double> expected, actual(4);
  for (int i = 0; i < 4; ++i) expected.push_back(work(i));
  std::barrier start(5);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      start.arrive_and_wait();
      for (int repeat = 0; repeat < 3; ++repeat) actual[static_cast<std::size_t>(i)] = work(i);
    });
  start.arrive_and_wait();
  for (const int count : {1, 4, 2, 3, 8, 1, 2}) {
    sg::set_num_threads(count);
    std::this_thread::yield();
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(actual == expected);
}

TEST_CASE("host threads that share tensors, computed and pending") {
  const Tensor key = sg::random::key(3);
  const Tensor data = sg::random::normal(key, {100'000});
  for (int repeat = 0; repeat < 3; ++repeat) {
    const Tensor pending = sg::cumsum(sg::exp(data * 0.5));  // each thread needs it, one computes it
    std::vector<double> sums(4), slopes(4);
    std::vector<Tensor> kept(4);
    std::barrier start(4);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < 4; ++i)
      threads.emplace_back([&, i] {
        start.arrive_and_wait();
        sums[i] = sg::sum(pending * 2.0).item<double>();
        slopes[i] =
            sg::grad([&](const Tensor& x) { return sg::mean(pending * x * x) + loss(x, data); })(Tensor(0.25)).item<double>();
        kept[i] = sg::jvp([&](const Tensor& x) { return sg::exp(x) * pending; }, {data}, {data}).tangent;
      });
    for (std::thread& thread : threads) thread.join();
    for (std::size_t i = 1; i < 4; ++i) {
      CHECK(sums[i] == sums[0]);
      CHECK(slopes[i] == slopes[0]);
      CHECK(test::same_bits(kept[i], kept[0]));
    }
  }
}

TEST_CASE("an error on one of the pool's threads reaches the caller") {
  const ThreadCount restore;
  sg::set_num_threads(4);
  const Tensor x = sg::zeros({400, 1000});
  const Tensor index = sg::where(sg::reshape(sg::arange(400'000), {400, 1000}) == 399'999, Tensor(1000), Tensor(0));
  CHECK_THROWS_WITH(sg::eval(sg::take_along_axis(x, index, {.axis = 1})),
                    Catch::Contains("take_along_axis: index 1000 is out of range for axis 1 of size 1000"));
}

TEST_CASE("a number of threads that makes no sense") {
  const auto message = [](int count) {
    try {
      sg::set_num_threads(count);
    } catch (const sg::Error& error) {
      CHECK(std::string(error.site().file) == __FILE__);
      return error.message();
    }
    return std::string("nothing was thrown");
  };
  CHECK(message(0) == "set_num_threads: the number of threads must be from 1 to 1024, given 0");
  CHECK(message(-3) == "set_num_threads: the number of threads must be from 1 to 1024, given -3");
  CHECK(message(1025) == "set_num_threads: the number of threads must be from 1 to 1024, given 1025");
}
