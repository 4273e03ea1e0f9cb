#include "judge/cases.h"

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "core/dtype_visit.h"

namespace judge {

using nlohmann::json;

namespace {

/// Thrown within a case.
struct Malformed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

constexpr std::int64_t most_elements = std::int64_t{1} << 24;
constexpr std::size_t highest_rank = 16;

/// A value that is wrong, in a few words. Lists may be nested without end, and are not looked into.
std::string shown(const json& value) {
  if (value.is_structured()) return (value.is_array() ? "a list of " : "an object of ") + std::to_string(value.size());
  std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  return text.size() > 60 ? text.substr(0, 57) + "..." : text;
}

const json& field(const json& c, const char* name) {
  const auto found = c.find(name);
  if (found == c.end()) throw Malformed(std::string("has no \"") + name + "\"");
  return *found;
}

template <class T>
T get(const json& c, const char* name, bool (json::*is)() const noexcept, const char* kind) {
  const json& value = field(c, name);
  if (!(value.*is)()) throw Malformed(std::string("\"") + name + "\" is " + shown(value) + ", not " + kind);
  return value.get<T>();
}

std::int64_t integer(const json& value, const char* name) {
  if (!value.is_number_integer() || (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX))
    throw Malformed(std::string("\"") + name + "\" holds " + shown(value) + ", not an integer");
  return value.get<std::int64_t>();
}

sg::Shape shape_of(const json& c) {
  std::vector<std::int64_t> shape;
  std::int64_t count = 1;
  const json& sizes = field(c, "shape");
  if (!sizes.is_array()) throw Malformed("\"shape\" is " + shown(sizes) + ", not a list");
  for (const json& item : sizes) {
    const std::int64_t size = shape.emplace_back(integer(item, "shape"));
    if (size < 0 || shape.size() > highest_rank || (size > 0 && count > most_elements / size))
      throw Malformed("\"shape\" is not of at most " + std::to_string(highest_rank) + " sizes and " +
                      std::to_string(most_elements) + " elements");
    count *= std::max<std::int64_t>(size, 1);
  }
  if (shape.empty()) throw Malformed("\"shape\" is [], but a scan needs an axis");
  return sg::Shape(shape);
}

sg::DType dtype_of_name(const std::string& name) {
  for (int i = 0; i < sg::dtype_count; ++i)
    if (const auto dtype = static_cast<sg::DType>(i); sg::is_inexact(dtype) && sg::to_string(dtype) == name) return dtype;
  throw Malformed("\"dtype\" is \"" + name + "\", not a floating or complex one");
}

Scan scan_of(const std::string& name) {
  for (Scan scan : all_scans)
    if (inputs(scan) == 1 && to_string(scan) == name) return scan;
  throw Malformed("\"op\" is \"" + name + "\", which is no scan of one input known here");
}

/// Reads nested lists of numbers.
class Reader {
 public:
  Reader(const char* field_name, const Case& c, bool as_inputs) : name_(field_name), case_(c), as_inputs_(as_inputs) {}

  Expected read(const json& value) {
    nested(value, 0);
    return std::move(numbers_);
  }

 private:
  void nested(const json& value, std::size_t axis) {
    if (axis == case_.shape.size()) return numbers_.push_back(number(value));
    if (!value.is_array() || static_cast<std::int64_t>(value.size()) != case_.shape[axis])
      fail(value, "a list of " + std::to_string(case_.shape[axis]) + ", as the shape says");
    for (const json& item : value) nested(item, axis + 1);
  }
  std::optional<Number> number(const json& value) {
    if (value.is_null() && !as_inputs_) return std::nullopt;
    if (!sg::is_complex(case_.dtype)) return Number(part(value), 0);
    if (!value.is_array() || value.size() != 2) fail(value, "a pair [re, im]");
    return Number(part(value[0]), part(value[1]));
  }
  real part(const json& value) {
    if (!value.is_string()) fail(value, "a decimal number in quotes");
    const auto text = value.get<std::string>();
    const auto exact = parse(text);
    if (!exact) fail(value, "a decimal number, \"inf\", \"-inf\" or \"nan\"");
    return as_inputs_ ? of_the_dtype(value, std::strtod(text.c_str(), nullptr)) : *exact;
  }
  real of_the_dtype(const json& value, double number) {
    using sg::core::convert;
    double kept = number;
    sg::core::visit(sg::core::Inexact(), case_.dtype, [&]<class T>() { kept = convert<double>(convert<T>(number)); });
    if (kept != number && number == number) fail(value, "a " + std::string(sg::to_string(case_.dtype)));
    return number;
  }
  [[noreturn]] void fail(const json& value, const std::string& wanted) const {
    throw Malformed(std::string("\"") + name_ + "\" holds " + shown(value) + ", not " + wanted);
  }

  const char* name_;
  const Case& case_;
  bool as_inputs_;
  Expected numbers_;
};

std::vector<Number> inputs_of(const json& value, const char* name, const Case& c) {
  std::vector<Number> result;
  for (const auto& number : Reader(name, c, true).read(value)) result.push_back(*number);
  return result;
}

std::optional<Expected> expected(const json& c, const char* name, const Case& result) {
  const json& value = field(c, name);
  if (value.is_null()) return std::nullopt;
  return Reader(name, result, false).read(value);
}

std::optional<std::vector<Number>> direction(const json& c, const char* name, const Case& result, bool needed) {
  const json& value = field(c, name);
  if (!value.is_null()) return inputs_of(value, name, result);
  if (needed) throw Malformed(std::string("\"") + name + "\" is null, but something is expected of it");
  return std::nullopt;
}

void read_case(const json& c, Case& result) {
  result.scan = scan_of(get<std::string>(c, "op", &json::is_string, "a name"));
  result.dtype = dtype_of_name(get<std::string>(c, "dtype", &json::is_string, "a name"));
  result.shape = shape_of(c);
  const std::int64_t axis = integer(field(c, "axis"), "axis"), rank = static_cast<std::int64_t>(result.shape.size());
  if (axis < -rank || axis >= rank)
    throw Malformed("\"axis\" is " + std::to_string(axis) + ", out of range for the shape " + sg::to_string(result.shape));
  result.axis = static_cast<int>(axis);
  result.reverse = get<bool>(c, "reverse", &json::is_boolean, "true or false");
  result.exclusive = get<bool>(c, "exclusive", &json::is_boolean, "true or false");
  result.x = inputs_of(field(c, "x"), "x", result);
  result.value = expected(c, "expected_out", result);
  result.jvp = expected(c, "expected_jvp", result);
  result.vjp = expected(c, "expected_vjp", result);
  result.tangent = direction(c, "tangent", result, result.jvp.has_value());
  result.cotangent = direction(c, "cotangent", result, result.vjp.has_value());
}

MaybeCase maybe_case(const json& c, std::size_t number) {
  MaybeCase result;
  result.value.id = "number " + std::to_string(number);
  try {
    if (!c.is_object()) throw Malformed("is " + shown(c) + ", not an object");
    result.value.id = get<std::string>(c, "id", &json::is_string, "a name");
    read_case(c, result.value);
  } catch (const Malformed& error) {
    result.problem = error.what();
  }
  return result;
}

}  // namespace

std::optional<real> parse(const std::string& text) {
  const bool negative = !text.empty() && text[0] == '-';
  std::size_t at = negative || (!text.empty() && text[0] == '+') ? 1 : 0;
  const std::string rest = text.substr(at);
  const auto with_sign = [&](real x) { return negative ? -x : x; };
  if (rest == "inf") return with_sign(test::infinity);
  if (rest == "nan") return test::nan;
  real digits = 0;
  long exponent = 0;
  bool any = false, fraction = false;
  for (; at < text.size() && (std::isdigit(static_cast<unsigned char>(text[at])) || (text[at] == '.' && !fraction)); ++at) {
    if (text[at] == '.') fraction = true;
    else digits = digits * 10 + (text[at] - '0'), any = true, exponent -= fraction ? 1 : 0;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    char* end = nullptr;
    const long written = std::strtol(text.c_str() + at + 1, &end, 10);
    if (end == text.c_str() + at + 1 || std::isspace(static_cast<unsigned char>(text[at + 1])) || std::abs(written) > 100000)
      return std::nullopt;
    exponent += written;
    at = static_cast<std::size_t>(end - text.c_str());
  }
  if (!any || at != text.size()) return std::nullopt;
  for (; exponent > 0 && digits != 0 && digits < test::infinity; --exponent) digits *= 10;
  real divisor = 1;
  for (; exponent < 0 && digits != 0; ++exponent) {
    divisor *= 10;
    if (divisor > 1e3000L) digits /= divisor, divisor = 1;
  }
  return with_sign(digits / divisor);
}

std::vector<MaybeCase> read_cases(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot be read");
  json content;
  try {
    content = json::parse(file);
  } catch (const json::exception& error) {
    throw std::runtime_error(std::string("is not JSON: ") + error.what());
  }
  if (!content.is_object() || !content.contains("cases") || !content["cases"].is_array())
    throw std::runtime_error("has no list \"cases\"");
  std::vector<MaybeCase> result;
  for (const json& c : content["cases"]) result.push_back(maybe_case(c, result.size() + 1));
  if (result.empty()) throw std::runtime_error("has no cases");
  return result;
}

}  // namespace judge
