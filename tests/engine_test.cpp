// The engine's contracts: one evaluation a node, edges dropped, buffers reused only when nobody can tell, threads that share
// nodes, and errors that leave everything as it was.

#include <barrier>
#include <thread>

#include "core/error.h"
#include "core/node.h"
#include "scangrad/scangrad.h"
#include "support/catch.h"

namespace sg = scangrad;
using sg::Tensor;
using sg::core::node_of;

namespace {

std::atomic<int> runs{0};
std::atomic<bool> failing{false};

/// Adds one, counts its runs, and fails when told to.
struct Counted final : sg::core::Primitive {
  std::string_view name() const override { return "counted"; }
  static void kernel(const sg::core::Context& context, const Primitive&, sg::core::Inputs ins, sg::core::Outputs outs) {
    ++runs;
    if (failing) sg::core::fail("told to fail");
    context.allocate(outs[0]);
    for (std::int64_t i = 0; i < outs[0].size(); ++i) outs[0].data<double>()[i] = ins[0]->data<double>()[i] + 1;
  }
};

/// x -> (x + 1, 2 x), with rules; the second output's tangent is given through a decomposition-free jvp.
struct Twins final : sg::core::Primitive {
  std::string_view name() const override { return "twins"; }
  sg::core::MaybeTensors jvp(sg::core::Ins, sg::core::Outs, sg::core::Tangents t) const override { return {t[0], *t[0] * 2.0}; }
  sg::core::MaybeTensors vjp(sg::core::Ins, sg::core::Outs, sg::core::Tangents g, sg::core::WantedMask) const override {
    if (!g[1]) return {g[0]};
    return {g[0] ? *g[0] + *g[1] * 2.0 : *g[1] * 2.0};
  }
  static void kernel(const sg::core::Context& context, const Primitive&, sg::core::Inputs ins, sg::core::Outputs outs) {
    for (auto& out : outs) context.allocate(out);
    for (std::int64_t i = 0; i < outs[0].size(); ++i) {
      outs[0].data<double>()[i] = ins[0]->data<double>()[i] + 1;
      outs[1].data<double>()[i] = ins[0]->data<double>()[i] * 2;
    }
  }
};

/// exp(x)^2 as one primitive that has no rules but a decomposition, and a fused jvp that counts its calls.
struct Fused final : sg::core::Primitive {
  static inline int fused_calls = 0;
  std::string_view name() const override { return "fused"; }
  std::optional<std::vector<Tensor>> decompose(sg::core::Ins ins) const override { return {{sg::square(sg::exp(ins[0]))}}; }
  std::optional<sg::core::OutsAndTangents> jvp_fused(sg::core::Ins ins, sg::core::Tangents t) const override {
    ++fused_calls;
    const Tensor y = sg::exp(ins[0] * 2.0);
    return sg::core::OutsAndTangents{{y}, {*t[0] * y * 2.0}};
  }
  static void kernel(const sg::core::Context& context, const Primitive&, sg::core::Inputs ins, sg::core::Outputs outs) {
    context.allocate(outs[0]);
    for (std::int64_t i = 0; i < outs[0].size(); ++i) outs[0].data<double>()[i] = std::exp(2 * ins[0]->data<double>()[i]);
  }
};

struct NoKernel final : sg::core::Primitive {
  std::string_view name() const override { return "no_kernel"; }
};

const bool registered = [] {
  sg::core::add_kernel<Counted>(sg::DeviceType::cpu, Counted::kernel);
  sg::core::add_kernel<Twins>(sg::DeviceType::cpu, Twins::kernel);
  sg::core::add_kernel<Fused>(sg::DeviceType::cpu, Fused::kernel);
  return true;
}();

template <class P>
Tensor apply(const Tensor& x) {
  return sg::core::apply(sg::core::shared_primitive<P>(), {x.shape(), x.dtype()}, {x});
}
std::vector<Tensor> twins(const Tensor& x) {
  return sg::core::apply_multi(sg::core::shared_primitive<Twins>(), {{x.shape(), x.dtype()}, {x.shape(), x.dtype()}}, {x});
}

std::vector<double> numbers(const Tensor& x) { return x.to_vector<double>(); }
const void* address(const Tensor& x) { return node_of(x).value.storage->data; }

}  // namespace

TEST_CASE("a node runs once, when it is needed") {
  runs = 0;
  const Tensor y = apply<Counted>(Tensor{1.0, 2.0});
  CHECK(runs == 0);
  CHECK(numbers(y + y) == std::vector<double>{4, 6});
  CHECK(numbers(y) == std::vector<double>{2, 3});
  CHECK(runs == 1);
}

TEST_CASE("an evaluated node lets go of its inputs") {
  const Tensor y = sg::exp(sg::exp(Tensor{0.0}));
  CHECK(node_of(y).edge);
  sg::eval(y);
  CHECK_FALSE(node_of(y).edge);
}

TEST_CASE("inside a transform an evaluated node keeps its edge until the outermost one ends") {
  Tensor inner, seen;
  sg::grad([&](const Tensor& x) {
    seen = sg::exp(x);
    sg::eval(seen);
    CHECK(node_of(seen).edge);
    inner = sg::grad([](const Tensor& y) { return y * y; })(x);
    CHECK(node_of(seen).edge);
    return seen * inner;
  })(Tensor(1.0));
  CHECK_FALSE(node_of(seen).edge);
  CHECK_FALSE(node_of(inner).edge);
}

TEST_CASE("a buffer is taken over only when nobody else can see it") {
  const Tensor x = sg::linspace(0, 1, 8) + 0.0;
  sg::eval(x);
  const void* const before = address(x);
  SECTION("a kept handle") {
    const Tensor y = x + 1.0;
    sg::eval(y);
    CHECK(address(y) != before);
    CHECK(numbers(x).at(0) == 0.0);
  }
  SECTION("an intermediate result") {
    sg::memory::reset_peak();
    const std::int64_t active = sg::memory::active();
    const Tensor y = sg::exp(sg::exp(sg::exp(x)));
    sg::eval(y);
    CHECK(sg::memory::peak() - active == 64);
  }
  SECTION("a view of it") {
    Tensor temporary = x + 1.0;
    const Tensor view = sg::slice(temporary, {.begin = 2});
    sg::eval(view);
    const Tensor y = sg::negative(std::exchange(temporary, Tensor()));
    sg::eval(y);
    CHECK(numbers(view).at(0) == Approx(2.0 / 7 + 1));
  }
  SECTION("elements that the user holds") {
    Tensor temporary = x + 1.0;
    const sg::Data<double> data = temporary.data<double>();
    sg::eval(sg::negative(std::exchange(temporary, Tensor())));
    CHECK(data[0] == 1.0);
  }
  SECTION("borrowed memory") {
    const double memory[] = {1.0, 2.0};
    sg::eval(sg::negative(Tensor::borrow(memory, {2}, [](const double*) {})));
    CHECK(memory[0] == 1.0);
  }
  SECTION("the same input twice") {
    CHECK(numbers((x + 1.0) * 1.0)[7] == 2.0);
    const Tensor t = x + 1.0;
    CHECK(numbers(t * t)[7] == 4.0);
  }
}

TEST_CASE("borrowed memory is given back once") {
  int deleted = 0;
  const std::vector<double> memory = {1.0, 2.0};
  {
    const Tensor x = Tensor::borrow(memory.data(), {2}, [&](const double*) { ++deleted; });
    CHECK(x.data<double>().data() == memory.data());
    const Tensor copy = x, view = sg::flip(x);
    CHECK(numbers(view) == std::vector<double>{2, 1});
    CHECK(deleted == 0);
  }
  CHECK(deleted == 1);
}

TEST_CASE("several outputs: each is a tensor of its own") {
  auto outs = twins(Tensor{1.0, 2.0});
  CHECK(numbers(outs[1]) == std::vector<double>{2, 4});
  CHECK(numbers(outs[0]) == std::vector<double>{2, 3});
  const auto f = [](const Tensor& x) {
    const auto both = twins(x * 1.0);
    return sg::sum(both[0] * both[1]);
  };
  CHECK(numbers(sg::grad(f)(Tensor{1.0, 2.0})) == std::vector<double>{6, 10});
  CHECK(sg::jvp(f, {Tensor{1.0, 2.0}}, {Tensor{1.0, 0.0}}).tangent.item<double>() == 6.0);
  CHECK(numbers(sg::hessian(f)(Tensor{1.0, 2.0})) == std::vector<double>{4, 0, 0, 4});
  CHECK(numbers(sg::grad([](const Tensor& x) { return sg::sum(twins(x)[1]); })(Tensor{1.0})) == std::vector<double>{2});
}

TEST_CASE("one output that is dropped frees its buffer") {
  const std::int64_t before = sg::memory::active();
  auto outs = twins(Tensor{1.0, 2.0});
  sg::eval({outs[0], outs[1]});
  outs.pop_back();
  CHECK(sg::memory::active() - before == 16);
}

TEST_CASE("a fused primitive is differentiated through its decomposition, and forwards through its fused rule") {
  const auto f = [](const Tensor& x) { return apply<Fused>(x * 2.0) + 1.0; };
  const double e = std::exp(2.0);
  Fused::fused_calls = 0;
  CHECK(numbers(sg::grad([&](const Tensor& x) { return sg::sum(f(x)); })(Tensor{0.5}))[0] == Approx(4 * e));
  CHECK(Fused::fused_calls == 0);
  const auto [y, dy] = sg::jvp(f, {Tensor{0.5}}, {Tensor{1.0}});
  CHECK(Fused::fused_calls == 1);
  CHECK(numbers(y)[0] == Approx(e + 1));
  CHECK(numbers(dy)[0] == Approx(4 * e));
  const auto df = [&](const Tensor& x) { return sg::jvp(f, {x}, {Tensor{1.0}}).tangent; };
  CHECK(numbers(sg::jvp(df, {Tensor{0.5}}, {Tensor{1.0}}).tangent)[0] == Approx(16 * e));
  CHECK(numbers(sg::vjp(df, {Tensor{0.5}}).pullback(Tensor{1.0}))[0] == Approx(16 * e));
}

TEST_CASE("a primitive without a kernel or a rule says so") {
  CHECK_THROWS_WITH(apply<NoKernel>(Tensor{1.0}), "scangrad: no_kernel has no kernel on cpu; register one with add_kernel");
  CHECK_THROWS_WITH(sg::jvp([](const Tensor& x) { return apply<Counted>(x); }, {Tensor{1.0}}, {Tensor{1.0}}),
                    Catch::Contains("counted: counted has no jvp rule; override Primitive::jvp or decompose"));
  CHECK_THROWS_WITH(sg::vjp([](const Tensor& x) { return apply<Counted>(x); }, {Tensor{1.0}}).pullback(Tensor{1.0}),
                    Catch::Contains("counted: counted has no vjp rule; override Primitive::vjp or decompose"));
}

TEST_CASE("a kernel that throws leaves the graph as it was") {
  runs = 0;
  const Tensor y = apply<Counted>(Tensor{1.0}) * 2.0;
  failing = true;
  CHECK_THROWS_WITH(sg::eval(y), "counted: told to fail");
  CHECK_THROWS_WITH(sg::eval(y), "counted: told to fail");
  failing = false;
  CHECK(numbers(y) == std::vector<double>{4});
  CHECK(runs == 3);
}

TEST_CASE("a callback that throws ends its transform") {
  const std::int64_t before = sg::memory::active();
  const auto thrower = [](const Tensor& x) -> Tensor {
    sg::eval(x * 2.0);
    throw std::runtime_error("mine");
  };
  CHECK_THROWS_WITH(sg::grad(thrower)(Tensor(1.0)), "mine");
  CHECK_THROWS_WITH(sg::grad([&](const Tensor& x) { return sg::jvp(thrower, {x}, {x}).tangent; })(Tensor(1.0)), "mine");
  CHECK(sg::memory::active() == before);
  const Tensor y = sg::exp(Tensor(0.0));
  sg::eval(y);
  CHECK_FALSE(node_of(y).edge);
  CHECK(sg::grad([](const Tensor& x) { return x * x; })(Tensor(3.0)).item<double>() == 6.0);
}

TEST_CASE("threads that evaluate the same nodes run each once") {
  constexpr int threads = 4, nodes = 500;
  for (int repeat = 0; repeat < 20; ++repeat) {
    runs = 0;
    std::vector<Tensor> chain = {Tensor{0.0}};
    for (int i = 0; i < nodes; ++i) chain.push_back(apply<Counted>(chain.back()));
    std::barrier start(threads);
    std::vector<std::thread> workers;
    for (int t = 0; t < threads; ++t)
      workers.emplace_back([&, t] {
        start.arrive_and_wait();
        sg::eval(chain[static_cast<std::size_t>(nodes - t * 7)]);
      });
    for (std::thread& worker : workers) worker.join();
    CHECK(runs == nodes);
    CHECK(numbers(chain.back())[0] == nodes);
  }
}
