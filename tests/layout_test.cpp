// Values do not depend on how an input lies in memory, to the last bit: the rows of the tables check it at small sizes, this at
// sizes and values where the order of a sum would show.

#include "support/catch.h"
#include "support/tensors.h"

namespace {

using namespace test;

/// Values with all 53 bits in use.
Dense dense_random(const Shape& shape) {
  Dense x = random(shape, {0.5, 2, true}, 7);
  const Dense fine = random(shape, {0.5, 2, true}, 8);
  for (std::size_t i = 0; i < x.size(); ++i) x.values[i] = static_cast<double>(x.values[i] + fine.values[i] * 0x1p-26L);
  return x;
}

struct Case {
  const char* name;
  Tensor (*f)(const Tensor&);
};

const Case all_cases[] = {
    {"sum", [](const Tensor& x) { return sg::sum(x); }},
    {"sum axis 0", [](const Tensor& x) { return sg::sum(x, {.axis = 0}); }},
    {"sum axis 1", [](const Tensor& x) { return sg::sum(x, {.axis = 1}); }},
    {"mean axis 1", [](const Tensor& x) { return sg::mean(x, {.axis = 1}); }},
    {"logsumexp", [](const Tensor& x) { return sg::logsumexp(x); }},
    {"logsumexp axis 0", [](const Tensor& x) { return sg::logsumexp(x, {.axis = 0}); }},
    {"cumsum axis 0", [](const Tensor& x) { return sg::cumsum(x, {.axis = 0}); }},
    {"cumsum axis 1", [](const Tensor& x) { return sg::cumsum(x, {.axis = 1, .reverse = true}); }},
    {"cumprod axis 0", [](const Tensor& x) { return sg::cumprod(x, {.axis = 0}); }},
    {"cumprod axis 1", [](const Tensor& x) { return sg::cumprod(x, {.axis = 1}); }},
    {"logcumsumexp axis 0", [](const Tensor& x) { return sg::logcumsumexp(x, {.axis = 0, .reverse = true}); }},
    {"logcumsumexp axis 1", [](const Tensor& x) { return sg::logcumsumexp(x, {.axis = 1}); }},
    {"linear_recurrence", [](const Tensor& x) { return sg::linear_recurrence(x, sg::exp(x), {.axis = 1}); }},
    {"exp", [](const Tensor& x) { return sg::exp(x); }},
    {"tanh", [](const Tensor& x) { return sg::tanh(x); }},
};

TEST_CASE("a strided input gives the bits of a row-major one") {
  for (const Shape& shape : {Shape{9, 130}, Shape{130, 9}, Shape{1, 300}, Shape{3, 65, 5}}) {
    const Dense values = dense_random(shape);
    for (const Case& one : all_cases)
      for (DType dtype : {DType::float32, DType::float64}) {
        const Tensor expected = one.f(to_tensor(values, dtype));
        for (Layout layout : odd_layouts) {
          INFO(one.name << " of " << sg::to_string(dtype) << " " << sg::to_string(shape) << ", " << to_string(layout));
          CHECK(same_bits(one.f(laid_out(values, dtype, layout)), expected));
        }
      }
  }
}

}  // namespace
