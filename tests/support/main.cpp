// The test programs' main: Catch2's, behind a guard that fails a program which leaks tensors.

#include <cstdio>
#include <cstdlib>

#include "scangrad/memory.h"

#if __has_include(<catch2/catch_session.hpp>)
#include <catch2/catch_session.hpp>
#else
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#endif

extern "C" [[gnu::weak]] void __lsan_do_leak_check();  // says where, and ends the program; there under AddressSanitizer

namespace {

/// Goes after every static of the tests: by then all buffers were given back.
struct LeakGuard {
  ~LeakGuard() {
    const auto bytes = static_cast<long long>(scangrad::memory::active());
    if (bytes == 0) return;
    std::fflush(nullptr);
    std::fprintf(stderr, "leak: %lld bytes of buffers are still in use at the end of the program\n", bytes);
    if (__lsan_do_leak_check != nullptr) __lsan_do_leak_check();
    std::_Exit(EXIT_FAILURE);
  }
};
[[gnu::init_priority(101)]] LeakGuard guard;

}  // namespace

int main(int argc, char** argv) { return Catch::Session().run(argc, argv); }
