#pragma once
// Cox's partial likelihood and its maximum.

#include <Eigen/Core>
#include <functional>

#include "cox_regression_data.h"

namespace cox {

struct Fit {
  Eigen::VectorXd coefficients, standard_errors;
  double loglik_at_zero = 0, loglik = 0;  // log partial likelihood
  int steps = 0;                          // of Newton's method
  double seconds = 0;
};

/// Called after every Newton step with its number, the log partial likelihood and how much the step gained.
using Progress = std::function<void(int step, double loglik, double gain)>;

/// Maximises the partial likelihood; throws Failure where it has no maximum.
Fit fit(const SurvivalData& data, Ties ties, const Progress& progress);

}  // namespace cox
