#pragma once
// Eigen's matrices as Tensors, and Tensors as Eigen's matrices. Opt-in, as it includes Eigen; eigen_tensor.h has the same for
// Eigen::Tensor.
//
//   sg::Tensor x = sg::from_eigen(A);               // copies; any expression
//   sg::Tensor y = sg::from_eigen(std::move(A));    // takes A's memory over
//   sg::Tensor z = sg::borrow_eigen(A);             // reads A's memory: A must outlive every use and not change
//   Eigen::VectorXd s = sg::as_eigen_matrix<double>(H).ldlt().solve(sg::as_eigen_vector<double>(g));
//   auto m = sg::as_eigen<Eigen::Matrix3f>(t);      // any type of matrix or array: fixed sizes, column-major
//
// What is a vector at compile time (VectorXd, RowVectorXd, a column of a matrix) has rank 1, never shape (n, 1); everything else
// has rank 2. Both storage orders are right: element (i, j) of the tensor is element (i, j) of the matrix. Eigen::half and
// Eigen::bfloat16 are float16 and bfloat16.

#include <Eigen/Core>
#include <memory>
#include <string>
#include <utility>

#include "scangrad/ops.h"

namespace scangrad::inline v0 {

namespace detail {

/// The element of tensors that has the bits of a scalar of Eigen's.
template <class Scalar>
struct EigenElement {
  using type = Scalar;
};
template <>
struct EigenElement<Eigen::half> {
  using type = float16;
};
template <>
struct EigenElement<Eigen::bfloat16> {
  using type = bfloat16;
};
template <class Scalar>
using eigen_element = typename EigenElement<std::remove_const_t<Scalar>>::type;

/// The memory of a matrix as a tensor; `owner` keeps it alive.
template <class Matrix>
Tensor eigen_memory(const Matrix& x, const std::shared_ptr<const void>& owner, Site site) {
  using T = eigen_element<typename Matrix::Scalar>;
  static_assert(Element<T>, "the matrix's scalar type is not the element of any dtype (see dtype.h)");
  const std::shared_ptr<const void> memory(owner, x.data());
  if constexpr (bool(Matrix::IsVectorAtCompileTime))
    return Tensor::borrow(memory, dtype_of<T>, {x.size()}, {x.innerStride()}, site);
  else return Tensor::borrow(memory, dtype_of<T>, {x.rows(), x.cols()}, {x.rowStride(), x.colStride()}, site);
}

/// The elements of a tensor that must have the given rank and dtype T, in the order that the type of Eigen's keeps them in.
template <Element T>
Data<T> eigen_data(const char* op, const Tensor& x, std::size_t rank, bool row_major, Site site) {
  if (x.empty_handle())
    throw Error(op, "a default-constructed Tensor was given; give it a value first, as in Tensor x = {1.0, 2.0};", site);
  if (x.shape().size() != rank)
    throw Error(op, "the tensor must be of rank " + std::to_string(rank) + ", but its shape is " + to_string(x.shape()), site);
  if (x.dtype() != dtype_of<T>)
    throw Error(op,
                "the tensor must be of dtype " + std::string(to_string(dtype_of<T>)) + ", but its dtype is " +
                    std::string(to_string(x.dtype())) + "; convert it with astype",
                site);
  return row_major || rank < 2 ? x.data<T>() : transpose(x).data<T>();
}

}  // namespace detail

/// Takes over the memory of a matrix or array, without a copy.
template <class Derived>
Tensor from_eigen(Eigen::PlainObjectBase<Derived>&& x, Site site = Site::here()) {
  const auto owner = std::make_shared<const Derived>(std::move(x.derived()));
  return detail::eigen_memory(*owner, owner, site);
}

/// Copies a matrix, array, map or expression; the copy is row-major.
template <class Derived>
Tensor from_eigen(const Eigen::DenseBase<Derived>& x, Site site = Site::here()) {
  using Scalar = typename Derived::Scalar;
  if constexpr (bool(Derived::IsVectorAtCompileTime)) return from_eigen(typename Derived::PlainObject(x.derived()), site);
  else return from_eigen(Eigen::Array<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>(x.derived().array()), site);
}

/// Reads the memory of a matrix or array without a copy: it must outlive every use of the tensor, and not change until then.
template <class Derived>
Tensor borrow_eigen(const Eigen::PlainObjectBase<Derived>& x, Site site = Site::here()) {
  return detail::eigen_memory(x.derived(), nullptr, site);
}
template <class Derived>
Tensor borrow_eigen(const Eigen::PlainObjectBase<Derived>&&, Site = {}) = delete;  // a temporary does not live long enough

/// The same for the memory that a Map, Ref or block (rows, columns, parts) shows, with whatever strides. The memory must live on,
/// not the map.
template <class Derived>
Tensor borrow_eigen(const Eigen::MapBase<Derived, Eigen::ReadOnlyAccessors>& x, Site site = Site::here()) {
  return detail::eigen_memory(x.derived(), nullptr, site);
}

/// The elements of a tensor as a read-only Eigen::Map, which keeps them alive: hold it in a variable while you use expressions of
/// it. Made by as_eigen, as_eigen_vector and as_eigen_matrix.
template <class Plain>
class EigenMap : public Eigen::Map<const Plain> {
  using Elements = Data<detail::eigen_element<typename Plain::Scalar>>;

 public:
  /// The elements, which it keeps alive, as rows times cols.
  EigenMap(Elements data, Eigen::Index rows, Eigen::Index cols)
      : Eigen::Map<const Plain>(reinterpret_cast<const typename Plain::Scalar*>(data.data()), rows, cols),
        data_(std::move(data)) {}

 private:
  Elements data_;
};

namespace detail {

template <class Plain>
EigenMap<Plain> as_eigen(const char* op, const Tensor& x, Site site) {
  constexpr bool is_vector = bool(Plain::IsVectorAtCompileTime);
  auto data = eigen_data<eigen_element<typename Plain::Scalar>>(op, x, is_vector ? 1 : 2, bool(Plain::IsRowMajor), site);
  const bool is_row = is_vector && Plain::RowsAtCompileTime == 1;
  const Eigen::Index rows = is_row ? 1 : x.size(0), cols = is_row ? x.size(0) : is_vector ? 1 : x.size(1);
  const auto fits = [](Eigen::Index size, int fixed) { return fixed == Eigen::Dynamic || size == fixed; };
  if (!fits(rows, Plain::RowsAtCompileTime) || !fits(cols, Plain::ColsAtCompileTime)) {
    const auto name = [](int size) { return size == Eigen::Dynamic ? std::string("any") : std::to_string(size); };
    throw Error(op,
                "a tensor of shape " + to_string(x.shape()) + " does not fit into a matrix type of " +
                    name(Plain::RowsAtCompileTime) + " rows and " + name(Plain::ColsAtCompileTime) + " columns",
                site);
  }
  return EigenMap<Plain>(std::move(data), rows, cols);
}

}  // namespace detail

/// A tensor as Plain, which is any Matrix or Array: of rank 1 for vectors, of rank 2 for the others, and of the dtype of its scalars.
/// Copies only where the elements lie in another order than Plain's. Evaluates.
template <class Plain>
EigenMap<Plain> as_eigen(const Tensor& x, Site site = Site::here()) {
  return detail::as_eigen<Plain>("as_eigen", x, site);
}

/// A tensor of rank 1 and of dtype T as a column vector. Evaluates.
template <class T>
auto as_eigen_vector(const Tensor& x, Site site = Site::here()) {
  return detail::as_eigen<Eigen::Matrix<T, Eigen::Dynamic, 1>>("as_eigen_vector", x, site);
}

/// A tensor of rank 2 and of dtype T as a row-major matrix; copies only where the elements lie in another order. Evaluates.
template <class T>
auto as_eigen_matrix(const Tensor& x, Site site = Site::here()) {
  return detail::as_eigen<Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>("as_eigen_matrix", x, site);
}

}  // namespace scangrad::inline v0
