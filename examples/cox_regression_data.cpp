#include "cox_regression_data.h"

#include <fmt/format.h>

#include <Eigen/QR>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <optional>

namespace cox {

namespace {

using Index = Eigen::Index;

bool is_missing(std::string_view cell) { return cell.empty() || cell == "NA" || cell == "NaN"; }

std::optional<double> parse_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return {};
  return value;
}

/// Time, event and the covariates, in this order.
std::vector<std::size_t> used_columns(const Table& table, const Options& options) {
  std::vector<std::size_t> used = {column(table, options.time), column(table, options.event)};
  if (used[0] == used[1]) throw Failure(fmt::format("--time and --event are the same column, '{}'", options.time));
  const bool all = options.covariates.empty();
  for (const std::string& name : all ? table.names : options.covariates) {
    if (all && (name == options.time || name == options.event)) continue;
    if (name.empty()) throw Failure("a column of the header has no name; give it one, or say which to use with --covariates");
    const std::size_t index = column(table, name);
    if (std::find(used.begin(), used.end(), index) != used.end())
      throw Failure(fmt::format("covariate '{}' is named twice, or is the time or the status; name other columns", name));
    used.push_back(index);
  }
  if (used.size() == 2)
    throw Failure(fmt::format("'{}' has no columns but time and status; covariates are needed", table.file));
  return used;
}

double number(const Table& table, std::size_t row, std::size_t column) {
  const std::string& cell = table.rows[row].cells[column];
  if (const auto value = parse_number(cell)) return *value;
  throw Failure(fmt::format("column '{}' is not numeric: {} holds '{}', where a finite number is needed", table.names[column],
                            place(table, row), cell));
}

/// The rows to use.
std::vector<std::size_t> complete_rows(const Table& table, const std::vector<std::size_t>& columns, const Options& options) {
  std::vector<std::size_t> rows;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    const auto missing = [&](std::size_t column) { return is_missing(table.rows[row].cells[column]); };
    const auto hole = std::find_if(columns.begin(), columns.end(), missing);
    if (hole == columns.end()) rows.push_back(row);
    else if (!options.drop_missing)
      throw Failure(fmt::format("{} has no value in column '{}'; fill it in, or leave such rows out with --drop-missing",
                                place(table, row), table.names[*hole]));
  }
  if (rows.empty()) throw Failure("every row misses a value in some column; --covariates can leave columns out");
  return rows;
}

/// 0/1 or 1/2, told apart by the values: a 0 or a 2 decides.
StatusCode status_code(const Table& table, const std::vector<std::size_t>& rows, std::size_t column) {
  const auto holds = [&](double status) {
    return std::any_of(rows.begin(), rows.end(), [&](std::size_t row) { return number(table, row, column) == status; });
  };
  if (holds(0)) return StatusCode::zero_one;
  if (holds(2)) return StatusCode::one_two;
  if (std::all_of(rows.begin(), rows.end(), [&](std::size_t row) { return number(table, row, column) == 1; }))
    throw Failure(
        fmt::format("the status in column '{}' is 1 in every row: all died (0/1) or all censored (1/2)? "
                    "Say which with --status 01 or --status 12",
                    table.names[column]));
  return StatusCode::zero_one;
}

bool died(const Table& table, std::size_t row, std::size_t column, StatusCode code) {
  const double censored = code == StatusCode::zero_one ? 0 : 1;
  const double status = number(table, row, column);
  if (status == censored || status == censored + 1) return status != censored;
  throw Failure(fmt::format("{} has the status {} in column '{}'; it must be {} (censored) or {} (event) in every row",
                            place(table, row), status, table.names[column], censored, censored + 1));
}

std::string quoted(const std::string& name) { return "'" + name + "'"; }

/// "'a', 'b' and 'c'".
std::string enumerate(const std::vector<std::string>& names) {
  std::string text = quoted(names[0]);
  for (std::size_t i = 1; i < names.size(); ++i) text += (i + 1 < names.size() ? ", " : " and ") + quoted(names[i]);
  return text;
}

void check_constant(const SurvivalData& data, const Eigen::MatrixXd& x) {
  for (Index j = 0; j < x.cols(); ++j) {
    if (x.col(j).minCoeff() != x.col(j).maxCoeff()) continue;
    throw Failure(
        fmt::format("column '{}' is constant: it is {} in all of the {} rows that count, those not censored before the "
                    "first event; leave it out with --covariates",
                    data.names[static_cast<std::size_t>(j)], x(0, j), x.rows()));
  }
}

/// A pivoted QR puts the columns that the others already span at the end; its R says which others. Columns that agree to seven
/// digits count as equal, as in R.
void check_collinear(const SurvivalData& data, const Eigen::MatrixXd& x) {
  constexpr double threshold = 1e-7;
  Eigen::ColPivHouseholderQR<Eigen::MatrixXd> qr(x);
  const auto r = qr.matrixR();
  Index rank = 0;
  while (rank < std::min(x.rows(), x.cols()) && std::abs(r(rank, rank)) > threshold * std::abs(r(0, 0))) ++rank;
  if (rank == x.cols()) return;

  const Eigen::VectorXd weights =
      r.topLeftCorner(rank, rank).triangularView<Eigen::Upper>().solve(Eigen::VectorXd(r.col(rank).head(rank)));
  const auto& order = qr.colsPermutation().indices();
  std::vector<Index> involved = {order[rank]};
  for (Index i = 0; i < rank; ++i)
    if (std::abs(weights[i]) > 10 * threshold) involved.push_back(order[i]);
  std::sort(involved.begin(), involved.end());
  std::vector<std::string> names;
  for (Index j : involved) names.push_back(data.names[static_cast<std::size_t>(j)]);
  throw Failure(fmt::format("columns {} are collinear: each is a combination of the others; leave one out with --covariates",
                            enumerate(names)));
}

}  // namespace

SurvivalData survival_data(const Table& table, const Options& options) {
  const std::vector<std::size_t> columns = used_columns(table, options);
  std::vector<std::size_t> rows = complete_rows(table, columns, options);
  const StatusCode code = options.status ? *options.status : status_code(table, rows, columns[1]);
  std::vector<double> time(table.rows.size());
  for (std::size_t row : rows) time[row] = number(table, row, columns[0]);
  std::stable_sort(rows.begin(), rows.end(), [&](std::size_t a, std::size_t b) { return time[a] > time[b]; });

  SurvivalData data;
  for (std::size_t j = 2; j < columns.size(); ++j) data.names.push_back(table.names[columns[j]]);
  const auto n = static_cast<Index>(rows.size()), p = static_cast<Index>(data.names.size());
  data.time.resize(n);
  data.event.resize(n);
  data.covariates.resize(n, p);
  data.dropped = table.rows.size() - rows.size();
  for (Index i = 0; i < n; ++i) {
    const std::size_t row = rows[static_cast<std::size_t>(i)];
    data.time[i] = time[row];
    data.event[i] = died(table, row, columns[1], code);
    for (Index j = 0; j < p; ++j) data.covariates(i, j) = number(table, row, columns[static_cast<std::size_t>(j + 2)]);
  }
  if (data.events() == 0) throw Failure(fmt::format("no events: column '{}' says censored in every row", options.event));
  return data;
}

Index rows_at_risk(const SurvivalData& data) {
  Index n = data.rows();
  while (!data.event[n - 1]) --n;
  const double first_event = data.time[n - 1];
  while (n < data.rows() && data.time[n] == first_event) ++n;
  return n;
}

Design standardise(const SurvivalData& data) {
  Design design{data.covariates.topRows(rows_at_risk(data)), {}};
  check_constant(data, design.x);
  design.x.rowwise() -= design.x.colwise().mean().eval();
  // By the largest element first: squares of very large or very small values would leave the range of double.
  const Eigen::RowVectorXd largest = design.x.cwiseAbs().colwise().maxCoeff();
  design.x.array().rowwise() /= largest.array();
  const Eigen::RowVectorXd deviation = (design.x.colwise().squaredNorm() / static_cast<double>(design.x.rows())).cwiseSqrt();
  design.x.array().rowwise() /= deviation.array();
  design.scale = largest.cwiseProduct(deviation).transpose();
  check_collinear(data, design.x);
  return design;
}

}  // namespace cox
