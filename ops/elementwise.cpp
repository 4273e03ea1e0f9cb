#include "ops/elementwise.h"
#include "core/planted.h"

namespace scangrad::inline v0 {
namespace ops {
namespace {

template <class P>
Tensor unary(const Tensor& x) {
  return apply(shared_primitive<P>(), core::node_of(x).value.spec, {x});
}

template <class P, class List>
Tensor float_function(const Operand& x, List) {
  const CallScope scope(shared_primitive<P>()->name(), x.site());
  const Tensor tensor = as_floating(x);
  check_dtype(List{}, dtype_of_tensor(tensor));
  return unary<P>(tensor);
}

template <class P, class List>
Tensor number_function(const Operand& x, List) {
  const CallScope scope(shared_primitive<P>()->name(), x.site());
  const Tensor tensor = as_number(x);
  check_dtype(List{}, dtype_of_tensor(tensor));
  return unary<P>(tensor);
}

template <class P>
Tensor binary(const Operand& a, const Operand& b, DType dtype, DType out) {
  Tensor x = in_dtype(a, dtype), y = in_dtype(b, dtype);
  Shape shape = broadcast_shapes(shape_of(x), shape_of(y));
  return apply(shared_primitive<P>(), {std::move(shape), out}, {std::move(x), std::move(y)});
}

template <class P, class List>
Tensor arithmetic(const Operand& a, const Operand& b, List, DType (*in)(DType) = number_dtype) {
  const CallScope scope(shared_primitive<P>()->name(), a.site());
  const DType dtype = in(common_dtype(a, b));
  check_dtype(List{}, dtype);
  return binary<P>(a, b, dtype, dtype);
}

template <class P, class List>
Tensor comparison(const Operand& a, const Operand& b, List) {
  const CallScope scope(shared_primitive<P>()->name(), a.site());
  const DType dtype = common_dtype(a, b);
  check_dtype(List{}, dtype);
  return binary<P>(a, b, dtype, DType::boolean);
}

template <class P>
Tensor logical(const Operand& a, const Operand& b) {
  const CallScope scope(shared_primitive<P>()->name(), a.site());
  return binary<P>(a, b, DType::boolean, DType::boolean);
}

/// A question asked of each element.
template <class P>
Tensor test(const Operand& x, DType (*in)(DType)) {
  const CallScope scope(shared_primitive<P>()->name(), x.site());
  const Tensor tensor = as_tensor(x);
  return apply(shared_primitive<P>(), {shape_of(tensor), DType::boolean}, {in_dtype(tensor, in(dtype_of_tensor(tensor)))});
}

DType part_dtype(DType t) { return t == DType::complex64 ? DType::float32 : t == DType::complex128 ? DType::float64 : t; }

template <class P>
Tensor part(const Tensor& z) {
  return apply(shared_primitive<P>(), {shape_of(z), part_dtype(dtype_of_tensor(z))}, {z});
}

/// z / |z|, 0 at 0
Tensor direction(const Tensor& z, const Tensor& modulus) { return where(modulus == 0, 0, z / modulus); }

DType floating(DType t) { return float_dtype(t); }
DType truth(DType) { return DType::boolean; }

}  // namespace

MaybeTensors Abs::jvp(Ins ins, Outs outs, Tangents t) const {
  if (!is_complex(ins[0].dtype())) return {*t[0] * sign(ins[0])};
  return {real(SCANGRAD_PLANT(abs_dropped_conj, conj(direction(ins[0], outs[0])), direction(ins[0], outs[0])) * *t[0])};
}

MaybeTensors Abs::vjp(Ins ins, Outs outs, Tangents g, WantedMask) const {
  if (!is_complex(ins[0].dtype())) return {*g[0] * sign(ins[0])};
  return {*g[0] * direction(ins[0], outs[0])};
}

MaybeTensors Complex::jvp(Ins ins, Outs outs, Tangents t) const {
  return {broadcast_to(complex(dense(t[0], ins[0]), dense(t[1], ins[1])), outs[0].shape())};
}

MaybeTensors Complex::vjp(Ins ins, Outs, Tangents g, WantedMask) const {
  return {unbroadcast(real(*g[0]), ins[0].shape()), unbroadcast(imag(*g[0]), ins[1].shape())};
}

MaybeTensors AsType::jvp(Ins, Outs, Tangents t) const {
  if (!is_inexact(dtype)) return {std::nullopt};
  return {astype(*t[0], dtype)};
}

MaybeTensors AsType::vjp(Ins ins, Outs, Tangents g, WantedMask) const { return {astype(*g[0], ins[0].dtype())}; }

}  // namespace ops

using namespace ops;  // the primitives and helpers of this file's other half

Tensor add(const Operand& a, const Operand& b) { return arithmetic<Add>(a, b, core::Numbers{}); }
Tensor subtract(const Operand& a, const Operand& b) { return arithmetic<Subtract>(a, b, core::Numbers{}); }
Tensor multiply(const Operand& a, const Operand& b) { return arithmetic<Multiply>(a, b, core::Numbers{}); }
Tensor divide(const Operand& a, const Operand& b) { return arithmetic<Divide>(a, b, core::Inexact{}, floating); }
Tensor pow(const Operand& a, const Operand& b) { return arithmetic<Power>(a, b, core::Inexact{}, floating); }
Tensor atan2(const Operand& y, const Operand& x) { return arithmetic<Atan2>(y, x, core::Floats{}, floating); }
Tensor maximum(const Operand& a, const Operand& b) { return arithmetic<Maximum>(a, b, core::Reals{}); }
Tensor minimum(const Operand& a, const Operand& b) { return arithmetic<Minimum>(a, b, core::Reals{}); }

Tensor negative(const Operand& x) { return number_function<Negative>(x, core::Numbers{}); }
Tensor square(const Operand& x) { return number_function<Square>(x, core::Numbers{}); }
Tensor sign(const Operand& x) { return number_function<Sign>(x, core::Reals{}); }
Tensor floor(const Operand& x) { return number_function<Floor>(x, core::Reals{}); }
Tensor round(const Operand& x) { return number_function<Round>(x, core::Reals{}); }

Tensor exp(const Operand& x) { return float_function<Exp>(x, core::Inexact{}); }
Tensor expm1(const Operand& x) { return float_function<Expm1>(x, core::Inexact{}); }
Tensor log(const Operand& x) { return float_function<Log>(x, core::Inexact{}); }
Tensor log1p(const Operand& x) { return float_function<Log1p>(x, core::Inexact{}); }
Tensor sqrt(const Operand& x) { return float_function<Sqrt>(x, core::Inexact{}); }
Tensor rsqrt(const Operand& x) { return float_function<Rsqrt>(x, core::Inexact{}); }
Tensor reciprocal(const Operand& x) { return float_function<Reciprocal>(x, core::Inexact{}); }
Tensor sin(const Operand& x) { return float_function<Sin>(x, core::Inexact{}); }
Tensor cos(const Operand& x) { return float_function<Cos>(x, core::Inexact{}); }
Tensor tan(const Operand& x) { return float_function<Tan>(x, core::Inexact{}); }
Tensor asin(const Operand& x) { return float_function<Asin>(x, core::Inexact{}); }
Tensor acos(const Operand& x) { return float_function<Acos>(x, core::Inexact{}); }
Tensor atan(const Operand& x) { return float_function<Atan>(x, core::Inexact{}); }
Tensor sinh(const Operand& x) { return float_function<Sinh>(x, core::Inexact{}); }
Tensor cosh(const Operand& x) { return float_function<Cosh>(x, core::Inexact{}); }
Tensor tanh(const Operand& x) { return float_function<Tanh>(x, core::Inexact{}); }
Tensor sigmoid(const Operand& x) { return float_function<Sigmoid>(x, core::Inexact{}); }
Tensor erf(const Operand& x) { return float_function<Erf>(x, core::Floats{}); }
Tensor softplus(const Operand& x) { return float_function<Softplus>(x, core::Floats{}); }
Tensor lgamma(const Operand& x) { return float_function<Lgamma>(x, core::Floats{}); }

Tensor digamma(const Operand& x) {
  const CallScope scope("digamma", x.site());
  const Tensor tensor = as_floating(x);
  check_dtype(core::Floats{}, dtype_of_tensor(tensor));
  return apply(make_primitive<Polygamma>(0), core::node_of(tensor).value.spec, {tensor});
}

Tensor log_sigmoid(const Operand& x) {
  const CallScope scope("log_sigmoid", x.site());
  return -softplus(-as_tensor(x));
}

Tensor clamp(const Operand& x, const Operand& low, const Operand& high) {
  const CallScope scope("clamp", x.site());
  const Tensor tensor = as_tensor(x);
  return where(tensor < low, low, where(tensor > high, high, tensor));
}

Tensor abs(const Operand& x) {
  const CallScope scope("abs", x.site());
  return part<Abs>(as_number(x));
}
Tensor real(const Operand& x) {
  const CallScope scope("real", x.site());
  const Tensor z = as_tensor(x);
  return is_complex(dtype_of_tensor(z)) ? part<Real>(z) : z;
}
Tensor imag(const Operand& x) {
  const CallScope scope("imag", x.site());
  const Tensor z = as_tensor(x);
  return is_complex(dtype_of_tensor(z)) ? part<Imag>(z) : zeros_like(z);
}
Tensor conj(const Operand& x) {
  const CallScope scope("conj", x.site());
  return conjugate(as_tensor(x));
}
Tensor angle(const Operand& x) {
  const CallScope scope("angle", x.site());
  const Tensor z = as_floating(x);
  return atan2(imag(z), real(z));
}
Tensor complex(const Operand& re, const Operand& im) {
  const CallScope scope("complex", re.site());
  const DType dtype = promote(float_dtype(common_dtype(re, im)), DType::float32);
  check(is_floating(dtype), "the parts must be real, but they are {}", dtype);
  const Tensor z = binary<Complex>(re, im, dtype, promote(dtype, DType::complex64));
  core::checked_size(shape_of(z), item_size(dtype_of_tensor(z)));
  return z;
}

Tensor equal(const Operand& a, const Operand& b) { return comparison<Equal>(a, b, core::Every{}); }
Tensor not_equal(const Operand& a, const Operand& b) { return comparison<NotEqual>(a, b, core::Every{}); }
Tensor less(const Operand& a, const Operand& b) { return comparison<Less>(a, b, core::Ordered{}); }
Tensor less_equal(const Operand& a, const Operand& b) { return comparison<LessEqual>(a, b, core::Ordered{}); }
Tensor greater(const Operand& a, const Operand& b) { return comparison<Greater>(a, b, core::Ordered{}); }
Tensor greater_equal(const Operand& a, const Operand& b) { return comparison<GreaterEqual>(a, b, core::Ordered{}); }

Tensor logical_and(const Operand& a, const Operand& b) { return logical<LogicalAnd>(a, b); }
Tensor logical_or(const Operand& a, const Operand& b) { return logical<LogicalOr>(a, b); }
Tensor logical_xor(const Operand& a, const Operand& b) { return logical<LogicalXor>(a, b); }
Tensor logical_not(const Operand& x) { return test<LogicalNot>(x, truth); }
Tensor isnan(const Operand& x) { return test<IsNan>(x, floating); }
Tensor isinf(const Operand& x) { return test<IsInf>(x, floating); }
Tensor isfinite(const Operand& x) { return test<IsFinite>(x, floating); }

Tensor where(const Operand& condition, const Operand& a, const Operand& b) {
  const CallScope scope("where", condition.site());
  Tensor c = as_tensor(condition);
  check(c.dtype() == DType::boolean, "the condition must be bool, but it is {}; compare it with something", c.dtype());
  const DType dtype = common_dtype(a, b);
  Tensor x = in_dtype(a, dtype), y = in_dtype(b, dtype);
  Shape shape = broadcast_shapes(shape_of(c), broadcast_shapes(shape_of(x), shape_of(y)));
  return apply(shared_primitive<Where>(), {std::move(shape), dtype}, {std::move(c), std::move(x), std::move(y)});
}

Tensor astype(const Operand& x, DType dtype) {
  const CallScope scope("astype", x.site());
  Tensor tensor = as_tensor(x);
  if (dtype_of_tensor(tensor) == dtype) return tensor;
  Shape shape = shape_of(tensor);
  core::checked_size(shape, item_size(dtype));
  return apply(make_primitive<AsType>(dtype), {std::move(shape), dtype}, {std::move(tensor)});
}

Tensor stop_gradient(const Operand& x) {
  const CallScope scope("stop_gradient", x.site());
  return unary<StopGradient>(as_tensor(x));
}

}  // namespace scangrad::inline v0
