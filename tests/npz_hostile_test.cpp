// Files made to do harm. Each byte of small npy and npz files is changed in several ways, and each prefix taken: every time the file
// loads or is an Error. And the lies that no single byte tells.

#include <functional>

#include "scangrad/scangrad.h"
#include "support/catch.h"
#include "support/folder.h"
#include "support/message.h"

namespace sg = scangrad;
using sg::Tensor;
using sg::test::Folder;
using sg::test::message;
using namespace std::string_literals;

namespace {

std::string number(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(i < 8 ? value >> (8 * i) & 255 : 0);
  return text;
}

/// One entry of an archive, with whatever numbers a test wants to give it.
struct Entry {
  std::string name, bytes;
  int packing = 0, flags = 0;
  std::uint32_t crc = 0;
  std::uint64_t size = 0, offset = 0;
};

std::string in_front(const Entry& e) {
  return "PK\3\4"s + number(20, 2) + number(static_cast<std::uint64_t>(e.flags), 2) +
         number(static_cast<std::uint64_t>(e.packing), 2) + number(0, 4) + number(e.crc, 4) + number(e.bytes.size(), 4) +
         number(e.size, 4) + number(e.name.size(), 2) + number(0, 2) + e.name + e.bytes;
}

std::string in_directory(const Entry& e) {
  return "PK\1\2"s + number(20, 2) + number(20, 2) + number(static_cast<std::uint64_t>(e.flags), 2) +
         number(static_cast<std::uint64_t>(e.packing), 2) + number(0, 4) + number(e.crc, 4) + number(e.bytes.size(), 4) +
         number(e.size, 4) + number(e.name.size(), 2) + number(0, 10) + number(0, 2) + number(e.offset, 4) + e.name;
}

/// The file in which the first entry alone stands, and a directory that lists them all.
std::string archive(const std::vector<Entry>& entries, const std::string& comment = "") {
  std::string directory;
  for (const Entry& e : entries) directory += in_directory(e);
  const std::string front = in_front(entries[0]);
  return front + directory + "PK\5\6"s + number(0, 4) + number(entries.size(), 2) + number(entries.size(), 2) +
         number(directory.size(), 4) + number(front.size(), 4) + number(comment.size(), 2) + comment;
}

std::string npy_of(const Tensor& x) {
  const Folder folder;
  sg::save_npy(folder / "x.npy", x);
  return folder.read("x.npy");
}

const std::uint32_t crc_of_scalar = 0x2350fc21;  // of npy_of(Tensor(1.0)), by Python's zlib.crc32

Entry scalar_entry() {
  const std::string bytes = npy_of(Tensor(1.0));
  return {.name = "x.npy", .bytes = bytes, .crc = crc_of_scalar, .size = bytes.size()};
}

/// Loads the file, or is refused with an Error: anything else fails the test. True if it loaded.
bool survives(const std::string& path, bool npz) {
  try {
    if (!npz) sg::eval(sg::load_npy(path));
    else
      for (const auto& [name, x] : sg::load_npz(path)) (void)sg::to_string(x);
    return true;
  } catch (const sg::Error& error) {
    CHECK(error.message().find(path) != std::string::npos);
    return false;
  }
}

int mutate(const std::string& original, bool npz) {
  const Folder folder;
  int loaded = 0;
  for (std::size_t i = 0; i < original.size(); ++i) {
    survives(folder.write("x", original.substr(0, i)), npz);
    for (const int change : {0x01, 0x08, 0x80, 0xff}) {
      std::string changed = original;
      changed[i] = static_cast<char>(changed[i] ^ change);
      loaded += survives(folder.write("x", changed), npz);
    }
    for (const char value : {'\0', '9'}) {
      std::string changed = original;
      changed[i] = value;
      survives(folder.write("x", changed), npz);
    }
    survives(folder.write("x", original.substr(0, i) + original.substr(i + 1)), npz);
    survives(folder.write("x", original.substr(0, i) + "7" + original.substr(i)), npz);
  }
  return loaded;
}

/// npy_of(Tensor(1.0)), deflated: Python's zlib.compressobj(9, zlib.DEFLATED, -15).
const std::string deflated_scalar =
    "\x9b\xec\x17\xea\x1b\x10\xc9\xc8\x50\xc6\x50\xad\x9e\x92\x5a\x9c\x5c\xa4\x6e\xa5\xa0\x6e\x93\x66\xa1"
    "\xae\xa3\xa0\x9e\x96\x5f\x54\x52\x94\x98\x17\x9f\x5f\x94\x92\x0a\x12\x77\x4b\xcc\x29\x4e\x05\x8a\x17"
    "\x67\x24\x16\xa4\x02\xf9\x1a\x9a\x3a\x0a\xb5\x0a\x14\x01\x2e\x06\x30\xf8\x60\x0f\x00"s;

Entry deflated_entry() {
  Entry e = scalar_entry();
  e.bytes = deflated_scalar;
  e.packing = 8;
  return e;
}

}  // namespace

TEST_CASE("a damaged npy file loads or is an Error", "[npz][hostile]") {
  CHECK(mutate(npy_of(Tensor{{1.0, 2.0}, {3.0, 4.0}}), false) > 0);
  mutate(npy_of(Tensor{true, false}), false);
}

TEST_CASE("a damaged npz file loads or is an Error", "[npz][hostile]") {
  const Folder folder;
  sg::save_npz(folder / "x.npz", {{"x", Tensor{1.0, 2.0}}, {"flags", Tensor{true}}});
  CHECK(mutate(folder.read("x.npz"), true) > 0);  // the date, the version
  mutate(archive({scalar_entry()}, "a comment"), true);
}

TEST_CASE("deflated entries are unpacked, or refused where there is no zlib", "[npz][hostile]") {
  const Folder folder;
  const std::string path = folder.write("x.npz", archive({deflated_entry()})), name = "load_npz: 'x.npy' in '" + path + "' ";
  const auto error = [&](const Entry& entry) {
    folder.write("x.npz", archive({entry}));
    return message([&] { sg::load_npz(path); });
  };
  const std::string without_zlib = name +
                                   "is compressed, and this build of scangrad has no zlib; write it with numpy.savez, or build "
                                   "where zlib is installed";
  if (error(deflated_entry()) == without_zlib) return;
  CHECK(sg::load_npz(path)["x"].item<double>() == 1);
  mutate(archive({deflated_entry()}), true);

  const std::string bad = name + "is damaged: its packed bytes do not unpack to the size it has";
  Entry entry = deflated_entry();
  entry.bytes.pop_back();
  CHECK(error(entry) == bad);
  entry = deflated_entry();
  entry.bytes += "x";
  CHECK(error(entry) == bad);
  entry = deflated_entry();
  entry.bytes[0] = '\7';  // a kind of block that does not exist
  CHECK(error(entry) == bad);
  entry = deflated_entry();
  entry.size += 8;
  CHECK(error(entry) == name + "has the shape () of float64, which takes 8 bytes, but 16 follow its header");
  entry = deflated_entry();
  entry.crc = 1;
  CHECK(error(entry) == name + "is damaged: its checksum is 2350fc21, where the archive says 00000001");
}

TEST_CASE("no change to the bytes of an entry goes unseen", "[npz][hostile]") {
  const Folder folder;
  const std::string original = archive({scalar_entry()});
  const std::size_t begin = 30 + 5, size = scalar_entry().bytes.size();
  REQUIRE(survives(folder.write("x", original), true));
  for (std::size_t i = begin; i < begin + size; ++i)
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = original;
      changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
      CHECK_FALSE(survives(folder.write("x", changed), true));
    }
}

TEST_CASE("load_npz says what is wrong with a file", "[npz][hostile]") {
  const Folder folder;
  const std::string path = folder / "x.npz", name = "load_npz: '" + path + "' ", entry = "load_npz: 'x.npy' in '" + path + "' ";
  const auto error = [&](const std::string& bytes) {
    folder.write("x.npz", bytes);
    return message([&] { sg::load_npz(path); });
  };
  const auto with = [&](const std::function<void(Entry&)>& change) {
    Entry e = scalar_entry();
    change(e);
    return error(archive({e}));
  };
  const std::string damaged = name + "is damaged: ", expected = "; it was expected to be an npz file";
  CHECK(error(archive({scalar_entry()})) == "no error");
  CHECK(error("") == name + "is no npz file: it has no directory at its end, as zip archives have");
  CHECK(error(npy_of(Tensor(1.0))) == name + "is no npz file: it has no directory at its end, as zip archives have");
  CHECK(with([](Entry& e) { e.flags = 1; }) == name + "holds 'x.npy', which is encrypted");
  CHECK(with([](Entry& e) { e.packing = 12; }) ==
        name + "holds 'x.npy', which is packed by method 12; stored (0) and deflated (8) entries can be read");
  CHECK(with([](Entry& e) { e.name = "x.txt"; }) == name + "holds 'x.txt', which is no npy file");
  CHECK(with([](Entry& e) { e.offset = 7; }) == damaged + "there is no entry where its directory says" + expected);
  CHECK(with([](Entry& e) { e.offset = 0xfffffff0; }) == damaged + "it names a place beyond its end" + expected);
  CHECK(with([](Entry& e) { e.crc = 1; }) == entry + "is damaged: its checksum is 2350fc21, where the archive says 00000001");
  CHECK(with([](Entry& e) { e.size += 1; }) == damaged + "its 136 bytes for 'x.npy' cannot be those of 137" + expected);
  // A bomb: what deflate cannot have packed is refused before it is allocated.
  CHECK(with([](Entry& e) { e.packing = 8, e.size = 0xfffffff0; }) ==
        damaged + "its 136 bytes for 'x.npy' cannot be those of 4294967280" + expected);
  CHECK(error(archive({scalar_entry(), scalar_entry()})) == damaged + "entries overlap" + expected);
  Entry other = scalar_entry();
  other.name = "y.npy";
  CHECK(error(archive({scalar_entry(), other})) == damaged + "entries overlap" + expected);
  std::string renamed = archive({scalar_entry()});
  renamed[30] = 'y';
  CHECK(error(renamed) == damaged + "an entry and its directory disagree on a name" + expected);
  std::string shortened = archive({scalar_entry()});
  shortened[shortened.size() - 12] = static_cast<char>(shortened[shortened.size() - 12] + 1);  // the first entry of two
  CHECK(error(shortened) == damaged + "its directory has another number of entries than its end says" + expected);
}
