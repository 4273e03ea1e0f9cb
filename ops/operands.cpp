#include "ops/operands.h"

#include <algorithm>

namespace scangrad::inline v0::ops {

Tensor as_tensor(const Operand& x) {
  if (Access::weak(x)) return Access::scalar(Access::number(x), Access::dtype(Access::number(x)));
  core::check_not_empty(Access::tensor(x));
  return Access::tensor(x);
}

DType common_dtype(const Operand& a, const Operand& b) {
  if (Access::weak(a) && Access::weak(b)) return promote(Access::dtype(Access::number(a)), Access::dtype(Access::number(b)));
  if (Access::weak(a)) return promote(Access::tensor(b).dtype(), Access::kind(Access::number(a)));
  if (Access::weak(b)) return promote(Access::tensor(a).dtype(), Access::kind(Access::number(b)));
  return promote(Access::tensor(a).dtype(), Access::tensor(b).dtype());
}

Tensor in_dtype(const Operand& x, DType dtype) {
  if (Access::weak(x)) return Access::scalar(Access::number(x), dtype);
  const Tensor& tensor = Access::tensor(x);
  return tensor.dtype() == dtype ? tensor : astype(tensor, dtype);
}

Tensor as_floating(const Operand& x) {
  const Tensor tensor = as_tensor(x);
  return in_dtype(tensor, float_dtype(dtype_of_tensor(tensor)));
}

Tensor as_number(const Operand& x) {
  const Tensor tensor = as_tensor(x);
  return in_dtype(tensor, number_dtype(dtype_of_tensor(tensor)));
}

Shape broadcast_shapes(const Shape& a, const Shape& b) {
  if (a == b) return a;
  const Shape& longer = a.size() >= b.size() ? a : b;
  const Shape& shorter = a.size() >= b.size() ? b : a;
  Shape result = longer;
  const std::size_t lead = longer.size() - shorter.size();
  for (std::size_t i = 0; i < shorter.size(); ++i) {
    std::int64_t& size = result[lead + i];
    if (size == 1) size = shorter[i];
    else if (shorter[i] != 1 && shorter[i] != size)
      fail("shapes {} and {} do not broadcast: axis {} has sizes {} and {}, which must be equal or 1", a, b,
           static_cast<std::int64_t>(i) - static_cast<std::int64_t>(shorter.size()), a[a.size() - shorter.size() + i],
           b[b.size() - shorter.size() + i]);
  }
  core::checked_size(result, sizeof(double));
  return result;
}

bool broadcasts_to(const Shape& from, const Shape& to) {
  if (from.size() > to.size()) return false;
  const std::size_t lead = to.size() - from.size();
  for (std::size_t i = 0; i < from.size(); ++i)
    if (from[i] != 1 && from[i] != to[lead + i]) return false;
  return true;
}

}  // namespace scangrad::inline v0::ops
