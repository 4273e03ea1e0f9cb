// Graphs as pictures and text, and labels.

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

#include "scangrad/autodiff.h"
#include "scangrad/graph.h"
#include "scangrad/scan.h"
#include "support/golden.h"

namespace sg = scangrad;
using sg::Tensor;

TEST_CASE("to_dot shows operations, values, labels, shapes, dtypes and bytes", "[lazy]") {
  const Tensor x = sg::label(Tensor{1.0, 2.0}, "beta \"0\"");
  CHECK(sg::to_dot(sg::label(sg::sum(x * x), "loss")) == R"dot(digraph scangrad {
  node [shape=ellipse, fontname="sans-serif", fontsize=10];
  n0 [shape=box, label="beta \"0\"\nfloat64 (2,)\n16 bytes"];
  n1 [label="multiply\nfloat64 (2,)\n16 bytes"];
  n0 -> n1;
  n0 -> n1;
  n2 [label="loss = sum\nfloat64 ()\n8 bytes"];
  n1 -> n2;
}
)dot");
}

TEST_CASE("print_graph is the same as text, with the places", "[lazy]") {
  const Tensor x = sg::label(Tensor{1.0, 2.0}, "beta");
  const int line = __LINE__ + 1;
  const Tensor y = sg::label(sg::sum(x * x), "loss");
  std::ostringstream text;
  sg::print_graph(text, y);
  const auto at = [](int l) { return std::string(" [") + __FILE__ + ":" + std::to_string(l) + "]\n"; };
  CHECK(text.str() == "%0 = value: float64 (2,), 16 bytes, \"beta\"" + at(line - 2) +
                          "%1 = multiply(%0, %0): float64 (2,), 16 bytes" + at(line) +
                          "%2 = sum(%1): float64 (), 8 bytes, \"loss\"" + at(line));
  sg::eval(y);
  std::ostringstream after;
  sg::print_graph(after, y);
  CHECK(after.str() == "%0 = value: float64 (), 8 bytes, \"loss\"" + at(line));
}

TEST_CASE("a label changes nothing, and holds inside transforms") {
  std::string inside;
  const Tensor x = {1.0, 2.0};
  const Tensor g = sg::grad([&](const Tensor& t) {
    const Tensor y = sg::sum(sg::label(t, "t") * t);
    inside = sg::to_dot(y);
    return y;
  })(x);
  CHECK(g.to_vector<double>() == std::vector<double>{2, 4});
  CHECK(inside.find("t = placeholder") != std::string::npos);
  CHECK(sg::to_dot(sg::label(x, "once")).find("once") != std::string::npos);
  CHECK(sg::to_dot(sg::label(x, "again")).find("once") == std::string::npos);
  test::check_all({
      {[] { sg::label(Tensor(), "nothing"); },
       "label: a default-constructed Tensor was given; give it a value first, as in Tensor x = {1.0, 2.0};"},
      {[] { sg::print_graph(std::cout, Tensor()); },
       "print_graph: a default-constructed Tensor was given; give it a value first, as in Tensor x = {1.0, 2.0};"},
  });
}

TEST_CASE("graphviz draws what to_dot writes", "[lazy]") {
  if (std::system("command -v dot >/dev/null 2>&1") != 0) {
    WARN("skipped: graphviz (dot) is not installed");
    return;
  }
  const Tensor x = sg::label(Tensor{1.0, 2.0}, "a \"quoted\" \\ name\nin two lines");
  std::ofstream("graph_test.dot") << sg::to_dot(sg::cumsum(x) * x);
  CHECK(std::system("dot -Tsvg graph_test.dot -o graph_test.svg") == 0);
}
