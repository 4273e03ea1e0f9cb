#pragma once
// Eigen::Tensor and Eigen::TensorMap as Tensors, and back. Opt-in: it includes Eigen's (unsupported) Tensor module. The functions are
// those of eigen.h, and as there, element (i, j, ...) of one is element (i, j, ...) of the other, whatever the storage order.

#include <array>
#include <unsupported/Eigen/CXX11/Tensor>

#include "scangrad/eigen.h"

namespace scangrad::inline v0 {

namespace detail {

/// The memory of an Eigen::Tensor or TensorMap as a tensor; `owner` keeps it alive.
template <class EigenTensor>
Tensor eigen_tensor_memory(const EigenTensor& x, const std::shared_ptr<const void>& owner, Site site) {
  using T = eigen_element<typename EigenTensor::Scalar>;
  static_assert(Element<T>, "the tensor's scalar type is not the element of any dtype (see dtype.h)");
  constexpr auto rank = static_cast<std::size_t>(EigenTensor::NumIndices);
  constexpr bool row_major = int(EigenTensor::Layout) == int(Eigen::RowMajor);
  Shape shape(rank, 0);
  for (std::size_t i = 0; i < rank; ++i) shape[i] = static_cast<std::int64_t>(x.dimensions()[i]);
  Strides strides(rank, 1);
  for (std::size_t i = 1; i < rank; ++i) {
    const std::size_t axis = row_major ? rank - 1 - i : i, inner = row_major ? axis + 1 : axis - 1;
    strides[axis] = strides[inner] * shape[inner];
  }
  return Tensor::borrow(std::shared_ptr<const void>(owner, x.data()), dtype_of<T>, shape, strides, site);
}

}  // namespace detail

/// Takes over the memory of an Eigen::Tensor, without a copy.
template <class Scalar, int rank, int options, class Index>
Tensor from_eigen(Eigen::Tensor<Scalar, rank, options, Index>&& x, Site site = Site::here()) {
  const auto owner = std::make_shared<const Eigen::Tensor<Scalar, rank, options, Index>>(std::move(x));
  return detail::eigen_tensor_memory(*owner, owner, site);
}

/// Copies an Eigen::Tensor, TensorMap or expression; the copy is in the same storage order.
template <class Derived>
Tensor from_eigen(const Eigen::TensorBase<Derived, Eigen::ReadOnlyAccessors>& x, Site site = Site::here()) {
  using Traits = Eigen::internal::traits<Derived>;
  using Scalar = std::remove_const_t<typename Traits::Scalar>;
  return from_eigen(Eigen::Tensor<Scalar, int(Traits::NumDimensions), int(Traits::Layout), typename Traits::Index>(
                        static_cast<const Derived&>(x)),
                    site);
}

/// Reads the memory of an Eigen::Tensor without a copy: it must outlive every use of the tensor, and not change until then.
template <class Scalar, int rank, int options, class Index>
Tensor borrow_eigen(const Eigen::Tensor<Scalar, rank, options, Index>& x, Site site = Site::here()) {
  return detail::eigen_tensor_memory(x, nullptr, site);
}
template <class Scalar, int rank, int options, class Index>
Tensor borrow_eigen(const Eigen::Tensor<Scalar, rank, options, Index>&&, Site = {}) = delete;

/// The same for the memory that a TensorMap shows. The memory must live on, not the map.
template <class Plain>
Tensor borrow_eigen(const Eigen::TensorMap<Plain>& x, Site site = Site::here()) {
  return detail::eigen_tensor_memory(x, nullptr, site);
}

/// The elements of a tensor as a read-only Eigen::TensorMap, which keeps them alive. Made by as_eigen_tensor.
template <class T, int rank, int layout>
class EigenTensorMap : public Eigen::TensorMap<const Eigen::Tensor<T, rank, layout>> {
  using Elements = Data<detail::eigen_element<T>>;
  using Map = Eigen::TensorMap<const Eigen::Tensor<T, rank, layout>>;

 public:
  /// The elements, which it keeps alive, in these sizes.
  EigenTensorMap(Elements data, const Eigen::array<Eigen::Index, rank>& sizes)
      : Map(reinterpret_cast<const T*>(data.data()), sizes), data_(std::move(data)) {}

 private:
  Elements data_;
};

/// A tensor of the given rank and of dtype T; copies only where the elements lie in another order than the layout's. Evaluates.
template <class T, int rank, int layout = Eigen::RowMajor>
EigenTensorMap<T, rank, layout> as_eigen_tensor(const Tensor& x, Site site = Site::here()) {
  auto data = detail::eigen_data<detail::eigen_element<T>>("as_eigen_tensor", x, rank, layout == Eigen::RowMajor, site);
  Eigen::array<Eigen::Index, rank> sizes;
  for (int i = 0; i < rank; ++i) sizes[static_cast<std::size_t>(i)] = x.size(i);
  return EigenTensorMap<T, rank, layout>(std::move(data), sizes);
}

}  // namespace scangrad::inline v0
