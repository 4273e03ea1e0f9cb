#pragma once
// What an error is measured in, and how much of it is allowed: the accuracy that the library promises (docs/accuracy.md), as numbers.

#include <cstdint>
#include <optional>
#include <string_view>

#include "judge/exact.h"
#include "scangrad/dtype.h"

namespace judge {

namespace sg = scangrad;

enum class Quantity : std::uint8_t { value, jvp, vjp, jvp_of_jvp, jvp_of_vjp };
std::string_view to_string(Quantity quantity);

/// Half the distance from 1 to the next number, the smallest subnormal and the largest number; of the parts of complex dtypes.
struct Format {
  double unit_roundoff, smallest, largest;
};
Format format_of(sg::DType dtype);

/// The most units that a quantity may be off; none where the library promises nothing.
std::optional<double> budget(Scan scan, Quantity quantity, sg::DType dtype);

/// What an error is held against at one element.
template <class W>
struct Yardstick {
  W scale, floor;
};

/// |got - exact| in units. Infinite and NaN values must be met; a finite one beyond the dtype's largest may be infinite.
template <class W>
double error_in_units(W got, W exact, Yardstick<W> yardstick, const Format& format);
/// The distance in the plane; of logarithms (`angular`), imaginary parts are compared modulo 2 pi, and those of log 0 not at all.
template <class W>
double error_in_units(std::complex<W> got, std::complex<W> exact, Yardstick<W> yardstick, const Format& format, bool angular);

/// The split rule of logcumsumexp works on logarithms of tangents t (or cotangents): its budgets are max(1, |y|, |log |t||) times
/// the other's, over the lane.
template <class V>
double split_factor(const Values<V>& y, const Values<V>& t);

}  // namespace judge
