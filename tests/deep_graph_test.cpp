// A million nodes, as a chain and as a fan: built, differentiated, evaluated and destroyed. Run with a stack of 256 KiB, so that
// any recursion over the graph ends the program; times are compared with a tenth of the nodes, so that nothing grows faster.

#include <chrono>

#include "scangrad/scangrad.h"
#include "support/catch.h"

namespace sg = scangrad;
using sg::Tensor;

namespace {

constexpr int million = 1'000'000;

Tensor chain(const Tensor& x, int nodes) {
  Tensor y = x;
  for (int i = 0; i < nodes; ++i) y = y + x;
  return y;
}

Tensor fan(const Tensor& x, int nodes) {
  std::vector<Tensor> leaves;
  for (int i = 0; i < nodes; ++i) leaves.push_back(sg::negative(x));
  return sg::sum(sg::stack(leaves));
}

template <class F>
double seconds(const F& f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

TEST_CASE("a chain and a fan of a million nodes are evaluated") {
  CHECK(chain(1.0, million).item<double>() == million + 1);
  CHECK(fan(1.0, million / 3).item<double>() == -(million / 3));
}

TEST_CASE("a chain and a fan of a million nodes are differentiated, both ways") {
  const auto long_chain = [](const Tensor& x) { return chain(x, million / 2); };
  const auto wide_fan = [](const Tensor& x) { return fan(x, million / 3); };
  CHECK(sg::grad(long_chain)(Tensor(1.0)).item<double>() == million / 2 + 1);
  CHECK(sg::grad(wide_fan)(Tensor(1.0)).item<double>() == -(million / 3));
  CHECK(sg::jvp(long_chain, {Tensor(1.0)}, {Tensor(1.0)}).tangent.item<double>() == million / 2 + 1);
  CHECK(sg::jvp(wide_fan, {Tensor(1.0)}, {Tensor(1.0)}).tangent.item<double>() == -(million / 3));
}

TEST_CASE("long chains are linearized and checkpointed, and a loop of a million steps is differentiated") {
  const auto long_chain = [](const Tensor& x) { return chain(x, million / 4); };
  CHECK(sg::linearize(long_chain, {Tensor(1.0)}).jvp(Tensor(1.0)).item<double>() == million / 4 + 1);
  CHECK(sg::grad(sg::checkpoint(long_chain))(Tensor(1.0)).item<double>() == million / 4 + 1);
  const auto loop = [](const Tensor& x) {
    const auto step = [&](const Tensor& c, const std::tuple<>& none) { return std::pair(c + x, none); };
    return sg::scan(step, Tensor(0.0), std::tuple<>(), {.checkpoint_every = 1000, .length = million}).carry;
  };
  CHECK(sg::grad(loop)(Tensor(1.0)).item<double>() == million);
}

TEST_CASE("a million nodes are differentiated in linear time") {
  const auto time = [](int nodes, const auto& differentiate) {
    return seconds([&] { differentiate([=](const Tensor& x) { return chain(x, nodes); }); });
  };
  const auto check = [&](const auto& differentiate) {
    time(million / 10, differentiate);  // warms the allocator
    const double tenth = time(million / 10, differentiate), whole = time(million, differentiate);
    INFO("a tenth: " << tenth << " s, the whole: " << whole << " s");
    CHECK(whole < 40 * tenth + 0.1);  // quadratic would be 100 times
  };
  check([](const auto& f) { CHECK(sg::grad(f)(Tensor(1.0)).template item<double>() > 2); });
  check([](const auto& f) { CHECK(sg::jvp(f, {Tensor(1.0)}, {Tensor(1.0)}).tangent.template item<double>() > 2); });
}

TEST_CASE("graphs that were never evaluated are destroyed, in linear time") {
  const auto destroy_time = [](const auto& build, int nodes) {
    Tensor y = build(Tensor(1.0), nodes);
    return seconds([&] { y = Tensor(); });
  };
  for (const auto& build : {chain, fan}) {
    destroy_time(build, million / 10);  // warms the allocator
    const double tenth = destroy_time(build, million / 10), whole = destroy_time(build, million);
    INFO("a tenth: " << tenth << " s, the whole: " << whole << " s");
    CHECK(whole < 40 * tenth + 0.1);  // quadratic would be 100 times
  }
}

TEST_CASE("a transform inside a transform over a long chain") {
  const auto f = [](const Tensor& x) { return chain(x * x, million / 10); };
  const auto df = [&](const Tensor& x) { return sg::grad(f)(x); };
  CHECK(sg::grad(df)(Tensor(1.0)).item<double>() == 2.0 * (million / 10 + 1));
}
