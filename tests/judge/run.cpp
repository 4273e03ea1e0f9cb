#include "judge/run.h"

namespace judge {

sg::Tensor apply(Scan scan, const std::vector<sg::Tensor>& x, const sg::ScanOptions& options) {
  switch (scan) {
    case Scan::cumsum:
      return sg::cumsum(x[0], options);
    case Scan::cumprod:
      return sg::cumprod(x[0], options);
    case Scan::cummax:
      return sg::cummax(x[0], options);
    case Scan::cummin:
      return sg::cummin(x[0], options);
    case Scan::logcumsumexp:
      return sg::logcumsumexp(x[0], options);
    case Scan::linear_recurrence:
      return sg::linear_recurrence(x[0], x[1], options);
  }
  return {};
}

sg::Tensor apply(Scan scan, const std::vector<sg::Tensor>& x, const sg::ScanInitial& initial, const sg::ScanOptions& options) {
  switch (scan) {
    case Scan::cumsum:
      return sg::cumsum(x[0], initial, options);
    case Scan::cumprod:
      return sg::cumprod(x[0], initial, options);
    case Scan::cummax:
      return sg::cummax(x[0], initial, options);
    case Scan::cummin:
      return sg::cummin(x[0], initial, options);
    case Scan::logcumsumexp:
      return sg::logcumsumexp(x[0], initial, options);
    case Scan::linear_recurrence:
      return sg::linear_recurrence(x[0], x[1], initial, options);
  }
  return {};
}

}  // namespace judge
