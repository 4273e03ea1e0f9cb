// Every operation, and every scan with every flag on every axis, through the public checks (scangrad/check.h), at the cases of the tables: all
// of them in float64 and complex128, the adjoint identity in every dtype.

#include <map>
#include <set>

#include "support/catch.h"
#include "support/checks.h"
#include "support/op_table.h"

namespace {

using namespace test;

/// The inputs in another dtype; complex ones turned by some angle, so that no part is 0.
Tensors in_dtype(const Tensors& x, DType dtype) {
  const std::complex<double> turn(0.8, 0.6);
  Tensors result;
  for (const Tensor& part : x) result.push_back(sg::astype(sg::is_complex(dtype) ? part * turn : part, dtype));
  return result;
}

sg::CheckReport checked(const Row& row, const Tensors& x) {
  const bool cancels = row.name == "cholesky";  // some derivatives are 0 as a difference, and rounding remains
  const sg::CheckOptions options{.seed = 1, .probes = 2, .absolute = cancels ? 1e-2 : 0};
  const bool wide = x[0].dtype() == DType::float64 || x[0].dtype() == DType::complex128;
  return wide ? sg::check_all(row.f, sg::args(x), options) : sg::check_adjoint(row.f, sg::args(x), options);
}

using Names = std::set<std::string>;

/// Whether the operation takes the dtype; if so, all its cases are checked.
bool takes(const Row& row, DType dtype) {
  for (const Denses& at : row.cases) {
    INFO(row.name << ", " << sg::to_string(dtype));
    for (const Dense& part : at) UNSCOPED_INFO("input of shape " << sg::to_string(part.shape));
    const Tensors x = in_dtype(to_tensors(at, DType::float64), dtype);
    try {
      row.f(x);
    } catch (const sg::Error& error) {
      CHECK(error.message().find(sg::to_string(dtype)) != std::string::npos);
      return false;
    }
    const sg::CheckReport report = checked(row, x);
    if (!report) FAIL_CHECK(report);
  }
  return true;
}

/// The operations that refuse each dtype.
std::map<DType, Names> refusals(const std::vector<Row>& rows) {
  std::map<DType, Names> refused;
  for (const Row& row : rows) {
    if (!row.differentiable) continue;
    for (const DType dtype :
         {DType::float16, DType::bfloat16, DType::float32, DType::float64, DType::complex64, DType::complex128})
      if (!takes(row, dtype)) refused[dtype].insert(row.name.substr(0, row.name.find(' ')));
  }
  return refused;
}

}  // namespace

TEST_CASE("every operation in every dtype") {
  const Names halves = {"cholesky", "inverse", "logdet", "solve", "triangular_solve"};
  const Names complex = {"atan2", "clamp",   "complex", "digamma", "erf",   "floor", "lgamma",   "log_sigmoid", "logsumexp",
                         "max",   "maximum", "min",     "minimum", "round", "sign",  "softplus", "sort",        "topk"};
  CHECK(refusals(operation_rows()) ==
        std::map<DType, Names>{
            {DType::float16, halves}, {DType::bfloat16, halves}, {DType::complex64, complex}, {DType::complex128, complex}});
}

TEST_CASE("every scan in every dtype") {
  const Names ordered = {"cummax", "cummin"};
  CHECK(refusals(scan_rows()) == std::map<DType, Names>{{DType::complex64, ordered}, {DType::complex128, ordered}});
}
