// Every scan, with all flags, against its definition as a loop. support/checks.h says what is checked.

#include "support/catch.h"
#include "support/checks.h"

namespace {

using namespace test;

TEST_CASE("a scan and its derivatives are those of its definition") {
  static const std::vector<Row> rows = scan_rows();
  for (const Row& row : rows) DYNAMIC_SECTION(row.name) {
      check_row(row);
    }
}

TEST_CASE("third derivatives of a scan") {
  static const std::vector<Row> rows = scan_rows();
  for (const Row& row : rows)
    if (row.differentiable) DYNAMIC_SECTION(row.name) {
        check_third_order(row);
      }
}

}  // namespace
