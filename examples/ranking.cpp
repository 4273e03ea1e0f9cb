// Listwise ranking by the Plackett-Luce model (ListMLE): items are drawn one after the other, each with a probability that is the softmax of
// the scores of those that are left. Of an order with scores s_1, s_2, .. that is
//
//   log P = sum_k (s_k - log sum_{i >= k} e^{s_i}),
//
// a reverse logcumsumexp. The probabilities of all orders add up to 1, and the gradient is that of the same sum.

#include <algorithm>
#include <cstdio>
#include <numeric>

#include "scangrad/scangrad.h"

namespace sg = scangrad;
using sg::Tensor;

namespace {

/// Of items in the given order, the best first.
Tensor log_probability(const Tensor& scores, const Tensor& order) {
  const Tensor ranked = sg::take(scores, order);
  return sg::sum(ranked - sg::logcumsumexp(ranked, {.reverse = true}));
}

}  // namespace

int main() {
  const Tensor scores = {0.5, -1.0, 2.0, 0.25, 1.0};
  std::vector<std::int64_t> order(5);
  std::iota(order.begin(), order.end(), 0);
  const auto all_orders = [&](const Tensor& s) {
    std::vector<Tensor> probabilities;
    std::vector<std::int64_t> next = order;
    do probabilities.push_back(sg::exp(log_probability(s, Tensor(next))));
    while (std::next_permutation(next.begin(), next.end()));
    return sg::stack(probabilities);
  };
  const Tensor total = sg::sum(all_orders(scores));
  const Tensor change = sg::grad([&](const Tensor& s) { return sg::sum(all_orders(s)); })(scores);
  std::printf("%lld orders, whose probabilities add up to %.12f, and change by at most %.0e\n",
              static_cast<long long>(all_orders(scores).size()), total.item<double>(), sg::max(sg::abs(change)).item<double>());

  const Tensor seen = {2, 4, 0, 3, 1};  // the order of the scores
  std::printf("log-likelihood of the likeliest order %.6f\n", log_probability(scores, seen).item<double>());
}
