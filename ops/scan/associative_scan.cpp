// associative_scan: pairs are combined, the scan of the pairs gives every second prefix, and one more combine the others.

#include "scangrad/associative_scan.h"
#include "core/planted.h"

#include "ops/shape.h"

namespace scangrad::inline v0::detail {
namespace {

using namespace ops;

/// A combine that is checked, along one axis of each tensor.
struct Scan {
  const Combine& combine;
  std::vector<int> axes;

  std::int64_t length(const Tensors& x) const { return shape_of(x[0])[static_cast<std::size_t>(axes[0])]; }

  Tensors slice(const Tensors& x, std::int64_t begin, std::int64_t step, std::int64_t size) const {
    Tensors result;
    for (std::size_t i = 0; i < x.size(); ++i) result.push_back(slice_range(x[i], {axes[i], begin, step, size}));
    return result;
  }
  Tensors joined(const Tensors& a, const Tensors& b) const {
    Tensors result;
    for (std::size_t i = 0; i < a.size(); ++i) result.push_back(concatenate({a[i], b[i]}, {.axis = axes[i]}));
    return result;
  }
  /// a_1, b_1, a_2, b_2, .. where a may have one more.
  Tensors interleaved(const Tensors& a, const Tensors& b) const {
    const std::int64_t n = length(b);
    Tensors result = slice(a, 0, 1, n);
    for (std::size_t i = 0; i < a.size(); ++i) {
      Shape shape = shape_of(b[i]);
      shape[static_cast<std::size_t>(axes[i])] = 2 * n;
      result[i] = reshape(stack({result[i], b[i]}, {.axis = axes[i] + 1}), shape);
    }
    return length(a) == n ? result : joined(result, slice(a, n, 1, 1));
  }

  Tensors combined(const Tensors& earlier, const Tensors& later) const {
    const Tensors result = SCANGRAD_PLANT(associative_swapped, combine(earlier, later), combine(later, earlier));
    check(result.size() == earlier.size(), "combine returned {} tensors for {}; return one each", result.size(),
          earlier.size());
    for (std::size_t i = 0; i < result.size(); ++i) {
      core::check_not_empty(result[i]);
      check(shape_of(result[i]) == shape_of(earlier[i]) && dtype_of_tensor(result[i]) == dtype_of_tensor(earlier[i]),
            "combine returned a {} {} for tensor {}, whose blocks are {} {}; it must keep shape and dtype",
            dtype_of_tensor(result[i]), shape_of(result[i]), i, dtype_of_tensor(earlier[i]), shape_of(earlier[i]));
    }
    return result;
  }

  Tensors operator()(const Tensors& x) const {
    const std::int64_t n = length(x), pairs = n / 2;
    if (n < 2) return x;
    const Tensors odd = (*this)(combined(slice(x, 0, 2, pairs), slice(x, 1, 2, pairs)));  // the prefixes 2, 4, ..
    const Tensors first = slice(x, 0, 1, 1);
    const std::int64_t rest = (n - 1) / 2;  // the prefixes 3, 5, ..
    if (rest == 0) return interleaved(first, odd);
    const Tensors even = combined(slice(odd, 0, 1, rest), slice(x, 2, 2, rest));
    return interleaved(joined(first, even), odd);
  }
};

Tensors flipped(Tensors x, const std::vector<int>& axes) {
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = flip(x[i], axes[i]);
  return x;
}

/// The identity in front, and the last element off.
Tensors shifted(const Scan& scan, const Tensors& x, const Tensors& identity) {
  const std::int64_t n = scan.length(x);
  Tensors front;
  for (std::size_t i = 0; i < x.size(); ++i) {
    Shape one = shape_of(x[i]);
    one[static_cast<std::size_t>(scan.axes[i])] = 1;
    std::vector<std::int64_t> rest(one.begin(), one.end());
    rest.erase(rest.begin() + scan.axes[i]);
    core::check_not_empty(identity[i]);
    check(broadcasts_to(shape_of(identity[i]), Shape(rest)) && dtype_of_tensor(identity[i]) == dtype_of_tensor(x[i]),
          "the identity of tensor {} is {} {}, but elements are {} {}", i, dtype_of_tensor(identity[i]), shape_of(identity[i]),
          dtype_of_tensor(x[i]), Shape(rest));
    front.push_back(reshape(broadcast_to(identity[i], Shape(rest)), one));
  }
  return n == 0 ? x : scan.joined(front, scan.slice(x, 0, 1, n - 1));
}

}  // namespace

Tensors associative_scan(const Combine& combine, const Tensors& elements, const Tensors* identity,
                         const AssociativeScanOptions& options, Site site) {
  const CallScope scope("associative_scan", site);
  check(!elements.empty(), "there is nothing to scan; give at least one Tensor");
  check(!options.exclusive || identity != nullptr,
        "an exclusive scan begins with the identity of combine; give it after the elements");
  check(identity == nullptr || identity->size() == elements.size(), "{} identities were given for {} tensors; give one each",
        identity == nullptr ? 0 : identity->size(), elements.size());
  Scan scan{combine, {}};
  for (const Tensor& x : elements) {
    core::check_not_empty(x);
    scan.axes.push_back(core::single_axis(options.axis, shape_of(x)));
    const std::int64_t n = shape_of(x)[static_cast<std::size_t>(scan.axes.back())];
    check(n == scan.length(elements), "the tensors must agree in the size of the axis, but sizes {} and {} were given",
          scan.length(elements), n);
  }
  Tensors x = options.reverse ? flipped(elements, scan.axes) : elements;
  if (options.exclusive) x = shifted(scan, x, *identity);
  const Tensors y = scan(x);
  return SCANGRAD_PLANT(associative_not_flipped_back, options.reverse ? flipped(y, scan.axes) : y, y);
}

}  // namespace scangrad::inline v0::detail
