#pragma once
// Primitives with kernels of their own: code that reads and writes elements, for what no operations of the library say well.
//
//   using P = sg::PrimitiveRules;
//   const auto nearest = sg::custom_primitive({
//       .name    = "nearest",
//       .outputs = [](P::Specs x) { return sg::TensorSpec{x[1].shape, x[0].dtype}; },
//       .kernel  = [](P::Inputs x, P::Outputs y) { find(x[0].data<double>(), x[1].data<double>(), y[0].data<double>()); },
//       .jvp     = [](P::List x, P::List y, P::List dx) { return ...; },        // in operations of the library
//   });
//   Tensor y = nearest(table, x);
//
// The kernel runs when the value is needed, as those of the library do: within a graph, a loop, a batch. The rules are those of
// custom_function: of jvp and vjp the missing one is the transpose of the other. Without both, the primitive has values alone.

#include <cstddef>

#include "scangrad/custom.h"

namespace scangrad::inline v0 {

/// What is known of a tensor before it is computed.
struct TensorSpec {
  Shape shape;                                         ///< the size of each axis
  DType dtype = DType::float64;                        ///< the type of the elements
  bool operator==(const TensorSpec&) const = default;  ///< equal in both
};

/// What a rule for shapes returns: one TensorSpec, or a list of them.
class TensorSpecList : public std::vector<TensorSpec> {
 public:
  using std::vector<TensorSpec>::vector;
  /// From one, or from a list.
  /// @{
  TensorSpecList(TensorSpec spec) : std::vector<TensorSpec>{std::move(spec)} {}
  TensorSpecList(std::vector<TensorSpec> list) : std::vector<TensorSpec>(std::move(list)) {}
  /// @}
};

namespace detail {
SCANGRAD_API void check_kernel_reads(DType asked, DType dtype);
}  // namespace detail

/// A tensor as a kernel sees it, row-major; Byte is const for what it reads.
template <class Byte>
class KernelArray {
 public:
  /// By the library.
  KernelArray(TensorSpec spec, std::int64_t size, Byte* bytes) : spec_(std::move(spec)), size_(size), bytes_(bytes) {}

  const Shape& shape() const noexcept { return spec_.shape; }  ///< the size of each axis
  DType dtype() const noexcept { return spec_.dtype; }         ///< the type of the elements
  std::int64_t size() const noexcept { return size_; }         ///< number of elements; 1 at rank 0
  /// The elements; T must be the dtype's type. Good during the call of the kernel.
  template <Element T>
  auto data() const {
    detail::check_kernel_reads(dtype_of<T>, spec_.dtype);
    using Item = std::conditional_t<std::is_const_v<Byte>, const T, T>;
    return std::span<Item>(reinterpret_cast<Item*>(bytes_), static_cast<std::size_t>(size_));
  }

 private:
  TensorSpec spec_;
  std::int64_t size_;
  Byte* bytes_;
};
using KernelInput = KernelArray<const std::byte>;  ///< what a kernel reads
using KernelOutput = KernelArray<std::byte>;       ///< what it writes, every element: they come with any values

/// Of custom_primitive. Exceptions of `outputs` and `kernel` become Errors that name the primitive.
struct PrimitiveRules {
  using List = CustomRules::List;                 ///< inputs, outputs, tangents or cotangents
  using Specs = std::span<const TensorSpec>;      ///< shapes and dtypes of inputs
  using Inputs = std::span<const KernelInput>;    ///< of a kernel
  using Outputs = std::span<const KernelOutput>;  ///< of a kernel
  detail::ByName by_name = detail::ByName();
  std::string name = {};  ///< for errors and pictures
  /// Shapes and dtypes of y from those of x. What it throws is the error for inputs that do not fit.
  std::function<TensorSpecList(Specs x)> outputs = {};
  /// y from x. It must depend on nothing else, may run on any thread, and is not called where no y has an element.
  std::function<void(Inputs x, Outputs y)> kernel = {};
  /// The tangents of y, as in CustomRules.
  std::function<TensorList(List x, List y, List dx)> jvp = {};
  /// The cotangents of x, as in CustomRules.
  std::function<TensorList(List x, List y, List g)> vjp = {};
  /// y for a batch, as in CustomRules. Default: the kernel for each example.
  std::function<TensorList(List x, std::span<const bool> mapped)> vmap = {};
};

namespace detail {
SCANGRAD_API std::shared_ptr<const CustomRules> checked(PrimitiveRules rules, std::size_t outputs, Site site);
}  // namespace detail

/// A function of Tensors that computes by the given kernel, of one output or of as many as custom_primitive<2>({...}) says.
template <std::size_t Outputs = 1>
requires(Outputs > 0) CustomFunction<Outputs> custom_primitive(PrimitiveRules rules, Site site = Site::here()) {
  return CustomFunction<Outputs>(detail::checked(std::move(rules), Outputs, site), site);
}

}  // namespace scangrad::inline v0
