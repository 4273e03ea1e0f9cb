// An npy file is
//
//   93 'NUMPY'   the version, two bytes   the size of the header: 2 bytes in version 1, 4 in 2 and 3, little-endian
//   {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }        and blanks up to a multiple of 64 bytes, a line end
//   the elements
//
// Order of trust when reading: the header's size is held against the file's, the shape and dtype against what is left of the file,
// and only then is there an allocation.

#include "io/npy.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>

#include "core/dtype_visit.h"
#include "core/error.h"
#include "core/node.h"
#include "scangrad/io.h"

namespace scangrad::inline v0 {
namespace io {
namespace {

using core::check;
using core::fail;

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::size_t longest_header = 65536;
constexpr std::size_t most_axes = 64;  // NumPy's own limit

// The codes of NumPy for the dtypes, in the order of DType.
constexpr std::string_view codes[dtype_count] = {"b1", "i4", "i8", "f2", "", "f4", "f8", "c8", "c16"};

struct Header {
  core::Spec spec;
  bool fortran_order = false, swapped = false;
};

/// Reads the dict of a header. It is Python, but only this much of it: strings, True and False, and a tuple of integers.
class HeaderParser {
 public:
  HeaderParser(const std::string& name, std::string_view text) : name_(name), text_(text), rest_(text) {}

  Header parse() {
    expect('{');
    while (!accept('}')) {
      parse_item();
      if (accept('}')) break;
      expect(',');
    }
    if (!rest_.empty()) bad();
    if (descr_.empty() || !has_order_ || !has_shape_) bad();
    set_dtype();
    return header_;
  }

 private:
  [[noreturn]] void bad() const {
    fail("{} has a header that is not that of an array, {{'descr': ..., 'fortran_order': ..., 'shape': ...}}: {}", name_,
         quote(text_));
  }

  void skip_blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size())); }
  bool accept(std::string_view token) {
    skip_blanks();
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    skip_blanks();
    return true;
  }
  bool accept(char token) { return accept(std::string_view(&token, 1)); }
  void expect(char token) {
    if (!accept(token)) bad();
  }

  std::string_view parse_string() {
    skip_blanks();
    if (rest_.empty() || (rest_[0] != '\'' && rest_[0] != '"')) bad();
    const std::size_t end = rest_.find(rest_[0], 1);
    if (end == std::string_view::npos) bad();
    const std::string_view string = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    skip_blanks();
    return string;
  }

  void parse_item() {
    const std::string_view key = parse_string();
    expect(':');
    if (key == "descr" && descr_.empty()) parse_descr();
    else if (key == "fortran_order" && !std::exchange(has_order_, true)) parse_order();
    else if (key == "shape" && !std::exchange(has_shape_, true)) parse_shape();
    else bad();
  }

  void parse_descr() {
    check(!rest_.starts_with('['), "{} holds records (a structured dtype); save each of their fields as an array of its own",
          name_);
    descr_ = parse_string();
    if (descr_.empty()) bad();
  }

  void parse_order() {
    header_.fortran_order = accept("True");
    if (!header_.fortran_order && !accept("False")) bad();
  }

  void parse_shape() {
    std::vector<std::int64_t> sizes;
    expect('(');
    while (!accept(')')) {
      sizes.push_back(parse_integer());
      if (accept(')')) {
        if (sizes.size() == 1) bad();  // (3) is a number, (3,) is a tuple
        break;
      }
      expect(',');
    }
    check(sizes.size() <= most_axes, "{} has a shape of {} axes; an array has at most {}", name_, sizes.size(), most_axes);
    header_.spec.shape = Shape(sizes);
  }

  std::int64_t parse_integer() {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error != std::errc()) bad();
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    accept('L');  // Python 2 wrote such integers
    check(value >= 0, "{} has a shape with the negative size {}", name_, value);
    return value;
  }

  void set_dtype() {
    check(descr_.find('O') == std::string_view::npos,
          "{} holds Python objects (dtype {}), which are not read; save arrays of numbers", name_, quote(descr_));
    const bool has_order = std::string_view("<>=|").find(descr_[0]) != std::string_view::npos;
    const auto* code = std::find(std::begin(codes), std::end(codes), descr_.substr(has_order ? 1 : 0));
    check(code != std::end(codes) && !code->empty() && has_order,
          "{} has the dtype {}, which no tensor has; convert it in NumPy with astype", name_, quote(descr_));
    header_.spec.dtype = static_cast<DType>(code - std::begin(codes));
    const char other = std::endian::native == std::endian::little ? '>' : '<';
    header_.swapped = descr_[0] == other;
  }

  const std::string& name_;
  std::string_view text_, rest_, descr_;
  bool has_order_ = false, has_shape_ = false;
  Header header_;
};

template <class... Bytes>
std::string bytes_of(Bytes... bytes) {
  return {static_cast<char>(bytes)...};
}

Header read_header(Source& source) {
  std::array<std::byte, 8> start{};
  const auto begins_with_magic = [&] {
    source.read(start);
    return std::memcmp(start.data(), magic.data(), magic.size()) == 0;
  };
  check(source.left() >= 10 && begins_with_magic(), "{} is no npy file: it does not start as one", source.name());
  const int major = std::to_integer<int>(start[6]), minor = std::to_integer<int>(start[7]);
  check(major >= 1 && major <= 3 && minor == 0, "{} has the npy version {}.{}; versions 1.0, 2.0 and 3.0 can be read",
        source.name(), major, minor);

  std::array<std::byte, 4> size_bytes{};
  source.read(std::span(size_bytes).first(major == 1 ? 2 : 4));
  std::size_t size = 0;
  for (std::size_t i = 0; i < 4; ++i) size |= std::to_integer<std::size_t>(size_bytes[i]) << (8 * i);
  check(size <= static_cast<std::size_t>(source.left()), "{} is cut off: it has a header of {} bytes, of which {} are there",
        source.name(), size, source.left());
  check(size <= longest_header, "{} has a header of {} bytes; that of an array has at most {}", source.name(), size,
        longest_header);
  std::string text(size, ' ');
  source.read(std::as_writable_bytes(std::span(text)));
  return HeaderParser(source.name(), text).parse();
}

/// The elements must be what is left of the source: neither less nor more.
void check_size(const Source& source, const core::Spec& spec) {
  auto bytes = static_cast<std::int64_t>(item_size(spec.dtype));
  bool too_large = false;
  for (std::int64_t size : spec.shape) too_large |= size != 0 && __builtin_mul_overflow(bytes, size, &bytes);
  check(!too_large && bytes <= std::int64_t{1} << 62, "{} has the shape {} of {}, which would take more than 2^62 bytes",
        source.name(), spec.shape, spec.dtype);
  if (std::find(spec.shape.begin(), spec.shape.end(), 0) != spec.shape.end()) bytes = 0;
  check(bytes == source.left(), "{} has the shape {} of {}, which takes {} bytes, but {} follow its header", source.name(),
        spec.shape, spec.dtype, bytes, source.left());
}

void swap_bytes(core::Array& array) {
  const std::size_t item = item_size(array.dtype()), part = is_complex(array.dtype()) ? item / 2 : item;
  std::byte* data = array.storage->data;
  for (std::int64_t i = 0; i < array.storage->bytes; i += static_cast<std::int64_t>(part))
    std::reverse(data + i, data + i + part);
}

// A bool that is neither 0 nor 1 is true for NumPy, and no bool for C++.
void normalize_booleans(core::Array& array) {
  for (std::byte& byte : std::span(array.storage->data, static_cast<std::size_t>(array.storage->bytes)))
    byte = std::byte{byte != std::byte{0}};
}

Strides fortran_strides(const Shape& shape) {
  Strides strides(shape.size(), 1);
  for (std::size_t i = 1; i < shape.size(); ++i) strides[i] = strides[i - 1] * shape[i - 1];
  return strides;
}

class FileSource final : public Source {
 public:
  explicit FileSource(InputFile& file) : Source(quote(file.path()), file.size()), file_(file) {}

 private:
  void do_read(std::span<std::byte> to) override { file_.read(file_.size() - left(), to); }
  InputFile& file_;
};

}  // namespace

void Source::read(std::span<std::byte> to) {
  check(static_cast<std::int64_t>(to.size()) <= left_, "{} is cut off: {} more bytes are needed, and {} are there", name_,
        to.size(), left_);
  do_read(to);
  left_ -= static_cast<std::int64_t>(to.size());
}

Tensor read_npy(Source& source) {
  const Header header = read_header(source);
  check_size(source, header.spec);
  core::Array array;
  array.spec = header.spec;
  array.allocate();
  source.read({array.storage->data, static_cast<std::size_t>(array.storage->bytes)});
  if (header.swapped) swap_bytes(array);
  if (header.spec.dtype == DType::boolean) normalize_booleans(array);
  if (header.fortran_order) {
    array.strides = fortran_strides(array.shape());
    array.dense = core::is_dense(array.shape(), array.strides);
  }
  return core::make_leaf(std::move(array));
}

std::string npy_head(const Tensor& x) {
  const std::string_view code = codes[static_cast<int>(x.dtype())];
  check(!code.empty(), "NumPy has no {}; convert the tensor with astype(x, DType::float32), which holds each of its values",
        x.dtype());
  check(x.shape().size() <= most_axes, "arrays of NumPy have at most {} axes, but the tensor has {}", most_axes,
        x.shape().size());
  const char order = x.dtype() == DType::boolean ? '|' : std::endian::native == std::endian::little ? '<' : '>';
  std::string dict =
      fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': {}, }}", order, code, to_string(x.shape()));
  const std::size_t before = magic.size() + 4;
  dict.append(63 - (before + dict.size()) % 64, ' ').append(1, '\n');
  return fmt::format("{}{}{}", magic, bytes_of(1, 0, dict.size() & 255, dict.size() >> 8), dict);
}

Elements elements_of(const Tensor& x) {
  Elements elements;
  core::visit(core::Every{}, x.dtype(), [&]<class T>() {
    const Data<T> data = x.data<T>();
    elements = {data.owner(), std::as_bytes(std::span<const T>(data))};
  });
  return elements;
}

}  // namespace io

void save_npy(const std::string& path, const Tensor& x, Site site) {
  const core::CallScope scope("save_npy", site);
  core::check_not_empty(x);
  const std::string head = io::npy_head(x);
  const io::Elements elements = io::elements_of(x);
  io::OutputFile file(path);
  file.write(head);
  file.write(elements.bytes);
  file.close();
}

Tensor load_npy(const std::string& path, Site site) {
  const core::CallScope scope("load_npy", site);
  io::InputFile file(path);
  io::FileSource source(file);
  return io::read_npy(source);
}

}  // namespace scangrad::inline v0
