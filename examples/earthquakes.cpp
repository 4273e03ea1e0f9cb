// A Poisson hidden Markov model of the number of major earthquakes a year, fitted by maximum likelihood.
//
// The likelihood is a product of matrices, initial . P_1 . A P_2 . A P_3 .., with P_t diagonal: the probabilities of the count of year t in
// each state. Written year after year, by scan, it is the forward algorithm. Matrix products are associative, so all prefixes also come
// out of one associative_scan. Either way its gradient in the log-probabilities log P_t is the posterior: the probability of each state
// in year t, given all years.
//
//   earthquakes examples/data/earthquakes.csv STATES [loop]       # fitted by associative_scan, or by scan

#include <cstdio>
#include <cstdlib>

#include "scangrad/scangrad.h"

namespace sg = scangrad;
using sg::Tensor;

namespace {

struct Model {
  Tensor log_rates;    ///< (k,)
  Tensor initial;      ///< (k,), logits
  Tensor transitions;  ///< (k, k), logits of each row
};

Tensor log_softmax(const Tensor& x) { return x - sg::logsumexp(x, {.axis = -1, .keepdims = true}); }

/// log P(count | state): (years, k)
Tensor log_emissions(const Model& model, const Tensor& counts) {
  const Tensor n = sg::expand_dims(counts, 1);
  return n * model.log_rates - sg::exp(model.log_rates) - sg::lgamma(n + 1);
}

/// The logarithm of the product of matrices that are given by logarithms: (..., i, k) by (..., k, j).
Tensor log_product(const Tensor& a, const Tensor& b) {
  return sg::logsumexp(sg::expand_dims(a, -1) + sg::expand_dims(b, -3), {.axis = -2});
}

Tensor by_associative_scan(const Model& model, const Tensor& emissions) {
  const Tensor here = sg::expand_dims(emissions, 1);                                              // (years, 1, k)
  const Tensor steps = log_softmax(model.transitions) + sg::slice(here, {.begin = 1});            // A P_t
  const Tensor start = sg::broadcast_to(log_softmax(model.initial) + here[0], steps[0].shape());  // every row the same
  const auto prefixes = sg::associative_scan([](const Tensor& a, const Tensor& b) { return log_product(a, b); },
                                             sg::concatenate({sg::expand_dims(start, 0), steps}), {.axis = 0});
  return sg::logsumexp(prefixes[-1][0]);
}

Tensor by_scan(const Model& model, const Tensor& emissions) {
  const Tensor transitions = log_softmax(model.transitions);
  const auto year = [&](const Tensor& before, const Tensor& here) {  // log P(state, all counts so far)
    const Tensor now = sg::logsumexp(sg::expand_dims(before, 1) + transitions, {.axis = 0}) + here;
    return std::pair(now, std::tuple<>());
  };
  const Tensor start = log_softmax(model.initial) + emissions[0];
  return sg::logsumexp(sg::scan(year, start, sg::slice(emissions, {.axis = 0, .begin = 1})).carry);
}

Model first_guess(const Tensor& counts, std::int64_t states) {
  const Tensor place = (sg::arange(static_cast<double>(states)) + 0.5) / static_cast<double>(states);
  return {sg::log(sg::mean(counts) * (0.5 + place)), sg::zeros({states}), 2.0 * sg::eye(states)};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return std::fprintf(stderr, "usage: earthquakes earthquakes.csv STATES [loop]\n"), 2;
  const Tensor counts = sg::read_csv(argv[1]).column("count");
  const auto log_likelihood = argc > 3 ? by_scan : by_associative_scan;

  const auto loss = [&](const Model& model) { return -log_likelihood(model, log_emissions(model, counts)); };
  const auto fit = sg::lbfgs(loss, first_guess(counts, std::atoll(argv[2])), {.gradient_tolerance = 1e-6});

  const Model& model = fit.point;
  const auto posterior = [&](const auto& likelihood) {
    return sg::grad([&](const Tensor& emissions) { return likelihood(model, emissions); })(log_emissions(model, counts));
  };
  const Tensor states = posterior(log_likelihood);
  std::printf("log-likelihood %.4f, rates", -fit.value);
  for (double rate : sg::sort(sg::exp(model.log_rates)).to_vector<double>()) std::printf(" %.3f", rate);
  const double certain = sg::mean(sg::max(states, {.axis = 1})).item<double>();
  std::printf("\nprobabilities of a year add up to %.12f; the likeliest state has %.2f on average\n",
              sg::mean(sg::sum(states, {.axis = 1})).item<double>(), certain);
  const double apart = sg::max(sg::abs(posterior(by_scan) - posterior(by_associative_scan))).item<double>();
  std::printf("posteriors by scan and by associative_scan %s\n", apart < 1e-12 ? "agree" : "DIFFER");
}
