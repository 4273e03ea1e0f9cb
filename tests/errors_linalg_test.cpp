// What einsum and the functions of linalg.h say to bad input.

#include "scangrad/scangrad.h"
#include "support/golden.h"

namespace sg = scangrad;
using sg::DType;
using sg::Tensor;
using test::check_all;

namespace {

const Tensor x = {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}};
const Tensor v = {1.0, 2.0};
const Tensor integers = {1, 2, 3};
constexpr std::int64_t huge = std::int64_t{1} << 62;

}  // namespace

TEST_CASE("einsum") {
  check_all({
      {[] { sg::einsum("i%", {v}); },
       "einsum: \"i%\" cannot be read from \"%\" on; write letters for axes, \"...\" once a tensor, \",\" between tensors and "
       "\"->\" "
       "before the result"},
      {[] { sg::einsum("i.j", {x}); },
       "einsum: \"i.j\" cannot be read from \".j\" on; write letters for axes, \"...\" once a tensor, \",\" between tensors "
       "and \"->\" "
       "before the result"},
      {[] { sg::einsum("...i...", {x}); },
       "einsum: \"...i...\" cannot be read from \"...\" on; write letters for axes, \"...\" once a tensor, \",\" between "
       "tensors and "
       "\"->\" before the result"},
      {[] { sg::einsum("i->j->i", {v}); },
       "einsum: \"i->j->i\" cannot be read from \"->i\" on; write letters for axes, \"...\" once a tensor, \",\" between "
       "tensors and "
       "\"->\" before the result"},
      {[] { sg::einsum("i->i,i", {v}); },
       "einsum: \"i->i,i\" cannot be read from \",i\" on; write letters for axes, \"...\" once a tensor, \",\" between tensors "
       "and "
       "\"->\" before the result"},
      {[] { sg::einsum("ij,jk", {x}); }, "einsum: \"ij,jk\" has the subscripts of 2 tensors, given 1"},
      {[] { sg::einsum("", {}); }, "einsum: \"\" has the subscripts of 1 tensors, given 0"},
      {[] { sg::einsum("ijk", {x}); }, "einsum: tensor 0 has shape (2, 3), but its subscripts name 3 axes"},
      {[] {
         sg::einsum("i,i...jk", {v, x});
       },
       "einsum: tensor 1 has shape (2, 3), but its subscripts name at least 3 axes"},
      {[] { sg::einsum("ij->ik", {x}); }, "einsum: the result of \"ij->ik\" has an axis 'k', which no tensor has"},
      {[] { sg::einsum("ij->ii", {x}); }, "einsum: the result of \"ij->ii\" has the axis 'i' twice"},
      {[] { sg::einsum("...j->j", {x}); },
       "einsum: the axes behind \"...\" are missing from the result of \"...j->j\"; write \"...\" there too"},
      {[] {
         sg::einsum("ij,j", {x, v});
       },
       "einsum: axis 'j' has size 3 in tensor 0 and 2 in tensor 1; they must be equal"},
      {[] { sg::einsum("ii", {x}); }, "einsum: axis 'i' has size 2 in tensor 0 and 3 in tensor 0; they must be equal"},
      {[] {
         sg::einsum("...,...", {x, v});
       },
       "einsum: axis -1 behind \"...\" has size 3 in tensor 0 and 2 in tensor 1; they must be equal or 1"},
      {[] { sg::einsum("i", {Tensor()}); },
       "einsum: a default-constructed Tensor was given; give it a value first, as in Tensor x = {1.0, 2.0};"},
      {[] {
         sg::einsum("i,j", {sg::zeros({huge / 8}), sg::zeros({huge / 8})});
       },
       "einsum: a tensor of shape (576460752303423488, 576460752303423488) is too large: it would need more than 2^62 bytes"},
  });
}

TEST_CASE("linear algebra") {
  const Tensor a = sg::eye(2), half = sg::eye(2, {.dtype = DType::float16});
  check_all({
      {[] { sg::cholesky(x); }, "cholesky: takes square matrices (..., n, n), given the shape (2, 3)"},
      {[] { sg::cholesky(v); }, "cholesky: takes square matrices (..., n, n), given the shape (2,)"},
      {[=] { sg::cholesky(half); }, "cholesky: float16 tensors have no cholesky; convert with astype"},
      {[] { sg::cholesky(Tensor()); },
       "cholesky: a default-constructed Tensor was given; give it a value first, as in Tensor x = {1.0, 2.0};"},
      {[] { sg::inverse(x); }, "inverse: takes square matrices (..., n, n), given the shape (2, 3)"},
      {[=] { sg::inverse(half); }, "inverse: float16 tensors have no inverse; convert with astype"},
      {[] { sg::slogdet(1.0); }, "slogdet: takes square matrices (..., n, n), given the shape ()"},
      {[] { sg::logdet(x); }, "logdet: takes square matrices (..., n, n), given the shape (2, 3)"},
      {[] { sg::logdet(sg::eye(2, {.dtype = DType::bfloat16})); },
       "logdet: bfloat16 tensors have no logdet; convert with astype"},
      {[] { sg::solve(x, v); }, "solve: takes square matrices (..., n, n), given the shape (2, 3)"},
      {[=] { sg::solve(a, 1.0); }, "solve: shapes (2, 2) and () do not match: the right side must be (2,) or (..., 2, k)"},
      {[=] { sg::solve(a, sg::zeros({3})); },
       "solve: shapes (2, 2) and (3,) do not match: the right side must be (2,) or (..., 2, k)"},
      {[=] {
         sg::solve(a, sg::zeros({3, 2}));
       },
       "solve: shapes (2, 2) and (3, 2) do not match: the right side must be (2,) or (..., 2, k)"},
      {[=] { sg::solve(half, half); }, "solve: float16 tensors have no solve; convert with astype"},
      {[] {
         sg::solve(sg::zeros({2, 3, 3}), sg::zeros({5, 3, 1}));
       },
       "solve: shapes (2, 3, 3) and (5, 3, 1) do not match: the batch axes (2,) and (5,) do not broadcast; sizes must be equal "
       "or 1"},
      {[] { sg::triangular_solve(x, v); }, "triangular_solve: takes square matrices (..., n, n), given the shape (2, 3)"},
      {[=] { sg::triangular_solve(a, integers); },
       "triangular_solve: shapes (2, 2) and (3,) do not match: the right side must be (2,) or (..., 2, k)"},
      {[=] { sg::triangular_solve(half, half); },
       "triangular_solve: float16 tensors have no triangular_solve; convert with astype"},
      {[] {
         constexpr std::int64_t many = std::int64_t{1} << 40;
         sg::solve(sg::zeros({many, 1, 0, 0}), sg::zeros({many, 0, 1}));
       },
       "solve: a tensor of shape (1099511627776, 1099511627776, 0, 1) is too large: it would need more than 2^62 bytes"},
  });
}
