// The rows of the operations that move elements: shapes and indices.

#include "support/op_table.h"

namespace test {
namespace {

constexpr Tolerance exact = {0, 2, 2};  // gradients of repeated elements are sums

Row mover(std::string name, Operation f, Reference reference, Shapes shapes) {
  return {.name = std::move(name),
          .f = std::move(f),
          .reference = std::move(reference),
          .cases = cases(shapes, any),
          .result = Result::same,
          .tolerance = exact};
}

/// To a fixed shape, in row-major order.
Row expand(const char* name, sg::Axes axes, Shape to, Shapes shapes) {
  return mover(
      name, [axes](const Tensors& x) { return sg::expand_dims(x[0], axes); }, reshaped(to), std::move(shapes));
}
Row squeeze(const char* name, sg::Axes axes, Shape to, Shapes shapes) {
  return mover(
      name, [axes](const Tensors& x) { return sg::squeeze(x[0], axes); }, reshaped(to), std::move(shapes));
}
Row reshape(const char* name, Shape given, Shape to, Shapes shapes) {
  return mover(
      name, [given](const Tensors& x) { return sg::reshape(x[0], given); }, reshaped(to), std::move(shapes));
}

Row broadcast_to(const char* name, Shape to, Shapes shapes) {
  return mover(
      name, [to](const Tensors& x) { return sg::broadcast_to(x[0], to); },
      moved([to](const Shape&) { return to; }, [](const Index& i, const Shape&) { return i; }), std::move(shapes));
}

/// Axis i of the result is axis order(i, rank) of x.
Row transpose(const char* name, sg::Axes axes, std::size_t (*order)(std::size_t i, std::size_t rank), Shapes shapes) {
  const auto permuted = [order](const Shape& shape) {
    Shape result = shape;
    for (std::size_t i = 0; i < shape.size(); ++i) result[i] = shape[order(i, shape.size())];
    return result;
  };
  const auto back = [order](const Index& index, const Shape&) {
    Index result = index;
    for (std::size_t i = 0; i < index.size(); ++i) result[order(i, index.size())] = index[i];
    return result;
  };
  return mover(
      name, [axes](const Tensors& x) { return sg::transpose(x[0], axes); }, moved(permuted, back), std::move(shapes));
}

Row flip(const char* name, sg::Axes axes, Over over, Shapes shapes) {
  const auto mirrored = [over](Index index, const Shape& shape) {
    const std::vector<bool> mask = over.mask(shape);
    for (std::size_t i = 0; i < index.size(); ++i)
      if (mask[i]) index[i] = shape[i] - 1 - index[i];
    return index;
  };
  return mover(
      name, [axes](const Tensors& x) { return sg::flip(x[0], axes); },
      moved([](const Shape& shape) { return shape; }, mirrored), std::move(shapes));
}

/// `count` elements of an axis, from `begin` by `step`: what the options should come to.
Row slice(const char* name, sg::SliceOptions options, int axis, std::int64_t begin, std::int64_t step, std::int64_t count,
          Shapes shapes) {
  const auto shortened = [=](Shape shape) {
    shape[axis_of(axis, shape)] = count;
    return shape;
  };
  const auto stepped = [=](Index index, const Shape& shape) {
    std::int64_t& at = index[axis_of(axis, shape)];
    at = begin + step * at;
    return index;
  };
  return mover(
      name, [options](const Tensors& x) { return sg::slice(x[0], options); }, moved(shortened, stepped), std::move(shapes));
}

/// The inputs one after the other along an axis; to stack is to join along a new one.
Dense joined(const Denses& x, int axis) {
  const std::size_t a = axis_of(axis, x[0].shape);
  Dense y(x[0].shape);
  for (std::size_t k = 1; k < x.size(); ++k) y.shape[a] += x[k].shape[a];
  y = Dense(y.shape);
  std::int64_t before = 0;
  for (const Dense& part : x) {
    each_index(part.shape, [&](const Index& i) {
      Index place = i;
      place[a] += before;
      y.values[y.place(place)] = part(i);
    });
    before += part.shape[a];
  }
  return y;
}

Row concatenate(const char* name, int axis, Shapes shapes) {
  return mover(
      name, [axis](const Tensors& x) { return sg::concatenate(x, {.axis = axis}); },
      [axis](const Denses& x) { return joined(x, axis); }, std::move(shapes));
}

Row stack(const char* name, int axis, Shapes shapes) {
  const auto reference = [axis](Denses x) {
    for (Dense& part : x) {
      std::vector<std::int64_t> sizes(part.shape.begin(), part.shape.end());
      sizes.insert(sizes.begin() + (axis < 0 ? axis + static_cast<int>(sizes.size()) + 1 : axis), 1);
      part.shape = Shape(sizes);
    }
    return joined(x, axis);
  };
  return mover(
      name, [axis](const Tensors& x) { return sg::stack(x, {.axis = axis}); }, reference, std::move(shapes));
}

Row full_row() {
  const Shape shape = {2, 3};
  return mover(
      "full", [=](const Tensors& x) { return sg::full(shape, x[0]); },
      [=](const Denses& x) { return Dense(shape, x[0].values[0]); }, {{Shape{}}});
}

std::vector<Row> shape_rows() {
  return {
      reshape("reshape (3, 2)", {3, 2}, {3, 2}, {{Shape{2, 3}}, {Shape{6}}, {Shape{1, 2, 3}}}),
      reshape("reshape (2, -1)", {2, -1}, {2, 3}, {{Shape{3, 2}}, {Shape{6}}}),
      reshape("reshape ()", {}, {}, {{Shape{1}}, {Shape{1, 1}}, {Shape{}}}),
      reshape("reshape (0, 2)", {0, 2}, {0, 2}, {{Shape{0}}, {Shape{3, 0}}}),
      broadcast_to("broadcast_to (2, 3)", {2, 3}, {{Shape{}}, {Shape{3}}, {Shape{2, 1}}, {Shape{1, 1}}, {Shape{2, 3}}}),
      broadcast_to("broadcast_to (2, 0, 3)", {2, 0, 3}, {{Shape{}}, {Shape{3}}, {Shape{1, 1}}, {Shape{2, 1, 1}}}),
      transpose("transpose", {}, [](std::size_t i, std::size_t rank) { return rank - 1 - i; },
                {{Shape{}}, {Shape{3}}, {Shape{2, 3}}, {Shape{2, 3, 2}}, {Shape{0, 2}}}),
      transpose("transpose 1, 2, 0", {1, -1, 0}, [](std::size_t i, std::size_t) { return (i + 1) % 3; },
                {{Shape{2, 3, 1}}, {Shape{2, 1, 3}}, {Shape{2, 0, 3}}}),
      expand("expand_dims 0", 0, {1, 3}, {{Shape{3}}}),
      expand("expand_dims 1 and -1", {1, -1}, {2, 1, 3, 1}, {{Shape{2, 3}}}),
      squeeze("squeeze", {}, {2, 3}, {{Shape{1, 2, 1, 3}}, {Shape{2, 3}}}),
      squeeze("squeeze axis -2", -2, {1, 2, 3}, {{Shape{1, 2, 1, 3}}}),
  };
}

std::vector<Row> part_rows() {
  return {
      flip("flip", {}, {}, {{Shape{}}, {Shape{3}}, {Shape{2, 3}}, {Shape{0, 2}}}),
      flip("flip axis 0", 0, {false, {0}}, {{Shape{3}}, {Shape{2, 3}}, {Shape{1, 2}}, {Shape{0}}}),
      flip("flip axes -1 and 0", {-1, 0}, {false, {0, -1}}, {{Shape{2, 3}}, {Shape{2, 2, 3}}}),
      slice("slice axis 1, from 1 by 2", {.axis = 1, .begin = 1, .step = 2}, 1, 1, 2, 2,
            {{Shape{2, 4}}, {Shape{1, 5, 2}}, {Shape{0, 4}}}),
      slice("slice the last two", {.axis = -1, .begin = -2}, -1, 1, 1, 2, {{Shape{3}}, {Shape{2, 3}}}),
      slice("slice beyond the end", {.axis = 0, .begin = -9, .end = 9}, 0, 0, 1, 3, {{Shape{3}}, {Shape{3, 2}}}),
      slice("slice nothing", {.begin = 2, .end = 1}, 0, 0, 1, 0, {{Shape{3}}, {Shape{3, 2}}, {Shape{0}}}),
      concatenate("concatenate axis 0", 0, {{{2}, {3}, {1}}, {{2, 3}, {1, 3}}, {{0, 2}, {2, 2}}, {{4}}, {{0}, {0}}}),
      concatenate("concatenate axis -1", -1, {{{2, 1}, {2, 3}}, {{2, 1, 2}, {2, 1, 1}, {2, 1, 0}}}),
      stack("stack axis 0", 0, {{{}, {}, {}}, {{2}, {2}}, {{2, 3}, {2, 3}}, {{0}, {0}}}),
      stack("stack axis -1", -1, {{{2}, {2}, {2}}, {{2, 3}, {2, 3}}, {{3}}}),
      full_row(),
  };
}

}  // namespace

std::vector<Row> movement_rows() {
  std::vector<Row> rows = shape_rows();
  const std::vector<Row> parts = part_rows();
  rows.insert(rows.end(), parts.begin(), parts.end());
  return rows;
}

}  // namespace test
