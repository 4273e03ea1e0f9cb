#pragma once
// Files to read from and to write to. Every error names the file.

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace scangrad::inline v0::io {

/// Text of a file in a message: between quotes, shortened, without control characters.
std::string quote(std::string_view text);

/// Names, for an error that says what is there.
std::string list_names(const std::vector<std::string_view>& names);

/// A regular file: its size is known before anything of it is read.
class InputFile {
 public:
  explicit InputFile(const std::string& path);

  const std::string& path() const noexcept { return path_; }
  std::int64_t size() const noexcept { return size_; }
  void read(std::int64_t offset, std::span<std::byte> to);

 private:
  std::string path_;
  std::ifstream stream_;
  std::int64_t size_ = 0;
};

class OutputFile {
 public:
  explicit OutputFile(const std::string& path);

  std::uint64_t position() const noexcept { return position_; }
  void write(std::span<const std::byte> bytes);
  void write(std::string_view bytes) { write(std::as_bytes(std::span(bytes))); }
  /// Sees to it that everything was written; without it, errors go unseen.
  void close();

 private:
  void check_stream() const;
  std::string path_;
  std::ofstream stream_;
  std::uint64_t position_ = 0;
};

}  // namespace scangrad::inline v0::io
