#pragma once
// The element-wise primitives, each with its derivative: v times d out / d in_i.

#include "core/planted.h"
#include "ops/rules.h"

namespace scangrad::inline v0::ops {

/// p, t, mask -> p t where the mask says, else 0; a t that is not finite stays. One operation, and not made of where and isfinite, so
/// that it is linear in t and can be transposed.
struct Weighted final : OnElements<Primitive> {
  std::string_view name() const override { return "weighted"; }
  MaybeTensors jvp(Ins in, Outs outs, Tangents d) const override {
    const auto total = sum_of(map(d[0], [&](const Tensor& dp) { return where(in[2], dp * in[1], 0); }),
                              map(d[1], [&](const Tensor& dt) { return weighted(in[0], dt, in[2]); }));
    return {map(total, [&](const Tensor& t) { return broadcast_to(t, shape_of(outs[0])); })};
  }
  MaybeTensors vjp(Ins in, Outs, Tangents g, WantedMask wanted) const override {
    MaybeTensors result(3);
    if (wanted[0]) result[0] = unbroadcast(where(in[2], *g[0] * in[1], 0), shape_of(in[0]));
    if (wanted[1]) result[1] = unbroadcast(weighted(in[0], *g[0], in[2]), shape_of(in[1]));
    return result;
  }
};

struct Add final : Elementwise {
  std::string_view name() const override { return "add"; }
  Tensor times_partial(std::size_t, Ins, const Tensor&, const Tensor& v) const override { return v; }
};
struct Subtract final : Elementwise {
  std::string_view name() const override { return "subtract"; }
  MaybeTensors jvp(Ins ins, Outs outs, Tangents t) const override {
    if (!t[0] || !t[1]) return Elementwise::jvp(ins, outs, t);
    return {broadcast_to(*t[0] - *t[1], shape_of(outs[0]))};
  }
  Tensor times_partial(std::size_t i, Ins, const Tensor&, const Tensor& v) const override { return i == 0 ? v : -v; }
};
struct Multiply final : Elementwise {
  std::string_view name() const override { return "multiply"; }
  Tensor times_partial(std::size_t i, Ins in, const Tensor&, const Tensor& v) const override { return v * in[1 - i]; }
};
struct Divide final : Elementwise {
  std::string_view name() const override { return "divide"; }
  Tensor times_partial(std::size_t i, Ins in, const Tensor& y, const Tensor& v) const override {
    return i == 0 ? v / in[1] : SCANGRAD_PLANT(divide_sign, -(v * y) / in[1], (v * y) / in[1]);
  }
};
struct Negative final : Elementwise {
  std::string_view name() const override { return "negative"; }
  Tensor times_partial(std::size_t, Ins, const Tensor&, const Tensor& v) const override { return -v; }
};

struct Exp final : Elementwise {
  std::string_view name() const override { return "exp"; }
  Tensor times_partial(std::size_t, Ins, const Tensor& y, const Tensor& v) const override { return v * y; }
};
struct Expm1 final : Elementwise {
  std::string_view name() const override { return "expm1"; }
  Tensor times_partial(std::size_t, Ins in, const Tensor&, const Tensor& v) const override {
    return v * SCANGRAD_PLANT(expm1_value_for_exp, exp(in[0]), expm1(in[0]));
  }
};
struct Log final : Elementwise {
  std::string_view name() const override { return "log"; }
  Tensor times_partial(std::size_t, Ins in, const Tensor&, const Tensor& v) const override { return v / in[0]; }
};
struct Log1p final : Elementwise {
  std::string_view name() const override { return "log1p"; }
  Tensor times_partial(std::size_t, Ins in, const Tensor&, const Tensor& v) const override { return v / (in[0] + 1); }
};
struct Sqrt final : Elementwise {
  std::string_view name() const override { return "sqrt"; }
  Tensor times_partial(std::size_t, Ins, const Tensor& y, const Tensor& v) const override { return v / (y * 2); }
};
struct Square final : Elementwise {
  std::string_view name() const override { return "square"; }
  Tensor times_partial(std::size_t, Ins in, const Tensor&, const Tensor& v) const override { return v * (in[0] * 2); }
};
struct Power final : Elementwise {
  std::string_view name() const override { return "pow"; }
  Tensor times_partial(std::size_t i, Ins in, const Tensor& y, const Tensor& v) const override {
    if (i == 0) return v * where(logical_and(in[0] == 0, in[1] == 0), 0, in[1] * pow(in[0], in[1] - 1));
    return v * SCANGRAD_PLANT(power_nan_at_zero, where(in[0] == 0, 0, y * log(in[0])), y * log(in[0]));
  }
};
struct Rsqrt final : Elementwise {
  std::string_view name() const override { return "rsqrt"; }
  Tensor times_partial(std::size_t, Ins in, const Tensor& y, const Tensor& v) const override { return v * y / (in[0] * -2); }
};
struct Reciprocal final : Elementwise {
  std::string_view name() const override { return "reciprocal"; }
  Tensor times_partial(std::size_t, Ins, const Tensor& y, const Tensor& v) const override { return -(v * y * y); }
};

struct Sin final : Elementwise {
  std::string_view name() const override { return "sin"; }
  Tensor times_partial(std::size_t, Ins in, const Tensor&, const Tensor& v) const override { return v * cos(in[0]); }
};
struct Cos final : Elementwise {
  std::string_view name() const override { return "cos"; }
  Tensor times_partial(std::size_t, Ins in, const Tensor&, const Tensor& v) const override { return -(v * sin(in[0])); }
};
struct Tan final : Elementwise {
  std::string_view name() const override { return "tan"; }
  Tensor times_partial(std::size_t, Ins, const Tensor& y, const Tensor& v) const override { return v * (y * y + 1); }
};
struct Asin final : Elementwise {
  std::string_view name() const override { return "asin"; }
  Tensor times_partial(std::size_t, Ins in, const Tensor&, const Tensor& v) const override {
    return v / (sqrt(1 - in[0]) * sqrt(1 + in[0]));
  }
};
struct Acos final : Elementwise {
  std::string_view name() const override { return "acos"; }
  Tensor times_partial(std::size_t, Ins in, const Tensor&, const Tensor& v) const override {
    return -v / (sqrt(1 - in[0]) * sqrt(1 + in[0]));
  }
};
struct Atan final : Elementwise {
  std::string_view name() const override { return "atan"; }
  Tensor times_partial(std::size_t, Ins in, const Tensor&, const Tensor& v) const override { return v / (in[0] * in[0] + 1); }
};
struct Atan2 final : Elementwise {
  std::string_view name() const override { return "atan2"; }
  Tensor times_partial(std::size_t i, Ins in, const Tensor&, const Tensor& v) const override {
    const Tensor squares = in[0] * in[0] + in[1] * in[1];
    return i == 0 ? v * (in[1] / squares) : -(v * (in[0] / squares));
  }
};
struct Sinh final : Elementwise {
  std::string_view name() const override { return "sinh"; }
  Tensor times_partial(std::size_t, Ins in, const Tensor&, const Tensor& v) const override { return v * cosh(in[0]); }
};
struct Cosh final : Elementwise {
  std::string_view name() const override { return "cosh"; }
  Tensor times_partial(std::size_t, Ins in, const Tensor&, const Tensor& v) const override { return v * sinh(in[0]); }
};
struct Erf final : Elementwise {
  std::string_view name() const override { return "erf"; }
  Tensor times_partial(std::size_t, Ins in, const Tensor&, const Tensor& v) const override {
    return v * (exp(-(in[0] * in[0])) * 1.1283791670955125739);  // 2 / sqrt(pi)
  }
};
struct Softplus final : Elementwise {
  std::string_view name() const override { return "softplus"; }
  Tensor times_partial(std::size_t, Ins in, const Tensor&, const Tensor& v) const override { return v * sigmoid(in[0]); }
};
struct Lgamma final : Elementwise {
  std::string_view name() const override { return "lgamma"; }
  Tensor times_partial(std::size_t, Ins in, const Tensor&, const Tensor& v) const override { return v * digamma(in[0]); }
};
/// The (order + 1)-th derivative of lgamma.
struct Polygamma final : Elementwise {
  explicit Polygamma(int n) : order(n) {}
  std::string_view name() const override { return order == 0 ? "digamma" : "polygamma"; }
  Tensor times_partial(std::size_t, Ins in, const Tensor&, const Tensor& v) const override {
    return v * apply(make_primitive<Polygamma>(order + 1), core::node_of(in[0]).value.spec, {in[0]});
  }
  int order;
};

/// Of a real x; of a complex one, where it is not holomorphic: d|z| = Re(conj(z / |z|) dz).
struct Abs final : OnElements<Primitive> {
  std::string_view name() const override { return "abs"; }
  MaybeTensors jvp(Ins ins, Outs outs, Tangents t) const override;
  MaybeTensors vjp(Ins ins, Outs outs, Tangents g, WantedMask) const override;
};
struct Real final : OnElements<Linear> {
  std::string_view name() const override { return "real"; }
  Tensor forward(const Tensor& t, Ins) const override { return real(t); }
  Tensor adjoint(const Tensor& g, Ins ins) const override { return astype(g, ins[0].dtype()); }
};
struct Imag final : OnElements<Linear> {
  std::string_view name() const override { return "imag"; }
  Tensor forward(const Tensor& t, Ins) const override { return imag(t); }
  Tensor adjoint(const Tensor& g, Ins) const override {
    return SCANGRAD_PLANT(imag_adjoint_part, complex(zeros_like(g), g), complex(g, zeros_like(g)));
  }
};
struct Conj final : OnElements<Linear> {
  std::string_view name() const override { return "conj"; }
  Tensor forward(const Tensor& t, Ins) const override { return conj(t); }
  Tensor adjoint(const Tensor& g, Ins) const override { return SCANGRAD_PLANT(conj_adjoint, conj(g), g); }
};
struct Complex final : OnElements<Primitive> {
  std::string_view name() const override { return "complex"; }
  MaybeTensors jvp(Ins ins, Outs outs, Tangents t) const override;
  MaybeTensors vjp(Ins ins, Outs outs, Tangents g, WantedMask) const override;
};

// In factors, so that the derivatives keep all digits where the function saturates.
struct Sigmoid final : Elementwise {
  std::string_view name() const override { return "sigmoid"; }
  Tensor times_partial(std::size_t, Ins in, const Tensor& y, const Tensor& v) const override {
    return v * (y * sigmoid(-in[0]));
  }
};
/// 1 - tanh(x)^2
struct TanhSlope final : Elementwise {
  std::string_view name() const override { return "tanh_slope"; }
  Tensor times_partial(std::size_t, Ins in, const Tensor& y, const Tensor& v) const override {
    return v * (y * tanh(in[0]) * -2);
  }
};
struct Tanh final : Elementwise {
  std::string_view name() const override { return "tanh"; }
  Tensor times_partial(std::size_t, Ins in, const Tensor& y, const Tensor& v) const override {
    const Tensor slope = apply(shared_primitive<TanhSlope>(), core::node_of(y).value.spec, {in[0]});
    return v * SCANGRAD_PLANT(tanh_factor, slope, slope / 2);
  }
};

struct Maximum final : Elementwise {
  std::string_view name() const override { return "maximum"; }
  Tensor times_partial(std::size_t i, Ins in, const Tensor&, const Tensor& v) const override {
    return where(in[i] > in[1 - i], v, where(in[i] == in[1 - i], SCANGRAD_PLANT(maximum_tie, v * 0.5, v), 0));
  }
};
struct Minimum final : Elementwise {
  std::string_view name() const override { return "minimum"; }
  Tensor times_partial(std::size_t i, Ins in, const Tensor&, const Tensor& v) const override {
    return where(in[i] < in[1 - i], v, where(in[i] == in[1 - i], v * 0.5, 0));
  }
};
struct Where final : Elementwise {
  std::string_view name() const override { return "where"; }
  Tensor times_partial(std::size_t i, Ins in, const Tensor&, const Tensor& v) const override {
    return SCANGRAD_PLANT(where_wrong_branch, i == 1, i == 2) ? where(in[0], v, 0) : where(in[0], 0, v);
  }
};

struct AsType final : OnElements<Primitive> {
  explicit AsType(DType to) : dtype(to) {}
  std::string_view name() const override { return "astype"; }
  MaybeTensors jvp(Ins, Outs, Tangents t) const override;
  MaybeTensors vjp(Ins ins, Outs, Tangents g, WantedMask) const override;
  DType dtype;
};

// No derivative passes through these.
struct Sign final : OnElements<Constant> {
  std::string_view name() const override { return "sign"; }
};
struct Floor final : OnElements<Constant> {
  std::string_view name() const override { return "floor"; }
};
struct Round final : OnElements<Constant> {
  std::string_view name() const override { return "round"; }
};
struct StopGradient final : OnElements<Constant> {
  std::string_view name() const override { return "stop_gradient"; }
};
struct Equal final : OnElements<Constant> {
  std::string_view name() const override { return "equal"; }
};
struct NotEqual final : OnElements<Constant> {
  std::string_view name() const override { return "not_equal"; }
};
struct Less final : OnElements<Constant> {
  std::string_view name() const override { return "less"; }
};
struct LessEqual final : OnElements<Constant> {
  std::string_view name() const override { return "less_equal"; }
};
struct Greater final : OnElements<Constant> {
  std::string_view name() const override { return "greater"; }
};
struct GreaterEqual final : OnElements<Constant> {
  std::string_view name() const override { return "greater_equal"; }
};
struct LogicalAnd final : OnElements<Constant> {
  std::string_view name() const override { return "logical_and"; }
};
struct LogicalOr final : OnElements<Constant> {
  std::string_view name() const override { return "logical_or"; }
};
struct LogicalXor final : OnElements<Constant> {
  std::string_view name() const override { return "logical_xor"; }
};
struct LogicalNot final : OnElements<Constant> {
  std::string_view name() const override { return "logical_not"; }
};
struct IsNan final : OnElements<Constant> {
  std::string_view name() const override { return "isnan"; }
};
struct IsInf final : OnElements<Constant> {
  std::string_view name() const override { return "isinf"; }
};
struct IsFinite final : OnElements<Constant> {
  std::string_view name() const override { return "isfinite"; }
};

}  // namespace scangrad::inline v0::ops
