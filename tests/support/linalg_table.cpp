// The rows of matrix products, Einstein's sums and linear algebra. References are the schoolbook's.

#include "support/op_table.h"

namespace test {
namespace {

Shape batch_of(const Shape& shape) { return Shape(std::span(shape.begin(), shape.end() - 2)); }

/// (..., m, k) by (..., k, n) by the definition; a vector is a row on the left and a column on the right.
Dense product(const Denses& x) {
  Dense a = x[0], b = x[1];
  const bool row = a.shape.size() == 1, column = b.shape.size() == 1;
  if (row) a.shape = Shape{1, a.shape[0]};
  if (column) b.shape = Shape{b.shape[0], 1};
  Shape batch;
  broadcast(batch_of(a.shape), batch_of(b.shape), batch);
  const std::int64_t m = a.shape[a.shape.size() - 2], inner = a.shape.back(), n = b.shape.back();
  Shape shape(batch.size() + 2, m);
  std::copy(batch.begin(), batch.end(), shape.begin());
  shape.back() = n;
  Dense y(shape);
  each_index(shape, [&](const Index& i) {
    for (std::int64_t k = 0; k < inner; ++k) {
      Index left = i, right = i;
      left[i.size() - 1] = right[i.size() - 2] = k;
      y(i) += a(left) * b(right);
    }
  });
  std::vector<std::int64_t> kept(batch.begin(), batch.end());
  if (!row) kept.push_back(m);
  if (!column) kept.push_back(n);
  y.shape = Shape(kept);
  return y;
}

/// One matrix of a batch, and its rows.
using Square = std::vector<Vector>;

/// A function of each matrix of a batch: values(matrix of a, matrix of b), the latter if there is a b.
template <class F>
Dense each_matrix(const Denses& x, const Shape& out, const F& values) {
  const std::size_t n = static_cast<std::size_t>(x[0].shape.back());
  const std::size_t columns = x.size() > 1 ? static_cast<std::size_t>(x[1].shape.back()) : 0;
  Dense y(out);
  Vector all;
  const auto item = [](const Dense& from, const Index& at, std::size_t rows, std::size_t width) {
    Square matrix(rows, Vector(width));
    std::vector<std::int64_t> place(at.begin(), at.end());
    place.resize(at.size() + 2);
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t j = 0; j < width; ++j) {
        place[at.size()] = static_cast<std::int64_t>(i), place[at.size() + 1] = static_cast<std::int64_t>(j);
        matrix[i][j] = from(Index(place));
      }
    return matrix;
  };
  Shape batch = batch_of(x[0].shape);
  if (x.size() > 1) broadcast(Shape(batch), batch_of(x[1].shape), batch);
  each_index(batch, [&](const Index& at) {
    const Vector part = values(item(x[0], at, n, n), x.size() > 1 ? item(x[1], at, n, columns) : Square());
    all.insert(all.end(), part.begin(), part.end());
  });
  y.values = all;
  return y;
}

/// Gauss's elimination without pivots, for matrices whose diagonal is heavy: b becomes a^-1 b; the product of the pivots.
real eliminate(Square a, Square& b) {
  real determinant = 1;
  const std::size_t n = a.size();
  for (std::size_t k = 0; k < n; ++k) {
    determinant *= a[k][k];
    for (std::size_t i = 0; i < n; ++i) {
      if (i == k) continue;
      const real factor = a[i][k] / a[k][k];
      for (std::size_t j = 0; j < n; ++j) a[i][j] -= factor * a[k][j];
      for (std::size_t j = 0; j < b[i].size(); ++j) b[i][j] -= factor * b[k][j];
    }
  }
  for (std::size_t k = 0; k < n; ++k)
    for (real& x : b[k]) x /= a[k][k];
  return determinant;
}

Vector rows_of(const Square& a) {
  Vector all;
  for (const Vector& row : a) all.insert(all.end(), row.begin(), row.end());
  return all;
}

constexpr int weight = 6;

/// x + 6 I, by which random matrices become well conditioned.
Tensor heavy(const Tensor& x) { return x + sg::eye(x.size(-1), {.dtype = DType::int64}) * weight; }
Square heavy(Square a) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i][i] += weight;
  return a;
}
/// (x + x^H) / 2
Tensor symmetric(const Tensor& x) { return (x + sg::conj(sg::swapaxes(x, -1, -2))) * 0.5; }
Square symmetric(const Square& a) {
  Square s = a;
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t j = 0; j < a.size(); ++j) s[i][j] = (a[i][j] + a[j][i]) / 2;
  return s;
}

Vector cholesky_of(const Square& a) {
  Square l(a.size(), Vector(a.size()));
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t j = 0; j <= i; ++j) {
      real sum = a[i][j];
      for (std::size_t k = 0; k < j; ++k) sum -= l[i][k] * l[j][k];
      l[i][j] = i == j ? sqrt(sum) : sum / l[j][j];
    }
  return rows_of(l);
}

/// The triangle as the options take it, with zeros elsewhere.
Square taken(const Square& a, const sg::TriangularOptions& options) {
  Square t(a.size(), Vector(a.size()));
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t j = 0; j < a.size(); ++j) {
      const bool inside = options.lower ? j <= i : i <= j;
      const real value = i == j && options.unit_diagonal ? real(1) : inside ? a[i][j] : real(0);
      (options.transpose ? t[j][i] : t[i][j]) = value;
    }
  return t;
}

Row triangular(const char* name, sg::TriangularOptions options) {
  return {
      .name = std::string("triangular_solve ") + name,
      .f = [=](const Tensors& x) { return sg::triangular_solve(heavy(x[0]), x[1], options); },
      .reference =
          [=](const Denses& x) {
            return each_matrix(x, x[1].shape, [&](const Square& a, Square b) {
              eliminate(taken(heavy(a), options), b);
              return rows_of(b);
            });
          },
      .cases = cases(
          {{{2, 2}, {2, 3}}, {{1, 1}, {1, 1}}, {{2, 2}, {2, 2, 1}}, {{3, 3}, {3, 0}}, {{0, 0}, {0, 2}}, {{5, 5}, {5, 3}}}, any),
      .result = Result::floating,
      .tolerance = {32, 64, 64},
      .scale = Scale::terms};
}

std::vector<Row> decompositions() {
  const Shapes squares = {{Shape{1, 1}}, {Shape{2, 2}},    {Shape{3, 3}}, {Shape{2, 2, 2}},
                          {Shape{0, 0}}, {Shape{0, 2, 2}}, {Shape{5, 5}}};
  Shapes small = squares;
  small.pop_back();  // cholesky's rounding grows with the matrix, not with the element, of which many are 0
  const auto of_one = [](auto f) {
    return [f](const Denses& x) { return each_matrix(x, x[0].shape, [&](const Square& a, const Square&) { return f(a); }); };
  };
  return {
      {.name = "cholesky",
       .f = [](const Tensors& x) { return sg::cholesky(heavy(symmetric(x[0]))); },
       .reference = of_one([](const Square& a) { return cholesky_of(heavy(symmetric(a))); }),
       .cases = cases(small, any),
       .result = Result::floating,
       .tolerance = {32, 64, 64},
       .scale = Scale::one},
      {.name = "inverse",
       .f = [](const Tensors& x) { return sg::inverse(heavy(x[0])); },
       .reference = of_one([](const Square& a) {
         Square one(a.size(), Vector(a.size()));
         for (std::size_t i = 0; i < a.size(); ++i) one[i][i] = 1;
         eliminate(heavy(a), one);
         return rows_of(one);
       }),
       .cases = cases(squares, any),
       .result = Result::floating,
       .tolerance = {32, 64, 64},
       .scale = Scale::one},
      {.name = "logdet",
       .f = [](const Tensors& x) { return sg::logdet(heavy(x[0])); },
       .reference =
           [](const Denses& x) {
             return each_matrix(x, batch_of(x[0].shape), [](const Square& a, const Square&) {
               Square none(a.size());
               return Vector{log(eliminate(heavy(a), none))};
             });
           },
       .cases = cases(squares, any),
       .result = Result::floating,
       .tolerance = {32, 64, 64},
       .scale = Scale::one},
      {.name = "solve",
       .f = [](const Tensors& x) { return sg::solve(heavy(x[0]), x[1]); },
       .reference =
           [](const Denses& x) {
             const bool many = x[0].shape.size() > x[1].shape.size();
             Shape shape = x[1].shape;
             if (many) shape = Shape{x[0].shape[0], x[1].shape[0], x[1].shape[1]};
             return each_matrix(x, shape, [](const Square& a, Square b) {
               eliminate(heavy(a), b);
               return rows_of(b);
             });
           },
       .cases = cases({{{2, 2}, {2, 3}},
                       {{1, 1}, {1, 1}},
                       {{3, 3}, {3, 1}},
                       {{2, 2}, {2, 2, 1}},
                       {{2, 2, 2}, {2, 1}},
                       {{3, 3}, {3, 0}},
                       {{0, 0}, {0, 2}},
                       {{5, 5}, {5, 3}}},
                      any),
       .result = Result::floating,
       .tolerance = {32, 64, 64},
       .scale = Scale::terms},
      triangular("lower", {}),
      triangular("upper", {.lower = false}),
      triangular("lower transposed", {.transpose = true}),
      triangular("upper adjoint, unit diagonal", {.lower = false, .transpose = true, .conjugate = true, .unit_diagonal = true}),
      triangular("lower, unit diagonal", {.unit_diagonal = true}),
  };
}

/// A sum over `letters`, whose sizes come from the inputs: products of the inputs at the places of their letters.
Row einstein(const char* subscripts, const char* letters, std::vector<std::string> inputs, const std::string& output,
             Shapes shapes) {
  const auto reference = [=](const Denses& x) {
    const std::string all = letters;
    Shape sizes(all.size(), 0), shape(output.size(), 0);
    for (std::size_t i = 0; i < inputs.size(); ++i)
      for (std::size_t axis = 0; axis < inputs[i].size(); ++axis) {
        std::int64_t& size = sizes[all.find(inputs[i][axis])];
        size = size > 1 ? size : x[i].shape[axis];
      }
    for (std::size_t axis = 0; axis < output.size(); ++axis) shape[axis] = sizes[all.find(output[axis])];
    Dense y(shape);
    each_index(sizes, [&](const Index& at) {
      const auto place = [&](const std::string& part) {
        Index index(part.size(), 0);
        for (std::size_t axis = 0; axis < part.size(); ++axis) index[axis] = at[all.find(part[axis])];
        return index;
      };
      real term = 1;
      for (std::size_t i = 0; i < inputs.size(); ++i) term *= x[i](place(inputs[i]));
      y(place(output)) += term;
    });
    return y;
  };
  return {.name = std::string("einsum ") + subscripts,
          .f = [subscripts](const Tensors& x) { return sg::einsum(subscripts, x); },
          .reference = reference,
          .cases = cases(shapes, any),
          .tolerance = {6, 8, 8},
          .scale = Scale::terms};
}

std::vector<Row> sums_of_products() {
  return {
      einstein("ij,jk->ik", "ijk", {"ij", "jk"}, "ik",
               {{{2, 3}, {3, 2}}, {{2, 0}, {0, 2}}, {{1, 1}, {1, 1}}, {{4, 5}, {5, 3}}}),
      einstein("ij,jk", "ijk", {"ij", "jk"}, "ik", {{{2, 3}, {3, 2}}}),
      einstein("ba", "ab", {"ba"}, "ab", {{{2, 3}}}),
      einstein("bij,bjk->bik", "bijk", {"bij", "bjk"}, "bik", {{{2, 2, 1}, {2, 1, 2}}, {{0, 2, 1}, {0, 1, 2}}}),
      einstein("ii->i", "i", {"ii"}, "i", {{{3, 3}}, {{0, 0}}}),
      einstein("ii", "i", {"ii"}, "", {{{3, 3}}}),
      einstein("iij,jkj->ik", "ijk", {"iij", "jkj"}, "ik", {{{2, 2, 1}, {1, 2, 1}}, {{2, 2, 3}, {3, 2, 3}}}),
      einstein("ij->", "ij", {"ij"}, "", {{{2, 3}}, {{2, 0}}}),
      einstein("i,i->", "i", {"i", "i"}, "", {{{4}, {4}}, {{0}, {0}}}),
      einstein("i,j->ji", "ij", {"i", "j"}, "ji", {{{2}, {3}}}),
      einstein(",ij->ij", "ij", {"", "ij"}, "ij", {{{}, {2, 3}}}),
      einstein("ij,kj,i->k", "ijk", {"ij", "kj", "i"}, "k", {{{2, 2}, {2, 2}, {2}}, {{2, 3}, {1, 3}, {2}}}),
      einstein("ik,jl->j", "ijkl", {"ik", "jl"}, "j", {{{2, 2}, {2, 3}}}),
      einstein("...ij,...jk->...ik", "xyijk", {"xyij", "yjk"}, "xyik",
               {{{2, 1, 1, 2}, {2, 2, 1}}, {{2, 3, 1, 2}, {3, 2, 2}}, {{1, 1, 2, 2}, {2, 2, 2}}}),
      einstein("i...,i", "xi", {"ix", "i"}, "x", {{{2, 3}, {2}}}),
  };
}

Row matrix_product() {
  return {.name = "matmul",
          .f = two(sg::matmul),
          .reference = product,
          .cases = cases({{{2, 3}, {3, 2}},
                          {{1, 4}, {4, 1}},
                          {{3}, {3, 2}},
                          {{2, 3}, {3}},
                          {{3}, {3}},
                          {{0, 3}, {3, 2}},
                          {{2, 0}, {0, 2}},
                          {{0}, {0}},
                          {{4, 5}, {5, 3}},
                          {{2, 1, 2}, {2, 2, 2}},
                          {{2, 2, 2}, {2, 2}},
                          {{2, 2}, {2, 2, 2}},
                          {{2, 2}, {2, 2, 1}},
                          {{2, 1, 2}, {2}},
                          {{2}, {3, 2, 1}},
                          {{2, 1, 1, 2}, {3, 2, 1}},
                          {{1, 2, 1}, {3, 1, 1}},
                          {{0, 2, 2}, {2, 2}},
                          {{2, 2, 0}, {2, 0, 3}},
                          {{3, 2, 2}, {3, 2, 2}}},
                         any),
          .tolerance = {4, 4, 4},
          .scale = Scale::terms};
}

/// How many elements of a sorted lane come before the value or, on the right side, not after it.
Row search(const char* name, sg::Side side) {
  const auto reference = [side](const Denses& x) {
    Dense y(x[1].shape);
    each_index(y.shape, [&](const Index& i) {
      Index at = x[0].shape.size() == 1 ? Index{0} : i;
      for (at.back() = 0; at.back() < x[0].shape.back(); ++at.back()) {
        const real element = x[0](at), value = x[1](i);
        if (element < value || (element == value && side == sg::Side::right)) y(i) += 1;
      }
    });
    return y;
  };
  const Dense sorted = numbers({-2, -1, -1, 0, 3, 3, 5});
  constexpr double inf = __builtin_inf();
  return {.name = std::string("searchsorted ") + name,
          .f = [side](const Tensors& x) { return sg::searchsorted(sg::sort(x[0]), x[1], {.side = side}); },
          .reference =
              [=](Denses x) {
                const auto n = static_cast<std::ptrdiff_t>(x[0].shape.back());
                for (auto at = x[0].values.begin(); n > 0 && at != x[0].values.end(); at += n) std::sort(at, at + n);
                return reference(x);
              },
          .cases = {{sorted, Dense(Shape{2, 2}, Vector{-1, 3, 0.5, -9})},
                    {sorted, Dense(Shape{}, 3)},
                    {sorted, Dense(Shape{0})},
                    {Dense(Shape{0}), numbers({1, 2})},
                    {numbers({1}), numbers({0, 1, 2})},
                    {Dense(Shape{2, 3}, Vector{1, 2, 2, -1, 0, 4}), Dense(Shape{2, 2}, Vector{2, 0, 0, 5})},
                    {numbers({-inf, 0, 1, inf, inf}), numbers({-inf, inf, 0})}},
          .result = Result::index,
          .differentiable = false};
}

}  // namespace

std::vector<Row> linalg_rows() {
  std::vector<Row> rows = {matrix_product(), search("left", sg::Side::left), search("right", sg::Side::right)};
  for (const std::vector<Row>& part : {sums_of_products(), decompositions()}) rows.insert(rows.end(), part.begin(), part.end());
  return rows;
}

}  // namespace test
