// The checking suite: right functions pass, each check fails where its rule is wrong, and what it prints.

#include <sstream>

#include "core/kernel_table.h"
#include "core/node.h"
#include "scangrad/scangrad.h"
#include "support/golden.h"

namespace {

namespace sg = scangrad;
using sg::CheckReport;
using sg::DType;
using sg::Tensor;
using Tensors = std::vector<Tensor>;

/// x^2, with rules that are made wrong one at a time.
struct Rules {
  using Rule = std::function<Tensor(const Tensor& x, const Tensor& v)>;
  static Tensor right(const Tensor& x, const Tensor& v) { return 2.0 * x * v; }
  Rule jvp = right, vjp = right;
  std::function<Tensor(const Tensor& batch)> vmap = [](const Tensor& batch) { return batch * batch; };
};

struct Square final : sg::core::Primitive {
  explicit Square(Rules r) : rules(std::move(r)) {}
  std::string_view name() const override { return "square_with_rules"; }
  sg::core::MaybeTensors jvp(sg::core::Ins ins, sg::core::Outs, sg::core::Tangents t) const override {
    return {rules.jvp(ins[0], *t[0])};
  }
  sg::core::MaybeTensors vjp(sg::core::Ins ins, sg::core::Outs, sg::core::Tangents g, sg::core::WantedMask) const override {
    return {rules.vjp(ins[0], *g[0])};
  }
  sg::core::BatchResult vmap(sg::core::Ins ins, sg::core::MappedMask, sg::core::Specs) const override {
    return {{rules.vmap(ins[0])}, {true}};
  }
  static void kernel(const sg::core::Context& context, const Primitive&, sg::core::Inputs ins, sg::core::Outputs outs) {
    context.allocate(outs[0]);
    for (std::int64_t i = 0; i < outs[0].size(); ++i) {
      const double x = ins[0]->data<double>()[i];
      outs[0].data<double>()[i] = x * x;
    }
  }
  Rules rules;
};
const bool registered = [] {
  sg::core::add_kernel<Square>(sg::DeviceType::cpu, Square::kernel);
  return true;
}();

auto square(const Rules& rules) {
  return [rules](const Tensor& x) {
    return sg::core::apply(sg::core::make_primitive<Square>(rules), sg::core::node_of(x).value.spec, {x});
  };
}

/// The kinds of comparisons that failed.
std::vector<std::string> failed(const CheckReport& report) {
  std::vector<std::string> result;
  for (const auto& c : report.comparisons)
    if (!c.passed()) result.push_back(c.what);
  return result;
}
using Names = std::vector<std::string>;

const Tensor x = {1.0, 2.0, -0.5};

}  // namespace

TEST_CASE("right functions pass every check, in every dtype") {
  const auto scan = [](const Tensor& t) { return sg::cumprod(t, {.reverse = true}) + sg::logcumsumexp(t); };
  for (const DType dtype :
       {DType::float16, DType::bfloat16, DType::float32, DType::float64, DType::complex64, DType::complex128}) {
    const CheckReport report = sg::check_all(scan, {sg::astype(x, dtype)}, {.seed = 5, .holomorphic = sg::is_complex(dtype)});
    INFO(report);
    CHECK(report);
    for (const auto& c : report.comparisons) CHECK((c.values > 0 || !c.skipped.empty()));
  }
}

TEST_CASE("structures, several arguments and several results are checked as one") {
  struct Line {
    Tensor slope, offset;
  };
  const auto f = [](const Line& line, const Tensors& at) {
    return std::pair(line.slope * at[0] + line.offset, sg::sum(at[1] * line.slope));
  };
  const Line line = {{0.5, -2.0}, 3.0};
  const CheckReport report = sg::check_all(f, sg::args(line, Tensors{{1.0, 2.0}, 4.0}));
  INFO(report);
  CHECK(report);
  CHECK(sg::check_all([](const Tensor& a, const Tensor& b) { return sg::matmul(a, b); },
                      {{{1.0, 2.0}, {3.0, -1.0}}, {{0.5}, {2.0}}}));
}

TEST_CASE("integers beside floating results are no matter of derivatives") {
  CHECK(sg::check_all([](const Tensor& t) { return std::pair(t * t, sg::argmax(t)); }, {x}));
  const CheckReport report =
      sg::check_vmap([](const Tensor& t, const Tensor& at) { return sg::take(t, at); }, {x, Tensor{2, 0}});
  INFO(report);
  CHECK(report);
}

TEST_CASE("a function that is constant, or of nothing, passes") {
  CHECK(sg::check_all([](const Tensor& t) { return sg::stop_gradient(sg::sign(t)); }, {x}));
  const CheckReport report = sg::check_all([](const Tensor& t) { return sg::cumsum(t); }, {sg::zeros({0})});
  INFO(report);
  CHECK(report);
  CHECK(report.comparisons[0].values == 0);
}

TEST_CASE("a derivative that differences do not have") {
  const auto half = [](const Tensor& t) { return t * sg::stop_gradient(t); };
  CHECK(failed(sg::check_jvp(half, {x})) == Names{"jvp = differences", "jvp = complex step"});
  CHECK(failed(sg::check_vjp(half, {x})) == Names{"vjp = differences", "vjp = complex step"});
  CHECK(failed(sg::check_second_order(half, {x})) == Names{"Hessian = differences of vjp"});
  CHECK(sg::check_adjoint(half, {x}));
  const Tensor z = sg::complex(x, 1.0);
  CHECK_FALSE(sg::check_jvp(half, {z}));
  CHECK_FALSE(sg::check_vjp(half, {z}));
  CHECK_FALSE(sg::check_jvp(half, {sg::astype(x, DType::float32)}));
  CHECK_FALSE(sg::check_vjp(half, {sg::astype(x, DType::bfloat16)}));
}

TEST_CASE("rules of which one is wrong") {
  CHECK(sg::check_all(square({}), {x}));
  CHECK(failed(sg::check_jvp(square({.jvp = [](const Tensor& at, const Tensor& v) { return at * v; }}), {x})) ==
        Names{"jvp = differences"});
  const auto forgotten = square({.vjp = [](const Tensor& at, const Tensor& v) { return at * v; }});
  CHECK(failed(sg::check_vjp(forgotten, {x})) == Names{"vjp = differences"});
  CHECK(failed(sg::check_adjoint(forgotten, {x})).size() == 3);
  CHECK_FALSE(sg::check_second_order(forgotten, {x}));
  CHECK(sg::check_jvp(forgotten, {x}));
}

TEST_CASE("an adjoint that is wrong in one small element alone") {
  const Tensor last = {0.0, 0.0, 1e-9};
  const auto f = square({.vjp = [=](const Tensor& at, const Tensor& v) { return (2.0 * at + last) * v; }});
  CHECK_FALSE(sg::check_adjoint(f, {x}));
  CHECK(sg::check_adjoint(f, {x}, {.tolerance = 1e-8}));
  CHECK(sg::check_adjoint(f, {x}, {.absolute = 1e4}));
}

TEST_CASE("a rule that overflows: only scales far from 1 show it") {
  const auto f = square({.vjp = [](const Tensor& at, const Tensor& v) { return 2.0 * at * v * 1e290 / 1e290; }});
  CHECK(failed(sg::check_adjoint(f, {x})) == Names{"<q, J t> = <J^H q, t>, mixed scales"});
}

TEST_CASE("rules that are not linear") {
  const auto curved = [](const Tensor& at, const Tensor& v) { return 2.0 * at * v * sg::abs(v); };
  CHECK(failed(sg::check_linearity(square({.jvp = curved}), {x})) == Names{"J (3 t - s/2) = 3 J t - J s/2"});
  CHECK(failed(sg::check_linearity(square({.vjp = curved}), {x})) == Names{"J^H (3 t - s/2) = 3 J^H t - J^H s/2"});
  const auto shifted = [](const Tensor& at, const Tensor& v) { return 2.0 * at * v + 1e-300; };
  CHECK(failed(sg::check_linearity(square({.jvp = shifted}), {x})) == Names{"J 0 = 0"});
  CHECK(failed(sg::check_linearity(square({.vjp = shifted}), {x})) == Names{"J^H 0 = 0"});
}

TEST_CASE("what is linear in the plane and not in complex numbers") {
  const Tensor z = sg::complex(x, Tensor{0.25, -1.0, 2.0});
  const auto f = [](const Tensor& t) { return sg::conj(t) * t; };
  CHECK(sg::check_all(f, {z}));
  CHECK(failed(sg::check_all(f, {z}, {.holomorphic = true})) == Names{"J (i t) = i J t"});
  CHECK(sg::check_all([](const Tensor& t) { return t * t; }, {z}, {.holomorphic = true}));
}

TEST_CASE("a second derivative that depends on the mode") {
  const auto constant = [](const Tensor& at, const Tensor& v) { return 2.0 * sg::stop_gradient(at) * v; };
  CHECK(failed(sg::check_second_order(square({.jvp = constant}), {x})) == Names{"jvp of jvp = other nestings"});
  CHECK(failed(sg::check_second_order(square({.vjp = constant}), {x})) ==
        Names{"jvp of jvp = other nestings", "Hessian = differences of vjp"});
  // J = (2 x_0, 2 x_1 + x_0): no Hessian is not symmetric, so this is no derivative.
  const auto skew = [](const Tensor& at, const Tensor& v) { return (2.0 * at + sg::shift(at, 1)) * v; };
  CHECK_FALSE(sg::check_second_order(square({.jvp = skew, .vjp = skew}), {x}));
}

TEST_CASE("a batch that is not its examples") {
  const auto reversed = square({.vmap = [](const Tensor& batch) { return sg::flip(batch * batch, 0); }});
  CHECK_FALSE(sg::check_vmap(reversed, {x}));
  CHECK(sg::check_vmap(square({}), {x}));
}

TEST_CASE("a report repeats its seed, and the same seed the report") {
  const auto f = [](const Tensor& t) { return sg::sum(t * sg::stop_gradient(sg::exp(t))); };
  const CheckReport report = sg::check_jvp(f, {x}, {.seed = 42}), again = sg::check_jvp(f, {x}, {.seed = 42}),
                    other = sg::check_jvp(f, {x}, {.seed = 43});
  CHECK(report.seed == 42);
  CHECK(sg::to_string(report) == sg::to_string(again));
  CHECK(report.worst().error == again.worst().error);
  CHECK(report.worst().what == "jvp = complex step");
  CHECK(sg::to_string(report) != sg::to_string(other));
}

TEST_CASE("of many elements some are moved") {
  const Tensor many = sg::linspace(-1, 1, 1000);
  const CheckReport report = sg::check_vjp([](const Tensor& t) { return sg::sum(t * t); }, {many}, {.elements = 5});
  INFO(report);
  CHECK(report);
  CHECK(report.comparisons[1].values == 4 * 5);  // three random cotangents and the one element
}

namespace {

std::string printed(const CheckReport& report) {
  std::ostringstream out;
  out << report;
  CHECK(out.str() == sg::to_string(report));
  return out.str();
}

}  // namespace

TEST_CASE("the table of a right function") {
  CHECK("\n" + printed(sg::check_all([](const Tensor& t) { return t * 4.0; }, {x}, {.seed = 7})) == R"(
check_all: passed (seed 7)
           compared                                 error  tolerance  values  worst at
  ok       value of jvp = f(x)                          0    1.8e-12       3
  ok       jvp = differences                            0      1e-06      18
  ok       jvp = complex step                           0      1e-10      18
  ok       value of vjp = f(x)                          0    1.8e-12       3
  ok       vjp = differences                            0      1e-06      18
  ok       vjp = complex step                           0      1e-10      18
  ok       <q, J t> = <J^H q, t>, random signs          0    1.8e-12       3
  ok       <q, J t> = <J^H q, t>, mixed scales          0    1.8e-12       3
  ok       J by columns = J by rows                     0    1.8e-12       9
  ok       J (3 t - s/2) = 3 J t - J s/2                0    1.8e-12       9
  ok       J 0 = 0                                      0          0       3
  ok       J^H (3 t - s/2) = 3 J^H t - J^H s/2          0    1.8e-12       9
  ok       J^H 0 = 0                                    0          0       3
  ok       the Hessian is symmetric                     0    1.8e-12       9
  ok       jvp of jvp = other nestings                  0    1.8e-12      36
  ok       Hessian = differences of vjp                 0      1e-06       9
  ok       vmap of f = loop                             0    1.8e-12      27
  ok       vmap of jvp = loop                           0    1.8e-12      27
  ok       vmap of vjp = loop                           0    1.8e-12      27
  ok       jvp of vmap = loop                           0    1.8e-12      18
)");
}

TEST_CASE("the table of a wrong function") {
  const auto half = [](const Tensor& t, const Tensor& s) { return std::pair(t * sg::stop_gradient(t), s); };
  CHECK("\n" + printed(sg::check_jvp(half, {sg::reshape(x, {1, 3}), x})) == R"(
check_jvp: 2 of 3 comparisons failed (seed 0)
           compared                 error  tolerance  values  worst at
  ok       value of jvp = f(x)          0    1.8e-12       6
  FAILED   jvp = differences         0.33      1e-06      54  result 0[0, 2] along argument 0[0, 2]: -0.5, expected -1
  FAILED   jvp = complex step        0.33      1e-10      54  result 0[0, 2] along random signs: 0.477839512, expected 0.955679024
)");
  CHECK("\n" + printed(sg::check_linearity([](const Tensor& t) { return sg::conj(t); }, {Tensor(std::complex<double>(1, 2))},
                                           {.holomorphic = true})) ==
        R"(
check_linearity: 1 of 5 comparisons failed (seed 0)
           compared                                 error  tolerance  values  worst at
  ok       J (3 t - s/2) = 3 J t - J s/2                0    1.8e-12       6
  ok       J 0 = 0                                      0          0       2
  ok       J^H (3 t - s/2) = 3 J^H t - J^H s/2          0    1.8e-12       6
  ok       J^H 0 = 0                                    0          0       2
  FAILED   J (i t) = i J t                           0.28    1.8e-12       6  result.imag along random signs: 0.996072605, expected -0.996072605
)");
}

TEST_CASE("what the checks refuse") {
  const auto f = [](const Tensor& t) { return t * t; };
  test::check_all({
      {[&] {
         sg::check_jvp(f, {Tensor{1, 2}});
       },
       "check_jvp: argument 0 is int64, and derivatives exist for floating tensors only; convert it with astype, or close over "
       "it"},
      {[&] { sg::check_all(f, {Tensor()}); },
       "check_all: a default-constructed Tensor was given; give it a value first, as in Tensor x = {1.0, 2.0};"},
      {[&] { sg::check_vjp(f, {x}, {.probes = 0}); },
       "check_vjp: at least one probe and one element are needed, given .probes = 0 and .elements = 256"},
      {[&] { sg::check_vjp(f, {x}, {.tolerance = -1}); }, "check_vjp: tolerances must not be negative, given -1 and 0"},
      {[&] { sg::check_vmap([](const Tensors& t) { return t; }, sg::args(Tensors())); },
       "check_vmap: there is nothing to differentiate with respect to; give at least one Tensor"},
      {[&] { CheckReport().worst(); }, "CheckReport::worst: the report is empty; make it by one of the check_ functions"},
  });
  try {
    sg::check_jvp(f, {Tensor{1, 2}});
  } catch (const sg::Error& error) {
    CHECK(error.site().line == __LINE__ - 2);
  }
}
