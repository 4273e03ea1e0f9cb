#pragma once
// What the checks (scangrad/check.h) work on: a function of Tensors as a function of coordinates, the real numbers that its inputs and
// results are made of; with its derivatives by the transforms and, to hold them against, by differences.

#include <optional>

#include "scangrad/check.h"
#include "scangrad/fmt.h"

namespace scangrad::inline v0::autodiff {

using Vector = std::vector<double>;
using Tensors = std::vector<Tensor>;

/// The coordinates of some tensors, or a choice of them: an element each, real and imaginary part where it is complex. What is neither
/// floating nor complex has none.
class Coordinates {
 public:
  /// `noun` is what one tensor is called: "argument".
  Coordinates(Tensors like, const char* noun);
  /// At most so many, at random.
  Coordinates(Tensors like, const char* noun, std::size_t most, std::uint64_t seed);
  /// The same ones of other tensors.
  Coordinates(Tensors like, const Coordinates& same) : like_(std::move(like)), noun_(same.noun_), chosen_(same.chosen_) {}

  std::size_t size() const { return chosen_.size(); }
  Vector of(const Tensors& x) const;
  /// Absolute values, where those of a complex element are one number, |re| + |im|: complex products round relative to that.
  Vector sizes(const Vector& coordinates) const;
  /// Tensors like those given, zero but for these coordinates.
  Tensors tensors(const Vector& coordinates) const;
  /// "argument[1, 2]", "argument 0[1, 2].imag" where there are several
  std::string name(std::size_t i) const;

 private:
  Tensors like_;
  const char* noun_;
  std::vector<std::size_t> chosen_;
};

/// A direction or a cotangent.
struct Probe {
  std::string name;
  Vector values;
};

/// Of the coarsest of some dtypes.
struct Precision {
  double epsilon = 0;         ///< from 1 to the next number
  double smallest = 0;        ///< above 0
  int largest_exponent = 30;  ///< of 10, for the mixed scales
};
/// Of the coarsest of the dtypes of both lists.
Precision coarsest(const Tensors& x, const Tensors& y);

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
