#include "cox_regression_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace cox {

const std::string_view help_text =
    R"(usage: cox_regression FILE --time COLUMN --event COLUMN [options]

Fits Cox's proportional hazards model to a csv file: a header line, numeric columns, rows in any order.

  --time COLUMN         when the event or the censoring happened
  --event COLUMN        the status: 0 censored, 1 event; or, as in R, 1 censored, 2 event
  --covariates A,B,C    the columns to regress on (default: all other columns)
  --ties METHOD         how to treat events at the same time: breslow (default) or efron (R's default)
  --status 01|12        which of the two codes the status column uses (default: told from its values)
  --drop-missing        leave out rows in which a column that is used is empty or NA
  --json                print one JSON object instead of the table, for other programs
  --help                print this

Prints coefficients, hazard ratios with 95 % intervals, standard errors, z, p and the log partial likelihood. Exit status 1 and
one line on stderr where something is wrong.
)";

namespace {

std::string_view trim(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(' '), text.size());
  return text.substr(begin, text.find_last_not_of(' ') + 1 - begin);
}

template <class T>
T parse_choice(std::string_view option, const std::string& value, const std::map<std::string, T>& choices) {
  if (const auto found = choices.find(value); found != choices.end()) return found->second;
  std::string names;
  for (const auto& [name, choice] : choices) names += (names.empty() ? "" : " or ") + name;
  throw Failure(fmt::format("{} is {}, given '{}'", option, names, value));
}

std::vector<std::string> parse_names(std::string_view list) {
  std::vector<std::string> names;
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    names.emplace_back(trim(list.substr(begin, end - begin)));
    if (names.back().empty()) throw Failure(fmt::format("--covariates takes names with commas between, given '{}'", list));
    begin = end + 1;
  }
  return names;
}

void set_option(Options& options, const std::string& name, const std::string& value) {
  if (name == "--time") options.time = value;
  else if (name == "--event") options.event = value;
  else if (name == "--covariates") options.covariates = parse_names(value);
  else if (name == "--ties")
    options.ties = parse_choice<Ties>(name, value, {{"breslow", Ties::breslow}, {"efron", Ties::efron}});
  else if (name == "--status")
    options.status = parse_choice<StatusCode>(name, value, {{"01", StatusCode::zero_one}, {"12", StatusCode::one_two}});
  else throw Failure(fmt::format("unknown option '{}'; see --help", name));
}

bool set_flag(Options& options, const std::string& name) {
  if (name == "--help" || name == "-h") return options.help = true;
  if (name == "--json") return options.json = true;
  if (name == "--drop-missing") return options.drop_missing = true;
  return false;
}

}  // namespace

Options parse_options(const std::vector<std::string>& arguments) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (set_flag(options, argument)) continue;
    if (argument.starts_with("-")) {
      const bool has_value = i + 1 < arguments.size();
      set_option(options, argument, has_value ? arguments[i + 1] : "");
      if (!has_value) throw Failure(fmt::format("{} needs a value; see --help", argument));
      ++i;
    } else {
      if (!options.file.empty()) throw Failure(fmt::format("takes one file, given '{}' and '{}'", options.file, argument));
      options.file = argument;
    }
  }
  if (options.help) return options;
  if (options.file.empty()) throw Failure("no csv file given; see --help");
  if (options.time.empty()) throw Failure("--time must name the column of the times; see --help");
  if (options.event.empty()) throw Failure("--event must name the column of the status; see --help");
  return options;
}

}  // namespace cox
