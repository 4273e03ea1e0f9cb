// Matrix products and linear algebra where the table does not look: complex matrices, other dtypes, large ones and many, the symmetric
// derivative of cholesky, matrices that are singular or not positive definite.

#include <random>

#include "scangrad/scangrad.h"
#include "support/catch.h"

namespace sg = scangrad;
using sg::DType;
using sg::Shape;
using sg::Tensor;
using Z = std::complex<double>;
using Tensors = std::vector<Tensor>;
using Function = std::function<Tensor(const Tensors&)>;

namespace {

/// Normal numbers, the same in each run.
Tensor normal(const Shape& shape, DType dtype, unsigned seed) {
  std::mt19937_64 bits(seed);
  std::normal_distribution<double> draw;
  std::int64_t count = 1;
  for (std::int64_t size : shape) count *= size;
  std::vector<Z> values(static_cast<std::size_t>(count));
  for (Z& z : values) z = Z(draw(bits), draw(bits));
  const Tensor z(values, shape);
  return sg::astype(sg::is_complex(dtype) ? z : sg::real(z), dtype);
}

Tensor adjoint(const Tensor& x) { return sg::conj(sg::swapaxes(x, -1, -2)); }
Tensor identity(const Tensor& x) { return sg::eye(x.size(-1), {.dtype = x.dtype()}); }
/// Far from singular, and its Hermitian part positive definite.
Tensor heavy(const Tensor& x) { return x * 0.3 + identity(x) * 4; }
Tensor positive(const Tensor& x) { return sg::matmul(x, adjoint(x)) + identity(x); }

double largest(const Tensor& x) { return x.size() == 0 ? 0 : sg::astype(sg::max(sg::abs(x)), DType::float64).item<double>(); }
double distance(const Tensor& a, const Tensor& b) {
  REQUIRE(sg::to_string(a.shape()) == sg::to_string(b.shape()));
  REQUIRE(a.dtype() == b.dtype());
  return largest(a - b);
}
/// Re <a, b>
double inner(const Tensors& a, const Tensors& b) {
  double total = 0;
  for (std::size_t i = 0; i < a.size(); ++i) total += sg::sum(sg::real(sg::conj(a[i]) * b[i])).item<double>();
  return total;
}
Tensors like(const Tensors& x, unsigned seed) {
  Tensors result;
  for (const Tensor& part : x) result.push_back(normal(part.shape(), part.dtype(), seed++));
  return result;
}

struct Case {
  const char* name;
  Function f;
  std::vector<Shape> shapes;
};

const sg::TriangularOptions conjugated = {.conjugate = true}, turned = {.lower = false, .transpose = true},
                            both = {.transpose = true, .conjugate = true};

const std::vector<Case> cases = {
    {"matmul", [](const Tensors& x) { return sg::matmul(x[0], x[1]); }, {{2, 3}, {3, 2}}},
    {"matmul of batches", [](const Tensors& x) { return sg::matmul(x[0], x[1]); }, {{2, 1, 2, 3}, {3, 3, 2}}},
    {"matmul of a matrix and a batch", [](const Tensors& x) { return sg::matmul(x[0], x[1]); }, {{2, 3}, {4, 3, 2}}},
    {"matmul of a matrix and vectors", [](const Tensors& x) { return sg::matmul(x[0], x[1]); }, {{2, 3}, {4, 3, 1}}},
    {"einsum", [](const Tensors& x) { return sg::einsum("bii,bij->bj", x); }, {{2, 3, 3}, {2, 3, 2}}},
    {"cholesky", [](const Tensors& x) { return sg::cholesky(positive(x[0])); }, {{2, 3, 3}}},
    {"solve", [](const Tensors& x) { return sg::solve(heavy(x[0]), x[1]); }, {{3, 3}, {2, 3, 2}}},
    {"inverse", [](const Tensors& x) { return sg::inverse(heavy(x[0])); }, {{2, 3, 3}}},
    {"logdet", [](const Tensors& x) { return sg::logdet(heavy(x[0])); }, {{2, 3, 3}}},
    {"sign of the determinant", [](const Tensors& x) { return sg::slogdet(x[0]).sign * sg::sum(x[0]); }, {{3, 3}}},
    {"triangular_solve", [](const Tensors& x) { return sg::triangular_solve(heavy(x[0]), x[1]); }, {{2, 3, 3}, {3, 2}}},
    {"conjugated", [](const Tensors& x) { return sg::triangular_solve(heavy(x[0]), x[1], conjugated); }, {{3, 3}, {3, 2}}},
    {"transposed", [](const Tensors& x) { return sg::triangular_solve(heavy(x[0]), x[1], turned); }, {{3, 3}, {3, 2}}},
    {"adjoint", [](const Tensors& x) { return sg::triangular_solve(heavy(x[0]), x[1], both); }, {{3, 3}, {3}}},
};

/// The jvp against differences, the adjoint identity, and second derivatives by all four nestings.
void check_case(const Case& row, DType dtype) {
  INFO(row.name << ", " << sg::to_string(dtype));
  Tensors x;
  for (const Shape& shape : row.shapes) x.push_back(normal(shape, dtype, 7 + static_cast<unsigned>(x.size())));
  const Tensors t = like(x, 20), b = like(x, 30);
  const auto [y, dy] = sg::jvp(row.f, sg::args(x), sg::args(t));
  const auto moved = [&](double step) {
    Tensors at;
    for (std::size_t i = 0; i < x.size(); ++i) at.push_back(x[i] + t[i] * step);
    return row.f(at);
  };
  const auto difference = [&](double h) { return (moved(h) - moved(-h)) / (2 * h); };
  const double h = 2e-3;  // extrapolated: error h^4
  CHECK(distance(dy, difference(h / 2) * (4.0 / 3) - difference(h) * (1.0 / 3)) <= 2e-8 * (1 + largest(dy)));

  const Tensor q = normal(y.shape(), y.dtype(), 40);
  const auto pulled = [&](const Tensors& at) { return sg::vjp(row.f, sg::args(at)).pullback(q); };
  const Tensors gradient = pulled(x);
  const double size = inner({sg::abs(q)}, {sg::abs(dy)});
  CHECK(inner({q}, {dy}) == Approx(inner(gradient, t)).margin(1e-12 * size));

  const auto pushed = [&](const Tensors& at) { return sg::jvp(row.f, sg::args(at), sg::args(t)).tangent; };
  const double twice = inner({q}, {sg::jvp(pushed, sg::args(x), sg::args(b)).tangent});
  const double scale = 1e-10 * (1 + std::abs(twice) + size);
  CHECK(inner(sg::vjp(pushed, sg::args(x)).pullback(q), b) == Approx(twice).margin(scale));
  CHECK(inner(sg::jvp(pulled, sg::args(x), sg::args(b)).tangent, t) == Approx(twice).margin(scale));
  CHECK(inner(sg::vjp(pulled, sg::args(x)).pullback(t), b) == Approx(twice).margin(scale));
}

}  // namespace

TEST_CASE("derivatives of matrices, real and complex, in batches") {
  for (const Case& row : cases)
    for (DType dtype : {DType::float64, DType::complex128}) check_case(row, dtype);
}

TEST_CASE("factors, solutions and determinants are what they say") {
  for (const auto& [dtype, u] :
       {std::pair(DType::float32, 1e-6), {DType::float64, 1e-14}, {DType::complex64, 1e-6}, {DType::complex128, 1e-14}})
    for (std::int64_t n : {1, 2, 5, 17, 70, 200}) {
      INFO(sg::to_string(dtype) << ", " << n);
      const double limit = 50 * u * static_cast<double>(n);
      const Tensor a = normal({2, n, n}, dtype, 1), b = normal({2, n, 3}, dtype, 2), p = positive(a) / static_cast<double>(n);
      const Tensor l = sg::cholesky(p);
      CHECK(distance(sg::matmul(l, adjoint(l)), p) <= limit);
      CHECK(distance(sg::tril(l), l) == 0);
      const Tensor x = sg::solve(p, b);
      CHECK(x.dtype() == dtype);
      CHECK(distance(sg::matmul(p, x), b) <= limit * largest(x));
      CHECK(distance(sg::matmul(sg::inverse(p), b), x) <= 10 * limit * largest(x));
      const Tensor y = sg::triangular_solve(l, sg::triangular_solve(l, b), both);
      CHECK(distance(y, x) <= 100 * limit * largest(x));
      const auto [sign, logabsdet] = sg::slogdet(p);
      CHECK(logabsdet.dtype() == (u > 1e-10 ? DType::float32 : DType::float64));
      CHECK(distance(sign, sg::ones({2}, {.dtype = dtype})) <= limit);
      const Tensor from_factor = sg::sum(sg::log(sg::abs(sg::einsum("bii->bi", {l}))), {.axis = -1}) * 2;
      CHECK(distance(logabsdet, from_factor) <= 10 * limit);
    }
}

TEST_CASE("small cases by hand") {
  const Tensor a = {{4.0, 99.0}, {2.0, 5.0}};  // the upper triangle is not read
  CHECK(sg::cholesky(a).to_vector<double>() == std::vector<double>{2, 0, 1, 2});
  const Tensor h = {{Z(4, 7), Z(99)}, {Z(2, 2), Z(6)}};  // nor is the diagonal's imaginary part
  CHECK(sg::cholesky(h).to_vector<Z>() == std::vector<Z>{2, 0, Z(1, 1), 2});
  CHECK(sg::solve(Tensor{{0.0, 2.0}, {1.0, 1.0}}, Tensor{4.0, 5.0}).to_vector<double>() == std::vector<double>{3, 2});
  CHECK(sg::solve(Tensor{{0, 2}, {1, 1}}, Tensor{4, 5}).dtype() == DType::float64);
  CHECK(sg::inverse(Tensor{{0.0, 2.0}, {1.0, 0.0}}).to_vector<double>() == std::vector<double>{0, 1, 0.5, 0});
  CHECK(sg::triangular_solve(Tensor{{2.0, 99.0}, {1.0, 4.0}}, Tensor{2.0, 9.0}).to_vector<double>() ==
        std::vector<double>{1, 2});
  CHECK(sg::triangular_solve(Tensor{{9.0, 99.0}, {1.0, 9.0}}, Tensor{2.0, 9.0}, {.unit_diagonal = true}).to_vector<double>() ==
        std::vector<double>{2, 7});
  const auto determinant = sg::slogdet(Tensor{{0.0, 2.0}, {3.0, 5.0}});
  CHECK(determinant.sign.item<double>() == -1);
  CHECK(determinant.logabsdet.item<double>() == Approx(std::log(6)));
  const auto turning = sg::slogdet(Tensor{{Z(0, 2), Z(1)}, {Z(0), Z(3)}});
  CHECK(std::abs(turning.sign.item<Z>() - Z(0, 1)) <= 1e-15);
  CHECK(sg::slogdet(sg::zeros({0, 0})).sign.item<double>() == 1);
  CHECK(sg::logdet(sg::zeros({0, 0})).item<double>() == 0);
  CHECK(sg::logdet(sg::zeros({3, 0, 0})).to_vector<double>() == std::vector<double>{0, 0, 0});
}

TEST_CASE("determinants beyond the range of the dtype have a logarithm") {
  const Tensor tiny = sg::eye(300, {.dtype = DType::float32}) * 1e-30;
  CHECK(sg::logdet(tiny).item<float>() == Approx(300 * std::log(1e-30)).epsilon(1e-6));
  CHECK(sg::logdet(sg::eye(300) * 1e30).item<double>() == Approx(300 * std::log(1e30)));
}

TEST_CASE("the derivative of cholesky is that of a function of symmetric matrices") {
  const Tensor a = positive(normal({3, 3}, DType::float64, 3)), t = normal({3, 3}, DType::float64, 4);
  const auto log_det = [](const Tensor& x) { return 2 * sg::sum(sg::log(sg::einsum("ii->i", {sg::cholesky(x)}))); };
  const Tensor gradient = sg::grad(log_det)(a);
  CHECK(distance(gradient, sg::inverse(a)) <= 1e-12);
  CHECK(distance(gradient, adjoint(gradient)) == 0);
  const auto tangent = [&](const Tensor& direction) {
    return sg::jvp([](const Tensor& x) { return sg::cholesky(x); }, {a}, {direction}).tangent;
  };
  CHECK(distance(tangent(t), tangent((t + adjoint(t)) * 0.5)) <= 1e-15);
}

TEST_CASE("matrices that have no factor or no inverse give NaN, each for itself") {
  const Tensor both_kinds = {{{4.0, 2.0}, {2.0, 5.0}}, {{1.0, 2.0}, {2.0, 1.0}}};  // positive definite; indefinite
  const std::vector<double> l = sg::cholesky(both_kinds).to_vector<double>();
  CHECK(std::vector<double>(l.begin(), l.begin() + 4) == std::vector<double>{2, 0, 1, 2});
  CHECK((std::isnan(l[4]) && l[5] == 0 && std::isnan(l[6]) && std::isnan(l[7])));
  const Tensor regular_and_not = {{{2.0, 0.0}, {0.0, 4.0}}, {{1.0, 2.0}, {2.0, 4.0}}};
  const std::vector<double> x = sg::solve(regular_and_not, Tensor{2.0, 4.0}).to_vector<double>();
  CHECK((x[0] == 1 && x[1] == 1 && std::isnan(x[2]) && std::isnan(x[3])));
  CHECK(std::isnan(sg::solve(regular_and_not, sg::zeros({2})).to_vector<double>()[3]));
  const auto [sign, logabsdet] = sg::slogdet(regular_and_not);
  CHECK(sign.to_vector<double>() == std::vector<double>{1, 0});
  CHECK(logabsdet[0].item<double>() == Approx(std::log(8)));
  CHECK(logabsdet[1].item<double>() == -INFINITY);
  CHECK(sg::slogdet(Tensor{{Z(1, 1), Z(2, 2)}, {Z(1), Z(2)}}).sign.item<Z>() == Z(0));
  const Tensor zero_diagonal = {{1.0, 0.0}, {5.0, 0.0}};
  CHECK(sg::all(sg::isnan(sg::triangular_solve(zero_diagonal, Tensor{0.0, 0.0}))).item<bool>());
  CHECK(sg::triangular_solve(zero_diagonal, Tensor{1.0, 7.0}, {.unit_diagonal = true}).to_vector<double>() ==
        std::vector<double>{1, 2});
  CHECK(sg::all(sg::isnan(sg::grad([](const Tensor& a) { return sg::logdet(a); })(regular_and_not[1]))).item<bool>());
}

TEST_CASE("NaN and infinities in a matrix neither hang nor crash") {
  for (double bad : {double(NAN), double(INFINITY), -double(INFINITY)})
    for (std::int64_t n : {1, 3, 40}) {
      const Tensor a = positive(normal({n, n}, DType::float64, 5)) + sg::where(identity(sg::zeros({n, n})) > 0, bad, 0.0);
      sg::eval({sg::cholesky(a), sg::inverse(a), sg::slogdet(a).sign, sg::slogdet(a).logabsdet,
                sg::triangular_solve(a, sg::ones({n}))});
      CHECK_FALSE(sg::all(sg::isfinite(sg::inverse(a) + sg::cholesky(a))).item<bool>());
    }
}

TEST_CASE("products of halves are summed in float32 and rounded once") {
  for (DType half : {DType::float16, DType::bfloat16}) {
    const Tensor a = normal({3, 20, 50}, half, 1), b = normal({50, 7}, half, 2);
    const Tensor expected = sg::astype(sg::matmul(sg::astype(a, DType::float64), sg::astype(b, DType::float64)), half);
    const Tensor got = sg::matmul(a, b);
    CHECK(got.dtype() == half);
    CHECK(distance(sg::astype(got, DType::float64), sg::astype(expected, DType::float64)) <=
          (half == DType::float16 ? 0x1p-10 : 0x1p-7) * largest(expected));
    CHECK(sg::matmul(sg::ones({1, 3000}, {.dtype = half}), sg::ones({3000, 1}, {.dtype = half})).item<float>() ==
          sg::astype(Tensor(3000.0), half).item<float>());
    CHECK(sg::einsum("bij,jk->bik", {a, b}).dtype() == half);
  }
}

TEST_CASE("products of integers are exact and wrap") {
  const std::int64_t large = (std::int64_t{1} << 53) + 1;
  CHECK(sg::matmul(Tensor{large, std::int64_t{1}}, Tensor{1, 0}).item<std::int64_t>() == large);
  CHECK(sg::dot(Tensor{INT64_MAX, std::int64_t{1}}, Tensor{1, 1}).item<std::int64_t>() == INT64_MIN);
  const Tensor small = sg::astype(Tensor{{1, -2}, {3, 4}}, DType::int32);
  CHECK(sg::matmul(small, small).to_vector<std::int32_t>() == std::vector<std::int32_t>{-5, -10, 15, 10});
  CHECK(sg::matmul(Tensor{{true, true}}, Tensor{{true}, {true}}).item<std::int64_t>() == 2);
  CHECK(sg::einsum("i,i", {Tensor{true, true}, Tensor{true, true}}).item<std::int64_t>() == 2);
}

// Blocks, tails, and operands in every layout, against sums of products.
TEST_CASE("large products are right in every layout") {
  for (const auto& [m, k, n] :
       {std::tuple{1000, 3, 2}, {3, 5, 1100}, {513, 40, 300}, {1, 300, 700}, {700, 300, 1}, {255, 17, 511}}) {
    const Tensor a = sg::round(normal({m, k}, DType::float64, 1) * 4), b = sg::round(normal({k, n}, DType::float64, 2) * 4);
    const Tensor expected = sg::sum(sg::expand_dims(a, 2) * sg::expand_dims(b, 0), {.axis = 1});
    const Tensor a_columns = sg::swapaxes(sg::round(sg::swapaxes(a, 0, 1)), 0, 1);
    const Tensor b_columns = sg::swapaxes(sg::round(sg::swapaxes(b, 0, 1)), 0, 1);
    for (const Tensor& x : {a, a_columns, sg::flip(sg::flip(a)), sg::repeat(a, 2)})
      for (const Tensor& y : {b, b_columns, sg::flip(sg::flip(b)), sg::repeat(b, 2)}) {
        const Tensor left = x.size(0) == m ? x : sg::slice(x, {.step = 2}),
                     right = y.size(0) == k ? y : sg::slice(y, {.step = 2});
        CHECK(distance(sg::matmul(left, right), expected) == 0);
      }
    for (DType dtype : {DType::float32, DType::int32, DType::int64, DType::complex64})
      CHECK(distance(sg::matmul(sg::astype(a, dtype), sg::astype(b, dtype)), sg::astype(expected, dtype)) == 0);
  }
}

TEST_CASE("a batch of products is that of its matrices") {
  const Tensor a = sg::round(normal({4, 1, 30, 20}, DType::float64, 1) * 4),
               b = sg::round(normal({3, 20, 40}, DType::float64, 2) * 4);
  const Tensor c = sg::matmul(a, b);
  CHECK(sg::to_string(c.shape()) == "(4, 3, 30, 40)");
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 3; ++j) CHECK(distance(c[i][j], sg::matmul(a[i][0], b[j])) == 0);
  const Tensor w = b[0];
  for (int i = 0; i < 4; ++i) CHECK(distance(sg::matmul(a, w)[i], sg::matmul(a[i], w)) == 0);
  for (int j = 0; j < 3; ++j) CHECK(distance(sg::matmul(a[0][0], b)[j], sg::matmul(a[0][0], b[j])) == 0);
}

TEST_CASE("many small systems are those of each") {
  const Tensor a = heavy(normal({3000, 4, 4}, DType::float64, 1)), b = normal({3000, 4, 2}, DType::float64, 2);
  const Tensor x = sg::solve(a, b), l = sg::cholesky(sg::matmul(a, adjoint(a))), d = sg::logdet(a);
  for (int i : {0, 1, 1499, 2999}) {
    CHECK(distance(x[i], sg::solve(a[i], b[i])) == 0);
    CHECK(distance(l[i], sg::cholesky(sg::matmul(a[i], adjoint(a[i])))) == 0);
    CHECK(distance(d[i], sg::logdet(a[i])) == 0);
  }
}

TEST_CASE("where there is nothing to sum, a product is zeros") {
  for (DType dtype : {DType::int64, DType::float16, DType::float32, DType::complex128}) {
    const Tensor a = sg::zeros({2, 3, 0}, {.dtype = dtype}), b = sg::zeros({0, 4}, {.dtype = dtype});
    CHECK(distance(sg::matmul(a, b), sg::zeros({2, 3, 4}, {.dtype = dtype})) == 0);
    CHECK(distance(sg::einsum("bij,jk->ki", {a, b}), sg::zeros({4, 3}, {.dtype = dtype})) == 0);
  }
}

TEST_CASE("einsum as it is known") {
  const Tensor x = {{1.0, 2.0}, {3.0, 4.0}}, v = {5.0, 6.0};
  CHECK(sg::einsum("ii", {x}).item<double>() == 5);
  CHECK(sg::einsum("ij->ji", {x}).to_vector<double>() == std::vector<double>{1, 3, 2, 4});
  CHECK(sg::einsum(" ji ", {x}).to_vector<double>() == std::vector<double>{1, 3, 2, 4});
  CHECK(sg::einsum("i j , j", {x, v}).to_vector<double>() == std::vector<double>{17, 39});
  CHECK(sg::einsum("aB->", {x}).item<double>() == 10);
  CHECK(sg::einsum("aB", {x}).to_vector<double>() == std::vector<double>{1, 3, 2, 4});  // B comes before a
  CHECK(sg::einsum("...", {x}).to_vector<double>() == x.to_vector<double>());
  CHECK(sg::einsum("...i->i...", {x}).to_vector<double>() == std::vector<double>{1, 3, 2, 4});
  CHECK(sg::einsum(",", {Tensor(2.0), Tensor(3.0)}).item<double>() == 6);
  CHECK(sg::einsum("i,i,i->i", {v, v, v}).to_vector<double>() == std::vector<double>{125, 216});
  CHECK(sg::einsum("iii->i", {sg::ones({2, 2, 2})}).to_vector<double>() == std::vector<double>{1, 1});
  CHECK(sg::einsum("...,...", {sg::ones({3, 1}), sg::ones({2})}).shape() == Shape{3, 2});
  CHECK(sg::einsum("i,i", {Tensor{1, 2}, Tensor{1.5f, 2.5f}}).item<float>() == 6.5f);
}
