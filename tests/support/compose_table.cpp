// The rows of the operations that are made of others: shapes, reductions, indexing.

#include <numeric>

#include "support/functions.h"
#include "support/op_table.h"

namespace test {
namespace {

using Make = real (*)(const Vector&);

/// A result element by element: value(index of the result, input).
template <class ShapeOf, class ValueAt>
Reference built(ShapeOf shape_of, ValueAt value) {
  return [=](const Denses& x) {
    Dense y(shape_of(x[0].shape));
    each_index(y.shape, [&](const Index& i) { y(i) = value(i, x[0]); });
    return y;
  };
}

template <class ShapeOf, class ValueAt>
Row mover(const char* name, Operation f, ShapeOf shape_of, ValueAt value, Shapes shapes) {
  return {.name = name,
          .f = std::move(f),
          .reference = built(shape_of, value),
          .cases = cases(shapes, any),
          .result = Result::same,
          .tolerance = {0, 2, 2}};
}

const auto same_shape = [](const Shape& s) { return s; };
const Shapes matrices = {{Shape{2, 3}}, {Shape{3, 3}}, {Shape{3, 1}}, {Shape{2, 0}}};

Row by(const char* name, sg::Tensor (*f)(const sg::Operand&, std::int64_t, const sg::AxisOptions&), std::int64_t n) {
  return mover(
      name, [=](const Tensors& x) { return f(x[0], n, {.axis = -1}); }, same_shape,
      [n](Index i, const Dense& x) {
        const std::int64_t size = x.shape.back();
        i.back() = ((i.back() - n) % size + size) % size;
        return x(i);
      },
      {{Shape{5}}, {Shape{2, 3}}, {Shape{2, 1}}, {Shape{2, 0}}});
}

Row shifted(const char* name, std::int64_t n) {
  return mover(
      name, [=](const Tensors& x) { return sg::shift(x[0], n, 1, {.axis = -1}); }, same_shape,
      [n](Index i, const Dense& x) -> real {
        i.back() -= n;
        return i.back() < 0 || i.back() >= x.shape.back() ? 1 : x(i);
      },
      {{Shape{5}}, {Shape{2, 3}}, {Shape{2, 1}}, {Shape{2, 0}}});
}

Row repeated(const char* name, bool tiled) {
  return mover(
      name,
      [=](const Tensors& x) {
        std::vector<std::int64_t> times(static_cast<std::size_t>(x[0].rank()), 1);
        times.back() = 3;
        return tiled ? sg::tile(x[0], Shape(times)) : sg::repeat(x[0], 3, {.axis = -1});
      },
      [](Shape s) {
        s.back() *= 3;
        return s;
      },
      [tiled](Index i, const Dense& x) {
        i.back() = tiled ? i.back() % x.shape.back() : i.back() / 3;
        return x(i);
      },
      {{Shape{4}}, {Shape{2, 3}}, {Shape{2, 1}}, {Shape{0}}});
}

Row triangle(const char* name, Tensor (*f)(const sg::Operand&, std::int64_t), std::int64_t offset, bool upper) {
  return mover(
      name, [=](const Tensors& x) { return f(x[0], offset); }, same_shape,
      [=](const Index& i, const Dense& x) -> real {
        const std::int64_t right = i[1] - i[0] - offset;
        return (upper ? right >= 0 : right <= 0) ? x(i) : 0;
      },
      matrices);
}

Row permuted(const char* name, Operation f, std::size_t a, std::size_t b, std::size_t c) {
  return mover(
      name, std::move(f),
      [=](const Shape& s) {
        return Shape{s[a], s[b], s[c]};
      },
      [=](const Index& i, const Dense& x) {
        Index from(3, 0);
        from[a] = i[0], from[b] = i[1], from[c] = i[2];
        return x(from);
      },
      {{Shape{2, 3, 4}}, {Shape{2, 0, 1}}});
}

/// A reduction of all elements and of the last axis.
std::vector<Row> reductions(const std::string& name, const std::function<Tensor(const Tensor&, sg::Axes, bool)>& f,
                            Make definition, Result result, Tolerance tolerance, bool differentiable, Shapes shapes) {
  std::vector<Row> rows;
  const auto add = [&](const char* suffix, sg::Axes axes, Over over, bool keepdims) {
    rows.push_back({.name = name + suffix,
                    .f = [=](const Tensors& x) { return f(x[0], axes, keepdims); },
                    .reference = reduction(over, keepdims, definition),
                    .cases = cases(shapes, any),
                    .result = result,
                    .tolerance = tolerance,
                    .scale = Scale::terms,
                    .differentiable = differentiable});
  };
  add(" axis -1", -1, {false, {-1}}, false);
  add(" axis 0 keepdims", 0, {false, {0}}, true);
  return rows;
}

template <class Options>
auto with(Tensor (*f)(const sg::Operand&, const Options&)) {
  return [f](const Tensor& x, sg::Axes axes, bool keepdims) { return f(x, Options{.axis = axes, .keepdims = keepdims}); };
}

real place_of(const Vector& v, bool largest) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < v.size(); ++i)
    if (largest ? v[i] > v[best] : v[i] < v[best]) best = i;
  return static_cast<real>(best);
}

real variance(const Vector& v) {
  real squares = 0;
  const real center = sum_of(v) / static_cast<real>(v.size());
  for (real x : v) squares += (x - center) * (x - center);
  return squares / static_cast<real>(v.size());
}

}  // namespace

std::vector<Row> composed_movement_rows() {
  return {
      permuted(
          "moveaxis", [](const Tensors& x) { return sg::moveaxis(x[0], 0, -1); }, 1, 2, 0),
      permuted(
          "swapaxes", [](const Tensors& x) { return sg::swapaxes(x[0], 0, -1); }, 2, 1, 0),
      mover(
          "split",
          [](const Tensors& x) {
            return sg::split(x[0], {1, 2})[1];
          },
          [](const Shape&) { return Shape{2}; }, [](Index i, const Dense& x) { return x(Index{i[0] + 1}); }, {{Shape{3}}}),
      mover(
          "operator[]", [](const Tensors& x) { return x[0][-1]; }, [](const Shape& s) { return Shape{s[1]}; },
          [](Index i, const Dense& x) {
            return x(Index{x.shape[0] - 1, i[0]});
          },
          {{Shape{2, 3}}, {Shape{1, 0}}}),
      mover(
          "pad",
          [](const Tensors& x) {
            return sg::pad(x[0], {{1, 0}, {0, 2}}, 1);
          },
          [](const Shape& s) {
            return Shape{s[0] + 1, s[1] + 2};
          },
          [](const Index& i, const Dense& x) -> real {
            return i[0] == 0 || i[1] >= x.shape[1] ? 1 : x(Index{i[0] - 1, i[1]});
          },
          matrices),
      by("roll by 2", sg::roll, 2),
      by("roll by -8", sg::roll, -8),
      shifted("shift by 1", 1),
      shifted("shift by -2", -2),
      repeated("repeat", false),
      repeated("tile", true),
      triangle("tril", sg::tril, 0, false),
      triangle("tril below", sg::tril, -1, false),
      triangle("triu", sg::triu, 0, true),
      triangle("triu above", sg::triu, 1, true),
      mover(
          "diag of a vector", [](const Tensors& x) { return sg::diag(x[0]); },
          [](const Shape& s) {
            return Shape{s[0], s[0]};
          },
          [](const Index& i, const Dense& x) -> real { return i[0] == i[1] ? x(Index{i[0]}) : 0; }, {{Shape{3}}, {Shape{0}}}),
      mover(
          "diag of a matrix", [](const Tensors& x) { return sg::diag(x[0]); },
          [](const Shape& s) { return Shape{std::min(s[0], s[1])}; },
          [](const Index& i, const Dense& x) {
            return x(Index{i[0], i[0]});
          },
          matrices),
  };
}

std::vector<Row> composed_indexing_rows() {
  const Tensor places = {{2, 0}, {1, -1}};
  const auto sorted = [](const Dense& x, std::size_t k, bool falling) {
    Vector v = x.values;
    std::sort(v.begin(), v.end());
    return v[falling ? v.size() - 1 - k : k];
  };
  return {
      mover(
          "take_along_axis", [places](const Tensors& x) { return sg::take_along_axis(x[0], places, {.axis = 1}); },
          [](const Shape&) {
            return Shape{2, 2};
          },
          [](const Index& i, const Dense& x) {
            constexpr std::int64_t at[2][2] = {{2, 0}, {1, 2}};
            return x(Index{i[0], at[i[0]][i[1]]});
          },
          {{Shape{2, 3}}, {Shape{1, 3}}}),
      {.name = "segment_sum",
       .f =
           [](const Tensors& x) {
             return sg::segment_sum(x[0], Tensor{1, 1, 0}, 3);
           },
       .reference = built(
           [](const Shape& s) {
             return Shape{3, s[1]};
           },
           [](const Index& i, const Dense& x) -> real {
             if (i[0] == 2) return 0;
             return i[0] == 0 ? x(Index{2, i[1]}) : x(Index{0, i[1]}) + x(Index{1, i[1]});
           }),
       .cases = cases({{Shape{3, 2}}, {Shape{3, 0}}}, any),
       .tolerance = {1, 1, 1},
       .scale = Scale::terms},
      {.name = "one_hot",
       .f = [](const Tensors& x) { return sg::one_hot(sg::argsort(x[0]), 4) * 1.0; },
       .reference = built(
           [](const Shape& s) {
             return Shape{s[0], 4};
           },
           [](const Index& i, const Dense& x) -> real {
             if (i[1] >= static_cast<std::int64_t>(x.size())) return 0;
             std::int64_t smaller_ones = 0;
             for (real other : x.values) smaller_ones += other < x(Index{i[1]});
             return smaller_ones == i[0];
           }),
       .cases = {{numbers({3, 1, 2})}},
       .result = Result::float64,
       .differentiable = false,
       .dtypes = {DType::int64, DType::float32, DType::float64}},
      mover(
          "sort", [](const Tensors& x) { return sg::sort(x[0]); }, same_shape,
          [=](const Index& i, const Dense& x) { return sorted(x, static_cast<std::size_t>(i[0]), false); },
          {{Shape{5}}, {Shape{1}}}),
      mover(
          "topk", [](const Tensors& x) { return sg::topk(x[0], 2).values; }, [](const Shape&) { return Shape{2}; },
          [=](const Index& i, const Dense& x) { return sorted(x, static_cast<std::size_t>(i[0]), true); },
          {{Shape{5}}, {Shape{2}}}),
      {.name = "dot",
       .f = two(sg::dot),
       .reference =
           [](const Denses& x) {
             Dense y;
             for (std::size_t i = 0; i < x[0].size(); ++i) y.values[0] += x[0].values[i] * x[1].values[i];
             return y;
           },
       .cases = cases({{{4}, {4}}, {{0}, {0}}}, any),
       .tolerance = {4, 2, 2},
       .scale = Scale::terms},
      {.name = "outer",
       .f = two(sg::outer),
       .reference =
           [](const Denses& x) {
             Dense y(Shape{x[0].shape[0], x[1].shape[0]});
             each_index(y.shape, [&](const Index& i) { y(i) = x[0](Index{i[0]}) * x[1](Index{i[1]}); });
             return y;
           },
       .cases = cases({{{2}, {3}}, {{0}, {2}}}, any),
       .tolerance = {1, 4, 4},
       .scale = Scale::terms},
  };
}

std::vector<Row> composed_reduction_rows() {
  const Shapes shapes = {{Shape{4}}, {Shape{2, 3}}, {Shape{2, 1, 3}}};
  std::vector<Row> rows;
  const auto add = [&rows](std::vector<Row> more) { rows.insert(rows.end(), more.begin(), more.end()); };
  add(reductions(
      "prod", with<sg::ReduceOptions>(sg::prod),
      [](const Vector& v) {
        real product = 1;
        for (real x : v) product *= x;
        return product;
      },
      Result::number, {4, 8, 12}, true, shapes));
  add(reductions(
      "norm", with<sg::ReduceOptions>(sg::norm),
      [](const Vector& v) {
        real squares = 0;
        for (real x : v) squares += x * x;
        return sqrt(squares);
      },
      Result::floating, {4, 16, 48}, true, shapes));
  add(reductions("var", with<sg::VarOptions>(sg::var), variance, Result::floating, {8, 128, 32}, true,
                 {{Shape{4}}, {Shape{2, 3}}}));
  add(reductions(
      "any", with<sg::ReduceOptions>(sg::any),
      [](const Vector& v) {
        real result = 0;
        for (real x : v) result = result != 0 || x != 0;
        return result;
      },
      Result::boolean, {}, false, shapes));
  add(reductions(
      "all", with<sg::ReduceOptions>(sg::all),
      [](const Vector& v) {
        real result = 1;
        for (real x : v) result = result != 0 && x != 0;
        return result;
      },
      Result::boolean, {}, false, shapes));
  add(reductions(
      "argmax", with<sg::ArgOptions>(sg::argmax), [](const Vector& v) { return place_of(v, true); }, Result::index, {}, false,
      shapes));
  add(reductions(
      "argmin", with<sg::ArgOptions>(sg::argmin), [](const Vector& v) { return place_of(v, false); }, Result::index, {}, false,
      shapes));
  rows.push_back({.name = "std",
                  .f = [](const Tensors& x) { return sg::std(x[0], {.axis = -1}); },
                  .reference = reduction(Over{false, {-1}}, false, [](const Vector& v) { return sqrt(variance(v)); }),
                  .cases = cases({{Shape{2, 4}}}, any),
                  .result = Result::floating,
                  .tolerance = {16, 32, 64},
                  .scale = Scale::terms,
                  .dtypes = {DType::float32, DType::float64}});
  return rows;
}

}  // namespace test
