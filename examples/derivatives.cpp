// The derivative in each of its shapes: of a number by a number, of a number by a vector (the gradient), of a vector by a vector (the
// Jacobian), of a matrix by a matrix (the generalised derivative, of rank 4).

#include <iostream>

#include "scangrad/scangrad.h"

namespace sg = scangrad;
using sg::Tensor;

void show(const char* what, const Tensor& x) { std::cout << what << " " << to_string(x.shape()) << "\n" << x << "\n"; }

int main() {
  const auto cube = [](const Tensor& t) { return t * t * t; };
  show("derivative", sg::grad(cube)(Tensor(2.0)));

  const Tensor v = {1.0, 2.0, 3.0};
  show("gradient", sg::grad([](const Tensor& t) { return sg::sum(t * t); })(v));
  show("Jacobian", sg::jacobian([](const Tensor& t) { return sg::cumprod(t); })(v));
  show("Hessian", sg::hessian([](const Tensor& t) { return sg::prod(t); })(v));

  const Tensor A = {{2.0, 1.0}, {0.0, 1.0}};  // d (A A)_ij / d A_kl = A_ik [l = j] + [i = k] A_lj
  show("generalised derivative", sg::jacobian([](const Tensor& t) { return sg::matmul(t, t); })(A));
  const Tensor along = sg::jvp([](const Tensor& t) { return sg::matmul(t, t); }, {A}, {sg::eye(2)}).tangent;  // 2 A
  show("of it, one direction", along);
}
