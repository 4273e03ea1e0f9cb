// The hot kernels of complex dtypes of the level that runs (SCANGRAD_ISA), called as they are: every scan, direction and
// layout, against the definition in long double. The short ones are few enough for an emulator.

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <random>
#include <vector>

#include "core/dtype_visit.h"
#include "cpu/simd/levels.h"
#include "support/catch.h"

namespace {

using namespace scangrad;
using cpu::HotScan;
using real = long double;
using Exact = std::complex<real>;
template <class R>
using Numbers = std::vector<std::complex<R>>;

constexpr double inf = std::numeric_limits<double>::infinity(), NaN = std::numeric_limits<double>::quiet_NaN();

struct Scan {
  HotScan scan;
  int inputs, outputs;
  const char* name;
};
constexpr Scan all_scans[] = {{HotScan::cumsum, 1, 1, "cumsum"},
                              {HotScan::cumprod, 1, 1, "cumprod"},
                              {HotScan::linear_recurrence, 2, 1, "linear_recurrence"},
                              {HotScan::logcumsumexp, 1, 1, "logcumsumexp"},
                              {HotScan::logcumsumexp_mean, 2, 1, "mean"},
                              {HotScan::logcumsumexp_and_mean, 2, 2, "value and mean"},
                              {HotScan::logcumsumexp_adjoint, 2, 1, "adjoint"},
                              {HotScan::cumprod_tangent, 2, 2, "cumprod, tangent"},
                              {HotScan::linear_recurrence_tangent, 4, 2, "linear_recurrence, tangent"},
                              {HotScan::cumprod_back, 2, 1, "cumprod, back"},
                              {HotScan::linear_recurrence_back, 3, 2, "linear_recurrence, back"}};
bool is_lse(HotScan scan) { return scan >= HotScan::logcumsumexp && scan <= HotScan::logcumsumexp_adjoint; }

template <class R>
bool same(std::complex<R> a, std::complex<R> b) {
  const auto part = [](R p, R q) { return p == q || (p != p && q != q); };
  return part(a.real(), b.real()) && part(a.imag(), b.imag());
}
template <class R>
bool same(const Numbers<R>& a, const Numbers<R>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](auto p, auto q) { return same(p, q); });
}

/// What an output should be, and what its error is measured by.
struct Lane {
  std::vector<Exact> y;
  std::vector<real> scale;
  real budget = 4;
  bool angle = false;  ///< the imaginary part is one
  void add(Exact value, real size) { y.push_back(value), scale.push_back(size); }
};

template <class R>
std::vector<Lane> expected_lse(HotScan scan, const Numbers<R>& x, const Numbers<R>& t) {
  const std::size_t n = x.size();
  Lane log{{}, {}, 4, true}, mean{{}, {}, 8}, adjoint{std::vector<Exact>(n), std::vector<real>(n), 8};
  real top = -inf;
  for (const auto& e : x) top = std::max(top, static_cast<real>(e.real()));
  std::vector<Exact> w, sums;
  std::vector<real> kappas;
  Exact s = 0, u = 0;
  real sizes = 0, weighted = 0;
  for (std::size_t k = 0; k < n; ++k) {
    const bool none = x[k].real() == -inf;
    w.push_back(none ? Exact(0) : std::polar(std::exp(x[k].real() - top), static_cast<real>(x[k].imag())));
    s += w[k], sizes += std::abs(w[k]);
    if (!none && scan != HotScan::logcumsumexp) u += w[k] * Exact(t[k]), weighted += std::abs(w[k]) * std::abs(Exact(t[k]));
    sums.push_back(s), kappas.push_back(s == Exact(0) ? 0 : sizes / std::abs(s));
    const bool empty = sizes == 0;
    const Exact y = empty ? Exact(-inf, 0) : top + std::log(s);
    log.add(y, empty ? 0 : kappas[k] * std::max<real>(1, std::abs(y)));
    mean.add(empty ? Exact(0) : u / s, empty ? 0 : kappas[k] * weighted / std::abs(s));
  }
  if (scan == HotScan::logcumsumexp_adjoint) {
    Exact sum = 0;
    real size = 0;
    for (std::size_t k = n; k-- > 0;) {
      if (kappas[k] != 0) sum += Exact(t[k]) / std::conj(sums[k]), size += kappas[k] * std::abs(Exact(t[k]) / sums[k]);
      adjoint.y[k] = std::conj(w[k]) * sum, adjoint.scale[k] = std::abs(w[k]) * size;
    }
    return {adjoint};
  }
  if (scan == HotScan::logcumsumexp) return {log};
  if (scan == HotScan::logcumsumexp_mean) return {mean};
  return {log, mean};
}

/// Products are recurrences of what is 1 at first: h, dh, and both cotangents.
template <class R>
std::vector<Lane> expected_linear(HotScan scan, const std::vector<Numbers<R>>& in) {
  const std::size_t n = in[0].size();
  const bool product = scan == HotScan::cumprod || scan == HotScan::cumprod_tangent || scan == HotScan::cumprod_back;
  const auto at = [&](std::size_t k, std::size_t i) { return Exact(in[k][i]); };
  Lane h, dh, ga, gb;
  std::vector<Exact> before;
  std::vector<real> size_before;
  Exact state = product ? 1 : 0, tangent = 0;
  real size = product ? 1 : 0, tangent_size = 0;
  const bool tangents = scan == HotScan::cumprod_tangent || scan == HotScan::linear_recurrence_tangent;
  for (std::size_t i = 0; i < n; ++i) {
    before.push_back(state), size_before.push_back(size);
    const Exact a = scan == HotScan::cumsum ? 1 : at(0, i), b = product ? 0 : scan == HotScan::cumsum ? at(0, i) : at(1, i);
    if (tangents) {
      const Exact da = at(product ? 1 : 2, i), db = product ? 0 : at(3, i);
      tangent = a * tangent + da * state + db;
      tangent_size = std::abs(a) * tangent_size + std::abs(da) * size + std::abs(db);
    }
    state = a * state + b, size = std::abs(a) * size + std::abs(b);
    h.add(state, size), dh.add(tangent, tangent_size);
  }
  if (tangents) return {h, dh};
  if (scan < HotScan::cumprod_back) return {h};
  ga = gb = {std::vector<Exact>(n), std::vector<real>(n)};
  Exact R_k = 0;
  real R_size = 0;
  for (std::size_t i = n; i-- > 0;) {
    const Exact link = i + 1 < n ? std::conj(at(0, i + 1)) : 0, g = at(product ? 1 : 2, i);
    R_k = g + link * R_k, R_size = std::abs(g) + std::abs(link) * R_size;
    ga.y[i] = std::conj(before[i]) * R_k, ga.scale[i] = size_before[i] * R_size;
    gb.y[i] = R_k, gb.scale[i] = R_size;
  }
  if (product) return {ga};
  return {ga, gb};
}

template <class R>
void check(const Numbers<R>& got, const Lane& lane, real terms) {
  const real u = std::numeric_limits<R>::epsilon() / 2;
  for (std::size_t k = 0; k < got.size(); ++k) {
    INFO("element " << k << " of " << got.size() << ": " << got[k] << " instead of " << std::complex<double>(lane.y[k]));
    if (std::isinf(lane.y[k].real())) {
      CHECK(got[k] == std::complex<R>(-std::numeric_limits<R>::infinity(), 0));
      continue;
    }
    Exact difference = Exact(got[k]) - lane.y[k];
    if (lane.angle) {
      constexpr real pi = 3.14159265358979323846264338327950288L;
      difference.imag(std::remainder(difference.imag(), 2 * pi));
      CHECK((got[k].imag() > -static_cast<R>(pi) && got[k].imag() <= static_cast<R>(pi)));
    }
    const real allowed = lane.budget * u * lane.scale[k] + std::numeric_limits<R>::denorm_min() * terms;
    if (!(std::abs(difference) <= allowed))
      FAIL_CHECK(static_cast<double>(std::abs(difference) / (u * lane.scale[k])) << " units, not " << lane.budget);
  }
}

enum class Layout { forwards, backwards, strided, columns, gathered };
constexpr Layout all_layouts[] = {Layout::forwards, Layout::backwards, Layout::strided, Layout::columns, Layout::gathered};
constexpr std::int64_t column_count = 37;  // more than a block, and no multiple of a register

/// The outputs as a kernel gives them, from data laid out as asked. Across columns: every column holds the same.
template <class R>
std::vector<Numbers<R>> run(const Scan& scan, const std::vector<Numbers<R>>& x, Layout layout, const double* initial = nullptr,
                            double* final = nullptr) {
  const auto n = static_cast<std::int64_t>(x[0].size());
  const bool across = layout >= Layout::columns, back = layout == Layout::backwards;
  const std::int64_t columns = across ? column_count : 1;
  const std::int64_t step = back ? -1 : layout == Layout::strided ? 3 : across ? 2 * column_count : 1;
  std::vector<std::int64_t> places;
  for (std::int64_t c = 0; c < columns; ++c) places.push_back(layout == Layout::gathered ? 2 * (columns - 1 - c) : c);
  const std::int64_t first = step < 0 ? std::max<std::int64_t>(n - 1, 0) : 0;
  const auto size = static_cast<std::size_t>(std::abs(step) * std::max<std::int64_t>(n, 1) + 2 * columns);
  std::vector<Numbers<R>> in(x.size(), Numbers<R>(size)), out(2, Numbers<R>(static_cast<std::size_t>(n * columns) + 1));
  std::vector<double> scratch(static_cast<std::size_t>(cpu::complex_scratch_size(scan.scan, n, across)) + 1);
  cpu::ScanJob job;
  job.length = n, job.columns = columns, job.scratch = scratch.data(), job.stream = back;  // streaming changes no bits
  for (std::size_t k = 0; k < x.size(); ++k) {
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t place : places)
        in[k][static_cast<std::size_t>(first + i * step + place)] = x[k][static_cast<std::size_t>(i)];
    job.in[k] = in[k].data() + first, job.in_step[k] = step;
    if (layout == Layout::gathered) job.in_columns[k] = places.data();
  }
  for (int k = 0; k < scan.outputs; ++k) job.out[k] = out[static_cast<std::size_t>(k)].data() + (back ? first : 0);
  job.out_step = back ? -1 : columns;
  job.initial = initial, job.final = final;
  const auto& table = *cpu::current_level().kernels;
  const auto dtype = std::is_same_v<R, float> ? DType::complex64 : DType::complex128;
  (across ? table.columns : table.rows)[static_cast<int>(scan.scan)][cpu::hot_dtype(dtype)](job);
  std::vector<Numbers<R>> result(static_cast<std::size_t>(scan.outputs));
  for (std::size_t k = 0; k < result.size(); ++k)
    for (std::int64_t i = 0; i < n; ++i) {
      const auto* const row = &out[k][static_cast<std::size_t>(back ? first - i : i * columns)];
      result[k].push_back(*row);
      for (std::int64_t c = 1; c < columns; ++c)
        if (!same(row[c], row[0])) FAIL_CHECK("columns of the same elements differ: " << row[0] << ", " << row[c]);
    }
  return result;
}

struct Data {
  const char* name;
  double spread, slope;
  bool zeros;
};
constexpr Data all_data[] = {{"normal", 1, 0, false},           {"wide", 60, 0, false},
                             {"rising", 1, 1.5, false},         {"falling", 1, -1.5, false},
                             {"slowly rising", 0, .004, false}, {"log zeros", 1, 0, true}};

template <class R>
std::vector<Numbers<R>> make(const Scan& scan, const Data& data, std::size_t n, std::mt19937_64& generator) {
  std::normal_distribution<double> normal;
  std::vector<Numbers<R>> in;
  for (int k = 0; k < scan.inputs; ++k) {
    in.emplace_back();
    for (std::size_t i = 0; i < n; ++i) {
      std::complex<double> z(normal(generator), normal(generator));
      if (k == 0 && is_lse(scan.scan)) z = {z.real() * data.spread + data.slope * static_cast<double>(i), 3 * z.imag()};
      else if (k == 0 && scan.scan != HotScan::cumsum) z = std::polar(1 + z.real() / 64, 3 * z.imag());  // products stay normal
      if (k == 0 && data.zeros && is_lse(scan.scan) && i % 5 < 2) z = {-inf, i % 2 == 0 ? NaN : z.imag()};
      in.back().emplace_back(static_cast<R>(z.real()), static_cast<R>(z.imag()));
    }
  }
  return in;
}

template <class R>
void check_outputs(const Scan& scan, const std::vector<Numbers<R>>& in, const std::vector<Numbers<R>>& got) {
  const auto lanes = is_lse(scan.scan) ? expected_lse(scan.scan, in[0], in.back()) : expected_linear(scan.scan, in);
  real terms = 2;
  for (const auto& t : in.back()) terms += std::abs(std::isfinite(t.real()) ? Exact(t) : Exact(0));
  for (std::size_t k = 0; k < got.size(); ++k) {
    INFO("output " << k);
    check(got[k], lanes[k], terms);
  }
}

template <class R>
void check_all(std::initializer_list<std::size_t> lengths) {
  std::mt19937_64 generator(7);
  for (const Scan& scan : all_scans)
    for (const Data& data : all_data) {
      if (!is_lse(scan.scan) && &data != all_data) continue;
      for (std::size_t n : lengths) {
        INFO(scan.name << ", " << data.name << ", length " << n);
        const auto in = make<R>(scan, data, n, generator);
        const auto row = run(scan, in, Layout::forwards);
        for (Layout layout : all_layouts) {
          INFO("layout " << static_cast<int>(layout));
          const auto y = run(scan, in, layout);
          check_outputs(scan, in, y);
          if (layout < Layout::columns && y != row) FAIL_CHECK("the bits depend on the layout of the row");
        }
      }
    }
}

}  // namespace

TEMPLATE_TEST_CASE("short complex scans give what the definition gives, in every layout", "[short]", float, double) {
  check_all<TestType>({0, 1, 2, 7, 9, 33});
}
TEMPLATE_TEST_CASE("complex scans of several tiles give what the definition gives, in every layout", "", float, double) {
  check_all<TestType>({517, 1030});
}

TEMPLATE_TEST_CASE("complex kernels go on from a carry", "", float, double) {
  std::mt19937_64 generator(8);
  for (const Scan& scan : all_scans) {
    if (cpu::cotangent_of(scan.scan) >= 0) continue;
    for (const Data& data : all_data)
      for (std::ptrdiff_t cut : {0, 1, 8, 512, 600}) {
        INFO(scan.name << ", " << data.name << ", cut at " << cut);
        const auto in = make<TestType>(scan, data, 700, generator);
        auto early = in, late = in;
        for (std::size_t k = 0; k < in.size(); ++k)
          early[k].assign(in[k].begin(), in[k].begin() + cut), late[k].assign(in[k].begin() + cut, in[k].end());
        for (Layout layout : {Layout::forwards, Layout::columns}) {
          double carry[9 * column_count];
          auto y = run(scan, early, layout, nullptr, carry);
          const auto rest = run(scan, late, layout, carry);
          for (std::size_t k = 0; k < y.size(); ++k) y[k].insert(y[k].end(), rest[k].begin(), rest[k].end());
          check_outputs(scan, in, y);
        }
      }
  }
}

TEMPLATE_TEST_CASE("a complex value has the same bits beside any tangent", "[short]", float, double) {
  std::mt19937_64 generator(9);
  const Scan both{HotScan::logcumsumexp_and_mean, 2, 2, ""}, value{HotScan::logcumsumexp, 1, 1, ""};
  for (const Data& data : all_data)
    for (double special : {0.0, 1e-310, 1e300, inf, NaN})
      for (Layout layout : {Layout::forwards, Layout::columns}) {
        auto in = make<TestType>(both, data, 1100, generator);
        in[1][3] = static_cast<TestType>(special), in[1][600] = {0, static_cast<TestType>(special)};
        const auto alone = run(value, std::vector<Numbers<TestType>>(1, in[0]), layout)[0], beside = run(both, in, layout)[0];
        CHECK(same(alone, beside));
      }
}

TEST_CASE("tangents beside one that is not finite are as right as ever", "[short]") {
  std::mt19937_64 generator(10);
  const Scan both{HotScan::logcumsumexp_and_mean, 2, 2, ""}, adjoint{HotScan::logcumsumexp_adjoint, 2, 1, ""};
  const auto in = make<double>(both, all_data[0], 700, generator);
  for (double special : {inf, NaN}) {
    auto with = in;
    with[1][300] = special;
    const auto plain = run(both, in, Layout::forwards)[1], y = run(both, with, Layout::forwards)[1];
    for (std::size_t k = 0; k < 300; ++k) CHECK(std::abs(y[k] - plain[k]) <= 1e-13 * (1 + std::abs(plain[k])));
    for (std::size_t k = 300; k < 700; ++k) CHECK_FALSE(std::isfinite(y[k].real() + y[k].imag()));
    const auto back = run(adjoint, in, Layout::forwards)[0], v = run(adjoint, with, Layout::forwards)[0];
    for (std::size_t k = 301; k < 700; ++k) CHECK(std::abs(v[k] - back[k]) <= 1e-13 * (1 + std::abs(back[k])));
    for (std::size_t k = 0; k <= 300; ++k) CHECK_FALSE(std::isfinite(v[k].real() + v[k].imag()));
  }
}

TEMPLATE_TEST_CASE("far angles have the phases that they should", "[short]", float, double) {
  const Scan value{HotScan::logcumsumexp, 1, 1, ""};
  for (double angle : {0x1p20, -0x1p20, 1e6, 1e15, -3e37, 0x1.921fb54442d18p+20}) {
    const auto held = static_cast<TestType>(angle);
    const std::vector<Numbers<TestType>> in = {Numbers<TestType>(1, std::complex<TestType>(0, held))};
    const auto y = run<TestType>(value, in, Layout::forwards)[0][0];
    const real want = std::atan2(std::sin(static_cast<real>(held)), std::cos(static_cast<real>(held)));
    CHECK(std::abs(static_cast<real>(y.imag()) - want) <= 4 * std::numeric_limits<TestType>::epsilon());
  }
}
