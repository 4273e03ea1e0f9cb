// The judges judged: the wide references against the exact cases, units of error, and what a case file may get wrong.

#include <unistd.h>
#include <cstdio>
#include <fstream>

#include "judge/cases.h"
#include "judge/units.h"
#include "support/catch.h"
#include "support/reference.h"

namespace {

using namespace judge;
using sg::DType;

std::string problem_of(const std::string& fields) {
  const std::string path = "case_" + std::to_string(getpid()) + ".json";
  std::ofstream(path) << R"({"cases": [{"id": "c", )" << fields << "}]}";
  const auto cases = read_cases(path);
  std::remove(path.c_str());
  REQUIRE(cases.size() == 1);
  return cases[0].value.id + ": " + cases[0].problem;
}

/// A case of cumsum over two float32, whose x is given, and whose expectations are those of [1, 2].
std::string cumsum_of(const std::string& x) {
  return R"("op": "cumsum", "dtype": "float32", "shape": [2], "axis": 0, "reverse": false, "exclusive": false, "tangent": null,
            "cotangent": null, "expected_out": ["1", "3"], "expected_jvp": null, "expected_vjp": null, "x": )" +
         x;
}

constexpr real tight = 0x1p-100L;

template <class V>
V number(const Number& n) {
  if constexpr (is_complex<V>) return n;
  else return n.real();
}

/// The reference of every lane against what the case expects, where both are finite.
template <class V>
void check_references(const Case& c) {
  for (const auto& lane : test::lanes(c.shape, {c.axis, c.reverse, c.exclusive})) {
    const auto in_lane = [&](const std::vector<Number>& all) {
      Values<V> result;
      for (std::size_t at : lane) result.push_back(number<V>(all[at]));
      return result;
    };
    const auto judges = reference<V>(c.scan, {in_lane(c.x)});
    const auto compare = [&](const char* what, const Exact<V>& exact, const std::optional<Expected>& expected) {
      for (std::size_t k = 0; expected && k < lane.size(); ++k) {
        const V wanted = number<V>(*(*expected)[lane[k]]);
        const real size = modulus(wanted), scale = exact.scale[k];
        if (!(size < test::infinity) || !(scale < test::infinity)) continue;
        INFO(c.id << ", " << what << " " << k << ": " << static_cast<double>(real_part(exact.value[k])) << ", not "
                  << static_cast<double>(real_part(wanted)));
        V gap = exact.value[k] - wanted;
        if constexpr (is_complex<V>)
          if (what[0] == 'o') gap = V(gap.real(), principal(gap.imag()));
        CHECK(static_cast<double>(modulus(gap)) <= static_cast<double>(tight * (scale + size)));
      }
    };
    compare("out", judges->value(c.exclusive), c.value);
    if (c.jvp) compare("jvp", judges->jvp({in_lane(*c.tangent)}, c.exclusive), c.jvp);
    if (c.vjp) compare("vjp", judges->vjp(in_lane(*c.cotangent), c.exclusive)[0], c.vjp);
  }
}

}  // namespace

TEST_CASE("the wide references meet the exact cases to thirty digits") {
  int checked = 0;
  for (const auto& [c, problem] : read_cases(SCANGRAD_TEST_DATA "/scan_cases.json")) {
    REQUIRE(problem.empty());
    if (sg::is_complex(c.dtype)) check_references<std::complex<real>>(c);
    else check_references<real>(c);
    ++checked;
  }
  CHECK(checked == 45);
}

TEST_CASE("errors in units") {
  const Format single = format_of(DType::float32);
  const auto units = [&](long double got, long double exact, long double scale, long double floor = 0) {
    return error_in_units<long double>(got, exact, {scale, floor}, single);
  };
  CHECK(units(1 + 0x1p-23L, 1, 1) == 2);
  CHECK(units(1 + 0x1p-23L, 1, 4) == 0.5);
  CHECK(units(0x1p-149L, 0, 0, 1) == 0);
  CHECK(std::isinf(units(0x1p-148L, 0, 0, 1)));
  CHECK(units(INFINITY, 3.5e38L, 1) == 0);
  CHECK(units(INFINITY, 0x1p127L, 0x1p127L) > 1e6);
  CHECK(units(INFINITY, INFINITY, 1) == 0);
  CHECK(std::isinf(units(3e38L, INFINITY, 1)));
  CHECK(std::isinf(units(NAN, 1, 1)));
  CHECK(std::isinf(units(1, NAN, 1)));
  CHECK(units(NAN, NAN, 1) == 0);
  CHECK(units(5, 1, INFINITY) == 0);
  using C = std::complex<long double>;
  const auto turned = static_cast<long double>(two_pi);
  CHECK(error_in_units<long double>(C(1, 3 + turned), C(1, 3), {1, 0}, single, true) < 1e-3);
  CHECK(error_in_units<long double>(C(1, 3 + turned), C(1, 3), {1, 0}, single, false) > 1e6);
}

TEST_CASE("decimal strings are read to all digits") {
  CHECK(*parse("0.1") * 10 == 1);
  CHECK(*parse("-12.5e-1") == -1.25);
  CHECK(*parse("1e38") == static_cast<real>(1e19L) * static_cast<real>(1e19L));
  CHECK(test::is_infinite(*parse("-inf")));
  CHECK(test::is_nan(*parse("nan")));
  const real third = *parse("0.3333333333333333333333333333333333333333");
  CHECK(static_cast<double>(test::abs(third * 3 - 1)) < 1e-33);
  for (const char* text : {"", "-", "1e", "1e 5", "0x1", "1.2.3", "1 ", "infinity", "e5", "."}) {
    INFO(text);
    CHECK(!parse(text));
  }
}

TEST_CASE("a malformed case is told by its id, and what would be right") {
  CHECK(problem_of(cumsum_of(R"(["1", "2"])")) == "c: ");
  CHECK(problem_of(R"("op": "cumsum")") == R"(c: has no "dtype")");
  CHECK(problem_of(R"("op": "cumfoo")") == R"(c: "op" is "cumfoo", which is no scan of one input known here)");
  CHECK(problem_of(R"("op": 5)") == R"(c: "op" is 5, not a name)");
  CHECK(problem_of(R"("op": "cumsum", "dtype": "int64")") == R"(c: "dtype" is "int64", not a floating or complex one)");
  CHECK(problem_of(R"("op": "cumsum", "dtype": "float32", "shape": [-1])") ==
        R"(c: "shape" is not of at most 16 sizes and 16777216 elements)");
  CHECK(problem_of(R"("op": "cumsum", "dtype": "float32", "shape": [4294967296, 4294967296])") ==
        R"(c: "shape" is not of at most 16 sizes and 16777216 elements)");
  CHECK(problem_of(R"("op": "cumsum", "dtype": "float32", "shape": [2], "axis": 1)") ==
        R"(c: "axis" is 1, out of range for the shape (2,))");
  CHECK(problem_of(cumsum_of(R"(["1"])")) == R"(c: "x" holds a list of 1, not a list of 2, as the shape says)");
  CHECK(problem_of(cumsum_of(R"(["1", 2])")) == R"(c: "x" holds 2, not a decimal number in quotes)");
  CHECK(problem_of(cumsum_of(R"(["1", "two"])")) == R"(c: "x" holds "two", not a decimal number, "inf", "-inf" or "nan")");
  CHECK(problem_of(cumsum_of(R"(["1", "0.1"])")) == R"(c: "x" holds "0.1", not a float32)");
  CHECK(problem_of(cumsum_of(R"(["1", null])")) == R"(c: "x" holds null, not a decimal number in quotes)");
}
