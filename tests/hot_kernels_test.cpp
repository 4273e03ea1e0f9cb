// The hot kernels of the level that runs (SCANGRAD_ISA), called as they are: every scan, dtype, direction and layout, against the
// definition in long double. The short ones are few enough for an emulator.

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "core/dtype_visit.h"
#include "cpu/simd/levels.h"
#include "support/catch.h"
#include "support/hot_data.h"

namespace {

using namespace scangrad;
using cpu::HotScan;
using namespace hot_data;
using Reals = std::vector<real>;

constexpr HotScan all_scans[] = {HotScan::cumsum,
                                 HotScan::cumprod,
                                 HotScan::cummax,
                                 HotScan::cummin,
                                 HotScan::linear_recurrence,
                                 HotScan::logcumsumexp,
                                 HotScan::logcumsumexp_mean,
                                 HotScan::logcumsumexp_adjoint};

/// What a scan should give, and what its error is measured by: `scale` times u, and `terms` times the smallest subnormal.
struct Expected {
  Reals y, scale;
  real terms = 1;
};

Reals log_sums(const Reals& x) {
  Reals y;
  for (std::size_t k = 0; k < x.size(); ++k) {
    real m = -inf, s = 0;
    for (std::size_t i = 0; i <= k; ++i) m = std::isnan(x[i]) || std::isnan(m) ? NaN : std::max(m, x[i]);
    if (std::isfinite(m))
      for (std::size_t i = 0; i <= k; ++i) s += std::exp(x[i] - m);
    y.push_back(std::isfinite(m) ? m + std::log(s) : m);
  }
  return y;
}
/// w_ki: the weight of element i in the prefix that ends at k; below 0: none, not even of a NaN.
real weight(const Reals& x, const Reals& y, std::size_t i, std::size_t k) {
  if (std::isnan(y[k])) return NaN;
  if (x[i] == -inf) return -1;
  if (y[k] < inf) return std::exp(x[i] - y[k]);
  return x[i] < inf ? -1 : real(1) / std::count(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(k) + 1, inf);
}

Expected expected(HotScan scan, const Reals& x, const Reals& t) {
  const std::size_t n = x.size();
  Expected e{Reals(n, 0), Reals(n, 0)};
  for (real v : t) e.terms += std::isfinite(v) ? std::fabs(v) : 0;
  if (scan >= HotScan::logcumsumexp) {
    const Reals y = log_sums(x);
    for (std::size_t k = 0; k < n; ++k) {
      if (scan == HotScan::logcumsumexp) {
        e.y[k] = y[k], e.scale[k] = std::max(real(1), std::fabs(y[k]));
        continue;
      }
      for (std::size_t i = 0; i <= k; ++i) {
        const real w = weight(x, y, i, k);
        if (w < 0) continue;
        const bool adjoint = scan == HotScan::logcumsumexp_adjoint;
        e.y[adjoint ? i : k] += w * t[adjoint ? k : i];
        e.scale[adjoint ? i : k] += w * std::fabs(t[adjoint ? k : i]);
      }
    }
    return e;
  }
  real state = scan == HotScan::cumprod ? 1 : scan == HotScan::cummax ? -inf : scan == HotScan::cummin ? inf : 0, size = 0;
  for (std::size_t k = 0; k < n; ++k) {
    switch (scan) {
      case HotScan::cumsum:
        state += x[k], size += std::fabs(x[k]);
        break;
      case HotScan::cumprod:
        state *= x[k], size = std::fabs(state);
        break;
      case HotScan::cummax:
        state = std::isnan(state) || state > x[k] ? state : x[k];
        break;
      case HotScan::cummin:
        state = std::isnan(state) || state < x[k] ? state : x[k];
        break;
      default:
        state = x[k] * state + t[k], size = std::fabs(x[k]) * size + std::fabs(t[k]);
    }
    e.y[k] = state, e.scale[k] = size;
  }
  return e;
}

enum class Layout { forwards, backwards, strided, columns, gathered };
constexpr Layout all_layouts[] = {Layout::forwards, Layout::backwards, Layout::strided, Layout::columns, Layout::gathered};
constexpr std::int64_t column_count = 11;  // more than a register, and no multiple of one

/// The scan of x (and t) as a kernel gives it, from data laid out as asked. Across columns: every column holds the same.
template <class T>
std::vector<T> run(HotScan scan, const std::vector<T>& x, const std::vector<T>& t, Layout layout, bool stream,
                   const double* initial = nullptr, double* final = nullptr) {
  const auto n = static_cast<std::int64_t>(x.size());
  const bool across = layout >= Layout::columns;
  const std::int64_t columns = across ? column_count : 1;
  const std::int64_t step = layout == Layout::backwards ? -1 : layout == Layout::strided ? 3 : across ? 2 * column_count : 1;
  std::vector<std::int64_t> places;
  for (std::int64_t c = 0; c < columns; ++c) places.push_back(layout == Layout::gathered ? 2 * (columns - 1 - c) : c);
  const std::int64_t first = step < 0 ? std::max<std::int64_t>(n - 1, 0) : 0;
  const auto size = static_cast<std::size_t>(std::abs(step) * std::max<std::int64_t>(n, 1) + 2 * columns);
  std::vector<T> in[2] = {std::vector<T>(size), std::vector<T>(size)}, out(static_cast<std::size_t>(n * columns) + 1);
  for (std::int64_t k = 0; k < n; ++k)
    for (std::int64_t place : places) {
      in[0][static_cast<std::size_t>(first + k * step + place)] = x[static_cast<std::size_t>(k)];
      in[1][static_cast<std::size_t>(first + k * step + place)] = t[static_cast<std::size_t>(k)];
    }
  std::vector<double> scratch(static_cast<std::size_t>(cpu::scratch_size(scan, n, across)) + 1);
  const bool back = layout == Layout::backwards;
  cpu::ScanJob job;
  job.length = n, job.columns = columns, job.scratch = scratch.data(), job.stream = stream;
  for (int k = 0; k < 2; ++k) {
    job.in[k] = in[k].data() + first, job.in_step[k] = step;
    if (layout == Layout::gathered) job.in_columns[k] = places.data();
  }
  job.out[0] = out.data() + (back ? first : 0), job.out_step = back ? -1 : columns;
  job.initial = initial, job.final = final;
  const auto& table = *cpu::current_level().kernels;
  (across ? table.columns : table.rows)[static_cast<int>(scan)][cpu::hot_dtype(dtype_of<T>)](job);
  std::vector<T> result;
  for (std::int64_t k = 0; k < n; ++k) {
    const std::int64_t at = back ? first - k : k * columns;
    result.push_back(out[static_cast<std::size_t>(at)]);
    for (std::int64_t c = 1; c < columns; ++c) {
      INFO("column " << c << ", element " << k);
      const auto a = core::widen(result.back()), b = core::widen(out[static_cast<std::size_t>(at + c)]);
      if (!(a == b || (a != a && b != b))) FAIL_CHECK("columns of the same elements differ: " << a << ", " << b);
    }
  }
  return result;
}

template <class T>
constexpr real unit = 0x1p-24L;
template <>
constexpr real unit<double> = 0x1p-53L;
template <>
constexpr real unit<float16> = 0x1p-11L;
template <>
constexpr real unit<bfloat16> = 0x1p-8L;

template <class T>
real largest() {
  if constexpr (std::is_same_v<T, float16>) return 65504;
  else if constexpr (std::is_same_v<T, bfloat16>) return real(0x1.fep127);
  else return std::numeric_limits<T>::max();
}
template <class T>
real smallest() {
  if constexpr (std::is_same_v<T, float16>) return real(0x1p-24);
  else if constexpr (std::is_same_v<T, bfloat16>) return real(0x1p-133);
  else return std::numeric_limits<T>::denorm_min();
}

template <class T>
Reals wide(const std::vector<T>& v) {
  Reals r;
  for (T e : v) r.push_back(core::widen(e));
  return r;
}

/// Within the budget of the scan, infinities and NaN in their places.
template <class T>
void check(HotScan scan, const std::vector<T>& got, const Expected& e) {
  constexpr bool half = core::is_half_type<T>;
  const bool derivative = scan > HotScan::logcumsumexp;
  const real budget = half ? 1.1L : sizeof(T) == 8 ? (derivative ? 8 : 4) : scan == HotScan::logcumsumexp_adjoint ? 5 : 3;
  for (std::size_t k = 0; k < got.size(); ++k) {
    const real y = core::widen(got[k]), want = e.y[k];
    INFO("element " << k << " of " << got.size());
    if (std::isnan(want)) {
      if (!std::isnan(y)) FAIL_CHECK(static_cast<double>(y) << " instead of NaN");
    } else if (std::fabs(want) > largest<T>() * (1 + unit<T>)) {
      if (y != (want > 0 ? inf : -inf)) FAIL_CHECK(static_cast<double>(y) << " instead of an infinity");
    } else if (std::fabs(want) < largest<T>() * (1 - 8 * unit<T>)) {
      const real error = std::fabs(y - want), allowed = budget * unit<T> * e.scale[k] + smallest<T>() * e.terms;
      if (!(error <= allowed))
        FAIL_CHECK(static_cast<double>(y) << " instead of " << static_cast<double>(want) << ", "
                                          << static_cast<double>(error / (unit<T> * e.scale[k])) << " u");
    }
  }
}

/// Makes NaN of tangents that have no weight: those of log zeros, and of finite elements behind an infinity.
template <class T>
void spoil(const Data& data, std::vector<T>& t) {
  const std::size_t place = data.special == -inf ? 2 : data.special == inf ? 4 : 7;
  for (std::size_t k = 0; k < t.size(); ++k)
    if (k % 7 == place) t[k] = core::convert<T>(double{NAN});
}

bool multiplies(HotScan scan) { return scan == HotScan::cumprod || scan == HotScan::linear_recurrence; }

}  // namespace

template <class T>
void check_all(std::initializer_list<std::size_t> lengths) {
  std::mt19937_64 generator(7);
  for (HotScan scan : all_scans)
    for (const Data& data : all_data)
      for (std::size_t n : lengths) {
        INFO("scan " << static_cast<int>(scan) << ", " << data.name << ", length " << n);
        const auto x = make<T>(data, n, multiplies(scan), generator);
        auto t = make<T>({"", 1, 0, 0}, n, false, generator);
        if (scan == HotScan::logcumsumexp_mean) spoil(data, t);
        const Expected e = expected(scan, wide(x), wide(t));
        const auto row = run(scan, x, t, Layout::forwards, false);
        for (Layout layout : all_layouts) {
          INFO("layout " << static_cast<int>(layout));
          const auto y = run(scan, x, t, layout, layout == Layout::backwards);  // streaming changes no bits
          check(scan, y, e);
          if (layout < Layout::columns && !same_bits(y, row)) FAIL_CHECK("the bits depend on the layout of the row");
        }
      }
}

TEMPLATE_TEST_CASE("short hot scans give what the definition gives, in every layout", "[short]", float16, bfloat16, float,
                   double) {
  check_all<TestType>({0, 1, 2, 7, 9, 33});
}
TEMPLATE_TEST_CASE("hot scans of several tiles give what the definition gives, in every layout", "", float16, bfloat16, float,
                   double) {
  check_all<TestType>({cpu::tile + 5});
}

TEMPLATE_TEST_CASE("columns of every kind side by side keep the bits that each has alone", "[short]", float16, bfloat16, float,
                   double) {
  using T = TestType;
  constexpr std::size_t n = 70, columns = 3 * std::size(all_data) + 1;
  std::mt19937_64 generator(11);
  for (HotScan scan : all_scans) {
    std::vector<T> in[2] = {std::vector<T>(n * columns), std::vector<T>(n * columns)}, out(n * columns);
    std::vector<std::vector<T>> xs, ts;
    for (std::size_t c = 0; c < columns; ++c) {
      xs.push_back(make<T>(all_data[c % std::size(all_data)], n, multiplies(scan), generator));
      ts.push_back(make<T>({"", 1, 0, 0}, n, false, generator));
      for (std::size_t k = 0; k < n; ++k) in[0][k * columns + c] = xs[c][k], in[1][k * columns + c] = ts[c][k];
    }
    std::vector<double> scratch(static_cast<std::size_t>(cpu::scratch_size(scan, n, true)) + 1);
    cpu::ScanJob job;
    job.length = n, job.columns = columns, job.scratch = scratch.data(), job.out[0] = out.data(), job.out_step = columns;
    for (int k = 0; k < 2; ++k) job.in[k] = in[k].data(), job.in_step[k] = columns;
    cpu::current_level().kernels->columns[static_cast<int>(scan)][cpu::hot_dtype(dtype_of<T>)](job);
    for (std::size_t c = 0; c < columns; ++c) {
      INFO("scan " << static_cast<int>(scan) << ", column " << c << ", " << all_data[c % std::size(all_data)].name);
      std::vector<T> own;
      for (std::size_t k = 0; k < n; ++k) own.push_back(out[k * columns + c]);
      if (!same_bits(own, run(scan, xs[c], ts[c], Layout::columns, false))) FAIL_CHECK("its bits depend on its neighbours");
    }
  }
}

TEMPLATE_TEST_CASE("hot kernels go on from a carry", "", float, double) {
  std::mt19937_64 generator(8);
  for (HotScan scan : all_scans) {
    if (scan == HotScan::logcumsumexp_adjoint) continue;
    for (const Data& data : all_data) {
      constexpr std::size_t n = cpu::tile + 188;
      const auto x = make<TestType>(data, n, multiplies(scan), generator);
      const auto t = make<TestType>({"", 1, 0, 0}, n, false, generator);
      const auto wanted = expected(scan, wide(x), wide(t));
      for (const std::size_t cut : {std::size_t{0}, std::size_t{1}, std::size_t{8}, std::size_t{cpu::tile}, n - 100}) {
        INFO("scan " << static_cast<int>(scan) << ", " << data.name << ", cut at " << cut);
        const auto part = [&](const auto& v, std::size_t from, std::size_t to) {
          return std::vector<TestType>(v.begin() + static_cast<std::ptrdiff_t>(from),
                                       v.begin() + static_cast<std::ptrdiff_t>(to));
        };
        for (Layout layout : {Layout::forwards, Layout::columns}) {
          double carry[cpu::max_parts * column_count];
          auto y = run(scan, part(x, 0, cut), part(t, 0, cut), layout, false, nullptr, carry);
          const auto rest = run(scan, part(x, cut, n), part(t, cut, n), layout, false, carry);
          y.insert(y.end(), rest.begin(), rest.end());
          check(scan, y, wanted);
        }
      }
    }
  }
}

TEST_CASE("a float64 scan regroups nothing that overflows, vanishes, or meets as 0 times infinity", "[short]") {
  const auto scan = [](HotScan s, std::vector<double> x, std::vector<double> t) {
    return run(s, x, t, Layout::forwards, false);
  };
  const double big = 1.5e308, tiny = 1e-200, huge = 1e200;
  CHECK(scan(HotScan::cumsum, {-big, big, big, -big, 1, 2, 3, 4}, std::vector<double>(8)).at(2) == big);
  CHECK(scan(HotScan::cumprod, {0, huge, huge, huge, 1, 1, 1, 1}, std::vector<double>(8)).at(3) == 0);
  CHECK(scan(HotScan::cumprod, {huge, tiny, tiny, huge, huge, tiny, 1, 1}, std::vector<double>(8)).at(7) ==
        Approx(1).epsilon(1e-14));
  CHECK(scan(HotScan::linear_recurrence, {huge, huge, huge, huge, 0.5, 1, 1, 1}, {0, 0, 0, 1, 1, 1, 1, 1}).at(4) == 1.5);
  CHECK(scan(HotScan::linear_recurrence, {1, tiny, tiny, huge, huge, 1, 1, 1}, {huge, 0, 0, 0, 0, 0, 0, 1}).at(7) > 1);
}

TEMPLATE_TEST_CASE("results become halves in one rounding: ties, subnormal, overflowing and NaN ones too", "[short]", float16,
                   bfloat16) {
  using T = TestType;
  constexpr double smallest_normal = std::is_same_v<T, float16> ? 0x1p-14 : 0x1p-126;
  std::mt19937 generator(12);
  const auto of_bits = [](std::uint_fast32_t bits) {
    T v;
    v.bits = static_cast<std::uint16_t>(bits);
    return v;
  };
  const auto exact = [](T v) { return static_cast<double>(static_cast<float>(v)); };
  std::size_t subnormal = 0, ties = 0;
  for (std::size_t i = 0; i < 40000; ++i) {
    const T a = of_bits(generator()), b = of_bits(generator());
    const double product = exact(a) * exact(b);  // of 8 or 11 bits each: nothing is lost
    const T right = core::convert<T>(product);
    std::vector<T> x(9, T(1.0f));
    const std::size_t at = i % 7;
    x[at] = a, x[at + 1] = b;
    for (Layout layout : {Layout::forwards, Layout::columns}) {
      const T got = run(HotScan::cumprod, x, x, layout, false).at(at + 1);
      if (got.bits != right.bits && !(std::isnan(exact(got)) && std::isnan(product)))
        FAIL_CHECK(exact(a) << " times " << exact(b) << " gives " << exact(got) << " instead of " << exact(right));
    }
    subnormal += right.bits != 0 && std::fabs(exact(right)) < smallest_normal;
    ties += 2 * std::fabs(product - exact(right)) == std::fabs(exact(of_bits(right.bits ^ 1u)) - exact(right));
  }
  CHECK(subnormal > 100);
  CHECK(ties > 50);
}

TEMPLATE_TEST_CASE("a sum beside a tie, nearer than float32 sees, becomes the half that is nearest", "[short]", float16,
                   bfloat16) {
  using T = TestType;
  const float big = std::is_same_v<T, float16> ? 2048 : 256, little = std::is_same_v<T, float16> ? 0x1p-14f : 0x1p-20f;
  const std::vector<T> x = {T(big), T(1.0f), T(little), T(0.0f), T(0.0f)};
  for (Layout layout : {Layout::forwards, Layout::columns})
    CHECK(static_cast<float>(run(HotScan::cumsum, x, x, layout, false).at(4)) == big + 2);
}
