// jvp and vjp against differences and against each other, and what must hold of linear maps.

#include "autodiff/check_rules.h"

#include <cmath>

namespace scangrad::inline v0::autodiff {

double Worst::relative_error(double got, double expected, double size) {
  if (got == expected || (std::isnan(got) && std::isnan(expected))) return 0;
  if (!std::isfinite(got) || !std::isfinite(expected)) return std::isnan(got) || std::isnan(expected) ? NAN : INFINITY;
  return std::isfinite(size) ? std::abs(got - expected) / size : INFINITY;
}

double rounding_tolerance(const Precision& precision) {
  return std::max(std::pow(precision.epsilon, 0.75), 16 * precision.epsilon);
}
double rounding_tolerance(const Program& program) {
  return program.options.tolerance > 0 ? program.options.tolerance : rounding_tolerance(program.precision);
}
double difference_tolerance(const Program& program) {
  return program.options.tolerance > 0 ? program.options.tolerance : std::max(1e-6, rounding_tolerance(program));
}
double complex_step_tolerance(const Program& program) {
  return program.options.tolerance > 0 ? program.options.tolerance : std::max(1e-10, rounding_tolerance(program));
}

namespace {

/// J t against the product of t with columns that came from elsewhere. `noise`: what an error in f(x) does to them, relative to f(x).
struct Columns {
  const char* name;
  const std::vector<Vector>& values;
  double tolerance, noise;
};

/// Differences with a step of 2^-13 see f's rounding errors 2^13 times as large, which the tolerance of 1e-6 leaves room for.
constexpr double difference_noise = 0x1p-20;

/// Differences, and complex steps where there are some.
std::vector<Columns> columns_from_elsewhere(Program& program) {
  std::vector<Columns> result = {{"differences", program.differences(), difference_tolerance(program), difference_noise}};
  if (program.no_complex_steps().empty())
    result.push_back({"complex step", program.complex_steps(), complex_step_tolerance(program), 0});
  return result;
}

Vector absolute(Vector v) {
  for (double& x : v) x = std::abs(x);
  return v;
}

/// |f(x)|, 0 where that is infinite: such a value does not move.
Vector sizes_of_values(const Program& program) {
  Vector result = absolute(program.out.of(program.y));
  for (double& value : result)
    if (!std::isfinite(value)) value = 0;
  return result;
}

/// Every coordinate alone, and random signs.
std::vector<Probe> probes(const Program& program, const Coordinates& coordinates) {
  std::vector<Probe> result;
  for (std::size_t i = 0; i < coordinates.size(); ++i) result.push_back(single(coordinates, i));
  for (int k = 0; k < program.options.probes; ++k) result.push_back(program.random_signs(coordinates, k));
  return result;
}

void check_value(Program& program, const char* mode, const Tensors& got, Comparisons& list) {
  Worst worst(fmt::format("value of {} = f(x)", mode), rounding_tolerance(program));
  const Vector a = program.out.of(got), b = program.out.of(program.y), size = program.out.sizes(b);
  for (std::size_t k = 0; k < a.size(); ++k)
    worst.see(a[k], b[k], size[k] + program.options.absolute, [&] { return program.out.name(k); });
  list.push_back(worst.result());
}

/// One of the two modes: what it takes probes of, and what it returns.
struct Mode {
  const char* name;
  const char* towards;  ///< between a result and its probe
  const Coordinates& from;
  const Coordinates& to;
};

/// apply(probe) against expected(columns, probe), for columns from elsewhere; an error is relative to size(probe), what was expected,
/// and the columns' noise times noise(probe).
template <class Apply, class Size, class Expected, class Noise>
void check_against_columns(Program& program, const Mode& mode, const Apply& apply, const Size& size_of,
                           const Expected& expected_of, const Noise& noise_of, Comparisons& list) {
  const std::vector<Probe> all = probes(program, mode.from);
  for (const Columns& columns : columns_from_elsewhere(program)) {
    Worst worst(fmt::format("{} = {}", mode.name, columns.name), columns.tolerance);
    for (const Probe& probe : all) {
      const Vector got = apply(probe.values), size = size_of(probe.values), noise = noise_of(probe.values);
      const Vector expected = expected_of(columns.values, probe.values);
      for (std::size_t i = 0; i < got.size(); ++i)
        worst.see(got[i], expected[i], size[i] + std::abs(expected[i]) + columns.noise * noise[i],
                  [&] { return fmt::format("{} {} {}", mode.to.name(i), mode.towards, probe.name); });
    }
    list.push_back(worst.result());
  }
  if (!program.no_complex_steps().empty())
    list.push_back({.what = fmt::format("{} = complex step", mode.name), .skipped = program.no_complex_steps()});
}

}  // namespace

void check_jvp(Program& program, Comparisons& list) {
  const Tensors direction = program.in.tensors(program.random_signs(program.in, 0).values);
  check_value(program, "jvp", scangrad::jvp(program.f, args(program.x), args(direction), program.site).value, list);
  const Vector values = sizes_of_values(program);
  check_against_columns(
      program, {"jvp", "along", program.in, program.out}, [&](const Vector& t) { return program.jvp(t); },
      [&](const Vector& t) { return program.size_of_jvp(t); },
      [&](const std::vector<Vector>& columns, const Vector& t) { return product(columns, t, program.out.size()); },
      [&](const Vector&) { return values; }, list);
}

void check_vjp(Program& program, Comparisons& list) {
  check_value(program, "vjp", scangrad::vjp(program.f, args(program.x), program.site).value, list);
  const Vector values = sizes_of_values(program);
  check_against_columns(
      program, {"vjp", "for", program.out, program.in}, [&](const Vector& q) { return program.vjp(q); },
      [&](const Vector& q) { return program.size_of_vjp(q); },
      [&](const std::vector<Vector>& columns, const Vector& q) {
        Vector result;
        for (const Vector& column : columns) result.push_back(dot(column, q));
        return result;
      },
      [&](const Vector& q) { return Vector(program.in.size(), size_of_dot(values, q)); }, list);
}

void check_adjoint(Program& program, Comparisons& list) {
  const auto see = [&](Worst& worst, const Probe& t, const Probe& q) {
    worst.see(dot(q.values, program.jvp(t.values)), dot(program.vjp(q.values), t.values),
              (size_of_dot(program.size_of_jvp(t.values), program.out.sizes(q.values)) +
               size_of_dot(program.size_of_vjp(q.values), program.in.sizes(t.values))) /
                  2,
              [&] { return fmt::format("tangent {}, cotangent {}", t.name, q.name); });
  };
  const double tolerance = rounding_tolerance(program);
  Worst signs("<q, J t> = <J^H q, t>, random signs", tolerance), mixed("<q, J t> = <J^H q, t>, mixed scales", tolerance),
      elements("J by columns = J by rows", tolerance);
  for (int k = 0; k < program.options.probes; ++k) {
    see(signs, program.random_signs(program.in, 2 * k), program.random_signs(program.out, 2 * k + 1));
    see(mixed, program.mixed_scales(program.in, 2 * k), program.mixed_scales(program.out, 2 * k + 1));
  }
  for (std::size_t k = 0; k < program.out.size(); ++k) {
    const Vector q = single(program.out, k).values, row = program.vjp(q), size = program.size_of_vjp(q);
    for (std::size_t i = 0; i < row.size(); ++i)
      elements.see(program.columns()[i][k], row[i], size[i],
                   [&] { return fmt::format("tangent {}, cotangent {}", program.in.name(i), program.out.name(k)); });
  }
  for (const Worst* worst : {&signs, &mixed, &elements}) list.push_back(worst->result());
}

namespace {

Vector combined(double a, const Vector& t, double b, const Vector& s) {
  Vector result(t.size());
  for (std::size_t i = 0; i < t.size(); ++i) result[i] = a * t[i] + b * s[i];
  return result;
}

/// map(a t + b s) = a map(t) + b map(s), and map(0) = 0
template <class Map, class Size>
void check_linear(Program& program, const char* name, const Coordinates& from, const Coordinates& to, const Map& map,
                  const Size& size_of, Comparisons& list) {
  constexpr double a = 3, b = -0.5;
  Worst worst(fmt::format("{0} (3 t - s/2) = 3 {0} t - {0} s/2", name), rounding_tolerance(program));
  for (int k = 0; k < program.options.probes; ++k) {
    const Vector t = program.random_signs(from, 2 * k).values, s = program.random_signs(from, 2 * k + 1).values;
    const Vector both = from.of(from.tensors(combined(a, t, b, s)));  // rounded to the dtype
    const Vector got = map(both), expected = combined(a, map(t), b, map(s));
    const Vector size = size_of(combined(a, absolute(t), -b, absolute(s)));
    for (std::size_t i = 0; i < got.size(); ++i)
      worst.see(got[i], expected[i], size[i], [&] { return fmt::format("{} for random signs", to.name(i)); });
  }
  list.push_back(worst.result());
  Worst zero(fmt::format("{} 0 = 0", name), 0);
  const Vector nothing = map(Vector(from.size(), 0));
  for (std::size_t i = 0; i < nothing.size(); ++i) zero.see(nothing[i], 0, 1, [&] { return to.name(i); });
  list.push_back(zero.result());
}

Tensors turned(const Tensors& x) {
  Tensors result;
  for (const Tensor& part : x) result.push_back(is_complex(part.dtype()) ? part * std::complex<float>(0, 1) : part);
  return result;
}

/// J (i t) = i J t
void check_complex_linear(Program& program, Comparisons& list) {
  Worst worst("J (i t) = i J t", rounding_tolerance(program));
  for (int k = 0; k < program.options.probes; ++k) {
    const Tensors t = program.in.tensors(program.random_signs(program.in, k).values);
    const auto along = [&](const Tensors& direction) {
      return scangrad::jvp(program.f, args(program.x), args(direction), program.site).tangent;
    };
    const Vector got = program.out.of(along(turned(t))), expected = program.out.of(turned(along(t)));
    const Vector size = program.size_of_jvp(absolute(program.in.of(turned(t))));
    for (std::size_t i = 0; i < got.size(); ++i)
      worst.see(got[i], expected[i], size[i], [&] { return fmt::format("{} along random signs", program.out.name(i)); });
  }
  list.push_back(worst.result());
}

}  // namespace

void check_linearity(Program& program, Comparisons& list) {
  check_linear(
      program, "J", program.in, program.out, [&](const Vector& t) { return program.jvp(t); },
      [&](const Vector& t) { return program.size_of_jvp(t); }, list);
  check_linear(
      program, "J^H", program.out, program.in, [&](const Vector& q) { return program.vjp(q); },
      [&](const Vector& q) { return program.size_of_vjp(q); }, list);
  if (program.options.holomorphic) check_complex_linear(program, list);
}

}  // namespace scangrad::inline v0::autodiff
