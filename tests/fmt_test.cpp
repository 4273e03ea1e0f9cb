// scangrad/fmt.h: tensors, shapes, dtypes and devices in fmt::format.

#include "scangrad/fmt.h"

#include "scangrad/scangrad.h"
#include "support/catch.h"
#include "support/message.h"

namespace sg = scangrad;
using sg::test::message;

TEST_CASE("fmt formats what the library prints", "[print]") {
  const sg::Tensor x = {1 / 3.0, 2.0};
  CHECK(fmt::format("{}", x) == sg::to_string(x));
  CHECK(fmt::format("{} and {:.3}", x, x) == "[0.33333333 2.        ] and [0.333 2.   ]");
  CHECK(fmt::format("{:.12}|{:.0}", x, x) == "[0.333333333333 2.            ]|[0. 2.]");
  CHECK(fmt::format("{} {:.3} {}", x[0], x[0], sg::Tensor(true)) == "0.3333333333333333 0.333 True");
  CHECK(fmt::format("{} {:>8}|", x.shape(), x.shape()) == "(2,)     (2,)|");
  CHECK(fmt::format("{} {:<8}|", x.dtype(), sg::DType::boolean) == "float64 bool    |");
  CHECK(fmt::format("{} {}", x.device(), sg::Device{sg::DeviceType::cuda, 1}) == "cpu cuda:1");
}

TEST_CASE("fmt refuses other specifications", "[print]") {
  const sg::Tensor x = {1.0};
  for (const char* spec : {"{:>8}", "{:.}", "{:.3f}", "{:3}", "{:.-1}", "{:.1000}"})
    CHECK_THROWS_AS(fmt::format(fmt::runtime(spec), x), fmt::format_error);
  CHECK(message([] { (void)fmt::format("{}", sg::Tensor()); }) ==
        "print: a default-constructed Tensor was given; give it a value first, as in Tensor x = {1.0, 2.0};");
}
