#pragma once
// Row: one operation, with one setting of its options, as the table-driven tests see it.

#include <string>

#include "support/tensors.h"

namespace test {

using Operation = std::function<Tensor(const Tensors&)>;

/// The dtype of the result, as a function of that of the inputs.
enum class Result {
  same,
  number,    ///< bool becomes int64
  floating,  ///< bool and int64 become float64
  boolean,
  index,  ///< int64
  float32,
  float64,
};
DType result_dtype(Result result, DType input);

/// What an error in a value is measured by, beside u.
enum class Scale {
  value,  ///< |y|
  one,    ///< max(1, |y|)
  terms,  ///< sum |dy/dx_i| |x_i|
};

/// Limits of error / (u * scale). For first derivatives, the scale is the sum of the absolute values of what is summed; for
/// second ones likewise, where first derivatives count as terms too. `absolute` is allowed besides.
struct Tolerance {
  double value = 1, first = 4, second = 8, absolute = 0;
};

inline const std::vector<DType> working_dtypes = {DType::boolean, DType::int64, DType::float32, DType::float64};
inline const std::vector<DType> number_dtypes = {DType::int64, DType::float32, DType::float64};

struct Row {
  std::string name;  ///< begins with that of the operation
  Operation f;
  Reference reference;
  std::vector<Denses> cases;
  Result result = Result::number;
  Tolerance tolerance = {};
  Scale scale = Scale::value;
  bool differentiable = true;
  std::vector<DType> dtypes = working_dtypes;
};

using Shapes = std::vector<std::vector<Shape>>;  ///< for each case, those of its inputs
/// Random cases: every input from the same range, or each from its own.
std::vector<Denses> cases(const Shapes& shapes, const std::vector<Range>& ranges);
inline std::vector<Denses> cases(const Shapes& shapes, Range range) { return cases(shapes, std::vector<Range>{range}); }

/// All rows: of ops.h and logsumexp.h, and of scan.h with all flags.
std::vector<Row> operation_rows();
std::vector<Row> scan_rows();

}  // namespace test
