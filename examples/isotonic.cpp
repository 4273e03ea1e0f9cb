// A primitive of one's own, with a kernel: isotonic regression, the non-decreasing y that is nearest to x. It is found by pooling
// neighbours that are out of order into blocks, a loop with a stack, which no operations of the library say. Its derivative is simple: each
// element gets the mean of the tangent over its block. The blocks are a second output, of integers.

#include <iostream>

#include "scangrad/scangrad.h"

namespace sg = scangrad;
using sg::Tensor;
using P = sg::PrimitiveRules;

namespace {

struct Block {
  double total;
  std::size_t count;
  double mean() const { return total / static_cast<double>(count); }
};

void pool_neighbours(std::span<const double> x, std::span<double> y, std::span<std::int64_t> block) {
  std::vector<Block> stack;
  for (const double value : x) {
    stack.push_back({value, 1});
    while (stack.size() > 1 && stack[stack.size() - 2].mean() >= stack.back().mean()) {
      const Block last = stack.back();
      stack.pop_back();
      stack.back().total += last.total, stack.back().count += last.count;
    }
  }
  std::size_t at = 0;
  for (std::size_t k = 0; k < stack.size(); ++k)
    for (std::size_t i = 0; i < stack[k].count; ++i, ++at) y[at] = stack[k].mean(), block[at] = static_cast<std::int64_t>(k);
}

Tensor block_means(const Tensor& x, const Tensor& block) {
  const std::int64_t n = x.size();
  const Tensor sizes = sg::segment_sum(sg::ones({n}), block, n);
  return sg::take(sg::segment_sum(x, block, n) / sg::maximum(sizes, 1.0), block);
}

}  // namespace

int main() {
  const auto isotonic = sg::custom_primitive<2>({
      .name = "isotonic",
      .outputs = [](P::Specs x) -> sg::TensorSpecList {
        if (x.size() != 1 || x[0].shape.size() != 1 || x[0].dtype != sg::DType::float64)
          throw std::invalid_argument("one vector of float64 is needed");
        return {x[0], sg::TensorSpec{x[0].shape, sg::DType::int64}};
      },
      .kernel = [](P::Inputs x,
                   P::Outputs y) { pool_neighbours(x[0].data<double>(), y[0].data<double>(), y[1].data<std::int64_t>()); },
      .jvp = [](P::List, P::List y, P::List dx) -> sg::TensorList {
        return {block_means(dx[0], y[1]), Tensor()};
      },
  });
  const auto fit = [&](const Tensor& x) { return isotonic(x)[0]; };

  const Tensor x = {1.0, 3.0, 2.0, 4.0, 3.5, 6.0, 5.0, 5.2};
  const auto distance = [&](const Tensor& t) { return sg::sum(sg::square(t - fit(t))); };  // its gradient is 2 (t - fit(t))
  std::cout << "fit       " << fit(x) << "\nblocks    " << isotonic(x)[1] << "\ngradient  " << sg::grad(distance)(x)
            << "\ncurvature " << sg::diag(sg::hessian(distance)(x)) << "\nbatch\n"
            << sg::vmap(fit)(sg::stack({x, sg::flip(x)})) << "\n"
            << (sg::check_all([&](const Tensor& t) { return fit(t); }, {x}) ? "checks passed\n" : "checks FAILED\n");
  try {
    fit(sg::eye(2));
  } catch (const sg::Error& error) {
    std::cout << error.message() << "\n";
  }
}
