#pragma once
// What cox_regression prints.

#include "cox_regression_model.h"

namespace cox {

void print_head(const Options& options, const SurvivalData& data);
void print_step(int step, double loglik, double gain);
void print_table(const SurvivalData& data, const Fit& fit);

/// One object on one line: file, rows, events, dropped, ties, covariates, coefficients, standard_errors, z, p, loglik_at_zero,
/// loglik, newton_steps, seconds.
void print_json(const Options& options, const SurvivalData& data, const Fit& fit);

}  // namespace cox
