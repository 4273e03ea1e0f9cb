#include "io/file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "core/error.h"

namespace scangrad::inline v0::io {

using core::check;
using core::fail;

std::string quote(std::string_view text) {
  constexpr std::size_t longest = 60;
  std::string result = "'";
  for (char c : text.substr(0, longest)) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    result += control ? fmt::format("\\x{:02x}", static_cast<unsigned char>(c)) : std::string(1, c);
  }
  return result + (text.size() > longest ? "...'" : "'");
}

std::string list_names(const std::vector<std::string_view>& names) {
  constexpr std::size_t most = 30;
  const auto end = names.begin() + static_cast<std::ptrdiff_t>(std::min(most, names.size()));
  if (names.empty()) return "nothing";
  return fmt::format("{}{}", fmt::join(names.begin(), end, ", "),
                     names.size() > most ? fmt::format(" and {} more", names.size() - most) : "");
}

InputFile::InputFile(const std::string& path) : path_(path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  check(std::filesystem::exists(status), "cannot read {} ({})", quote(path), error ? error.message() : std::strerror(ENOENT));
  check(!std::filesystem::is_directory(status), "{} is a directory; give the path of a file", quote(path));
  check(std::filesystem::is_regular_file(status), "{} is a pipe or a device; give the path of a file", quote(path));
  stream_.open(path, std::ios::binary | std::ios::ate);
  check(stream_.is_open(), "cannot read {} ({})", quote(path), std::strerror(errno));
  size_ = static_cast<std::int64_t>(stream_.tellg());
}

void InputFile::read(std::int64_t offset, std::span<std::byte> to) {
  stream_.seekg(offset);
  stream_.read(reinterpret_cast<char*>(to.data()), static_cast<std::streamsize>(to.size()));
  if (!stream_) fail("cannot read {}: it has less than the {} bytes that it had when it was opened", quote(path_), size_);
}

OutputFile::OutputFile(const std::string& path) : path_(path), stream_(path, std::ios::binary | std::ios::trunc) {
  check(stream_.is_open(), "cannot write {} ({})", quote(path), std::strerror(errno));
}

void OutputFile::write(std::span<const std::byte> bytes) {
  stream_.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  check_stream();
  position_ += bytes.size();
}

void OutputFile::close() {
  stream_.close();
  check_stream();
}

void OutputFile::check_stream() const { check(!stream_.fail(), "cannot write {} ({})", quote(path_), std::strerror(errno)); }

}  // namespace scangrad::inline v0::io
