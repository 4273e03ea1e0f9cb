// The rows of the scans: each with every flag on every axis, and at the values where rules tend to break.

#include "support/op_table.h"

namespace test {
namespace {

using Scan = Tensor (*)(const sg::Operand&, const sg::ScanOptions&);

struct Kind {
  const char* name;
  Scan f;
  Definition definition;
  Result result;
  Tolerance tolerance;
  Scale scale;
  std::vector<Denses> special;  ///< vectors
};

std::string described(const char* name, const Flags& flags) {
  return std::string(name) + " axis " + std::to_string(flags.axis) + (flags.reverse ? " reverse" : "") +
         (flags.exclusive ? " exclusive" : "");
}

sg::ScanOptions options(const Flags& flags) {
  return {.axis = flags.axis, .reverse = flags.reverse, .exclusive = flags.exclusive};
}

const Shapes vectors = {{Shape{0}}, {Shape{1}}, {Shape{2}}, {Shape{3}}, {Shape{6}}};
const Shapes matrices = {{Shape{2, 3}}, {Shape{1, 4}}, {Shape{4, 1}}, {Shape{0, 2}}, {Shape{2, 0}}, {Shape{2, 2, 2}}};

/// Zeros at one, two and all places (cumprod), logarithms of zero (logcumsumexp), large spreads.
const std::vector<Denses> with_zeros = {{numbers({2, 0, 2, 2, 3})}, {numbers({2, 0, 2, 0, 3})}, {numbers({0, 2, 3})},
                                        {numbers({2, 3, 0})},       {numbers({2, 0, 0, 3})},    {numbers({0, 0, 0})}};

std::vector<Denses> log_special() {
  const auto none = -static_cast<double>(infinity);
  return {{numbers({none, 0, 1})},
          {numbers({none, none, 0.5, 1})},
          {numbers({2, none, none, 1, none})},
          {numbers({0.5, none})},
          {numbers({none, none})},
          {numbers({none})},
          {numbers({0, 6, -6, 7, 0.5})},
          {numbers({-1000, 1000, -1000, 1000.5})}};
}

Row row(const Kind& kind, const Flags& flags, const Shapes& shapes) {
  return {.name = described(kind.name, flags),
          .f = [=](const Tensors& x) { return kind.f(x[0], options(flags)); },
          .reference = scanned(kind.definition, flags),
          .cases = cases(shapes, any),
          .result = kind.result,
          .tolerance = kind.tolerance,
          .scale = kind.scale};
}

Row of_vectors(const Kind& kind, const Flags& flags) {
  Row result = row(kind, flags, vectors);
  result.name += " of vectors";
  result.cases.insert(result.cases.end(), kind.special.begin(), kind.special.end());
  return result;
}

/// Rounding grows with the length.
Row longer(Row row) {
  row.name += " long";
  row.tolerance.value *= 4, row.tolerance.first *= 4;
  return row;
}

Row recurrence_row(const char* name, const Flags& flags, const Shapes& shapes) {
  return {.name = described("linear_recurrence", flags) + ", " + name,
          .f =
              [=](const Tensors& x) {
                return x.size() == 2 ? sg::linear_recurrence(x[0], x[1], options(flags))
                                     : sg::linear_recurrence(x[0], x[1], x[2], options(flags));
              },
          .reference = recurrence(flags),
          .cases = cases(shapes, any),
          .tolerance = {2, 16, 4},  // sums of products of either sign
          .scale = Scale::terms,
          .dtypes = number_dtypes};
}

void add_recurrences(std::vector<Row>& rows, bool reverse, bool exclusive) {
  const Flags last{-1, reverse, exclusive}, first{0, reverse, exclusive}, middle{1, reverse, exclusive};
  rows.push_back(recurrence_row("no initial", last, {{{0}, {0}}, {{1}, {1}}, {{5}, {5}}, {{2, 3}, {2, 3}}, {{2, 0}, {2, 0}}}));
  rows.push_back(recurrence_row("no initial", first, {{{3, 2}, {3, 2}}, {{0, 2}, {0, 2}}, {{1, 3}, {1, 3}}}));
  rows.push_back(longer(recurrence_row("no initial", last, {{{33}, {33}}})));
  rows.push_back(
      recurrence_row("broadcast", last, {{{}, {4}}, {{4}, {}}, {{3}, {2, 3}}, {{2, 1}, {2, 3}}, {{2, 3}, {3}}, {{1}, {2, 4}}}));
  rows.push_back(recurrence_row("broadcast", middle, {{{3, 1}, {2, 3, 2}}, {{2, 1, 2}, {3, 1}}}));
  rows.push_back(recurrence_row(
      "initial", last, {{{4}, {4}, {}}, {{2, 3}, {2, 3}, {2}}, {{1}, {1}, {}}, {{0}, {0}, {}}, {{2, 0}, {2, 0}, {2}}}));
  rows.push_back(recurrence_row("initial", first, {{{3, 2}, {3, 2}, {2}}, {{2, 3}, {2, 3}, {}}, {{2, 2}, {2, 2}, {1}}}));
  rows.push_back(recurrence_row("initial, broadcast", middle, {{{}, {2, 3, 2}, {}}, {{2, 1, 2}, {3, 1}, {2, 2}}}));
  Row zeros = recurrence_row("zeros", last, {});
  zeros.cases = {{numbers({0, 2, 0, 3}), numbers({1, 2, 3, 0}), Dense(Shape{}, 2)}, {numbers({1, 0, 0}), numbers({0, 0, 1})}};
  rows.push_back(zeros);
}

}  // namespace

std::vector<Row> scan_rows() {
  const Kind kinds[] = {
      {"cumsum", sg::cumsum, {0, [](real s, real x) { return s + x; }}, Result::number, {2, 2, 1}, Scale::terms, {}},
      {"cumprod", sg::cumprod, {1, [](real s, real x) { return s * x; }}, Result::number, {2, 4, 4}, Scale::value, with_zeros},
      {"cummax", sg::cummax, {-infinity, larger}, Result::number, {0, 2, 2}, Scale::value, {}},
      {"cummin", sg::cummin, {infinity, smaller}, Result::number, {0, 2, 2}, Scale::value, {}},
      {"logcumsumexp",
       sg::logcumsumexp,
       {0, [](real s, real x) { return s + exp(x); }, log},
       Result::floating,
       {3, 4, 6},
       Scale::one,
       log_special()},
  };
  std::vector<Row> rows;
  for (bool reverse : {false, true})
    for (bool exclusive : {false, true}) {
      for (const Kind& kind : kinds) {
        rows.push_back(of_vectors(kind, {-1, reverse, exclusive}));
        rows.push_back(longer(row(kind, {0, reverse, exclusive}, {{Shape{33}}})));
        for (int axis : {-1, 0, 1}) rows.push_back(row(kind, {axis, reverse, exclusive}, matrices));
      }
      add_recurrences(rows, reverse, exclusive);
    }
  return rows;
}

}  // namespace test
