// Every public function given a Tensor without a value, and every one that makes no sense for a dtype given that: the error names the
// function that was called.

#include <sstream>

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
const auto scalar = [](const Tensor& t) { return sg::sum(t); };
const auto same = [](const Tensor& t) { return t; };

std::vector<Function> one_operand() {
  using Unary = Tensor (*)(const sg::Operand&);
  std::vector<Function> table;
  const std::vector<std::pair<const char*, Unary>> functions = {
      {"negative", sg::negative},
      {"exp", sg::exp},
      {"expm1", sg::expm1},
      {"log", sg::log},
      {"log1p", sg::log1p},
      {"sqrt", sg::sqrt},
      {"rsqrt", sg::rsqrt},
      {"reciprocal", sg::reciprocal},
      {"square", sg::square},
      {"abs", sg::abs},
      {"sign", sg::sign},
      {"floor", sg::floor},
      {"round", sg::round},
      {"sin", sg::sin},
      {"cos", sg::cos},
      {"tan", sg::tan},
      {"asin", sg::asin},
      {"acos", sg::acos},
      {"atan", sg::atan},
      {"sinh", sg::sinh},
      {"cosh", sg::cosh},
      {"tanh", sg::tanh},
      {"sigmoid", sg::sigmoid},
      {"softplus", sg::softplus},
      {"log_sigmoid", sg::log_sigmoid},
      {"erf", sg::erf},
      {"lgamma", sg::lgamma},
      {"digamma", sg::digamma},
      {"real", sg::real},
      {"imag", sg::imag},
      {"conj", sg::conj},
      {"angle", sg::angle},
      {"isnan", sg::isnan},
      {"isinf", sg::isinf},
      {"isfinite", sg::isfinite},
      {"logical_not", sg::logical_not},
      {"diag", sg::diag},
      {"stop_gradient", sg::stop_gradient},
  };
  for (const auto& [name, f] : functions) table.push_back({name, [f = f](const Tensor& t) { f(t); }});
  return table;
}

using Binary = Tensor (*)(const sg::Operand&, const sg::Operand&);

std::vector<std::pair<const char*, Binary>> binary_functions() {
  return {
      {"add", sg::add},
      {"subtract", sg::subtract},
      {"multiply", sg::multiply},
      {"divide", sg::divide},
      {"pow", sg::pow},
      {"atan2", sg::atan2},
      {"maximum", sg::maximum},
      {"minimum", sg::minimum},
      {"complex", sg::complex},
      {"equal", sg::equal},
      {"not_equal", sg::not_equal},
      {"less", sg::less},
      {"greater", sg::greater},
      {"less_equal", sg::less_equal},
      {"greater_equal", sg::greater_equal},
      {"logical_or", sg::logical_or},
      {"logical_and", sg::logical_and},
      {"logical_xor", sg::logical_xor},
      {"matmul", sg::matmul},
      {"dot", sg::dot},
      {"outer", sg::outer},
  };
}

std::vector<Function> two_operands() {
  std::vector<Function> table;
  for (const auto& [name, f] : binary_functions()) {
    table.push_back({name, [f = f](const Tensor& t) { f(t, v); }});
    table.push_back({name, [f = f](const Tensor& t) { f(v, t); }});
    table.push_back({name, [f = f](const Tensor& t) { f(t, 2.0); }});
  }
  return table;
}

std::vector<Function> reductions_and_scans() {
  return {
      {"sum", [](const Tensor& t) { sg::sum(t); }},
      {"mean", [](const Tensor& t) { sg::mean(t); }},
      {"max", [](const Tensor& t) { sg::max(t); }},
      {"min", [](const Tensor& t) { sg::min(t); }},
      {"prod", [](const Tensor& t) { sg::prod(t); }},
      {"any", [](const Tensor& t) { sg::any(t); }},
      {"all", [](const Tensor& t) { sg::all(t); }},
      {"norm", [](const Tensor& t) { sg::norm(t); }},
      {"var", [](const Tensor& t) { sg::var(t); }},
      {"std", [](const Tensor& t) { sg::std(t); }},
      {"argmax", [](const Tensor& t) { sg::argmax(t); }},
      {"argmin", [](const Tensor& t) { sg::argmin(t); }},
      {"logsumexp", [](const Tensor& t) { sg::logsumexp(t); }},
      {"cumsum", [](const Tensor& t) { sg::cumsum(t); }},
      {"cumprod", [](const Tensor& t) { sg::cumprod(t); }},
      {"cummax", [](const Tensor& t) { sg::cummax(t); }},
      {"cummin", [](const Tensor& t) { sg::cummin(t); }},
      {"logcumsumexp", [](const Tensor& t) { sg::logcumsumexp(t); }},
      {"linear_recurrence", [](const Tensor& t) { sg::linear_recurrence(t, v); }},
      {"linear_recurrence", [](const Tensor& t) { sg::linear_recurrence(v, t); }},
      {"linear_recurrence", [](const Tensor& t) { sg::linear_recurrence(v, v, t); }},
      {"cumsum", [](const Tensor& t) { sg::cumsum_with_carry(t); }},
      {"cumprod", [](const Tensor& t) { sg::cumprod_with_carry(t); }},
      {"cummax", [](const Tensor& t) { sg::cummax_with_carry(t); }},
      {"cummin", [](const Tensor& t) { sg::cummin_with_carry(t); }},
      {"logcumsumexp", [](const Tensor& t) { sg::logcumsumexp_with_carry(t); }},
      {"linear_recurrence", [](const Tensor& t) { sg::linear_recurrence_with_carry(v, t); }},
      {"cummax_with_indices", [](const Tensor& t) { sg::cummax_with_indices(t); }},
      {"cummin_with_indices", [](const Tensor& t) { sg::cummin_with_indices(t); }},
  };
}

std::vector<Function> shapes_and_indices() {
  return {
      {"clamp", [](const Tensor& t) { sg::clamp(t, 0, 1); }},
      {"clamp", [](const Tensor& t) { sg::clamp(v, t, 1); }},
      {"where", [](const Tensor& t) { sg::where(t, v, v); }},
      {"where", [](const Tensor& t) { sg::where(mask, v, t); }},
      {"astype", [](const Tensor& t) { sg::astype(t, DType::float32); }},
      {"full", [](const Tensor& t) { sg::full({2}, t); }},
      {"reshape", [](const Tensor& t) { sg::reshape(t, {1}); }},
      {"transpose", [](const Tensor& t) { sg::transpose(t); }},
      {"broadcast_to", [](const Tensor& t) { sg::broadcast_to(t, {1}); }},
      {"flip", [](const Tensor& t) { sg::flip(t); }},
      {"expand_dims", [](const Tensor& t) { sg::expand_dims(t, 0); }},
      {"squeeze", [](const Tensor& t) { sg::squeeze(t); }},
      {"slice", [](const Tensor& t) { sg::slice(t, {.end = 1}); }},
      {"concatenate",
       [](const Tensor& t) {
         sg::concatenate({v, t});
       }},
      {"stack",
       [](const Tensor& t) {
         sg::stack({t, v});
       }},
      {"moveaxis", [](const Tensor& t) { sg::moveaxis(t, 0, 0); }},
      {"swapaxes", [](const Tensor& t) { sg::swapaxes(t, 0, 0); }},
      {"split", [](const Tensor& t) { sg::split(t, 1); }},
      {"split",
       [](const Tensor& t) {
         sg::split(t, {1, 2});
       }},
      {"pad",
       [](const Tensor& t) {
         sg::pad(t, {{1, 1}});
       }},
      {"pad",
       [](const Tensor& t) {
         sg::pad(v, {{1, 1}}, t);
       }},
      {"roll", [](const Tensor& t) { sg::roll(t, 1); }},
      {"shift", [](const Tensor& t) { sg::shift(t, 1); }},
      {"repeat", [](const Tensor& t) { sg::repeat(t, 1); }},
      {"tile", [](const Tensor& t) { sg::tile(t, {1}); }},
      {"tril", [](const Tensor& t) { sg::tril(t); }},
      {"triu", [](const Tensor& t) { sg::triu(t); }},
      {"take", [](const Tensor& t) { sg::take(t, 0); }},
      {"take", [](const Tensor& t) { sg::take(v, t); }},
      {"scatter_add", [](const Tensor& t) { sg::scatter_add(t, indices, v); }},
      {"scatter_add", [](const Tensor& t) { sg::scatter_add(v, indices, t); }},
      {"take_along_axis", [](const Tensor& t) { sg::take_along_axis(v, t); }},
      {"segment_sum", [](const Tensor& t) { sg::segment_sum(t, indices, 3); }},
      {"segment_sum", [](const Tensor& t) { sg::segment_sum(v, t, 3); }},
      {"one_hot", [](const Tensor& t) { sg::one_hot(t, 3); }},
      {"argsort", [](const Tensor& t) { sg::argsort(t); }},
      {"sort", [](const Tensor& t) { sg::sort(t); }},
      {"topk", [](const Tensor& t) { sg::topk(t, 1); }},
      {"searchsorted", [](const Tensor& t) { sg::searchsorted(t, v); }},
      {"searchsorted", [](const Tensor& t) { sg::searchsorted(v, t); }},
  };
}

std::vector<Function> matrices_and_draws() {
  namespace rnd = sg::random;
  return {
      {"cholesky", [](const Tensor& t) { sg::cholesky(t); }},
      {"triangular_solve", [](const Tensor& t) { sg::triangular_solve(t, v); }},
      {"solve", [](const Tensor& t) { sg::solve(t, v); }},
      {"solve", [](const Tensor& t) { sg::solve(sg::eye(3), t); }},
      {"inverse", [](const Tensor& t) { sg::inverse(t); }},
      {"slogdet", [](const Tensor& t) { sg::slogdet(t); }},
      {"logdet", [](const Tensor& t) { sg::logdet(t); }},
      {"random::split", [](const Tensor& t) { rnd::split(t); }},
      {"random::fold_in", [](const Tensor& t) { rnd::fold_in(t, 1); }},
      {"random::fold_in", [](const Tensor& t) { rnd::fold_in(rnd::key(0), t); }},
      {"random::uniform", [](const Tensor& t) { rnd::uniform(t, {2}); }},
      {"random::normal", [](const Tensor& t) { rnd::normal(t, {2}); }},
      {"random::exponential", [](const Tensor& t) { rnd::exponential(t, {2}); }},
      {"random::gumbel", [](const Tensor& t) { rnd::gumbel(t, {2}); }},
      {"random::randint", [](const Tensor& t) { rnd::randint(t, {2}, 0, 3); }},
      {"random::bits", [](const Tensor& t) { rnd::bits(t, {2}); }},
      {"random::bernoulli", [](const Tensor& t) { rnd::bernoulli(t, 0.5); }},
      {"random::bernoulli", [](const Tensor& t) { rnd::bernoulli(rnd::key(0), t); }},
      {"random::categorical", [](const Tensor& t) { rnd::categorical(t, v); }},
      {"random::categorical", [](const Tensor& t) { rnd::categorical(rnd::key(0), t); }},
      {"random::permutation", [](const Tensor& t) { rnd::permutation(t, 3); }},
      {"random::permutation", [](const Tensor& t) { rnd::permutation(rnd::key(0), t); }},
  };
}

std::vector<Function> readers_and_transforms() {
  return {
      {"operator[]", [](const Tensor& t) { t[0]; }},
      {"shape", [](const Tensor& t) { t.shape(); }},
      {"shape", [](const Tensor& t) { t.rank(); }},
      {"dtype", [](const Tensor& t) { t.dtype(); }},
      {"device", [](const Tensor& t) { t.device(); }},
      {"size", [](const Tensor& t) { t.size(); }},
      {"size", [](const Tensor& t) { t.size(0); }},
      {"item", [](const Tensor& t) { t.item<double>(); }},
      {"data", [](const Tensor& t) { t.data<double>(); }},
      {"data", [](const Tensor& t) { t.to_vector<double>(); }},
      {"print", [](const Tensor& t) { sg::to_string(t); }},
      {"print", [](const Tensor& t) { std::ostringstream() << t; }},
      {"print", [](const Tensor& t) { sg::to_string(t, sg::PrintOptions()); }},
      {"to_dot", [](const Tensor& t) { sg::to_dot(std::vector{t}); }},
      {"check_jvp", [](const Tensor& t) { sg::check_jvp(same, {t}); }},
      {"check_vjp", [](const Tensor& t) { sg::check_vjp(same, {t}); }},
      {"check_adjoint", [](const Tensor& t) { sg::check_adjoint(same, {t}); }},
      {"check_linearity", [](const Tensor& t) { sg::check_linearity(same, {t}); }},
      {"check_second_order", [](const Tensor& t) { sg::check_second_order(same, {t}); }},
      {"check_vmap", [](const Tensor& t) { sg::check_vmap(same, {t}); }},
      {"check_all", [](const Tensor& t) { sg::check_all(same, {t}); }},
      {"ravel", [](const Tensor& t) { sg::ravel(t); }},
      {"newton", [](const Tensor& t) { sg::newton(scalar, t); }},
      {"lbfgs", [](const Tensor& t) { sg::lbfgs(scalar, t); }},
      {"gradient_descent", [](const Tensor& t) { sg::gradient_descent(scalar, t); }},
      {"adam", [](const Tensor& t) { sg::adam(scalar, t); }},
      {"eval",
       [](const Tensor& t) {
         sg::eval({v + 1.0, t});
       }},
      {"jvp", [](const Tensor& t) { sg::jvp(same, {t}, {v}); }},
      {"jvp", [](const Tensor& t) { sg::jvp(same, {v}, {t}); }},
      {"jvp", [](const Tensor& t) { sg::jvp([&](const Tensor&) { return t; }, {v}, {v}); }},
      {"vjp", [](const Tensor& t) { sg::vjp(same, {t}); }},
      {"vjp", [](const Tensor& t) { sg::vjp(same, {v}).pullback(t); }},
      {"vjp", [](const Tensor& t) { sg::vjp([&](const Tensor&) { return t; }, {v}); }},
      {"grad", [](const Tensor& t) { sg::grad(scalar)(t); }},
      {"grad", [](const Tensor& t) { sg::grad([&](const Tensor&) { return t; })(v); }},
      {"hessian", [](const Tensor& t) { sg::hessian(scalar)(t); }},
      {"jacfwd", [](const Tensor& t) { sg::jacfwd(same)(t); }},
      {"jacrev", [](const Tensor& t) { sg::jacrev([&](const Tensor&) { return t; })(v); }},
      {"jacobian", [](const Tensor& t) { sg::jacobian(same)(t); }},
      {"vmap", [](const Tensor& t) { sg::vmap(same)(t); }},
      {"vmap", [](const Tensor& t) { sg::vmap([&](const Tensor&) { return t; })(v); }},
  };
}

}  // namespace

TEST_CASE("a Tensor without a value") {
  for (const auto& table : {one_operand(), two_operands(), reductions_and_scans(), shapes_and_indices(), matrices_and_draws(),
                            readers_and_transforms()})
    for (const Function& f : table)
      test::check_all(
          {{[&] { f.call(Tensor()); },
            f.name + ": a default-constructed Tensor was given; give it a value first, as in Tensor x = {1.0, 2.0};"}});
}

TEST_CASE("shapes that do not broadcast") {
  const Tensor x = sg::zeros({2, 3}), y = sg::zeros({4});
  for (const auto& [name, f] : binary_functions()) {
    if (name == std::string("matmul") || name == std::string("dot") || name == std::string("outer")) continue;
    test::check_all(
        {{[&, f = f] { f(x, y); },
          name +
              std::string(": shapes (2, 3) and (4,) do not broadcast: axis -1 has sizes 3 and 4, which must be equal or 1")}});
  }
}

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
