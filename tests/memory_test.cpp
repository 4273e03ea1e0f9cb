// Memory: the cache and its figures, a training loop that holds its memory constant, and a program in which every allocation in
// turn fails.

#include <cstdlib>
#include <new>

#include "scangrad/scangrad.h"
#include "support/catch.h"

namespace sg = scangrad;
using sg::Tensor;

namespace {

long long allocations = 0, fails_at = -1;

void* allocate(std::size_t size, std::size_t alignment) {
  if (allocations++ == fails_at) return nullptr;
  return alignment <= alignof(std::max_align_t) ? std::malloc(size)
                                                : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}
void* allocate_or_throw(std::size_t size, std::size_t alignment) {
  if (void* memory = allocate(size, alignment)) return memory;
  throw std::bad_alloc();
}

std::vector<double> program() {
  const Tensor x = {{0.5, -1.0, 2.0}, {1.0, 3.0, -0.5}};
  const auto f = [](const Tensor& t) {
    const Tensor y = sg::logcumsumexp(t * 2.0, {.axis = 1}) + sg::cumprod(t, {.reverse = true});
    return sg::sum(sg::matmul(y, sg::transpose(y)) * sg::take(y, Tensor{0, 1}, {.axis = 1}));
  };
  std::vector<double> result = sg::grad(f)(x).to_vector<double>();
  const auto hessian = sg::hessian(f)(x).to_vector<double>();
  result.insert(result.end(), hessian.begin(), hessian.end());
  return result;
}

}  // namespace

void* operator new(std::size_t size) { return allocate_or_throw(size, 1); }
void* operator new(std::size_t size, std::align_val_t a) { return allocate_or_throw(size, static_cast<std::size_t>(a)); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate(size, 1); }
void* operator new(std::size_t size, std::align_val_t a, const std::nothrow_t&) noexcept {
  return allocate(size, static_cast<std::size_t>(a));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

TEST_CASE("whichever allocation fails, nothing is lost and the next call works") {
  const std::vector<double> expected = program();
  sg::memory::clear_cache();
  program();
  sg::memory::clear_cache();
  const std::int64_t active = sg::memory::active();
  allocations = 0;
  program();
  const long long total = allocations;
  INFO(total << " allocations");
  CHECK(total > 500);
  long long survived = 0;
  bool same = true, nothing_leaked = true;
  for (long long k = 0; k < total; ++k) {
    sg::memory::clear_cache();
    allocations = 0;
    fails_at = k;
    try {
      same &= program() == expected;
      ++survived;  // the library made room and tried again
    } catch (const std::bad_alloc&) {}
    fails_at = -1;
    nothing_leaked &= sg::memory::active() == active;
    same &= program() == expected;
  }
  CHECK(same);
  CHECK(nothing_leaked);
  INFO(survived << " of them were made good");
  CHECK(survived < total);
}

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
