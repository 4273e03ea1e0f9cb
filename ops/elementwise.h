#pragma once
// The element-wise primitives, each with its derivative: v times d out / d in_i.

#include "ops/rules.h"

namespace scangrad::inline v0::ops {

struct Add final : Elementwise {
  std::string_view name() const override { return "add"; }
  Tensor times_partial(std::size_t, Ins, const Tensor&, const Tensor& v) const override { return v; }
};
struct Subtract final : Elementwise {
  std::string_view name() const override { return "subtract"; }
  Tensor times_partial(std::size_t i, Ins, const Tensor&, const Tensor& v) const override { return i == 0 ? v : -v; }
};
struct Multiply final : Elementwise {
  std::string_view name() const override { return "multiply"; }
  Tensor times_partial(std::size_t i, Ins in, const Tensor&, const Tensor& v) const override { return v * in[1 - i]; }
};
struct Divide final : Elementwise {
  std::string_view name() const override { return "divide"; }
  Tensor times_partial(std::size_t i, Ins in, const Tensor& y, const Tensor& v) const override {
    return i == 0 ? v / in[1] : -(v * y) / in[1];
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
  Tensor times_partial(std::size_t, Ins in, const Tensor&, const Tensor& v) const override { return v * exp(in[0]); }
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
struct Abs final : Elementwise {
  std::string_view name() const override { return "abs"; }
  Tensor times_partial(std::size_t, Ins in, const Tensor&, const Tensor& v) const override { return v * sign(in[0]); }
};
// In factors, so that the derivatives keep all digits where the function saturates.
struct Sigmoid final : Elementwise {
  std::string_view name() const override { return "sigmoid"; }
  Tensor times_partial(std::size_t, Ins in, const Tensor& y, const Tensor& v) const override { return v * (y * sigmoid(-in[0])); }
};
struct Tanh final : Elementwise {
  std::string_view name() const override { return "tanh"; }
  Tensor times_partial(std::size_t, Ins in, const Tensor&, const Tensor& v) const override {
    const Tensor twice = in[0] + in[0];
    return v * (sigmoid(twice) * sigmoid(-twice) * 4);
  }
};

struct Maximum final : Elementwise {
  std::string_view name() const override { return "maximum"; }
  Tensor times_partial(std::size_t i, Ins in, const Tensor&, const Tensor& v) const override {
    return where(in[i] > in[1 - i], v, where(in[i] == in[1 - i], v * 0.5, 0));
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
    return i == 1 ? where(in[0], v, 0) : where(in[0], 0, v);
  }
};

struct AsType final : Primitive {
  explicit AsType(DType to) : dtype(to) {}
  std::string_view name() const override { return "astype"; }
  MaybeTensors jvp(Ins, Outs, Tangents t) const override;
  MaybeTensors vjp(Ins ins, Outs, Tangents g, WantedMask) const override;
  DType dtype;
};

struct Sign final : Constant {
  std::string_view name() const override { return "sign"; }
};
struct StopGradient final : Constant {
  std::string_view name() const override { return "stop_gradient"; }
};
struct Equal final : Constant {
  std::string_view name() const override { return "equal"; }
};
struct NotEqual final : Constant {
  std::string_view name() const override { return "not_equal"; }
};
struct Less final : Constant {
  std::string_view name() const override { return "less"; }
};
struct LessEqual final : Constant {
  std::string_view name() const override { return "less_equal"; }
};
struct Greater final : Constant {
  std::string_view name() const override { return "greater"; }
};
struct GreaterEqual final : Constant {
  std::string_view name() const override { return "greater_equal"; }
};

}  // namespace scangrad::inline v0::ops
