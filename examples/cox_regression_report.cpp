#include "cox_regression_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

namespace cox {

namespace {

Eigen::VectorXd z_values(const Fit& fit) { return fit.coefficients.cwiseQuotient(fit.standard_errors); }

/// Two-sided p of a standard normal.
double p_value(double z) { return std::erfc(std::abs(z) / std::sqrt(2.0)); }

/// A JSON string.
std::string json(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += {'\\', c};
    else if (static_cast<unsigned char>(c) < 0x20) result += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    else result += c;
  }
  return result + '"';
}

/// A JSON number with all its digits.
std::string json(double value) { return std::isfinite(value) ? fmt::format("{:.17g}", value) : "null"; }

template <class T>
std::string json(std::span<const T> values) {
  std::string result = "[";
  for (const T& value : values) result += (result.size() > 1 ? ", " : "") + json(value);
  return result + "]";
}

std::string json(const Eigen::VectorXd& values) {
  return json(std::span<const double>(values.data(), static_cast<std::size_t>(values.size())));
}

std::string_view name(Ties ties) { return ties == Ties::breslow ? "breslow" : "efron"; }

}  // namespace

void print_head(const Options& options, const SurvivalData& data) {
  fmt::print("Cox regression on {}: {} rows, {} events", options.file, data.rows(), data.events());
  if (options.drop_missing) fmt::print(", {} rows with missing values left out", data.dropped);
  fmt::print("\nties: {}\n\n",
             options.ties == Ties::breslow ? "Breslow (R's default is Efron: --ties efron)" : "Efron (R's default)");
}

void print_step(int step, double loglik, double gain) {
  fmt::print("Newton step {}: log partial likelihood {:.6f}, gained {:.2g}\n", step, loglik, gain);
  std::fflush(stdout);
}

void print_table(const SurvivalData& data, const Fit& fit) {
  std::size_t width = 9;  // of "covariate"
  for (const std::string& covariate : data.names) width = std::max(width, covariate.size());
  constexpr double normal_quantile = 1.959963984540054;  // of 0.975

  fmt::print("\n{:<{}} {:>12} {:>12} {:>12} {:>8} {:>9}   {}\n", "covariate", width, "coefficient", "hazard ratio",
             "std. error", "z", "p", "95 % interval of the hazard ratio");
  const Eigen::VectorXd z = z_values(fit);
  for (Eigen::Index j = 0; j < z.size(); ++j) {
    const double coefficient = fit.coefficients[j], error = fit.standard_errors[j];
    fmt::print("{:<{}} {:>12.6g} {:>12.6g} {:>12.6g} {:>8.3f} {:>9.3g}   {:>9.6g} to {:.6g}\n",
               data.names[static_cast<std::size_t>(j)], width, coefficient, std::exp(coefficient), error, z[j], p_value(z[j]),
               std::exp(coefficient - normal_quantile * error), std::exp(coefficient + normal_quantile * error));
  }
  fmt::print("\nlog partial likelihood: {:.6f} at zero, {:.6f} at the optimum\n", fit.loglik_at_zero, fit.loglik);
  fmt::print("Newton steps: {}, time: {:.4f} s\n", fit.steps, fit.seconds);
}

void print_json(const Options& options, const SurvivalData& data, const Fit& fit) {
  const Eigen::VectorXd z = z_values(fit);
  fmt::print(R"({{"file": {}, "rows": {}, "events": {}, "dropped": {}, "ties": "{}", )", json(options.file), data.rows(),
             data.events(), data.dropped, name(options.ties));
  fmt::print(R"("covariates": {}, "coefficients": {}, "standard_errors": {}, "z": {}, "p": {}, )",
             json(std::span<const std::string>(data.names)), json(fit.coefficients), json(fit.standard_errors), json(z),
             json(Eigen::VectorXd(z.unaryExpr(&p_value))));
  fmt::print(R"("loglik_at_zero": {}, "loglik": {}, "newton_steps": {}, "seconds": {}}})", json(fit.loglik_at_zero),
             json(fit.loglik), fit.steps, json(fit.seconds));
  fmt::print("\n");
}

}  // namespace cox
