// Every transform around every other. A transform is a map from functions to functions here, and what it makes of sums of exponentials
// is a sum of exponentials: so each nesting has an answer in closed form. The innermost function takes its exponentials through scans.

#include <map>

#include "scangrad/scangrad.h"
#include "support/catch.h"

namespace sg = scangrad;
using sg::Tensor;
using Function = std::function<Tensor(const Tensor&)>;  // of vectors of `size` elements, element by element

namespace {

constexpr std::size_t size = 3;
using Vector = std::array<double, size>;

/// sum_r a_r e^{r x}, with its own a_r for each element.
class Sum {
 public:
  static Sum exponential(double rate, double coefficient) {
    Sum sum;
    sum.terms_[rate].fill(coefficient);
    return sum;
  }
  Sum derivative() const {
    return mapped([](double rate, double a) { return std::pair(rate, rate * a); });
  }
  Sum at_times(double factor) const {  // x -> f(factor x)
    return mapped([=](double rate, double a) { return std::pair(factor * rate, a); });
  }
  Sum operator*(const Vector& v) const {
    Sum result = *this;
    for (auto& [rate, a] : result.terms_)
      for (std::size_t i = 0; i < size; ++i) a[i] *= v[i];
    return result;
  }
  Sum operator*(double factor) const { return *this * Vector{factor, factor, factor}; }
  Sum operator+(const Sum& other) const {
    Sum result = *this;
    for (const auto& [rate, a] : other.terms_)
      for (std::size_t i = 0; i < size; ++i) result.terms_[rate][i] += a[i];
    return result;
  }
  double value(std::size_t i, double x) const { return total(i, x, false); }
  double scale(std::size_t i, double x) const { return total(i, x, true); }

 private:
  template <class F>
  Sum mapped(const F& f) const {
    Sum result;
    for (const auto& [rate, a] : terms_)
      for (std::size_t i = 0; i < size; ++i) {
        const auto [to, coefficient] = f(rate, a[i]);
        result.terms_[to][i] += coefficient;
      }
    return result;
  }
  double total(std::size_t i, double x, bool absolute) const {
    double sum = 0;
    for (const auto& [rate, a] : terms_) sum += (absolute ? std::abs(a[i]) : a[i]) * std::exp(rate * x);
    return sum;
  }
  std::map<double, Vector> terms_;
};

const Vector v_numbers = {0.7, -1.1, 0.4}, q_numbers = {1.3, 0.2, -0.6};
const Tensor v = {0.7, -1.1, 0.4}, q = {1.3, 0.2, -0.6};

struct Transform {
  const char* name;
  std::function<Tensor(const Function&, const Tensor&)> apply;
  std::function<Sum(const Sum&)> expected;
};

struct Two {
  Tensor a, b;
};

Function total(const Function& f) {
  return [f](const Tensor& x) { return sg::sum(f(x)); };
}
Sum slope(const Sum& f) { return f.derivative(); }
Sum slope_v(const Sum& f) { return f.derivative() * v_numbers; }
Sum slope_q(const Sum& f) { return f.derivative() * q_numbers; }
Sum curvature_v(const Sum& f) { return f.derivative().derivative() * v_numbers; }
Sum itself(const Sum& f) { return f; }

Tensor in_loop(const Function& f, const Tensor& x) {
  const auto step = [&](const Tensor& carry, const Tensor& s) { return std::pair(0.5 * carry + f(s * x), carry); };
  const auto all = sg::scan(step, f(x), Tensor{1.0, 0.5, 1.0}, {.checkpoint_every = 2});
  return all.carry + sg::sum(all.ys, {.axis = 0});
}
Sum in_loop_expected(const Sum& f) {
  Sum carry = f, ys;
  for (const double s : {1.0, 0.5, 1.0}) {
    ys = ys + carry;
    carry = carry * 0.5 + f.at_times(s);
  }
  return carry + ys;
}

using List = sg::CustomRules::List;
using P = sg::PrimitiveRules;
void add_kernel(P::Inputs x, P::Outputs y) {
  for (std::size_t i = 0; i < x[0].data<double>().size(); ++i)
    y[0].data<double>()[i] = x[0].data<double>()[i] + x[1].data<double>()[i];
}

const std::vector<Transform> transforms = {
    {"jvp", [](const Function& f, const Tensor& x) { return sg::jvp(f, {x}, {v}).tangent; }, slope_v},
    {"vjp", [](const Function& f, const Tensor& x) { return sg::vjp(f, {x}).pullback(q); }, slope_q},
    {"grad", [](const Function& f, const Tensor& x) { return sg::grad(total(f))(x); }, slope},
    {"value_and_grad with aux",
     [](const Function& f, const Tensor& x) {
       const auto both = sg::value_and_grad([&](const Tensor& t) {
         const Tensor y = f(t);
         return sg::with_aux(sg::sum(y), y);
       })(x);
       return both.gradient + both.aux;
     },
     [](const Sum& f) { return f.derivative() + f; }},
    {"grad of a structure",
     [](const Function& f, const Tensor& x) {
       const Two g = sg::grad([&](const Two& p) { return sg::sum(f(p.a) + 2.0 * p.b); })(Two{x, x});
       return g.a + g.b;
     },
     [](const Sum& f) { return f.derivative() + Sum::exponential(0, 2); }},
    {"linearize", [](const Function& f, const Tensor& x) { return sg::linearize(f, {x}).jvp(v); }, slope_v},
    {"linear_transpose",
     [](const Function& f, const Tensor& x) {
       return sg::linear_transpose([&](const Tensor& t) { return sg::jvp(f, {x}, {t}).tangent; }, {x})(q);
     },
     slope_q},
    {"jacfwd", [](const Function& f, const Tensor& x) { return sg::matmul(sg::jacfwd(f, {.chunk_size = 2})(x), v); }, slope_v},
    {"jacrev", [](const Function& f, const Tensor& x) { return sg::matmul(sg::jacrev(f)(x), v); }, slope_v},
    {"hessian", [](const Function& f, const Tensor& x) { return sg::matmul(sg::hessian(total(f))(x), v); }, curvature_v},
    {"hvp", [](const Function& f, const Tensor& x) { return sg::hvp(total(f), {x}, {v}); }, curvature_v},
    {"vmap with axes",
     [](const Function& f, const Tensor& x) {
       const Tensor batch = sg::stack({x, 0.5 * x}, {.axis = 1});
       return sg::sum(sg::vmap(f, {.in_axes = 1, .out_axes = 1})(batch), {.axis = 1});
     },
     [](const Sum& f) { return f + f.at_times(0.5); }},
    {"vmap of what it captures",
     [](const Function& f, const Tensor& x) {
       return sg::sum(sg::vmap([&](const Tensor& s) { return f(s * x); })(Tensor{1.0, -0.5}), {.axis = 0});
     },
     [](const Sum& f) { return f + f.at_times(-0.5); }},
    {"checkpoint", [](const Function& f, const Tensor& x) { return sg::checkpoint(f)(x); }, itself},
    {"scan", in_loop, in_loop_expected},
    {"custom_function",
     [](const Function& f, const Tensor& x) {
       return sg::custom_function({
           .forward = [f](List in) { return f(in[0]); },
           .jvp = [f](List in, List, List dx) { return sg::jvp(f, {in[0]}, {dx[0]}).tangent; },
       })(x);
     },
     itself},
    {"custom_function without rules",
     [](const Function& f, const Tensor& x) { return sg::custom_function({.forward = [f](List in) { return f(in[0]); }})(x); },
     itself},
    {"custom_primitive",
     [](const Function& f, const Tensor& x) {
       return sg::custom_primitive({
           .name = "sum_of_two",
           .outputs = [](P::Specs in) { return in[0]; },
           .kernel = add_kernel,
           .vjp = [](P::List, P::List, P::List g) -> sg::TensorList {
             return {g[0], g[0]};
           },
       })(f(x), f(0.5 * x));
     },
     [](const Sum& f) { return f + f.at_times(0.5); }},
    {"stop_gradient", [](const Function& f, const Tensor& x) { return f(x) + 0.0 * sg::stop_gradient(f(x)); }, itself},
};

/// e^x / 2 - e^-x, through scans that cancel.
Tensor innermost(const Tensor& x) {
  const Tensor sums = sg::cumsum(sg::exp(x), {.reverse = true});
  const Tensor up = sums - sg::cumsum(sg::exp(x), {.reverse = true, .exclusive = true});
  const Tensor too = sg::exp(sg::logcumsumexp(x)) - sg::exp(sg::logcumsumexp(x, {.exclusive = true}));
  return 0.25 * (up + too) - sg::exp(-sg::logsumexp(sg::stack({x, x}), {.axis = 0})) * 2.0;
}
Sum innermost_expected() { return Sum::exponential(1, 0.5) + Sum::exponential(-1, -1); }

void check(const std::vector<const Transform*>& outermost_first) {
  Function f = innermost;
  Sum expected = innermost_expected();
  std::string name;
  for (std::size_t i = outermost_first.size(); i-- > 0;) {
    const Transform& t = *outermost_first[i];
    f = [apply = t.apply, inner = f](const Tensor& x) { return apply(inner, x); };
    expected = t.expected(expected);
    name = t.name + (name.empty() ? "" : " of " + name);
  }
  INFO(name);
  const std::vector<double> at = {0.4, -0.3, 0.1}, found = f(Tensor(at)).to_vector<double>();
  REQUIRE(found.size() == size);
  for (std::size_t i = 0; i < size; ++i)
    CHECK(std::abs(found[i] - expected.value(i, at[i])) <= 1e-12 * (1 + expected.scale(i, at[i])));
}

}  // namespace

TEST_CASE("every transform, and every transform around every other") {
  for (const Transform& outer : transforms) {
    check({&outer});
    for (const Transform& inner : transforms) check({&outer, &inner});
  }
}

TEST_CASE("three deep, of each kind one") {
  std::vector<const Transform*> kinds;
  for (const Transform& t : transforms)
    for (const char* name :
         {"jvp", "vjp", "linearize", "vmap with axes", "checkpoint", "scan", "custom_function", "custom_primitive"})
      if (t.name == std::string(name)) kinds.push_back(&t);
  CHECK(kinds.size() == 8);
  for (const Transform* a : kinds)
    for (const Transform* b : kinds)
      for (const Transform* c : kinds) check({a, b, c});
}
