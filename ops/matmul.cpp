#include "ops/matmul.h"

namespace scangrad::inline v0 {
namespace ops {
namespace {

/// (..., m, n) to (m, ... n): the matrices of a batch side by side.
Tensor side_by_side(const Tensor& x) {
  const std::int64_t rows = rows_of(x), columns = core::count(batch_of(x)) * columns_of(x);
  return reshape(moveaxis(x, -2, 0), {rows, columns});
}

/// Products of matching shapes. A matrix that stands beside a batch meets all of its rows (or vectors) in one product.
Tensor product(const Tensor& x, const Tensor& y) {
  const Shape batch = common_batch(x, y);
  const std::size_t left = shape_of(x).size(), right = shape_of(y).size();
  const std::int64_t rows = rows_of(x), columns = columns_of(y);
  Shape shape = matrices(batch, rows, columns);
  core::checked_size(shape, item_size(dtype_of_tensor(x)));
  if (right == 2 && left > 2) return reshape(product(reshape(x, {core::count(batch) * rows, columns_of(x)}), y), shape);
  if (left == 2 && right > 2 && columns == 1) return matrix_transpose(product(matrix_transpose(y), matrix_transpose(x)));
  return apply(shared_primitive<MatMul>(), {std::move(shape), dtype_of_tensor(x)}, {x, y});
}

}  // namespace

Shape batch_of(const Tensor& x) { return Shape(std::span(shape_of(x).begin(), shape_of(x).end() - 2)); }

Shape common_batch(const Tensor& a, const Tensor& b) {
  const Shape left = batch_of(a), right = batch_of(b);
  if (left == right || right.empty()) return left;
  const Shape& longer = left.size() >= right.size() ? left : right;
  const Shape& shorter = left.size() >= right.size() ? right : left;
  Shape result = longer;
  for (std::size_t i = 0; i < shorter.size(); ++i) {
    std::int64_t& size = result[longer.size() - shorter.size() + i];
    check(size == shorter[i] || size == 1 || shorter[i] == 1,
          "shapes {} and {} do not match: the batch axes {} and {} do not broadcast; sizes must be equal or 1", shape_of(a),
          shape_of(b), left, right);
    if (size == 1) size = shorter[i];
  }
  return result;
}

Shape matrices(const Shape& batch, std::int64_t rows, std::int64_t columns) {
  Shape shape(batch.size() + 2, rows);
  std::copy(batch.begin(), batch.end(), shape.begin());
  shape.back() = columns;
  return shape;
}

Tensor matrix_transpose(const Tensor& x) { return swapaxes(x, -2, -1); }
Tensor conj_transpose(const Tensor& x) { return matrix_transpose(conjugate(x)); }

MaybeTensors MatMul::jvp(Ins ins, Outs, Tangents t) const {
  return {sum_of(map(t[0], [&](const Tensor& ta) { return matmul(ta, ins[1]); }),
                 map(t[1], [&](const Tensor& tb) { return matmul(ins[0], tb); }))};
}

// G B^H and A^H G, each summed over the batch axes that its matrix was repeated along.
MaybeTensors MatMul::vjp(Ins ins, Outs, Tangents g, WantedMask wanted) const {
  const Tensor &a = ins[0], &b = ins[1];
  const bool one_matrix = shape_of(a).size() == 2 && shape_of(b).size() > 2;
  MaybeTensors result(2);
  if (wanted[0] && one_matrix) result[0] = matmul(side_by_side(*g[0]), conj_transpose(side_by_side(b)));
  else if (wanted[0]) result[0] = unbroadcast(matmul(*g[0], conj_transpose(b)), shape_of(a));
  if (wanted[1]) result[1] = unbroadcast(matmul(conj_transpose(a), *g[0]), shape_of(b));
  return result;
}

BatchResult MatMul::vmap(Ins ins, MappedMask mapped, Specs outs) const {
  const auto part = [&](std::size_t i) { return mapped[i] ? aligned(ins[i], outs[0].shape.size()) : ins[i]; };
  return {{matmul(part(0), part(1))}, {true}};
}

}  // namespace ops

using namespace ops;

Tensor matmul(const Operand& a, const Operand& b) {
  const CallScope scope("matmul", a.site());
  const DType dtype = number_dtype(common_dtype(a, b));
  check_dtype(core::Numbers{}, dtype);
  Tensor x = in_dtype(a, dtype), y = in_dtype(b, dtype);
  const Shape left = shape_of(x), right = shape_of(y);
  check(!left.empty() && !right.empty(), "takes tensors of one axis or more, given the shapes {} and {}", left, right);
  if (left.size() == 1) x = expand_dims(x, 0);
  if (right.size() == 1) y = expand_dims(y, 1);
  check(columns_of(x) == rows_of(y), "shapes {} and {} do not match: the inner sizes are {} and {}, which must be equal", left,
        right, columns_of(x), rows_of(y));
  const Tensor z = product(x, y);
  if (left.size() == 1 && right.size() == 1) return reshape(z, {});
  return left.size() == 1 ? squeeze(z, -2) : right.size() == 1 ? squeeze(z, -1) : z;
}

}  // namespace scangrad::inline v0
