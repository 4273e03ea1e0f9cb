// npy and npz files: what is written byte by byte, what is read in every form that the format has, and that no file, however made,
// does more harm than an Error that names it.

#include <algorithm>
#include <cstring>
#include <numeric>

#include "scangrad/scangrad.h"
#include "support/catch.h"
#include "support/folder.h"
#include "support/message.h"

namespace sg = scangrad;
using sg::DType;
using sg::Tensor;
using sg::test::Folder;
using sg::test::message;
using namespace std::string_literals;

namespace {

std::string little_endian(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i) & 255);
  return text;
}

/// An npy file with that dict as its header.
std::string npy(const std::string& dict, const std::string& elements, int version = 1) {
  return "\x93NUMPY"s + static_cast<char>(version) + '\0' + little_endian(dict.size(), version == 1 ? 2 : 4) + dict + elements;
}

std::string dict(const std::string& descr, const std::string& shape, const std::string& fortran = "False") {
  return "{'descr': '" + descr + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }";
}

template <class T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

const std::string one_to_six = bytes_of<double>({1, 2, 3, 4, 5, 6});

/// Tensors of every dtype that npy files know, with values that tell their bytes apart.
std::vector<Tensor> every_dtype() {
  using C = std::complex<double>;
  const Tensor x = {{C(1.5, -2), C(0, 3e5), C(-7, 0)}, {C(1 / 3.0, 1e-3), C(-1e-7, 8), C(1e10, -1e-10)}};
  std::vector<Tensor> tensors;
  for (DType dtype : {DType::boolean, DType::int32, DType::int64, DType::float16, DType::float32, DType::float64,
                      DType::complex64, DType::complex128})
    tensors.push_back(sg::astype(dtype < DType::complex64 ? sg::real(x) : x, dtype));
  return tensors;
}

void check_same(const Tensor& actual, const Tensor& expected) {
  REQUIRE(actual.dtype() == expected.dtype());
  REQUIRE(actual.shape() == expected.shape());
  CHECK(sg::all(actual == expected).item<bool>());
}

}  // namespace

TEST_CASE("save_npy writes NumPy's bytes", "[npy]") {
  const Folder folder;
  sg::save_npy(folder / "x.npy", Tensor{{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}});
  std::string header = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }";
  header.append(117 - header.size(), ' ').append("\n");
  CHECK(folder.read("x.npy") == npy(header, one_to_six));
  CHECK(header.size() + 10 == 128);

  sg::save_npy(folder / "x.npy", Tensor(true));
  CHECK(folder.read("x.npy").starts_with("\x93NUMPY\x01\0v\0{'descr': '|b1', 'fortran_order': False, 'shape': (), }"s));
  CHECK(folder.read("x.npy").size() == 129);
}

TEST_CASE("tensors come back from npy and npz files", "[npy]") {
  const Folder folder;
  std::vector<Tensor> tensors = every_dtype();
  for (const Tensor& x : every_dtype()) tensors.push_back(sg::transpose(x));
  for (const sg::Shape& shape : {sg::Shape{}, sg::Shape{0}, sg::Shape{0, 3}, sg::Shape{3, 0}, sg::Shape{1, 1, 1}})
    tensors.push_back(sg::ones(shape));
  tensors.push_back(sg::broadcast_to(Tensor{1, 2}, {3, 2}));
  tensors.push_back(sg::flip(sg::arange(5.0), 0));
  tensors.push_back(sg::cumsum(sg::arange(1000.0)));
  std::vector<sg::NamedTensors::Item> items;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    sg::save_npy(folder / "x.npy", tensors[i]);
    check_same(sg::load_npy(folder / "x.npy"), tensors[i]);
    items.emplace_back("tensor " + std::to_string(i), tensors[i]);
  }
  sg::save_npz(folder / "x.npz", sg::NamedTensors(items));
  const sg::NamedTensors loaded = sg::load_npz(folder / "x.npz");
  REQUIRE(loaded.size() == tensors.size());
  std::size_t i = 0;
  for (const auto& [name, x] : loaded) {
    CHECK(name == items[i].first);
    check_same(x, items[i++].second);
  }
  const Tensor special = {std::nan(""), HUGE_VAL, -0.0};
  sg::save_npy(folder / "x.npy", special);
  const auto values = sg::load_npy(folder / "x.npy").to_vector<double>();
  CHECK((std::isnan(values[0]) && values[1] == HUGE_VAL && std::signbit(values[2])));
}

TEST_CASE("npz files name their tensors", "[npy]") {
  const Folder folder;
  const Tensor beta = {1.0, 2.0};
  sg::save_npz(folder / "x.npz", {{"beta", beta}, {"Verlust \xC3\xBC", Tensor(3)}});
  const sg::NamedTensors loaded = sg::load_npz(folder / "x.npz");
  check_same(loaded["beta"], beta);
  CHECK(loaded["Verlust \xC3\xBC"s].item<std::int64_t>() == 3);
  CHECK(loaded.contains("beta"));
  CHECK_FALSE(loaded.contains("bet"));
  const std::string first = folder.read("x.npz");
  sg::save_npz(folder / "x.npz", loaded);
  CHECK(folder.read("x.npz") == first);
  sg::save_npz(folder / "x.npz", {});
  CHECK(sg::load_npz(folder / "x.npz").size() == 0);
}

TEST_CASE("load_npy takes every form of header", "[npy]") {
  const Folder folder;
  const auto load = [&](const std::string& bytes) { return sg::load_npy(folder.write("x.npy", bytes)); };
  const Tensor x = {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}};
  for (int version : {1, 2, 3}) check_same(load(npy(dict("<f8", "(2, 3)"), one_to_six, version)), x);
  for (const std::string text : {"{'descr':'<f8','fortran_order':False,'shape':(2,3)}",
                                 "{\"shape\": (2L, 3L,), \"fortran_order\" : False, \"descr\" : \"<f8\"}  \n",
                                 " { 'shape' : ( 2 , 3 ) , 'descr' : '=f8' , 'fortran_order' : False , } "})
    check_same(load(npy(text, one_to_six)), x);
  check_same(load(npy(dict("<f8", "()"), bytes_of<double>({2.5}))), Tensor(2.5));
  check_same(load(npy(dict("<i4", "(0, 7)"), "")), sg::zeros({0, 7}, {.dtype = DType::int32}));
  check_same(load(npy(dict("|b1", "(3,)"), "\x01\0\x80"s)), Tensor{true, false, true});
}

TEST_CASE("load_npy reads Fortran order in place", "[npy]") {
  const Folder folder;
  const Tensor x = sg::load_npy(folder.write("x.npy", npy(dict("<f8", "(2, 3)", "True"), one_to_six)));
  check_same(x, Tensor{{1.0, 3.0, 5.0}, {2.0, 4.0, 6.0}});
  check_same(sg::cumsum(x, {.axis = 0}), Tensor{{1.0, 3.0, 5.0}, {3.0, 7.0, 11.0}});
  const Tensor cube = sg::load_npy(folder.write("x.npy", npy(dict("<f8", "(1, 2, 3)", "True"), one_to_six)));
  CHECK(cube.to_vector<double>() == std::vector<double>{1, 3, 5, 2, 4, 6});
  CHECK(sg::load_npy(folder.write("x.npy", npy(dict("<f8", "(3, 0)", "True"), ""))).shape() == sg::Shape{3, 0});
}

TEST_CASE("load_npy reads either byte order", "[npy]") {
  const Folder folder;
  const std::string codes[] = {"b1", "i4", "i8", "f2", "f4", "f8", "c8", "c16"};
  const std::vector<Tensor> tensors = every_dtype();
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    sg::save_npy(folder / "x.npy", tensors[i]);
    std::string elements = folder.read("x.npy").substr(128);
    const std::size_t part = sg::item_size(tensors[i].dtype()) / (sg::is_complex(tensors[i].dtype()) ? 2 : 1);
    for (auto at = elements.begin(); at != elements.end(); at += static_cast<std::ptrdiff_t>(part))
      std::reverse(at, at + static_cast<std::ptrdiff_t>(part));
    check_same(sg::load_npy(folder.write("y.npy", npy(dict(">" + codes[i], "(2, 3)"), elements))), tensors[i]);
  }
}

TEST_CASE("load_npy says what is wrong with a file", "[npy]") {
  const Folder folder;
  const std::string path = folder / "x.npy", name = "load_npy: '" + path + "' ";
  const auto error = [&](const std::string& bytes) {
    folder.write("x.npy", bytes);
    const std::string text = message([&] { sg::load_npy(path); });
    return text.starts_with(name) ? text.substr(name.size()) : text;
  };
  const std::string no_array =
      "has a header that is not that of an array, {'descr': ..., 'fortran_order': ..., 'shape': ...}: ";
  CHECK(error("") == "is no npy file: it does not start as one");
  CHECK(error("PK\3\4 this is a zip archive") == "is no npy file: it does not start as one");
  CHECK(error("\x93NUMPY\4\0"s + "1234567890") == "has the npy version 4.0; versions 1.0, 2.0 and 3.0 can be read");
  CHECK(error("\x93NUMPY\2\0"s + "12") == "is cut off: 4 more bytes are needed, and 2 are there");
  CHECK(error("\x93NUMPY\2\0"s + little_endian(0xffffffff, 4) + "{}") ==
        "is cut off: it has a header of 4294967295 bytes, of which 2 are there");
  CHECK(error("\x93NUMPY\2\0"s + little_endian(65537, 4) + std::string(65537, ' ')) ==
        "has a header of 65537 bytes; that of an array has at most 65536");
  CHECK(error(npy("", one_to_six)) == no_array + "''");
  CHECK(error(npy("{'descr': '<f8', 'shape': (6,), }", one_to_six)) == no_array + "'{'descr': '<f8', 'shape': (6,), }'");
  CHECK(error(npy("{'shape': (3), }\x1b[2J", one_to_six)) == no_array + "'{'shape': (3), }\\x1b[2J'");
  for (const std::string shape :
       {"6", "(6", "(6)", "(6,,)", "(,)", "(6.0,)", "(0x6,)", "(+6,)", "(9223372036854775808,)", "[6]"})
    CHECK(error(npy(dict("<f8", shape), one_to_six)).starts_with(no_array));
  for (const std::string text : {"{", "{'", "{'descr", "{'descr'", "{'descr':", "{'descr': '<f8", "{}x", "{'x': 1}", "[]"})
    CHECK(error(npy(text, one_to_six)) == no_array + "'" + text + "'");
  CHECK(
      error(npy("{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (6,)}", one_to_six)).starts_with(no_array));
  CHECK(error(npy(dict("<f8", "(6,)", "Maybe"), one_to_six)).starts_with(no_array));
  CHECK(error(npy(dict("", "(6,)"), one_to_six)).starts_with(no_array));
  CHECK(error(npy(dict("|O", "(6,)"), one_to_six)) ==
        "holds Python objects (dtype '|O'), which are not read; save arrays of numbers");
  CHECK(error(npy("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (6,), }", one_to_six)) ==
        "holds records (a structured dtype); save each of their fields as an array of its own");
  for (const std::string code : {"<u2", "<f16", "<U5", "f8", "<", "<M8[ns]", "|V8"})
    CHECK(error(npy(dict(code, "(6,)"), one_to_six)) ==
          "has the dtype '" + code + "', which no tensor has; convert it in NumPy with astype");
  CHECK(error(npy(dict("<f8", "(-6,)"), one_to_six)) == "has a shape with the negative size -6");
  CHECK(error(npy(dict("<f8", "(7,)"), one_to_six)) ==
        "has the shape (7,) of float64, which takes 56 bytes, but 48 follow its header");
  CHECK(error(npy(dict("<f8", "(5,)"), one_to_six)) ==
        "has the shape (5,) of float64, which takes 40 bytes, but 48 follow its header");
  CHECK(error(npy(dict("<i4", "(1152921504606846976,)"), one_to_six)) ==
        "has the shape (1152921504606846976,) of int32, which takes 4611686018427387904 bytes, but 48 follow its header");
  CHECK(error(npy(dict("<f8", "(4294967296, 4294967296, 4294967296)"), one_to_six)) ==
        "has the shape (4294967296, 4294967296, 4294967296) of float64, which would take more than 2^62 bytes");
  CHECK(error(npy(dict("<f8", "(9223372036854775807, 0)"), "")) ==
        "has the shape (9223372036854775807, 0) of float64, which would take more than 2^62 bytes");
  std::string ones = "(";
  for (int i = 0; i < 65; ++i) ones += "1,";
  CHECK(error(npy(dict("<f8", ones + ")"), bytes_of<double>({1}))) == "has a shape of 65 axes; an array has at most 64");
}

TEST_CASE("files that cannot be read or written", "[npy]") {
  const Folder folder;
  const Tensor x = {1.0};
  CHECK(message([&] { sg::load_npy(folder / "none"); }) ==
        "load_npy: cannot read '" + folder / "none" + "' (No such file or directory)");
  CHECK(message([&] { sg::load_npz(folder / "."); }) ==
        "load_npz: '" + folder / "." + "' is a directory; give the path of a file");
  CHECK(message([&] { sg::read_csv("/dev/null"); }) == "read_csv: '/dev/null' is a pipe or a device; give the path of a file");
  CHECK(message([&] { sg::save_npy(folder / "none/x.npy", x); }) ==
        "save_npy: cannot write '" + folder / "none/x.npy" + "' (No such file or directory)");
  CHECK(message([&] {
          sg::save_npz("/dev/full", {{"x", x}});
        }) == "save_npz: cannot write '/dev/full' (No space left on device)");
}

TEST_CASE("what npy and npz files cannot hold", "[npy]") {
  const Folder folder;
  const std::string path = folder / "x.npz";
  const Tensor x = {1.0};
  CHECK(message([&] { sg::save_npy(path, sg::astype(x, DType::bfloat16)); }) ==
        "save_npy: NumPy has no bfloat16; convert the tensor with astype(x, DType::float32), which holds each of its values");
  CHECK(message([&] {
          sg::save_npz(path, {{"x", sg::astype(x, DType::bfloat16)}});
        }) ==
        "save_npz: NumPy has no bfloat16; convert the tensor with astype(x, DType::float32), which holds each of its values");
  CHECK(message([&] { sg::save_npy(path, sg::ones(sg::Shape(65, 1))); }) ==
        "save_npy: arrays of NumPy have at most 64 axes, but the tensor has 65");
  CHECK(message([&] { sg::save_npy(path, Tensor()); }) ==
        "save_npy: a default-constructed Tensor was given; give it a value first, as in Tensor x = {1.0, 2.0};");
  CHECK(message([&] { sg::save_npz(path, {{"", x}}); }) == "save_npz: a tensor has no name; give each one a name");
  CHECK(message([&] {
          sg::save_npz(path, {{std::string(65532, 'a'), x}});
        }) == "save_npz: a name has 65532 bytes; the longest possible has 65531");
  CHECK(message([&] { sg::save_npz(path, {{"a\0b"s, x}}); }) == "save_npz: the name 'a\\x00b' holds a zero byte");
  CHECK(message([&] {
          sg::NamedTensors({{"x", x}, {"y", x}, {"x", x}});
        }) == "NamedTensors: two tensors are named 'x'; names must differ");
  sg::NamedTensors tensors = {{"x", x}, {"y", x}};
  CHECK(message([&] { tensors.add("y", x); }) == "NamedTensors: two tensors are named 'y'; names must differ");
  CHECK(message([&] { tensors["z"]; }) == "operator[]: there is no tensor named 'z'; there is: x, y");
  CHECK(message([&] { sg::NamedTensors()["z"]; }) == "operator[]: there is no tensor named 'z'; there is: nothing");
  CHECK_FALSE(std::filesystem::exists(path));  // an error comes before the file
  try {
    tensors["z"];
  } catch (const sg::Error& error) {
    CHECK(error.site().line == __LINE__ - 2);
  }
}
