#include <iostream>
#include <scangrad/scangrad.h>
namespace sg = scangrad;

int main() {
  const sg::Tensor x = {0.5, 1.0, -2.0, 0.25};
  const auto loss = [](const sg::Tensor& t) { return sg::sum(sg::square(sg::logcumsumexp(t))); };
  const auto [value, gradient] = sg::value_and_grad(loss)(x);
  const auto [y, dy] = sg::jvp([](const sg::Tensor& t) { return sg::cumprod(t, {.reverse = true}); }, {x}, {sg::ones({4})});
  std::cout << "loss     " << value.item<double>() << "\ngradient " << gradient << "\nproducts " << y << "\ntangent  " << dy << "\n"
            << sg::hessian(loss)(x) << "\n";
}
