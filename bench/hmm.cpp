// The log-likelihood of a Poisson hidden Markov model and its gradient in all parameters, five ways: a loop in C++ with a backward pass by
// hand; ADOL-C, where it is installed, of the same loop; scan, scan that keeps few carries, and associative_scan. All must agree.
//
//   bench_hmm        prints a table: microseconds of the processor for a value, and for value and gradient, also a step; exit status 1
//                    if any differ

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <functional>
#include <numeric>
#include <vector>

#ifdef SCANGRAD_HAS_ADOLC
#include <adolc/adolc.h>
#endif

#include "scangrad/scangrad.h"

namespace sg = scangrad;
using sg::Tensor;
using Vector = std::vector<double>;

namespace {

/// Parameters: log rates (k), logits of the first state (k), logits of the transitions (k, k).
struct Problem {
  std::size_t k;
  Vector counts, parameters;
};

Problem make_problem(std::size_t k, std::size_t steps) {
  Problem problem{k, {}, {}};
  for (std::size_t t = 0; t < steps; ++t)
    problem.counts.push_back(std::floor(20 + 9 * std::sin(0.7 * double(t)) + 4 * std::sin(3.1 * double(t))));
  for (std::size_t i = 0; i < k; ++i) problem.parameters.push_back(std::log(10 + 20 * (double(i) + 0.5) / double(k)));
  for (std::size_t i = 0; i < k; ++i) problem.parameters.push_back(0.1 * double(i));
  for (std::size_t i = 0; i < k * k; ++i) problem.parameters.push_back(i % (k + 1) == 0 ? 2.0 : 0.05 * double(i));
  return problem;
}

struct Result {
  double value = 0;
  Vector gradient;
};

double as_double(double x) { return x; }
#ifdef SCANGRAD_HAS_ADOLC
double as_double(const adouble& x) { return x.value(); }
#endif

template <class T>
T log_sum_exp(const T* x, std::size_t n, std::size_t stride) {
  using std::exp, std::log;
  double largest = as_double(x[0]);
  for (std::size_t i = 1; i < n; ++i) largest = std::max(largest, as_double(x[i * stride]));
  T total = exp(x[0] - largest);
  for (std::size_t i = 1; i < n; ++i) total += exp(x[i * stride] - largest);
  return log(total) + largest;
}

template <class T>
void log_softmax(const T* from, std::size_t n, T* to) {
  const T total = log_sum_exp(from, n, 1);
  for (std::size_t i = 0; i < n; ++i) to[i] = from[i] - total;
}

/// What the model says, from its parameters: log rates, their exponentials, and the logarithms of the probabilities.
template <class T>
struct Logs {
  std::vector<T> rates, means, start, transitions;
  Logs(const T* parameters, std::size_t k) : rates(parameters, parameters + k), means(k), start(k), transitions(k * k) {
    using std::exp;
    for (std::size_t i = 0; i < k; ++i) means[i] = exp(rates[i]);
    log_softmax(parameters + k, k, start.data());
    for (std::size_t i = 0; i < k; ++i) log_softmax(parameters + 2 * k + i * k, k, transitions.data() + i * k);
  }
  T emission(double count, std::size_t state) const { return count * rates[state] - means[state] - std::lgamma(count + 1); }
};

/// The forward algorithm; `keep(t, alpha)` sees log P(state, counts up to t).
template <class T, class Keep>
T forward(const Logs<T>& logs, const Vector& counts, std::size_t k, const Keep& keep) {
  std::vector<T> alpha(k), next(k), terms(k);
  for (std::size_t j = 0; j < k; ++j) alpha[j] = logs.start[j] + logs.emission(counts[0], j);
  keep(std::size_t{0}, alpha);
  for (std::size_t t = 1; t < counts.size(); ++t) {
    for (std::size_t j = 0; j < k; ++j) {
      for (std::size_t i = 0; i < k; ++i) terms[i] = alpha[i] + logs.transitions[i * k + j];
      next[j] = log_sum_exp(terms.data(), k, 1) + logs.emission(counts[t], j);
    }
    std::swap(alpha, next);
    keep(t, alpha);
  }
  return log_sum_exp(alpha.data(), k, 1);
}

double value_by_hand(const Problem& p) {
  return forward(Logs<double>(p.parameters.data(), p.k), p.counts, p.k, [](std::size_t, const Vector&) {});
}

/// Cotangents of logits, from those of their log_softmax.
void softmax_back(const double* logs, const double* g, std::size_t n, double* to) {
  const double total = std::accumulate(g, g + n, 0.0);
  for (std::size_t i = 0; i < n; ++i) to[i] = g[i] - std::exp(logs[i]) * total;
}

Result by_hand(const Problem& p) {
  const std::size_t k = p.k, steps = p.counts.size();
  const Logs<double> logs(p.parameters.data(), k);
  Vector alphas(steps * k);
  const double value = forward(logs, p.counts, k, [&](std::size_t t, const Vector& alpha) {
    std::copy(alpha.begin(), alpha.end(), alphas.begin() + static_cast<std::ptrdiff_t>(t * k));
  });
  Vector g(k), before(k), g_transitions(k * k), gradient(p.parameters.size());
  for (std::size_t j = 0; j < k; ++j) g[j] = std::exp(alphas[(steps - 1) * k + j] - value);
  for (std::size_t t = steps; t-- > 0;) {
    for (std::size_t j = 0; j < k; ++j) gradient[j] += g[j] * (p.counts[t] - logs.means[j]);
    if (t == 0) break;
    std::fill(before.begin(), before.end(), 0.0);
    for (std::size_t j = 0; j < k; ++j) {
      const double total = alphas[t * k + j] - logs.emission(p.counts[t], j);
      for (std::size_t i = 0; i < k; ++i) {
        const double weight = g[j] * std::exp(alphas[(t - 1) * k + i] + logs.transitions[i * k + j] - total);
        before[i] += weight;
        g_transitions[i * k + j] += weight;
      }
    }
    std::swap(g, before);
  }
  softmax_back(logs.start.data(), g.data(), k, gradient.data() + k);
  for (std::size_t i = 0; i < k; ++i)
    softmax_back(logs.transitions.data() + i * k, g_transitions.data() + i * k, k, gradient.data() + 2 * k + i * k);
  return {value, gradient};
}

#ifdef SCANGRAD_HAS_ADOLC
Result by_adolc(const Problem& p) {
  const auto n = static_cast<int>(p.parameters.size());
  Result result{0, Vector(p.parameters.size())};
  trace_on(1);
  std::vector<adouble> x(p.parameters.size());
  for (std::size_t i = 0; i < x.size(); ++i) x[i] <<= p.parameters[i];
  adouble y = forward(Logs<adouble>(x.data(), p.k), p.counts, p.k, [](std::size_t, const std::vector<adouble>&) {});
  y >>= result.value;
  trace_off();
  gradient(1, n, p.parameters.data(), result.gradient.data());
  return result;
}
#endif

Tensor log_softmax(const Tensor& x) { return x - sg::logsumexp(x, {.axis = -1, .keepdims = true}); }

/// The same by the library. `likelihood(start, transitions, emissions)` from logarithms.
template <class Likelihood>
auto model(const Problem& p, const Likelihood& likelihood) {
  const auto k = static_cast<std::int64_t>(p.k);
  const Tensor counts = sg::expand_dims(Tensor(p.counts), 1), constants = sg::lgamma(counts + 1);
  sg::eval({counts, constants});
  return [=](const Tensor& parameters) {
    const Tensor rates = sg::slice(parameters, {.end = k});
    const Tensor start = log_softmax(sg::slice(parameters, {.begin = k, .end = 2 * k}));
    const Tensor transitions = log_softmax(sg::reshape(sg::slice(parameters, {.begin = 2 * k}), {k, k}));
    return likelihood(start, transitions, counts * rates - sg::exp(rates) - constants);
  };
}

auto by_scan(std::int64_t checkpoint_every) {
  return [=](const Tensor& start, const Tensor& transitions, const Tensor& emissions) {
    const auto step = [&](const Tensor& before, const Tensor& here) {
      const Tensor now = sg::logsumexp(sg::expand_dims(before, 1) + transitions, {.axis = 0}) + here;
      return std::pair(now, std::tuple<>());
    };
    const auto rest = sg::slice(emissions, {.axis = 0, .begin = 1});
    return sg::logsumexp(sg::scan(step, start + emissions[0], rest, {.checkpoint_every = checkpoint_every}).carry);
  };
}

Tensor by_associative_scan(const Tensor& start, const Tensor& transitions, const Tensor& emissions) {
  const Tensor here = sg::expand_dims(emissions, 1), steps = transitions + sg::slice(here, {.begin = 1});
  const Tensor first = sg::broadcast_to(start + here[0], steps[0].shape());
  const auto product = [](const Tensor& a, const Tensor& b) {
    return sg::logsumexp(sg::expand_dims(a, -1) + sg::expand_dims(b, -3), {.axis = -2});
  };
  return sg::logsumexp(sg::associative_scan(product, sg::concatenate({sg::expand_dims(first, 0), steps}), {.axis = 0})[-1][0]);
}

/// Of the processor, the least of many runs.
template <class F>
double microseconds(const F& f) {
  const auto now = [] {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return 1e6 * static_cast<double>(time.tv_sec) + 1e-3 * static_cast<double>(time.tv_nsec);
  };
  double best = 1e300, total = 0;
  for (int i = 0; i < 200 && (i < 5 || total < 4e5); ++i) {
    const double start = now();
    f();
    const double time = now() - start;
    best = std::min(best, time), total += time;
  }
  return best;
}

struct Way {
  const char* name;
  std::function<double()> value;
  std::function<Result()> both;
};

template <class Likelihood>
Way with_library(const char* name, const Problem& p, const Likelihood& likelihood) {
  const auto f = model(p, likelihood);
  const Tensor at(p.parameters);
  return {name, [=] { return f(at).template item<double>(); },
          [=] {
            const auto both = sg::value_and_grad(f)(at);
            return Result{both.value.template item<double>(), both.gradient.template to_vector<double>()};
          }};
}

bool agrees(const Result& a, const Result& b) {
  const auto close = [](double x, double y) { return std::abs(x - y) <= 1e-9 * (1 + std::abs(y)); };
  bool all = close(a.value, b.value) && a.gradient.size() == b.gradient.size();
  for (std::size_t i = 0; all && i < b.gradient.size(); ++i) all = close(a.gradient[i], b.gradient[i]);
  return all;
}

bool table(std::size_t k, std::size_t steps) {
  const Problem p = make_problem(k, steps);
  const auto root = static_cast<std::int64_t>(std::sqrt(double(steps)));
  std::vector<Way> ways = {{"loop by hand", [&] { return value_by_hand(p); }, [&] { return by_hand(p); }}};
#ifdef SCANGRAD_HAS_ADOLC
  ways.push_back({"ADOL-C", [&] { return value_by_hand(p); }, [&] { return by_adolc(p); }});
#endif
  ways.push_back(with_library("scan", p, by_scan(1)));
  ways.push_back(with_library("scan, few carries kept", p, by_scan(root)));
  ways.push_back(with_library("associative_scan", p, by_associative_scan));
  std::printf("\n%zu states, %zu steps\n%-24s %12s %14s %20s %8s\n", k, steps, "", "value, us", "+ gradient, us",
              "+ gradient, us/step", "by hand");
  const Result expected = by_hand(p);
  const double reference = microseconds(ways[0].both);
  bool all = true;
  for (const Way& way : ways) {
    const double value = microseconds(way.value), both = microseconds(way.both);
    const bool same = agrees(way.both(), expected) && std::abs(way.value() - expected.value) <= 1e-9 * std::abs(expected.value);
    all &= same;
    std::printf("%-24s %12.1f %14.1f %20.3f %7.1fx%s\n", way.name, value, both, both / double(steps), both / reference,
                same ? "" : "  DIFFERS");
  }
  return all;
}

}  // namespace

int main() {
  bool all = true;
  for (const std::size_t k : {2, 3, 8})
    for (const std::size_t steps : {107, 10000}) all &= table(k, steps);
  return all ? 0 : 1;
}
