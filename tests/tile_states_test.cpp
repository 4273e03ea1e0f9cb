// What a forward pass of logcumsumexp leaves beside its input for the way back (cpu/tile_states.h): it changes time, never a bit.

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <thread>

#include "core/node.h"
#include "ops/scan/fused.h"
#include "scangrad/scangrad.h"
#include "support/catch.h"

namespace sg = scangrad;
using sg::DType;
using sg::Tensor;

namespace {

constexpr std::int64_t rows = 3, n = 4100;  // five tiles, the last one short
constexpr double inf = std::numeric_limits<double>::infinity();

std::vector<double> normal(unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> of;
  std::vector<double> values(static_cast<std::size_t>(rows * n));
  for (double& v : values) v = of(generator);
  return values;
}

/// Rows whose tiles take every form: floats, doubles with one reference, and those for anything.
std::vector<std::vector<double>> kinds() {
  const auto made = [](const auto& f) {
    std::vector<double> x = normal(1);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = f(x[i], static_cast<double>(i % n));
    return x;
  };
  return {made([](double x, double) { return x; }),
          made([](double x, double k) { return 0.05 * k + x; }),
          made([](double x, double k) { return -0.05 * k + x; }),
          made([](double x, double) { return 60 * x; }),
          made([](double x, double k) { return std::fmod(k, 3000) < 1500 ? -inf : x; }),
          made([](double x, double k) { return k == 2500 ? inf : x; }),
          made([](double x, double k) { return k == 1700 ? std::nan("") : x; })};
}

/// A leaf of its own, beside which nothing was left.
Tensor fresh(const std::vector<double>& values, DType dtype) {
  const Tensor x = sg::astype(Tensor(values, {rows, n}), dtype);
  sg::eval(x);
  return x;
}

Tensor back(const Tensor& x, const Tensor& g, sg::ops::ScanOrder order) {
  const Tensor v =
      sg::core::apply(sg::core::make_primitive<sg::ops::LseMeanAdjoint>(order), sg::core::node_of(x).value.spec, {x, g});
  sg::eval(v);
  return v;
}

bool same(const Tensor& a, const Tensor& b) {
  const auto bytes = [](const Tensor& t) { return sg::core::node_of(t).value.data<const std::byte>(); };
  return std::memcmp(bytes(a), bytes(b), static_cast<std::size_t>(a.size()) * sg::item_size(a.dtype())) == 0;
}

template <class F>
void each_order(const F& f) {
  for (const bool reverse : {false, true})
    for (const bool exclusive : {false, true}) {
      INFO((reverse ? "reverse " : "") << (exclusive ? "exclusive" : ""));
      f(sg::ops::ScanOrder{1, reverse, exclusive});
    }
}

}  // namespace

TEST_CASE("the way back has the same bits alone, behind a forward pass, behind a jvp, and behind another way back") {
  const std::vector<double> cotangents = normal(2), tangents = normal(3);
  int kind = 0;
  for (const auto& values : kinds()) {
    INFO("kind " << kind++);
    for (const DType dtype : {DType::bfloat16, DType::float16, DType::float32, DType::float64}) {
      INFO(to_string(dtype));
      const Tensor g = fresh(cotangents, dtype), t = fresh(tangents, dtype);
      each_order([&](sg::ops::ScanOrder order) {
        const Tensor alone = back(fresh(values, dtype), g, order);
        const Tensor x = fresh(values, dtype);
        sg::eval(sg::logcumsumexp(x, order.options()));
        CHECK(same(alone, back(x, g, order)));
        CHECK(same(alone, back(x, g, order)));

        const Tensor fused = fresh(values, dtype);
        const Tensor pair[] = {fused, t};
        const sg::core::Spec spec = sg::core::node_of(fused).value.spec;
        const auto both =
            sg::core::apply_multi(sg::core::make_primitive<sg::ops::LogCumSumExpJvp>(order), {spec, spec}, {pair[0], pair[1]});
        sg::eval(both);
        CHECK(same(alone, back(fused, g, order)));

        const Tensor twice = fresh(values, dtype);
        back(twice, t, order);
        CHECK(same(alone, back(twice, g, order)));
      });
    }
  }
}

TEST_CASE("what a pass in another order left is not taken") {
  const std::vector<double> values = kinds()[1], cotangents = normal(2);
  for (const DType dtype : {DType::float32, DType::float64}) {
    const Tensor g = fresh(cotangents, dtype);
    each_order([&](sg::ops::ScanOrder order) {
      const Tensor alone = back(fresh(values, dtype), g, order);
      each_order([&](sg::ops::ScanOrder other) {
        const Tensor x = fresh(values, dtype);
        sg::eval(sg::logcumsumexp(x, other.options()));
        CHECK(same(alone, back(x, g, order)));
      });
    });
  }
}

TEST_CASE("an array's note says nothing of its views and copies") {
  const std::vector<double> values = kinds()[1];
  const Tensor x = fresh(values, DType::float32), g = fresh(normal(2), DType::float32);
  sg::eval(sg::logcumsumexp(x, {.axis = 1}));
  const auto check = [&](const char* what, const Tensor& view) {
    INFO(what);
    sg::eval(view);
    const Tensor copy = sg::astype(sg::astype(view, DType::float64), DType::float32);
    sg::eval(copy);
    CHECK(same(back(copy, g, {1, false, false}), back(view, g, {1, false, false})));
  };
  check("flipped", sg::flip(x, 1));
  check("other rows", sg::flip(x, 0));
}

TEST_CASE("threads share what the first of them left") {
  const std::vector<double> values = kinds()[1];
  const Tensor g = fresh(normal(2), DType::float32);
  const sg::ops::ScanOrder order{1, false, false};
  const Tensor alone = back(fresh(values, DType::float32), g, order);
  for (int run = 0; run < 20; ++run) {
    const Tensor x = fresh(values, DType::float32);
    bool right[4] = {};
    std::vector<std::thread> threads;
    for (bool& mine : right)
      threads.emplace_back([&] {
        sg::eval(sg::logcumsumexp(x, order.options()));
        mine = same(alone, back(x, g, order));
      });
    for (std::thread& thread : threads) thread.join();
    for (const bool each : right) CHECK(each);
  }
}
