// Reading a zip archive starts at its end:
//
//   [entry] ... [entry] [directory] [zip64 end] [zip64 locator] [end]
//
// The end says where the directory is. The two zip64 records are there if a number does not fit into 16 or 32 bits; it is then all
// ones in the end, or in the directory, where its true value stands in an extra field. An entry has a header of its own in front
// of its bytes; it must have the name that the directory gives, and its sizes are not used.

#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "io/zip.h"

namespace scangrad::inline v0::io {
namespace {

using core::check;
using core::fail;

constexpr std::int64_t end_size = 22, locator_size = 20, end64_size = 56, local_size = 30;
constexpr std::uint32_t end_mark = 0x06054b50, locator_mark = 0x07064b50, end64_mark = 0x06064b50, directory_mark = 0x02014b50,
                        local_mark = 0x04034b50;
constexpr std::uint16_t zip64_tag = 1, encrypted_flag = 1;
constexpr std::int64_t most_unpacked = 1032;  // bytes that deflate can pack into one

[[noreturn]] void damaged(const InputFile& file, std::string_view what) {
  fail("{} is damaged: {}; it was expected to be an npz file", quote(file.path()), what);
}

/// Little-endian numbers and strings, one after the other.
class Fields {
 public:
  Fields(const InputFile& file, std::span<const std::byte> bytes) noexcept : file_(file), rest_(bytes) {}

  template <class T>
  T take() {
    T value = 0;
    const auto bytes = take_bytes(sizeof(T));
    for (std::size_t i = 0; i < sizeof(T); ++i)
      value = static_cast<T>(value | static_cast<T>(std::to_integer<T>(bytes[i]) << (8 * i)));
    return value;
  }
  std::uint16_t take16() { return take<std::uint16_t>(); }
  std::uint32_t take32() { return take<std::uint32_t>(); }
  /// A size or an offset: what is negative lies in no file.
  std::int64_t take64() {
    const auto value = take<std::uint64_t>();
    if (value >> 63 != 0) damaged(file_, "it names a place beyond its end");
    return static_cast<std::int64_t>(value);
  }
  std::span<const std::byte> take_bytes(std::size_t count) {
    if (count > rest_.size()) damaged(file_, "its directory is cut off");
    const auto bytes = rest_.first(count);
    rest_ = rest_.subspan(count);
    return bytes;
  }
  bool empty() const noexcept { return rest_.empty(); }

 private:
  const InputFile& file_;
  std::span<const std::byte> rest_;
};

std::vector<std::byte> read_bytes(InputFile& file, std::int64_t begin, std::int64_t count) {
  if (begin < 0 || begin > file.size() || count > file.size() - begin) damaged(file, "it names a place beyond its end");
  std::vector<std::byte> bytes(static_cast<std::size_t>(count));
  file.read(begin, bytes);
  return bytes;
}

struct Directory {
  std::int64_t begin = 0, size = 0, entries = 0, limit = 0;  // nothing of it or of an entry lies behind `limit`
};

/// The end stands at the file's end, with a comment of up to 65535 bytes behind it.
std::int64_t find_end(InputFile& file) {
  const std::int64_t begin = std::max<std::int64_t>(0, file.size() - end_size - 65535);
  const auto tail = read_bytes(file, begin, file.size() - begin);
  for (auto at = static_cast<std::int64_t>(tail.size()) - end_size; at >= 0; --at) {
    const auto bytes = std::span(tail).subspan(static_cast<std::size_t>(at));
    if (Fields(file, bytes).take32() != end_mark) continue;
    if (Fields(file, bytes.subspan(20)).take16() == bytes.size() - end_size) return begin + at;
  }
  fail("{} is no npz file: it has no directory at its end, as zip archives have", quote(file.path()));
}

Directory read_end64(InputFile& file, std::int64_t locator) {
  const auto locator_bytes = read_bytes(file, locator, locator_size);
  Fields where(file, locator_bytes);
  where.take_bytes(8);
  const std::int64_t begin = where.take64();
  const auto bytes = read_bytes(file, begin, end64_size);
  Fields end(file, bytes);
  if (end.take32() != end64_mark) damaged(file, "its zip64 end is not where it should be");
  end.take_bytes(20);  // its size, versions, numbers of disks
  Directory directory;
  end.take64();  // entries on this disk
  directory.entries = end.take64();
  directory.size = end.take64();
  directory.begin = end.take64();
  directory.limit = begin;
  return directory;
}

Directory read_end(InputFile& file) {
  const std::int64_t begin = find_end(file);
  if (begin >= locator_size) {
    const auto bytes = read_bytes(file, begin - locator_size, 4);
    if (Fields(file, bytes).take32() == locator_mark) return read_end64(file, begin - locator_size);
  }
  const auto bytes = read_bytes(file, begin, end_size);
  Fields end(file, bytes);
  end.take_bytes(10);  // mark, numbers of disks, entries on this disk
  Directory directory;
  directory.entries = end.take16();
  directory.size = end.take32();
  directory.begin = end.take32();
  directory.limit = begin;
  return directory;
}

/// Numbers that are all ones stand in the zip64 field, in this order.
void read_zip64(const InputFile& file, std::span<const std::byte> extra, std::initializer_list<std::int64_t*> numbers) {
  Fields fields(file, extra);
  while (!fields.empty()) {
    const std::uint16_t tag = fields.take16(), size = fields.take16();
    Fields field(file, fields.take_bytes(size));
    if (tag != zip64_tag) continue;
    for (std::int64_t* number : numbers)
      if (*number == 0xffffffff) *number = field.take64();
    return;
  }
}

/// One entry of the directory; `begin` is that of its own header for now.
ZipEntry read_entry(const InputFile& file, Fields& fields) {
  if (fields.take32() != directory_mark) damaged(file, "its directory has an entry without the mark of one");
  ZipEntry entry;
  fields.take32();  // versions
  const std::uint16_t flags = fields.take16(), packing = fields.take16();
  fields.take32();  // time and date
  entry.crc = fields.take32();
  entry.packed_size = fields.take32();
  entry.size = fields.take32();
  const std::size_t name_size = fields.take16(), extra_size = fields.take16(), comment_size = fields.take16();
  fields.take_bytes(8);  // disk, attributes
  entry.begin = fields.take32();
  const auto name = fields.take_bytes(name_size);
  entry.name.assign(reinterpret_cast<const char*>(name.data()), name.size());
  read_zip64(file, fields.take_bytes(extra_size), {&entry.size, &entry.packed_size, &entry.begin});
  fields.take_bytes(comment_size);

  check((flags & encrypted_flag) == 0, "{} holds {}, which is encrypted", quote(file.path()), quote(entry.name));
  check(packing == 0 || packing == 8,
        "{} holds {}, which is packed by method {}; stored (0) and deflated (8) entries can be read", quote(file.path()),
        quote(entry.name), packing);
  entry.packing = static_cast<Packing>(packing);
  return entry;
}

/// From the entry's own header to its bytes, which must end before `limit`.
void find_bytes(InputFile& file, ZipEntry& entry, std::int64_t limit) {
  const auto header = read_bytes(file, entry.begin, local_size);
  Fields fields(file, header);
  if (fields.take32() != local_mark) damaged(file, "there is no entry where its directory says");
  fields.take_bytes(22);
  const std::int64_t name_size = fields.take16(), extra_size = fields.take16();
  const auto name = read_bytes(file, entry.begin + local_size, name_size);
  if (std::string_view(reinterpret_cast<const char*>(name.data()), name.size()) != entry.name)
    damaged(file, "an entry and its directory disagree on a name");
  entry.begin += local_size + name_size + extra_size;
  if (entry.begin > limit || entry.packed_size > limit - entry.begin) damaged(file, "it names a place beyond its end");
}

void check_sizes(const InputFile& file, const ZipEntry& entry) {
  const bool possible =
      entry.packing == Packing::stored ? entry.size == entry.packed_size : entry.size / most_unpacked <= entry.packed_size;
  if (!possible)
    damaged(file, fmt::format("its {} bytes for {} cannot be those of {}", entry.packed_size, quote(entry.name), entry.size));
}

}  // namespace

std::vector<ZipEntry> read_zip_directory(InputFile& file) {
  const Directory directory = read_end(file);
  if (directory.begin > directory.limit || directory.size != directory.limit - directory.begin)
    damaged(file, "its directory is not where its end says");
  const auto bytes = read_bytes(file, directory.begin, directory.size);
  Fields fields(file, bytes);
  std::vector<ZipEntry> entries;
  while (!fields.empty()) entries.push_back(read_entry(file, fields));
  if (static_cast<std::int64_t>(entries.size()) != directory.entries)
    damaged(file, "its directory has another number of entries than its end says");

  std::vector<ZipEntry*> order;
  for (ZipEntry& entry : entries) order.push_back(&entry);
  std::sort(order.begin(), order.end(), [](const ZipEntry* a, const ZipEntry* b) { return a->begin < b->begin; });
  std::int64_t free = 0;
  for (ZipEntry* entry : order) {
    if (entry->begin < free) damaged(file, "entries overlap");
    find_bytes(file, *entry, directory.begin);
    check_sizes(file, *entry);
    free = entry->begin + entry->packed_size;
  }
  return entries;
}

void ZipSource::finish() {
  check(left() == 0, "{} has {} bytes behind its elements", name(), left());
  check_end();
  check(crc_.value() == entry_.crc, "{} is damaged: its checksum is {:08x}, where the archive says {:08x}", name(),
        crc_.value(), entry_.crc);
}

}  // namespace scangrad::inline v0::io
