#pragma once
// A csv file as text.

#include <string>
#include <string_view>
#include <vector>

namespace cox {

struct Row {
  std::size_t line = 0;  // in the file, from 1
  std::vector<std::string> cells;
};

/// Every row has a cell for each name of the header.
struct Table {
  std::string file;
  std::vector<std::string> names;
  std::vector<Row> rows;
};

/// Reads a file with a header line and commas between the cells. Cells may be quoted, blanks around them do not count, empty
/// lines are skipped.
Table read_csv(const std::string& file);

/// The index of a column.
std::size_t column(const Table& table, std::string_view name);

/// "row 3 (line 4)", rows counted from 1 without the header.
std::string place(const Table& table, std::size_t row);

std::string_view trim(std::string_view text);

}  // namespace cox
