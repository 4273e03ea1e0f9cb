#include "ops/elementwise.h"

namespace scangrad::inline v0 {
namespace ops {
namespace {

template <class P>
Tensor unary(const Tensor& x) {
  return apply(shared_primitive<P>(), core::node_of(x).value.spec, {x});
}

template <class P>
Tensor float_function(const Operand& x) {
  const CallScope scope(shared_primitive<P>()->name(), x.site());
  const Tensor tensor = as_floating(x);
  check_dtype(core::Floats{}, dtype_of_tensor(tensor));
  return unary<P>(tensor);
}

template <class P>
Tensor number_function(const Operand& x) {
  const CallScope scope(shared_primitive<P>()->name(), x.site());
  const Tensor tensor = as_number(x);
  check_dtype(core::Numbers{}, dtype_of_tensor(tensor));
  return unary<P>(tensor);
}

template <class P>
Tensor binary(const Operand& a, const Operand& b, DType dtype, DType out) {
  Tensor x = in_dtype(a, dtype), y = in_dtype(b, dtype);
  Shape shape = broadcast_shapes(shape_of(x), shape_of(y));
  return apply(shared_primitive<P>(), {std::move(shape), out}, {std::move(x), std::move(y)});
}

template <class P>
Tensor arithmetic(const Operand& a, const Operand& b, DType (*in)(DType) = number_dtype) {
  const CallScope scope(shared_primitive<P>()->name(), a.site());
  const DType dtype = in(common_dtype(a, b));
  check_dtype(core::Numbers{}, dtype);
  return binary<P>(a, b, dtype, dtype);
}

template <class P>
Tensor comparison(const Operand& a, const Operand& b) {
  const CallScope scope(shared_primitive<P>()->name(), a.site());
  const DType dtype = common_dtype(a, b);
  check_dtype(core::Working{}, dtype);
  return binary<P>(a, b, dtype, DType::boolean);
}

DType divided(DType t) { return float_dtype(t); }

}  // namespace

MaybeTensors AsType::jvp(Ins, Outs, Tangents t) const {
  if (!is_inexact(dtype)) return {std::nullopt};
  return {astype(*t[0], dtype)};
}

MaybeTensors AsType::vjp(Ins ins, Outs, Tangents g, WantedMask) const { return {astype(*g[0], ins[0].dtype())}; }

}  // namespace ops

using namespace ops;  // the primitives and helpers of this file's other half

Tensor add(const Operand& a, const Operand& b) { return arithmetic<Add>(a, b); }
Tensor subtract(const Operand& a, const Operand& b) { return arithmetic<Subtract>(a, b); }
Tensor multiply(const Operand& a, const Operand& b) { return arithmetic<Multiply>(a, b); }
Tensor divide(const Operand& a, const Operand& b) { return arithmetic<Divide>(a, b, divided); }
Tensor maximum(const Operand& a, const Operand& b) { return arithmetic<Maximum>(a, b); }
Tensor minimum(const Operand& a, const Operand& b) { return arithmetic<Minimum>(a, b); }

Tensor negative(const Operand& x) { return number_function<Negative>(x); }
Tensor square(const Operand& x) { return number_function<Square>(x); }
Tensor abs(const Operand& x) { return number_function<Abs>(x); }
Tensor sign(const Operand& x) { return number_function<Sign>(x); }

Tensor exp(const Operand& x) { return float_function<Exp>(x); }
Tensor expm1(const Operand& x) { return float_function<Expm1>(x); }
Tensor log(const Operand& x) { return float_function<Log>(x); }
Tensor log1p(const Operand& x) { return float_function<Log1p>(x); }
Tensor sqrt(const Operand& x) { return float_function<Sqrt>(x); }
Tensor sigmoid(const Operand& x) { return float_function<Sigmoid>(x); }
Tensor tanh(const Operand& x) { return float_function<Tanh>(x); }

Tensor equal(const Operand& a, const Operand& b) { return comparison<Equal>(a, b); }
Tensor not_equal(const Operand& a, const Operand& b) { return comparison<NotEqual>(a, b); }
Tensor less(const Operand& a, const Operand& b) { return comparison<Less>(a, b); }
Tensor less_equal(const Operand& a, const Operand& b) { return comparison<LessEqual>(a, b); }
Tensor greater(const Operand& a, const Operand& b) { return comparison<Greater>(a, b); }
Tensor greater_equal(const Operand& a, const Operand& b) { return comparison<GreaterEqual>(a, b); }

Tensor where(const Operand& condition, const Operand& a, const Operand& b) {
  const CallScope scope("where", condition.site());
  Tensor c = as_tensor(condition);
  check(c.dtype() == DType::boolean, "the condition must be bool, but it is {}; compare it with something", c.dtype());
  const DType dtype = common_dtype(a, b);
  check_dtype(core::Working{}, dtype);
  Tensor x = in_dtype(a, dtype), y = in_dtype(b, dtype);
  Shape shape = broadcast_shapes(shape_of(c), broadcast_shapes(shape_of(x), shape_of(y)));
  return apply(shared_primitive<Where>(), {std::move(shape), dtype}, {std::move(c), std::move(x), std::move(y)});
}

Tensor astype(const Operand& x, DType dtype) {
  const CallScope scope("astype", x.site());
  Tensor tensor = as_tensor(x);
  if (dtype_of_tensor(tensor) == dtype) return tensor;
  Shape shape = shape_of(tensor);
  return apply(make_primitive<AsType>(dtype), {std::move(shape), dtype}, {std::move(tensor)});
}

Tensor stop_gradient(const Operand& x) {
  const CallScope scope("stop_gradient", x.site());
  return unary<StopGradient>(as_tensor(x));
}

}  // namespace scangrad::inline v0
