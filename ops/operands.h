#pragma once
// From what the user wrote to what a primitive takes: numbers become tensors, dtypes meet, shapes broadcast, wrong ones throw.

#include "core/dtype_visit.h"
#include "core/error.h"
#include "core/node.h"
#include "scangrad/ops.h"

namespace scangrad::inline v0::ops {

using core::apply;
using core::BatchResult;
using core::CallScope;
using core::check;
using core::fail;
using core::Ins;
using core::make_primitive;
using core::MappedMask;
using core::MaybeTensor;
using core::MaybeTensors;
using core::Outs;
using core::Primitive;
using core::PrimitiveRef;
using core::shared_primitive;
using core::Spec;
using core::Specs;
using core::Tangents;
using core::WantedMask;
using detail::Access;

/// A Tensor as it is; a number as a rank-0 tensor of its own dtype (float: float32, integers: int64).
Tensor as_tensor(const Operand& x);

/// The dtype in which two operands meet.
DType common_dtype(const Operand& a, const Operand& b);
/// An operand in the given dtype.
Tensor in_dtype(const Operand& x, DType dtype);
/// Floating operands as they are, bool and integers as float64.
Tensor as_floating(const Operand& x);
/// bool as int64.
Tensor as_number(const Operand& x);

constexpr DType float_dtype(DType t) { return is_inexact(t) ? t : DType::float64; }
constexpr DType number_dtype(DType t) { return t == DType::boolean ? DType::int64 : t; }

/// The shape in which two shapes meet; throws where they do not.
Shape broadcast_shapes(const Shape& a, const Shape& b);
bool broadcasts_to(const Shape& from, const Shape& to);

/// Throws unless the operation makes sense for the dtype.
template <class List>
void check_dtype(List, DType dtype) {
  if (core::holds(List{}, dtype)) [[likely]]
    return;
  if (is_complex(dtype)) fail("{} tensors have no {}; take real, imag or abs first", dtype, CallScope::op());
  fail("{} tensors have no {}; convert with astype", dtype, CallScope::op());
}

inline const Shape& shape_of(const Tensor& x) { return core::node_of(x).value.spec.shape; }
inline DType dtype_of_tensor(const Tensor& x) { return core::node_of(x).value.spec.dtype; }

}  // namespace scangrad::inline v0::ops
