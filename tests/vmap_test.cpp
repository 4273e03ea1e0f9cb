// vmap: axes, nesting with itself and the other transforms, what has no batch axis, errors. The table of operations checks the rules.

#include <functional>

#include "scangrad/scangrad.h"
#include "support/catch.h"

namespace sg = scangrad;
using sg::DType;
using sg::Shape;
using sg::Tensor;

namespace {

std::vector<double> numbers(const Tensor& x) { return x.to_vector<double>(); }

const Tensor x = {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}};

Tensor norm2(const Tensor& v) { return sg::sum(v * v); }
Tensor scaled_sum(const Tensor& v, const Tensor& w) { return sg::sum(sg::cumsum(v) * w); }

struct Model {
  Tensor weight;
  std::vector<Tensor> biases;
};

}  // namespace

TEST_CASE("a batch is the function of each example") {
  CHECK(numbers(sg::vmap(norm2)(x)) == std::vector<double>{14, 77});
  CHECK(numbers(sg::vmap(norm2, {.in_axes = 1})(x)) == std::vector<double>{17, 29, 45});
  CHECK(numbers(sg::vmap(norm2, {.in_axes = -1})(x)) == std::vector<double>{17, 29, 45});
  const Tensor sums = sg::vmap([](const Tensor& v) { return sg::cumsum(v); }, {.in_axes = 1, .out_axes = 1})(x);
  CHECK(sums.shape() == Shape{2, 3});
  CHECK(numbers(sums) == numbers(sg::cumsum(x, {.axis = 0})));
  CHECK(sg::vmap([](const Tensor& v) { return sg::cumsum(v); }, {.out_axes = -1})(x).shape() == Shape{3, 2});
}

TEST_CASE("what the examples share has no batch axis") {
  const Tensor w = {1.0, 0.0, 2.0};
  const std::vector<double> expected = {13, 34};
  CHECK(numbers(sg::vmap(scaled_sum, {.in_axes = {0, std::nullopt}})(x, w)) == expected);
  CHECK(numbers(sg::vmap([&](const Tensor& v) { return scaled_sum(v, w); })(x)) == expected);
  CHECK(numbers(sg::vmap(scaled_sum, {.in_axes = {std::nullopt, 0}})(w, x)) == std::vector<double>{12, 27});
  const auto both = [](const Tensor& v, const Tensor& s) { return std::pair(v + s, s * 2.0); };
  const auto [sum, twice] = sg::vmap(both, {.in_axes = {0, std::nullopt}, .out_axes = {0, std::nullopt}})(x, w);
  CHECK(sum.shape() == Shape{2, 3});
  CHECK(numbers(twice) == std::vector<double>{2, 0, 4});
  const Tensor repeated = sg::vmap([&](const Tensor&) { return w; })(x);
  CHECK(repeated.shape() == Shape{2, 3});
  CHECK(numbers(repeated) == std::vector<double>{1, 0, 2, 1, 0, 2});
}

TEST_CASE("arguments and results of vmap may be structures") {
  const auto f = [](const Model& model, const Tensor& v) { return Model{model.weight * v, {model.biases[0] - v, v}}; };
  const Model models{{1.0, 2.0}, {Tensor{10.0, 20.0}}};
  const Model y = sg::vmap(f)(models, Tensor{3.0, 4.0});
  CHECK(numbers(y.weight) == std::vector<double>{3, 8});
  CHECK(numbers(y.biases[0]) == std::vector<double>{7, 16});
  CHECK(numbers(y.biases[1]) == std::vector<double>{3, 4});
}

TEST_CASE("vmap nests with itself") {
  const Tensor a = {1.0, 2.0, 3.0}, b = {10.0, 20.0};
  const auto row = [&](const Tensor& s) { return sg::vmap([&](const Tensor& t) { return s * t + s; })(b); };
  const Tensor outer = sg::vmap(row)(a);
  CHECK(outer.shape() == Shape{3, 2});
  CHECK(numbers(outer) == std::vector<double>{11, 21, 22, 42, 33, 63});
  const Tensor cube = sg::reshape(sg::arange(0.0, 24.0), {2, 3, 4});
  const auto last = sg::vmap(sg::vmap([](const Tensor& v) { return sg::cumsum(v); }, {.in_axes = 1, .out_axes = 1}),
                             {.in_axes = 1, .out_axes = 1});
  CHECK(numbers(last(cube)) == numbers(sg::cumsum(cube, {.axis = 0})));
  CHECK(numbers(sg::vmap(sg::vmap(norm2))(cube)) == numbers(sg::sum(cube * cube, {.axis = -1})));
}

TEST_CASE("vmap of a gradient is a gradient an example") {
  const auto loss = [](const Tensor& beta, const Tensor& v) {
    return sg::logsumexp(beta * v) + sg::sum(sg::cumprod(v * beta));
  };
  const Tensor beta = {0.5, -1.0, 2.0};
  const Tensor all = sg::vmap(sg::grad<0>(loss), {.in_axes = {std::nullopt, 0}})(beta, x);
  for (int i : {0, 1}) CHECK(numbers(all[i]) == numbers(sg::grad<0>(loss)(beta, x[i])));
  const auto both = sg::vmap(sg::value_and_grad<0>(loss), {.in_axes = {std::nullopt, 0}})(beta, x);
  CHECK(numbers(both.gradient) == numbers(all));
  const auto total = [&](const Tensor& at) { return sg::sum(sg::vmap(loss, {.in_axes = {std::nullopt, 0}})(at, x)); };
  const std::vector<double> whole = numbers(sg::grad(total)(beta)), summed = numbers(sg::sum(all, {.axis = 0}));
  for (std::size_t i = 0; i < whole.size(); ++i) CHECK(whole[i] == Approx(summed[i]).epsilon(1e-14));
}

TEST_CASE("vmap composes with jvp, vjp, jacobian and hessian in any order") {
  const auto f = [](const Tensor& v) { return sg::logcumsumexp(v * v); };
  const auto batch = [&](const Tensor& at) { return sg::vmap(f)(at); };
  const Tensor t = {{1.0, -1.0, 0.5}, {2.0, 0.0, 1.0}};
  const auto tangent = [&](const Tensor& v, const Tensor& dv) { return sg::jvp(f, {v}, {dv}).tangent; };
  const Tensor jvp_of_vmap = sg::jvp(batch, {x}, {t}).tangent, vmap_of_jvp = sg::vmap(tangent)(x, t);
  const auto cotangent = [&](const Tensor& v, const Tensor& g) { return sg::vjp(f, {v}).pullback(g); };
  const Tensor vjp_of_vmap = sg::vjp(batch, {x}).pullback(t), vmap_of_vjp = sg::vmap(cotangent)(x, t);
  for (int i : {0, 1}) {
    const std::vector<double> dy = numbers(tangent(x[i], t[i])), gx = numbers(cotangent(x[i], t[i]));
    for (std::size_t k = 0; k < 3; ++k) {
      const auto at = static_cast<std::size_t>(i) * 3 + k;
      CHECK(numbers(jvp_of_vmap)[at] == Approx(dy[k]).epsilon(1e-14));
      CHECK(numbers(vmap_of_jvp)[at] == Approx(dy[k]).epsilon(1e-14));
      CHECK(numbers(vjp_of_vmap)[at] == Approx(gx[k]).epsilon(1e-14));
      CHECK(numbers(vmap_of_vjp)[at] == Approx(gx[k]).epsilon(1e-14));
    }
  }
  const auto energy = [&](const Tensor& v) { return sg::sum(f(v)); };
  const auto total = [&](const Tensor& at) { return sg::sum(sg::vmap(energy)(at)); };
  const Tensor whole = sg::hessian(total)(x), each = sg::vmap(sg::hessian(energy))(x);
  CHECK(whole.shape() == Shape{2, 3, 2, 3});
  CHECK(each.shape() == Shape{2, 3, 3});
  for (int i : {0, 1}) {
    const std::vector<double> block = numbers(sg::hessian(energy)(x[i]));
    const std::vector<double> in_whole = numbers(sg::slice(whole[i], {.axis = 1, .begin = i, .end = i + 1}));
    for (std::size_t k = 0; k < block.size(); ++k) {
      CHECK(numbers(each[i])[k] == Approx(block[k]).margin(1e-13));
      CHECK(in_whole[k] == Approx(block[k]).margin(1e-13));
    }
  }
}

TEST_CASE("jacobians by column, by row, and by the fewer of both, in chunks of any size") {
  const auto f = [](const Tensor& v) { return sg::cumprod(sg::concatenate({v, v * v})); };
  const Tensor at = {2.0, -1.0, 3.0};
  const Tensor J = sg::jacfwd(f)(at);
  CHECK(J.shape() == Shape{6, 3});
  for (int j : {0, 1, 2}) {
    const Tensor unit = sg::eye(3)[j];
    CHECK(numbers(J)[static_cast<std::size_t>(j)] == numbers(sg::jvp(f, {at}, {unit}).tangent)[0]);
    CHECK(numbers(sg::transpose(J)[j]) == numbers(sg::jvp(f, {at}, {unit}).tangent));
  }
  for (std::int64_t chunk : {1, 2, 4, 100}) {
    CHECK(numbers(sg::jacfwd(f, {.chunk_size = chunk})(at)) == numbers(J));
    CHECK(numbers(sg::jacrev(f, {.chunk_size = chunk})(at)) == numbers(J));
    CHECK(numbers(sg::jacobian(f, {.chunk_size = chunk})(at)) == numbers(J));
  }
  const auto product = [](const Tensor& a, const Tensor& b) { return std::pair(sg::outer(a, b), sg::sum(a)); };
  const Tensor a = {1.0, 2.0}, b = {3.0, 4.0, 5.0};
  for (const auto& blocks : {sg::jacfwd(product)(a, b), sg::jacrev(product)(a, b), sg::jacobian(product)(a, b)}) {
    const auto& [by_a, by_b] = blocks;
    CHECK(by_a.first.shape() == Shape{2, 3, 2});
    CHECK(by_b.first.shape() == Shape{2, 3, 3});
    CHECK(numbers(by_a.second) == std::vector<double>{1, 1});
    CHECK(numbers(by_b.second) == std::vector<double>{0, 0, 0});
    CHECK(numbers(sg::sum(by_a.first, {.axis = {0, 2}})) == std::vector<double>{6, 8, 10});
  }
  CHECK(sg::jacfwd(f)(sg::zeros({0})).shape() == Shape{0, 0});
  CHECK(sg::jacrev(f)(sg::zeros({0})).shape() == Shape{0, 0});
  const Tensor nested = sg::vmap(sg::jacobian(f))(sg::stack({at, at * 2.0}));
  CHECK(numbers(nested[0]) == numbers(J));
}

TEST_CASE("batches of one and of none") {
  const auto f = [](const Tensor& v) { return sg::cumsum(v) * sg::logsumexp(v); };
  for (std::int64_t n : {0, 1}) {
    const Tensor batch = sg::slice(x, {.end = n});
    CHECK(sg::vmap(f)(batch).shape() == Shape{n, 3});
    CHECK(sg::vmap(sg::grad(norm2))(batch).shape() == Shape{n, 3});
    CHECK(numbers(sg::vmap(sg::vmap([](const Tensor& s) { return s * 2.0; }))(batch)).size() ==
          static_cast<std::size_t>(3 * n));
  }
}

TEST_CASE("indices and masks of each example") {
  const Tensor rows = {{2, 0}, {1, 1}};
  CHECK(numbers(sg::vmap([](const Tensor& v, const Tensor& i) { return sg::take(v, i); })(x, rows)) ==
        std::vector<double>{3, 1, 5, 5});
  const auto sort = sg::vmap([](const Tensor& v) { return sg::sort(sg::where(v > 2.0, -v, v)); });
  CHECK(numbers(sort(x)) == std::vector<double>{-3, 1, 2, -6, -5, -4});
  const auto sums = sg::vmap([](const Tensor& v, const Tensor& s) { return sg::segment_sum(v, s, 2); });
  CHECK(numbers(sums(x, Tensor{{0, 1, 0}, {1, 1, 1}})) == std::vector<double>{4, 2, 0, 15});
}

TEST_CASE("an index out of range in one example is found") {
  const auto take = sg::vmap([](const Tensor& v, const Tensor& i) { return sg::take(v, i); });
  CHECK_THROWS_AS(take(x, Tensor{{0}, {3}}), sg::Error);
  CHECK_THROWS_AS(take(x, Tensor{{-4}, {0}}), sg::Error);
}

TEST_CASE("complex numbers in a batch") {
  const auto f = [](const Tensor& re, const Tensor& im) {
    const Tensor z = sg::cumprod(sg::complex(re, im));
    return sg::sum(sg::abs(z)) + sg::sum(sg::real(z) * sg::imag(sg::conj(z)));
  };
  const Tensor im = {{-1.0, 0.5, 2.0}, {0.0, 1.0, -3.0}};
  const Tensor all = sg::vmap(f)(x, im), shared = sg::vmap(f, {.in_axes = {0, std::nullopt}})(x, im[0]);
  for (int i : {0, 1}) {
    CHECK(all[i].item<double>() == Approx(f(x[i], im[i]).item<double>()).epsilon(1e-13));
    CHECK(shared[i].item<double>() == Approx(f(x[i], im[0]).item<double>()).epsilon(1e-13));
  }
}

TEST_CASE("vmap evaluates its results, and lets go of what it was given", "[lazy]") {
  const auto before = sg::memory::active();
  {
    const Tensor y = sg::vmap(norm2)(sg::ones({64, 1024}) * 2.0);
    CHECK(sg::memory::active() - before < 64 * 1024 * 8);
    CHECK(numbers(y)[63] == 4096);
  }
  CHECK(sg::memory::active() == before);
}

TEST_CASE("what is wrong with a call of vmap") {
  const auto check = [](const std::function<void()>& call, const std::string& message) {
    try {
      call();
      CHECK(message == "nothing was thrown");
    } catch (const sg::Error& error) {
      CHECK(error.message() == message);
      CHECK(error.site().line > 0);
    }
  };
  const auto add = [](const Tensor& a, const Tensor& b) { return a + b; };
  const auto same = [](const Tensor& a) { return a; };
  check(
      [&] {
        sg::vmap(add)(x, sg::ones({3, 3}));
      },
      "vmap: arguments 0 and 1 have batches of 2 and 3 examples; they must be equal");
  check([&] { sg::vmap(add)(x, Tensor(1.0)); },
        "vmap: argument 1 has shape () and so no axis to map over; give std::nullopt for it in in_axes, to share it");
  check([&] { sg::vmap(same, {.in_axes = 2})(x); },
        "vmap: in_axes names axis 2 of argument 0, whose shape is (2, 3); it must be in -2..1");
  check([&] { sg::vmap(same, {.in_axes = std::nullopt})(x); },
        "vmap: no argument is mapped; give at least one of them an axis in in_axes");
  check(
      [&] {
        sg::vmap(add, {.in_axes = {0, 0, 0}})(x, x);
      },
      "vmap: in_axes names 3 axes, but there are 2 arguments; name one an argument, or one for all");
  check(
      [&] {
        sg::vmap(same, {.out_axes = {0, 1}})(x);
      },
      "vmap: out_axes names 2 axes, but the function returned 1 tensors; name one a tensor, or one for all");
  check([&] { sg::vmap(same, {.out_axes = 2})(x); },
        "vmap: axis 2 is out of range for a result of rank 2; it must be in -2..1");
  check([&] { sg::vmap(same, {.out_axes = std::nullopt})(x); },
        "vmap: result 0 is not the same for every example, so out_axes must name the place of its batch axis");
  check([&] { sg::vmap(same)(Tensor()); },
        "vmap: a default-constructed Tensor was given; give it a value first, as in Tensor x = {1.0, 2.0};");
  check([&] { sg::vmap([](const Tensor& v) { return v[0].item<double>() > 0 ? v : -v; })(x); },
        "vmap: inside the function an example has no value that could be read (by item, data, to_vector, eval or printing); "
        "use where in place of a branch on a value, or read the results of vmap");
  check([&] { sg::vmap([](const Tensor& v) { return v + sg::ones({2}); })(x); },
        "add: shapes (3,) and (2,) do not broadcast: axis -1 has sizes 3 and 2, which must be equal or 1");
  check([&] { sg::jacfwd(same, {.chunk_size = 0})(x); }, "jacfwd: the chunk size must be at least 1, given 0");
  check([&] { sg::jacrev([](const Tensor& v) { return sg::complex(v, v); })(x); },
        "jacrev: result 0 is complex128, but must be real and floating; return its real and imaginary part");
  check([&] { sg::jacobian([](const Tensor& v) { return sg::real(v); })(sg::complex(x, x)); },
        "jacobian: argument 0 is complex128; differentiate by its real and imaginary part, or use jvp");
}

TEST_CASE("an example that got out of its vmap cannot be read") {
  Tensor leaked;
  sg::vmap([&](const Tensor& v) {
    leaked = v * 2.0;
    return v;
  })(x);
  CHECK_THROWS_AS(leaked.to_vector<double>(), sg::Error);
}
