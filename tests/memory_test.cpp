// Memory: the cache and its figures, and a training loop that holds its memory constant.

#include "scangrad/scangrad.h"
#include "support/catch.h"

namespace sg = scangrad;
using sg::Tensor;

TEST_CASE("the figures count requested bytes") {
  sg::memory::clear_cache();
  const std::int64_t active = sg::memory::active();
  CHECK(sg::memory::cached() == 0);
  {
    Tensor x = Tensor(std::vector<double>(1000));
    CHECK(sg::memory::active() - active == 8000);
    sg::memory::reset_peak();
    CHECK(sg::memory::peak() == sg::memory::active());
    { const Tensor y(std::vector<double>(500)); }
    CHECK(sg::memory::peak() - active == 12000);
  }
  CHECK(sg::memory::active() == active);
  CHECK(sg::memory::cached() == 12000);
  const std::int64_t limit = sg::memory::set_cache_limit(0);
  CHECK(sg::memory::cached() == 0);
  { const Tensor y(std::vector<double>(500)); }
  CHECK(sg::memory::cached() == 0);
  CHECK(sg::memory::set_cache_limit(limit) == 0);
}

TEST_CASE("buffers are aligned to 64 bytes and used again") {
  const void* first = nullptr;
  for (const std::size_t n : {1u, 7u, 8u, 100u, 4097u}) {
    const Tensor x{std::vector<double>(n)};
    CHECK(reinterpret_cast<std::uintptr_t>(x.data<double>().data()) % 64 == 0);
  }
  { first = Tensor(std::vector<double>(333)).data<double>().data(); }
  CHECK(Tensor(std::vector<double>(333)).data<double>().data() == first);
}

TEST_CASE("a training loop of 100000 steps holds its memory constant") {
  const Tensor target = {1.0, -2.0, 3.0};
  Tensor w = {0.0, 0.0, 0.0};
  std::vector<Tensor> losses;
  std::int64_t early = 0;
  for (int step = 0; step < 100'000; ++step) {
    const auto loss = [&](const Tensor& p) {
      const Tensor y = sg::sum(sg::square(sg::cumsum(p) - target));
      if (step % 1000 == 0) losses.push_back(y * 1.0);  // what leaves f must not hold the graph of its step
      if (step % 100 == 0) (void)y.item<double>();
      return y;
    };
    w = w - 0.05 * sg::grad(loss)(w);
    if (step == 1000) early = sg::memory::active();
  }
  sg::eval(w);
  for (const Tensor& loss : losses) sg::eval(loss);
  CHECK(w.to_vector<double>()[1] == Approx(-3.0));
  CHECK(sg::memory::active() - early < 4096);
}

// What fails a program: see the tests leaked_buffer_fails and leaked_memory_fails.
TEST_CASE("a tensor that nobody gives back", "[.leaked-buffer]") {
  new Tensor(std::vector<double>(1000));
  SUCCEED("the guard in support/main.cpp says so");
}

TEST_CASE("memory that is no tensor's and that nobody gives back", "[.leaked-memory]") {
  new std::vector<double>(1000);
  SUCCEED("LeakSanitizer says so");
}
