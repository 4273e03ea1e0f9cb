#pragma once
// What is checked of every row of a table, at every case and dtype:
//
//   value          against the reference; the dtype of the result
//   first order    all columns of J by jvp and all rows by vjp, one-hot, and a random direction each, against differences of
//                  the reference; Re <q, J t> = <J^H q, t>; shape and dtype of gradients; one argument active, others constant
//   second order   jvp of jvp, vjp of jvp, jvp of vjp and vjp of vjp, against second differences and one another
//   layouts        transposed, flipped, stepped, padded and broadcast inputs give the bits of row-major ones, and their
//                  derivatives
//   vmap           of the value and the gradient, and its tangent, against loops of single calls; the rule of every primitive in the
//                  graphs of the value and of first and second derivatives, for each choice of mapped inputs; batches of length
//                  0, 1 and 3

#include "support/row.h"

namespace test {

void check_row(const Row& row);

/// First and second order, once more, of the derivative x -> J(x) a: third derivatives, in four of the eight nestings. float64,
/// at cases with few inputs.
void check_third_order(const Row& row);

}  // namespace test
