#pragma once
// Survival data from the columns of a csv file, and what can be wrong with it.

#include <Eigen/Core>
#include <string>
#include <vector>

#include "cox_regression_options.h"

namespace cox {

/// One patient a row, by falling time: the patients at risk at any time are then a prefix of the rows.
struct SurvivalData {
  std::vector<std::string> names;  // of the covariates
  Eigen::VectorXd time;
  Eigen::Array<bool, Eigen::Dynamic, 1> event;  // true: died, false: censored
  Eigen::MatrixXd covariates;                   // (patients, names)
  std::size_t dropped = 0;                      // rows left out for a missing value

  Eigen::Index rows() const { return time.size(); }
  Eigen::Index events() const { return event.count(); }
};

/// The columns that the options name, as numbers.
SurvivalData survival_data(const Options& options);

/// The number of patients at risk at the first event. The others, censored before it, stand behind and say nothing.
Eigen::Index rows_at_risk(const SurvivalData& data);

/// The covariates of the patients at risk, made orthogonal: columns of mean 0, variance 1 and correlation 0 that span the same
/// space. The model in them has the same likelihood and is well conditioned, whatever the units and however close to collinear.
/// Coefficients c in x are `back c` in the standardised covariates, and those divided by `deviation` in the covariates.
struct Design {
  Eigen::MatrixXd x;          // (rows at risk, covariates)
  Eigen::MatrixXd back;       // (covariates, covariates)
  Eigen::VectorXd deviation;  // standard deviation of each covariate
};

/// Refuses covariates whose coefficients the data cannot tell: constant or collinear ones.
Design make_design(const SurvivalData& data);

}  // namespace cox
