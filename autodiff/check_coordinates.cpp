#include "autodiff/check_coordinates.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "core/dtype_visit.h"
#include "core/error.h"

namespace scangrad::inline v0::autodiff {
namespace {

std::size_t parts(DType dtype) { return is_complex(dtype) ? 2 : is_inexact(dtype) ? 1 : 0; }
std::size_t count(const Tensor& x) { return static_cast<std::size_t>(x.size()) * parts(x.dtype()); }

std::vector<std::size_t> all(const Tensors& tensors) {
  std::size_t size = 0;
  for (const Tensor& x : tensors) size += count(x);
  std::vector<std::size_t> result(size);
  std::iota(result.begin(), result.end(), std::size_t{0});
  return result;
}

std::string index_of(std::int64_t at, const Shape& shape) {
  std::vector<std::string> places;
  for (std::size_t i = shape.size(); i-- > 0; at /= shape[i]) places.insert(places.begin(), std::to_string(at % shape[i]));
  return shape.empty() ? "" : fmt::format("[{}]", fmt::join(places, ", "));
}

}  // namespace

Vector numbers_of(const Tensors& tensors) {
  Vector result;
  for (const Tensor& x : tensors) {
    if (parts(x.dtype()) == 0) continue;
    for (const auto& z : astype(x, DType::complex128).to_vector<std::complex<double>>()) {
      result.push_back(z.real());
      if (is_complex(x.dtype())) result.push_back(z.imag());
    }
  }
  return result;
}

Coordinates::Coordinates(Tensors like, const char* noun) : like_(std::move(like)), noun_(noun), chosen_(all(like_)) {}

Coordinates::Coordinates(Tensors like, const char* noun, std::size_t most, std::uint64_t seed)
    : Coordinates(std::move(like), noun) {
  if (size() <= most) return;
  std::vector<std::size_t> kept;
  std::mt19937_64 engine(seed);
  std::sample(chosen_.begin(), chosen_.end(), std::back_inserter(kept), most, engine);
  chosen_ = kept;
}

Vector Coordinates::of(const Tensors& x) const {
  const Vector numbers = numbers_of(x);
  Vector result;
  for (std::size_t place : chosen_) result.push_back(numbers[place]);
  return result;
}

Vector Coordinates::sizes(const Vector& coordinates) const {
  Vector result(size());
  std::size_t first = 0, end = 0, i = 0;  // where the coordinates of a tensor begin and end
  for (const Tensor& x : like_) {
    const std::size_t each = std::max<std::size_t>(1, parts(x.dtype()));
    for (first = end, end += count(x); i < size() && chosen_[i] < end;) {
      const std::size_t element = (chosen_[i] - first) / each, begin = i;
      double total = 0;
      for (; i < size() && chosen_[i] < end && (chosen_[i] - first) / each == element; ++i) total += std::abs(coordinates[i]);
      for (std::size_t k = begin; k < i; ++k) result[k] = total;
    }
  }
  return result;
}

Tensors Coordinates::tensors(const Vector& coordinates) const {
  Vector numbers(all(like_).size(), 0);
  for (std::size_t i = 0; i < size(); ++i) numbers[chosen_[i]] = coordinates[i];
  Tensors result;
  const double* at = numbers.data();
  for (const Tensor& x : like_) {
    const bool complex = is_complex(x.dtype());
    std::vector<std::complex<double>> values(static_cast<std::size_t>(x.size()));
    if (parts(x.dtype()) > 0)
      for (auto& z : values) z = {at[0], complex ? at[1] : 0}, at += complex ? 2 : 1;
    const Tensor wide(values, x.shape());
    result.push_back(astype(complex ? wide : real(wide), x.dtype()));
  }
  return result;
}

std::string Coordinates::name(std::size_t i) const {
  std::size_t at = chosen_[i], k = 0;
  for (; at >= count(like_[k]); ++k) at -= count(like_[k]);
  const Tensor& x = like_[k];
  const bool complex = is_complex(x.dtype());
  return fmt::format("{}{}{}{}", noun_, like_.size() > 1 ? fmt::format(" {}", k) : "",
                     index_of(static_cast<std::int64_t>(complex ? at / 2 : at), x.shape()),
                     !complex      ? ""
                     : at % 2 == 0 ? ".real"
                                   : ".imag");
}

namespace {

template <class T>
Precision precision() {
  if constexpr (core::is_complex_type<T>) return precision<typename T::value_type>();
  else if constexpr (std::is_same_v<T, float16>) return {0x1p-10, 0x1p-24, 2};
  else if constexpr (std::is_same_v<T, bfloat16>) return {0x1p-7, 0x1p-133, 30};
  else return {std::numeric_limits<T>::epsilon(), std::numeric_limits<T>::denorm_min(), 30};
}

}  // namespace

Precision coarsest(const Tensors& x, const Tensors& y) {
  Precision result;
  for (const Tensors* list : {&x, &y})
    for (const Tensor& part : *list)
      core::visit(core::Inexact{}, part.dtype(), [&]<class T>() {
        const Precision own = precision<T>();
        result.epsilon = std::max(result.epsilon, own.epsilon);
        result.smallest = std::max(result.smallest, own.smallest);
        result.largest_exponent = std::min(result.largest_exponent, own.largest_exponent);
      });
  return result;
}

}  // namespace scangrad::inline v0::autodiff
