#pragma once
// Exact cases, as files tell them: JSON, {"cases": [...]}, numbers as decimal strings (complex ones as [re, im]), nested as the
// shape says. Inputs are values of the dtype; expectations have 40 digits; null is "not specified".

#include <optional>
#include <string>
#include <vector>

#include "judge/exact.h"
#include "scangrad/dtype.h"
#include "scangrad/shape.h"

namespace judge {

namespace sg = scangrad;

using Number = std::complex<real>;
/// What an output should be, element by element.
using Expected = std::vector<std::optional<Number>>;

struct Case {
  std::string id;
  Scan scan = Scan::cumsum;
  sg::DType dtype = sg::DType::float64;
  sg::Shape shape;
  int axis = 0;
  bool reverse = false, exclusive = false;
  std::vector<Number> x;
  std::optional<std::vector<Number>> tangent, cotangent;
  std::optional<Expected> value, jvp, vjp;
};

/// A case, or why it is none.
struct MaybeCase {
  Case value;
  std::string problem;
};

/// Throws std::runtime_error if the file cannot be read, is no JSON, or has no cases.
std::vector<MaybeCase> read_cases(const std::string& path);

/// A decimal number, "inf", "-inf" or "nan" to all digits of `real`; none if the text is anything else.
std::optional<real> parse(const std::string& text);

}  // namespace judge
