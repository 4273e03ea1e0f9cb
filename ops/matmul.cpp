#include "ops/matmul.h"

namespace scangrad::inline v0 {
namespace ops {

MaybeTensors MatMul::jvp(Ins ins, Outs, Tangents t) const {
  return {sum_of(map(t[0], [&](const Tensor& ta) { return matmul(ta, ins[1]); }),
                 map(t[1], [&](const Tensor& tb) { return matmul(ins[0], tb); }))};
}

MaybeTensors MatMul::vjp(Ins ins, Outs, Tangents g, WantedMask wanted) const {
  MaybeTensors result(2);
  if (wanted[0]) result[0] = matmul(*g[0], transpose(conjugate(ins[1])));
  if (wanted[1]) result[1] = matmul(transpose(conjugate(ins[0])), *g[0]);
  return result;
}

}  // namespace ops

using namespace ops;

Tensor matmul(const Operand& a, const Operand& b) {
  const CallScope scope("matmul", a.site());
  const DType dtype = number_dtype(common_dtype(a, b));
  check_dtype(core::Numbers{}, dtype);
  Tensor x = in_dtype(a, dtype), y = in_dtype(b, dtype);
  const Shape left = shape_of(x), right = shape_of(y);
  for (const Shape* shape : {&left, &right})
    check(shape->size() == 1 || shape->size() == 2, "takes matrices and vectors, given the shapes {} and {}", left, right);
  if (left.size() == 1) x = expand_dims(x, 0);
  if (right.size() == 1) y = expand_dims(y, 1);
  check(shape_of(x)[1] == shape_of(y)[0], "shapes {} and {} do not match: the inner sizes are {} and {}, which must be equal",
        left, right, shape_of(x)[1], shape_of(y)[0]);
  const std::int64_t rows = shape_of(x)[0], columns = shape_of(y)[1];
  core::checked_size({rows, columns}, item_size(dtype));
  const Tensor product = apply(shared_primitive<MatMul>(), {{rows, columns}, dtype}, {std::move(x), std::move(y)});
  if (left.size() == 2 && right.size() == 2) return product;
  if (left.size() == 2) return reshape(product, {rows});
  return right.size() == 2 ? reshape(product, {columns}) : reshape(product, {});
}

}  // namespace scangrad::inline v0
