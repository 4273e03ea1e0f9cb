// Cox's proportional hazards regression by exact derivatives: which covariates raise the risk of dying, and by how much?
//
//   cox_regression lung.csv --time time --event status
//
// Where to read: cox_regression_model.cpp has the likelihood (five lines, a logcumsumexp among them) and Newton's method, whose
// gradient and Hessian come from scangrad. Around it: _options (command line), _data (columns of a csv file to
// survival data, and what can be wrong with them), _report (what is printed).

#include <fmt/format.h>

#include "cox_regression_model.h"
#include "cox_regression_options.h"
#include "cox_regression_report.h"
#include "scangrad/error.h"

namespace {

void run(const cox::Options& options) {
  const cox::SurvivalData data = cox::survival_data(options);
  if (!options.json) cox::print_head(options, data);
  const cox::Progress progress = options.json ? cox::Progress() : cox::print_step;
  const cox::Fit fit = cox::fit(data, options.ties, progress);
  if (options.json) cox::print_json(options, data, fit);
  else cox::print_table(data, fit);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const cox::Options options = cox::parse_options({argv + 1, argv + argc});
    if (options.help) fmt::print("{}", cox::help_text);
    else run(options);
    return 0;
  } catch (const scangrad::Error& error) {  // without the function that refused and the place of its call
    fmt::print(stderr, "cox_regression: {}\n", error.message().substr(error.op().size() + 2));
    return 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "cox_regression: {}\n", error.what());
    return 1;
  }
}
