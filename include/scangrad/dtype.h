#pragma once
// The element types of tensors, what C++ type each one is, and how two of them meet (promotion).

#include <bit>
#include <complex>
#include <concepts>
#include <cstdint>
#include <iosfwd>
#include <string_view>
#include <type_traits>

#include "scangrad/export.h"

namespace scangrad::inline v0 {
/// The type of a tensor's elements.
enum class DType : std::uint8_t { boolean, int32, int64, float16, bfloat16, float32, float64, complex64, complex128 };
inline constexpr int dtype_count = 9;  ///< how many there are

/// IEEE binary16: storage only; arithmetic happens in wider types.
struct float16 {
  std::uint16_t bits = 0;  ///< sign, 5 bits of exponent, 10 of fraction
  float16() = default;
  SCANGRAD_API explicit float16(float value) noexcept;    ///< rounds to nearest, ties to even
  SCANGRAD_API explicit operator float() const noexcept;  ///< exact
};

/// The upper half of a float32: storage only; arithmetic happens in wider types.
struct bfloat16 {
  std::uint16_t bits = 0;  ///< sign, 8 bits of exponent, 7 of fraction
  bfloat16() = default;
  SCANGRAD_API explicit bfloat16(float value) noexcept;  ///< rounds to nearest, ties to even
  explicit operator float() const noexcept { return std::bit_cast<float>(std::uint32_t{bits} << 16); }  ///< exact
};

/// "float64", "bool", ...
SCANGRAD_API std::string_view to_string(DType dtype) noexcept;
SCANGRAD_API std::ostream& operator<<(std::ostream& stream, DType dtype);  ///< prints as to_string
SCANGRAD_API std::size_t item_size(DType dtype) noexcept;                  ///< in bytes

constexpr bool is_complex(DType t) noexcept { return t >= DType::complex64; }                        ///< complex64, complex128
constexpr bool is_floating(DType t) noexcept { return t >= DType::float16 && t <= DType::float64; }  ///< halves, too
constexpr bool is_integer(DType t) noexcept { return t == DType::int32 || t == DType::int64; }       ///< bool is none
/// Floating or complex: what derivatives exist for.
constexpr bool is_inexact(DType t) noexcept { return t >= DType::float16; }

template <class T>
struct DTypeOf;
template <>
struct DTypeOf<bool> {
  static constexpr DType value = DType::boolean;
};
template <>
struct DTypeOf<std::int32_t> {
  static constexpr DType value = DType::int32;
};
template <>
struct DTypeOf<std::int64_t> {
  static constexpr DType value = DType::int64;
};
template <>
struct DTypeOf<float16> {
  static constexpr DType value = DType::float16;
};
template <>
struct DTypeOf<bfloat16> {
  static constexpr DType value = DType::bfloat16;
};
template <>
struct DTypeOf<float> {
  static constexpr DType value = DType::float32;
};
template <>
struct DTypeOf<double> {
  static constexpr DType value = DType::float64;
};
template <>
struct DTypeOf<std::complex<float>> {
  static constexpr DType value = DType::complex64;
};
template <>
struct DTypeOf<std::complex<double>> {
  static constexpr DType value = DType::complex128;
};

/// The dtype whose elements are of the C++ type T.
template <class T>
inline constexpr DType dtype_of = DTypeOf<std::remove_cv_t<T>>::value;

/// A C++ type that is the element of some dtype.
template <class T>
concept Element = requires {
  DTypeOf<std::remove_cv_t<T>>::value;
};

/// A number of C++, whose dtype yields to the tensor beside it (a weak one).
template <class T>
concept Number = std::is_arithmetic_v<T> || std::same_as<T, std::complex<float>> || std::same_as<T, std::complex<double>>;
/// The kinds of C++ numbers, from below to above.
enum class WeakKind : std::uint8_t { boolean, integer, floating, complex };
/// The kind of the C++ number T.
template <Number T>
inline constexpr WeakKind weak_kind_of = std::same_as<T, bool>         ? WeakKind::boolean
                                         : std::is_integral_v<T>       ? WeakKind::integer
                                         : std::is_floating_point_v<T> ? WeakKind::floating
                                                                       : WeakKind::complex;

/// The dtype in which two tensors meet: int64 with float32 is float32, both halves are float32, float64 with complex64 complex128.
SCANGRAD_API DType promote(DType a, DType b) noexcept;
/// The dtype in which a tensor and a C++ number meet: the tensor's, unless the number's kind is above it.
SCANGRAD_API DType promote(DType a, WeakKind b) noexcept;
/// The dtype of a C++ number on its own: bool, int64, float64, complex128.
SCANGRAD_API DType default_dtype(WeakKind kind) noexcept;

}  // namespace scangrad::inline v0
