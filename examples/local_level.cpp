// The level of the Nile: a random walk seen with noise, by a Kalman filter written as scan. Its likelihood is maximised in the two variances,
// with derivatives through the loop.
//
//   y_t = m_t + e_t, e ~ N(0, v_e);   m_{t+1} = m_t + h_t, h ~ N(0, v_h);   m_1 unknown (diffuse)

#include <cmath>
#include <iostream>
#include <numbers>

#include "scangrad/scangrad.h"

namespace sg = scangrad;
using sg::Tensor;

struct Level {
  Tensor mean, variance;  // of m_t, given y_1 .. y_{t-1}
};

Tensor log_likelihood(const Tensor& log_variances, const Tensor& y) {
  const Tensor noise = sg::exp(log_variances[0]), drift = sg::exp(log_variances[1]);
  const auto filter = [&](const Level& level, const Tensor& seen) {
    const Tensor spread = level.variance + noise, surprise = seen - level.mean, gain = level.variance / spread;
    const Level next{level.mean + gain * surprise, level.variance * (1 - gain) + drift};
    return std::pair(next, sg::log(spread) + sg::square(surprise) / spread);
  };
  const Level after_first{y[0], noise + drift};
  const Tensor terms = sg::scan(filter, after_first, sg::slice(y, {.axis = 0, .begin = 1})).ys;
  return -0.5 * (static_cast<double>(y.size() - 1) * std::log(2 * std::numbers::pi) + sg::sum(terms));
}

int main(int, char** argv) {
  const Tensor y = sg::read_csv(argv[1]).column("flow");
  const auto loss = [&](const Tensor& v) { return -log_likelihood(v, y); };
  const auto fit = sg::newton(loss, sg::log(Tensor{10000.0, 1000.0}));
  const Tensor variances = sg::exp(fit.point), covariance = sg::inverse(sg::hessian(loss)(fit.point));
  std::cout << "variances      " << sg::to_string(variances, {.precision = 4}) << "\n"
            << "log-likelihood " << sg::to_string(Tensor(-fit.value), {.precision = 4}) << "\n"
            << "standard errors of the log variances " << sg::to_string(sg::sqrt(sg::diag(covariance)), {.precision = 3})
            << "\n";
}
