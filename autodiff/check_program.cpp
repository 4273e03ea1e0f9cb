// Functions of Tensors as functions of coordinates, and their derivatives by differences.

#include "autodiff/check_program.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "core/error.h"

namespace scangrad::inline v0::autodiff {
namespace {

Tensors widened(const Tensors& x) {
  Tensors result;
  for (const Tensor& part : x) result.push_back(astype(part, is_complex(part.dtype()) ? DType::complex128 : DType::float64));
  return result;
}

Tensors plus(const Tensors& x, const Tensors& step) {
  Tensors result;
  for (std::size_t i = 0; i < x.size(); ++i) result.push_back(x[i] + step[i]);
  return result;
}

Vector times(Vector v, double factor) {
  for (double& number : v) number *= factor;
  return v;
}

}  // namespace

Program::Program(const detail::CheckedFunction& function, const Tensors& inputs, const CheckOptions& check_options, Site call)
    : f(function),
      options(check_options),
      site(call),
      x(inputs),
      y(function(inputs)),
      in(inputs, "argument", static_cast<std::size_t>(check_options.elements), check_options.seed),
      out(y, "result"),
      precision(coarsest(x, y)),
      wide_(widened(x)) {}

Vector Program::jvp(const Vector& t) const { return out.of(scangrad::jvp(f, args(x), args(in.tensors(t)), site).tangent); }
Vector Program::vjp(const Vector& q) const { return in.of(scangrad::vjp(f, args(x), site).pullback(out.tensors(q))); }

const std::vector<Vector>& Program::columns() {
  if (columns_.empty())
    for (std::size_t i = 0; i < in.size(); ++i) columns_.push_back(jvp(single(in, i).values));
  return columns_;
}

namespace {

/// Richardson's extrapolation of quotients with steps h, h/2, h/4, ..: each column of the tableau takes away the next power of h^2.
/// Of all its entries, the one that differs least from its neighbours.
class Extrapolation {
 public:
  explicit Extrapolation(const Vector& coarsest) : best_(coarsest), error_(coarsest.size(), INFINITY), row_{coarsest} {}

  void add(const Vector& quotient) {
    std::vector<Vector> next = {quotient};
    double power = 1;
    for (const Vector& before : row_) {
      power *= 4;
      const Vector& finer = next.back();
      Vector entry(finer.size());
      for (std::size_t k = 0; k < entry.size(); ++k) {
        entry[k] = finer[k] == before[k] ? finer[k] : (power * finer[k] - before[k]) / (power - 1);
        const double error = std::max(std::abs(entry[k] - finer[k]), std::abs(entry[k] - before[k]));
        if (error < error_[k]) error_[k] = error, best_[k] = entry[k];
      }
      next.push_back(std::move(entry));
    }
    row_ = std::move(next);
  }
  const Vector& best() const { return best_; }

 private:
  Vector best_, error_;
  std::vector<Vector> row_;
};

constexpr double first_step = 0x1p-4;
constexpr int steps = 10;

/// Large enough to be seen in x.
double step_at(double x) {
  constexpr double ordinary = 1024;
  return std::isfinite(x) && std::abs(x) > ordinary ? first_step * std::exp2(std::ceil(std::log2(std::abs(x) / ordinary)))
                                                    : first_step;
}

}  // namespace

/// Columns of the derivative of value(Tensors) -> Vector at x.
template <class F>
std::vector<Vector> Program::by_differences(const F& value) const {
  const Coordinates wide(wide_, in);
  const Vector at = wide.of(wide_);
  std::vector<Vector> result;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const Vector direction = single(in, i).values;
    const auto quotient = [&](double h) {
      const Vector up = value(plus(wide_, wide.tensors(times(direction, h))));
      Vector slope = value(plus(wide_, wide.tensors(times(direction, -h))));
      for (std::size_t k = 0; k < slope.size(); ++k) slope[k] = up[k] == slope[k] ? 0 : (up[k] - slope[k]) / (2 * h);
      return slope;
    };
    double h = step_at(at[i]);
    Extrapolation extrapolation(quotient(h));
    for (int step = 1; step < steps; ++step) extrapolation.add(quotient(h /= 2));
    result.push_back(extrapolation.best());
  }
  return result;
}

const std::vector<Vector>& Program::differences() {
  if (differences_.empty()) differences_ = by_differences([&](const Tensors& at) { return numbers_of(f(at)); });
  return differences_;
}

std::vector<Vector> Program::hessian_by_differences(const Vector& q) const {
  const Coordinates wide(wide_, in);
  return by_differences([&](const Tensors& at) {
    const auto [value, pullback] = scangrad::vjp(f, args(at), site);
    return wide.of(pullback(Coordinates(value, "result").tensors(q)));
  });
}

namespace {

/// Im y / h; 0 where a result is real.
Vector imaginary_parts(const Tensors& y, double h) {
  Vector result;
  for (const Tensor& part : y)
    if (is_inexact(part.dtype()))
      for (const auto& z : astype(part, DType::complex128).to_vector<std::complex<double>>()) result.push_back(z.imag() / h);
  return result;
}

/// Whether complex steps are derivatives at all: where a function is not analytic, they are far from the differences.
bool follows(const Vector& slope, const Vector& difference, const Vector& value) {
  for (std::size_t k = 0; k < slope.size(); ++k) {
    const double size = std::abs(difference[k]) + std::abs(slope[k]), noise = 0x1p-40 * std::abs(value[k]);
    if (!(std::abs(slope[k] - difference[k]) <= 1e-4 * size + noise)) return false;
  }
  return true;
}

}  // namespace

// Im f(x + i h t) / h: h is so small that its square is lost beside 1, and there is no difference to lose digits in.
void Program::take_complex_steps() {
  no_complex_steps_ = "";
  for (const Tensors* list : {&x, &y})
    for (const Tensor& part : *list)
      if (is_complex(part.dtype())) no_complex_steps_ = "the function is complex itself";
  if (!no_complex_steps_->empty()) return;
  constexpr double h = 0x1p-300;
  const Coordinates wide(wide_, in);
  const Vector value = numbers_of(y);
  try {
    for (std::size_t i = 0; i < in.size(); ++i) {
      const Tensors step = wide.tensors(times(single(in, i).values, h));
      Tensors at;
      for (std::size_t k = 0; k < step.size(); ++k) at.push_back(complex(wide_[k], step[k]));
      const Vector slope = imaginary_parts(f(at), h);
      if (!follows(slope, differences()[i], value)) {
        no_complex_steps_ = "the function is not analytic";
        return;
      }
      complex_steps_.push_back(slope);
    }
  } catch (const Error& error) {
    no_complex_steps_ = fmt::format("complex inputs are refused by {}", error.op());
  }
}

const std::string& Program::no_complex_steps() {
  if (!no_complex_steps_) take_complex_steps();
  return *no_complex_steps_;
}
const std::vector<Vector>& Program::complex_steps() {
  no_complex_steps();
  return complex_steps_;
}

namespace {

/// What underflow can take from a sum of products with these factors.
double lost(const Precision& precision, const Vector& factors) {
  double total = 1;
  for (double factor : factors) total += std::abs(factor);
  return precision.smallest * total / precision.epsilon;
}

}  // namespace

const std::vector<Vector>& Program::sizes() {
  if (!sizes_.empty()) return sizes_;
  for (const Vector& column : columns()) sizes_.push_back(out.sizes(column));
  for (std::size_t k = 0; k < out.size(); ++k) {
    Vector row;
    for (const Vector& column : sizes_) row.push_back(column[k]);
    row = in.sizes(row);
    for (std::size_t i = 0; i < in.size(); ++i) sizes_[i][k] = row[i] + options.absolute;
  }
  return sizes_;
}

Vector Program::size_of_jvp(const Vector& t) {
  Vector result(out.size(), lost(precision, t));
  const Vector each = in.sizes(t);
  for (std::size_t i = 0; i < in.size(); ++i)
    for (std::size_t k = 0; k < out.size(); ++k)
      if (each[i] != 0) result[k] += sizes()[i][k] * each[i];
  return result;
}

Vector Program::size_of_vjp(const Vector& q) {
  Vector result(in.size(), lost(precision, q));
  const Vector each = out.sizes(q);
  for (std::size_t i = 0; i < in.size(); ++i)
    for (std::size_t k = 0; k < out.size(); ++k)
      if (each[k] != 0) result[i] += sizes()[i][k] * each[k];
  return result;
}

namespace {

template <class F>
Probe random_probe(const char* name, const Coordinates& coordinates, std::uint64_t seed, int salt, const F& size) {
  std::mt19937_64 engine(seed * 1000003 + static_cast<std::uint64_t>(salt));
  const auto uniform = [&] { return static_cast<double>(engine() >> 11) * 0x1p-53; };
  Vector values(coordinates.size());
  for (double& value : values) {
    const double sign = uniform() < 0.5 ? -1 : 1;
    value = sign * size(uniform());
  }
  return {name, coordinates.of(coordinates.tensors(values))};  // as the dtypes have them
}

}  // namespace

Probe Program::random_signs(const Coordinates& coordinates, int salt) const {
  return random_probe("random signs", coordinates, options.seed, salt, [](double u) { return 0.5 + u / 2; });
}
Probe Program::mixed_scales(const Coordinates& coordinates, int salt) const {
  const double exponent = precision.largest_exponent;
  return random_probe("mixed scales", coordinates, options.seed, salt,
                      [=](double u) { return std::pow(10, exponent * (2 * u - 1)); });
}

Probe single(const Coordinates& coordinates, std::size_t i) {
  Probe probe{coordinates.name(i), Vector(coordinates.size(), 0)};
  probe.values[i] = 1;
  return probe;
}

double dot(const Vector& a, const Vector& b) {
  long double total = 0;
  for (std::size_t i = 0; i < a.size(); ++i) total += static_cast<long double>(a[i]) * b[i];
  return static_cast<double>(total);
}

double size_of_dot(const Vector& a, const Vector& b) {
  double total = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (b[i] != 0) total += std::abs(a[i]) * std::abs(b[i]);
  return total;
}

Vector product(const std::vector<Vector>& columns, const Vector& t, std::size_t rows) {
  Vector result(rows, 0);
  for (std::size_t i = 0; i < t.size(); ++i)
    for (std::size_t k = 0; k < rows; ++k) result[k] += columns[i][k] * t[i];
  return result;
}

}  // namespace scangrad::inline v0::autodiff
