// Prints, in Graphviz's language, the graph of a partial likelihood before anything is computed:
//   draw_graph | dot -Tsvg > graph.svg

#include <cstdio>

#include "scangrad/scangrad.h"

namespace sg = scangrad;

int main() {
  const sg::Tensor X = {{0.5, 1.0}, {-1.0, 2.0}, {0.0, -0.5}}, event = {1.0, 0.0, 1.0}, beta = {0.1, -0.2};
  const sg::Tensor last_of_tie = {0, 1, 2};
  const sg::Tensor eta = sg::matmul(X, beta);
  const sg::Tensor loss = -sg::sum(event * (eta - sg::take(sg::logcumsumexp(eta), last_of_tie)));
  std::fputs(sg::to_dot(loss).c_str(), stdout);
}
