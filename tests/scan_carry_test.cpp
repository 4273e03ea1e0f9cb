// Scans with initial values and carries: pieces of a sequence agree with the whole, in value and derivatives; the carry as argument and
// result of transforms; extremes with their indices; what the library says to carries that do not fit.

#include "scangrad/scangrad.h"
#include "support/catch.h"

namespace sg = scangrad;
using sg::DType;
using sg::ScanCarry;
using sg::ScanInitial;
using sg::ScanOptions;
using sg::Tensor;
using Z = std::complex<double>;

namespace {

constexpr double inf = INFINITY;

using Piece = std::function<sg::ScanWithCarry(const Tensor& x, const ScanInitial* initial, const ScanOptions&)>;

struct Row {
  const char* name;
  Piece scan;
  bool extreme = false;
};

template <class Plain, class From>
Row row_of(const char* name, Plain plain, From from, bool extreme = false) {
  return {name,
          [=](const Tensor& x, const ScanInitial* initial, const ScanOptions& o) {
            return initial == nullptr ? plain(x, o) : from(x, *initial, o);
          },
          extreme};
}

#define SCAN_ROW(name, extreme)                                                                 \
  row_of(                                                                                       \
      #name, [](const Tensor& z, const ScanOptions& o) { return sg::name##_with_carry(z, o); }, \
      [](const Tensor& z, const ScanInitial& i, const ScanOptions& o) { return sg::name##_with_carry(z, i, o); }, extreme)

std::vector<Row> rows() {
  const auto factor = [](const Tensor& x) { return sg::cos(x); };
  return {SCAN_ROW(cumsum, false),
          SCAN_ROW(cumprod, false),
          SCAN_ROW(cummax, true),
          SCAN_ROW(cummin, true),
          SCAN_ROW(logcumsumexp, false),
          row_of(
              "linear_recurrence",
              [=](const Tensor& x, const ScanOptions& o) { return sg::linear_recurrence_with_carry(factor(x), x, o); },
              [=](const Tensor& x, const ScanInitial& i, const ScanOptions& o) {
                return sg::linear_recurrence_with_carry(factor(x), x, i, o);
              })};
}

Tensor plain_scan(const Row& row, const Tensor& x, const ScanOptions& o) {
  const std::string name = row.name;
  if (name == "cumsum") return sg::cumsum(x, o);
  if (name == "cumprod") return sg::cumprod(x, o);
  if (name == "cummax") return sg::cummax(x, o);
  if (name == "cummin") return sg::cummin(x, o);
  if (name == "logcumsumexp") return sg::logcumsumexp(x, o);
  return sg::linear_recurrence(sg::cos(x), x, o);
}

/// The scan of x along axis 1, in pieces of 1, 7, 64 and the rest, each from the carry of the one before.
Tensor in_pieces(const Row& row, const Tensor& x, const ScanOptions& o) {
  const std::int64_t n = x.shape()[1];
  std::vector<Tensor> parts;
  ScanCarry carry;
  std::int64_t done = 0;
  for (std::int64_t size : {std::int64_t{1}, std::int64_t{7}, std::int64_t{64}, n - 72}) {
    const std::int64_t begin = o.reverse ? n - done - size : done;
    const Tensor piece = sg::slice(x, {.axis = 1, .begin = begin, .end = begin + size});
    const ScanInitial initial(carry);
    auto [y, next] = row.scan(piece, done == 0 ? nullptr : &initial, o);
    parts.insert(o.reverse ? parts.begin() : parts.end(), y);
    carry = next;
    done += size;
  }
  return sg::concatenate(parts, {.axis = 1});
}

Tensor numbers(sg::Shape shape, double step, DType dtype) {
  std::int64_t size = 1;
  for (std::int64_t n : shape) size *= n;
  const Tensor k = sg::arange(static_cast<double>(size)) * step;
  const Tensor real = sg::sin(k * k + k) * 1.25;
  if (sg::is_complex(dtype)) return sg::astype(sg::reshape(sg::complex(real, sg::cos(k * 2.0)), shape), dtype);
  return sg::astype(sg::reshape(sg::is_floating(dtype) ? real : real * 9.0, shape), dtype);
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

double roundoff(DType dtype) {
  return dtype == DType::float64 || dtype == DType::complex128 ? 0x1p-53 : dtype == DType::bfloat16 ? 0x1p-8 : 0x1p-24;
}

const bool both[] = {false, true};

}  // namespace

TEST_CASE("pieces of a scan agree with the whole") {
  for (const Row& row : rows())
    for (DType dtype : {DType::int64, DType::bfloat16, DType::float32, DType::float64, DType::complex64, DType::complex128}) {
      const bool integers = dtype == DType::int64;
      if (row.extreme && sg::is_complex(dtype)) continue;
      if (integers && std::string(row.name) != "cumsum" && !row.extreme) continue;
      for (bool reverse : both)
        for (bool exclusive : both) {
          INFO(row.name << " " << sg::to_string(dtype) << (reverse ? " reverse" : "") << (exclusive ? " exclusive" : ""));
          const ScanOptions o{.axis = 1, .reverse = reverse, .exclusive = exclusive};
          const Tensor x = numbers({2, 100, 2}, 0.37, dtype), t = numbers({2, 100, 2}, 0.73, dtype);
          const auto whole = [&](const Tensor& z) { return plain_scan(row, z, o); };
          const auto pieces = [&](const Tensor& z) { return in_pieces(row, z, o); };
          const double u = sg::is_inexact(dtype) ? roundoff(dtype) : 0;
          check_near(pieces(x), whole(x), 4 * u);
          if (integers) continue;
          const double allowed = 256 * u;  // sums of a hundred products of either sign
          check_near(sg::jvp(pieces, {x}, {t}).tangent, sg::jvp(whole, {x}, {t}).tangent, allowed);
          check_near(sg::vjp(pieces, {x}).pullback(t), sg::vjp(whole, {x}).pullback(t), allowed);
        }
    }
}

TEST_CASE("second derivatives go through carries") {
  for (const Row& row : rows())
    for (DType dtype : {DType::float64, DType::complex128}) {
      if (row.extreme) continue;
      INFO(row.name);
      for (bool reverse : both) {
        const ScanOptions o{.axis = 1, .reverse = reverse};
        const Tensor x = numbers({1, 80, 1}, 0.37, dtype), a = numbers({1, 80, 1}, 0.73, dtype),
                     b = numbers({1, 80, 1}, 0.11, dtype);
        const auto second = [&](const auto& f, bool forward) {
          const auto pushed = [&](const Tensor& z) { return sg::jvp(f, {z}, {a}).tangent; };
          const auto pulled = [&](const Tensor& z) { return sg::vjp(f, {z}).pullback(a); };
          return forward ? sg::jvp(pulled, {x}, {b}).tangent : sg::vjp(pushed, {x}).pullback(b);
        };
        const auto whole = [&](const Tensor& z) { return plain_scan(row, z, o); };
        const auto pieces = [&](const Tensor& z) { return in_pieces(row, z, o); };
        for (bool forward : both) check_near(second(pieces, forward), second(whole, forward), 1e-11);
      }
    }
}

TEST_CASE("a log-sum far from 0 keeps the digits of its derivatives across a carry") {
  const Tensor x = sg::reshape(numbers({1, 100}, 0.37, DType::float64) + 12345.678, {1, 100, 1});
  const Tensor t = numbers({1, 100, 1}, 0.73, DType::float64);
  const Row row = SCAN_ROW(logcumsumexp, false);
  const ScanOptions o{.axis = 1};
  const auto whole = [&](const Tensor& z) { return sg::logcumsumexp(z, o); };
  const auto pieces = [&](const Tensor& z) { return in_pieces(row, z, o); };
  check_near(sg::jvp(pieces, {x}, {t}).tangent, sg::jvp(whole, {x}, {t}).tangent, 16 * 0x1p-53);
  check_near(sg::vjp(pieces, {x}).pullback(t), sg::vjp(whole, {x}).pullback(t), 16 * 0x1p-53);
}

TEST_CASE("initial values") {
  const Tensor x = {1.0, 2.0, 3.0};
  const auto is = [](const Tensor& y, std::vector<double> expected) { check_near(y, Tensor(expected), 4e-16); };
  is(sg::cumsum(x, 10.0), {11, 13, 16});
  is(sg::cumsum(x, 10.0, {.reverse = true, .exclusive = true}), {15, 13, 10});
  is(sg::cumprod(x, Tensor(2.0)), {2, 4, 12});
  is(sg::cummax(x, 2.5), {2.5, 2.5, 3});
  is(sg::cummin(x, 1.5, {.exclusive = true}), {1.5, 1, 1});
  is(sg::logcumsumexp(x, 0.0),
     {std::log1p(std::exp(1)), std::log(1 + std::exp(1) + std::exp(2)), std::log(1 + std::exp(1) + std::exp(2) + std::exp(3))});
  is(sg::logcumsumexp(x, -inf, {.exclusive = true}), {-inf, 1, std::log(std::exp(1) + std::exp(2))});
  is(sg::linear_recurrence(x, 1.0, 4.0), {5, 11, 34});
  is(sg::cumsum(Tensor(std::vector<double>{}), 10.0), {});
  CHECK(sg::cumsum(Tensor({true, true}), Tensor(1)).to_vector<std::int64_t>() == std::vector<std::int64_t>{2, 3});
  CHECK(sg::cumsum(sg::astype(x, DType::float32), 1.0).dtype() == DType::float32);
  CHECK(sg::cumsum(sg::astype(x, DType::float32), Tensor(1.0)).dtype() == DType::float64);
  CHECK(sg::cumsum(sg::ones({2, 3}), Tensor({1.0, 2.0})).to_vector<double>() == std::vector<double>{2, 3, 4, 3, 4, 5});
  const auto z = sg::logcumsumexp(Tensor({Z(0, 1)}), Tensor(Z(0, 2))).item<Z>();
  CHECK(std::abs(z - std::log(std::exp(Z(0, 1)) + std::exp(Z(0, 2)))) < 1e-15);
}

TEST_CASE("derivatives in the initial value") {
  const Tensor x = {0.5, -1.0, 2.0}, g = {1.0, 10.0, 100.0};
  const auto gradient = [&](auto scan, double at) {
    return sg::vjp([&](const Tensor& initial) { return scan(initial); }, {Tensor(at)}).pullback(g).template item<double>();
  };
  CHECK(gradient([&](const Tensor& i) { return sg::cumsum(x, i); }, 3) == 111);
  CHECK(gradient([&](const Tensor& i) { return sg::cumsum(x, i, {.reverse = true, .exclusive = true}); }, 3) == 111);
  CHECK(gradient([&](const Tensor& i) { return sg::cumprod(x, i); }, 3) == 0.5 - 5 - 100);
  CHECK(gradient([&](const Tensor& i) { return sg::cumprod(x, i, {.exclusive = true}); }, 0) == 1 + 5 - 50);
  CHECK(gradient([&](const Tensor& i) { return sg::cummax(x, i); }, 1) == 11);
  CHECK(gradient([&](const Tensor& i) { return sg::cummax(x, i); }, 0.5) == 0);  // at ties the last one
  CHECK(gradient([&](const Tensor& i) { return sg::linear_recurrence(x, 1.0, i); }, 7) == 0.5 - 5 - 100);
  const double w = std::exp(1.0), a = w + std::exp(.5), b = a + std::exp(-1), c = b + std::exp(2);
  CHECK(gradient([&](const Tensor& i) { return sg::logcumsumexp(x, i); }, 1) == Approx(w / a + 10 * w / b + 100 * w / c));
  CHECK(gradient([&](const Tensor& i) { return sg::logcumsumexp(x, i); }, -inf) == 0);
}

TEST_CASE("include_initial puts the initial value first in scan order") {
  const Tensor x = {1.0, 2.0, 3.0};
  const auto is = [](const Tensor& y, std::vector<double> expected) { CHECK(y.to_vector<double>() == expected); };
  is(sg::cumsum(x, {.include_initial = true}), {0, 1, 3, 6});
  is(sg::cumsum(x, 4.0, {.reverse = true, .include_initial = true}), {10, 9, 7, 4});
  is(sg::cumprod(x, {.include_initial = true}), {1, 1, 2, 6});
  is(sg::cummax(x, 2.0, {.include_initial = true}), {2, 2, 2, 3});
  is(sg::cummin(x, {.include_initial = true}), {inf, 1, 1, 1});
  is(sg::linear_recurrence(x, 1.0, 2.0, {.include_initial = true}), {2, 3, 7, 22});
  CHECK(sg::logcumsumexp(x, {.include_initial = true}).to_vector<double>()[0] == -inf);
  CHECK(sg::cumsum(Tensor(std::vector<double>{}), 5.0, {.include_initial = true}).to_vector<double>() ==
        std::vector<double>{5});
  const auto [y, carry] = sg::cumsum_with_carry(x, {.include_initial = true});
  is(y, {0, 1, 3, 6});
  is(sg::cumsum(x, carry), {7, 9, 12});
  const auto f = [](const Tensor& t) { return sg::cumprod(t, 5.0, {.include_initial = true}); };
  CHECK(sg::vjp(f, {x}).pullback(sg::ones({4})).to_vector<double>() == std::vector<double>{45, 20, 10});
}

TEST_CASE("a carry is an argument and a result of transforms") {
  const Tensor x = {1.0, 2.0}, more = {3.0, 4.0};
  const auto first = sg::cumprod_with_carry(x, Tensor(1.0));
  const auto next = [&](const ScanCarry& carry, const Tensor& z) { return sg::cumprod_with_carry(z, carry); };
  const auto [value, pullback] = sg::vjp(next, sg::args(first.carry, more));
  CHECK(value.y.to_vector<double>() == std::vector<double>{6, 24});
  sg::ScanWithCarry cotangent = value;  // of the last product alone
  cotangent.y = sg::zeros({2});
  std::size_t part = 0;
  cotangent.carry.for_each_tensor([&](Tensor& t) { t = part++ == 0 ? sg::ones(t.shape()) : sg::zeros(t.shape()); });
  const auto [of_carry, of_x] = pullback(cotangent);
  CHECK(of_x.to_vector<double>() == std::vector<double>{8, 6});
  std::vector<double> parts;
  of_carry.for_each_tensor([&](const Tensor& t) { parts.push_back(t.item<double>()); });
  CHECK(parts == std::vector<double>{12, 0});
}

TEST_CASE("cummax_with_indices and cummin_with_indices") {
  using Integers = std::vector<std::int64_t>;
  const Tensor x = {3.0, 3.0, 1.0, 5.0, NAN, 6.0};
  const auto [values, indices] = sg::cummax_with_indices(x);
  CHECK(indices.dtype() == DType::int64);
  CHECK(indices.to_vector<std::int64_t>() == Integers{0, 1, 1, 3, 4, 4});
  CHECK(values.to_vector<double>()[3] == 5);
  CHECK(std::isnan(values.to_vector<double>()[5]));
  CHECK(sg::cummax_with_indices(x, {.exclusive = true}).indices.to_vector<std::int64_t>() == Integers{-1, 0, 1, 1, 3, 4});
  CHECK(sg::cummin_with_indices(x, {.reverse = true}).indices.to_vector<std::int64_t>() == Integers{4, 4, 4, 4, 4, 5});
  CHECK(sg::cummin_with_indices(Tensor({5, 7, 5, 2}), {.reverse = true, .exclusive = true}).indices.to_vector<std::int64_t>() ==
        Integers{3, 3, 3, -1});
  const auto booleans = sg::cummax_with_indices(Tensor({false, true, true}));
  CHECK(booleans.values.to_vector<std::int64_t>() == Integers{0, 1, 1});
  CHECK(booleans.indices.to_vector<std::int64_t>() == Integers{0, 1, 2});
  CHECK(sg::cummax_with_indices(sg::astype(Tensor({2, 1}), DType::int32)).values.dtype() == DType::int32);
  CHECK(sg::cummax_with_indices(sg::zeros({2, 0})).indices.shape() == sg::Shape{2, 0});
  CHECK(sg::cummax_with_indices(sg::zeros({1, 2}), {.axis = 0}).indices.to_vector<std::int64_t>() == Integers{0, 0});
  const Tensor wide = {{1.0, 9.0, 4.0}, {2.0, 8.0, 5.0}};
  CHECK(sg::cummax_with_indices(sg::flip(wide), {.axis = 1}).indices.to_vector<std::int64_t>() == Integers{0, 1, 1, 0, 1, 1});
  CHECK(sg::cummax_with_indices(sg::transpose(wide), {.axis = 0}).indices.to_vector<std::int64_t>() ==
        Integers{0, 0, 1, 1, 1, 1});
  CHECK(sg::cummax_with_indices(sg::broadcast_to(Tensor(1.0), {3})).indices.to_vector<std::int64_t>() == Integers{0, 1, 2});
  const auto f = [](const Tensor& t) { return sg::cummax_with_indices(t).values; };
  CHECK(sg::vjp(f, {Tensor({1.0, 3.0, 2.0})}).pullback(Tensor({1.0, 10.0, 100.0})).to_vector<double>() ==
        std::vector<double>{1, 110, 0});
}

TEST_CASE("0 does not meet infinity where a scan has nothing to combine with") {
  for (std::size_t n : {2u, 100u}) {  // short rows, and long ones
    std::vector<double> x(n, 1), t(n, 0), b(n, 0);
    x[0] = inf, t[0] = b[0] = 1;
    const auto product = [](const Tensor& z) { return sg::cumprod(z); };
    CHECK(sg::jvp(product, {Tensor(x)}, {Tensor(t)}).tangent.to_vector<double>()[0] == 1);
    const auto recurrence = [](const Tensor& a, const Tensor& z) { return sg::linear_recurrence(a, z); };
    const auto [value, tangent] = sg::jvp(recurrence, {Tensor(x), Tensor(b)}, {Tensor(t), Tensor(t)});
    CHECK(value.to_vector<double>() == std::vector<double>(n, 1));
    CHECK(tangent.to_vector<double>() == std::vector<double>(n, 1));
  }
}

TEST_CASE("across a carry a weight is 0 beside +inf, and otherwise positive however small") {
  const auto f = [](const Tensor& before, const Tensor& x) {
    return sg::logcumsumexp_with_carry(x, ScanInitial(sg::logcumsumexp_with_carry(before).carry)).y;
  };
  for (DType dtype : {DType::float16, DType::bfloat16, DType::float32, DType::float64, DType::complex64, DType::complex128}) {
    INFO(sg::to_string(dtype));
    const auto mean = [&](double x0, double x1, double t0, double t1) {
      const auto one = [&](double v) { return sg::astype(Tensor({v}), dtype); };
      return values(sg::jvp(f, {one(x0), one(x1)}, {one(t0), one(t1)}).tangent)[0];
    };
    const auto stays = [&](Z v, double infinity) {  // of a complex one, whose quotients give NaN, that it is not finite
      return sg::is_complex(dtype) ? !std::isfinite(v.real()) : v == infinity;
    };
    CHECK(stays(mean(0, 2000, inf, 1), inf));
    CHECK(stays(mean(2000, 0, 1, -inf), -inf));
    for (double any : {inf, double{NAN}, 3.0}) {
      CHECK(mean(0, inf, any, 2) == 2.0);
      CHECK(mean(inf, 0, 2, any) == 2.0);
    }
  }
}

TEST_CASE("without an initial value the first factor of a recurrence multiplies nothing, whatever it is") {
  for (const double first : {inf, -inf, double{NAN}})
    for (DType dtype : {DType::float16, DType::bfloat16, DType::float32, DType::float64, DType::complex64, DType::complex128})
      for (bool across : both)
        for (bool carry : both) {
          INFO(first << " " << sg::to_string(dtype) << (across ? " across" : "") << (carry ? " with carry" : ""));
          const auto lane = [&](std::vector<double> values) {
            return sg::astype(sg::reshape(Tensor(values), across ? sg::Shape{3, 1} : sg::Shape{1, 3}), dtype);
          };
          const auto wide = [&](const Tensor& x) { return sg::concatenate({x, x}, {.axis = across ? 1 : 0}); };
          const auto is = [&](const Tensor& y, std::vector<double> expected) { check_near(y, wide(lane(expected)), 0); };
          const Tensor a = wide(lane({first, 2, 3})), b = wide(lane({1, 1, 2})), t = wide(lane({1, 0.5, 1}));
          const int axis = across ? 0 : 1;
          const auto f = [=](const Tensor& p, const Tensor& q) {
            return carry ? sg::linear_recurrence_with_carry(p, q, {.axis = axis}).y
                         : sg::linear_recurrence(p, q, {.axis = axis});
          };
          is(f(a, b), {1, 3, 11});
          is(sg::linear_recurrence(a, b, {.axis = axis, .exclusive = true}), {0, 1, 3});
          is(sg::linear_recurrence(sg::flip(a, axis), sg::flip(b, axis), {.axis = axis, .reverse = true}), {11, 3, 1});
          is(sg::jvp(f, {a, b}, {t, t}).tangent, {1, 3, 13});  // 1; 2 + 1 / 2 + 1 / 2; 9 + 3 + 1
          const auto [ga, gb] = sg::vjp(f, {a, b}).pullback(wide(lane({1, 1, 1})));
          is(gb, {9, 4, 1});
          is(ga, {0, 4, 3});
        }
}

TEST_CASE("what is said to carries and options that do not fit") {
  const Tensor x = {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}};
  const auto carry = sg::cumsum_with_carry(x).carry;
  const auto says = [](const auto& call, const std::string& message) {
    try {
      call();
      CHECK("nothing was thrown" == message);
    } catch (const sg::Error& error) {
      CHECK(error.message() == message);
    }
  };
  says([&] { sg::cumprod(x, carry); }, "cumprod: the carry is that of a cumsum; take one from cumprod_with_carry");
  says([&] { sg::cumsum(x, ScanCarry()); }, "cumsum: an empty carry was given; take one from cumsum_with_carry");
  says([&] { sg::cumsum_with_carry(x, ScanCarry()); },
       "cumsum_with_carry: an empty carry was given; take one from cumsum_with_carry");
  says([&] { sg::cummax_with_carry(x, carry); },
       "cummax_with_carry: the carry is that of a cumsum; take one from cummax_with_carry");
  says(
      [&] {
        sg::linear_recurrence_with_carry(x, x, Tensor({1.0, 2.0, 3.0}));
      },
      "linear_recurrence_with_carry: the initial value has shape (3,), but a scan of (2, 3) along axis 1 needs (2,)");
  says([&] { sg::cumsum(sg::astype(x, DType::float32), carry); },
       "cumsum: the carry is that of a scan in float64, but this one is in float32; convert x with astype");
  says([&] { sg::cumsum(x, carry, {.axis = 0}); },
       "cumsum: the carry has shape (2,), but a scan of (2, 3) along axis 0 needs (3,)");
  says(
      [&] {
        sg::cummax(x, Tensor({1.0, 2.0, 3.0}));
      },
      "cummax: the initial value has shape (3,), but a scan of (2, 3) along axis 1 needs (2,)");
  says([&] { sg::cumsum(x, {.exclusive = true, .include_initial = true}); },
       "cumsum: include_initial and exclusive exclude each other: with include_initial, the first n of the n + 1 outputs are "
       "the "
       "exclusive scan");
  says([&] { sg::cumsum(x, {.rule = sg::LogScanRule::split}); },
       "cumsum: the rule is that of logcumsumexp, and a cumsum has one rule only; leave .rule out");
  says([&] { sg::cummax_with_indices(x, {.include_initial = true}); },
       "cummax_with_indices: the identity, which include_initial puts first, stands nowhere along the axis; leave it out");
  says([&] { sg::cummax_with_indices(Tensor({Z(1, 2)})); },
       "cummax_with_indices: complex128 tensors have no cummax_with_indices; take real, imag or abs first");
}
