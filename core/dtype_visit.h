#pragma once
// From a dtype at run time to a C++ type: the only switch over dtypes.

#include <limits>

#include "scangrad/dtype.h"

namespace scangrad::inline v0::core {

/// The C++ types that an operation has kernels for.
template <class... Ts>
struct TypeList {};

template <class... A, class... B>
TypeList<A..., B...> join(TypeList<A...>, TypeList<B...>);

using Integers = TypeList<std::int32_t, std::int64_t>;
using Floats = TypeList<float16, bfloat16, float, double>;
using Complexes = TypeList<std::complex<float>, std::complex<double>>;
using Inexact = decltype(join(Floats(), Complexes()));
using Reals = decltype(join(Integers(), Floats()));
using Numbers = decltype(join(Reals(), Complexes()));
using Ordered = decltype(join(TypeList<bool>(), Reals()));
using Every = decltype(join(TypeList<bool>(), Numbers()));

/// Calls f.template operator()<T>() for the T of `dtype` if the list holds it; says whether it did.
template <class... Ts, class F>
bool visit(TypeList<Ts...>, DType dtype, F&& f) {
  bool found = false;
  auto call = [&]<class T>() {
    if constexpr ((std::is_same_v<T, Ts> || ...)) {
      found = true;
      f.template operator()<T>();
    }
  };
  switch (dtype) {
    case DType::boolean:
      call.template operator()<bool>();
      break;
    case DType::int32:
      call.template operator()<std::int32_t>();
      break;
    case DType::int64:
      call.template operator()<std::int64_t>();
      break;
    case DType::float16:
      call.template operator()<float16>();
      break;
    case DType::bfloat16:
      call.template operator()<bfloat16>();
      break;
    case DType::float32:
      call.template operator()<float>();
      break;
    case DType::float64:
      call.template operator()<double>();
      break;
    case DType::complex64:
      call.template operator()<std::complex<float>>();
      break;
    case DType::complex128:
      call.template operator()<std::complex<double>>();
      break;
  }
  return found;
}

template <class... Ts>
constexpr bool holds(TypeList<Ts...>, DType dtype) {
  return ((dtype_of<Ts> == dtype) || ...);
}

/// Any element type as one that C++ can compute with.
template <class T>
auto widen(T value) {
  if constexpr (requires { value.bits; }) return static_cast<float>(value);  // a half
  else return value;
}

template <class T>
inline constexpr bool is_complex_type = false;
template <class R>
inline constexpr bool is_complex_type<std::complex<R>> = true;
template <class T>
inline constexpr bool is_half_type = std::is_same_v<T, float16> || std::is_same_v<T, bfloat16>;

/// A double as a float that rounds to the same half as the double does: inexact ones end in an odd bit.
inline float round_to_odd(double value) {
  const auto nearest = static_cast<float>(value);
  if (static_cast<double>(nearest) == value || value != value) return nearest;
  const bool away = (nearest > 0 ? nearest : -nearest) > (value > 0 ? value : -value);
  return std::bit_cast<float>((std::bit_cast<std::uint32_t>(nearest) - (away ? 1u : 0u)) | 1u);
}

/// A value as another element type: the imaginary part goes, anything but 0 is true, floats truncate towards 0
/// (out of range: the lowest integer).
template <class To, class From>
To convert(From from) {
  const auto value = widen(from);
  using Value = decltype(widen(from));
  if constexpr (is_complex_type<To> && is_complex_type<Value>) {
    using Real = typename To::value_type;
    return To(static_cast<Real>(value.real()), static_cast<Real>(value.imag()));
  } else if constexpr (is_complex_type<To>) {
    return To(static_cast<typename To::value_type>(value));
  } else if constexpr (is_complex_type<Value>) {
    if constexpr (std::is_same_v<To, bool>) return value != Value{};
    else return convert<To>(value.real());
  } else if constexpr (std::is_same_v<To, bool>) {
    return value != Value{};
  } else if constexpr (is_half_type<To>) {
    if constexpr (std::is_same_v<Value, float>) return To(value);
    else return To(round_to_odd(static_cast<double>(value)));
  } else if constexpr (std::is_floating_point_v<Value> && std::is_integral_v<To>) {
    constexpr Value limit = static_cast<Value>(std::numeric_limits<To>::max() / 2 + 1) * 2;
    return value >= -limit && value < limit ? static_cast<To>(value) : std::numeric_limits<To>::min();  // NaN too
  } else {
    return static_cast<To>(value);
  }
}

}  // namespace scangrad::inline v0::core
