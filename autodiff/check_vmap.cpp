// vmap against a loop over the examples.

#include <cmath>

#include "autodiff/check_rules.h"
#include "scangrad/vmap.h"

namespace scangrad::inline v0::autodiff {
namespace {

/// x, and others of its kind: scaled, which keeps what is positive so; reversed, which keeps indices in range and symmetric matrices
/// symmetric.
Tensor examples(const Tensor& x) {
  const Tensor back = flip(x);
  return is_inexact(x.dtype()) ? astype(stack({x, back * 0.75, x * 0.5}), x.dtype()) : stack({x, back, x});
}

/// Inputs, some with a batch axis in front.
struct Batch {
  Tensors inputs;
  std::vector<bool> mapped;
  std::int64_t size;

  Tensors example(std::int64_t i) const {
    Tensors result;
    for (std::size_t k = 0; k < inputs.size(); ++k) result.push_back(mapped[k] ? inputs[k][i] : inputs[k]);
    return result;
  }
  /// vmap takes the inputs that are mapped and those that are not as two arguments.
  Tensors vmapped(const detail::CheckedFunction& f) const {
    Tensors with, without;
    for (std::size_t k = 0; k < inputs.size(); ++k) (mapped[k] ? with : without).push_back(inputs[k]);
    const auto g = [&](const Tensors& one, const Tensors& shared) {
      Tensors all;
      std::size_t next = 0, next_shared = 0;
      for (const bool is_mapped : mapped) all.push_back(is_mapped ? one[next++] : shared[next_shared++]);
      return f(all);
    };
    return vmap(g, {.in_axes = {0, std::nullopt}})(with, without);
  }
};

/// All of x mapped or, where `alone` is one of them, that one alone; as many examples as `size`.
Batch batch_of(const Tensors& x, std::size_t alone, std::int64_t size) {
  Batch batch{{}, {}, size};
  for (std::size_t k = 0; k < x.size(); ++k) {
    batch.mapped.push_back(alone == x.size() || alone == k);
    batch.inputs.push_back(batch.mapped.back() ? slice(examples(x[k]), {.axis = 0, .end = size}) : x[k]);
  }
  return batch;
}

using Numbers = std::vector<std::complex<double>>;
Numbers numbers_of(const Tensor& x) { return astype(x, DType::complex128).to_vector<std::complex<double>>(); }

double largest(const Numbers& numbers) {
  double result = 0;
  for (const auto& z : numbers)
    if (std::isfinite(std::abs(z))) result = std::max(result, std::abs(z));
  return result;
}

/// Errors are relative to the largest element: a batch may lie in memory in another order, and be added up in another.
void see(Worst& worst, const Tensors& got, const Tensors& expected, const std::string& place) {
  for (std::size_t k = 0; k < expected.size(); ++k) {
    const bool same = got[k].shape() == expected[k].shape() && got[k].dtype() == expected[k].dtype();
    if (!same) {
      worst.see(NAN, 0, 1, [&] {
        return fmt::format("result {}, {}: {} {} instead of {} {}", k, place, got[k].dtype(), got[k].shape(),
                           expected[k].dtype(), expected[k].shape());
      });
      continue;
    }
    const Numbers a = numbers_of(got[k]), b = numbers_of(expected[k]);
    const double size = is_inexact(got[k].dtype()) ? largest(b) : 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      const auto where = [&] { return fmt::format("result {}, element {}, {}", k, i, place); };
      worst.see(a[i].real(), b[i].real(), size, where);
      worst.see(a[i].imag(), b[i].imag(), size, where);
    }
  }
}

Tensors example(const Tensors& batches, std::int64_t i) {
  Tensors result;
  for (const Tensor& x : batches) result.push_back(x[i]);
  return result;
}

void compare(Worst& worst, const detail::CheckedFunction& f, const Batch& batch, const std::string& mapped) {
  const Tensors all = batch.vmapped(f);
  for (const Tensor& y : all)
    worst.see(static_cast<double>(y.rank() > 0 ? y.size(0) : -1), static_cast<double>(batch.size), 1,
              [&] { return "the number of examples, " + mapped; });
  for (std::int64_t i = 0; i < batch.size; ++i)
    see(worst, example(all, i), f(batch.example(i)), fmt::format("example {} of {}, {}", i, batch.size, mapped));
}

Tensors ones_like(const Tensors& y) {
  Tensors result;
  for (const Tensor& part : y)
    result.push_back(is_inexact(part.dtype()) ? ones(part.shape(), {.dtype = part.dtype()})
                                              : zeros(part.shape(), {.dtype = part.dtype()}));
  return result;
}

/// The tangent of the batch is the batch of tangents.
void compare_tangent_of_vmap(Worst& worst, const detail::CheckedFunction& f, const Tensors& x) {
  const Batch batch = batch_of(x, x.size(), 3);
  const auto whole = [&](const Tensors& at) { return Batch{at, batch.mapped, batch.size}.vmapped(f); };
  const Tensors tangents = jvp(whole, args(batch.inputs), args(batch.inputs)).tangent;
  for (std::int64_t i = 0; i < batch.size; ++i) {
    const auto at = args(batch.example(i));
    see(worst, example(tangents, i), jvp(f, at, at).tangent, fmt::format("example {} of {}", i, batch.size));
  }
}

bool all_inexact(const Tensors& x) {
  for (const Tensor& part : x)
    if (!is_inexact(part.dtype())) return false;
  return true;
}

/// Of a function that returns lists, for each choice of mapped inputs and each size of the batch.
Comparison compare_all(const char* what, double tolerance, const detail::CheckedFunction& f, const Tensors& x) {
  Worst worst(what, tolerance);
  for (std::size_t alone = x.size() == 1 ? 1 : 0; alone <= x.size(); ++alone) {
    const std::string mapped = alone == x.size() ? "all inputs mapped" : fmt::format("argument {} mapped", alone);
    for (const std::int64_t size : {3, 1, 0}) compare(worst, f, batch_of(x, alone, size), mapped);
  }
  return worst.result();
}

}  // namespace

void check_vmap(const detail::CheckedFunction& f, const Tensors& x, const CheckOptions& options, Site site, Comparisons& list) {
  const Tensors y = f(x);
  const double tolerance = options.tolerance > 0 ? options.tolerance : rounding_tolerance(coarsest(x, y));
  list.push_back(compare_all("vmap of f = loop", tolerance, f, x));
  if (!all_inexact(x)) {
    for (const char* what : {"vmap of jvp = loop", "vmap of vjp = loop", "jvp of vmap = loop"})
      list.push_back({.what = what, .skipped = "there are inputs without derivatives"});
    return;
  }
  const Tensors q = ones_like(y);
  const auto pushed = [&](const Tensors& at) { return jvp(f, args(at), args(at), site).tangent; };
  const auto pulled = [&](const Tensors& at) { return vjp(f, args(at), site).pullback(q); };
  list.push_back(compare_all("vmap of jvp = loop", tolerance, pushed, x));
  list.push_back(compare_all("vmap of vjp = loop", tolerance, pulled, x));
  Worst worst("jvp of vmap = loop", tolerance);
  compare_tangent_of_vmap(worst, f, x);
  list.push_back(worst.result());
}

}  // namespace scangrad::inline v0::autodiff
