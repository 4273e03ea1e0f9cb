// Csv files. The file is read as a whole; cells are pieces of that text, row by row. Numbers are made of them when a column is asked
// for: a column of names harms nobody who does not ask for it as numbers.

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/node.h"
#include "io/file.h"
#include "scangrad/io.h"

namespace scangrad::inline v0 {

using core::CallScope;
using core::check;
using core::fail;

struct io::Csv {
  std::string path, text;
  Missing missing = Missing::error;
  std::vector<std::string> names;
  std::vector<std::string_view> cells;  // row-major
  std::vector<std::size_t> lines;       // of each row: where it starts in the file, from 1

  std::size_t rows() const noexcept { return lines.size(); }
  std::string_view cell(std::size_t row, std::size_t column) const { return cells[row * names.size() + column]; }

  std::string place(std::size_t row) const { return fmt::format("row {} (line {})", row + 1, lines[row]); }
  std::string place(std::size_t row, std::size_t column) const {
    return fmt::format("{}, {}, column {}", io::quote(path), place(row), io::quote(names[column]));
  }
  std::size_t find(std::string_view name) const;
  double number(std::size_t row, std::size_t column) const;
  template <class F>
  Tensor numbers(const Shape& shape, F&& column_at) const;
};

namespace {

std::string_view trim(std::string_view text) {
  constexpr std::string_view blanks = " \t\r";
  const std::size_t begin = std::min(text.find_first_not_of(blanks), text.size());
  return text.substr(begin, text.find_last_not_of(blanks) + 1 - begin);
}

/// Cuts the text into lines and cells. A quoted cell loses its quotes where it stands, since it only becomes shorter.
class Reader {
 public:
  Reader(io::Csv& table, char separator) : table_(table), text_(table.text), separator_(separator) {
    if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;  // a byte order mark
  }

  void read() {
    while (at_ < text_.size()) {
      const std::size_t line = line_;
      cells_.clear();
      read_line();
      if (cells_.size() == 1 && cells_[0].empty() && !quoted_) continue;
      if (table_.names.empty()) set_names();
      else add_row(line);
    }
    check(!table_.names.empty(), "{} is empty; a csv file starts with the names of its columns", io::quote(table_.path));
  }

 private:
  // To behind the line end that ends the row.
  void read_line() {
    quoted_ = false;
    for (bool more = true; more;) {
      const std::size_t begin = text_.find_first_not_of(separator_ == '\t' ? " " : " \t", at_);
      if (begin < text_.size() && text_[begin] == '"') read_quoted(begin);
      else read_plain();
      more = at_ < text_.size() && text_[at_] == separator_;
      if (at_ < text_.size()) ++at_;
    }
    ++line_;
  }

  void read_plain() {
    const char ends[] = {separator_, '\n', '\0'};
    const std::size_t end = std::min(text_.find_first_of(std::string_view(ends, 2), at_), text_.size());
    const std::string_view cell = trim(std::string_view(text_).substr(at_, end - at_));
    if (cell.find('"') != std::string_view::npos)
      refuse(
          "there is a quote inside a cell that does not start with one; put the whole cell into quotes, and double the quote");
    cells_.push_back(cell);
    at_ = end;
  }

  void read_quoted(std::size_t begin) {
    quoted_ = true;
    const std::size_t first_line = line_;
    std::size_t to = begin;
    for (std::size_t from = begin + 1;; ++from) {
      if (from >= text_.size()) {
        line_ = first_line;
        refuse("the quote that starts the cell has no partner");
      }
      if (text_[from] == '"' && !std::string_view(text_).substr(from + 1).starts_with('"')) {
        at_ = from + 1;
        break;
      }
      if (text_[from] == '"') ++from;
      if (text_[from] == '\n') ++line_;
      text_[to++] = text_[from];
    }
    const std::string_view cell = std::string_view(text_).substr(begin, to - begin);
    while (at_ < text_.size() && text_[at_] != separator_ && trim({&text_[at_], 1}).empty()) ++at_;
    if (at_ < text_.size() && text_[at_] != separator_ && text_[at_] != '\n')
      refuse("there is more behind the quote that ends the cell; put the whole cell into quotes, and double the quote");
    cells_.push_back(cell);
  }

  [[noreturn]] void refuse(std::string_view what) const {
    fail("{}, line {}, cell {}: {}", io::quote(table_.path), line_, cells_.size() + 1, what);
  }

  void set_names() {
    const auto is_number = [](std::string_view name) {
      return !name.empty() && name.find_first_not_of("+-.eE0123456789") == name.npos;
    };
    check(!std::all_of(cells_.begin(), cells_.end(), is_number),
          "{} starts with numbers, {}; the first line must name the columns", io::quote(table_.path), io::list_names(cells_));
    table_.names.assign(cells_.begin(), cells_.end());
  }

  void add_row(std::size_t line) {
    table_.lines.push_back(line);
    if (cells_.size() != table_.names.size())
      fail("{}, {}: the row has {} cells, but there are {} columns", io::quote(table_.path), table_.place(table_.rows() - 1),
           cells_.size(), table_.names.size());
    table_.cells.insert(table_.cells.end(), cells_.begin(), cells_.end());
  }

  io::Csv& table_;
  std::string& text_;
  char separator_;
  std::size_t at_ = 0, line_ = 1;
  std::vector<std::string_view> cells_;  // of the line
  bool quoted_ = false;                  // whether one of them was
};

void check_separator(char separator) {
  const bool fits = std::string_view("+-.\"\r\n").find(separator) == std::string_view::npos &&
                    static_cast<unsigned char>(separator) < 0x80 && std::isalnum(static_cast<unsigned char>(separator)) == 0 &&
                    separator != '\0' && separator != ' ';
  check(fits, "{} cannot separate cells; the separator is usually ',', ';' or a tab", io::quote({&separator, 1}));
}

std::string read_text(const std::string& path) {
  io::InputFile file(path);
  std::string text(static_cast<std::size_t>(file.size()), '\0');
  file.read(0, std::as_writable_bytes(std::span(text)));
  check(!text.starts_with("\xFF\xFE") && !text.starts_with("\xFE\xFF"), "{} is UTF-16; save it as UTF-8", io::quote(path));
  return text;
}

}  // namespace

std::size_t io::Csv::find(std::string_view name) const {
  const auto count = std::count(names.begin(), names.end(), name);
  if (count == 0)
    fail("{} has no column {}; it has: {}", io::quote(path), io::quote(name), io::list_names({names.begin(), names.end()}));
  check(count == 1, "{} has {} columns named {}; rename all but one", io::quote(path), count, io::quote(name));
  return static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
}

double io::Csv::number(std::size_t row, std::size_t column) const {
  const std::string_view written = cell(row, column);
  if (written.empty() || written == "NA" || written == "NaN" || written == "nan") {
    if (missing == Missing::nan) return std::numeric_limits<double>::quiet_NaN();
    fail("{}: there is no value; fill it in, or read such cells as NaN with {{.missing = Missing::nan}}", place(row, column));
  }
  const std::string_view digits = written.substr(written.starts_with('+') && !written.starts_with("+-") ? 1 : 0);
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (end != digits.data() + digits.size() || error == std::errc::invalid_argument || std::isnan(value))
    fail("{}: {} is not a number", place(row, column), io::quote(written));
  if (error != std::errc()) fail("{}: {} is out of the range of float64", place(row, column), io::quote(written));
  return value;
}

/// (rows,) or (rows, k): in row i, the numbers of the columns column_at(0..k-1).
template <class F>
Tensor io::Csv::numbers(const Shape& shape, F&& column_at) const {
  core::checked_size(shape, sizeof(double));
  core::Array array;
  array.spec = {shape, DType::float64};
  array.allocate();
  double* to = array.data<double>();
  const std::size_t width = shape.size() == 1 ? 1 : static_cast<std::size_t>(shape[1]);
  for (std::size_t row = 0; row < rows(); ++row)
    for (std::size_t j = 0; j < width; ++j) *to++ = number(row, column_at(j));
  return core::make_leaf(std::move(array));
}

const std::vector<std::string>& CsvTable::names() const noexcept { return csv_->names; }

std::int64_t CsvTable::rows() const noexcept { return static_cast<std::int64_t>(csv_->rows()); }

Tensor CsvTable::column(Name name) const {
  const CallScope scope("column", name.site);
  const std::size_t column = csv_->find(name.text);
  return csv_->numbers({rows()}, [&](std::size_t) { return column; });
}

Tensor CsvTable::columns(const std::vector<std::string>& names, Site site) const {
  const CallScope scope("columns", site);
  std::vector<std::size_t> wanted;
  for (const std::string& name : names) wanted.push_back(csv_->find(name));
  const auto all = static_cast<std::int64_t>(csv_->names.size());
  if (names.empty()) return csv_->numbers({rows(), all}, [](std::size_t j) { return j; });
  return csv_->numbers({rows(), static_cast<std::int64_t>(wanted.size())}, [&](std::size_t j) { return wanted[j]; });
}

std::vector<std::string> CsvTable::text(Name name) const {
  const CallScope scope("text", name.site);
  const std::size_t column = csv_->find(name.text);
  std::vector<std::string> cells;
  for (std::size_t row = 0; row < csv_->rows(); ++row) cells.emplace_back(csv_->cell(row, column));
  return cells;
}

std::string CsvTable::place(std::int64_t row, Site site) const {
  const CallScope scope("place", site);
  check(row >= 0 && row < rows(), "row {} is out of range for {} rows", row, rows());
  return csv_->place(static_cast<std::size_t>(row));
}

CsvTable read_csv(const std::string& path, const CsvOptions& options, Site site) {
  const CallScope scope("read_csv", site);
  check_separator(options.separator);
  auto table = std::make_shared<io::Csv>();
  table->path = path;
  table->text = read_text(path);
  table->missing = options.missing;
  Reader(*table, options.separator).read();
  return CsvTable(std::move(table));
}

}  // namespace scangrad::inline v0
