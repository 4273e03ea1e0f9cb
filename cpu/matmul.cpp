// Matrix products by Eigen.

#include <Eigen/Core>

#include "cpu/backend.h"
#include "ops/elementwise.h"
#include "ops/matmul.h"

namespace scangrad::inline v0::cpu {
namespace {

template <class T>
using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

bool step_fits(const Array& x, std::size_t inner) {
  return (x.strides[inner] == 1 || x.shape()[inner] <= 1) && x.strides[1 - inner] >= 0;
}

/// The operand as Eigen's kernels take it: rows or columns without gaps, halves as floats. Others are copied into `copy`.
const Array& packed(const Context& context, const Array& x, Array& copy) {
  const bool half = x.dtype() == DType::float16 || x.dtype() == DType::bfloat16;
  if (!half && (step_fits(x, 0) || step_fits(x, 1))) return x;
  copy.spec = {x.shape(), half ? DType::float32 : x.dtype()};
  const ops::AsType convert(copy.spec.dtype);  // to the same dtype: a row-major copy
  const Array* in = &x;
  core::find_kernel(convert, context.device())(context, convert, Inputs(&in, 1), Outputs(&copy, 1));
  return copy;
}

template <class T, class F>
void with_matrix(const Array& x, const F& f) {
  using Map = Eigen::Map<const Matrix<T>, 0, Eigen::OuterStride<>>;
  const Eigen::Index rows = x.shape()[0], columns = x.shape()[1];
  if (step_fits(x, 1)) f(Map(x.data<T>(), rows, columns, Eigen::OuterStride<>(x.strides[0])));
  else f(Map(x.data<T>(), columns, rows, Eigen::OuterStride<>(x.strides[1])).transpose());
}

template <class T>
void multiply(const Array& a, const Array& b, T* to, Eigen::Index rows, Eigen::Index columns) {
  Eigen::Map<Matrix<T>> product(to, rows, columns);
  if (a.size() == 0) {
    product.setZero();
    return;
  }
  with_matrix<T>(a, [&](const auto& left) { with_matrix<T>(b, [&](const auto& right) { product.noalias() = left * right; }); });
}

void matmul(const Context& context, const Primitive&, Inputs ins, Outputs outs) {
  Array& out = outs[0];
  context.allocate(out);
  if (out.size() == 0) return;
  Array copies[2];
  const Array &a = packed(context, *ins[0], copies[0]), &b = packed(context, *ins[1], copies[1]);
  visit_checked(core::Numbers{}, out.dtype(), [&]<class T>() {
    if constexpr (core::is_half_type<T>) {
      const auto wide = context.scratch<float>(out.size());
      multiply(a, b, wide.data(), out.shape()[0], out.shape()[1]);
      for (std::int64_t i = 0; i < out.size(); ++i) out.data<T>()[i] = T(wide.data()[i]);
    } else if constexpr (std::is_integral_v<T>) {  // through unsigned numbers, which wrap
      using U = std::make_unsigned_t<T>;
      multiply(a, b, reinterpret_cast<U*>(out.data<T>()), out.shape()[0], out.shape()[1]);
    } else {
      multiply(a, b, out.data<T>(), out.shape()[0], out.shape()[1]);
    }
  });
}

}  // namespace

void register_matmul() { core::add_kernel<ops::MatMul>(DeviceType::cpu, matmul); }

}  // namespace scangrad::inline v0::cpu
