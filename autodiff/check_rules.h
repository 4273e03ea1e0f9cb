#pragma once
// The checks of scangrad/check.h, one function each; what they compare goes into the list.

#include "autodiff/check_program.h"

namespace scangrad::inline v0::autodiff {

using Comparison = CheckReport::Comparison;
using Comparisons = std::vector<Comparison>;

/// The worst of many comparisons of one kind.
class Worst {
 public:
  Worst(std::string what, double tolerance) : result_{.what = std::move(what), .tolerance = tolerance} {}

  /// |got - expected| / size, and where it is made only for the worst.
  template <class Where>
  void see(double got, double expected, double size, const Where& where) {
    ++result_.values;
    const double error = relative_error(got, expected, size);
    if (error <= result_.error || result_.error != result_.error) return;  // a NaN error goes on, and stays
    result_.error = error, result_.got = got, result_.expected = expected, result_.where = where();
  }
  const Comparison& result() const { return result_; }

 private:
  static double relative_error(double got, double expected, double size);
  Comparison result_;
};

/// What is allowed between results of the same precision, against differences, against complex steps.
double rounding_tolerance(const Precision& precision);
double rounding_tolerance(const Program& program);
double difference_tolerance(const Program& program);
double complex_step_tolerance(const Program& program);

void check_jvp(Program& program, Comparisons& list);
void check_vjp(Program& program, Comparisons& list);
void check_adjoint(Program& program, Comparisons& list);
void check_linearity(Program& program, Comparisons& list);
void check_second_order(Program& program, Comparisons& list);
void check_vmap(const detail::CheckedFunction& f, const Tensors& x, const CheckOptions& options, Site site, Comparisons& list);

}  // namespace scangrad::inline v0::autodiff
