// Is every public function's bad input held to a message? The public headers are read, and what a function takes says what can be wrong
// with it: a Tensor without a value, an axis, shapes that do not meet, a size. For each there is a golden message somewhere in the tests
// (which run them), or a reason here why there is none. A new public function fails this test until it has its messages.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "support/catch.h"

namespace {

namespace fs = std::filesystem;
using Strings = std::vector<std::string>;

std::string text_of(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::string without(const std::string& text, const char* pattern, const char* instead = "") {
  return std::regex_replace(text, std::regex(pattern), instead);
}

/// The end of the block that opens at `open`.
std::size_t block_end(const std::string& text, std::size_t open) {
  int depth = 0;
  for (std::size_t i = open; i < text.size(); ++i) {
    depth += text[i] == '{';
    depth -= text[i] == '}';
    if (depth == 0) return i;
  }
  return text.size();
}

/// What a header declares in its public namespaces: no comments, no bodies, nothing of detail.
std::string declarations(std::string text) {
  for (std::size_t from; (from = text.find("/// @cond")) != std::string::npos;)
    text.erase(from, text.find("/// @endcond", from) + 12 - from);
  text = without(without(text, "//[^\n]*"), "#[^\n]*");
  const std::regex open_namespace(R"(namespace\s+([\w:]+(::inline \w+)?|scangrad::inline \w+(::\w+)?)?\s*$)");
  std::string result, head;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '{') {
      std::smatch found;
      const std::string last = head.substr(head.size() - std::min<std::size_t>(head.size(), 80));
      if (std::regex_search(last, found, open_namespace) && found.str().find("detail") == std::string::npos) {
        head.clear();
      } else {
        i = block_end(text, i);
        // A default argument {} is part of its declaration; a body ends one.
        if (std::regex_search(head, std::regex(R"(=\s*$)"))) head += "0";
        else if (i + 1 < text.size() && text[i + 1] == ';') continue;
        else result += head + ";\n", head.clear();
      }
    } else if (text[i] == ';') {
      result += head + ";\n";
      head.clear();
    } else if (text[i] != '}') {
      head += text[i];
    }
  }
  return result;
}

/// From the name of each public function to what it takes, of all its overloads.
std::map<std::string, std::string> public_functions() {
  std::map<std::string, std::string> found;
  for (const auto& file : fs::directory_iterator(fs::path(SCANGRAD_SOURCE_DIR) / "include/scangrad")) {
    std::istringstream lines(without(declarations(text_of(file.path())), R"([\s]+)", " "));
    for (std::string line; std::getline(lines, line, ';');) {
      line = without(line, R"(template ?<[^()]*?> ?(?=(requires|auto|inline|constexpr|[A-Z])))");
      line = without(line, R"(requires ?\(([^()]|\([^()]*\))*\))");
      std::smatch match;
      if (!std::regex_search(line, match,
                             std::regex(R"(^ ?(SCANGRAD_API |inline |constexpr )*[\w:<>,& ]+?[ &](\w+) ?\((.*)\))")))
        continue;
      if (line.find("operator") != std::string::npos || line.find("= delete") != std::string::npos) continue;
      found[match[2]] += match[3].str() + ";";
    }
  }
  return found;
}

enum class Wrong { anything, no_value, axis, shapes, size };

std::set<Wrong> what_can_be_wrong(const std::string& parameters) {
  const auto takes = [&](const char* pattern) { return std::regex_search(parameters, std::regex(pattern)); };
  std::set<Wrong> kinds = {Wrong::anything};
  if (takes("Operand&|const Tensor&|Tensor>")) kinds.insert(Wrong::no_value);
  if (takes("Axes&|(Axis|Reduce|Var|Arg|Scan|Slice|Sort)Options")) kinds.insert(Wrong::axis);
  if (takes("Operand&[^;]*Operand&")) kinds.insert(Wrong::shapes);
  if (takes("Shape&|std::int64_t")) kinds.insert(Wrong::size);
  return kinds;
}

/// What the messages say, in the words of the tests.
const std::map<Wrong, std::string> says = {
    {Wrong::anything, "."},
    {Wrong::no_value, "a default-constructed|\\+ empty"},
    {Wrong::axis, "axis|takes one axis|\\+ (high|low)"},
    {Wrong::shapes, "shape|broadcast|sizes|vectors"},
    {Wrong::size, "too large|negative|fill|too many|out of range|not possible|must be|broadcast|up to|hold"},
};
const std::map<Wrong, std::string> names = {{Wrong::anything, "any bad input"},
                                            {Wrong::no_value, "a Tensor without a value"},
                                            {Wrong::axis, "a wrong axis"},
                                            {Wrong::shapes, "shapes that do not meet"},
                                            {Wrong::size, "a wrong size"}};

/// Functions for which nothing of a kind is wrong.
const std::map<Wrong, std::set<std::string>> exempt = {
    {Wrong::anything, {"to_string",    "item_size", "promote", "default_dtype", "is_complex", "is_floating",     "is_integer",
                       "is_inexact",  // of any dtype
                       "version",      "active",    "peak",    "cached",        "reset_peak", "set_cache_limit",
                       "clear_cache",  // of any number
                       "describe",     "key",       "args",
                       "with_aux",  // every integer is a seed; what the others hold is checked by the transforms
                       "from_eigen",
                       "borrow_eigen",                     // any matrix is a tensor; what cannot be borrowed does not compile
                       "num_threads"}},                    // a wrong environment variable is tested in environment_test
    {Wrong::no_value, {"to_string", "args", "describe"}},  // printing is called print; args: see above
    {Wrong::shapes,
     {"shift", "permutation", "fold_in"}},  // the second operand is a scalar, a tensor to permute, or broadcasts as in add
    {Wrong::size,
     {"to_string", "set_cache_limit", "roll", "shift", "tril", "triu"}},  // any number of places, any offset, is right
};

/// The source of the tests, with messages that span lines in one.
std::string goldens() {
  std::string all;
  for (const auto& file : fs::directory_iterator(fs::path(SCANGRAD_SOURCE_DIR) / "tests"))
    if (file.path().extension() == ".cpp" && file.path().stem() != "errors_audit_test")
      all += without(text_of(file.path()), "\"\\s*\n\\s*\"");
  return all;
}

/// The tests, and of those the tables whose rows leave the message to the test behind them.
struct Sources {
  std::string all = goldens();
  std::string no_value = part("errors_operands_test.cpp", "one_operand()", "TEST_CASE");
  std::string binary = part("errors_operands_test.cpp", "binary_functions()", "two_operands()");
  std::string axes = part("errors_axes_test.cpp", "table = {", "}  // namespace");

  static std::string part(const char* file, const char* from, const char* to) {
    const std::string text = text_of(fs::path(SCANGRAD_SOURCE_DIR) / "tests" / file);
    const std::size_t begin = text.find(from);
    REQUIRE(begin != std::string::npos);
    return text.substr(begin, text.find(to, begin) - begin);
  }
};

/// Is there a golden message of the function that says so: "name: .. says ..", or a row of a table that adds the rest.
bool held(const Sources& sources, const std::string& function, Wrong kind) {
  const std::string name = "\"(random::)?" + function, row = name + "\",";
  const auto in = [&](const std::string& text) { return std::regex_search(text, std::regex(row)); };
  if ((kind == Wrong::no_value || kind == Wrong::anything) && in(sources.no_value)) return true;
  if ((kind == Wrong::axis && in(sources.axes)) || (kind == Wrong::shapes && in(sources.binary))) return true;
  return std::regex_search(sources.all, std::regex(name + ": [^\n]*(" + says.at(kind) + ")"));
}

}  // namespace

TEST_CASE("every public function has golden messages for what can be wrong with its arguments") {
  const Sources sources;
  const auto functions = public_functions();
  CHECK(functions.size() > 180);
  for (const char* known :
       {"add", "cumsum", "arange", "grad", "vmap", "cholesky", "uniform", "split", "newton", "load_npy", "from_eigen"})
    CHECK(functions.count(known) == 1);
  std::string missing;
  for (const auto& [function, parameters] : functions)
    for (const Wrong kind : what_can_be_wrong(parameters)) {
      const auto free = exempt.find(kind);
      if (free != exempt.end() && free->second.count(function) != 0) continue;
      if (!held(sources, function, kind)) missing += function + ": no golden message for " + names.at(kind) + "\n";
    }
  INFO(missing);
  CHECK(missing.empty());
}
