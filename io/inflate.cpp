// Deflated entries, by zlib.

#include "core/error.h"
#include "io/zip.h"

#if SCANGRAD_HAS_ZLIB

#include <zlib.h>

#include <algorithm>

namespace scangrad::inline v0::io {
namespace {

class DeflatedSource final : public ZipSource {
 public:
  DeflatedSource(InputFile& file, const ZipEntry& entry, std::string name) : ZipSource(file, entry, std::move(name)) {
    constexpr int raw = -15;  // no header, windows of 2^15 bytes
    if (inflateInit2(&stream_, raw) != Z_OK) throw std::bad_alloc();
  }
  ~DeflatedSource() override { inflateEnd(&stream_); }

 private:
  void unpack(std::span<std::byte> to) override {
    while (!to.empty()) {
      const std::size_t made = inflate_some(to);
      if (made == 0) bad();
      to = to.subspan(made);
    }
  }

  void check_end() override {
    std::byte more{};
    if (inflate_some({&more, 1}) != 0 || !ended_ || read_ != entry().packed_size || stream_.avail_in != 0) bad();
  }

  /// As much as there is, up to the size of `to`: 0 at the end of the stream or of the packed bytes.
  std::size_t inflate_some(std::span<std::byte> to) {
    constexpr std::size_t longest = std::size_t{1} << 30;  // zlib counts in 32 bits
    const std::size_t wanted = std::min(to.size(), longest);
    stream_.next_out = reinterpret_cast<Bytef*>(to.data());
    stream_.avail_out = static_cast<uInt>(wanted);
    while (stream_.avail_out == wanted && !ended_ && fill()) {
      const int status = inflate(&stream_, Z_NO_FLUSH);
      ended_ = status == Z_STREAM_END;
      if (status == Z_MEM_ERROR) throw std::bad_alloc();
      if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) bad();
    }
    return wanted - stream_.avail_out;
  }

  /// Gets more packed bytes where none wait. False where the stream cannot go on.
  bool fill() {
    if (stream_.avail_in != 0) return true;
    const std::int64_t count = std::min<std::int64_t>(static_cast<std::int64_t>(buffer_.size()), entry().packed_size - read_);
    if (count == 0) return false;
    read_packed(read_, std::span(buffer_).first(static_cast<std::size_t>(count)));
    read_ += count;
    stream_.next_in = reinterpret_cast<Bytef*>(buffer_.data());
    stream_.avail_in = static_cast<uInt>(count);
    return true;
  }

  [[noreturn]] void bad() const { core::fail("{} is damaged: its packed bytes do not unpack to the size it has", name()); }

  z_stream stream_{};
  std::vector<std::byte> buffer_ = std::vector<std::byte>(std::size_t{1} << 16);
  std::int64_t read_ = 0;  // of the packed bytes
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<ZipSource> open_deflated(InputFile& file, const ZipEntry& entry, std::string name) {
  return std::make_unique<DeflatedSource>(file, entry, std::move(name));
}

}  // namespace scangrad::inline v0::io

#else

namespace scangrad::inline v0::io {

std::unique_ptr<ZipSource> open_deflated(InputFile&, const ZipEntry&, std::string name) {
  core::fail(
      "{} is compressed, and this build of scangrad has no zlib; write it with numpy.savez, or build where zlib is installed",
      name);
}

}  // namespace scangrad::inline v0::io

#endif
