// Every operation but the scans, against its definition. support/checks.h says what is checked; the rows are in *_table.cpp.

#include <fstream>
#include <regex>
#include <set>

#include "support/catch.h"
#include "support/checks.h"
#include "support/op_table.h"

namespace {

using namespace test;

TEST_CASE("an operation and its derivatives are those of its definition") {
  static const std::vector<Row> rows = operation_rows();
  for (const Row& row : rows) DYNAMIC_SECTION(row.name) {
      check_row(row);
    }
}

TEST_CASE("third derivatives of an operation") {
  static const std::vector<Row> rows = operation_rows();
  for (const Row& row : rows)
    if (row.differentiable) DYNAMIC_SECTION(row.name) {
        check_third_order(row);
      }
}

// What a new operation would forget.
TEST_CASE("every public operation has a row") {
  std::set<std::string> tested;
  std::set<std::string> names;
  for (const std::vector<Row>& rows : {operation_rows(), scan_rows()})
    for (const Row& row : rows) {
      tested.insert(row.name.substr(0, row.name.find(' ')));
      INFO(row.name);
      CHECK(names.insert(row.name).second);  // Catch runs one section of a name
    }
  const std::regex declaration("^SCANGRAD_API Tensor (\\w+)\\(");
  for (const char* header : {"ops.h", "scan.h", "logsumexp.h", "linalg.h"}) {
    std::ifstream file(std::string(SCANGRAD_SOURCE_DIR "/include/scangrad/") + header);
    std::size_t found = 0;
    for (std::string line; std::getline(file, line);) {
      std::smatch match;
      if (!std::regex_search(line, match, declaration)) continue;
      ++found;
      INFO(match[1] << " of " << header);
      CHECK(tested.count(match[1]) == 1);
    }
    CHECK(found > 0);
  }
}

std::vector<Shape> small_shapes() {
  std::vector<Shape> shapes = {{}};
  for (std::int64_t i : {1, 2, 3}) {
    shapes.push_back({i});
    for (std::int64_t j : {1, 2, 3}) {
      shapes.push_back({i, j});
      for (std::int64_t k : {1, 2, 3}) shapes.push_back({i, j, k});
    }
  }
  return shapes;
}

Vector summed_to(const Dense& from, const Shape& shape) {
  Dense sums(shape);
  each_index(from.shape, [&](const Index& i) { sums(i) += from(i); });
  return sums.values;
}

/// Gradients of a op b under the cotangent q: q and q or q b and q a, summed over what was broadcast. Small integers: exact.
void check_broadcast(const Dense& a, const Dense& b, const Shape& shape) {
  Dense q(shape);
  for (std::size_t i = 0; i < q.size(); ++i) q.values[i] = static_cast<real>(i % 5) - 2;
  const auto product = elementwise([](real x, real y) { return x * y; });
  for (DType dtype : {DType::float32, DType::float64}) {
    const Tensor x = to_tensor(a, dtype), y = to_tensor(b, dtype), cotangent = to_tensor(q, dtype);
    const auto added = sg::vjp(sg::add, {x, y});
    const auto multiplied = sg::vjp(sg::multiply, {x, y});
    CHECK(flatten(added.value) == elementwise([](real s, real t) { return s + t; })({a, b}).values);
    CHECK(flatten(multiplied.value) == product({a, b}).values);
    CHECK(added.value.shape() == shape);
    const auto [ga, gb] = added.pullback(cotangent);
    const auto [ma, mb] = multiplied.pullback(cotangent);
    CHECK((ga.shape() == a.shape && ma.shape() == a.shape && gb.shape() == b.shape && mb.shape() == b.shape));
    CHECK((ga.dtype() == dtype && ma.dtype() == dtype && gb.dtype() == dtype && mb.dtype() == dtype));
    CHECK(flatten(ga) == summed_to(q, a.shape));
    CHECK(flatten(gb) == summed_to(q, b.shape));
    CHECK(flatten(ma) == summed_to(product({q, b}), a.shape));
    CHECK(flatten(mb) == summed_to(product({q, a}), b.shape));
    const auto tangent = sg::jvp(sg::multiply, {x, y}, {y.shape() == x.shape() ? y : x, y}).tangent;
    CHECK(tangent.shape() == shape);
  }
}

TEST_CASE("gradients of broadcast operands have their shapes, for all pairs of shapes up to rank 3") {
  int meeting = 0;
  for (const Shape& s : small_shapes())
    for (const Shape& t : small_shapes()) {
      INFO(sg::to_string(s) << " and " << sg::to_string(t));
      Dense a(s), b(t);
      for (std::size_t i = 0; i < a.size(); ++i) a.values[i] = static_cast<real>(i % 7) - 3;
      for (std::size_t i = 0; i < b.size(); ++i) b.values[i] = static_cast<real>(i % 4) + 1;
      Shape shape;
      if (broadcast(s, t, shape)) {
        check_broadcast(a, b, shape);
        ++meeting;
      } else {
        CHECK_THROWS_AS(sg::add(to_tensor(a, DType::float64), to_tensor(b, DType::float64)), sg::Error);
      }
    }
  CHECK(meeting == 940);
}

TEST_CASE("each operand of mixed dtypes has a gradient of its own dtype") {
  const Tensor x({1.0f, 2.0f}), y({3.0, 4.0});
  const auto [value, pullback] = sg::vjp(sg::multiply, {x, y});
  CHECK(value.dtype() == DType::float64);
  const auto [gx, gy] = pullback(Tensor({1.0, 10.0}));
  CHECK(gx.dtype() == DType::float32);
  CHECK(gy.dtype() == DType::float64);
  CHECK(gx.to_vector<float>() == std::vector<float>{3, 40});
  CHECK(gy.to_vector<double>() == std::vector<double>{1, 20});
}

}  // namespace
