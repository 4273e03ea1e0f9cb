#pragma once
// The product of matrices, and what is needed to work on batches of them: tensors (..., m, n) whose leading axes broadcast.

#include "ops/rules.h"

namespace scangrad::inline v0::ops {

/// (..., m, k) by (..., k, n).
struct MatMul final : Primitive {
  std::string_view name() const override { return "matmul"; }
  BatchResult vmap(Ins ins, MappedMask mapped, Specs outs) const override;
  MaybeTensors jvp(Ins ins, Outs outs, Tangents t) const override;
  MaybeTensors vjp(Ins ins, Outs outs, Tangents g, WantedMask wanted) const override;
};

/// Axis -1 or -2 of a tensor that has it.
inline std::int64_t rows_of(const Tensor& x) { return shape_of(x)[shape_of(x).size() - 2]; }
inline std::int64_t columns_of(const Tensor& x) { return shape_of(x).back(); }
/// All axes but the last two.
Shape batch_of(const Tensor& x);
/// The batch axes in which two tensors of matrices meet; throws where they do not.
Shape common_batch(const Tensor& a, const Tensor& b);
/// (..., rows, columns)
Shape matrices(const Shape& batch, std::int64_t rows, std::int64_t columns);
/// (..., m, n) to (..., n, m).
Tensor matrix_transpose(const Tensor& x);
/// The same, conjugated.
Tensor conj_transpose(const Tensor& x);

}  // namespace scangrad::inline v0::ops
