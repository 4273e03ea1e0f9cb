// Every entry has its sizes in a zip64 field, and an archive with entries ends with the zip64 records, needed or not: one form, whatever the
// sizes. Readers of zip64 (every current one; it is from 2001) see no difference. zip_read.cpp says what goes where.

#include "io/zip.h"

namespace scangrad::inline v0::io {
namespace {

/// Appends numbers, little-endian, each as wide as its type.
template <class... Numbers>
void put(std::string& to, Numbers... numbers) {
  const auto put_one = [&](auto number) {
    for (std::size_t i = 0; i < sizeof number; ++i) to += static_cast<char>(number >> (8 * i) & 255);
  };
  (put_one(numbers), ...);
}

using U16 = std::uint16_t;
using U32 = std::uint32_t;
using U64 = std::uint64_t;

constexpr U16 version = 45, utf8_flag = 1 << 11, stored = 0, midnight = 0, first_of_1980 = 1 << 5 | 1, zip64_tag = 1;
constexpr U32 in_zip64 = 0xffffffff;

}  // namespace

void ZipWriter::add(std::string_view name, std::string_view head, std::span<const std::byte> body) {
  Crc32 crc;
  crc.update(std::as_bytes(std::span(head)));
  crc.update(body);
  const U64 size = head.size() + body.size(), begin = file_.position();
  const U16 name_size = static_cast<U16>(name.size());

  std::string common;  // to the header of an entry and the directory's line on it
  put(common, version, utf8_flag, stored, midnight, first_of_1980, crc.value(), in_zip64, in_zip64, name_size);

  std::string header;
  put(header, U32{0x04034b50});
  header += common;
  put(header, U16{20});
  header += name;
  put(header, zip64_tag, U16{16}, size, size);
  file_.write(header);
  file_.write(head);
  file_.write(body);

  put(directory_, U32{0x02014b50}, version);
  directory_ += common;
  put(directory_, U16{28}, U16{0}, U16{0}, U16{0}, U32{0}, in_zip64);  // extra, no comment, disk, attributes, place
  directory_ += name;
  put(directory_, zip64_tag, U16{24}, size, size, begin);
  ++entries_;
}

void ZipWriter::finish() {
  const U64 begin = file_.position(), size = directory_.size();
  const bool empty = entries_ == 0;  // NumPy knows an empty archive by the plain end
  std::string end;
  if (!empty) {
    put(end, U32{0x06064b50}, U64{44}, version, version, U32{0}, U32{0}, entries_, entries_, size, begin);
    put(end, U32{0x07064b50}, U32{0}, begin + size, U32{1});
  }
  const U16 count = empty ? U16{0} : U16{0xffff};
  const U32 place = empty ? 0 : in_zip64;
  put(end, U32{0x06054b50}, U16{0}, U16{0}, count, count, place, place, U16{0});
  file_.write(directory_);
  file_.write(end);
  directory_.clear();
}

}  // namespace scangrad::inline v0::io
