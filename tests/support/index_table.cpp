// The rows of the operations with indices. Indices are constants of a row: repeated, negative, of any rank, none.

#include <numeric>

#include "support/op_table.h"

namespace test {
namespace {

struct Indices {
  const char* name;
  Dense values;
};

const std::vector<Indices> index_lists = {
    {"one", Dense(Shape{}, 1)},
    {"repeated and negative", numbers({1, 0, -1, 1, -2})},
    {"of rank 2", Dense(Shape{2, 2}, Vector{0, 1, 1, -1})},
    {"none", Dense(Shape{0}, 0)},
};

/// Calls f(place in x, place in what is taken) for every element that `indices` takes along the axis.
template <class F>
void each_taken(const Shape& shape, std::size_t axis, const Dense& indices, const F& f) {
  each_index(shape, [&](const Index& i) {
    if (i[axis] != 0) return;
    each_index(indices.shape, [&](const Index& k) {
      Index from = i;
      const auto index = static_cast<std::int64_t>(indices(k));
      from[axis] = index < 0 ? index + shape[axis] : index;
      std::vector<std::int64_t> to(i.begin(), i.begin() + axis);
      to.insert(to.end(), k.begin(), k.end());
      to.insert(to.end(), i.begin() + axis + 1, i.end());
      f(from, Index(to));
    });
  });
}

Shape taken_shape(const Shape& shape, std::size_t axis, const Shape& indices) {
  std::vector<std::int64_t> sizes(shape.begin(), shape.begin() + axis);
  sizes.insert(sizes.end(), indices.begin(), indices.end());
  sizes.insert(sizes.end(), shape.begin() + axis + 1, shape.end());
  return Shape(sizes);
}

Row take(int axis, const Indices& indices, const Shapes& shapes) {
  const Tensor list = to_tensor(indices.values, DType::int64);
  return {.name = "take axis " + std::to_string(axis) + ", indices " + indices.name,
          .f = [=](const Tensors& x) { return sg::take(x[0], list, {.axis = axis}); },
          .reference =
              [=](const Denses& x) {
                const std::size_t a = axis_of(axis, x[0].shape);
                Dense y(taken_shape(x[0].shape, a, indices.values.shape));
                each_taken(x[0].shape, a, indices.values, [&](const Index& from, const Index& to) { y(to) = x[0](from); });
                return y;
              },
          .cases = cases(shapes, any),
          .result = Result::same,
          .tolerance = {0, 2, 2}};
}

Row scatter_add(int axis, const Indices& indices, const std::vector<Shape>& shapes) {
  const Tensor list = to_tensor(indices.values, DType::int64);
  Shapes with_updates;
  for (const Shape& shape : shapes)
    with_updates.push_back({shape, taken_shape(shape, axis_of(axis, shape), indices.values.shape)});
  with_updates.push_back({shapes[0], Shape{}});  // the updates broadcast
  return {.name = "scatter_add axis " + std::to_string(axis) + ", indices " + indices.name,
          .f = [=](const Tensors& x) { return sg::scatter_add(x[0], list, x[1], {.axis = axis}); },
          .reference =
              [=](const Denses& x) {
                Dense y = x[0];
                each_taken(y.shape, axis_of(axis, y.shape), indices.values,
                           [&](const Index& to, const Index& from) { y(to) += x[1](from); });
                return y;
              },
          .cases = cases(with_updates, any),
          .result = Result::same,
          .tolerance = {4, 3, 3},
          .scale = Scale::terms,
          .dtypes = number_dtypes};
}

Row argsort(const char* name, int axis, bool descending) {
  const auto reference = [=](const Denses& x) {
    Dense y(x[0].shape);
    for (const auto& lane : lanes(y.shape, {.axis = axis})) {
      std::vector<std::size_t> order(lane.size());
      std::iota(order.begin(), order.end(), std::size_t{0});
      std::stable_sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) {
        const real a = x[0].values[lane[i]], b = x[0].values[lane[j]];
        return descending ? a > b : a < b;
      });
      for (std::size_t k = 0; k < lane.size(); ++k) y.values[lane[k]] = static_cast<real>(order[k]);
    }
    return y;
  };
  std::vector<Denses> points =
      cases({{Shape{5}}, {Shape{2, 3}}, {Shape{3, 1, 2}}, {Shape{0}}, {Shape{2, 0}}, {Shape{0, 2}}}, any);
  points.push_back({numbers({2, 1, 2, 1, 3, 1, 2})});
  return {.name = name,
          .f = [=](const Tensors& x) { return sg::argsort(x[0], {.axis = axis, .descending = descending}); },
          .reference = reference,
          .cases = points,
          .result = Result::index,
          .differentiable = false};
}

}  // namespace

std::vector<Row> indexing_rows() {
  std::vector<Row> rows = {argsort("argsort", -1, false), argsort("argsort descending", -1, true),
                           argsort("argsort axis 0", 0, false)};
  for (const Indices& indices : index_lists) {
    rows.push_back(take(0, indices, {{Shape{3}}, {Shape{2, 3}}, {Shape{2, 0}}}));
    rows.push_back(take(-1, indices, {{Shape{2, 3}}, {Shape{2, 1, 2}}}));
    rows.push_back(take(1, indices, {{Shape{2, 2, 2}}, {Shape{0, 2}}}));
    rows.push_back(scatter_add(0, indices, {{3}, {2, 3}, {2, 0}}));
    rows.push_back(scatter_add(-1, indices, {{2, 3}, {0, 2}}));
    rows.push_back(scatter_add(1, indices, {{1, 2, 2}}));
  }
  return rows;
}

}  // namespace test
