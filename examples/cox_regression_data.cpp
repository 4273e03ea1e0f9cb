#include "cox_regression_data.h"

#include <fmt/format.h>

#include <scangrad/eigen.h>
#include <scangrad/io.h>
#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <numeric>

namespace cox {

namespace {

namespace sg = scangrad;
using Index = Eigen::Index;
using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Time, event and the covariates, in this order.
std::vector<std::string> used_columns(const sg::CsvTable& table, const Options& options) {
  std::vector<std::string> used = {options.time, options.event};
  if (options.time == options.event) throw Failure(fmt::format("--time and --event are the same column, '{}'", options.time));
  const bool all = options.covariates.empty();
  for (const std::string& name : all ? table.names() : options.covariates) {
    if (all && (name == options.time || name == options.event)) continue;
    if (name.empty()) throw Failure("a column of the header has no name; give it one, or say which to use with --covariates");
    if (std::find(used.begin(), used.end(), name) != used.end())
      throw Failure(fmt::format("covariate '{}' is named twice, or is the time or the status; name other columns", name));
    used.push_back(name);
  }
  return used;
}

/// The rows to use.
std::vector<Index> complete_rows(const sg::CsvTable& table, const std::vector<std::string>& columns,
                                 const Eigen::Ref<const Matrix>& values, const Options& options) {
  std::vector<Index> rows;
  for (Index row = 0; row < values.rows(); ++row) {
    bool complete = true;
    for (std::size_t j = 0; j < columns.size(); ++j) {
      const double value = values(row, static_cast<Index>(j));
      if (std::isinf(value))
        throw Failure(
            fmt::format("{} has the value {} in column '{}'; it must be finite", table.place(row), value, columns[j]));
      if (std::isnan(value) && !options.drop_missing)
        throw Failure(fmt::format("{} has no value in column '{}'; fill it in, or leave such rows out with --drop-missing",
                                  table.place(row), columns[j]));
      complete &= !std::isnan(value);
    }
    if (complete) rows.push_back(row);
  }
  if (rows.empty()) throw Failure("every row misses a value in some column; --covariates can leave columns out");
  return rows;
}

/// 0/1 or 1/2, told apart by the values: a 0 or a 2 decides.
StatusCode status_code(const std::string& column, const Eigen::ArrayXd& status) {
  if ((status == 0).any()) return StatusCode::zero_one;
  if ((status == 2).any()) return StatusCode::one_two;
  if ((status != 1).any()) return StatusCode::zero_one;
  throw Failure(
      fmt::format("the status in column '{}' is 1 in every row: all died (0/1) or all censored (1/2)? "
                  "Say which with --status 01 or --status 12",
                  column));
}

void check_status(const sg::CsvTable& table, const std::vector<Index>& rows, const std::string& column,
                  const Eigen::ArrayXd& status, double censored) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const double value = status[static_cast<Index>(i)];
    if (value == censored || value == censored + 1) continue;
    throw Failure(fmt::format("{} has the status {} in column '{}'; it must be {} (censored) or {} (event) in every row",
                              table.place(rows[i]), value, column, censored, censored + 1));
  }
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

using Factors = Eigen::ColPivHouseholderQR<Eigen::MatrixXd>;

/// The pivoted QR puts the columns that the others already span at the end; its R says which others. Columns that agree to seven
/// digits count as equal, as in R.
void check_collinear(const SurvivalData& data, const Factors& qr) {
  constexpr double threshold = 1e-7;
  const auto& r = qr.matrixR();
  Index rank = 0;
  while (rank < std::min(r.rows(), r.cols()) && std::abs(r(rank, rank)) > threshold * std::abs(r(0, 0))) ++rank;
  if (rank == r.cols()) return;

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

SurvivalData survival_data(const Options& options) {
  const sg::CsvTable table = sg::read_csv(options.file, {.missing = sg::Missing::nan});
  if (table.rows() == 0)
    throw Failure(fmt::format("'{}' has no rows; a csv file with a header and rows is needed", options.file));
  const std::vector<std::string> columns = used_columns(table, options);
  const auto all_rows = sg::as_eigen_matrix<double>(table.columns(columns));
  if (columns.size() == 2)
    throw Failure(fmt::format("'{}' has no columns but time and status; covariates are needed", options.file));
  const std::vector<Index> rows = complete_rows(table, columns, all_rows, options);
  const Eigen::MatrixXd values = all_rows(rows, Eigen::all);
  const auto time = values.col(0);
  const auto status = values.col(1).array();
  const StatusCode code = options.status ? *options.status : status_code(options.event, status);
  const double censored = code == StatusCode::zero_one ? 0 : 1;
  check_status(table, rows, options.event, status, censored);
  if ((status == censored).all())
    throw Failure(fmt::format("no events: column '{}' says censored in every row", options.event));

  std::vector<Index> order(rows.size());
  std::iota(order.begin(), order.end(), Index{0});
  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return time[a] > time[b]; });
  SurvivalData data;
  for (std::size_t j = 2; j < columns.size(); ++j) data.names.push_back(columns[j]);
  data.time = time(order);
  data.event = status(order) != censored;
  data.covariates = values(order, Eigen::lastN(values.cols() - 2));
  data.dropped = static_cast<std::size_t>(table.rows()) - rows.size();
  return data;
}

Index rows_at_risk(const SurvivalData& data) {
  Index n = data.rows();
  while (!data.event[n - 1]) --n;
  const double first_event = data.time[n - 1];
  while (n < data.rows() && data.time[n] == first_event) ++n;
  return n;
}

Design make_design(const SurvivalData& data) {
  Eigen::MatrixXd x = data.covariates.topRows(rows_at_risk(data));
  check_constant(data, x);
  const auto n = static_cast<double>(x.rows());
  x.rowwise() -= x.colwise().mean().eval();
  // By the largest element first: squares of very large or very small values would leave the range of double.
  const Eigen::RowVectorXd largest = x.cwiseAbs().colwise().maxCoeff();
  x.array().rowwise() /= largest.array();
  const Eigen::RowVectorXd deviation = (x.colwise().squaredNorm() / n).cwiseSqrt();
  x.array().rowwise() /= deviation.array();

  const Factors qr(x);  // x P = Q R
  check_collinear(data, qr);
  const Index p = x.cols();
  const Eigen::MatrixXd q = qr.householderQ() * Eigen::MatrixXd::Identity(x.rows(), p);
  const Eigen::MatrixXd r = qr.matrixR().topRows(p).triangularView<Eigen::Upper>();
  const Eigen::MatrixXd inverse = r.triangularView<Eigen::Upper>().solve(Eigen::MatrixXd::Identity(p, p));
  return {std::sqrt(n) * q, std::sqrt(n) * (qr.colsPermutation() * inverse), largest.cwiseProduct(deviation).transpose()};
}

}  // namespace cox
