#include "judge/units.h"

#include <limits>

namespace judge {

using sg::DType;

std::string_view to_string(Quantity quantity) {
  constexpr std::string_view names[] = {"value", "jvp", "vjp", "jvp of jvp", "jvp of vjp"};
  return names[static_cast<std::size_t>(quantity)];
}

Format format_of(DType dtype) {
  switch (dtype) {
    case DType::float16:
      return {0x1p-11, 0x1p-24, 65504};
    case DType::bfloat16:
      return {0x1p-8, 0x1p-133, 0x1.fep127};
    case DType::float32:
    case DType::complex64:
      return {0x1p-24, 0x1p-149, 0x1.fffffep127};
    case DType::float64:
    case DType::complex128:
      return {0x1p-53, 0x0.0000000000001p-1022, std::numeric_limits<double>::max()};
    default:
      return {0, 0, 0};  // exact
  }
}

namespace {

/// Budgets by width: float16 and bfloat16; float32; float64; complex64; complex128.
struct Row {
  double half, single, twice, complex_single, complex_twice;
  double of(DType dtype) const {
    switch (dtype) {
      case DType::float32:
        return single;
      case DType::float64:
        return twice;
      case DType::complex64:
        return complex_single;
      case DType::complex128:
        return complex_twice;
      default:
        return half;
    }
  }
};

constexpr Row lse_value = {1.1, 3, 4, 4, 4}, lse_jvp = {1.1, 3, 8, 8, 8}, lse_vjp = {1.1, 5, 8, 8, 8};
constexpr Row sum_value = {1.1, 2, 4, 2, 4}, products = {1.1, 4, 4, 4, 4};
constexpr double lse_second_order = 16;

}  // namespace

std::optional<double> budget(Scan scan, Quantity quantity, DType dtype) {
  const bool second = quantity == Quantity::jvp_of_jvp || quantity == Quantity::jvp_of_vjp;
  const bool twice = dtype == DType::float64 || dtype == DType::complex128;
  switch (scan) {
    case Scan::cummax:
    case Scan::cummin:
      return quantity == Quantity::vjp ? products.of(dtype) : 0;  // a sum of cotangents; the rest is exact
    case Scan::logcumsumexp:
      if (second) return twice ? std::optional(lse_second_order) : std::nullopt;
      return (quantity == Quantity::value ? lse_value : quantity == Quantity::jvp ? lse_jvp : lse_vjp).of(dtype);
    case Scan::cumsum:
    case Scan::cumprod:
      return (quantity == Quantity::value ? sum_value : products).of(dtype);
    case Scan::linear_recurrence:
      return products.of(dtype);
  }
  return std::nullopt;
}

template <class W>
double error_in_units(W got, W exact, Yardstick<W> yardstick, const Format& format) {
  const double worst = std::numeric_limits<double>::infinity();
  const auto units = [&](auto excess, auto unit) {
    return !(excess > 0) ? 0 : unit > 0 ? static_cast<double>(excess / unit) : worst;
  };
  // Nearly all are finite, and their errors need no 113 bits.
  using Number = long double;
  const Number error = modulus(static_cast<Number>(got - exact)), scale = static_cast<Number>(yardstick.scale);
  if (error < std::numeric_limits<Number>::infinity() && scale < std::numeric_limits<Number>::infinity())
    return units(error - static_cast<Number>(yardstick.floor) * static_cast<Number>(format.smallest),
                 static_cast<Number>(format.unit_roundoff) * scale);
  const W infinite = static_cast<W>(test::infinity), largest = format.largest;
  if (exact != exact) return got != got ? 0 : worst;
  if (got != got) return worst;
  if (exact == infinite || exact == -infinite) return got == exact ? 0 : worst;
  if (yardstick.scale == infinite) return 0;
  if (got == infinite || got == -infinite) {  // where the dtype ends
    if ((got > 0 ? exact : -exact) >= largest) return 0;
    got = (got > 0 ? W(1) : W(-1)) * largest * (1 + format.unit_roundoff);
  }
  const W excess = modulus(W(got - exact)) - yardstick.floor * static_cast<W>(format.smallest);
  return units(excess, W(static_cast<W>(format.unit_roundoff) * yardstick.scale));
}

template <class W>
double error_in_units(std::complex<W> got, std::complex<W> exact, Yardstick<W> yardstick, const Format& format, bool angular) {
  const W infinite = static_cast<W>(test::infinity);
  const auto finite = [&](W x) { return modulus(x) < infinite; };
  if (finite(exact.real()) && finite(exact.imag()) && finite(got.real()) && finite(got.imag())) {
    const W turned = got.imag() - exact.imag();
    return error_in_units(modulus(std::complex<W>(got.real() - exact.real(), angular ? principal(turned) : turned)), W(0),
                          yardstick, format);
  }
  const double re = error_in_units(got.real(), exact.real(), yardstick, format);
  if (angular && exact.real() == -infinite) return re;
  return std::max(re, error_in_units(got.imag(), exact.imag(), yardstick, format));
}

template <class V>
double split_factor(const Values<V>& y, const Values<V>& t) {
  using W = Real<V>;
  double factor = 1;
  const auto include = [&](W size) {
    if (size < static_cast<W>(test::infinity)) factor = std::max(factor, static_cast<double>(size));
  };
  const auto log_of = [&](W part) {
    if (part != 0 && modulus(part) < static_cast<W>(test::infinity)) include(modulus(logarithm(modulus(part))));
  };
  for (const V& v : y) include(modulus(v));
  for (const V& v : t) {
    log_of(real_part(v));
    if constexpr (is_complex<V>) log_of(v.imag());
  }
  return factor;
}

template double error_in_units(long double, long double, Yardstick<long double>, const Format&);
template double error_in_units(std::complex<long double>, std::complex<long double>, Yardstick<long double>, const Format&,
                               bool);
template double split_factor(const Values<long double>&, const Values<long double>&);
template double split_factor(const Values<std::complex<long double>>&, const Values<std::complex<long double>>&);
#if defined(__SIZEOF_FLOAT128__)
template double error_in_units(real, real, Yardstick<real>, const Format&);
template double error_in_units(std::complex<real>, std::complex<real>, Yardstick<real>, const Format&, bool);
template double split_factor(const Values<real>&, const Values<real>&);
template double split_factor(const Values<std::complex<real>>&, const Values<std::complex<real>>&);
#endif

}  // namespace judge
