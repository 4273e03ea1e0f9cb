// The layers point one way: include -> nothing, core -> include, ops and io -> core, autodiff -> ops; cpu and cuda are leaves. Eigen and
// CUDA stay in their folders; and one switch over dtypes is enough.

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "support/catch.h"

namespace fs = std::filesystem;

namespace {

struct Layer {
  std::string folder, forbidden;  ///< a regular expression over its #include lines
};

const Layer layers[] = {
    {"include/scangrad", R"re(["<](core|ops|autodiff|cpu|cuda|fmt|Eigen|cub|catch2)/|<cuda)re"},
    {"core", R"re(["<](ops|autodiff|cpu|cuda|Eigen|unsupported|cub)/|<cuda)re"},
    {"io", R"re(["<](ops|autodiff|cpu|cuda|Eigen|unsupported|cub)/|<cuda|"scangrad/autodiff)re"},
    {"ops", R"re(["<](autodiff|cpu|cuda|Eigen|unsupported|cub)/|<cuda|"scangrad/autodiff)re"},
    {"autodiff", R"re(["<](cpu|cuda|Eigen|unsupported|cub)/|<cuda)re"},
    {"optimize", R"re(["<](cpu|cuda|Eigen|unsupported|cub)/|<cuda)re"},
    {"cpu", R"re(["<](autodiff|cuda|cub)/|<cuda)re"},
};

const std::set<fs::path> opt_in = {"eigen.h", "eigen_tensor.h", "fmt.h"};  // headers that may include other libraries

std::vector<fs::path> sources(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) files.push_back(entry.path());
  return files;
}

std::string text_of(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("no layer includes a layer above it") {
  for (const Layer& layer : layers) {
    const std::regex bad("#include *(" + layer.forbidden + ")");
    const auto files = sources(fs::path(SCANGRAD_SOURCE_DIR) / layer.folder);
    CHECK(files.size() > 2);
    for (const fs::path& file : files) {
      if (opt_in.count(file.filename()) != 0) continue;
      INFO(file);
      CHECK_FALSE(std::regex_search(text_of(file), bad));
    }
  }
}

TEST_CASE("there is one switch over dtypes") {
  int switches = 0;
  for (const char* folder : {"core", "ops", "autodiff", "cpu", "io", "include/scangrad"})
    for (const fs::path& file : sources(fs::path(SCANGRAD_SOURCE_DIR) / folder)) {
      const std::string text = text_of(file);
      if (text.find("case DType::") != std::string::npos) {
        ++switches;
        CHECK(file.filename() == "dtype_visit.h");
      }
    }
  CHECK(switches == 1);
}
