// Results that kernels write past the caches (cpu/simd/elements.h) have the bits of others, wherever they lie in a line, and nothing beside
// them is written.

#include <algorithm>
#include <cmath>
#include <cstring>

#include "cpu/simd/levels.h"
#include "support/catch.h"

namespace cpu = scangrad::cpu;
using cpu::HotScan;

namespace {

constexpr std::int64_t room = 64;  // elements on both sides

/// `out` as a kernel leaves it, its results `offset` elements behind the start of a line (backwards: with their end there).
template <class T>
std::vector<T> results(HotScan scan, std::int64_t n, bool backwards, std::int64_t offset, bool stream) {
  constexpr int inputs = cpu::max_inputs, outputs = cpu::max_outputs;
  std::vector<T> in[inputs];
  for (int k = 0; k < inputs; ++k)
    for (std::int64_t i = 0; i < n; ++i)
      in[k].push_back(static_cast<T>((k == 0 ? 0.9 : 0.5) + 0.1 * std::sin(0.7 * static_cast<double>(i) + k)));
  const std::int64_t length = n + 2 * room, line = 64 / static_cast<std::int64_t>(sizeof(T));
  std::vector<T> memory(static_cast<std::size_t>(outputs * (length + line)), T{77});
  std::vector<double> scratch(static_cast<std::size_t>(cpu::scratch_size(scan, n, false)) + 1);
  cpu::ScanJob job;
  job.length = n, job.scratch = scratch.data(), job.stream = stream, job.out_step = backwards ? -1 : 1;
  for (int k = 0; k < inputs; ++k) job.in[k] = in[k].data() + (backwards ? n - 1 : 0), job.in_step[k] = job.out_step;
  T* first[outputs];
  for (int k = 0; k < outputs; ++k) {
    T* const start = memory.data() + k * (length + line) + room;
    const std::int64_t end = backwards ? n : 0;
    const auto into = static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(start + end) / sizeof(T)) % line;
    first[k] = start + (offset + line - into) % line;
    job.out[k] = first[k] + (backwards ? n - 1 : 0);
  }
  cpu::current_level().kernels->rows[static_cast<int>(scan)][cpu::hot_dtype(scangrad::dtype_of<T>)](job);
  std::vector<T> all;
  for (const T* of : first) {
    CHECK(std::count(of - line, of, T{77}) == line);
    CHECK(std::count(of + n, of + n + line, T{77}) == line);
    all.insert(all.end(), of, of + n);
  }
  return all;
}

}  // namespace

TEMPLATE_TEST_CASE("what is written past the caches has the bits of what is not", "", float, double) {
  for (int scan = 0; scan < cpu::hot_scan_count; ++scan)
    for (const std::int64_t n : {1, 7, 64, 1000, 1024, 2100})
      for (const bool backwards : {false, true})
        for (const std::int64_t offset : {0, 1, 4}) {
          INFO("scan " << scan << ", " << n << " elements" << (backwards ? ", backwards" : "") << ", " << offset
                       << " into a line");
          const auto near = results<TestType>(HotScan{static_cast<std::uint8_t>(scan)}, n, backwards, offset, false);
          const auto far = results<TestType>(HotScan{static_cast<std::uint8_t>(scan)}, n, backwards, offset, true);
          CHECK(std::memcmp(near.data(), far.data(), near.size() * sizeof(TestType)) == 0);
        }
}
