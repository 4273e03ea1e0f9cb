#pragma once
// What the tables of rows are made of.

#include "support/reference.h"
#include "support/row.h"

namespace test {

/// Shapes of one and of two inputs: rank 0, sizes 1 and 0, all ways to broadcast.
extern const Shapes unary_shapes, binary_shapes;

/// Random inputs: away from 0, where some derivatives jump, and without ties.
inline constexpr Range any = {0.25, 2, true}, positive = {0.25, 3};

/// Functions of one and of two Tensors as those of a list.
Operation one(Tensor (*f)(const sg::Operand&));
Operation two(Tensor (*f)(const sg::Operand&, const sg::Operand&));

/// The parts of operation_rows().
std::vector<Row> elementwise_rows();
std::vector<Row> reduction_rows();
std::vector<Row> movement_rows();
std::vector<Row> indexing_rows();
std::vector<Row> function_rows();
std::vector<Row> composed_movement_rows();
std::vector<Row> composed_indexing_rows();
std::vector<Row> composed_reduction_rows();
std::vector<Row> linalg_rows();

}  // namespace test
