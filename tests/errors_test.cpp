// What the library says to bad input: "op: what is wrong, what was given, what would be right [file:line]", when the graph is built.

#include "scangrad/scangrad.h"
#include "support/golden.h"

namespace sg = scangrad;
using sg::DType;
using sg::Shape;
using sg::Tensor;
using test::check_all;

namespace {

const Tensor x = {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}};
const Tensor v = {1.0, 2.0};
const Tensor integers = {1, 2, 3};
const Tensor booleans = {true, false};
const Tensor complex = {std::complex<double>(1, 2), std::complex<double>(3, 4)};
constexpr std::int64_t huge = std::int64_t{1} << 62;

Tensor identity(const Tensor& t) { return t; }

}  // namespace

TEST_CASE("scans") {
  check_all({
      {[] { sg::logcumsumexp(x, {.axis = 3}); },
       "logcumsumexp: axis 3 is out of range for a tensor of shape (2, 3); it must be in -2..1"},
      {[] { sg::cumsum(x, {.axis = -3}); },
       "cumsum: axis -3 is out of range for a tensor of shape (2, 3); it must be in -2..1"},
      {[] { sg::cumprod(Tensor(1.0)); }, "cumprod: axis -1 is out of range for a tensor of shape (), which has no axes"},
      {[] {
         sg::cummax(x, {.axis = {0, 1}});
       },
       "cummax: takes one axis, given the axes (0, 1)"},
      {[] { sg::cummin(complex); }, "cummin: complex128 tensors have no cummin; take real, imag or abs first"},
      {[] { sg::linear_recurrence(v, x); },
       "linear_recurrence: shapes (2,) and (2, 3) do not broadcast: axis -1 has sizes 2 and 3, which must be equal or 1"},
      {[] { sg::linear_recurrence(x, x, v, {.axis = 0}); },
       "linear_recurrence: the initial value has shape (2,), but a scan of (2, 3) along axis 0 needs (3,)"},
  });
}

TEST_CASE("element-wise operations") {
  check_all({
      {[] { x + v; }, "add: shapes (2, 3) and (2,) do not broadcast: axis -1 has sizes 3 and 2, which must be equal or 1"},
      {[] { sg::maximum(v, complex); }, "maximum: complex128 tensors have no maximum; take real, imag or abs first"},
      {[] { (void)(complex < 1.0); }, "less: complex128 tensors have no less; take real, imag or abs first"},
      {[] { sg::floor(complex); }, "floor: complex128 tensors have no floor; take real, imag or abs first"},
      {[] { sg::erf(complex); }, "erf: complex128 tensors have no erf; take real, imag or abs first"},
      {[] { sg::atan2(complex, 1.0); }, "atan2: complex128 tensors have no atan2; take real, imag or abs first"},
      {[] { sg::complex(complex, 1.0); }, "complex: the parts must be real, but they are complex128"},
      {[] { sg::where(v, 1, 2); }, "where: the condition must be bool, but it is float64; compare it with something"},
      {[] { sg::where(booleans, x, 0); },
       "where: shapes (2,) and (2, 3) do not broadcast: axis -1 has sizes 2 and 3, which must be equal or 1"},
      {[] { Tensor() - 1; },
       "subtract: a default-constructed Tensor was given; give it a value first, as in Tensor x = {1.0, 2.0};"},
  });
}

TEST_CASE("reductions") {
  check_all({
      {[] { sg::sum(x, {.axis = 2}); }, "sum: axis 2 is out of range for a tensor of shape (2, 3); it must be in -2..1"},
      {[] {
         sg::mean(x, {.axis = {0, -2}});
       },
       "mean: axis 0 is named twice in (0, -2); name each axis once"},
      {[] {
         sg::max(sg::zeros({2, 0}), {.axis = 1});
       },
       "max: axis 1 of a tensor of shape (2, 0) is empty, and nothing has no max"},
      {[] { sg::min(complex); }, "min: complex128 tensors have no min; take real, imag or abs first"},
      {[] { sg::argmax(complex); }, "argmax: complex128 tensors have no argmax; take real, imag or abs first"},
      {[] { sg::argmin(sg::zeros({0})); }, "argmin: axis 0 of a tensor of shape (0,) is empty, and nothing has no argmin"},
      {[] { sg::logsumexp(x, {.axis = 5}); },
       "logsumexp: axis 5 is out of range for a tensor of shape (2, 3); it must be in -2..1"},
  });
}

TEST_CASE("shapes") {
  check_all({
      {[] {
         sg::reshape(x, {4, 2});
       },
       "reshape: a tensor of shape (2, 3) has 6 elements, which do not fill the shape (4, 2)"},
      {[] {
         sg::reshape(x, {-1, 4});
       },
       "reshape: a tensor of shape (2, 3) has 6 elements, which do not fill the shape (-1, 4)"},
      {[] {
         sg::reshape(x, {-1, -1});
       },
       "reshape: the shape (-1, -1) has more than one -1; leave one size open"},
      {[] {
         sg::reshape(x, {-2, 3});
       },
       "reshape: the shape (-2, 3) is not possible"},
      {[] {
         sg::reshape(x, {huge, huge});
       },
       "reshape: the shape (4611686018427387904, 4611686018427387904) is not possible"},
      {[] { sg::transpose(x, {0}); },
       "transpose: 1 axes were given for a tensor of shape (2, 3); name each of its 2 axes once"},
      {[] {
         sg::transpose(x, {0, 0});
       },
       "transpose: axis 0 is named twice in (0, 0); name each axis once"},
      {[] {
         sg::broadcast_to(x, {3, 3});
       },
       "broadcast_to: a tensor of shape (2, 3) does not broadcast to (3, 3); sizes must be equal or 1"},
      {[] {
         sg::broadcast_to(v, {huge, 2});
       },
       "broadcast_to: a tensor of shape (4611686018427387904, 2) is too large: it would need more than 2^62 bytes"},
      {[] { sg::flip(x, 2); }, "flip: axis 2 is out of range for a tensor of shape (2, 3); it must be in -2..1"},
      {[] { sg::expand_dims(x, {}); }, "expand_dims: name the places of the new axes, as in expand_dims(x, 0)"},
      {[] { sg::squeeze(x, 0); }, "squeeze: axis 0 of a tensor of shape (2, 3) has not size 1"},
      {[] { sg::slice(x, {.axis = 0, .step = 0}); },
       "slice: the step must be at least 1, given 0; use flip for the other direction"},
      {[] { sg::slice(x, {.axis = 4}); }, "slice: axis 4 is out of range for a tensor of shape (2, 3); it must be in -2..1"},
      {[] { sg::concatenate({}); }, "concatenate: the list of tensors is empty; give at least one"},
      {[] {
         sg::concatenate({x, v});
       },
       "concatenate: tensors 0 and 1 have shapes (2, 3) and (2,), which must agree but for axis 0"},
      {[] { x[2]; }, "operator[]: index 2 is out of range for a tensor of shape (2, 3); it must be in -2..1"},
      {[] { Tensor(1.0)[0]; }, "operator[]: a tensor of shape () has no axis to index; use item"},
      {[] { sg::moveaxis(x, 0, 2); }, "moveaxis: axis 2 is out of range for a tensor of shape (2, 3); it must be in -2..1"},
      {[] { sg::split(x, 2, {.axis = 1}); },
       "split: 2 equal parts do not fill an axis of size 3; give their sizes as a vector"},
      {[] {
         sg::split(x, {1, 2}, {.axis = 0});
       },
       "split: the sizes (1, 2) do not fill axis 0 of a tensor of shape (2, 3)"},
      {[] {
         sg::pad(x, {{1, 1}});
       },
       "pad: 1 widths were given for a tensor of shape (2, 3); give one an axis"},
      {[] {
         sg::pad(v, {{-1, 1}});
       },
       "pad: widths must not be negative, given -1 and 1 for axis 0"},
      {[] { sg::repeat(v, -1); }, "repeat: the number of times must not be negative, given -1"},
      {[] { sg::tile(v, {huge}); },
       "tile: a tensor of shape (4611686018427387904, 2) is too large: it would need more than 2^62 bytes"},
      {[] { sg::tril(v); }, "tril: the tensor must have two axes or more, but its shape is (2,)"},
      {[] { sg::diag(Tensor(1.0)); }, "diag: takes a vector or a matrix, given the shape ()"},
      {[] {
         sg::stack({x, v});
       },
       "stack: tensors 0 and 1 have shapes (2, 3) and (2,), which must be equal"},
  });
}

TEST_CASE("indexing and matrices") {
  check_all({
      {[] { sg::take(x, v); }, "take: indices must be int64, but they are float64; convert with astype"},
      {[] {
         sg::eval(sg::take(x, Tensor{0, 2}));
       },
       "take: index 2 is out of range for axis 0 of size 2; it must be in -2..1"},
      {[] { sg::scatter_add(v, integers, sg::zeros({2})); },
       "scatter_add: the updates have shape (2,), but these indices need (3,)"},
      {[] { sg::eval(sg::scatter_add(v, integers, 1.0)); },
       "scatter_add: index 2 is out of range for axis 0 of size 2; it must be in -2..1"},
      {[] { sg::take_along_axis(x, integers); },
       "take_along_axis: the indices have shape (3,), but a tensor of shape (2, 3) needs 2 axes"},
      {[] { sg::eval(sg::take_along_axis(v, Tensor{-3})); },
       "take_along_axis: index -3 is out of range for axis 0 of size 2; it must be in -2..1"},
      {[] { sg::topk(v, 3); }, "topk: k must be in 0..2, the size of axis 0, given 3"},
      {[] { sg::one_hot(integers, -1); }, "one_hot: the number of classes must not be negative, given -1"},
      {[] { sg::segment_sum(Tensor(1.0), 0, 1); },
       "segment_sum: needs a tensor with an axis and a count that is not negative, given () and 1"},
      {[] { sg::dot(v, integers); }, "dot: takes two vectors of one length, given the shapes (2,) and (3,)"},
      {[] { sg::outer(x, v); }, "outer: takes two vectors, given the shapes (2, 3) and (2,)"},
      {[] { sg::argsort(x, {.axis = 2}); },
       "argsort: axis 2 is out of range for a tensor of shape (2, 3); it must be in -2..1"},
      {[] { sg::matmul(x, x); },
       "matmul: shapes (2, 3) and (2, 3) do not match: the inner sizes are 3 and 2, which must be equal"},
      {[] { sg::matmul(x, 2.0); }, "matmul: takes tensors of one axis or more, given the shapes (2, 3) and ()"},
      {[] {
         sg::matmul(sg::zeros({2, 3, 4}), sg::zeros({5, 4, 1}));
       },
       "matmul: shapes (2, 3, 4) and (5, 4, 1) do not match: the batch axes (2,) and (5,) do not broadcast; sizes must be "
       "equal "
       "or 1"},
      {[] {
         sg::matmul(sg::zeros({huge / 8, 0}), sg::zeros({0, 2}));
       },
       "matmul: a tensor of shape (576460752303423488, 2) is too large: it would need more than 2^62 bytes"},
      {[] { sg::searchsorted(complex, 1.0); },
       "searchsorted: complex128 tensors have no searchsorted; take real, imag or abs first"},
      {[] { sg::searchsorted(1.0, v); }, "searchsorted: the sorted tensor needs an axis, but its shape is ()"},
      {[] { sg::searchsorted(x, v); },
       "searchsorted: the values have shape (2,), but a sorted tensor of shape (2, 3) needs values with 2 axes, whose last may "
       "have "
       "any size"},
      {[] {
         sg::searchsorted(x, sg::zeros({3, 1}));
       },
       "searchsorted: the sorted tensor and the values have shapes (2, 3) and (3, 1), whose axes but the last must be equal or "
       "1"},
  });
}

TEST_CASE("creators") {
  check_all({
      {[] {
         sg::zeros({2, -1});
       },
       "zeros: sizes must not be negative, given the shape (2, -1)"},
      {[] { sg::ones({huge}); },
       "ones: a tensor of shape (4611686018427387904,) is too large: it would need more than 2^62 bytes"},
      {[] { sg::full({2}, v); }, "full: the value must be a number or of rank 0, but its shape is (2,)"},
      {[] { sg::eye(-1); }, "eye: sizes must not be negative, given the shape (-1, -1)"},
      {[] { sg::eye(std::int64_t{1} << 40); },
       "eye: a tensor of shape (1099511627776, 1099511627776) is too large: it would need more than 2^62 bytes"},
      {[] { sg::linspace(0, 1, -1); }, "linspace: the count must not be negative, given -1"},
      {[] { sg::linspace(0, 1, 3, {.dtype = DType::int64}); },
       "linspace: dtype int64 cannot hold evenly spaced values; use a floating one"},
      {[] { sg::arange(0, 5, 0); }, "arange: the step must not be 0"},
      {[] { sg::arange(0.0, INFINITY, 1.0); },
       "arange: start, stop and step must be finite and the step not 0, given 0, inf, 1"},
      {[] { sg::arange(0.0, 1e30, 1.0); }, "arange: from 0 to 1e+30 by 1 there are 1e+30 values, which is too many"},
      {[] { Tensor::borrow(static_cast<const double*>(nullptr), {2}, [](const double*) {}); },
       "Tensor::borrow: the pointer is null, but the shape (2,) needs 2 elements"},
      {[] {
         Tensor::borrow(std::make_shared<double>(1.0), DType::float64, {2, 2}, {1});
       },
       "Tensor::borrow: 1 strides were given for the shape (2, 2); give one an axis, or none"},
  });
}

TEST_CASE("transforms") {
  check_all({
      {[] { sg::grad(identity)(v); },
       "grad: the function must return a scalar, but its result has shape (2,); reduce it (sum), or use vjp"},
      {[] { sg::value_and_grad(identity)(v); },
       "value_and_grad: the function must return a scalar, but its result has shape (2,); reduce it (sum), or use vjp"},
      {[] { sg::grad([](const Tensor& t) { return sg::sum(t > 1.0); })(v); },
       "grad: the function must return a real floating scalar, but its result is int64; derivatives exist for floating tensors "
       "only"},
      {[] { sg::grad([](const Tensor& t) { return sg::sum(sg::complex(t, t)); })(v); },
       "grad: the function must return a real floating scalar, but its result is complex128; use vjp"},
      {[] { sg::grad(identity)(integers); },
       "grad: argument 0 is int64, and derivatives exist for floating tensors only; convert it with astype, or close over it"},
      {[] { sg::grad([](const Tensor& t) { return std::pair(t, t); })(Tensor(1.0)); },
       "grad: the function must return one scalar, but it returned 2 tensors; use vjp"},
      {[] { sg::jvp(identity, {v}, {x}); },
       "jvp: tangent 0 is float64 (2, 3), but the argument is float64 (2,); they must be equal"},
      {[] { sg::jvp(identity, {v}, {sg::zeros({2}, {.dtype = DType::float32})}); },
       "jvp: tangent 0 is float32 (2,), but the argument is float64 (2,); they must be equal"},
      {[] { sg::vjp(identity, {v}).pullback(x); },
       "vjp: cotangent 0 is float64 (2, 3), but the result is float64 (2,); they must be equal"},
      {[] { sg::vjp(identity, {Tensor()}); },
       "vjp: a default-constructed Tensor was given; give it a value first, as in Tensor x = {1.0, 2.0};"},
      {[] {
         sg::jvp([](const std::vector<Tensor>& t) { return t[0]; }, sg::args(std::vector{v, v}), sg::args(std::vector{v}));
       },
       "jvp: 1 tangents were given for 2 arguments; give one each"},
      {[] { sg::vjp([](const std::vector<Tensor>&) { return v; }, sg::args(std::vector<Tensor>())); },
       "vjp: there is nothing to differentiate with respect to; give at least one Tensor"},
      {[] { sg::hessian([](const Tensor& t) { return t * 2.0; })(v); },
       "hessian: the function must return a scalar, but its result has shape (2,); reduce it (sum), or use vjp"},
  });
}

TEST_CASE("errors carry the file and line of the call, through composites and rules too") {
  const auto line_of = [](const auto& call) {
    try {
      call();
    } catch (const sg::Error& error) {
      CHECK(std::string(error.site().file) == __FILE__);
      const std::string place = error.message() + " [" + __FILE__ + ":" + std::to_string(error.site().line);
      CHECK(std::string(error.what()).substr(0, place.size()) == place);  // behind it: the transform around, or "]"
      return error.site().line;
    }
    return 0;
  };
  CHECK(line_of([] { sg::erf(complex); }) == __LINE__);
  CHECK(line_of([] { x + v; }) == __LINE__);
  CHECK(line_of([] { sg::mean(x, {.axis = 7}); }) == __LINE__);
  CHECK(line_of([] { sg::zeros({-1}); }) == __LINE__);
  CHECK(line_of([] { sg::concatenate({x, v}); }) == __LINE__);
  CHECK(line_of([] { sg::grad(identity)(v); }) == __LINE__);
  int line = 0;
  const auto late = [&](const Tensor& t) {
    line = __LINE__ + 1;
    return sg::sum(sg::take(t, Tensor{5}));
  };
  CHECK(line_of([&] { sg::grad(late)(v); }) == line);
}
