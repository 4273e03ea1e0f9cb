// What the graph itself costs: a chain of 200 operations on tensors of 16 elements is built, differentiated (or made a batch of one) and
// evaluated, and the processor time is told per operation of the chain. The arithmetic is a few nanoseconds of it. The bar is 1 us for
// each of grad, jvp and vmap (exit status 1 above it).

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "scangrad/scangrad.h"

namespace sg = scangrad;
using sg::Tensor;

namespace {

constexpr int operations = 200;

/// Products, sums and smooth functions in turn, so that values stay near 1.
Tensor chain(const Tensor& x) {
  Tensor y = x;
  for (int i = 0; i < operations / 4; ++i) y = sg::tanh(y * x + x) - x;
  return y;
}

double now() {  // of this process, in seconds
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// The median time, in microseconds an operation.
template <class F>
double time_of(const char* name, const F& f) {
  std::vector<double> times;
  for (int i = 0; i < 500; ++i) {
    const double start = now();
    if (f().size() != 16) std::abort();
    times.push_back((now() - start) * 1e6 / operations);
  }
  std::sort(times.begin(), times.end());
  const double median = times[times.size() / 2];
  std::printf("%-36s %.3f us an operation (median of %zu; best %.3f)\n", name, median, times.size(), times[0]);
  return median;
}

}  // namespace

int main() {
  const Tensor x = sg::linspace(0.1, 0.9, 16), dx = sg::ones({16}), xs = sg::reshape(x, {1, 16});
  sg::eval({x, dx, xs});
  const auto total = [](const Tensor& t) { return sg::sum(chain(t)); };
  const double worst = std::max({
      time_of("build, grad, evaluate", [&] { return sg::value_and_grad(total)(x).gradient; }),
      time_of("build, jvp, evaluate", [&] { return sg::jvp(chain, {x}, {dx}).tangent; }),
      time_of("build, vmap, evaluate", [&] { return sg::vmap(chain)(xs); }),
  });
  std::printf("the slowest of these: %.3f us, bar 1.0\n", worst);
  time_of("build, linearize, apply, evaluate", [&] { return sg::linearize(chain, {x}).jvp(dx); });
  time_of("build, evaluate", [&] {
    const Tensor y = chain(x);
    sg::eval(y);
    return y;
  });
  return worst <= 1.0 ? 0 : 1;
}
