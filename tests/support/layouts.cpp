// Strided inputs against row-major ones of the same values, bit for bit.

#include "support/catch.h"
#include "support/point.h"

namespace test {
namespace {

struct Outcome {
  Tensor value;
  Tensors derivatives;  ///< tangent, gradients; of second order: the same of the gradients
};

Outcome run(const Point& point, const Tensors& x, const Tensors& t, Layout layout) {
  Outcome outcome{point.row.f(x), {}};
  if (!point.row.differentiable || !sg::is_floating(point.dtype)) return outcome;
  outcome.derivatives.push_back(sg::jvp(point.row.f, sg::args(x), sg::args(t)).tangent);
  const Tensor q = laid_out(random_like(point.exact.value, 32), outcome.value.dtype(), layout);
  const auto pulled = [&](const Tensors& at) { return sg::vjp(point.row.f, sg::args(at)).pullback(q); };
  const auto [gradient, second] = sg::jvp(pulled, sg::args(x), sg::args(t));
  for (const Tensors& all : {gradient, second}) outcome.derivatives.insert(outcome.derivatives.end(), all.begin(), all.end());
  return outcome;
}

/// Values bit for bit. Derivatives to rounding, since those of a transposed matrix may be summed in another order.
void check_same(const Point& point, const Outcome& got, const Outcome& expected) {
  CHECK(same_bits(got.value, expected.value));
  REQUIRE(got.derivatives.size() == expected.derivatives.size());
  for (std::size_t i = 0; i < got.derivatives.size(); ++i) {
    const Vector values = flatten(expected.derivatives[i]);
    CHECK(got.derivatives[i].shape() == expected.derivatives[i].shape());
    check_close("derivative of a strided input", flatten(got.derivatives[i]), values, Vector(values.size(), largest(values)),
                4 * point.row.tolerance.second, point.u);
  }
}

/// The inputs with every element of an axis replaced by the first, as a view with stride 0.
Tensors repeated(const Tensors& x, bool last) {
  Tensors result;
  for (const Tensor& part : x) {
    if (part.rank() == 0 || part.size() == 0) result.push_back(part);
    else result.push_back(sg::broadcast_to(sg::slice(part, {.axis = last ? -1 : 0, .end = 1}), part.shape()));
  }
  return result;
}

}  // namespace

void check_layouts(const Point& point) {
  const Denses t = random_like(point.at, 31);
  const bool floating = sg::is_floating(point.dtype);
  const Tensors row_major_t = floating ? to_tensors(t, point.dtype) : Tensors();
  const Outcome expected = run(point, point.x, row_major_t, Layout::row_major);
  for (Layout layout : odd_layouts) {
    INFO(to_string(layout));
    check_same(
        point,
        run(point, laid_out(point.at, point.dtype, layout), floating ? laid_out(t, point.dtype, layout) : Tensors(), layout),
        expected);
  }
  for (bool last : {false, true}) {
    INFO("stride 0 along the " << (last ? "last" : "first") << " axis");
    const Tensors view = repeated(point.x, last);
    Denses copy;
    for (const Tensor& part : view) copy.push_back(to_dense(part));
    check_same(point, run(point, view, row_major_t, Layout::row_major),
               run(point, to_tensors(copy, point.dtype), row_major_t, Layout::row_major));
  }
}

}  // namespace test
