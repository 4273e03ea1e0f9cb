#include "judge/run.h"

namespace judge {

namespace {
template <class... Arguments>
sg::Tensor applied(Scan scan, const std::vector<sg::Tensor>& x, const Arguments&... arguments) {
  switch (scan) {
    case Scan::cumsum:
      return sg::cumsum(x[0], arguments...);
    case Scan::cumprod:
      return sg::cumprod(x[0], arguments...);
    case Scan::cummax:
      return sg::cummax(x[0], arguments...);
    case Scan::cummin:
      return sg::cummin(x[0], arguments...);
    case Scan::logcumsumexp:
      return sg::logcumsumexp(x[0], arguments...);
    case Scan::linear_recurrence:
      return sg::linear_recurrence(x[0], x[1], arguments...);
  }
  return {};
}
}  // namespace

sg::Tensor apply(Scan scan, const std::vector<sg::Tensor>& x, const sg::ScanOptions& options) {
  return applied(scan, x, options);
}
sg::Tensor apply(Scan scan, const std::vector<sg::Tensor>& x, const sg::ScanInitial& initial, const sg::ScanOptions& options) {
  return applied(scan, x, initial, options);
}

}  // namespace judge
