// Weights of one bit: the network computes with sign(w), whose derivative is 0; the rule of the user passes the cotangent straight
// through, so that w learns all the same.

#include <iostream>

#include "scangrad/scangrad.h"

namespace sg = scangrad;
using sg::Tensor;

int main() {
  const auto one_bit = sg::custom_function({
      .forward = [](sg::CustomRules::List x) { return sg::where(x[0] < 0, -sg::ones(x[0].shape()), 1.0); },
      .jvp = [](sg::CustomRules::List, sg::CustomRules::List, sg::CustomRules::List dx) { return dx[0]; },
      .name = "one_bit",
  });
  const Tensor truth = {1.0, -1.0, -1.0, 1.0, -1.0};
  const Tensor x = sg::random::normal(sg::random::key(7), {64, 5}), y = sg::matmul(x, truth);
  const auto loss = [&](const Tensor& w) { return sg::mean(sg::square(sg::matmul(x, one_bit(w)) - y)); };
  Tensor w = {-0.5, 0.5, 0.5, -0.5, 0.5};
  for (int step = 0; step < 50; ++step) w = w - 0.05 * sg::grad(loss)(w);
  std::cout << "weights " << one_bit(w) << "\nloss " << loss(w) << "\n";
}
