// Every public function given a Tensor without a value, and every one of two operands given shapes that do not broadcast: the error
// names the function that was called.

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
      {"cumsum_with_carry", [](const Tensor& t) { sg::cumsum_with_carry(t); }},
      {"cumprod_with_carry", [](const Tensor& t) { sg::cumprod_with_carry(t); }},
      {"cummax_with_carry", [](const Tensor& t) { sg::cummax_with_carry(t); }},
      {"cummin_with_carry", [](const Tensor& t) { sg::cummin_with_carry(t); }},
      {"logcumsumexp_with_carry", [](const Tensor& t) { sg::logcumsumexp_with_carry(t); }},
      {"linear_recurrence_with_carry", [](const Tensor& t) { sg::linear_recurrence_with_carry(v, t); }},
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
      {"value_and_grad", [](const Tensor& t) { sg::value_and_grad(scalar)(t); }},
      {"value_and_grad", [](const Tensor& t) { sg::value_and_grad([&](const Tensor&) { return t; })(v); }},
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
