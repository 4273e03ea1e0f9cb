#include "ops/search.h"

namespace scangrad::inline v0 {

using namespace ops;

namespace {

Tensor places(const Tensor& sorted, const Tensor& values, Side side) {
  return apply(make_primitive<SearchSorted>(side), {shape_of(values), DType::int64}, {sorted, values});
}

}  // namespace

Tensor searchsorted(const Operand& sorted, const Operand& values, const SearchOptions& options) {
  const CallScope scope("searchsorted", sorted.site());
  const DType dtype = common_dtype(sorted, values);
  check_dtype(core::Ordered{}, dtype);
  const Tensor x = in_dtype(sorted, dtype), v = in_dtype(values, dtype);
  const Shape &from = shape_of(x), &wanted = shape_of(v);
  core::checked_size(wanted, sizeof(std::int64_t));
  check(!from.empty(), "the sorted tensor needs an axis, but its shape is ()");
  if (from.size() == 1) return reshape(places(x, reshape(v, {core::count(wanted)}), options.side), wanted);
  check(wanted.size() == from.size(),
        "the values have shape {}, but a sorted tensor of shape {} needs values with {} axes, whose last may have any size",
        wanted, from, from.size());
  for (std::size_t i = 0; i + 1 < from.size(); ++i)
    check(from[i] == wanted[i] || from[i] == 1 || wanted[i] == 1,
          "the sorted tensor and the values have shapes {} and {}, whose axes but the last must be equal or 1", from, wanted);
  Shape sorted_shape = from, shape = wanted;
  for (std::size_t i = 0; i + 1 < from.size(); ++i) sorted_shape[i] = shape[i] = from[i] == 1 ? wanted[i] : from[i];
  return places(broadcast_to(x, sorted_shape), broadcast_to(v, shape), options.side);
}

}  // namespace scangrad::inline v0
