#pragma once
// Zip archives, as far as npz files need them: entries one after the other, and a directory of them at the end.

#include <memory>

#include "io/crc32.h"
#include "io/npy.h"

namespace scangrad::inline v0::io {

enum class Packing : std::uint16_t { stored = 0, deflated = 8 };

struct ZipEntry {
  std::string name;
  Packing packing = Packing::stored;
  std::uint32_t crc = 0;
  std::int64_t begin = 0, packed_size = 0, size = 0;  ///< where its bytes are in the file; how many; how many when unpacked
};

/// What the archive holds. The entries lie within the file and do not overlap, and unpacking one cannot take more memory than
/// deflate can pack into its bytes.
std::vector<ZipEntry> read_zip_directory(InputFile& file);

/// The bytes of an entry, unpacked.
class ZipSource : public Source {
 public:
  ZipSource(InputFile& file, const ZipEntry& entry, std::string name)
      : Source(std::move(name), entry.size), file_(file), entry_(entry) {}
  /// Throws unless everything was read, and has the checksum that the directory gives.
  void finish();

 protected:
  /// Some of the bytes as they are in the file.
  void read_packed(std::int64_t offset, std::span<std::byte> to) { file_.read(entry_.begin + offset, to); }
  const ZipEntry& entry() const noexcept { return entry_; }

 private:
  void do_read(std::span<std::byte> to) final {
    unpack(to);
    crc_.update(to);
  }
  virtual void unpack(std::span<std::byte> to) { read_packed(entry_.size - left(), to); }
  virtual void check_end() {}
  InputFile& file_;
  const ZipEntry& entry_;
  Crc32 crc_;
};

/// The same for a deflated entry. Throws where the library was built without zlib.
std::unique_ptr<ZipSource> open_deflated(InputFile& file, const ZipEntry& entry, std::string name);

/// Writes an archive of entries that are not packed.
class ZipWriter {
 public:
  explicit ZipWriter(OutputFile& file) : file_(file) {}
  /// The entry's bytes are those of `head` and then those of `body`.
  void add(std::string_view name, std::string_view head, std::span<const std::byte> body);
  /// Writes the directory.
  void finish();

 private:
  OutputFile& file_;
  std::string directory_;
  std::uint64_t entries_ = 0;
};

}  // namespace scangrad::inline v0::io
