// Exponential smoothing of the Nile's annual flow: a linear recurrence whose factor is fitted by Newton's method.
//
//   level_1 = x_1,   level_t = (1 - alpha) level_{t-1} + alpha x_t,   minimise sum_{t > 1} (x_t - level_{t-1})^2
//
//   nile_smoothing examples/data/nile.csv

#include <cstdio>

#include "scangrad/scangrad.h"

namespace sg = scangrad;
using sg::Tensor;

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: nile_smoothing nile.csv\n"), 2;
  const Tensor flow = sg::read_csv(argv[1]).column("flow");
  const Tensor first = flow[0], later = sg::slice(flow, {.begin = 1});

  const auto squares = [&](const Tensor& logit) {
    const Tensor alpha = sg::sigmoid(logit);
    const Tensor expected = sg::linear_recurrence(1 - alpha, alpha * later, first, {.exclusive = true});  // level_{t-1}
    return sg::sum(sg::square(later - expected));
  };
  const auto fit = sg::newton(squares, Tensor(0.0), {.gradient_tolerance = 1e-3});

  const double alpha = sg::sigmoid(fit.point).item<double>();
  std::printf("alpha %.5f, sum of squares %.0f, after %d steps (%s)\n", alpha, fit.value, static_cast<int>(fit.iterations),
              std::string(sg::to_string(fit.reason)).c_str());
}
