// A program in which every allocation in turn fails.

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
