// What derivatives cost beside the value, on 1 Mi elements: chains of exponentials and of products with a constant. The caches are
// emptied before each run: in one that still holds the value's arrays, twice as many do not always fit. Bars: the gradient 3 times
// the time of the value (its sum is part of both), the jvp 2 times.

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <vector>

#include "scangrad/scangrad.h"

namespace sg = scangrad;
using sg::Tensor;

namespace {

constexpr std::int64_t size = 1 << 20;
constexpr int links = 8;

double now() {  // of this process, in milliseconds
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return 1e3 * static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_nsec);
}

class Caches {
 public:
  void empty() {
    for (std::size_t i = 0; i < bytes_.size(); i += 64) ++bytes_[i];
  }

 private:
  std::vector<char> bytes_ = std::vector<char>(std::size_t{128} << 20);
};

double median(std::vector<double> list) {
  std::nth_element(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(list.size() / 2), list.end());
  return list[list.size() / 2];
}

/// The time of f, and how many times that g takes: medians of runs in turn, as the machine may be busy.
struct Compared {
  double time, ratio;
};
template <class F, class G>
Compared compare(Caches& caches, const F& f, const G& g) {
  const auto time_of = [&](const auto& run) {
    caches.empty();
    const double start = now();
    run();
    return now() - start;
  };
  std::vector<double> times, ratios;
  for (int run = 0; run < 31; ++run) {
    times.push_back(time_of(f));
    ratios.push_back(time_of(g) / times.back());
  }
  return {median(times), median(ratios)};
}

template <class F>
void print(const char* name, sg::DType dtype, const F& f) {
  const Tensor x = sg::astype(sg::linspace(0.1, 0.9, size), dtype), dx = sg::astype(sg::linspace(1.0, 2.0, size), dtype);
  sg::eval({x, dx});
  const auto total = [&](const Tensor& t) { return sg::sum(f(t)); };
  Caches caches;
  const auto jvp = compare(
      caches, [&] { sg::eval(f(x)); }, [&] { sg::jvp(f, {x}, {dx}); });
  const auto gradient = compare(
      caches, [&] { sg::eval(total(x)); }, [&] { sg::value_and_grad(total)(x); });
  std::printf("%-24s %-8s  value %7.2f ms  jvp %5.2fx  sum %7.2f ms  value and grad %5.2fx\n", name,
              std::string(to_string(dtype)).c_str(), jvp.time, jvp.ratio, gradient.time, gradient.ratio);
}

}  // namespace

int main() {
  sg::set_num_threads(1);
  for (const sg::DType dtype : {sg::DType::float32, sg::DType::float64}) {
    const Tensor c = sg::astype(sg::linspace(0.9, 1.1, size), dtype);
    sg::eval(c);
    print("exp", dtype, [](Tensor y) {
      for (int i = 0; i < links; ++i) y = sg::exp(-y);
      return y;
    });
    print("times a number", dtype, [](Tensor y) {
      for (int i = 0; i < links; ++i) y = y * 1.01;
      return y;
    });
    print("times a constant tensor", dtype, [&](Tensor y) {
      for (int i = 0; i < links; ++i) y = y * c;
      return y;
    });
  }
}
