#include "scangrad/threads.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <thread>

#include "core/error.h"
#include "core/threads.h"

namespace scangrad::inline v0 {
namespace core {
namespace {

constinit std::atomic<int> count{0};  // 0: not known yet

int available_processors() {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0) return CPU_COUNT(&allowed);
  return static_cast<int>(std::thread::hardware_concurrency());
}

int default_count() {
  const char* variable = std::getenv("SCANGRAD_NUM_THREADS");
  const std::string_view text = variable == nullptr ? "" : variable;
  if (text.empty()) return std::clamp(available_processors(), 1, max_threads);
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  check(
      error == std::errc() && end == text.data() + text.size() && value >= 1 && value <= max_threads,
      "the environment's SCANGRAD_NUM_THREADS is '{}', but it must be a whole number from 1 to {}; unset, it is one thread for "
      "each processor",
      text, max_threads);
  return value;
}

}  // namespace

int thread_count() {
  const int known = count.load(std::memory_order_relaxed);
  if (known != 0) [[likely]]
    return known;
  int unknown = 0;  // set_num_threads may be quicker
  const int value = default_count();
  return count.compare_exchange_strong(unknown, value) ? value : unknown;
}

}  // namespace core

int num_threads(Site site) {
  const core::CallScope scope("num_threads", site);
  return core::thread_count();
}

void set_num_threads(int count, Site site) {
  const core::CallScope scope("set_num_threads", site);
  core::check(count >= 1 && count <= core::max_threads, "the number of threads must be from 1 to {}, given {}",
              core::max_threads, count);
  core::count.store(count, std::memory_order_relaxed);
}

}  // namespace scangrad::inline v0
