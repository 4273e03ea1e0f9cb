// Eigen's thread pool behind core's interface. It starts with the first large kernel; how work is cut into pieces never changes
// the bits of a result.

#define EIGEN_USE_THREADS
#include <atomic>
#include <exception>
#include <functional>
#include <thread>
#include <unsupported/Eigen/CXX11/ThreadPool>

#include "cpu/backend.h"

namespace scangrad::inline v0::cpu {
namespace {

/// A thread that cannot be started is left out: the others take its work.
struct Environment : Eigen::StlThreadEnvironment {
  static inline int started = 0;
  EnvThread* CreateThread(std::function<void()> f) {
    try {
      auto* thread = new EnvThread(std::move(f));
      ++started;
      return thread;
    } catch (const std::exception&) {
      return nullptr;
    }
  }
};

class EigenPool final : public core::ThreadPool {
 public:
  int size() const noexcept override { return threads_; }

  void run(std::int64_t n, std::int64_t pieces, Body body, const void* state) override {
    if (inside_) {  // a kernel that runs on the pool does not wait for the pool
      body(state, 0, n);
      return;
    }
    pieces = std::min<std::int64_t>(pieces, threads_);
    static Eigen::ThreadPoolTempl<Environment>* const pool = new Eigen::ThreadPoolTempl<Environment>(threads_ - 1);
    if (Environment::started == 0) {
      body(state, 0, n);
      return;
    }
    std::exception_ptr failure;
    std::atomic_flag failed;
    Eigen::Barrier done(static_cast<unsigned>(pieces));
    const auto piece = [&](std::int64_t i) {
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
        pool->Schedule([&piece, i] { piece(i); });
      } catch (const std::bad_alloc&) {
        piece(i);
      }
    }
    piece(0);
    done.Wait();
    if (failure) std::rethrow_exception(failure);
  }

 private:
  static inline constinit thread_local bool inside_ = false;
  const int threads_ = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
};

}  // namespace

core::ThreadPool& eigen_thread_pool() {
  static EigenPool* const pool = new EigenPool;
  return *pool;
}

}  // namespace scangrad::inline v0::cpu
