// vmap of scans with state: carries as arguments and results, pieces of a sequence, both rules of logcumsumexp, derivatives inside and
// outside; and of primitives that only say what they decompose into. Each against a loop over the examples.

#include <functional>

#include "core/kernel_table.h"
#include "core/node.h"
#include "ops/operands.h"
#include "scangrad/scangrad.h"
#include "support/catch.h"

namespace sg = scangrad;
using sg::DType;
using sg::ScanCarry;
using sg::ScanOptions;
using sg::Shape;
using sg::Tensor;
using Z = std::complex<double>;
using Function = std::function<Tensor(const Tensor&)>;

namespace {

constexpr std::int64_t examples = 3, length = 7;

Tensor batch(DType dtype) {
  const Tensor k = sg::reshape(sg::arange(static_cast<double>(examples * length)), {examples, length});
  const Tensor x = sg::sin(k * k * 0.7 + 1.0) * 1.5;
  return sg::is_complex(dtype) ? sg::astype(sg::complex(x, sg::cos(k)), dtype) : sg::astype(x, dtype);
}

std::vector<Z> values(const Tensor& x) { return sg::astype(x, DType::complex128).to_vector<Z>(); }

void check_near(const Tensor& got, const Tensor& expected, double tolerance) {
  REQUIRE(got.shape() == expected.shape());
  CHECK(got.dtype() == expected.dtype());
  const auto a = values(got), b = values(expected);
  for (std::size_t i = 0; i < a.size(); ++i) {
    INFO(i << ": " << a[i] << ", expected " << b[i]);
    CHECK((a[i] == b[i] || std::abs(a[i] - b[i]) <= tolerance * (1 + std::abs(b[i]))));
  }
}

/// vmap(f)(x) is f of each row.
void check_rows(const Function& f, const Tensor& x) {
  std::vector<Tensor> rows;
  for (std::int64_t i = 0; i < x.size(0); ++i) rows.push_back(f(x[i]));
  const DType coarse = x.dtype();
  check_near(sg::vmap(f)(x), sg::stack(rows), coarse == DType::float32 || coarse == DType::complex64 ? 1e-5 : 1e-13);
}

/// f itself, its derivatives inside and outside of vmap, and vmap of vmap.
void check_everywhere(const Function& f, const Tensor& x) {
  check_rows(f, x);
  const auto tangent = [&](const Tensor& t) { return sg::jvp(f, {t}, {t * 0.5 + 1.0}).tangent; };
  const auto pulled = [&](const Tensor& t) { return sg::vjp(f, {t}).pullback(f(t) * 0.5 + 1.0); };
  check_rows(tangent, x);
  check_rows(pulled, x);
  std::vector<Tensor> rows;
  for (std::int64_t i = 0; i < x.size(0); ++i) rows.push_back(pulled(x[i]));
  const auto all = [&](const Tensor& t) { return sg::vmap(f)(t); };
  const auto outside = sg::vjp(all, {x});
  check_near(outside.pullback(outside.value * 0.5 + 1.0), sg::stack(rows), x.dtype() == DType::float32 ? 1e-5 : 1e-12);
  const Tensor twice = sg::stack({x, x * 0.5});
  check_near(sg::vmap([&](const Tensor& t) { return sg::vmap(f)(t); })(twice)[1], sg::vmap(f)(x * 0.5), 1e-5);
}

using Scan = Tensor (*)(const sg::Operand&, const sg::ScanInitial&, const ScanOptions&);
using ScanToCarry = sg::ScanWithCarry (*)(const sg::Operand&, const ScanOptions&);
struct Named {
  const char* name;
  ScanToCarry first;
  Scan second;
};
const Named scans[] = {{"cumsum", sg::cumsum_with_carry, sg::cumsum},
                       {"cumprod", sg::cumprod_with_carry, sg::cumprod},
                       {"logcumsumexp", sg::logcumsumexp_with_carry, sg::logcumsumexp}};

}  // namespace

TEST_CASE("vmap of a sequence in pieces") {
  for (const Named& scan : scans)
    for (const DType dtype : {DType::float32, DType::float64, DType::complex128})
      for (const bool exclusive : {false, true}) {
        INFO(scan.name << " " << sg::to_string(dtype) << (exclusive ? " exclusive" : ""));
        const ScanOptions options{.exclusive = exclusive};
        const Function pieces = [&](const Tensor& t) {
          const auto [y, carry] = scan.first(sg::slice(t, {.end = 3}), options);
          return sg::concatenate({y, scan.second(sg::slice(t, {.begin = 3}), carry, options)});
        };
        check_everywhere(pieces, batch(dtype));
      }
}

TEST_CASE("vmap of extremes and recurrences in pieces") {
  for (const bool reverse : {false, true}) {
    const ScanOptions options{.reverse = reverse};
    const auto halves = [=](const Tensor& t) {
      return std::pair(sg::slice(t, reverse ? sg::SliceOptions{.begin = 4} : sg::SliceOptions{.end = 4}),
                       sg::slice(t, reverse ? sg::SliceOptions{.end = 4} : sg::SliceOptions{.begin = 4}));
    };
    check_everywhere(
        [=](const Tensor& t) {
          const auto [a, b] = halves(t);
          const auto [y, carry] = sg::cummax_with_carry(a, options);
          return sg::concatenate({y, sg::cummax(b, carry, options)});
        },
        batch(DType::float64));
    check_everywhere(
        [=](const Tensor& t) {
          const auto [a, b] = halves(t);
          const auto [y, carry] = sg::linear_recurrence_with_carry(a, a * 0.5, options);
          return sg::concatenate({y, sg::linear_recurrence(b * 0.5, b, carry, options)});
        },
        batch(DType::float64));
  }
}

TEST_CASE("a carry goes in and out of vmap") {
  const Tensor x = batch(DType::float64), more = x * 2.0;
  for (const Named& scan : scans) {
    INFO(scan.name);
    const auto first = [&](const Tensor& t) {
      const auto [y, carry] = scan.first(t, {});
      return std::pair(y, carry);
    };
    const auto [y, carries] = sg::vmap(first)(x);
    const auto second = [&](const Tensor& t, const ScanCarry& carry) { return scan.second(t, carry, {}); };
    const Tensor with_each = sg::vmap(second)(more, carries);
    const ScanCarry shared = scan.first(x[1], {}).carry;
    const Tensor with_one = sg::vmap(second, {.in_axes = {0, std::nullopt}})(more, shared);
    const Tensor one_for_all = sg::vmap(second, {.in_axes = {std::nullopt, 0}})(more[0], carries);
    for (std::int64_t i = 0; i < examples; ++i) {
      const auto own = scan.first(x[i], {});
      check_near(y[i], own.y, 1e-14);
      check_near(with_each[i], scan.second(more[i], own.carry, {}), 1e-14);
      check_near(with_one[i], scan.second(more[i], shared, {}), 1e-14);
      check_near(one_for_all[i], scan.second(more[0], own.carry, {}), 1e-14);
    }
  }
}

TEST_CASE("vmap of both rules of logcumsumexp") {
  for (const auto rule : {sg::LogScanRule::split, sg::LogScanRule::weights})
    for (const DType dtype : {DType::float32, DType::float64, DType::complex128})
      for (const bool exclusive : {false, true}) {
        INFO((rule == sg::LogScanRule::split ? "split " : "weights ")
             << sg::to_string(dtype) << (exclusive ? " exclusive" : ""));
        check_everywhere([=](const Tensor& t) { return sg::logcumsumexp(t, {.exclusive = exclusive, .rule = rule}); },
                         batch(dtype));
      }
}

TEST_CASE("vmap of initial values that differ or are shared") {
  const Tensor x = batch(DType::float64), h = {0.5, -1.0, 2.0};
  const auto f = [](const Tensor& t, const Tensor& initial) {
    return sg::linear_recurrence(0.5, t, initial, {.include_initial = true});
  };
  const Tensor each = sg::vmap(f)(x, h), shared = sg::vmap(f, {.in_axes = {0, std::nullopt}})(x, h[2]);
  for (std::int64_t i = 0; i < examples; ++i) {
    check_near(each[i], f(x[i], h[i]), 0);
    check_near(shared[i], f(x[i], h[2]), 0);
  }
}

namespace {

/// (a, b) -> (exp(a) b, a + b), which has no rules of its own.
struct OnlyParts final : sg::core::Primitive {
  std::string_view name() const override { return "only_parts"; }
  std::optional<std::vector<Tensor>> decompose(sg::core::Ins ins) const override {
    return std::vector{sg::exp(ins[0]) * ins[1], ins[0] + ins[1]};
  }
};
/// Nothing is known of it.
struct NoParts final : sg::core::Primitive {
  std::string_view name() const override { return "no_parts"; }
};

void never(const sg::core::Context&, const sg::core::Primitive&, sg::core::Inputs, sg::core::Outputs) {
  FAIL("vmap runs the parts, not the kernel");
}

const bool registered = [] {
  sg::core::add_kernel<OnlyParts>(sg::DeviceType::cpu, never);
  sg::core::add_kernel<NoParts>(sg::DeviceType::cpu, never);
  return true;
}();

std::vector<Tensor> only_parts(const Tensor& a, const Tensor& b) {
  const auto& spec = sg::core::node_of(b).value.spec;
  return sg::core::apply_multi(sg::core::shared_primitive<OnlyParts>(), {spec, spec}, {a, b});
}

}  // namespace

TEST_CASE("a primitive without a vmap rule is replayed as its parts") {
  REQUIRE(registered);
  const Tensor x = batch(DType::float64), y = x[0] * 0.5;
  const auto f = [](const Tensor& a, const Tensor& b) {
    const auto outs = only_parts(a, b);
    return std::pair(outs[0], outs[1]);
  };
  const auto [product, sum] = sg::vmap(f)(x, x * 0.5);
  check_near(product, sg::exp(x) * x * 0.5, 1e-15);
  check_near(sum, x * 1.5, 1e-15);
  const auto [shared, ignored] = sg::vmap(f, {.in_axes = {0, std::nullopt}})(x, y);
  check_near(shared, sg::exp(x) * y, 1e-15);
  const auto sums = [&](const Tensor& t) { return sg::sum(only_parts(t, t * t)[0]); };
  check_near(sg::vmap(sg::grad(sums))(x), sg::exp(x) * (x * x + 2.0 * x), 1e-14);
  check_near(sg::grad([&](const Tensor& t) { return sg::sum(sg::vmap(sums)(t)); })(x), sg::exp(x) * (x * x + 2.0 * x), 1e-14);
  const auto nested = sg::vmap([&](const Tensor& t) { return sg::vmap(sums)(t); })(sg::stack({x, x}));
  check_near(nested[1], sg::sum(sg::exp(x) * x * x, {.axis = 1}), 1e-14);
}

TEST_CASE("a primitive without a vmap rule and parts is refused") {
  const auto f = [](const Tensor& t) {
    return sg::core::apply(sg::core::shared_primitive<NoParts>(), sg::core::node_of(t).value.spec, {t});
  };
  CHECK_THROWS_WITH(sg::vmap(f)(Tensor{1.0, 2.0}),
                    Catch::Contains("no_parts: no_parts has no vmap rule; override Primitive::vmap or decompose"));
}
