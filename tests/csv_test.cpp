// read_csv: what it takes, and where it says that something is wrong.

#include "scangrad/scangrad.h"
#include "support/catch.h"
#include "support/folder.h"
#include "support/message.h"

namespace sg = scangrad;
using sg::CsvTable;
using sg::Missing;
using sg::Tensor;
using sg::test::Folder;
using sg::test::message;
using namespace std::string_literals;

namespace {

using Numbers = std::vector<double>;
using Texts = std::vector<std::string>;

CsvTable read(const std::string& text, const sg::CsvOptions& options = {}) {
  const Folder folder;
  return sg::read_csv(folder.write("data.csv", text), options);
}

Numbers column(const std::string& text, const std::string& name, const sg::CsvOptions& options = {}) {
  return read(text, options).column(name).to_vector<double>();
}

}  // namespace

TEST_CASE("read_csv gives columns by name", "[csv]") {
  const CsvTable table = read("time,status,x\n1,1,0.5\n2.5,0,-3\n");
  CHECK(table.names() == Texts{"time", "status", "x"});
  CHECK(table.rows() == 2);
  const Tensor time = table.column("time");
  CHECK(time.dtype() == sg::DType::float64);
  CHECK(time.shape() == sg::Shape{2});
  CHECK(time.to_vector<double>() == Numbers{1, 2.5});
  CHECK(table.text("x"s) == Texts{"0.5", "-3"});
  const Tensor both = table.columns({"x", "time"});
  CHECK(both.shape() == sg::Shape{2, 2});
  CHECK(both.to_vector<double>() == Numbers{0.5, 1, -3, 2.5});
  CHECK(table.columns().to_vector<double>() == Numbers{1, 1, 0.5, 2.5, 0, -3});
  CHECK(table.place(1) == "row 2 (line 3)");
}

TEST_CASE("read_csv takes what R and spreadsheets write", "[csv]") {
  CHECK(column("\xEF\xBB\xBFx\r\n1\r\n\r\n 2\t\r\n3", "x") == Numbers{1, 2, 3});
  CHECK(column("\"\",\"x\"\n\"1\",4\n\"2\",\"5\"\n", "x") == Numbers{4, 5});
  CHECK(column("a;x\n1;2,5\n3; 4\n", "a", {.separator = ';'}) == Numbers{1, 3});
  CHECK(column("a\tx\n1\t2\n\t 4\n", "x", {.separator = '\t'}) == Numbers{2, 4});
  CHECK(read("a\tx\n1\t2\n\t 4\n", {.separator = '\t'}).text("a") == Texts{"1", ""});
  const CsvTable table = read("who , \"the \"\"x\"\"\"\n\"A, B\",1\n \" two\nlines \" ,2\n\"\",3\n");
  CHECK(table.names() == Texts{"who", "the \"x\""});
  CHECK(table.text("who") == Texts{"A, B", " two\nlines ", ""});
  CHECK(table.column("the \"x\"").to_vector<double>() == Numbers{1, 2, 3});
  CHECK(table.place(2) == "row 3 (line 5)");
  CHECK(read("x\n\"\"\n").rows() == 1);
  CHECK(read("x,y\n").columns().shape() == sg::Shape{0, 2});
  CHECK(column("x\n", "x").empty());
}

TEST_CASE("read_csv reads numbers exactly", "[csv]") {
  CHECK(column("x\n0.1\n1e-7\n+2.5E3\n-0\n.5\n5.\n1e308\n5e-324\ninf\n-inf\n007\n", "x") ==
        Numbers{0.1, 1e-7, 2500, -0.0, 0.5, 5, 1e308, 5e-324, HUGE_VAL, -HUGE_VAL, 7});
  CHECK(std::signbit(column("x\n-0\n", "x")[0]));
  for (const std::string cell :
       {"abc", "1,5", "1 2", "0x10", "1e", "--1", "+-1", "++1", "1.2.3", "-nan", "nan(1)", "$1", "\xC2\xBD"})
    CHECK(message([&] { column("x\n\"" + cell + "\"\n", "x"); }).ends_with("is not a number"));
}

TEST_CASE("read_csv has a policy for missing values", "[csv]") {
  const std::string text = "x,y\n1,\n,2\nNA,3\nNaN,4\nnan,5\n\"\",6\n";
  const Numbers x = column(text, "x", {.missing = Missing::nan});
  CHECK(x[0] == 1);
  for (std::size_t i = 1; i < 6; ++i) CHECK(std::isnan(x[i]));
  CHECK(std::isnan(column(text, "y", {.missing = Missing::nan})[0]));
}

TEST_CASE("read_csv says what is wrong, and where", "[csv]") {
  const Folder folder;
  const std::string path = folder / "data.csv", name = "'" + path + "'";
  const auto table = [&](const std::string& text) { return sg::read_csv(folder.write("data.csv", text)); };
  const auto error = [&](const std::string& text) { return message([&] { table(text); }); };
  CHECK(error("") == "read_csv: " + name + " is empty; a csv file starts with the names of its columns");
  CHECK(error("\n \n") == "read_csv: " + name + " is empty; a csv file starts with the names of its columns");
  CHECK(error("1,2.5\n3,4\n") == "read_csv: " + name + " starts with numbers, 1, 2.5; the first line must name the columns");
  CHECK(error("x,y\n1,2\n\n3\n") == "read_csv: " + name + ", row 2 (line 4): the row has 1 cells, but there are 2 columns");
  CHECK(error("x,y\n1,2,3\n") == "read_csv: " + name + ", row 1 (line 2): the row has 3 cells, but there are 2 columns");
  CHECK(error("x,y\n1,a\"b\"\n") ==
        "read_csv: " + name +
            ", line 2, cell 2: there is a quote inside a cell that does not start with one; put the whole cell "
            "into quotes, and double the quote");
  CHECK(error("x,y\n1,\"a\"b\n") ==
        "read_csv: " + name +
            ", line 2, cell 2: there is more behind the quote that ends the cell; put the whole cell into quotes, "
            "and double the quote");
  CHECK(error("x,y\n1,\"a\n\n") == "read_csv: " + name + ", line 2, cell 2: the quote that starts the cell has no partner");
  CHECK(error("\xFF\xFEx\0\n\0"s) == "read_csv: " + name + " is UTF-16; save it as UTF-8");
  CHECK(message([&] { sg::read_csv(path, {.separator = '.'}); }) ==
        "read_csv: '.' cannot separate cells; the separator is usually ',', ';' or a tab");
  CHECK(message([] { sg::read_csv("no.csv"); }) == "read_csv: cannot read 'no.csv' (No such file or directory)");

  CHECK(message([&] { table("t,s,x\n1,1,1\n").column("y"); }) == "column: " + name + " has no column 'y'; it has: t, s, x");
  CHECK(message([&] { table("t,s,t\n1,1,1\n").text("t"); }) ==
        "text: " + name + " has 2 columns named 't'; rename all but one");
  CHECK(message([&] { table("t,x\n1,3\n\n2,abc\n").column("x"); }) ==
        "column: " + name + ", row 2 (line 4), column 'x': 'abc' is not a number");
  CHECK(message([&] { table("t,x\n1,3\n2,\x1b[31m\n").columns(); }) ==
        "columns: " + name + ", row 2 (line 3), column 'x': '\\x1b[31m' is not a number");
  CHECK(message([&] { table("x\n1e999\n").column("x"); }) ==
        "column: " + name + ", row 1 (line 2), column 'x': '1e999' is out of the range of float64");
  CHECK(message([&] { table("x,y\n1,2\nNA,3\n").column("x"); }) ==
        "column: " + name +
            ", row 2 (line 3), column 'x': there is no value; fill it in, or read such cells as NaN with "
            "{.missing = Missing::nan}");
  CHECK(message([&] { table("x\n1\n").place(1); }) == "place: row 1 is out of range for 1 rows");
}

TEST_CASE("a damaged csv file is read or refused", "[csv]") {
  const Folder folder;
  const std::string original = "x,\"y\"\n1,\"2\"\n\"3\"\"\",NA\n";
  for (std::size_t i = 0; i <= original.size(); ++i)
    for (const char c : {'"', ',', '\n', '\r', '\0', ' ', '\xff'}) {
      std::string longer = original, changed = original;
      longer.insert(i, 1, c);
      if (i < original.size()) changed[i] = c;
      for (const std::string& text : {longer, changed, original.substr(0, i)})
        message([&] { sg::read_csv(folder.write("data.csv", text), {.missing = Missing::nan}).columns(); });
    }
}
