// Matrix products by Eigen. A product is cut into blocks of rows or columns whose borders depend on its shape only, and the blocks of
// all the matrices of a batch are spread over the threads: the bits are the same on any number of them.

#include "ops/matmul.h"
#include "cpu/matrix.h"
#include "ops/elementwise.h"

namespace scangrad::inline v0::cpu {
namespace {

bool is_half(DType dtype) { return dtype == DType::float16 || dtype == DType::bfloat16; }

/// Whether the elements along one of the last two axes have no gaps, so that Eigen's kernels take them as they are.
bool step_fits(const Array& x, std::size_t inner, std::size_t outer) {
  return (x.strides[inner] == 1 || x.shape()[inner] <= 1) && x.strides[outer] >= 0;
}
bool rows_fit(const Array& x) { return step_fits(x, x.shape().size() - 1, x.shape().size() - 2); }
bool columns_fit(const Array& x) { return step_fits(x, x.shape().size() - 2, x.shape().size() - 1); }

/// The operand with rows or columns that fit, halves as floats: as it is, or copied into `copy`.
const Array& packed(const Context& context, const Array& x, Array& copy) {
  if (!is_half(x.dtype()) && (rows_fit(x) || columns_fit(x))) return x;
  copy.spec = {x.shape(), is_half(x.dtype()) ? DType::float32 : x.dtype()};
  const ops::AsType convert(copy.spec.dtype);  // to the same dtype: a row-major copy
  const Array* in = &x;
  core::find_kernel(convert, context.device())(context, convert, Inputs(&in, 1), Outputs(&copy, 1));
  return copy;
}

/// The matrices of an operand: their size, and the steps from row to row and from column to column.
struct Layout {
  explicit Layout(const Array& x)
      : rows(x.shape()[x.shape().size() - 2]),
        columns(x.shape().back()),
        row_step(x.strides[x.shape().size() - 2]),
        column_step(x.strides.back()),
        row_major(rows_fit(x)) {}
  std::int64_t rows, columns, row_step, column_step;
  bool row_major;
};

template <class T, class F>
void with_matrix(const T* data, const Layout& x, const F& f) {
  using Map = ConstRows<T>;
  if (x.row_major) f(Map(data, x.rows, x.columns, Eigen::OuterStride<>(x.row_step)));
  else f(Map(data, x.columns, x.rows, Eigen::OuterStride<>(x.column_step)).transpose());
}

/// A range of rows or of columns of the product.
struct Block {
  bool of_rows;
  std::int64_t begin, size;
};

/// How a product is cut: along the longer side, into blocks large enough that packing the other operand for each costs little.
struct Cut {
  Cut(std::int64_t rows, std::int64_t columns)
      : of_rows(rows >= columns), length(of_rows ? rows : columns), count(std::max<std::int64_t>(length / size, 1)) {}
  Block block(std::int64_t i) const { return {of_rows, i * size, i + 1 < count ? size : length - i * size}; }

  static constexpr std::int64_t size = 256;
  bool of_rows;
  std::int64_t length, count;
};

template <class T>
void multiply(const T* a, Layout left, const T* b, Layout right, T* to, Block block) {
  const std::int64_t step = right.columns;
  if (block.of_rows) {
    a += block.begin * left.row_step;
    to += block.begin * step;
    left.rows = block.size;
  } else {
    b += block.begin * right.column_step;
    to += block.begin;
    right.columns = block.size;
  }
  StridedRows<T> product(to, left.rows, right.columns, Eigen::OuterStride<>(step));
  if (left.columns == 0) product.setZero();
  else with_matrix(a, left, [&](const auto& x) { with_matrix(b, right, [&](const auto& y) { product.noalias() = x * y; }); });
}

/// All products of a batch, into `to`, which is laid out as `out`.
template <class T>
void multiply_all(const Context& context, const Array& a, const Array& b, const Array& out, T* to) {
  const Layout left(a), right(b);
  const Cut cut(left.rows, right.columns);
  const auto lanes = over_items<3>(batch_axes(out, 2), {Batch{a, 2}, Batch{b, 2}, Batch{out, 2}});
  const std::int64_t work =
      std::max<std::int64_t>(left.rows * right.columns / cut.count, 1) * std::max<std::int64_t>(left.columns, 1);
  context.parallel_for(lanes.count() * cut.count, products_grain / work, [&](std::int64_t begin, std::int64_t end) {
    std::int64_t first = begin / cut.count * cut.count;  // the first block of the matrix
    lanes.for_each(begin / cut.count, (end - 1) / cut.count + 1, [&](const auto& at) {
      const std::int64_t last = std::min(end - first, cut.count);
      for (std::int64_t i = std::max<std::int64_t>(begin - first, 0); i < last; ++i)
        multiply(a.data<T>() + at[0], left, b.data<T>() + at[1], right, to + at[2], cut.block(i));
      first += cut.count;
    });
  });
}

void matmul(const Context& context, const Primitive&, Inputs ins, Outputs outs) {
  Array& out = outs[0];
  context.allocate(out);
  if (out.size() == 0) return;
  Array copies[2];
  const Array &a = packed(context, *ins[0], copies[0]), &b = packed(context, *ins[1], copies[1]);
  visit_checked(core::Numbers{}, out.dtype(), [&]<class T>() {
    T* to = out.data<T>();
    if constexpr (core::is_half_type<T>) {
      const auto wide = context.scratch<float>(out.size());
      multiply_all(context, a, b, out, wide.data());
      context.parallel_for(out.size(), parallel_grain, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) to[i] = T(wide.data()[i]);
      });
    } else if constexpr (std::is_integral_v<T>) {  // through unsigned numbers, which wrap
      multiply_all(context, a, b, out, reinterpret_cast<std::make_unsigned_t<T>*>(to));
    } else {
      multiply_all(context, a, b, out, to);
    }
  });
}

}  // namespace

void register_matmul() { core::add_kernel<ops::MatMul>(DeviceType::cpu, matmul); }

}  // namespace scangrad::inline v0::cpu
