#pragma once
// A folder of its own for a test that needs files; it goes with its contents.

#include <stdlib.h>  // mkdtemp

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace scangrad::test {

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "scangrad_XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make the folder " + name);
    path_ = name;
  }
  Folder(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }

  std::string operator/(const std::string& file) const { return (path_ / file).string(); }

  /// Writes a file and returns its path.
  std::string write(const std::string& file, std::string_view bytes) const {
    std::filesystem::remove(path_ / file);  // some file systems wait for the disk when a file is overwritten
    std::ofstream(path_ / file, std::ios::binary) << bytes;
    return *this / file;
  }
  std::string read(const std::string& file) const {
    std::ifstream stream(path_ / file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

 private:
  std::filesystem::path path_;
};

}  // namespace scangrad::test
