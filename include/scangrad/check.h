#pragma once
// Is the derivative right? Checks of a function's derivatives, and of the rules that they are made of, by what must hold of them.
//
//   const sg::CheckReport report = sg::check_all(f, {x, w});
//   if (!report) std::cout << report;            // a table: what was compared, the worst error, and where it was
//
// The inputs are as those of jvp and vjp: Tensors in braces, or args(...) for structures of Tensors. They should be floating or
// complex, few (the cost grows with their elements, check_second_order's with their square), of ordinary size, and where f is
// differentiable. f is called outside of transforms, and inside them; it must return the same for the same inputs.
//
// Every element is a coordinate, that of a complex tensor two: its real and its imaginary part. J is the real matrix of the derivative in these
// coordinates, <a, b> = Re sum conj(a) b, and J^H, which vjp applies, its transpose. An error is relative to the sum of the absolute
// values of what was added up: that of (J t)_k to sum_i |J_ki| |t_i|, with J by jvp.
//
// All of them throw Error where jvp or vjp would: on integer inputs, on default-constructed Tensors, from within f.

#include <functional>
#include <iosfwd>

#include "scangrad/autodiff.h"
#include "scangrad/ops.h"

namespace scangrad::inline v0 {

/// How the check_ functions check.
struct CheckOptions {
  detail::ByName by_name = detail::ByName();
  std::uint64_t seed = 0;       ///< of what is random; the report repeats it
  int probes = 3;               ///< random directions and cotangents of each kind, at least 1
  std::int64_t elements = 256;  ///< of inputs with more coordinates, so many are moved and the others stay; at least 1
  /// The largest error allowed. Where it is 0: e^{3/4} or 16 e, whichever is more, with e the distance from 1 to the next number of
  /// the coarsest dtype among inputs and results (2e-12 for float64, 6e-6 for float32); against differences at least 1e-6, against
  /// the complex step 1e-10.
  double tolerance = 0;
  /// Added to every |J_ki| that an error is relative to: derivatives of about this size times the tolerance are as good as 0. For
  /// functions whose derivatives cancel, as those of sum(softmax(x)); 1 is right where derivatives near 1 cancel.
  double absolute = 0;
  bool holomorphic = false;  ///< f is complex differentiable: check_linearity asks for J (i t) = i J t, too
};

/// What the check_ functions found. Converts to true if all comparisons are within their tolerance.
struct SCANGRAD_API CheckReport {
  /// Two ways to the same numbers.
  struct Comparison {
    std::string what = "";     ///< "jvp = differences"
    double error = 0;          ///< the largest; NaN where only one of the two was NaN
    double tolerance = 0;      ///< what is allowed
    std::int64_t values = 0;   ///< how many numbers were compared
    std::string where = "";    ///< the largest error's place: "result[2] along argument[0]"; empty if there was none
    double got = 0;            ///< the left side there
    double expected = 0;       ///< the right side there
    std::string skipped = "";  ///< why nothing was compared, if so

    bool passed() const noexcept { return error <= tolerance; }  ///< skipped ones pass
  };

  std::string name;                     ///< "check_jvp"
  std::uint64_t seed = 0;               ///< CheckOptions::seed, to run the same again
  std::vector<Comparison> comparisons;  ///< in the order they were made

  explicit operator bool() const noexcept;  ///< whether all comparisons passed
  /// The one with the largest error / tolerance; throws Error if there is none.
  const Comparison& worst() const;
};

/// The report as a table, a line a comparison.
/// @{
SCANGRAD_API std::string to_string(const CheckReport& report);
SCANGRAD_API std::ostream& operator<<(std::ostream& out, const CheckReport& report);
/// @}

namespace detail {

using CheckedFunction = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;
enum class Check { jvp, vjp, adjoint, linearity, second_order, vmap, all };
// Not an overload of check: whether f converts to CheckedFunction must not be asked of a generic lambda.
SCANGRAD_API CheckReport check_flat(Check which, const CheckedFunction& f, const std::vector<Tensor>& x,
                                    const CheckOptions& options, Site site);

template <class F, class... T>
CheckReport check(Check which, const F& f, const Args<T...>& x, const CheckOptions& options, Site site) {
  const auto flat = [&](const std::vector<Tensor>& tensors) { return flatten(std::apply(f, unflatten(x.values, tensors))); };
  return check_flat(which, flat, flatten(x.values), options, site);
}

}  // namespace detail

/// jvp against derivatives by differences: J t, t one coordinate each and random signs. Central differences with steps from 2^-4 to
/// 2^-13, extrapolated (Richardson), with inputs in float64 and complex128 whatever their dtype. Where f takes complex inputs in
/// place of real ones and is analytic there, also against the complex step Im f(x + i h t) / h, which has no rounding error of its
/// own; skipped where it is not. And the value that jvp returns against f's.
/// @{
template <class F, class... T>
CheckReport check_jvp(const F& f, const Args<T...>& x, const CheckOptions& options = {}, Site site = Site::here()) {
  return detail::check(detail::Check::jvp, f, x, options, site);
}
template <class F, std::size_t N>
CheckReport check_jvp(const F& f, const Tensor (&x)[N], const CheckOptions& options = {}, Site site = Site::here()) {
  return detail::check(detail::Check::jvp, f, detail::tensor_tuple(x), options, site);
}
/// @}

/// vjp against derivatives by differences: the gradient of <q, f>, q random signs and one coordinate each; and its value against
/// f's. Differences and complex step are as in check_jvp.
/// @{
template <class F, class... T>
CheckReport check_vjp(const F& f, const Args<T...>& x, const CheckOptions& options = {}, Site site = Site::here()) {
  return detail::check(detail::Check::vjp, f, x, options, site);
}
template <class F, std::size_t N>
CheckReport check_vjp(const F& f, const Tensor (&x)[N], const CheckOptions& options = {}, Site site = Site::here()) {
  return detail::check(detail::Check::vjp, f, detail::tensor_tuple(x), options, site);
}
/// @}

/// jvp and vjp against each other: <q, J t> = <J^H q, t>, relative to sum |q||J||t|, for random signs, for mixed scales (1e-30 to 1e30;
/// 1e-2 to 1e2 for float16), and for every coordinate alone (J by columns = J by rows).
/// @{
template <class F, class... T>
CheckReport check_adjoint(const F& f, const Args<T...>& x, const CheckOptions& options = {}, Site site = Site::here()) {
  return detail::check(detail::Check::adjoint, f, x, options, site);
}
template <class F, std::size_t N>
CheckReport check_adjoint(const F& f, const Tensor (&x)[N], const CheckOptions& options = {}, Site site = Site::here()) {
  return detail::check(detail::Check::adjoint, f, detail::tensor_tuple(x), options, site);
}
/// @}

/// jvp is linear in the tangent and vjp in the cotangent, over the real numbers: J (3 t - s/2) = 3 J t - J s/2, and J 0 is exactly 0.
/// With .holomorphic also J (i t) = i J t.
/// @{
template <class F, class... T>
CheckReport check_linearity(const F& f, const Args<T...>& x, const CheckOptions& options = {}, Site site = Site::here()) {
  return detail::check(detail::Check::linearity, f, x, options, site);
}
template <class F, std::size_t N>
CheckReport check_linearity(const F& f, const Tensor (&x)[N], const CheckOptions& options = {}, Site site = Site::here()) {
  return detail::check(detail::Check::linearity, f, detail::tensor_tuple(x), options, site);
}
/// @}

/// The Hessian of <q, f>, q random signs: symmetric, and the same by jvp of jvp, vjp of jvp, jvp of vjp and vjp of vjp, contracted
/// with random signs and with single coordinates; and the Hessian against differences of the gradient.
/// @{
template <class F, class... T>
CheckReport check_second_order(const F& f, const Args<T...>& x, const CheckOptions& options = {}, Site site = Site::here()) {
  return detail::check(detail::Check::second_order, f, x, options, site);
}
template <class F, std::size_t N>
CheckReport check_second_order(const F& f, const Tensor (&x)[N], const CheckOptions& options = {}, Site site = Site::here()) {
  return detail::check(detail::Check::second_order, f, detail::tensor_tuple(x), options, site);
}
/// @}

/// vmap against a loop, of f and, where the inputs have derivatives, of its tangents and gradients; and the tangent of vmap(f). The
/// examples are x, 3/4 of x with its elements in reverse order, and x/2 (of what is not floating, x and its reverse); all inputs are
/// mapped, and each one alone, in batches of 3, 1 and 0. Inputs may have any dtype.
/// @{
template <class F, class... T>
CheckReport check_vmap(const F& f, const Args<T...>& x, const CheckOptions& options = {}, Site site = Site::here()) {
  return detail::check(detail::Check::vmap, f, x, options, site);
}
template <class F, std::size_t N>
CheckReport check_vmap(const F& f, const Tensor (&x)[N], const CheckOptions& options = {}, Site site = Site::here()) {
  return detail::check(detail::Check::vmap, f, detail::tensor_tuple(x), options, site);
}
/// @}

/// All of the above, in one report.
/// @{
template <class F, class... T>
CheckReport check_all(const F& f, const Args<T...>& x, const CheckOptions& options = {}, Site site = Site::here()) {
  return detail::check(detail::Check::all, f, x, options, site);
}
template <class F, std::size_t N>
CheckReport check_all(const F& f, const Tensor (&x)[N], const CheckOptions& options = {}, Site site = Site::here()) {
  return detail::check(detail::Check::all, f, detail::tensor_tuple(x), options, site);
}
/// @}

}  // namespace scangrad::inline v0
