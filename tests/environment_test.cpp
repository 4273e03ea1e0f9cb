// The switches of the environment. Each case runs in a process of its own, with its variable set (tests/CMakeLists.txt).

#include <cstdlib>

#include "core/node.h"
#include "scangrad/scangrad.h"
#include "scangrad/threads.h"
#include "support/catch.h"

namespace sg = scangrad;
using sg::Tensor;

TEST_CASE("SCANGRAD_EAGER evaluates at once", "[.eager]") {
  const Tensor x = {1.0, 2.0};
  CHECK(sg::core::node_of(sg::exp(x)).done());
  CHECK_THROWS_WITH(sg::take(x, Tensor{5}), Catch::StartsWith("take: index 5 is out of range for axis 0 of size 2"));
  CHECK(sg::grad([](const Tensor& t) { return sg::sum(t * t); })(x).to_vector<double>() == std::vector<double>{2, 4});
}

TEST_CASE("SCANGRAD_DEBUG_NANS throws where a NaN is made", "[.nans]") {
  const Tensor x = {1.0, -1.0};
  CHECK_THROWS_WITH(sg::eval(sg::sum(sg::log(x) * 2.0)),
                    Catch::StartsWith("log: log made a NaN of shape (2,) out of inputs without one (SCANGRAD_DEBUG_NANS)"));
  CHECK_NOTHROW(sg::eval(sg::exp(Tensor(NAN))));
  CHECK_NOTHROW(sg::eval(sg::log(Tensor(2.0))));
  // in a derivative: sqrt'(0) 0 = inf 0
  const auto f = [](const Tensor& t) { return sg::sum(sg::sqrt(t) * 0.0); };
  CHECK_THROWS_WITH(sg::grad(f)(Tensor{0.0}), Catch::Contains("made a NaN"));
}

TEST_CASE("SCANGRAD_NUM_THREADS sets the number of threads, and says what it must be", "[.threads]") {
  const Tensor x = {1.0, 2.0};
  for (const std::string wrong : {"0", "-1", "two", "2x", " 2", "1025", "99999999999999999999"}) {
    setenv("SCANGRAD_NUM_THREADS", wrong.c_str(), 1);
    const std::string message = ": the environment's SCANGRAD_NUM_THREADS is '" + wrong +
                                "', but it must be a whole number from 1 to 1024; unset, it is one thread for each processor";
    CHECK_THROWS_WITH(sg::num_threads(), Catch::StartsWith("num_threads" + message));
    CHECK_THROWS_WITH(sg::exp(x), Catch::StartsWith("exp" + message));
  }
  setenv("SCANGRAD_NUM_THREADS", "3", 1);
  CHECK(sg::num_threads() == 3);
  CHECK(sg::exp(x * 0.0).to_vector<double>() == std::vector<double>{1, 1});
  sg::set_num_threads(2);
  CHECK(sg::num_threads() == 2);
}
