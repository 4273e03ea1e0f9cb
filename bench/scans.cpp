// bench_scans: the time of the scans on the grid of bench/scans/grid.h, each beside a copy of the bytes that it moves.
//
// Counters of a benchmark: `ns` an element, at best; `copy_ns`, memcpy of as many bytes, at best, measured in turn with it; `bytes` that
// an element moves; `n` elements; `units` of error where they were measured (docs/accuracy.md). Outputs live in kept buffers, as they
// do in a program that runs for a while. Threads: SCANGRAD_NUM_THREADS; kernels: SCANGRAD_ISA.

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstring>
#include <functional>
#include <limits>

#include "cpu/simd/levels.h"
#include "judge/run.h"
#include "judge/units.h"
#include "scans/grid.h"

namespace {

using namespace grid;
using judge::Quantity;
using judge::Scan;
using sg::Tensor;
using Tensors = std::vector<Tensor>;

/// Two buffers that were touched, of the size asked for at most so far.
class CopyRoom {
 public:
  void reserve(std::size_t bytes) {
    if (bytes <= from_.size()) return;
    from_.assign(bytes, 1), to_.assign(bytes, 2);
  }
  void copy(std::size_t bytes) { std::memcpy(to_.data(), from_.data(), bytes); }

 private:
  std::vector<char> from_, to_;
};
CopyRoom room;

double seconds(const std::function<void()>& f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

class Inputs {
 public:
  explicit Inputs(const Case& c) : case_(c) {
    std::uint64_t seed = 1;
    const bool recurrence = c.scan == Scan::linear_recurrence;
    if (recurrence) x.push_back(made(Content::decay, seed++));
    x.push_back(made(c.scan == Scan::cumprod ? Content::near_one : Content::normal, seed++));
    for (std::size_t i = 0; i < x.size(); ++i) t.push_back(made(Content::normal, seed++));
    g = made(Content::normal, seed++);
    first = sg::astype(Tensor(0.5), c.dtype);
    eval(x), eval(t), eval(Tensors{g, first});
  }
  Tensors x, t;
  Tensor g;
  Tensor first;  ///< of a scan from an initial value

 private:
  enum class Content { normal, near_one, decay };
  /// Sums of four uniform numbers have the spread of a normal one. Odd strides: every second element of a larger array.
  Tensor made(Content content, std::uint64_t seed) const {
    sg::Shape shape = case_.layout.shape;
    const std::int64_t stride = case_.layout.stride;
    shape.back() *= stride;
    std::vector<float> values(test::count(shape));
    for (float& value : values) {
      float sum = -2;
      for (int i = 0; i < 4; ++i, seed = seed * 6364136223846793005u + 1442695040888963407u)
        sum += static_cast<float>(seed >> 40) * 0x1p-24f;
      value = content == Content::normal ? sum * 1.7f : content == Content::near_one ? 1 + sum * 1e-4f : 0.9f + 0.02f * sum;
    }
    Tensor all(values, shape);
    if (sg::is_complex(case_.dtype) && content == Content::normal) all = sg::complex(all, sg::flip(all));
    all = sg::astype(all, case_.dtype);
    sg::eval(all);
    return stride == 1 ? all : sg::slice(all, {.axis = -1, .step = stride});
  }
  void eval(const Tensors& tensors) const { sg::eval(tensors); }
  const Case& case_;
};

Tensors run(const Case& c, const Inputs& in) {
  const auto f = [&](const Tensors& x) {
    return c.initial ? judge::apply(c.scan, x, in.first, c.options()) : judge::apply(c.scan, x, c.options());
  };
  switch (c.mode) {
    case Mode::forward: {
      const Tensor y = f(in.x);
      sg::eval(y);
      return {y};
    }
    case Mode::jvp: {
      const auto both = sg::jvp(f, sg::args(in.x), sg::args(in.t));
      return {both.value, both.tangent};
    }
    case Mode::vjp: {
      const auto back = sg::vjp(f, sg::args(in.x));
      Tensors all = back.pullback(in.g);
      all.push_back(back.value);
      sg::eval(all);
      return all;
    }
  }
  return {};
}

/// The worst error over the lane, of the value (forward) or the derivative.
double units(const Case& c, const Inputs& in) {
  using V = long double;
  const auto lane = [](const Tensor& x) { return judge::widen<float>(x); };
  judge::Lanes<V> x, t;
  for (const Tensor& part : in.x) x.push_back(lane(part));
  for (const Tensor& part : in.t) t.push_back(lane(part));
  const auto exactly = judge::reference<V>(c.scan, x);
  const Tensors got = run(c, in);
  const auto worst = [&](const Tensor& result, const judge::Exact<V>& exact) {
    const auto values = lane(result);
    double most = 0;
    for (std::size_t k = 0; k < values.size(); ++k)
      most = std::max(most, judge::error_in_units<V>(values[k], exact.value[k], {exact.scale[k], exact.floor[k]},
                                                     judge::format_of(sg::DType::float32)));
    return most;
  };
  if (c.mode == Mode::forward) return worst(got[0], exactly->value(false));
  if (c.mode == Mode::jvp) return worst(got[1], exactly->jvp(t, false));
  const auto exact = exactly->vjp(lane(in.g), false);
  double most = 0;
  for (std::size_t i = 0; i < exact.size(); ++i) most = std::max(most, worst(got[i], exact[i]));
  return most;
}

void measure(benchmark::State& state, const Case& c) {
  const Inputs in(c);
  const auto n = static_cast<double>(test::count(c.layout.shape));
  const auto bytes = static_cast<std::size_t>(n * c.bytes_an_element());
  double best = std::numeric_limits<double>::infinity(), best_copy = best;
  try {
    run(c, in);
    room.reserve(bytes / 2);  // a copy of half as many reads and writes them all
    for (auto _ : state) {
      const double time = seconds([&] { run(c, in); });
      best = std::min(best, time);
      best_copy = std::min(best_copy, seconds([&] { room.copy(bytes / 2); }));
      state.SetIterationTime(time);
    }
    if (c.error) state.counters["units"] = units(c, in);
  } catch (const sg::Error& error) {
    state.SkipWithError(error.what());
    return;
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(bytes));
  state.counters["n"] = n;
  state.counters["bytes"] = c.bytes_an_element();
  state.counters["ns"] = best / n * 1e9;
  state.counters["copy_ns"] = best_copy / n * 1e9;
}

}  // namespace

int main(int argc, char** argv) {
  bool quick = false;
  for (int i = 1; i < argc; ++i)
    if (std::strcmp(argv[i], "--quick") == 0) {
      quick = true;
      std::copy(argv + i + 1, argv + argc + 1, argv + i);
      --argc, --i;
    }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 64;
  benchmark::AddCustomContext("level", std::string(sg::cpu::current_level().name));
  sg::memory::set_cache_limit(std::int64_t{6} << 30);
  for (const Case& c : cases(quick))
    benchmark::RegisterBenchmark(c.name().c_str(), [c](benchmark::State& state) { measure(state, c); })
        ->UseManualTime()
        ->MinTime(quick ? 0.02 : 0.5)
        ->Unit(benchmark::kMicrosecond);
  benchmark::RunSpecifiedBenchmarks();
}
