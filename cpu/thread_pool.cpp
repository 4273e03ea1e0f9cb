// Eigen's thread pool behind core's interface. Its threads start with the first large kernel, and anew when their number changes;
// how work is cut into pieces never changes the bits of a result.

#define EIGEN_USE_THREADS
#include <atomic>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unsupported/Eigen/CXX11/ThreadPool>

#include "core/threads.h"
#include "cpu/backend.h"

namespace scangrad::inline v0::cpu {
namespace {

/// A thread that cannot be started is left out: the others take its work.
struct Environment : Eigen::StlThreadEnvironment {
  explicit Environment(int* started_threads) : started(started_threads) {}
  EnvThread* CreateThread(std::function<void()> f) {
    try {
      auto* thread = new EnvThread(std::move(f));
      ++*started;
      return thread;
    } catch (const std::exception&) {
      return nullptr;
    }
  }
  int* started;
};

/// The threads beside the calling ones.
struct Workers {
  explicit Workers(int threads) : count(threads), pool(threads, Environment(&started)) {}
  const int count;
  int started = 0;
  Eigen::ThreadPoolTempl<Environment> pool;
};

class EigenPool final : public core::ThreadPool {
 public:
  int size() const noexcept override { return core::thread_count(); }  // known since the backend was registered

  void run(std::int64_t n, std::int64_t pieces, Body body, const void* state) override {
    const int threads = size();
    const auto workers = inside_ || threads == 1 ? nullptr : workers_of(threads - 1);
    if (!workers || workers->started == 0) {  // a kernel that runs on the pool does not wait for the pool
      body(state, 0, n);
      return;
    }
    pieces = std::min<std::int64_t>(pieces, threads);
    const std::string_view op = core::CallScope::op();  // errors name it on every thread
    const Site site = core::CallScope::site();
    std::exception_ptr failure;
    std::atomic_flag failed;
    Eigen::Barrier done(static_cast<unsigned>(pieces));
    const auto piece = [&](std::int64_t i) {
      const core::CallScope scope(core::CallScope::Override(), op, site);
      const bool outside = std::exchange(inside_, true);
      try {
        body(state, n * i / pieces, n * (i + 1) / pieces);
      } catch (...) {
        if (!failed.test_and_set()) failure = std::current_exception();
      }
      inside_ = outside;
      done.Notify();
    };
    for (std::int64_t i = 1; i < pieces; ++i) {
      try {
        workers->pool.Schedule([&piece, i] { piece(i); });
      } catch (const std::bad_alloc&) {
        piece(i);
      }
    }
    piece(0);
    done.Wait();
    if (failure) std::rethrow_exception(failure);
  }

 private:
  /// Threads of another number than before take the place of those, which end with the last kernel that uses them.
  std::shared_ptr<Workers> workers_of(int count) {
    const std::lock_guard lock(mutex_);
    if (!workers_ || workers_->count != count) workers_ = std::make_shared<Workers>(count);
    return workers_;
  }

  static inline constinit thread_local bool inside_ = false;
  std::mutex mutex_;
  std::shared_ptr<Workers> workers_;
};

}  // namespace

core::ThreadPool& eigen_thread_pool() {
  static EigenPool* const pool = new EigenPool;
  core::thread_count();  // an environment that asks for nonsense is an error of the first operation
  return *pool;
}

}  // namespace scangrad::inline v0::cpu
