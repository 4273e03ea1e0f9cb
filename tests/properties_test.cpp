// What must hold of every scan whatever the input: of its values. Derivatives are in properties_derivatives_test.cpp.

#include "support/property.h"

namespace {

using namespace property;

/// Calls f<T>(scan) for float and double and all scans.
template <class F>
void each_scan(const F& f) {
  for (const Scan scan : real_scans) {
    INFO(judge::to_string(scan));
    f.template operator()<float>(scan);
    f.template operator()<double>(scan);
  }
}

std::vector<double> reversed(std::vector<double> x) {
  std::reverse(x.begin(), x.end());
  return x;
}
Tensors flipped(const Tensors& x) {
  Tensors result;
  for (const Tensor& part : x) result.push_back(sg::flip(part));
  return result;
}

/// The part of a lane from `begin` on, behind the element `first`.
std::vector<double> behind(double first, const std::vector<double>& x, std::size_t begin) {
  std::vector<double> result = {first};
  result.insert(result.end(), x.begin() + static_cast<std::ptrdiff_t>(begin), x.end());
  return result;
}

}  // namespace

TEST_CASE("reverse is flip, scan, flip: to the bits on memory that was turned, within budget on a view") {
  each_scan([]<class T>(Scan scan) {
    CHECK(rc::check([=] {
      const Flags f{true, *rc::gen::arbitrary<bool>()};
      const Lanes x = lanes(scan, length());
      Lanes turned;
      for (const auto& lane : x) turned.push_back(reversed(lane));
      const sg::ScanOptions forward{.exclusive = f.exclusive};
      const Tensor y = judge::apply(scan, tensors<T>(x), f.along(-1));
      RC_ASSERT(same_bits<T>(y, sg::flip(judge::apply(scan, tensors<T>(turned), forward))));
      const Judge<T> judge(scan, x, f);
      RC_ASSERT(judge.close(Quantity::value, sg::flip(judge::apply(scan, flipped(tensors<T>(x)), forward)), y, judge.value()));
    }));
  });
}

TEST_CASE("an exclusive scan is the inclusive one before, from the identity") {
  each_scan([]<class T>(Scan scan) {
    CHECK(rc::check([=] {
      const bool reverse = *rc::gen::arbitrary<bool>();
      const Tensors x = tensors<T>(lanes(scan, length()));
      const auto inclusive = judge::apply(scan, x, {.reverse = reverse}).template to_vector<T>();
      const auto exclusive = judge::apply(scan, x, {.reverse = reverse, .exclusive = true}).template to_vector<T>();
      const T identity = scan == Scan::cumprod                                ? 1
                         : scan == Scan::cummax || scan == Scan::logcumsumexp ? -INFINITY
                         : scan == Scan::cummin                               ? INFINITY
                                                                              : 0;
      const std::size_t n = inclusive.size();
      for (std::size_t k = 0; k < n; ++k) {
        const std::size_t at = reverse ? n - 1 - k : k, before = reverse ? at + 1 : at - 1;
        const T wanted = k == 0 ? identity : inclusive[before];
        if (scan == Scan::logcumsumexp && k > 0 && wanted > -INFINITY)  // not to the bits yet
          RC_ASSERT(std::abs(exclusive[at] - wanted) <=
                    4 * std::numeric_limits<T>::epsilon() * std::max(T(1), std::abs(wanted)));
        else RC_ASSERT(exclusive[at] == wanted);
      }
    }));
  });
}

TEST_CASE("a lane in two pieces: the second begins with what the first came to, for every split") {
  each_scan([]<class T>(Scan scan) {
    CHECK(rc::check([=] {
      const Lanes x = lanes(scan, 1 + length(64));
      const Tensor whole = judge::apply(scan, tensors<T>(x), {});
      const Judge<T> judge(scan, x, {});
      const auto exact = judge.value();
      const auto values = whole.to_vector<T>();
      for (std::size_t cut = 1; cut <= values.size(); ++cut) {
        Lanes rest = x;
        for (auto& lane : rest) lane = behind(0, lane, cut);
        rest.back()[0] = static_cast<double>(values[cut - 1]);
        const Tensor y = judge::apply(scan, tensors<T>(rest), {});
        const auto size = static_cast<std::int64_t>(values.size());
        const Tensor expected = sg::slice(whole, {.begin = static_cast<std::int64_t>(cut) - 1, .end = size});
        judge::Exact<Wide<T>> part;
        part.scale.assign(exact.scale.begin() + static_cast<std::ptrdiff_t>(cut) - 1, exact.scale.end());
        part.floor.assign(exact.floor.begin() + static_cast<std::ptrdiff_t>(cut) - 1, exact.floor.end());
        RC_ASSERT(judge.close(Quantity::value, y, expected, part, scan == Scan::cummax || scan == Scan::cummin ? 1 : 3));
      }
    }));
  });
}

TEST_CASE("integers scan exactly, in pieces too, whichever way they wrap") {
  CHECK(rc::check([] {
    const auto a = *rc::gen::arbitrary<std::vector<std::int64_t>>();
    const auto b = *rc::gen::container<std::vector<std::int64_t>>(a.size(), rc::gen::arbitrary<std::int64_t>());
    std::vector<std::int64_t> expected;
    std::uint64_t h = 0, sum = 0, product = 1;
    const auto sums = sg::cumsum(Tensor(a)).to_vector<std::int64_t>(),
               products = sg::cumprod(Tensor(a)).to_vector<std::int64_t>();
    const auto states = sg::linear_recurrence(Tensor(a), Tensor(b)).to_vector<std::int64_t>();
    for (std::size_t k = 0; k < a.size(); ++k) {
      h = static_cast<std::uint64_t>(a[k]) * h + static_cast<std::uint64_t>(b[k]);
      RC_ASSERT(static_cast<std::uint64_t>(states[k]) == h);
      RC_ASSERT(static_cast<std::uint64_t>(sums[k]) == (sum += static_cast<std::uint64_t>(a[k])));
      RC_ASSERT(static_cast<std::uint64_t>(products[k]) == (product *= static_cast<std::uint64_t>(a[k])));
    }
  }));
}

TEST_CASE("logcumsumexp does not fall, and lies between the maximum and it plus the logarithm of the count") {
  CHECK(rc::check([] {
    const Lanes x = {*numbers(length(), log_number())};
    const auto y = sg::logcumsumexp(tensor<double>(x[0])).to_vector<double>();
    double m = -INFINITY;
    for (std::size_t k = 0; k < y.size(); ++k) {
      m = std::max(m, x[0][k]);
      const double slack = std::isinf(m) ? 0 : 4 * 0x1p-53 * std::max(1.0, std::abs(m));
      if (k > 0) RC_ASSERT(y[k] >= y[k - 1] - slack);
      RC_ASSERT(y[k] >= m - slack);
      RC_ASSERT(y[k] <= m + std::log(static_cast<double>(k + 1)) + slack);
    }
  }));
}

TEST_CASE("logcumsumexp, cumsum and cummax rise with their inputs; what is swapped within a prefix does not matter later") {
  for (const Scan scan : {Scan::logcumsumexp, Scan::cumsum, Scan::cummax}) {
    CHECK(rc::check([=] {
      const std::size_t n = 1 + length();
      const Lanes x = {*numbers(n, scan == Scan::logcumsumexp ? log_number() : number())};
      Lanes higher = x, swapped = x;
      for (double& value : higher[0]) value += *rc::gen::inRange(0, 64) / 64.0;
      const auto cut = static_cast<std::size_t>(*rc::gen::inRange(1, static_cast<int>(n) + 1));
      std::reverse(swapped[0].begin(), swapped[0].begin() + static_cast<std::ptrdiff_t>(cut));
      const Judge<double> judge(scan, x, {});
      const auto exact = judge.value();
      const auto y = judge::apply(scan, tensors<double>(x), {}).to_vector<double>();
      const auto above = judge::apply(scan, tensors<double>(higher), {}).to_vector<double>();
      for (std::size_t k = 0; k < n; ++k)
        RC_ASSERT(above[k] >= y[k] - 8 * 0x1p-53 * (static_cast<double>(exact.scale[k]) + std::abs(above[k])));
      const auto other = judge::apply(scan, tensors<double>(swapped), {}).to_vector<double>();
      for (std::size_t k = cut - 1; k < n; ++k)
        RC_ASSERT(judge::error_in_units<judge::real>(other[k], y[k], {exact.scale[k], exact.floor[k]},
                                                     judge::format_of(sg::DType::float64)) <= 8);
    }));
  }
}

TEST_CASE("rows are scanned as each alone, in any order, on any axis") {
  each_scan([]<class T>(Scan scan) {
    CHECK(rc::check([=] {
      const Flags f = flags();
      const std::size_t n = length(40);
      const int rows = *rc::gen::inRange(1, 9);
      std::vector<Lanes> each;
      Lanes all(judge::inputs(scan));
      for (int row = 0; row < rows; ++row) {
        each.push_back(lanes(scan, n));
        for (std::size_t i = 0; i < all.size(); ++i) all[i].insert(all[i].end(), each.back()[i].begin(), each.back()[i].end());
      }
      const sg::Shape shape{rows, static_cast<std::int64_t>(n)};
      Tensors batch, turned;
      for (const auto& values : all)
        batch.push_back(tensor<T>(values, shape)), turned.push_back(copy<T>(sg::transpose(batch.back())));
      const Tensor y = judge::apply(scan, batch, f.along(1));
      const Tensor columns = sg::transpose(judge::apply(scan, turned, f.along(0)));
      for (int row = 0; row < rows; ++row) {
        const Tensor alone = judge::apply(scan, tensors<T>(each[static_cast<std::size_t>(row)]), f.along(0));
        RC_ASSERT(same_bits<T>(y[row], alone));
        const Judge<T> judge(scan, each[static_cast<std::size_t>(row)], f);
        RC_ASSERT(judge.close(Quantity::value, columns[row], alone, judge.value()));
      }
      Tensors moved, middle;
      for (const Tensor& part : turned) moved.push_back(sg::transpose(part));
      if (scan != Scan::logcumsumexp)                                             // whose bits differ yet
        RC_ASSERT(same_bits<T>(judge::apply(scan, moved, f.along(1)), columns));  // the same memory by another name
      for (const Tensor& part : batch) middle.push_back(sg::reshape(part, {rows, 1, static_cast<std::int64_t>(n), 1}));
      RC_ASSERT(same_bits<T>(sg::reshape(judge::apply(scan, middle, f.along(2)), shape), y));
    }));
  });
}

TEST_CASE("a recurrence with a = 1 is a sum, with b = 0 a product, and in logarithms logcumsumexp") {
  CHECK(rc::check([] {
    const Flags f = flags();
    const Lanes x = {*numbers(length(12))};
    const Tensor v = tensor<double>(x[0]);
    const Judge<double> sum(Scan::cumsum, x, f), product(Scan::cumprod, x, f);
    RC_ASSERT(sum.close(Quantity::value, sg::linear_recurrence(1.0, v, f.along(-1)), sg::cumsum(v, f.along(-1)), sum.value()));
    const Tensor by_product = sg::linear_recurrence(v, sg::zeros({v.size(0)}), 3.0, f.along(-1));
    RC_ASSERT(product.close(Quantity::value, by_product, 3.0 * sg::cumprod(v, f.along(-1)), [&] {
      auto exact = product.value();
      for (auto& s : exact.scale) s *= 3;
      return exact;
    }()));
  }));
  CHECK(rc::check([] {
    const Lanes x = {*numbers(1 + length())};
    const Tensor v = tensor<double>(x[0]), m = sg::cummax(v),
                 before = sg::concatenate({sg::slice(v, {.end = 1}), sg::slice(m, {.end = -1})});
    const Tensor s = sg::linear_recurrence(sg::exp(before - m), sg::exp(v - m));
    const Judge<double> judge(Scan::logcumsumexp, x, {});
    RC_ASSERT(judge.close(Quantity::value, m + sg::log(s), sg::logcumsumexp(v), judge.value(), 4));
  }));
}

namespace {

/// All lanes of four of these values.
template <class T>
Lanes every_lane() {
  const double values[] = {-INFINITY, -1, 0, 1, INFINITY, NAN};
  Lanes result;
  for (int code = 0; code < 6 * 6 * 6 * 6; ++code) {
    std::vector<double> lane;
    for (int k = 0, rest = code; k < 4; ++k, rest /= 6) lane.push_back(values[rest % 6]);
    result.push_back(lane);
  }
  return result;
}

template <class T>
void check_every_lane(Scan scan, Flags f) {
  const Lanes all = every_lane<T>();
  std::vector<double> flat;
  for (const auto& lane : all) flat.insert(flat.end(), lane.begin(), lane.end());
  const Tensor y = judge::apply(scan, {tensor<T>(flat, {static_cast<std::int64_t>(all.size()), 4})}, f.along(1));
  const auto got = judge::widen<T>(y);
  int wrong = 0;
  for (std::size_t row = 0; row < all.size(); ++row) {
    long double state = scan == Scan::cumprod ? 1 : scan == Scan::cumsum ? 0 : scan == Scan::cummin ? INFINITY : -INFINITY;
    for (std::size_t k = 0; k < 4; ++k) {
      const std::size_t at = f.reverse ? 3 - k : k;
      const long double x = all[row][at], before = state;
      if (scan == Scan::cumsum) state += x;
      else if (scan == Scan::cumprod) state *= x;
      else if (std::isnan(state) || std::isnan(x)) state = NAN;
      else if (scan == Scan::cummax) state = std::max(state, x);
      else if (scan == Scan::cummin) state = std::min(state, x);
      else if (std::isinf(x) || std::isinf(state)) state = std::max(state, x);
      else state = std::max(state, x) + std::log1p(std::exp(-std::abs(state - x)));
      const auto expected = f.exclusive ? before : state;
      const auto size = std::isinf(expected) || std::isnan(expected) ? 1 : std::max(1.0L, std::abs(expected));
      wrong += judge::error_in_units<long double>(static_cast<long double>(got[row * 4 + at]), expected, {size, 1},
                                                  judge::format_of(sg::dtype_of<T>)) > 4;
    }
  }
  INFO(judge::to_string(scan) << " " << sg::to_string(sg::dtype_of<T>) << (f.reverse ? " reverse" : "")
                              << (f.exclusive ? " exclusive" : ""));
  CHECK(wrong == 0);
}

}  // namespace

TEST_CASE("all lanes of four of -inf, -1, 0, 1, inf and NaN: infinities and NaN where the definition has them") {
  for (const Scan scan : {Scan::cumsum, Scan::cumprod, Scan::cummax, Scan::cummin, Scan::logcumsumexp})
    for (const bool reverse : {false, true})
      for (const bool exclusive : {false, true}) {
        check_every_lane<sg::float16>(scan, {reverse, exclusive});
        check_every_lane<sg::bfloat16>(scan, {reverse, exclusive});
        check_every_lane<float>(scan, {reverse, exclusive});
        check_every_lane<double>(scan, {reverse, exclusive});
      }
}

TEST_CASE("the NaN mask of long lanes: out is NaN exactly behind the first NaN") {
  for (const Scan scan : {Scan::cumsum, Scan::cumprod, Scan::cummax, Scan::cummin, Scan::logcumsumexp}) {
    CHECK(rc::check([=] {
      const Flags f = flags();
      const auto n = static_cast<std::size_t>(*rc::gen::inRange(1, 2100));
      std::vector<double> x(n, 0.25);
      const auto place = static_cast<std::size_t>(*rc::gen::inRange(0, static_cast<int>(n)));
      x[place] = NAN;
      const auto y = judge::apply(scan, {tensor<float>(x)}, f.along(-1)).to_vector<float>();
      for (std::size_t k = 0; k < n; ++k) {
        const bool reached = f.reverse ? k < place : k > place;
        RC_ASSERT(std::isnan(y[k]) == (reached || (k == place && !f.exclusive)));
      }
    }));
  }
}
