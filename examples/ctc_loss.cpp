// Connectionist temporal classification: the probability that a sequence of distributions over letters and a blank spells a word, when repeated
// letters merge and blanks drop out. The states are the word with blanks around each letter; a step stays, goes on by one, or skips a
// blank between two different letters. One log-space matrix a time step, and the product of them all by associative_scan; held against the
// sum over all paths.

#include <algorithm>
#include <cstdio>

#include "scangrad/scangrad.h"

namespace sg = scangrad;
using sg::Tensor;
using Word = std::vector<std::int64_t>;

namespace {

constexpr std::int64_t blank = 0;

/// (..., i, k) by (..., k, j)
Tensor log_product(const Tensor& a, const Tensor& b) {
  return sg::logsumexp(sg::expand_dims(a, -1) + sg::expand_dims(b, -3), {.axis = -2});
}

/// 0 where a step from state i to state j is allowed, else -inf.
Tensor allowed_steps(const Word& states) {
  std::vector<double> steps;
  const auto n = static_cast<std::int64_t>(states.size());
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j) {
      const bool differ = states[static_cast<std::size_t>(i)] != states[static_cast<std::size_t>(j)];
      const bool skips = j == i + 2 && states[static_cast<std::size_t>(j)] != blank && differ;
      steps.push_back(j == i || j == i + 1 || skips ? 0 : -INFINITY);
    }
  return Tensor(steps, {n, n});
}

/// log P(word) under log-probabilities (time, letters).
Tensor log_probability(const Tensor& letters, const Word& word) {
  Word states = {blank};
  for (std::int64_t letter : word) states.insert(states.end(), {letter, blank});
  const auto n = static_cast<std::int64_t>(states.size());
  const Tensor emissions = sg::expand_dims(sg::take(letters, Tensor(states), {.axis = 1}), 1);  // (time, 1, states)
  const Tensor steps = allowed_steps(states) + emissions;
  const auto prefixes = sg::associative_scan([](const Tensor& a, const Tensor& b) { return log_product(a, b); },
                                             sg::slice(steps, {.begin = 1}), {.axis = 0});
  const Tensor first = sg::where(sg::arange(n) < 2, emissions[0][0], -INFINITY);  // the blank or the first letter
  const Tensor last = sg::logsumexp(sg::expand_dims(first, 1) + prefixes[-1], {.axis = 0});
  return sg::logsumexp(sg::slice(last, {.begin = n - 2}));
}

/// The sum over all paths that spell the word.
Tensor by_brute_force(const Tensor& letters, const Word& word) {
  const std::int64_t time = letters.size(0), count = letters.size(1);
  std::int64_t paths = 1;
  for (std::int64_t t = 0; t < time; ++t) paths *= count;
  std::vector<Tensor> spelling;
  for (std::int64_t code = 0; code < paths; ++code) {
    Word path, spelled;
    for (std::int64_t t = 0, rest = code; t < time; ++t, rest /= count) path.push_back(rest % count);
    for (std::size_t t = 0; t < path.size(); ++t)
      if (path[t] != blank && (t == 0 || path[t] != path[t - 1])) spelled.push_back(path[t]);
    if (spelled != word) continue;
    spelling.push_back(sg::sum(sg::take_along_axis(letters, sg::expand_dims(Tensor(path), 1), {.axis = 1})));
  }
  return sg::logsumexp(sg::stack(spelling));
}

}  // namespace

int main() {
  const Tensor logits = {{0.5, 1.0, -0.5}, {1.5, 0.25, 0.75}, {-1.0, 0.5, 2.0}, {0.0, 1.0, 0.5}};  // T = 4; blank, a, b
  const auto log_softmax = [](const Tensor& x) { return x - sg::logsumexp(x, {.axis = 1, .keepdims = true}); };
  for (const Word& word : {Word{1}, Word{1, 2}, Word{1, 1}, Word{2, 1, 2}}) {
    const auto scan = [&](const Tensor& x) { return log_probability(log_softmax(x), word); };
    const auto paths = [&](const Tensor& x) { return by_brute_force(log_softmax(x), word); };
    const auto [value, gradient] = sg::value_and_grad(scan)(logits);
    const auto [expected, expected_gradient] = sg::value_and_grad(paths)(logits);
    const double error =
        std::max(sg::abs(value - expected).item<double>(), sg::max(sg::abs(gradient - expected_gradient)).item<double>());
    for (std::int64_t letter : word) std::printf("%c", "-ab"[letter]);
    std::printf(": log P = %.6f, %s\n", value.item<double>(), error < 1e-13 ? "as the sum over all paths" : "WRONG");
  }
}
