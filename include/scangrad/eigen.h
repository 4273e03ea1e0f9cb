#pragma once
// Eigen's matrices as Tensors, and Tensors as Eigen's matrices. Opt-in: the only public header that includes Eigen.
//
//   sg::Tensor x = sg::from_eigen(A);               // copies; any expression
//   sg::Tensor y = sg::from_eigen(std::move(A));    // takes A's memory over
//   sg::Tensor z = sg::borrow_eigen(A);             // reads A's memory: A must outlive every use and not change
//   Eigen::VectorXd s = sg::as_eigen_matrix<double>(H).ldlt().solve(sg::as_eigen_vector<double>(g));
//
// What is a vector at compile time (VectorXd, RowVectorXd, a column of a matrix) has rank 1, never shape (n, 1); everything else
// has rank 2. Both storage orders are right: element (i, j) of the tensor is element (i, j) of the matrix.

#include <Eigen/Core>
#include <memory>
#include <string>
#include <utility>

#include "scangrad/tensor.h"

namespace scangrad::inline v0 {

namespace detail {

template <class Derived>
inline constexpr bool is_eigen_vector = bool(Derived::IsVectorAtCompileTime);

/// The memory of a matrix as a tensor; `owner` keeps it alive.
template <class Plain>
Tensor eigen_memory(const Plain& x, const std::shared_ptr<const void>& owner, Site site) {
  static_assert(Element<typename Plain::Scalar>, "the matrix's scalar type is not the element of any dtype (see dtype.h)");
  const std::shared_ptr<const void> memory(owner, x.data());
  constexpr DType dtype = dtype_of<typename Plain::Scalar>;
  if constexpr (is_eigen_vector<Plain>) return Tensor::borrow(memory, dtype, {x.size()}, {1}, site);
  else return Tensor::borrow(memory, dtype, {x.rows(), x.cols()}, {x.rowStride(), x.colStride()}, site);
}

/// The elements of a tensor of the given rank and of dtype T, row-major.
template <Element T>
Data<T> eigen_data(const char* op, const Tensor& x, std::size_t rank, Site site) {
  if (x.shape().size() != rank)
    throw Error(op, "the tensor must be of rank " + std::to_string(rank) + ", but its shape is " + to_string(x.shape()), site);
  if (x.dtype() != dtype_of<T>)
    throw Error(op,
                "the tensor must be of dtype " + std::string(to_string(dtype_of<T>)) + ", but its dtype is " +
                    std::string(to_string(x.dtype())) + "; convert it with astype",
                site);
  return x.data<T>();
}

}  // namespace detail

/// Takes over the memory of a matrix or array, without a copy.
template <class Derived>
Tensor from_eigen(Eigen::PlainObjectBase<Derived>&& x, Site site = Site::here()) {
  const auto owner = std::make_shared<const Derived>(std::move(x.derived()));
  return detail::eigen_memory(*owner, owner, site);
}

/// Copies a matrix, array or expression; the copy is row-major.
template <class Derived>
Tensor from_eigen(const Eigen::DenseBase<Derived>& x, Site site = Site::here()) {
  using Scalar = typename Derived::Scalar;
  if constexpr (detail::is_eigen_vector<Derived>) return from_eigen(typename Derived::PlainObject(x.derived()), site);
  else return from_eigen(Eigen::Array<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>(x.derived().array()), site);
}

/// Reads the memory of a matrix or array without a copy: it must outlive every use of the tensor, and not change until then.
template <class Derived>
Tensor borrow_eigen(const Eigen::PlainObjectBase<Derived>& x, Site site = Site::here()) {
  return detail::eigen_memory(x.derived(), nullptr, site);
}
template <class Derived>
Tensor borrow_eigen(const Eigen::PlainObjectBase<Derived>&&, Site = {}) = delete;  // a temporary does not live long enough

/// The elements of a tensor as a read-only Eigen::Map, which keeps them alive. Made by as_eigen_vector and as_eigen_matrix.
template <class Plain>
class EigenMap : public Eigen::Map<const Plain> {
 public:
  EigenMap(Data<typename Plain::Scalar> data, Eigen::Index rows, Eigen::Index cols)
      : Eigen::Map<const Plain>(data.data(), rows, cols), data_(std::move(data)) {}

 private:
  Data<typename Plain::Scalar> data_;
};

/// A tensor of rank 1 and of dtype T as a column vector. Evaluates.
template <Element T>
auto as_eigen_vector(const Tensor& x, Site site = Site::here()) {
  Data<T> data = detail::eigen_data<T>("as_eigen_vector", x, 1, site);
  return EigenMap<Eigen::Matrix<T, Eigen::Dynamic, 1>>(std::move(data), x.size(), 1);
}

/// A tensor of rank 2 and of dtype T as a row-major matrix; copies only where the elements lie in another order. Evaluates.
template <Element T>
auto as_eigen_matrix(const Tensor& x, Site site = Site::here()) {
  Data<T> data = detail::eigen_data<T>("as_eigen_matrix", x, 2, site);
  return EigenMap<Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>(std::move(data), x.size(0), x.size(1));
}

}  // namespace scangrad::inline v0
