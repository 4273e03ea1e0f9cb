#include "accuracy/distributions.h"

#include <cmath>
#include <limits>
#include <numbers>

#include "judge/units.h"

namespace accuracy {

using judge::Scan;
using sg::DType;

double Random::uniform() {
  std::uint64_t bits = state_ += 0x9e3779b97f4a7c15u;
  bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9u;
  bits = (bits ^ bits >> 27) * 0x94d049bb133111ebu;
  bits ^= bits >> 31;
  return (static_cast<double>(bits >> 12) + 0.5) * 0x1p-52;
}
double Random::normal() { return std::sqrt(-2 * std::log(uniform())) * std::cos(2 * std::numbers::pi * uniform()); }

namespace {

constexpr double minus_infinity = -std::numeric_limits<double>::infinity();

/// Each element by its own: f(random, k).
template <class F>
Fill each(F f) {
  return [f](Random& random, Column& x) {
    for (std::size_t k = 0; k < x.size(); ++k) x[k] = f(random, static_cast<double>(k));
  };
}
Fill constant(double value) {
  return each([=](Random&, double) { return value; });
}
Fill normal(double offset = 0, double spread = 1) {
  return each([=](Random& random, double) { return offset + spread * random.normal(); });
}
Fill ramp(double slope) {
  return each([=](Random&, double k) { return slope * k; });
}
enum class Place { first, middle, last };
Fill one_huge(Place place, double value) {
  return [=](Random& random, Column& x) {
    normal()(random, x);
    x[place == Place::first ? 0 : place == Place::middle ? x.size() / 2 : x.size() - 1] = value;
  };
}
/// Real parts as they are, with angles.
template <class Angle>
Fill turned(Fill real, Angle angle) {
  return [=](Random& random, Column& x) {
    real(random, x);
    for (auto& z : x) z = {z.real(), angle(random)};
  };
}
std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

void add_complex_logs(std::vector<Distribution>& all) {
  const auto near_pi = [](Random& random) {
    return (random.uniform() < 0.5 ? -1 : 1) * std::numbers::pi * (1 - 1e-3 * std::abs(random.normal()));
  };
  const auto wide = [](Random& random) { return random.uniform(-1e4, 1e4); };
  all.push_back({.name = "phases near pi", .fills = {turned(normal(), near_pi)}, .complex_only = true});
  all.push_back({.name = "Im to 1e4", .fills = {turned(normal(), wide)}, .complex_only = true});
  all.push_back({.name = "antiphase pairs",
                 .fills = {[](Random& random, Column& x) {
                   for (std::size_t k = 0; k < x.size(); ++k)
                     x[k] = k % 2 == 0 ? std::complex<double>(random.normal(), random.uniform(-3, 0))
                                       : x[k - 1] + std::complex<double>(0, std::numbers::pi);
                 }},
                 .complex_only = true});
  all.push_back({.name = "curve -y^2/2 + iy",
                 .fills = {[](Random& random, Column& x) {
                   for (auto& z : x) {
                     const double y = 1e-3 * random.normal();
                     z = {-y * y / 2, y};
                   }
                 }},
                 .complex_only = true});
}

std::vector<Distribution> of_logs(DType dtype) {
  const bool wide = dtype == DType::float64 || dtype == DType::complex128;
  const double end = wide ? 700 : 80;
  std::vector<Distribution> all = {
      {.name = "normal", .fills = {normal()}, .long_too = true},
      {.name = "30 normal", .fills = {normal(0, 30)}, .long_too = true},
      {.name = "uniform", .fills = {each([=](Random& r, double) { return r.uniform(-end, end); })}},
      {.name = "equal", .fills = {constant(0.5)}, .long_too = true},
      {.name = "zeros", .fills = {constant(0)}}};
  for (double slope : {0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1., 2., 5., 10., 40., 800.})
    for (double sign : {1., -1.})
      all.push_back({.name = (sign > 0 ? "rising " : "falling ") + number(slope),
                     .fills = {ramp(sign * slope)},
                     .long_too = sign > 0 && slope == 0.05});
  for (double offset : {1e4, -1e4, 1e10, 1e50}) all.push_back({.name = "offset " + number(offset), .fills = {normal(offset)}});
  all.push_back({.name = "huge first", .fills = {one_huge(Place::first, 1e4)}});
  all.push_back({.name = "huge middle", .fills = {one_huge(Place::middle, 1e4)}});
  all.push_back({.name = "huge last", .fills = {one_huge(Place::last, 1e4)}});
  all.push_back({.name = "10 % -inf",
                 .fills = {each([](Random& r, double) { return r.uniform() < 0.1 ? minus_infinity : 5 * r.normal(); })}});
  all.push_back({.name = "runs of -inf", .fills = {each([](Random& r, double k) {
                                           return static_cast<int>(k) / 7 % 3 == 0 ? minus_infinity : 5 * r.normal();
                                         })}});
  if (sg::is_complex(dtype)) {
    const auto any = [](Random& random) { return random.uniform(-std::numbers::pi, std::numbers::pi); };
    for (Distribution& one : all) one.fills[0] = turned(one.fills[0], any);
    add_complex_logs(all);
  }
  for (const auto& [name, directions] : {std::pair{"alternating", Directions::alternating},
                                         std::pair{"one-hot", Directions::one_hot}, std::pair{"1e-30", Directions::tiny},
                                         std::pair{"1e30", Directions::huge}, std::pair{"subnormal", Directions::subnormal}})
    for (double spread : {1., 30.})
      all.push_back({.name = (spread > 1 ? "30 normal; t " : "normal; t ") + std::string(name),
                     .fills = {normal(0, spread)},
                     .directions = directions});
  return all;
}

std::vector<Distribution> of_sums() {
  return {{.name = "normal", .fills = {normal()}, .long_too = true},
          {.name = "equal", .fills = {constant(0.1)}, .long_too = true},
          {.name = "positive", .fills = {each([](Random& r, double) { return r.uniform(); })}, .long_too = true},
          {.name = "offset 1e4", .fills = {normal(1e4)}, .long_too = true},
          {.name = "huge first", .fills = {one_huge(Place::first, 6e4)}},
          {.name = "huge last", .fills = {one_huge(Place::last, 6e4)}},
          {.name = "huge and back", .fills = {each([](Random& r, double k) {
                                      return static_cast<int>(k) % 2 == 0 ? 1e4 + r.normal() : -1e4 + r.normal();
                                    })}},
          {.name = "normal; t 1e-30", .fills = {normal()}, .directions = Directions::tiny},
          {.name = "normal; t one-hot", .fills = {normal()}, .directions = Directions::one_hot},
          {.name = "normal; t subnormal", .fills = {normal()}, .directions = Directions::subnormal}};
}

std::vector<Distribution> of_products(bool complex) {
  std::vector<Distribution> all = {
      {.name = "1 +- 2^-10",
       .fills = {each([](Random& r, double) { return r.uniform() < 0.5 ? 1 + 0x1p-10 : 1 - 0x1p-10; })},
       .long_too = true},
      {.name = "near 1", .fills = {normal(1, 1e-3)}, .long_too = true},
      {.name = "with zeros", .fills = {each([](Random& r, double) { return r.uniform() < 0.02 ? 0 : r.uniform(0.8, 1.2); })}},
      {.name = "two zeros", .fills = {each([](Random& r, double k) { return k == 1 || k == 2 ? 0 : r.uniform(0.9, 1.1); })}},
      {.name = "normal", .fills = {normal()}},
      {.name = "signs", .fills = {each([](Random& r, double) { return r.uniform() < 0.5 ? -1 : 1; })}, .long_too = true},
      {.name = "falling", .fills = {constant(0.875)}}};
  if (complex)
    all.push_back({.name = "unit circle",
                   .fills = {each([](Random& r, double) { return std::polar(1.0, r.uniform(-3, 3)); })},
                   .complex_only = true});
  return all;
}

std::vector<Distribution> of_recurrences(bool complex) {
  std::vector<Distribution> all;
  for (double decay : {0., 0.9, 1 - 0x1p-20, 1., -1.})
    all.push_back({.name = "a = " + number(decay), .fills = {constant(decay), normal()}, .long_too = decay > 0.95});
  all.push_back(
      {.name = "a uniform", .fills = {each([](Random& r, double) { return r.uniform(-1, 1); }), normal()}, .long_too = true});
  all.push_back({.name = "a near 1; b positive",
                 .fills = {each([](Random& r, double) { return r.uniform(0.99, 1); }),
                           each([](Random& r, double) { return r.uniform(); })}});
  all.push_back({.name = "a with zeros",
                 .fills = {each([](Random& r, double) { return r.uniform() < 0.1 ? 0 : r.uniform(-1.1, 1.1); }), normal(10)}});
  if (complex)
    all.push_back({.name = "a on the unit circle",
                   .fills = {each([](Random& r, double) { return std::polar(1.0, r.uniform(-3, 3)); }), normal()},
                   .complex_only = true});
  return all;
}

std::vector<Distribution> of_extremes() {
  return {{.name = "normal", .fills = {normal()}, .long_too = true},
          {.name = "equal", .fills = {constant(0.5)}},
          {.name = "ties", .fills = {each([](Random& r, double) { return std::round(3 * r.normal()); })}},
          {.name = "rising 0.5", .fills = {ramp(0.5)}},
          {.name = "falling 0.5", .fills = {ramp(-0.5)}}};
}

Column direction(Directions kind, DType dtype, std::size_t n, Random& random) {
  const bool complex = sg::is_complex(dtype);
  const double smallest = judge::format_of(dtype).smallest;
  Column v(n);
  for (std::size_t k = 0; k < n; ++k) {
    const std::complex<double> z(random.normal(), complex ? random.normal() : 0);
    switch (kind) {
      case Directions::normal:
        v[k] = z;
        break;
      case Directions::alternating:
        v[k] = k % 2 == 0 ? 1 : -1;
        break;
      case Directions::one_hot:
        v[k] = k == n / 2 ? 1 : 0;
        break;
      case Directions::tiny:
        v[k] = z * (dtype == DType::float16 ? 1e-4 : 1e-30);
        break;
      case Directions::huge:
        v[k] = z * (dtype == DType::float16 ? 1e3 : 1e30);
        break;
      case Directions::subnormal:
        v[k] = z * (smallest * 5);
        break;
    }
  }
  return v;
}

}  // namespace

std::vector<Distribution> distributions(Scan scan, DType dtype) {
  switch (scan) {
    case Scan::cumsum:
      return of_sums();
    case Scan::cumprod:
      return of_products(sg::is_complex(dtype));
    case Scan::logcumsumexp:
      return of_logs(dtype);
    case Scan::linear_recurrence:
      return of_recurrences(sg::is_complex(dtype));
    default:
      return sg::is_complex(dtype) ? std::vector<Distribution>{} : of_extremes();
  }
}

Data generate(const Distribution& distribution, DType dtype, std::size_t n) {
  std::uint64_t seed = n;
  for (char c : distribution.name) seed = seed * 0x100000001b3u + static_cast<unsigned char>(c);
  Random random(seed);
  Data data;
  for (const Fill& fill : distribution.fills) {
    fill(random, data.x.emplace_back(n));
    data.t.push_back(direction(distribution.directions, dtype, n, random));
    data.a.push_back(direction(Directions::normal, dtype, n, random));
  }
  data.g = direction(distribution.directions, dtype, n, random);
  return data;
}

}  // namespace accuracy
