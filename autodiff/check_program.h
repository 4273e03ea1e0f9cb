#pragma once
// What the checks (scangrad/check.h) work on: a function of Tensors as a function of coordinates, with its derivatives by the transforms
// and, to hold them against, by differences.

#include <optional>

#include "autodiff/check_coordinates.h"

namespace scangrad::inline v0::autodiff {

/// A direction or a cotangent.
struct Probe {
  std::string name;
  Vector values;
};

class Program {
 public:
  Program(const detail::CheckedFunction& function, const Tensors& inputs, const CheckOptions& check_options, Site call);

  const detail::CheckedFunction& f;
  const CheckOptions& options;
  const Site site;     ///< of the call, for errors
  const Tensors x, y;  ///< y = f(x)
  const Coordinates in, out;
  const Precision precision;  ///< of x and y

  Vector jvp(const Vector& t) const;
  Vector vjp(const Vector& q) const;
  /// J by columns: by jvp; by differences of f; by the complex step. Each is computed once.
  const std::vector<Vector>& columns();
  const std::vector<Vector>& differences();
  const std::vector<Vector>& complex_steps();
  /// Why there are no complex steps; empty if there are.
  const std::string& no_complex_steps();
  /// The columns of the Hessian of <q, f>, by differences of the gradient.
  std::vector<Vector> hessian_by_differences(const Vector& q) const;

  /// What an error of J t, or of J^H q, is relative to: sum_i |J_ki| |t_i|, sum_k |J_ki| |q_k|, and a little for what is subnormal.
  /// |J|, |t| and |q| are sizes, as above.
  Vector size_of_jvp(const Vector& t);
  Vector size_of_vjp(const Vector& q);

  /// Numbers of either sign in [1/2, 1], or of sizes from 1e-30 to 1e30.
  Probe random_signs(const Coordinates& coordinates, int salt) const;
  Probe mixed_scales(const Coordinates& coordinates, int salt) const;

 private:
  template <class F>
  std::vector<Vector> by_differences(const F& value) const;
  void take_complex_steps();
  const std::vector<Vector>& sizes();  ///< of the columns

  Tensors wide_;  ///< x in float64 and complex128
  std::vector<Vector> columns_, sizes_, differences_, complex_steps_;
  std::optional<std::string> no_complex_steps_;
};

/// The coordinate i alone.
Probe single(const Coordinates& coordinates, std::size_t i);

double dot(const Vector& a, const Vector& b);
/// sum_i |a_i| |b_i|
double size_of_dot(const Vector& a, const Vector& b);
/// sum_i t_i column_i
Vector product(const std::vector<Vector>& columns, const Vector& t, std::size_t rows);

}  // namespace scangrad::inline v0::autodiff
