// Tensors as text against tests/data/print_goldens.txt, which NumPy wrote (scripts/make_print_goldens.py explains the format).

#include <algorithm>
#include <fstream>
#include <sstream>

#include "scangrad/scangrad.h"
#include "support/catch.h"
#include "support/message.h"

namespace sg = scangrad;
using sg::test::message;

namespace {

struct Golden {
  std::string name, dtype, source, values;  // source: "values" or "ramp"
  std::vector<std::int64_t> shape, strides;
  std::int64_t offset = 0;
  sg::PrintOptions options;
  std::string expected;
};

template <class T>
std::vector<T> parse_list(std::istream& in) {
  std::vector<T> values;
  for (T value; in >> value;) values.push_back(value);
  return values;
}

/// Precision, threshold, edge items and line width; "-" is the default.
sg::PrintOptions parse_options(std::istream& in) {
  sg::PrintOptions options;
  const std::vector<std::string> words = parse_list<std::string>(in);
  if (words.at(0) != "-") options.precision = std::stoi(words[0]);
  if (words.at(1) != "-") options.threshold = std::stoll(words[1]);
  if (words.at(2) != "-") options.edge_items = std::stoll(words[2]);
  if (words.at(3) != "-") options.line_width = std::stoll(words[3]);
  return options;
}

std::vector<Golden> read_goldens() {
  std::ifstream file(SCANGRAD_TEST_DATA "/print_goldens.txt");
  std::vector<Golden> goldens;
  for (std::string line; std::getline(file, line);) {
    const std::string key = line.substr(0, line.find_first_of(" |"));
    const std::string rest = line.substr(std::min(line.size(), key.size() + 1));
    std::istringstream words(rest);
    if (key == "case") goldens.emplace_back().name = rest;
    else if (key == "dtype") goldens.back().dtype = rest;
    else if (key == "shape") goldens.back().shape = parse_list<std::int64_t>(words);
    else if (key == "strides") goldens.back().strides = parse_list<std::int64_t>(words);
    else if (key == "options") goldens.back().options = parse_options(words);
    else if (key == "offset") words >> goldens.back().offset;
    else if (key == "values" || key == "ramp") goldens.back().source = key, goldens.back().values = rest;
    else if (key.empty()) goldens.back().expected += (goldens.back().expected.empty() ? "" : "\n") + rest;
    else throw std::runtime_error("print_goldens.txt: unknown line: " + line);
  }
  return goldens;
}

template <class T>
T parse(const std::string& word) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(std::stoll(word));
  } else if constexpr (sg::is_complex(sg::dtype_of<T>)) {
    using Real = typename T::value_type;
    return {parse<Real>(word.substr(0, word.find(','))), parse<Real>(word.substr(word.find(',') + 1))};
  } else if constexpr (sizeof(T) == 2) {
    return T(std::strtof(word.c_str(), nullptr));
  } else {
    return static_cast<T>(std::strtod(word.c_str(), nullptr));  // not std::stod, which refuses subnormals
  }
}

template <class T>
std::vector<T> elements_of(const Golden& golden) {
  std::istringstream words(golden.values);
  const auto list = parse_list<std::string>(words);
  std::vector<T> elements;
  if (golden.source == "values") {
    for (const std::string& word : list) elements.push_back(parse<T>(word));
    return elements;
  }
  const auto first = parse<double>(list.at(0)), step = parse<double>(list.at(1));
  for (int i = 0; i < std::stoi(list.at(2)); ++i) {
    const double value = first + i * step;
    if constexpr (std::is_arithmetic_v<T>) elements.push_back(static_cast<T>(value));
    else if constexpr (sizeof(T) == 2) elements.push_back(T(static_cast<float>(value)));
    else elements.push_back(T(static_cast<typename T::value_type>(value)));
  }
  return elements;
}

template <class T>
sg::Tensor tensor_of(const Golden& golden) {
  const std::vector<T> elements = elements_of<T>(golden);
  if (golden.strides.empty()) return sg::Tensor(elements, sg::Shape(golden.shape));
  const std::shared_ptr<T[]> memory(new T[elements.size()]);
  std::copy(elements.begin(), elements.end(), memory.get());
  return sg::Tensor::borrow(std::shared_ptr<const void>(memory, memory.get() + golden.offset), sg::dtype_of<T>,
                            sg::Shape(golden.shape), sg::Strides(golden.strides));
}

template <class... Ts>
sg::Tensor tensor_of_named_dtype(const Golden& golden) {
  sg::Tensor tensor;
  ((sg::to_string(sg::dtype_of<Ts>) == golden.dtype ? void(tensor = tensor_of<Ts>(golden)) : void()), ...);
  return tensor;
}

}  // namespace

TEST_CASE("tensors print as NumPy prints arrays", "[print]") {
  const std::vector<Golden> goldens = read_goldens();
  REQUIRE(goldens.size() > 200);
  for (const Golden& golden : goldens) {
    INFO(golden.name);
    const sg::Tensor x = tensor_of_named_dtype<bool, std::int32_t, std::int64_t, sg::float16, sg::bfloat16, float, double,
                                               std::complex<float>, std::complex<double>>(golden);
    CHECK(sg::to_string(x, golden.options) == golden.expected);
  }
}

TEST_CASE("tensors print to streams", "[print]") {
  std::ostringstream stream;
  stream << sg::Tensor{1.0, 2.5} << ' ' << sg::Tensor(3);
  CHECK(stream.str() == "[1.  2.5] 3");
}

TEST_CASE("a tensor of rank 0 has all its digits, or as many as are asked for", "[print]") {
  const sg::Tensor third = 1 / 3.0;
  CHECK(sg::to_string(third) == "0.3333333333333333");
  CHECK(sg::to_string(third, {.precision = 3}) == "0.333");
  CHECK(sg::to_string(sg::Tensor(2.0), {.precision = 3}) == "2.0");
  CHECK(sg::to_string(sg::Tensor(1.0004), {.precision = 3}) == "1.0");
  CHECK(sg::to_string(sg::Tensor(-1.25), {.precision = 0}) == "-1.0");
  CHECK(sg::to_string(sg::Tensor(1.2345e-10), {.precision = 2}) == "1.23e-10");
  CHECK(sg::to_string(sg::Tensor(1.0004e-10), {.precision = 2}) == "1e-10");
  CHECK(sg::to_string(sg::Tensor(1.6e-10), {.precision = 0}) == "2e-10");
  CHECK(sg::to_string(sg::Tensor(std::complex<double>(1 / 3.0, -2.0)), {.precision = 2}) == "(0.33-2j)");
  CHECK(sg::to_string(sg::Tensor(12), {.precision = 0}) == "12");
}

TEST_CASE("extreme print options work, and impossible ones are an error", "[print]") {
  const sg::Tensor x = {1.0};
  const std::string wanted =
      "print: precision, threshold and edge_items must not be negative and line_width at least 1, given ";
  CHECK(message([&] { sg::to_string(x, {.precision = -1}); }) == wanted + "-1, 1000, 3 and 75");
  CHECK(message([&] { sg::to_string(x, {.threshold = -1}); }) == wanted + "8, -1, 3 and 75");
  CHECK(message([&] { sg::to_string(x, {.edge_items = -1}); }) == wanted + "8, 1000, -1 and 75");
  CHECK(message([&] { sg::to_string(x, {.line_width = 0}); }) == wanted + "8, 1000, 3 and 0");
  CHECK(sg::to_string(sg::arange(6), {.threshold = 5, .edge_items = 0}) == "[...]");
  const sg::PrintOptions all{
      .precision = 1000, .threshold = 0, .edge_items = std::int64_t{1} << 62, .line_width = std::int64_t{1} << 62};
  CHECK(sg::to_string(sg::Tensor{0.5, 2.25}, all) == "[0.5  2.25]");
}

TEST_CASE("shapes, dtypes and devices are printed", "[print]") {
  const sg::Tensor x = {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}};
  std::ostringstream out;
  out << x.shape() << ' ' << x.dtype() << ' ' << x.device() << ' ' << sg::Shape{} << ' ' << sg::sum(x).shape();
  CHECK(out.str() == "(2, 3) float64 cpu () ()");
}

TEST_CASE("describe says what a tensor is, and evaluates nothing", "[print]") {
  const sg::Tensor x = {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}};
  CHECK(sg::describe(x) == "float64 (2, 3), strides (3, 1), cpu, evaluated, 48 bytes");
  const sg::Tensor y = sg::cumsum(x, {.axis = 0});
  CHECK(sg::describe(y) == "float64 (2, 3), cpu, pending (cumsum), 48 bytes");
  CHECK(sg::describe(y) == "float64 (2, 3), cpu, pending (cumsum), 48 bytes");
  sg::eval(y);
  CHECK(sg::describe(y) == "float64 (2, 3), strides (3, 1), cpu, evaluated, 48 bytes");
  sg::Tensor row = sg::transpose(x)[0];
  sg::eval(row);
  CHECK(sg::describe(row) == "float64 (2,), strides (3,), cpu, evaluated, 16 bytes in a buffer of 48");
  CHECK(sg::describe(sg::zeros({1000})) == "float64 (1000,), strides (0,), cpu, evaluated, 8000 bytes in a buffer of 8");
  CHECK(sg::describe(sg::Tensor(true)) == "bool (), strides (), cpu, evaluated, 1 bytes");
  CHECK(sg::describe(sg::Tensor()) == "a default-constructed Tensor");
  std::string inside;
  sg::grad([&](const sg::Tensor& t) {
    inside = sg::describe(sg::exp(t));
    return sg::sum(t);
  })(x);
  CHECK(inside == "float64 (2, 3), cpu, pending (exp), tracked, 48 bytes");
}

TEST_CASE("printing a default Tensor is an error", "[print]") {
  CHECK_THROWS_WITH(sg::to_string(sg::Tensor()),
                    "print: a default-constructed Tensor was given; give it a value first, as in "
                    "Tensor x = {1.0, 2.0};");
}
