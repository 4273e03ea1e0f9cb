#include "cox_regression_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "cox_regression_options.h"

namespace cox {

namespace {

constexpr std::string_view blanks = " \t\r";

/// Takes a quoted cell off the text, up to the comma behind it. Two quotes inside of quotes are one.
std::string take_quoted(std::string_view& text) {
  std::string cell;
  std::size_t i = text.find('"') + 1;
  for (; i < text.size(); ++i) {
    if (text[i] != '"') cell += text[i];
    else if (text.substr(i + 1).starts_with('"')) cell += text[i++];
    else break;
  }
  text.remove_prefix(std::min(text.find(',', i), text.size()));
  return cell;
}

std::string take_cell(std::string_view& text) {
  if (trim(text).starts_with('"')) return take_quoted(text);
  const std::size_t end = std::min(text.find(','), text.size());
  std::string cell(trim(text.substr(0, end)));
  text.remove_prefix(end);
  return cell;
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> cells = {take_cell(text)};
  while (!text.empty()) {
    text.remove_prefix(1);  // the comma
    cells.push_back(take_cell(text));
  }
  return cells;
}

std::ifstream open(const std::string& file) {
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored))
    throw Failure(fmt::format("'{}' is a directory; give the path of a csv file", file));
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw Failure(fmt::format("cannot read '{}' ({}); give the path of a csv file", file, std::strerror(errno)));
  return stream;
}

void check_width(const Table& table) {
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const std::size_t cells = table.rows[i].cells.size();
    if (cells == table.names.size()) continue;
    throw Failure(fmt::format("{} has {} cells, but the header names {} columns", place(table, i), cells, table.names.size()));
  }
}

}  // namespace

std::string_view trim(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(blanks), text.size());
  return text.substr(begin, text.find_last_not_of(blanks) + 1 - begin);
}

Table read_csv(const std::string& file) {
  std::ifstream stream = open(file);
  Table table{file, {}, {}};
  std::string text;
  for (std::size_t line = 1; std::getline(stream, text); ++line) {
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    if (line == 1 && text.starts_with(byte_order_mark)) text.erase(0, byte_order_mark.size());
    if (trim(text).empty()) continue;
    if (table.names.empty()) table.names = split(text);
    else table.rows.push_back({line, split(text)});
  }
  if (table.rows.empty()) throw Failure(fmt::format("'{}' has no rows; a csv file with a header and rows is needed", file));
  check_width(table);
  return table;
}

std::size_t column(const Table& table, std::string_view name) {
  const auto& names = table.names;
  const auto count = std::count(names.begin(), names.end(), name);
  if (count == 0) throw Failure(fmt::format("'{}' has no column '{}'; it has: {}", table.file, name, fmt::join(names, ", ")));
  if (count > 1) throw Failure(fmt::format("'{}' has {} columns named '{}'; rename all but one", table.file, count, name));
  return static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
}

std::string place(const Table& table, std::size_t row) {
  return fmt::format("row {} (line {})", row + 1, table.rows[row].line);
}

}  // namespace cox
