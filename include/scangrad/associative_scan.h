#pragma once
// The scan of any associative combine that a user writes, in both modes.
//
//   // products of 2x2 matrices, (n, 2, 2)
//   auto prefixes = sg::associative_scan([](const sg::Tensor& a, const sg::Tensor& b) { return a_then_b(a, b); }, matrices, {.axis = 0});
//   // affine maps h -> a h + b
//   auto [A, B] = sg::associative_scan(
//       [](const auto& f, const auto& g) { return std::array{g[0] * f[0], g[0] * f[1] + g[1]}; }, {a, b});
//
// Elements are a Tensor, or a structure of Tensors (structure.h) that agree in the size of the axis; braces make a std::array.
// combine(earlier, later) gets blocks of elements, all with the axis, and must work element-wise along it; it need not commute.
// It is called about 2 log2(n) times, on 2 n elements in all. Derivatives go through the operations that it is made of, and into
// the Tensors that it captures.

#include <concepts>
#include <functional>
#include <optional>

#include "scangrad/ops.h"
#include "scangrad/structure.h"

namespace scangrad::inline v0 {

/// Which way an associative scan runs.
struct AssociativeScanOptions {
  detail::ByName by_name = detail::ByName();
  Axes axis = -1;          ///< counted in each Tensor
  bool reverse = false;    ///< from the end of the axis
  bool exclusive = false;  ///< needs the identity
};

namespace detail {

using Tensors = std::vector<Tensor>;
using Combine = std::function<Tensors(const Tensors& earlier, const Tensors& later)>;
SCANGRAD_API Tensors associative_scan(const Combine& combine, const Tensors& elements, const Tensors* identity,
                                      const AssociativeScanOptions& options, Site site);

template <class F, class S>
S associative_scan_of(const F& combine, const S& elements, const std::optional<S>& identity,
                      const AssociativeScanOptions& options, Site site) {
  const Combine on_lists = [&](const Tensors& earlier, const Tensors& later) {
    return flatten(combine(unflatten(elements, earlier), unflatten(elements, later)));
  };
  const Tensors neutral = identity ? flatten(*identity) : Tensors();
  return unflatten(elements, associative_scan(on_lists, flatten(elements), identity ? &neutral : nullptr, options, site));
}

template <std::size_t N>
std::array<Tensor, N> as_array(const Tensor (&x)[N]) {
  std::array<Tensor, N> result;
  for (std::size_t i = 0; i < N; ++i) result[i] = x[i];
  return result;
}

}  // namespace detail

/// y_k = combine(..combine(combine(x_1, x_2), x_3).., x_k) along an axis, in logarithmic depth.
/// @{
template <class F, class S>
requires(!std::is_array_v<S>) S associative_scan(const F& combine, const S& elements,
                                                 const AssociativeScanOptions& options = {}, Site site = Site::here()) {
  return detail::associative_scan_of(combine, elements, std::optional<S>(), options, site);
}
template <class F, std::size_t N>
std::array<Tensor, N> associative_scan(const F& combine, const Tensor (&elements)[N],
                                       const AssociativeScanOptions& options = {}, Site site = Site::here()) {
  return detail::associative_scan_of(combine, detail::as_array(elements), std::optional<std::array<Tensor, N>>(), options,
                                     site);
}
/// @}

/// The same with the identity of combine, element by element: each Tensor has (or broadcasts to) the shape without the axis.
/// @{
template <class F, class S, std::same_as<S> Identity>
requires(!std::is_array_v<S>) S associative_scan(const F& combine, const S& elements, const Identity& identity,
                                                 const AssociativeScanOptions& options = {}, Site site = Site::here()) {
  return detail::associative_scan_of(combine, elements, std::optional<S>(identity), options, site);
}
template <class F, std::size_t N>
std::array<Tensor, N> associative_scan(const F& combine, const Tensor (&elements)[N], const std::array<Tensor, N>& identity,
                                       const AssociativeScanOptions& options = {}, Site site = Site::here()) {
  return detail::associative_scan_of(combine, detail::as_array(elements), std::optional<std::array<Tensor, N>>(identity),
                                     options, site);
}
/// @}

}  // namespace scangrad::inline v0
