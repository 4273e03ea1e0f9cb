// The example cox_regression as its users meet it: run as a program on csv files. Held against R on real data, against a closed
// form on small data, against itself on data that must not matter, and for every error against the exact line it prints.

#include <stdlib.h>    // mkdtemp
#include <sys/wait.h>  // WEXITSTATUS

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "support/catch.h"

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const fs::path data_folder = fs::path(SCANGRAD_SOURCE_DIR) / "examples" / "data";

std::string read(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

struct Outcome {
  int status = -1;
  std::string out, err;
};

/// Runs the program in a folder of its own that holds `csv` as data.csv.
Outcome run(const std::string& csv, const std::string& arguments) {
  std::string folder = (fs::temp_directory_path() / "scangrad_cox_XXXXXX").string();
  REQUIRE(mkdtemp(folder.data()) != nullptr);
  const fs::path here = folder;
  std::ofstream(here / "data.csv", std::ios::binary) << csv;
  const std::string command = "cd '" + folder + "' && '" COX_REGRESSION "' " + arguments + " >out 2>err";
  const int status = std::system(command.c_str());
  const Outcome outcome{WIFEXITED(status) ? WEXITSTATUS(status) : -1, read(here / "out"), read(here / "err")};
  fs::remove_all(here);
  return outcome;
}

/// What the program finds, as JSON.
json fit(const std::string& csv, const std::string& options) {
  const Outcome outcome = run(csv, "data.csv --time time --event status --json " + options);
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  CHECK(outcome.err.empty());
  return json::parse(outcome.out);
}

void check_close(const json& actual, const json& expected, double tolerance) {
  CHECK(std::abs(actual.get<double>() - expected.get<double>()) <= tolerance * std::abs(expected.get<double>()));
}

void check_all_close(const json& actual, const json& expected, double tolerance) {
  REQUIRE(actual.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) check_close(actual[i], expected[i], tolerance);
}

void check_same_fit(const json& actual, const json& expected, double tolerance) {
  CHECK(actual["rows"] == expected["rows"]);
  CHECK(actual["events"] == expected["events"]);
  check_all_close(actual["coefficients"], expected["coefficients"], tolerance);
  check_all_close(actual["standard_errors"], expected["standard_errors"], tolerance);
  check_close(actual["loglik_at_zero"], expected["loglik_at_zero"], tolerance);
  check_close(actual["loglik"], expected["loglik"], tolerance);
}

using Cells = std::vector<std::vector<std::string>>;  // a csv file without quotes

Cells lung() {
  std::ifstream stream(data_folder / "lung.csv");
  Cells rows;
  for (std::string line; std::getline(stream, line);) {
    std::stringstream cells(line);
    rows.emplace_back();
    for (std::string cell; std::getline(cells, cell, ',');) rows.back().push_back(cell);
  }
  REQUIRE(rows.size() == 214);
  return rows;
}

std::string to_csv(const Cells& rows) {
  std::string csv;
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) csv += row[i] + (i + 1 < row.size() ? "," : "\n");
  return csv;
}

constexpr std::size_t status_column = 1, age_column = 2, sex_column = 3, ecog_column = 4;
constexpr double eight_digits = 0.5e-8;

}  // namespace

TEST_CASE("cox_regression gives R's figures on the lung data", "[cox]") {
  const json reference = json::parse(read(data_folder / "lung_reference.json"));
  for (const std::string ties : {"breslow", "efron"}) {
    INFO(ties);
    json expected = ties == "efron" ? reference["efron"] : reference;
    expected["rows"] = reference["rows"];
    expected["events"] = reference["events"];
    const json actual = fit(to_csv(lung()), "--ties " + ties);
    CHECK(actual["ties"] == ties);
    CHECK(actual["covariates"] == reference["covariates"]);
    check_same_fit(actual, expected, eight_digits);
  }
}

TEST_CASE("cox_regression finds a maximum known in closed form", "[cox]") {
  // The likelihood is e^b / (2 e^b + 1) / (1 + e^b): its maximum is where e^b = 1 / sqrt 2.
  const json actual = fit("time,status,x\n1,1,1\n2,1,0\n3,1,1\n", "--covariates x --status 01");
  const double hazard = std::sqrt(0.5);
  const double information = 2 * hazard / std::pow(2 * hazard + 1, 2) + hazard / std::pow(hazard + 1, 2);
  check_close(actual["coefficients"][0], std::log(hazard), 1e-13);
  check_close(actual["standard_errors"][0], 1 / std::sqrt(information), 1e-13);
  check_close(actual["loglik_at_zero"], -std::log(6.0), 1e-13);
  check_close(actual["loglik"], std::log(hazard / (2 * hazard + 1) / (1 + hazard)), 1e-13);
  const double z = std::log(hazard) * std::sqrt(information);
  check_close(actual["z"][0], z, 1e-12);
  check_close(actual["p"][0], std::erfc(std::abs(z) / std::sqrt(2.0)), 1e-12);
}

TEST_CASE("cox_regression gives the same for the same patients", "[cox]") {
  const Cells rows = lung();
  for (const std::string ties : {"--ties breslow", "--ties efron"}) {
    INFO(ties);
    const json expected = fit(to_csv(rows), ties);

    SECTION("in any order " + ties) {
      Cells sorted = rows;
      std::sort(sorted.begin() + 1, sorted.end());
      check_same_fit(fit(to_csv(sorted), ties), expected, 1e-10);
      std::reverse(sorted.begin() + 1, sorted.end());
      check_same_fit(fit(to_csv(sorted), ties), expected, 1e-10);
    }
    SECTION("with the status as 1/2 " + ties) {
      Cells coded = rows;
      for (std::size_t i = 1; i < coded.size(); ++i) coded[i][status_column] = coded[i][status_column] == "1" ? "2" : "1";
      check_same_fit(fit(to_csv(coded), ties), expected, 1e-14);
      check_same_fit(fit(to_csv(coded), ties + " --status 12"), expected, 1e-14);
    }
    SECTION("with a covariate far from zero " + ties) {
      Cells shifted = rows;
      for (std::size_t i = 1; i < shifted.size(); ++i)
        shifted[i][age_column] = std::to_string(100'000'000 + std::stoi(rows[i][age_column]));
      check_same_fit(fit(to_csv(shifted), ties), expected, 1e-10);
    }
    SECTION("with a covariate in another unit " + ties) {
      for (const std::string unit : {"e200", "e-200"}) {
        Cells scaled = rows;
        for (std::size_t i = 1; i < scaled.size(); ++i) scaled[i][age_column] += unit;
        json actual = fit(to_csv(scaled), ties);
        for (const char* figure : {"coefficients", "standard_errors"})
          actual[figure][0] = actual[figure][0].get<double>() * std::stod("1" + unit);
        check_same_fit(actual, expected, 1e-10);
      }
    }
    SECTION("with covariates that are nearly collinear " + ties) {
      Cells mixed = rows;  // sex becomes age + sex / 2^18
      constexpr double unit = 1 << 18;
      for (std::size_t i = 1; i < mixed.size(); ++i) {
        std::ostringstream cell;
        cell << std::setprecision(17) << std::stod(rows[i][age_column]) + std::stod(rows[i][sex_column]) / unit;
        mixed[i][sex_column] = cell.str();
      }
      json actual = fit(to_csv(mixed), ties);
      check_close(actual["loglik"], expected["loglik"], 1e-10);
      check_close(actual["coefficients"][1], expected["coefficients"][1].get<double>() * unit, eight_digits);
      check_close(actual["standard_errors"][1], expected["standard_errors"][1].get<double>() * unit, eight_digits);
      check_close(actual["coefficients"][2], expected["coefficients"][2], eight_digits);
    }
    SECTION("with rows that say nothing " + ties) {
      Cells more = rows;  // censored before the first death
      more.push_back({"1", "0", "1000", "1", "0", "100", "0"});
      json actual = fit(to_csv(more), ties);
      CHECK(actual["rows"] == 214);
      actual["rows"] = 213;
      check_same_fit(actual, expected, 1e-10);
    }
  }
}

TEST_CASE("cox_regression leaves out rows with missing values on request", "[cox]") {
  const Cells rows = lung();
  Cells fewer = rows, holes = rows;
  fewer.erase(fewer.begin() + 5);
  fewer.erase(fewer.begin() + 2);
  holes[5][age_column] = "";
  holes[2][ecog_column] = "NA";
  const json expected = fit(to_csv(fewer), "");
  const json actual = fit(to_csv(holes), "--drop-missing");
  CHECK(actual["dropped"] == 2);
  check_same_fit(actual, expected, 1e-14);
  // A hole in a column that is not used is none.
  CHECK(fit(to_csv(holes), "--covariates sex,wt.loss")["rows"] == 213);
  CHECK(fit(to_csv(holes), "--covariates 'sex, age' --drop-missing")["rows"] == 212);
}

TEST_CASE("cox_regression reads what R and spreadsheets write", "[cox]") {
  const json expected = fit("time,status,x\n1,1,1\n2,1,0\n3,1,1\n", "--covariates x --status 01");
  // write.csv with row names; a byte order mark, Windows line ends, blanks, an empty line, a comma in a quoted text.
  check_same_fit(fit("\"\",\"time\",\"status\",\"x\"\n\"1\",1,1,1\n\"2\",2,1,0\n\"3\",3,1,1\n", "--covariates x --status 01"),
                 expected, 0);
  check_same_fit(
      fit("\xEF\xBB\xBFtime,status , x,who\r\n1,1,1,\"A, B\"\r\n\r\n 2,1,+0,b\r\n3,1,1e0,c\r\n", "--covariates x --status 01"),
      expected, 0);
  CHECK(fit("time,status,\"the \"\"x\"\"\"\n1,1,1\n2,1,0\n3,1,1\n", "--status 01")["covariates"][0] == "the \"x\"");
}

TEST_CASE("cox_regression prints progress and a table", "[cox]") {
  const Outcome outcome = run(to_csv(lung()), "data.csv --time time --event status");
  CHECK(outcome.status == 0);
  CHECK(outcome.err.empty());
  for (const std::string part :
       {"data.csv: 213 rows, 151 events\n", "ties: Breslow (R's default is Efron: --ties efron)\n",
        "Newton step 1: ", "covariate ", "coefficient", "hazard ratio", "std. error", " z ", " p ", "95 % interval", "\nage ",
        "\nph.karno ", "log partial likelihood: -675.212679 at zero, -658.502320 at the optimum\n", "\nNewton steps: "}) {
    INFO(part);
    CHECK(outcome.out.find(part) != std::string::npos);
  }
  const std::string sex = "sex          -0.630544     0.532302     0.177133   -3.560  0.000371    0.376168 to 0.753242\n";
  CHECK(outcome.out.find(sex) != std::string::npos);
}

TEST_CASE("cox_regression --help names every option", "[cox]") {
  const Outcome outcome = run("", "--help");
  CHECK(outcome.status == 0);
  CHECK(outcome.err.empty());
  for (const std::string option :
       {"FILE", "--time", "--event", "--covariates", "--ties", "--status", "--drop-missing", "--json", "--help"}) {
    INFO(option);
    CHECK(outcome.out.find(option) != std::string::npos);
  }
}

TEST_CASE("cox_regression says in one line what is wrong", "[cox]") {
  struct Case {
    std::string csv, arguments, message;
  };
  const std::string usual = "data.csv --time t --event s";
  const Case cases[] = {
      // the command line
      {"", "", "no csv file given; see --help"},
      {"", "data.csv --event s", "--time must name the column of the times; see --help"},
      {"", "data.csv --time t", "--event must name the column of the status; see --help"},
      {"", "data.csv --time", "--time needs a value; see --help"},
      {"", "data.csv --tim t", "unknown option '--tim'; see --help"},
      {"", "data.csv --tim", "unknown option '--tim'; see --help"},
      {"", "data.csv other.csv", "takes one file, given 'data.csv' and 'other.csv'"},
      {"", usual + " --ties exact", "--ties is breslow or efron, given 'exact'"},
      {"", usual + " --status 02", "--status is 01 or 12, given '02'"},
      {"", usual + " --covariates a,,b", "--covariates takes names with commas between, given 'a,,b'"},
      // the file
      {"", "no.csv --time t --event s", "cannot read 'no.csv' (No such file or directory)"},
      {"", ". --time t --event s", "'.' is a directory; give the path of a file"},
      {"", usual, "'data.csv' is empty; a csv file starts with the names of its columns"},
      {"t,s,x\n", usual, "'data.csv' has no rows; a csv file with a header and rows is needed"},
      {"t,s,x\n1,1,1\n2,0\n", usual, "'data.csv', row 2 (line 3): the row has 2 cells, but there are 3 columns"},
      // its columns
      {"time,s,x\n1,1,1\n", usual, "'data.csv' has no column 't'; it has: time, s, x"},
      {"t,s,x\n1,1,1\n", usual + " --covariates x,y", "'data.csv' has no column 'y'; it has: t, s, x"},
      {"t,s,t\n1,1,1\n", usual, "'data.csv' has 2 columns named 't'; rename all but one"},
      {"t,s,x\n1,1,1\n", "data.csv --time t --event t", "--time and --event are the same column, 't'"},
      {"t,s,x\n1,1,1\n", usual + " --covariates x,x",
       "covariate 'x' is named twice, or is the time or the status; name other columns"},
      {"t,s,x\n1,1,1\n", usual + " --covariates t",
       "covariate 't' is named twice, or is the time or the status; name other columns"},
      {"t,s\n1,1\n", usual, "'data.csv' has no columns but time and status; covariates are needed"},
      {",t,s,x\n1,1,1,1\n", usual, "a column of the header has no name; give it one, or say which to use with --covariates"},
      // its cells
      {"t,s,x\n1,1,3\n\n2,0,abc\n", usual, "'data.csv', row 2 (line 4), column 'x': 'abc' is not a number"},
      {"t,s,x\n1,1,3\n2,0,1e999\n", usual, "'data.csv', row 2 (line 3), column 'x': '1e999' is out of the range of float64"},
      {"t,s,x\n1,1,3\n2,0,-inf\n", usual, "row 2 (line 3) has the value -inf in column 'x'; it must be finite"},
      {"t,s,x\n1,1,a\n2,0,b\n", usual, "'data.csv', row 1 (line 2), column 'x': 'a' is not a number"},
      {"t,s,x\n1,1,3\nsoon,0,1\n", usual, "'data.csv', row 2 (line 3), column 't': 'soon' is not a number"},
      {"t,s,x\n1,dead,3\n2,0,1\n", usual, "'data.csv', row 1 (line 2), column 's': 'dead' is not a number"},
      {"t,s,x\n1,1,3\n2,0,\n", usual,
       "row 2 (line 3) has no value in column 'x'; fill it in, or leave such rows out with --drop-missing"},
      {"t,s,x\n1,1,3\nNA,0,1\n", usual,
       "row 2 (line 3) has no value in column 't'; fill it in, or leave such rows out with --drop-missing"},
      {"t,s,x\n1,1,\n,0,1\n", usual + " --drop-missing",
       "every row misses a value in some column; --covariates can leave columns out"},
      // the status
      {"t,s,x\n1,1,3\n2,1,1\n", usual,
       "the status in column 's' is 1 in every row: all died (0/1) or all censored (1/2)? Say which with --status 01 or "
       "--status 12"},
      {"t,s,x\n1,1,3\n2,1,1\n", usual + " --status 12", "no events: column 's' says censored in every row"},
      {"t,s,x\n1,0,3\n2,0,1\n", usual, "no events: column 's' says censored in every row"},
      {"t,s,x\n1,1,3\n2,0,1\n3,2,1\n", usual,
       "row 3 (line 4) has the status 2 in column 's'; it must be 0 (censored) or 1 (event) in every row"},
      {"t,s,x\n1,1,3\n2,2,1\n3,0.5,1\n", usual,
       "row 3 (line 4) has the status 0.5 in column 's'; it must be 1 (censored) or 2 (event) in every row"},
      {"t,s,x\n1,1,3\n2,0,1\n", usual + " --status 12",
       "row 2 (line 3) has the status 0 in column 's'; it must be 1 (censored) or 2 (event) in every row"},
      // the covariates
      {"t,s,x,y\n1,1,3,7\n2,0,1,7\n", usual,
       "column 'y' is constant: it is 7 in all of the 2 rows that count, those not censored before the first event; leave it "
       "out "
       "with --covariates"},
      {"t,s,x,y\n5,1,3,7\n9,1,1,7\n6,0,2,7\n1,0,2,8\n", usual,
       "column 'y' is constant: it is 7 in all of the 3 rows that count, those not censored before the first event; leave it "
       "out "
       "with --covariates"},
      {"t,s,x\n5,1,3\n", usual + " --status 01",
       "column 'x' is constant: it is 3 in all of the 1 rows that count, those not censored before the first event; leave it "
       "out "
       "with --covariates"},
      {"t,s,u,v,w\n1,1,1,5,8\n2,0,2,3,6\n3,1,5,4,0\n4,1,3,9,4\n", usual,
       "columns 'u' and 'w' are collinear: each is a combination of the others; leave one out with --covariates"},
      {"t,s,u,v,w\n1,1,1,5,6.2\n2,0,2,3,5.2\n3,1,5,4,9.2\n4,1,3,9,12.2\n5,1,0,0,0.2\n", usual,
       "columns 'u', 'v' and 'w' are collinear: each is a combination of the others; leave one out with --covariates"},
      {"t,s,a,b,c\n1,1,1,5,2\n2,0,2,3,9\n3,1,5,4,4\n", usual,
       "columns 'a', 'b' and 'c' are collinear: each is a combination of the others; leave one out with --covariates"},
      {"t,s,x,z\n1,1,5,1\n2,1,4,0\n3,1,3,1\n4,1,2,0\n5,1,1,1\n", usual + " --status 01",
       "no convergence in 30 Newton steps: the coefficient of 'x' grows without end, as where a covariate puts the events in "
       "perfect order; leave it out with --covariates"},
  };
  for (const Case& c : cases) {
    INFO(c.csv << "\n" << c.arguments);
    const Outcome outcome = run(c.csv, c.arguments);
    CHECK(outcome.status == 1);
    CHECK(outcome.err == "cox_regression: " + c.message + "\n");
  }
}
