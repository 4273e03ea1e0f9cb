// The log partial likelihood: at each event, the log of the share that the one who died has in the total hazard exp(eta) of all
// who were at risk. With rows by falling time those are a prefix of the rows, so the totals of all events are one logcumsumexp.
//
// Newton's method climbs it with the exact gradient and Hessian.

#include "cox_regression_model.h"

#include <fmt/format.h>
#include <scangrad/eigen.h>
#include <scangrad/scangrad.h>

#include <Eigen/Cholesky>
#include <chrono>
#include <cmath>

namespace sg = scangrad;

namespace cox {

namespace {

/// The data as the likelihood needs it; rows by falling time.
struct Likelihood {
  Ties ties;
  sg::Tensor x;            // (rows, covariates)
  sg::Tensor event;        // (rows,): 1 for an event, 0 for a censored row
  sg::Tensor last_of_tie;  // (rows,): the last row with the same time
  sg::Tensor fraction;     // (rows,): (l - 1) / d in the l-th of the d events at one time

  sg::Tensor operator()(const sg::Tensor& beta) const {
    const sg::Tensor eta = sg::matmul(x, beta);
    const sg::Tensor log_total = sg::take(sg::logcumsumexp(eta), last_of_tie);  // of all at risk
    const sg::Tensor breslow = sg::sum(event * (eta - log_total));
    return ties == Ties::breslow ? breslow : breslow - sg::sum(sg::log1p(-fraction * tied_share(eta - log_total)));
  }

  /// Efron: of d who die at one time, the l-th is compared with all at risk less (l - 1) / d of the d. In logs that is
  /// log_total + log1p(-fraction share), where share, at most 1, is what the d have together in the total.
  sg::Tensor tied_share(const sg::Tensor& log_share) const {
    const sg::Tensor none = sg::zeros(log_share.shape());
    return sg::take(sg::scatter_add(none, last_of_tie, event * sg::exp(log_share)), last_of_tie);
  }
};

Likelihood make_likelihood(const SurvivalData& data, const Eigen::MatrixXd& x, Ties ties) {
  const auto n = static_cast<std::size_t>(x.rows());
  std::vector<std::int64_t> last_of_tie(n);
  std::vector<double> event(n), fraction(n);
  for (std::size_t begin = 0, end = 0; begin < n; begin = end) {
    const auto at = [&](std::size_t i) { return static_cast<Eigen::Index>(i); };
    double events = 0;
    for (; end < n && data.time[at(end)] == data.time[at(begin)]; ++end) events += event[end] = data.event[at(end)];
    double earlier = 0;
    for (std::size_t i = begin; i < end; ++i) {
      last_of_tie[i] = static_cast<std::int64_t>(end - 1);
      if (event[i] != 0) fraction[i] = earlier++ / events;
    }
  }
  return {ties, sg::from_eigen(x), sg::Tensor(event), sg::Tensor(last_of_tie), sg::Tensor(fraction)};
}

[[noreturn]] void fail_to_converge(const SurvivalData& data, const Design& design, const Eigen::VectorXd& beta, int steps) {
  Eigen::Index largest = 0;
  (design.back * beta).cwiseAbs().maxCoeff(&largest);
  throw Failure(
      fmt::format("no convergence in {} Newton steps: the coefficient of '{}' grows without end, as where a covariate "
                  "puts the events in perfect order; leave it out with --covariates",
                  steps, data.names[static_cast<std::size_t>(largest)]));
}

struct Maximum {
  Eigen::VectorXd beta;
  double value = 0;
  int steps = 0;
};

Maximum maximise(const SurvivalData& data, const Likelihood& likelihood, const Design& design, const Progress& progress) {
  constexpr int max_steps = 30;
  Eigen::VectorXd beta = Eigen::VectorXd::Zero(design.x.cols());
  const auto after_step = [&](sg::Progress& step) {
    const Eigen::VectorXd before = std::exchange(beta, sg::as_eigen_vector<double>(step.point[0]));
    if (progress) progress(static_cast<int>(step.iteration), -step.value, step.gain);
    // Where the maximum is at infinity, the gradient and what a step gains go to 0 as well, but each step still moves somebody's
    // log hazard by about 1. One step from here, a true maximum is reached to the last digits.
    if (step.gain < 1e-12 && (design.x * (beta - before)).lpNorm<Eigen::Infinity>() < 1e-3) step.stop();
  };
  const auto loss = [&](const sg::Tensor& at) { return -likelihood(at); };
  const auto fit =
      sg::newton(loss, sg::from_eigen(beta), {.max_iterations = max_steps, .gradient_tolerance = 0, .callback = after_step});
  if (!fit.converged() && fit.reason != sg::StopReason::callback) fail_to_converge(data, design, beta, max_steps);
  return {beta, -fit.value, static_cast<int>(fit.iterations)};
}

}  // namespace

Fit fit(const SurvivalData& data, Ties ties, const Progress& progress) {
  const auto start = std::chrono::steady_clock::now();
  const Design design = make_design(data);
  const Likelihood likelihood = make_likelihood(data, design.x, ties);
  const Maximum maximum = maximise(data, likelihood, design, progress);
  const auto at = [](const Eigen::VectorXd& beta) { return sg::from_eigen(beta); };
  const Eigen::MatrixXd information = -sg::as_eigen_matrix<double>(sg::hessian(likelihood)(at(maximum.beta)));
  const Eigen::MatrixXd covariance = design.back * information.ldlt().solve(design.back.transpose());
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  return {(design.back * maximum.beta).cwiseQuotient(design.deviation),
          covariance.diagonal().cwiseSqrt().cwiseQuotient(design.deviation),
          likelihood(at(Eigen::VectorXd::Zero(design.x.cols()))).item<double>(),
          maximum.value,
          maximum.steps,
          elapsed.count()};
}

}  // namespace cox
