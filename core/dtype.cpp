#include "scangrad/dtype.h"

#include "core/dtype_visit.h"
#include "scangrad/device.h"

namespace scangrad::inline v0 {
namespace {

constexpr DType b1 = DType::boolean, i4 = DType::int32, i8 = DType::int64, f2 = DType::float16, bf = DType::bfloat16,
                f4 = DType::float32, f8 = DType::float64, c4 = DType::complex64, c8 = DType::complex128;

// Rows: the four kinds of C++ numbers (weak), then the dtypes. Columns: the dtype of the tensor beside them.
constexpr DType promotion[4 + dtype_count][dtype_count] = {
    // bool int32 int64 float16 bfloat16 float32 float64 complex64 complex128
    {b1, i4, i8, f2, bf, f4, f8, c4, c8},  // a bool
    {i8, i4, i8, f2, bf, f4, f8, c4, c8},  // an integer
    {f8, f8, f8, f2, bf, f4, f8, c4, c8},  // a floating number
    {c8, c8, c8, c4, c4, c4, c8, c4, c8},  // a complex number
    {b1, i4, i8, f2, bf, f4, f8, c4, c8},  // boolean
    {i4, i4, i8, f2, bf, f4, f8, c4, c8},  // int32
    {i8, i8, i8, f2, bf, f4, f8, c4, c8},  // int64
    {f2, f2, f2, f2, f4, f4, f8, c4, c8},  // float16
    {bf, bf, bf, f4, bf, f4, f8, c4, c8},  // bfloat16
    {f4, f4, f4, f4, f4, f4, f8, c4, c8},  // float32
    {f8, f8, f8, f8, f8, f8, f8, c8, c8},  // float64
    {c4, c4, c4, c4, c4, c4, c8, c4, c8},  // complex64
    {c8, c8, c8, c8, c8, c8, c8, c8, c8},  // complex128
};

}  // namespace

DType promote(DType a, DType b) noexcept { return promotion[4 + static_cast<int>(a)][static_cast<int>(b)]; }
DType promote(DType a, WeakKind b) noexcept { return promotion[static_cast<int>(b)][static_cast<int>(a)]; }
DType default_dtype(WeakKind kind) noexcept { return promotion[static_cast<int>(kind)][static_cast<int>(DType::boolean)]; }

std::string_view to_string(DType dtype) noexcept {
  constexpr std::string_view names[dtype_count] = {"bool",    "int32",   "int64",     "float16",   "bfloat16",
                                                   "float32", "float64", "complex64", "complex128"};
  return names[static_cast<int>(dtype)];
}

std::size_t item_size(DType dtype) noexcept {
  std::size_t size = 0;
  core::visit(core::Every{}, dtype, [&]<class T>() { size = sizeof(T); });
  return size;
}

std::string to_string(Device device) {
  return device.type == DeviceType::cpu ? std::string("cpu") : "cuda:" + std::to_string(device.index);
}

// Round to nearest even by adding, in float32, a number whose last bit is the half's last bit.
float16::float16(float value) noexcept {
  const auto word = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = word >> 16 & 0x8000u, magnitude = word & 0x7fffffffu;
  std::uint32_t half;
  if (magnitude > 0x7f800000u) half = 0x7e00u;        // NaN
  else if (magnitude >= 0x477ff000u) half = 0x7c00u;  // rounds to 65536 or more: infinity
  else if (magnitude >= 0x38800000u) half = (magnitude - 0x38000000u + 0xfffu + (magnitude >> 13 & 1u)) >> 13;  // normal
  else half = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) - 0x3f000000u;  // subnormal, step 2^-24
  bits = static_cast<std::uint16_t>(sign | half);
}

float16::operator float() const noexcept {
  const std::uint32_t sign = std::uint32_t{bits & 0x8000u} << 16, rest = bits & 0x7fffu;
  float magnitude;
  if (rest >= 0x7c00u) magnitude = std::bit_cast<float>(0x7f800000u | (rest & 0x3ffu) << 13);
  else if (rest >= 0x0400u) magnitude = std::bit_cast<float>((rest << 13) + 0x38000000u);
  else magnitude = static_cast<float>(rest) * 0x1p-24f;
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(magnitude) | sign);
}

bfloat16::bfloat16(float value) noexcept {
  const auto word = std::bit_cast<std::uint32_t>(value);
  if (value != value) bits = static_cast<std::uint16_t>(word >> 16 | 0x40u);
  else bits = static_cast<std::uint16_t>((word + 0x7fffu + (word >> 16 & 1u)) >> 16);
}

}  // namespace scangrad::inline v0
