// Operands of a dtype for which a function makes no sense, numbers that a dtype cannot hold, and numbers in place of Tensors.

#include "scangrad/scangrad.h"
#include "support/golden.h"

namespace sg = scangrad;
using sg::DType;
using sg::Shape;
using sg::Tensor;

namespace {

struct Function {
  std::string name;
  std::function<void(const Tensor&)> call;
};

const Tensor v = {1.0, 2.0, 3.0};
const Tensor indices = {0, 1, 2};
const Tensor mask = {true, false, true};

}  // namespace

TEST_CASE("numbers that fit into no int64, or not into the tensor beside them") {
  const std::uint64_t above = std::uint64_t{1} << 63;
  const Tensor small = sg::astype(indices, DType::int32);
  const std::string advice = " does not fit into an int32; convert the tensor beside it with astype(x, DType::int64)";
  test::check_all({
      {[=] { sg::arange(above); }, "arange: 9223372036854775808 does not fit into an int64; write it as a floating number"},
      {[=] { sg::arange(0, above + 5, 2); },
       "arange: 9223372036854775813 does not fit into an int64; write it as a floating number"},
      {[=] { Tensor t(above); }, "Tensor: 9223372036854775808 does not fit into an int64; write it as a floating number"},
      {[=] {
         Tensor t = {std::uint64_t{1}, ~std::uint64_t{0}};
       },
       "Tensor: 18446744073709551615 does not fit into an int64; write it as a floating number"},
      {[=] { sg::full({2}, above); }, "full: 9223372036854775808 does not fit into an int64; write it as a floating number"},
      {[=] { indices + above; }, "add: 9223372036854775808 does not fit into an int64; write it as a floating number"},
      {[=] { small + 2147483648; }, "add: 2147483648" + advice},
      {[=] { small* above; }, "multiply: 9223372036854775808 does not fit into an int64; write it as a floating number"},
      {[=] { sg::clamp(small, -2147483649, 0); }, "clamp: -2147483649" + advice},
      {[=] { sg::where(mask, small, 3000000000); }, "where: 3000000000" + advice},
      {[=] { (void)(small == 3000000000); }, "equal: 3000000000" + advice},
      {[=] { v[above]; },
       "operator[]: index 9223372036854775807 is out of range for a tensor of shape (3,); it must be in -3..2"},
      {[=] { v[~std::size_t{0}]; },
       "operator[]: index 9223372036854775807 is out of range for a tensor of shape (3,); it must be in -3..2"},
      {[=] { sg::arange(std::complex<double>(0, 1)); }, "arange: start, stop and step must be real, but one is complex"},
  });
  CHECK((v + above).to_vector<double>() == std::vector<double>{1 + 0x1p63, 2 + 0x1p63, 3 + 0x1p63});
  CHECK((small + 2147483647 - 2147483647).to_vector<std::int32_t>() == std::vector<std::int32_t>{0, 1, 2});
  CHECK(sg::arange(above, 0x1p63 + 8192, 4096).to_vector<double>() == std::vector<double>{0x1p63, 0x1p63 + 4096});
}

TEST_CASE("numbers in braces are operands") {
  CHECK(sg::take(v, {2, 0}).to_vector<double>() == std::vector<double>{3, 1});
  CHECK(sg::take(v, {{2}, {0}}).shape() == Shape{2, 1});
  CHECK(sg::where({true, false, true}, v, {0.0, 5.0, 0.0}).to_vector<double>() == std::vector<double>{1, 5, 3});
  CHECK(sg::sum({1, 2, 3}).item<std::int64_t>() == 6);
  CHECK(sg::linear_recurrence(v, {1.0, 0.0, 1.0}, {.reverse = true}).to_vector<double>() == std::vector<double>{3, 2, 1});
  CHECK(sg::searchsorted({1.0, 2.0}, {1.5}).to_vector<std::int64_t>() == std::vector<std::int64_t>{1});
  CHECK(sg::maximum(v, {2.0}).shape() == Shape{3});
  test::check_all({{[] { sg::take(v, {0.5}); }, "take: indices must be int64, but they are float64; convert with astype"}});
}

TEST_CASE("x += y names a new Tensor") {
  Tensor x = {1.0, 2.0};
  const Tensor before = x;
  x += 1;
  x *= x;
  x -= {1.0, 2.0};
  x /= 2;
  CHECK(x.to_vector<double>() == std::vector<double>{1.5, 3.5});
  CHECK(before.to_vector<double>() == std::vector<double>{1, 2});
  try {
    x += v;
    FAIL("shapes do not broadcast");
  } catch (const sg::Error& error) {
    CHECK(error.site().line == __LINE__ - 3);
    CHECK(std::string(error.site().file) == __FILE__);
  }
}

TEST_CASE("complex numbers have no order") {
  const Tensor z = {std::complex<double>(1, 2), std::complex<double>(3, 4)};
  const std::vector<Function> table = {
      {"maximum", [](const Tensor& t) { sg::maximum(t, 1); }},
      {"minimum", [](const Tensor& t) { sg::minimum(1, t); }},
      {"less", [](const Tensor& t) { sg::less(t, 1); }},
      {"less_equal", [](const Tensor& t) { sg::less_equal(t, 1); }},
      {"greater", [](const Tensor& t) { sg::greater(t, 1); }},
      {"greater_equal", [](const Tensor& t) { sg::greater_equal(1, t); }},
      {"clamp", [](const Tensor& t) { sg::clamp(t, 0, 1); }},
      {"sign", [](const Tensor& t) { sg::sign(t); }},
      {"floor", [](const Tensor& t) { sg::floor(t); }},
      {"round", [](const Tensor& t) { sg::round(t); }},
      {"erf", [](const Tensor& t) { sg::erf(t); }},
      {"softplus", [](const Tensor& t) { sg::softplus(t); }},
      {"log_sigmoid", [](const Tensor& t) { sg::log_sigmoid(t); }},
      {"lgamma", [](const Tensor& t) { sg::lgamma(t); }},
      {"digamma", [](const Tensor& t) { sg::digamma(t); }},
      {"atan2", [](const Tensor& t) { sg::atan2(1, t); }},
      {"max", [](const Tensor& t) { sg::max(t); }},
      {"min", [](const Tensor& t) { sg::min(t); }},
      {"argmax", [](const Tensor& t) { sg::argmax(t); }},
      {"argmin", [](const Tensor& t) { sg::argmin(t); }},
      {"argsort", [](const Tensor& t) { sg::argsort(t); }},
      {"sort", [](const Tensor& t) { sg::sort(t); }},
      {"topk", [](const Tensor& t) { sg::topk(t, 1); }},
      {"cummax", [](const Tensor& t) { sg::cummax(t); }},
      {"cummin", [](const Tensor& t) { sg::cummin(t); }},
  };
  for (const Function& f : table)
    test::check_all(
        {{[&] { f.call(z); }, f.name + ": complex128 tensors have no " + f.name + "; take real, imag or abs first"}});
}

TEST_CASE("indices are int64, conditions bool, evenly spaced values floating") {
  const Tensor floats = {0.0, 1.0, 1.0};
  test::check_all({
      {[&] { sg::take(v, floats); }, "take: indices must be int64, but they are float64; convert with astype"},
      {[&] { sg::take(v, mask); }, "take: indices must be int64, but they are bool; convert with astype"},
      {[&] { sg::take_along_axis(v, floats); },
       "take_along_axis: indices must be int64, but they are float64; convert with astype"},
      {[&] { sg::scatter_add(v, floats, v); }, "scatter_add: indices must be int64, but they are float64; convert with astype"},
      {[&] { sg::segment_sum(v, floats, 2); }, "segment_sum: indices must be int64, but they are float64; convert with astype"},
      {[&] { sg::one_hot(floats, 2); }, "one_hot: indices must be integers, but they are float64; convert with astype"},
      {[&] { sg::where(floats, v, v); }, "where: the condition must be bool, but it is float64; compare it with something"},
      {[&] { sg::linspace(0, 1, 2, {.dtype = DType::complex64}); },
       "linspace: dtype complex64 cannot hold evenly spaced values; use a floating one"},
      {[&] { v.item<double>(); },
       "item: the tensor must have one element, but its shape is (3,); use to_vector, or reduce it first"},
      {[&] { Tensor(1.0).item<float>(); },
       "item: the tensor is float64, which does not fit into float32; use item with the tensor's own type, or astype first"},
      {[&] { v.to_vector<float>(); },
       "data: the tensor is float64, but its elements were asked for as float32; use astype, or ask for its own type"},
  });
}

TEST_CASE("each row has one segment") {
  const Tensor rows = {{1.0, 2.0}, {3.0, 4.0}};
  test::check_all({
      {[&] { sg::segment_sum(rows, indices, 3); },
       "segment_sum: needs a segment for each row, so (2,), but their shape is (3,)"},
      {[&] {
         sg::segment_sum(rows, Tensor{{0, 1}, {1, 0}}, 3);
       },
       "segment_sum: needs a segment for each row, so (2,), but their shape is (2, 2)"},
      {[&] { sg::segment_sum(rows, 1, 3); }, "segment_sum: needs a segment for each row, so (2,), but their shape is ()"},
      {[&] { sg::var(v, {.ddof = -1}); }, "var: ddof must not be negative, given -1"},
      {[&] { sg::std(v, {.ddof = -1}); }, "std: ddof must not be negative, given -1"},
  });
  CHECK(std::isnan(sg::var(Tensor{1.0}, {.ddof = 5}).item<double>()));
}
