// How a number becomes text.
//
// The digits are the fewest that read back as the same number of the same type: 0.1f is "0.1", not "0.100000001".
// std::to_chars finds them; a half, which it does not know, is first exchanged for the float that has the half's digits.
//
// A column of reals is written in one notation, plain (12.5) or with exponents (1.25e+01), which its largest and smallest
// magnitudes decide. Every number is cut into parts, and each part gets the width of the longest one of its kind:
//
//              whole  fraction  exponent
//    -1.25     "-1"   "25"                 blanks fill up the whole part on the left and the fraction on the right
//    1.5e-07   "1"    "5"       "-07"      more digits of the exact value fill up the fraction, zeros the exponent
//
// A fraction has at most `precision` digits (8 by default), rounded from the exact value. Infinities and NaNs are set right in the full width. A complex
// number is two such columns, the second one always with a sign.

#include "core/format_numbers.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/dtype_visit.h"

namespace scangrad::inline v0::core {
namespace {

using std::chars_format;

// Magnitudes from here on are written with exponents: below it, integers of the type print without made-up digits.
template <class T>
constexpr double exponents_from = 1e16;
template <>
constexpr double exponents_from<float> = 1e6;
template <>
constexpr double exponents_from<float16> = 1e3;
constexpr double exponents_from_in_column = 1e8;  // if that is less
constexpr double exponents_below = 1e-4;
constexpr double max_plain_ratio = 1000;  // of the largest to the smallest magnitude in a column

// Long enough for the digits of any number that is written plainly, and of any with an exponent.
class Chars {
 public:
  template <class... Options>
  explicit Chars(Options... options) : end_(std::to_chars(buffer_, buffer_ + sizeof buffer_, options...).ptr) {}
  Chars(const Chars&) = delete;
  std::string_view text() const { return {buffer_, static_cast<std::size_t>(end_ - buffer_)}; }

 private:
  char buffer_[64];
  const char* end_;
};

template <class T>
T readable(T value) {
  return value;
}

// A decimal of the at most 5 digits that a half needs survives the way through a float.
float readable(float16 value) {
  const auto exact = static_cast<float>(value);
  if (!std::isfinite(exact)) return exact;
  // Of two decimals equally near, only the one away from 0 may read back: halves below a power of 2 lie closer together.
  const float nudged = std::nextafter(exact, std::copysign(HUGE_VALF, exact));
  for (int precision = 0; precision < 5; ++precision) {
    for (float near : {exact, nudged}) {
      const Chars chars(near, chars_format::scientific, precision);
      float decimal = 0;
      std::from_chars(chars.text().data(), chars.text().data() + chars.text().size(), decimal);
      if (float16(decimal).bits == value.bits) return decimal;
    }
  }
  return exact;
}

template <class Real>
std::string_view name_of_special(Real value) {
  return std::isnan(value) ? "nan" : value < 0 ? "-inf" : "inf";
}

// --- A number on its own -----------------------------------------------------------------------------------------------

template <class T>
std::string part_of_scalar(T value, std::optional<int> precision) {
  const auto wide = widen(value);
  if (!std::isfinite(wide)) return std::string(name_of_special(wide));
  const double magnitude = std::abs(static_cast<double>(wide));
  const bool plain = magnitude == 0 || (magnitude >= exponents_below && magnitude < exponents_from<T>);
  const chars_format notation = plain ? chars_format::fixed : chars_format::scientific;
  const std::string shortest(Chars(readable(value), notation).text());
  const std::size_t point = shortest.find('.'), end = std::min(shortest.find('e'), shortest.size());
  if (!precision || point == std::string::npos || end - point - 1 <= static_cast<std::size_t>(*precision)) return shortest;
  std::string rounded(Chars(readable(value), notation, *precision).text());
  const std::size_t fraction_end = std::min(rounded.find('e'), rounded.size());
  if (*precision == 0) return rounded;
  const std::size_t last = rounded.find_last_not_of("0", fraction_end - 1);
  const std::size_t keep = rounded[last] == '.' ? last : last + 1;
  return rounded.erase(keep, fraction_end - keep);
}

template <class T>
std::string scalar(T value, std::optional<int> precision) {
  if constexpr (std::is_same_v<T, bool>) {
    return value ? "True" : "False";
  } else if constexpr (std::is_integral_v<T>) {
    return fmt::to_string(value);
  } else if constexpr (std::is_same_v<T, bfloat16>) {
    return scalar(static_cast<float>(value), precision);
  } else if constexpr (is_complex_type<T>) {
    const std::string real = part_of_scalar(value.real(), precision), imag = part_of_scalar(value.imag(), precision) + "j";
    if (value.real() == 0 && !std::signbit(value.real())) return imag;
    return fmt::format("({}{}{})", real, imag[0] == '-' ? "" : "+", imag);
  } else {
    const std::string text = part_of_scalar(value, precision);
    return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
  }
}

// --- A column ----------------------------------------------------------------------------------------------------------

enum class Sign { if_negative, always };

struct Style {
  Sign sign = Sign::if_negative;
  std::size_t max_fraction = 8;  // digits
};

struct Parts {
  std::string whole, fraction, exponent;  // the exponent with its sign
  bool finite = true;                     // else all is in `whole`
};

Parts split(std::string_view text, Sign sign) {
  Parts parts;
  const std::size_t e = std::min(text.find('e'), text.size());
  const std::size_t point = std::min(text.find('.'), e);
  parts.whole = text.substr(0, point);
  if (point < e) parts.fraction = text.substr(point + 1, e - point - 1);
  if (e < text.size()) parts.exponent = text.substr(e + 1);
  if (sign == Sign::always && text[0] != '-') parts.whole.insert(0, "+");
  return parts;
}

template <class T>
Parts shortest_parts(T value, chars_format notation, Style style) {
  const auto number = readable(value);
  const bool finite = std::isfinite(number);
  Parts parts = split(finite ? Chars(number, notation).text() : name_of_special(number), style.sign);
  if (parts.fraction.size() > style.max_fraction) {
    parts = split(Chars(number, notation, static_cast<int>(style.max_fraction)).text(), style.sign);
    parts.fraction.erase(parts.fraction.find_last_not_of('0') + 1);
  }
  parts.finite = finite;
  return parts;
}

// Compares as the type T does, whose arithmetic may be coarser than that of the type it is computed in.
template <class T>
chars_format notation_of(const std::vector<T>& values) {
  using Wide = decltype(widen(T{}));
  const auto rounded = [](auto x) { return widen(convert<T>(x)); };
  Wide smallest = std::numeric_limits<Wide>::infinity(), largest = 0;
  for (T value : values) {
    const Wide magnitude = std::abs(widen(value));
    if (magnitude == 0 || !std::isfinite(magnitude)) continue;
    smallest = std::min(smallest, magnitude);
    largest = std::max(largest, magnitude);
  }
  if (largest == 0) return chars_format::fixed;
  const bool plain = largest < std::min(exponents_from<T>, exponents_from_in_column) && smallest >= rounded(exponents_below) &&
                     rounded(largest / smallest) <= max_plain_ratio;
  return plain ? chars_format::fixed : chars_format::scientific;
}

struct Widths {
  std::size_t whole = 0, fraction = 0, exponent = 0;
  std::size_t tail() const { return 1 + fraction + (exponent == 0 ? 0 : 1 + exponent); }  // from the point on
};

Widths measure(const std::vector<Parts>& cells) {
  Widths widths;
  std::size_t special = 0;
  for (const Parts& cell : cells) {
    std::size_t& width = cell.finite ? widths.whole : special;
    width = std::max(width, cell.whole.size());
    widths.fraction = std::max(widths.fraction, cell.fraction.size());
    widths.exponent = std::max(widths.exponent, cell.exponent.size());
  }
  if (special > widths.tail()) widths.whole = std::max(widths.whole, special - widths.tail());
  return widths;
}

std::string join(const Parts& cell, const Widths& widths) {
  if (!cell.finite) return fmt::format("{:>{}}", cell.whole, widths.whole + widths.tail());
  if (widths.exponent == 0) return fmt::format("{:>{}}.{:<{}}", cell.whole, widths.whole, cell.fraction, widths.fraction);
  return fmt::format("{:>{}}.{}e{}{:0>{}}", cell.whole, widths.whole, cell.fraction,  //
                     cell.exponent[0], cell.exponent.substr(1), widths.exponent - 1);
}

template <class T>
std::vector<std::string> real_column(const std::vector<T>& values, Style style) {
  const chars_format notation = notation_of(values);
  std::vector<Parts> cells;
  for (T value : values) cells.push_back(shortest_parts(value, notation, style));
  const Widths widths = measure(cells);

  std::vector<std::string> texts;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (widths.exponent != 0 && cells[i].finite && cells[i].fraction.size() < widths.fraction)
      cells[i] = split(Chars(widen(values[i]), notation, static_cast<int>(widths.fraction)).text(), style.sign);
    texts.push_back(join(cells[i], widths));
  }
  return texts;
}

std::vector<std::string> complex_column(const std::vector<std::string>& real, std::vector<std::string> imag) {
  for (std::size_t i = 0; i < imag.size(); ++i) {
    imag[i].insert(imag[i].find_last_not_of(' ') + 1, "j");
    imag[i].insert(0, real[i]);
  }
  return imag;
}

std::vector<std::string> align_right(std::vector<std::string> texts) {
  std::size_t width = 0;
  for (const std::string& text : texts) width = std::max(width, text.size());
  for (std::string& text : texts) text.insert(0, width - text.size(), ' ');
  return texts;
}

template <class T>
std::vector<std::string> column(const T* elements, std::span<const std::int64_t> offsets, int precision) {
  const auto pick = [&](const auto& f) {
    std::vector<decltype(f(T{}))> picked;
    for (std::int64_t offset : offsets) picked.push_back(f(elements[offset]));
    return picked;
  };
  const Style style = {Sign::if_negative, static_cast<std::size_t>(precision)};
  if constexpr (std::is_same_v<T, bool>) {
    return pick([](bool x) { return std::string(x ? " True" : "False"); });  // even if none is False
  } else if constexpr (std::is_integral_v<T>) {
    return align_right(pick([](T x) { return fmt::to_string(x); }));
  } else if constexpr (is_complex_type<T>) {
    return complex_column(real_column(pick([](T x) { return x.real(); }), style),
                          real_column(pick([](T x) { return x.imag(); }), Style{Sign::always, style.max_fraction}));
  } else if constexpr (std::is_same_v<T, bfloat16>) {
    return real_column(pick([](T x) { return widen(x); }), style);
  } else {
    return real_column(pick([](T x) { return x; }), style);
  }
}

}  // namespace

std::string format_scalar(const Array& array, std::optional<int> precision) {
  std::string text;
  visit(Every{}, array.dtype(), [&]<class T>() { text = scalar(*array.data<T>(), precision); });
  return text;
}

std::vector<std::string> format_column(const Array& array, std::span<const std::int64_t> offsets, int precision) {
  std::vector<std::string> texts;
  visit(Every{}, array.dtype(), [&]<class T>() { texts = column(array.data<T>(), offsets, precision); });
  return texts;
}

}  // namespace scangrad::inline v0::core
