#pragma once
// The command line of cox_regression.

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace cox {

/// What the user must put right; the message is one line.
struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// How the likelihood treats events at the same time.
enum class Ties { breslow, efron };

/// What the numbers of the status column mean.
enum class StatusCode { zero_one, one_two };

struct Options {
  std::string file, time, event;
  std::vector<std::string> covariates;  // empty: all other columns
  Ties ties = Ties::breslow;
  std::optional<StatusCode> status;  // empty: told from the values
  bool drop_missing = false;
  bool json = false;
  bool help = false;
};

extern const std::string_view help_text;

Options parse_options(const std::vector<std::string>& arguments);

}  // namespace cox
