#pragma once
// The logarithm of |gamma| and its derivatives, in double.

namespace scangrad::inline v0::cpu {

double log_gamma(double x);
/// The (order + 1)-th derivative of log_gamma; NaN at the poles.
double polygamma_at(int order, double x);

}  // namespace scangrad::inline v0::cpu
