// scan and checkpoint: against the same loops unrolled, in all modes, to second order, in a batch; what they keep in memory; edges and
// errors.

#include "scangrad/loop.h"
#include "scangrad/jacobian.h"
#include "scangrad/memory.h"
#include "scangrad/scan.h"
#include "scangrad/vmap.h"
#include "support/golden.h"

namespace sg = scangrad;
using sg::DType;
using sg::Tensor;

namespace {

std::vector<double> numbers(const Tensor& x) { return x.to_vector<double>(); }
double number(const Tensor& x) { return x.item<double>(); }

void check_close(const Tensor& given, const Tensor& expected, double tolerance = 1e-12, int line = __builtin_LINE()) {
  INFO("called in line " << line);
  REQUIRE(given.shape() == expected.shape());
  const auto a = numbers(given), b = numbers(expected);
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(a[i] == Approx(b[i]).epsilon(tolerance).margin(1e-13));
}

/// A recurrent network of two states and three outputs: h = tanh(W h + x), y = sin(h_0) x.
struct Network {
  Tensor W;
  auto operator()(const Tensor& h, const Tensor& x) const {
    const Tensor next = sg::tanh(sg::matmul(W, h) + x);
    return std::pair(next, sg::sin(next[0]) * x);
  }
};

const Tensor W = {{0.5, -1.0}, {0.25, 0.75}};
const Tensor h0 = {0.1, -0.2};
const Tensor xs = {{1.0, 2.0}, {-0.5, 0.25}, {0.75, -1.5}, {0.3, 0.4}, {2.0, -2.0}};

Tensor unrolled(const Tensor& w, const Tensor& h, const Tensor& x, bool reverse) {
  const std::int64_t n = x.size(0);
  Tensor state = h;
  std::vector<Tensor> ys(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t t = reverse ? n - 1 - i : i;
    std::tie(state, ys[static_cast<std::size_t>(t)]) = Network{w}(state, x[t]);
  }
  return sg::concatenate({state, sg::reshape(sg::stack(ys), {-1})});
}

auto looped(const sg::LoopOptions& options) {
  return [options](const Tensor& w, const Tensor& h, const Tensor& x) {
    const auto [last, ys] = sg::scan(Network{w}, h, x, options);
    return sg::concatenate({last, sg::reshape(ys, {-1})});
  };
}

}  // namespace

TEST_CASE("scan is the loop, in value and all derivatives, however its carries are kept") {
  const auto directions = std::array{W * 0.5 + 1.0, Tensor{1.0, -1.0}, sg::cos(xs)};
  for (const bool reverse : {false, true})
    for (const std::int64_t every : {1, 2, 5, 7}) {
      INFO("reverse " << reverse << ", checkpoint_every " << every);
      const auto f = looped({.reverse = reverse, .checkpoint_every = every});
      const auto g = [reverse](const Tensor& w, const Tensor& h, const Tensor& x) { return unrolled(w, h, x, reverse); };
      check_close(f(W, h0, xs), g(W, h0, xs), 1e-15);
      const auto at = sg::args(W, h0, xs), along = sg::args(directions[0], directions[1], directions[2]);
      check_close(sg::jvp(f, at, along).tangent, sg::jvp(g, at, along).tangent);
      check_close(sg::linearize(f, at).jvp(directions[0], directions[1], directions[2]), sg::jvp(g, at, along).tangent);
      const Tensor q = sg::linspace(-1, 1, 12);
      const auto [fw, fh, fx] = sg::vjp(f, at).pullback(q);
      const auto [gw, gh, gx] = sg::vjp(g, at).pullback(q);
      check_close(fw, gw), check_close(fh, gh), check_close(fx, gx);
    }
}

TEST_CASE("second derivatives of a loop, in the four nestings") {
  const auto of = [](const auto& run) { return [run](const Tensor& w) { return sg::sum(sg::square(run(w, h0, xs))); }; };
  const auto g = of([](const Tensor& w, const Tensor& h, const Tensor& x) { return unrolled(w, h, x, false); });
  const Tensor expected = sg::hessian(g)(W);
  for (const std::int64_t every : {1, 2}) {
    const auto f = of(looped({.checkpoint_every = every}));
    const auto by_grad = [&](const Tensor& w) { return sg::grad(f)(w); };
    const auto by_jvp = [&](const Tensor& w) {
      return sg::stack({sg::jvp(f, {w}, {Tensor{{1.0, 0.0}, {0.0, 0.0}}}).tangent,
                        sg::jvp(f, {w}, {Tensor{{0.0, 1.0}, {0.0, 0.0}}}).tangent});
    };
    check_close(sg::hessian(f)(W), expected);                // forward over reverse
    check_close(sg::jacrev(by_grad)(W), expected);           // reverse over reverse
    check_close(sg::jacfwd(by_jvp)(W), expected[0], 1e-11);  // forward over forward
    check_close(sg::jacrev(by_jvp)(W), expected[0], 1e-11);  // reverse over forward
    check_close(sg::hvp(f, {W}, {W}), sg::hvp(g, {W}, {W}));
  }
}

TEST_CASE("a batch of loops is one loop, whatever is mapped") {
  const Tensor batch_h = sg::stack({h0, h0 * 2.0, -h0}), batch_x = sg::stack({xs, -xs, xs * 0.5}),
               batch_w = sg::stack({W, -W, W});
  using Axis = std::optional<int>;
  for (const Axis& w : {Axis(), Axis(0)})
    for (const Axis& h : {Axis(), Axis(0)})
      for (const Axis& x : {Axis(), Axis(0)}) {
        if (!w && !h && !x) continue;
        const auto f = [](const Tensor& a, const Tensor& b, const Tensor& c) { return unrolled(a, b, c, false); };
        const auto some = [](const Axis& axis, const Tensor& batch) { return axis ? batch : batch[0]; };
        const sg::VmapOptions axes = {.in_axes = {w, h, x}};
        const auto given = sg::vmap(looped({.checkpoint_every = 2}), axes);
        check_close(given(some(w, batch_w), some(h, batch_h), some(x, batch_x)),
                    sg::vmap(f, axes)(some(w, batch_w), some(h, batch_h), some(x, batch_x)));
        const auto derivative = [&](const auto& run) {
          return sg::vmap(
              [run](const Tensor& a, const Tensor& b, const Tensor& c) {
                return std::get<0>(sg::grad([run](const auto&... t) { return sg::sum(run(t...)); })(a, b, c));
              },
              axes)(some(w, batch_w), some(h, batch_h), some(x, batch_x));
        };
        check_close(derivative(looped({})), derivative(f));
      }
  const auto sum_of_batch = [&](const Tensor& w) {
    return sg::sum(sg::vmap(looped({}), {.in_axes = {std::nullopt, 0, 0}})(w, batch_h, batch_x));
  };
  const auto sum_of_loops = [&](const Tensor& w) {
    return sg::sum(unrolled(w, batch_h[0], batch_x[0], false) + unrolled(w, batch_h[1], batch_x[1], false) +
                   unrolled(w, batch_h[2], batch_x[2], false));
  };
  check_close(sg::grad(sum_of_batch)(W), sg::grad(sum_of_loops)(W));
}

TEST_CASE("structures, any axis, counters and constants in the carry") {
  struct State {
    Tensor total;
    std::vector<Tensor> others;  // a counter (int64), and what never changes
  };
  const auto step = [](const State& s, const std::array<Tensor, 2>& x) {
    const State next{s.total + x[0] * x[1] * s.others[1], {s.others[0] + 1, s.others[1]}};
    return std::tuple(next, std::tuple(next.total, sg::broadcast_to(next.others[0] * 2, {1})));
  };
  const State init{sg::zeros({3}), {Tensor(0), Tensor(2.0)}};
  const Tensor a = sg::reshape(sg::arange(12.0), {3, 4}), b = sg::ones({3, 4});
  const auto run = [&](const Tensor& p, const Tensor& q) { return sg::scan(step, init, std::array{p, q}, {.axis = 1}); };
  const auto result = run(a, b);
  CHECK(result.carry.others[0].item<std::int64_t>() == 4);
  CHECK(numbers(result.carry.total) == std::vector<double>{12, 44, 76});
  CHECK(std::get<0>(result.ys).shape() == sg::Shape{3, 4});
  CHECK(numbers(std::get<0>(result.ys)) == numbers(sg::cumsum(a * 2.0, {.axis = 1})));
  CHECK(std::get<1>(result.ys).to_vector<std::int64_t>() == std::vector<std::int64_t>{2, 4, 6, 8});
  const auto loss = [&](const Tensor& p, const Tensor& q) { return sg::sum(run(p, q).carry.total); };
  const auto [ga, gb] = sg::grad(loss)(a, b);
  CHECK(numbers(ga) == std::vector<double>(12, 2.0));
  CHECK(numbers(gb) == numbers(a * 2.0));
  // no xs, no ys
  const auto doubled = sg::scan([](const Tensor& c, const std::tuple<>&) { return std::pair(c * 2.0, std::tuple<>()); },
                                Tensor(1.0), std::tuple<>(), {.length = 10});
  CHECK(number(doubled.carry) == 1024.0);
  // no carry
  const auto squares = sg::scan([](const std::tuple<>& c, const Tensor& x) { return std::pair(c, x * x); }, std::tuple<>(),
                                Tensor{1.0, 2.0, 3.0});
  CHECK(numbers(squares.ys) == std::vector<double>{1, 4, 9});
  CHECK(numbers(sg::grad([](const Tensor& t) {
          return sg::sum(
              sg::scan([](const std::tuple<>& c, const Tensor& x) { return std::pair(c, x * x * x); }, std::tuple<>(), t).ys);
        })(Tensor{1.0, 2.0})) == std::vector<double>{3, 12});
}

TEST_CASE("loops of length 0 and 1") {
  const auto f = looped({});
  const Tensor none = sg::zeros({0, 2});
  CHECK(numbers(f(W, h0, none)) == numbers(h0));
  const auto at = sg::args(W, h0, none);
  const auto [gw, gh, gx] = sg::vjp(f, at).pullback(Tensor{1.0, 2.0});
  CHECK(numbers(gw) == std::vector<double>{0, 0, 0, 0});
  CHECK(numbers(gh) == std::vector<double>{1, 2});
  CHECK(gx.shape() == sg::Shape{0, 2});
  CHECK(numbers(sg::jvp(f, at, sg::args(W, h0 * 3.0, none)).tangent) == numbers(h0 * 3.0));
  CHECK(sg::vmap(f, {.in_axes = {std::nullopt, std::nullopt, 0}})(W, h0, sg::zeros({4, 0, 2})).shape() == sg::Shape{4, 2});
  const Tensor one = sg::slice(xs, {.axis = 0, .end = 1});
  check_close(f(W, h0, one), unrolled(W, h0, one, false));
}

TEST_CASE("loops in loops, and transforms inside a step") {
  const auto f = [](const Tensor& x) {
    const auto outer = sg::scan(
        [](const Tensor& c, const Tensor& row) {
          const auto r =
              sg::scan([&](const Tensor& s, const Tensor& t) { return std::pair(sg::sin(s * t) + c, s * s); }, c, row);
          return std::pair(r.carry, sg::sum(r.ys));
        },
        Tensor(0.5), x);
    return outer.carry + sg::sum(outer.ys);
  };
  const auto g = [](const Tensor& x) {
    Tensor c = 0.5, total = 0.0;
    for (int i = 0; i < 3; ++i) {
      Tensor s = c;
      for (int j = 0; j < 2; ++j) total = total + s * s, s = sg::sin(s * x[i][j]) + c;
      c = s;
    }
    return c + total;
  };
  const Tensor x = {{0.5, 1.0}, {-1.0, 0.25}, {2.0, 0.75}};
  check_close(f(x), g(x));
  check_close(sg::grad(f)(x), sg::grad(g)(x));
  check_close(sg::hessian(f)(x), sg::hessian(g)(x));
  // gradient descent inside a loop, differentiated in its rate
  const auto descend = [](const Tensor& rate) {
    const auto loss = [](const Tensor& p) { return sg::square(p - 3.0); };
    return sg::scan(
               [&](const Tensor& p, const std::tuple<>&) { return std::pair(p - rate * sg::grad(loss)(p), std::tuple<>()); },
               Tensor(0.0), std::tuple<>(), {.length = 5})
        .carry;
  };
  CHECK(number(sg::grad(descend)(Tensor(0.1))) == Approx(30 * std::pow(0.8, 4)).epsilon(1e-13));  // 3 (1 - (1 - 2 r)^5)
}

TEST_CASE("perturbations do not mix in loops, and captured tensors are differentiated") {
  const auto f = [](const Tensor& x) {
    const auto step = [&](const Tensor& c, const Tensor& t) {
      const Tensor d = sg::grad([&](const Tensor& y) { return x * y * y; })(t);  // 2 x t
      return std::pair(c + x * d, std::tuple<>());
    };
    return sg::scan(step, Tensor(0.0), Tensor{1.0, 2.0}).carry;  // 6 x^2
  };
  CHECK(number(sg::grad(f)(Tensor(3.0))) == 36.0);
  CHECK(number(sg::jvp(f, {Tensor(3.0)}, {Tensor(1.0)}).tangent) == 36.0);
  CHECK(number(sg::grad(sg::grad(f))(Tensor(3.0))) == 12.0);
  CHECK(numbers(sg::vmap(sg::grad(f))(Tensor{1.0, 2.0})) == std::vector<double>{12, 24});
}

// Here: 800 MB of carries, of which 2 sqrt(n) are kept. The bound is the one that the documentation states.
TEST_CASE("a loop of 100000 steps differentiates within 2 sqrt(n) carries", "[lazy]") {
  constexpr std::int64_t n = 100'000, width = 1000, carry = width * 8;
  const Tensor x = sg::linspace(0.0, 1.0, n), h = sg::linspace(0.0, 1.0, width);
  sg::eval({x, h});
  const auto f = [&](const Tensor& a) {
    const auto step = [&](const Tensor& c, const Tensor& t) { return std::pair(c * a + t, std::tuple<>()); };
    return sg::sum(sg::scan(step, h, x, {.checkpoint_every = 316}).carry);
  };
  const Tensor a = 0.999;
  sg::memory::reset_peak();
  const std::int64_t before = sg::memory::active();
  const double gradient = number(sg::grad(f)(a));
  const std::int64_t peak = sg::memory::peak() - before;
  INFO("peak: " << peak << " bytes, " << peak / carry << " carries");
  CHECK(peak < 2 * 318 * carry + 16 * carry + 4 * n * 8);
  double s = 0, ds = 0, first = 0, dfirst = 0;  // the sum of the carries but for h's part, which is linear
  for (std::int64_t t = 0; t < n; ++t) {
    ds = 0.999 * ds + s, s = 0.999 * s + 1000.0 * (static_cast<double>(t) / (n - 1));
    if (t == 0) first = 500.0 * 0.999, dfirst = 500.0;
    else dfirst = dfirst * 0.999 + first, first *= 0.999;
  }
  CHECK(gradient == Approx(ds + dfirst).epsilon(1e-9));
}

TEST_CASE("checkpoint changes no value and no derivative") {
  const Tensor x = {0.5, -1.0, 2.0}, w = {2.0, 1.0, -0.5};
  const auto plain = [&](const Tensor& t) { return sg::sin(sg::exp(t) * w) * sg::cumprod(t); };
  const auto f = sg::checkpoint(plain);
  check_close(f(x), plain(x), 0);
  check_close(sg::jacfwd(f)(x), sg::jacfwd(plain)(x));
  check_close(sg::jacrev(f)(x), sg::jacrev(plain)(x));
  check_close(sg::vmap(f)(sg::stack({x, w})), sg::vmap(plain)(sg::stack({x, w})));
  const auto scalar = [](const auto& g) { return [g](const Tensor& t) { return sg::sum(sg::square(g(t))); }; };
  check_close(sg::hessian(scalar(f))(x), sg::hessian(scalar(plain))(x));
  check_close(sg::jacrev(sg::grad(scalar(f)))(x), sg::hessian(scalar(plain))(x));
  check_close(sg::linearize(f, {x}).jvp(w), sg::jvp(plain, {x}, {w}).tangent);
  check_close(sg::vmap(sg::grad(scalar(f)))(sg::stack({x, w})), sg::vmap(sg::grad(scalar(plain)))(sg::stack({x, w})));
  check_close(sg::grad(sg::checkpoint(scalar(f)))(x), sg::grad(scalar(plain))(x));  // one in another
  // captured tensors, structures, integers, values read
  const auto captured = [&](const Tensor& v) {
    const auto inside = sg::checkpoint([&](const std::array<Tensor, 2>& t, const Tensor& i) {
      const double read = t[0].item<double>();
      return std::pair(sg::take(v * t[1], i) * read, i + 1);
    });
    const auto [y, i] = inside(std::array{Tensor(3.0), x}, Tensor{0, 2});
    return sg::sum(y * sg::astype(i, DType::float64));
  };
  CHECK(numbers(sg::grad(captured)(w)) == std::vector<double>{1.5, 0, 18});
}

TEST_CASE("a chain of checkpoints keeps its arguments, and one inside at a time", "[lazy]") {
  constexpr std::int64_t n = 1 << 16, bytes = n * 8;
  const Tensor x = sg::linspace(0.0, 1.0, n);
  sg::eval(x);
  const auto block = [](const Tensor& t) {
    Tensor y = t;
    for (int i = 0; i < 8; ++i) y = sg::sin(y) * y;
    return y;
  };
  const auto peak_of = [&](const auto& part) {
    const auto loss = [&](const Tensor& t) {
      Tensor y = t;
      for (int i = 0; i < 8; ++i) y = part(y);
      return sg::sum(y);
    };
    sg::memory::reset_peak();
    const std::int64_t before = sg::memory::active();
    const Tensor g = sg::grad(loss)(x);
    const auto result = sg::memory::peak() - before;
    return std::pair(result, g);
  };
  const auto [plain, g] = peak_of(block);
  const auto [kept, h] = peak_of(sg::checkpoint(block));
  INFO("in buffers: " << plain / bytes << " plain, " << kept / bytes << " with checkpoints");
  CHECK(numbers(g) == numbers(h));
  CHECK(plain >= 64 * bytes);              // 8 x 8 x (sin, its argument)
  CHECK(kept <= (8 + 2 * 8 + 6) * bytes);  // 8 arguments, the inside of one, and what its rules need at a time
}

TEST_CASE("what scan and checkpoint refuse") {
  const auto same = [](const Tensor& c, const Tensor& x) { return std::pair(c, x); };
  const Tensor c = 1.0, v = {1.0, 2.0};
  test::check_all({
      {[&] {
         sg::scan([](const Tensor& s, const Tensor& x) { return std::pair(s, sg::sum(x)); }, c, sg::ones({3, 2}), {.axis = 1});
       },
       "scan: tensor 0 of y has shape (), so its stack has no axis 1 to put the steps along; give y more axes, or loop along "
       "axis 0"},
      {[&] { sg::scan(same, c, Tensor(1.0)); }, "scan: axis 0 is out of range for a tensor of shape (), which has no axes"},
      {[&] { sg::scan(same, c, v, {.axis = 1}); },
       "scan: axis 1 is out of range for a tensor of shape (2,); it must be in -1..0"},
      {[&] {
         sg::scan([](const Tensor& s, const std::array<Tensor, 2>&) { return std::pair(s, s); }, c,
                  std::array{v, sg::ones({3})});
       },
       "scan: tensors 0 and 1 of xs have 2 and 3 elements along their axis; they must be equal"},
      {[&] { sg::scan(same, c, v, {.length = 3}); }, "scan: xs has 2 elements along its axis, but .length is 3"},
      {[&] { sg::scan([](const Tensor& s, const std::tuple<>&) { return std::pair(s, s); }, c, std::tuple<>()); },
       "scan: xs holds no Tensor to loop along; give one, or the number of steps as .length"},
      {[&] {
         sg::scan([](const Tensor& s, const std::tuple<>&) { return std::pair(s, s); }, c, std::tuple<>(), {.length = -1});
       },
       "scan: the length must not be negative, given -1"},
      {[&] { sg::scan(same, c, v, {.checkpoint_every = 0}); }, "scan: checkpoint_every must be at least 1, given 0"},
      {[&] { sg::scan([](const Tensor& s, const Tensor& x) { return std::pair(s + sg::ones({3}), x); }, c, v); },
       "scan: step returned a float64 (3,) as number 0 of the carry, which init has as float64 (); the carry keeps shape and "
       "dtype"},
      {[&] { sg::scan([](const Tensor& s, const Tensor& x) { return std::pair(s + x, x); }, Tensor(1), v); },
       "scan: step returned a float64 () as number 0 of the carry, which init has as int64 (); the carry keeps shape and "
       "dtype"},
      {[&] {
         sg::scan(
             [](const std::vector<Tensor>& s, const Tensor& x) {
               return std::pair(std::vector{s[0], x}, x);
             },
             std::vector{c}, v);
       },
       "scan: step returned 2 tensors as carry, but init has 1; the carry keeps its structure"},
      {[&] { sg::scan([](const Tensor& s, const Tensor&) { return std::pair(s, Tensor()); }, c, v); },
       "scan: a default-constructed Tensor was given; give it a value first, as in Tensor x = {1.0, 2.0};"},
      {[&] { sg::scan(same, Tensor(), v); },
       "scan: a default-constructed Tensor was given; give it a value first, as in Tensor x = {1.0, 2.0};"},
      {[&] { sg::scan([](const Tensor& s, const Tensor& x) { return std::pair(x.item<double>() > 0 ? s : -s, x); }, c, v); },
       "scan: inside the step the carry and the element have no value that could be read (by item, data, to_vector, eval or "
       "printing); use where in place of a branch on a value, or read the results of scan"},
      {[&] {
         sg::scan([](const Tensor& s, const Tensor& x) { return std::pair(s, x + sg::ones({2}) + sg::ones({3})); }, c, v);
       },
       "add: shapes (2,) and (3,) do not broadcast: axis -1 has sizes 2 and 3, which must be equal or 1"},
      {[&] {
         sg::eval(sg::scan([&](const Tensor& s, const Tensor& x) { return std::pair(s + 1, sg::take(x, s)); }, Tensor(1),
                           sg::ones({3, 2}))
                      .ys);
       },
       "take: index 2 is out of range for axis 0 of size 2; it must be in -2..1"},
      {[&] { sg::checkpoint([](const Tensor& t) { return t; })(Tensor()); },
       "checkpoint: a default-constructed Tensor was given; give it a value first, as in Tensor x = {1.0, 2.0};"},
      {[&] { sg::checkpoint([](const Tensor&) { return Tensor(); })(v); },
       "checkpoint: a default-constructed Tensor was given; give it a value first, as in Tensor x = {1.0, 2.0};"},
  });
}
