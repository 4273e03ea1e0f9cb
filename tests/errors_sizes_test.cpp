// Sizes, counts and places at the ends of their range: an error with a message before anything is allocated, or the right result.

#include <cmath>
#include <limits>

#include "scangrad/scangrad.h"
#include "support/golden.h"

namespace sg = scangrad;
using sg::DType;
using sg::Shape;
using sg::Tensor;
using test::check_all;

namespace {

constexpr std::int64_t huge = std::int64_t{1} << 62, highest = std::numeric_limits<std::int64_t>::max(),
                       lowest = std::numeric_limits<std::int64_t>::min();
constexpr int highest_axis = std::numeric_limits<int>::max(), lowest_axis = std::numeric_limits<int>::min();
constexpr double inf = std::numeric_limits<double>::infinity();

const Tensor v = {1.0, 2.0, 3.0};
const Tensor x = {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}};

std::vector<double> numbers(const Tensor& t) { return t.to_vector<double>(); }

/// Many elements, one in memory: 2^59 float64 are the most that a shape may have.
Tensor wide() { return sg::zeros({huge / 8}); }
Tensor wide_booleans() { return sg::zeros({huge}, {.dtype = DType::boolean}); }

}  // namespace

TEST_CASE("creators of too much, or of what has no size") {
  check_all({
      {[] { sg::zeros({huge}); },
       "zeros: a tensor of shape (4611686018427387904,) is too large: it would need more than 2^62 bytes"},
      {[] { sg::zeros({highest}, {.dtype = DType::boolean}); },
       "zeros: a tensor of shape (9223372036854775807,) is too large: it would need more than 2^62 bytes"},
      {[] {
         sg::ones({huge, huge, 0});
       },
       "ones: a tensor of shape (4611686018427387904, 4611686018427387904, 0) is too large: it would need more than 2^62 "
       "bytes"},
      {[] { sg::zeros({lowest}); }, "zeros: sizes must not be negative, given the shape (-9223372036854775808,)"},
      {[] { sg::full({huge}, 1.0); },
       "full: a tensor of shape (4611686018427387904,) is too large: it would need more than 2^62 bytes"},
      {[] {
         sg::full({2, -3}, 1.0);
       },
       "full: sizes must not be negative, given the shape (2, -3)"},
      {[] { sg::eye(huge); },
       "eye: a tensor of shape (4611686018427387904, 4611686018427387904) is too large: it would need more than 2^62 bytes"},
      {[] { sg::linspace(0, 1, huge); },
       "linspace: a tensor of shape (4611686018427387904,) is too large: it would need more than 2^62 bytes"},
      {[] { sg::linspace(0, inf, 3); }, "linspace: start, stop and the distance between them must be finite, given 0 and inf"},
      {[] { sg::linspace(NAN, 1, 3); }, "linspace: start, stop and the distance between them must be finite, given nan and 1"},
      {[] { sg::linspace(-1e308, 1e308, 3); },
       "linspace: start, stop and the distance between them must be finite, given -1e+308 and 1e+308"},
      {[] { sg::arange(huge); },
       "arange: from 0 to 4611686018427387904 by 1 there are more than 2^59 values, which is too many"},
      {[] { sg::arange(lowest, highest, 1); },
       "arange: from -9223372036854775808 to 9223372036854775807 by 1 there are more than 2^59 values, which is too many"},
      {[] { sg::arange(0.0, NAN, 1.0); }, "arange: start, stop and step must be finite and the step not 0, given 0, nan, 1"},
      {[] { sg::arange(-1e308, 1e308, 1.0); }, "arange: from -1e+308 to 1e+308 by 1 there are inf values, which is too many"},
      {[] {
         sg::one_hot(Tensor{1, 2}, huge);
       },
       "one_hot: a tensor of shape (2, 4611686018427387904) is too large: it would need more than 2^62 bytes"},
      {[] { Tensor(std::vector<double>{1.0}, {huge}); },
       "Tensor: a tensor of shape (4611686018427387904,) is too large: it would need more than 2^62 bytes"},
      {[] {
         Tensor(std::vector<double>{1.0}, {2, 3});
       },
       "Tensor: the data have 1 elements, but the shape (2, 3) needs 6"},
      {[] {
         Tensor({{1.0, 2.0}, {3.0}});
       },
       "Tensor: nested braces must all have the same length at each depth; the first elements say shape (2, 2)"},
      {[] {
         const double one = 1;
         Tensor::borrow(&one, {huge, 4}, [](const double*) {});
       },
       "Tensor::borrow: a tensor of shape (4611686018427387904, 4) is too large: it would need more than 2^62 bytes"},
      {[] {
         Tensor::borrow(std::make_shared<double>(1.0), DType::float64, {2, 2}, {huge, huge});
       },
       "Tensor::borrow: the strides (4611686018427387904, 4611686018427387904) of the shape (2, 2) reach further than 2^62 "
       "bytes"},
      {[] { Tensor::borrow(std::make_shared<double>(1.0), DType::float64, {2}, {lowest}); },
       "Tensor::borrow: the strides (-9223372036854775808,) of the shape (2,) reach further than 2^62 bytes"},
  });
  CHECK(Tensor::borrow(std::make_shared<double>(2.0), DType::float64, {1, 0}, {huge, lowest}).size() == 0);
  CHECK(numbers(sg::arange(lowest, lowest + 2, 1) + 0.0).size() == 2);
  CHECK(sg::arange(highest, lowest, lowest).to_vector<std::int64_t>() == std::vector<std::int64_t>{highest, -1});
}

TEST_CASE("shapes that overflow") {
  check_all({
      {[] {
         sg::reshape(v, {huge, 4, 0});
       },
       "reshape: the shape (4611686018427387904, 4, 0) is not possible"},
      {[] {
         sg::reshape(sg::zeros({0}), {0, huge, 4});
       },
       "reshape: a tensor of shape (0, 4611686018427387904, 4) is too large: it would need more than 2^62 bytes"},
      {[] {
         sg::reshape(sg::zeros({0}), {0, -1});
       },
       "reshape: a tensor of shape (0,) has 0 elements, which do not fill the shape (0, -1)"},
      {[] {
         sg::broadcast_to(v, {huge, 3});
       },
       "broadcast_to: a tensor of shape (4611686018427387904, 3) is too large: it would need more than 2^62 bytes"},
      {[] { sg::broadcast_to(x, {3}); },
       "broadcast_to: a tensor of shape (2, 3) does not broadcast to (3,); sizes must be equal or 1"},
      {[] {
         sg::broadcast_to(v, {-1, 3});
       },
       "broadcast_to: sizes must not be negative, given the shape (-1, 3)"},
      {[] {
         wide() + sg::zeros({2, 1});
       },
       "add: a tensor of shape (2, 576460752303423488) is too large: it would need more than 2^62 bytes"},
      {[] { sg::outer(wide(), v); },
       "outer: a tensor of shape (576460752303423488, 3) is too large: it would need more than 2^62 bytes"},
      {[] {
         sg::where(wide() > 0.0, sg::zeros({2, 1}), 0);
       },
       "where: a tensor of shape (2, 576460752303423488) is too large: it would need more than 2^62 bytes"},
      {[] { sg::complex(wide(), 0.0); },
       "complex: a tensor of shape (576460752303423488,) is too large: it would need more than 2^62 bytes"},
      {[] { sg::astype(wide_booleans(), DType::float64); },
       "astype: a tensor of shape (4611686018427387904,) is too large: it would need more than 2^62 bytes"},
      {[] { wide_booleans() + 1; },
       "add: a tensor of shape (4611686018427387904,) is too large: it would need more than 2^62 bytes"},
      {[] { sg::sum(wide_booleans()); },
       "sum: a tensor of shape (4611686018427387904,) is too large: it would need more than 2^62 bytes"},
      {[] { sg::argsort(wide_booleans()); },
       "argsort: a tensor of shape (4611686018427387904,) is too large: it would need more than 2^62 bytes"},
      {[] {
         sg::concatenate({wide_booleans(), wide_booleans()});
       },
       "concatenate: the sizes along axis 0 add up to more than 2^63"},
      {[] {
         sg::concatenate({wide(), wide()});
       },
       "concatenate: a tensor of shape (1152921504606846976,) is too large: it would need more than 2^62 bytes"},
      {[] {
         sg::stack({wide(), wide()});
       },
       "stack: a tensor of shape (2, 576460752303423488) is too large: it would need more than 2^62 bytes"},
      {[] {
         sg::pad(v, {{highest, highest}});
       },
       "pad: a tensor of shape (9223372036854775807,) is too large: it would need more than 2^62 bytes"},
      {[] {
         sg::pad(v, {{huge / 8, huge / 8}});
       },
       "pad: a tensor of shape (1152921504606846979,) is too large: it would need more than 2^62 bytes"},
      {[] { sg::repeat(v, highest); },
       "repeat: a tensor of shape (3, 9223372036854775807) is too large: it would need more than 2^62 bytes"},
      {[] {
         sg::tile(x, {huge, 2});
       },
       "tile: a tensor of shape (4611686018427387904, 2, 3) is too large: it would need more than 2^62 bytes"},
      {[] { sg::tile(v, {-1}); }, "tile: the numbers of times must not be negative, given (-1,)"},
      {[] { sg::diag(wide()); },
       "diag: a tensor of shape (576460752303423488, 576460752303423488) is too large: it would need more than 2^62 bytes"},
      {[] {
         sg::take(wide(), sg::zeros({2, huge / 8}, {.dtype = DType::int64}));
       },
       "zeros: a tensor of shape (2, 576460752303423488) is too large: it would need more than 2^62 bytes"},
      {[] {
         sg::take(sg::zeros({2, huge / 64}), sg::zeros({huge / 64}, {.dtype = DType::int64}));
       },
       "take: a tensor of shape (72057594037927936, 72057594037927936) is too large: it would need more than 2^62 bytes"},
      {[] {
         sg::segment_sum(v, Tensor{0, 0, 0}, huge);
       },
       "segment_sum: a tensor of shape (4611686018427387904,) is too large: it would need more than 2^62 bytes"},
      {[] { sg::split(v, huge); },
       "split: 4611686018427387904 equal parts do not fill an axis of size 3; give their sizes as a vector"},
      {[] { sg::split(sg::zeros({0}), huge); },
       "split: 4611686018427387904 equal parts do not fill an axis of size 0; give their sizes as a vector"},
      {[] {
         sg::split(v, {highest, highest});
       },
       "split: the sizes (9223372036854775807, 9223372036854775807) do not fill axis 0 of a tensor of shape (3,)"},
      {[] {
         sg::split(v, {1, -1, 3});
       },
       "split: the sizes (1, -1, 3) do not fill axis 0 of a tensor of shape (3,)"},
      {[] {
         sg::split(v, {1, 1});
       },
       "split: the sizes (1, 1) do not fill axis 0 of a tensor of shape (3,)"},
      {[] { sg::split(v, 0); }, "split: 0 equal parts do not fill an axis of size 3; give their sizes as a vector"},
      {[] { sg::cumsum(wide_booleans()); },
       "cumsum: a tensor of shape (4611686018427387904,) is too large: it would need more than 2^62 bytes"},
      {[] { sg::cummax(wide(), {.include_initial = true}); },
       "cummax: a tensor of shape (576460752303423489,) is too large: it would need more than 2^62 bytes"},
      {[] {
         sg::linear_recurrence(wide(), sg::zeros({2, 1}));
       },
       "linear_recurrence: a tensor of shape (2, 576460752303423488) is too large: it would need more than 2^62 bytes"},
      {[] {
         sg::einsum("i,j->ij", {wide(), v});
       },
       "einsum: a tensor of shape (576460752303423488, 3) is too large: it would need more than 2^62 bytes"},
      {[] {
         sg::matmul(sg::zeros({huge / 8, 0}), sg::zeros({0, 2}));
       },
       "matmul: a tensor of shape (576460752303423488, 2) is too large: it would need more than 2^62 bytes"},
      {[] { sg::searchsorted(v, wide_booleans()); },
       "searchsorted: a tensor of shape (4611686018427387904,) is too large: it would need more than 2^62 bytes"},
      {[] {
         sg::pad(v, {{lowest, 0}});
       },
       "pad: widths must not be negative, given -9223372036854775808 and 0 for axis 0"},
      {[] { sg::repeat(v, lowest); }, "repeat: the number of times must not be negative, given -9223372036854775808"},
      {[] {
         sg::one_hot(Tensor{1, 2}, lowest);
       },
       "one_hot: the number of classes must not be negative, given -9223372036854775808"},
      {[] {
         sg::segment_sum(v, Tensor{0, 0, 0}, lowest);
       },
       "segment_sum: needs a tensor with an axis and a count that is not negative, given (3,) and -9223372036854775808"},
      {[] { sg::reshape(v, {lowest}); }, "reshape: the shape (-9223372036854775808,) is not possible"},
      {[] { sg::random::split(sg::random::key(0), huge); },
       "random::split: a tensor of shape (4611686018427387904,) is too large: it would need more than 2^62 bytes"},
      {[] { sg::topk(v, huge); }, "topk: k must be in 0..3, the size of axis 0, given 4611686018427387904"},
      {[] { sg::topk(v, -1); }, "topk: k must be in 0..3, the size of axis 0, given -1"},
  });
}

TEST_CASE("axes and indices at the ends of their types") {
  const std::string high = "axis 2147483647 is out of range for a tensor of shape (2, 3); it must be in -2..1";
  const std::string low = "axis -2147483648 is out of range for a tensor of shape (2, 3); it must be in -2..1";
  check_all({
      {[] { sg::sum(x, {.axis = highest_axis}); }, "sum: " + high},
      {[] { sg::sum(x, {.axis = lowest_axis}); }, "sum: " + low},
      {[] { sg::cumsum(x, {.axis = lowest_axis}); }, "cumsum: " + low},
      {[] { sg::flip(x, lowest_axis); }, "flip: " + low},
      {[] {
         sg::transpose(x, {0, lowest_axis});
       },
       "transpose: " + low},
      {[] { sg::slice(x, {.axis = highest_axis}); }, "slice: " + high},
      {[] { sg::moveaxis(x, lowest_axis, 0); }, "moveaxis: " + low},
      {[] { sg::swapaxes(x, 0, highest_axis); }, "swapaxes: " + high},
      {[] { sg::squeeze(x, lowest_axis); }, "squeeze: " + low},
      {[] { sg::expand_dims(x, lowest_axis); },
       "expand_dims: axis -2147483648 is out of range for a result of rank 3; it must be in -3..2"},
      {[] {
         sg::expand_dims(x, {0, 0});
       },
       "expand_dims: axis 0 is named twice in (0, 0); name each axis once"},
      {[] {
         sg::stack({v, v}, {.axis = lowest_axis});
       },
       "stack: axis -2147483648 is out of range for a result of rank 2; it must be in -2..1"},
      {[] {
         sg::stack({v, v}, {.axis = {0, 1}});
       },
       "stack: takes one axis, given the axes (0, 1)"},
      {[] {
         sg::concatenate({x, x}, {.axis = highest_axis});
       },
       "concatenate: " + high},
      {[] { sg::take(x, 0, {.axis = lowest_axis}); }, "take: " + low},
      {[] { sg::sort(x, {.axis = lowest_axis}); }, "sort: " + low},
      {[] { sg::topk(x, 1, {.axis = highest_axis}); }, "topk: " + high},
      {[] { sg::roll(x, 1, {.axis = lowest_axis}); }, "roll: " + low},
      {[] { sg::shift(x, 1, 0, {.axis = highest_axis}); }, "shift: " + high},
      {[] { sg::repeat(x, 1, {.axis = lowest_axis}); }, "repeat: " + low},
      {[] { sg::argmax(x, {.axis = lowest_axis}); }, "argmax: " + low},
      {[] {
         sg::argmin(x, {.axis = {0, 1}});
       },
       "argmin: takes one axis, given the axes (0, 1)"},
      {[] { x.size(lowest_axis); }, "size: " + low},
      {[] { x[lowest]; },
       "operator[]: index -9223372036854775808 is out of range for a tensor of shape (2, 3); it must be in -2..1"},
      {[] { x[highest]; },
       "operator[]: index 9223372036854775807 is out of range for a tensor of shape (2, 3); it must be in -2..1"},
      {[] { sg::eval(sg::take(v, Tensor(lowest))); },
       "take: index -9223372036854775808 is out of range for axis 0 of size 3; it must be in -3..2"},
      {[] { sg::eval(sg::take_along_axis(v, Tensor{highest})); },
       "take_along_axis: index 9223372036854775807 is out of range for axis 0 of size 3; it must be in -3..2"},
      {[] { sg::slice(v, {.step = lowest}); },
       "slice: the step must be at least 1, given -9223372036854775808; use flip for the other direction"},
  });
}

TEST_CASE("an index into nothing is wrong, whether the result is empty or not") {
  const Tensor none = sg::zeros({0}), rows = sg::zeros({0, 3}), columns = sg::zeros({3, 0}), index = {0, 1, 2};
  check_all({
      {[&] { sg::take(none, index); },
       "take: axis 0 of a tensor of shape (0,) is empty, but indices of shape (3,) look into it"},
      {[&] { sg::take(rows, 0); }, "take: axis 0 of a tensor of shape (0, 3) is empty, but indices of shape () look into it"},
      {[&] { sg::scatter_add(none, index, v); },
       "scatter_add: axis 0 of a tensor of shape (0,) is empty, but indices of shape (3,) look into it"},
      {[&] { sg::take_along_axis(none, index); },
       "take_along_axis: axis 0 of a tensor of shape (0,) is empty, but indices of shape (3,) look into it"},
      {[&] { sg::segment_sum(v, index, 0); },
       "segment_sum: axis 0 of a tensor of shape (0,) is empty, but indices of shape (3,) look into it"},
      {[&] { none[0]; }, "operator[]: axis 0 of a tensor of shape (0,) is empty, and has no element 0"},
  });
  const Tensor no_index = sg::zeros({0}, {.dtype = DType::int64});
  CHECK(sg::take(none, no_index).shape() == Shape{0});
  CHECK(sg::take(columns, index).shape() == Shape{3, 0});
  CHECK(numbers(sg::scatter_add(none, no_index, none)).empty());
  CHECK(sg::take_along_axis(columns, sg::zeros({3, 0}, {.dtype = DType::int64}), {.axis = 1}).shape() == Shape{3, 0});
  CHECK(sg::take_along_axis(rows, sg::zeros({0, 5}, {.dtype = DType::int64}), {.axis = 1}).shape() == Shape{0, 5});
}

TEST_CASE("places beyond the ends are the ends") {
  CHECK(numbers(sg::slice(v, {.begin = lowest, .end = highest, .step = highest})) == std::vector<double>{1});
  CHECK(numbers(sg::slice(v, {.begin = highest, .end = lowest})).empty());
  CHECK(numbers(sg::slice(v, {.begin = lowest, .end = lowest})).empty());
  CHECK(numbers(sg::slice(v, {.begin = 1, .step = highest})) == std::vector<double>{2});
  const auto second = [](const Tensor& t) { return sg::sum(sg::slice(t, {.begin = 1, .step = highest})); };
  CHECK(numbers(sg::grad(second)(v)) == std::vector<double>{0, 1, 0});
  CHECK(numbers(sg::roll(v, lowest)) == numbers(sg::roll(v, lowest % 3)));
  CHECK(numbers(sg::roll(v, highest)) == numbers(sg::roll(v, highest % 3)));
  CHECK(numbers(sg::shift(v, lowest)) == std::vector<double>{0, 0, 0});
  CHECK(numbers(sg::shift(v, highest, 7.0)) == std::vector<double>{7, 7, 7});
  CHECK(numbers(sg::tril(x, highest)) == numbers(x));
  CHECK(numbers(sg::triu(x, lowest)) == numbers(x));
  CHECK(numbers(sg::sum(sg::tril(x, lowest))) == std::vector<double>{0});
  CHECK(numbers(sg::sum(sg::triu(x, highest))) == std::vector<double>{0});
  CHECK(numbers(sg::tile(v, {0})).empty());
  CHECK(numbers(sg::repeat(v, 0)).empty());
  CHECK(sg::split(sg::zeros({0}), 3).size() == 3);
}

TEST_CASE("many empty rows cost nothing") {
  const Tensor none = sg::zeros({huge / 8, 0});
  const Tensor columns = sg::zeros({0, huge / 8});
  for (const Tensor& t : {none, columns}) {
    for (const Tensor& y : {t + 1.0,
                            sg::exp(t),
                            sg::cumsum(t, {.axis = 0}),
                            sg::cumsum(t, {.axis = 1}),
                            sg::cummax(t, {.axis = 1}),
                            sg::logcumsumexp(t, {.axis = 0}),
                            sg::logcumsumexp(t, {.axis = 1}),
                            sg::linear_recurrence(t, t),
                            sg::sort(t),
                            sg::sort(t, {.axis = 0}),
                            sg::flip(t),
                            sg::transpose(t),
                            sg::concatenate({t, t}, {.axis = t.shape()[0] == 0 ? 0 : 1}),
                            sg::slice(t, {.axis = 1, .end = 5}),
                            sg::where(t > 0.0, t, 0),
                            sg::astype(t, DType::float32),
                            sg::take_along_axis(t, sg::astype(t, DType::int64)),
                            sg::norm(t),
                            sg::sum(t),
                            sg::logsumexp(t),
                            sg::prod(t)})
      sg::eval(y);
    CHECK(sg::to_string(t).size() < 100);
    CHECK(numbers(t).empty());
    CHECK(sg::sum(t).item<double>() == 0);
    const auto total = [](const Tensor& at) { return sg::sum(sg::logcumsumexp(at, {.axis = 1}) * sg::cumprod(at)); };
    CHECK(sg::grad(total)(t).shape() == t.shape());
  }
}
