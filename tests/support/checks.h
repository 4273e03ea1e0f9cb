#pragma once
// What is checked of every row of a table, at every case and dtype:
//
//   value          against the reference; the dtype of the result
//   first order    all columns of J by jvp and all rows by vjp, one-hot, and a random direction each, against differences of
//                  the reference; shape and dtype of gradients; one argument active, others constant
//   second order   jvp of jvp, vjp of jvp, jvp of vjp and vjp of vjp, against second differences
//   layouts        transposed, flipped, stepped, padded and broadcast inputs give the bits of row-major ones, and their
//                  derivatives
//   vmap           by check_vmap; the rule of every primitive in the graphs of the value and of first and second derivatives, for
//                  each choice of mapped inputs; batches of length 0, 1 and 3
//
// What needs no definition to compare with is in check_rows_test.cpp: there the rows go through scangrad/check.h.

#include "support/row.h"

namespace test {

void check_row(const Row& row);

/// First and second order, once more, of the derivative x -> J(x) a: third derivatives, in four of the eight nestings. float64,
/// at cases with few inputs.
void check_third_order(const Row& row);

}  // namespace test
