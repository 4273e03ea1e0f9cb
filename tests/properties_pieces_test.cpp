// What must hold of scans that start from somewhere, for any input: in pieces, from initial values, with the initial value in front; of
// associative_scan; and third derivatives in all eight nestings.

#include "support/property.h"

namespace {

using namespace property;
using sg::ScanCarry;
using sg::ScanInitial;
using sg::ScanOptions;

template <class F>
void each_scan(const F& f) {
  for (const Scan scan : real_scans) {
    INFO(judge::to_string(scan));
    f.template operator()<sg::float16>(scan);
    f.template operator()<sg::bfloat16>(scan);
    f.template operator()<float>(scan);
    f.template operator()<double>(scan);
  }
}

sg::ScanWithCarry with_carry(Scan scan, const Tensors& x, const ScanInitial& from, const ScanOptions& options) {
  switch (scan) {
    case Scan::cumsum:
      return sg::cumsum_with_carry(x[0], from, options);
    case Scan::cumprod:
      return sg::cumprod_with_carry(x[0], from, options);
    case Scan::cummax:
      return sg::cummax_with_carry(x[0], from, options);
    case Scan::cummin:
      return sg::cummin_with_carry(x[0], from, options);
    case Scan::logcumsumexp:
      return sg::logcumsumexp_with_carry(x[0], from, options);
    case Scan::linear_recurrence:
      return sg::linear_recurrence_with_carry(x[0], x[1], from, options);
  }
  return {};
}
double identity(Scan scan) {
  return scan == Scan::cumprod                                ? 1
         : scan == Scan::cummax || scan == Scan::logcumsumexp ? -INFINITY
         : scan == Scan::cummin                               ? INFINITY
                                                              : 0;
}
bool is_extreme(Scan scan) { return scan == Scan::cummax || scan == Scan::cummin; }

/// Places to cut a lane of n elements, in scan order; pieces may be empty.
std::vector<std::int64_t> cuts(std::size_t n) {
  auto result =
      *rc::gen::container<std::vector<std::int64_t>>(rc::gen::inRange<std::int64_t>(0, static_cast<std::int64_t>(n) + 1));
  std::sort(result.begin(), result.end());
  result.push_back(static_cast<std::int64_t>(n));
  return result;
}

/// The scan of lanes, each piece from the carry of the one before.
auto in_pieces(Scan scan, const std::vector<std::int64_t>& ends, const ScanOptions& options) {
  return [=](const Tensors& x) {
    const std::int64_t n = x[0].size();
    std::vector<Tensor> parts;
    ScanCarry carry;
    std::int64_t begin = 0;
    for (const std::int64_t end : ends) {
      Tensors piece;
      for (const Tensor& lane : x)
        piece.push_back(options.reverse ? sg::slice(lane, {.begin = n - end, .end = n - begin})
                                        : sg::slice(lane, {.begin = begin, .end = end}));
      const auto [y, next] = with_carry(scan, piece, parts.empty() ? ScanInitial(identity(scan)) : ScanInitial(carry), options);
      parts.insert(options.reverse ? parts.begin() : parts.end(), y);
      carry = next;
      begin = end;
    }
    return sg::concatenate(parts);
  };
}

}  // namespace

TEST_CASE("a scan in any pieces is the whole, and so are its derivatives") {
  each_scan([]<class T>(Scan scan) {
    CHECK(rc::check([=] {
      const Flags f = flags();
      const std::size_t n = length(40);
      const Lanes x = lanes(scan, n), t = directions(scan, n);
      const Tensors at = tensors<T>(x), along = tensors<T>(t);
      const Judge<T> judge(scan, x, f);
      const auto pieces = in_pieces(scan, cuts(n), f.along(-1));
      const double exact = is_extreme(scan) ? 0 : 2;
      RC_ASSERT(judge.close(Quantity::value, pieces(at), judge::apply(scan, at, f.along(-1)), judge.value(), exact));
      RC_ASSERT(judge.close(Quantity::jvp, sg::jvp(pieces, sg::args(at), sg::args(along)).tangent,
                            pushed(scan, f.along(-1), at, along), judge.jvp(t), 2));
      const Tensors got = sg::vjp(pieces, sg::args(at)).pullback(along[0]), wanted = pulled(scan, f.along(-1), at, along[0]);
      const auto gradients = judge.vjp(t[0]);
      for (std::size_t i = 0; i < got.size(); ++i) RC_ASSERT(judge.close(Quantity::vjp, got[i], wanted[i], gradients[i], 2));
    }));
  });
}

TEST_CASE("an initial value is an element before the first") {
  each_scan([]<class T>(Scan scan) {
    CHECK(rc::check([=] {
      const bool reverse = *rc::gen::arbitrary<bool>();
      const std::size_t n = length(40);
      const Lanes x = lanes(scan, n);
      const double initial = *number();
      Lanes longer = x;
      for (std::size_t i = 0; i < longer.size(); ++i) {
        const double first = i + 1 == longer.size() ? initial : 0;  // h_1 = 0 h_0 + initial
        longer[i].insert(reverse ? longer[i].end() : longer[i].begin(), first);
      }
      const auto size = static_cast<std::int64_t>(n);
      const Tensor all = judge::apply(scan, tensors<T>(longer), {.reverse = reverse});
      const Tensor start = tensor<T>({initial}, {});
      const Judge<T> judge(scan, longer, {reverse, false});
      const double allowed = is_extreme(scan) ? 0 : 2;
      const Tensor included = judge::apply(scan, tensors<T>(x), start, {.reverse = reverse, .include_initial = true});
      RC_ASSERT(judge.close(Quantity::value, included, all, judge.value(), allowed));
      if (n == 16 || n == 32) return;  // n + 1 elements may be scanned in the form of longer rows, with other roundings
      const Tensor inclusive = judge::apply(scan, tensors<T>(x), start, {.reverse = reverse}),
                   exclusive = judge::apply(scan, tensors<T>(x), start, {.reverse = reverse, .exclusive = true});
      const auto part = [&](bool last) {
        const std::int64_t begin = reverse != last ? 1 : 0;
        return sg::slice(included, {.begin = begin, .end = begin + size});
      };
      RC_ASSERT(same_bits<T>(copy<T>(part(true)), inclusive));
      if (scan != Scan::logcumsumexp) {
        RC_ASSERT(same_bits<T>(copy<T>(part(false)), exclusive));
      } else {  // whose bits depend on the length
        const Lanes seen =
            reverse ? Lanes{{longer[0].begin() + 1, longer[0].end()}} : Lanes{{longer[0].begin(), longer[0].end() - 1}};
        RC_ASSERT(
            judge.close(Quantity::value, copy<T>(part(false)), exclusive, Judge<T>(scan, seen, {reverse, false}).value()));
      }
    }));
  });
}

TEST_CASE("without an initial value the identity is in front") {
  each_scan([]<class T>(Scan scan) {
    CHECK(rc::check([=] {
      const bool reverse = *rc::gen::arbitrary<bool>();
      const Tensors x = tensors<T>(lanes(scan, length(40)));
      const auto included = judge::apply(scan, x, {.reverse = reverse, .include_initial = true}).template to_vector<T>();
      RC_ASSERT(included.size() == static_cast<std::size_t>(x[0].size()) + 1);
      RC_ASSERT(sg::core::widen(reverse ? included.back() : included.front()) == identity(scan));
    }));
  });
}

namespace {

using Integers = std::vector<std::int64_t>;

/// 2 x 2 matrices modulo p: associative, not commutative.
constexpr std::int64_t p = 10007;
using Matrix = std::array<std::int64_t, 4>;
Matrix times(const Matrix& a, const Matrix& b) {
  return {(a[0] * b[0] + a[1] * b[2]) % p, (a[0] * b[1] + a[1] * b[3]) % p, (a[2] * b[0] + a[3] * b[2]) % p,
          (a[2] * b[1] + a[3] * b[3]) % p};
}
Tensors tensors_of(const std::vector<Matrix>& lane, sg::DType dtype) {
  Tensors result;
  for (std::size_t part = 0; part < 4; ++part) {
    Integers values;
    for (const Matrix& m : lane) values.push_back(m[part]);
    result.push_back(sg::astype(Tensor(values), dtype));
  }
  return result;
}
Tensor modulo(const Tensor& x) {
  const Tensor quotient = sg::astype(sg::floor(sg::astype(x, sg::DType::float64) / static_cast<double>(p)), x.dtype());
  return x - quotient * p;
}
Tensors times(const Tensors& a, const Tensors& b) {
  return {modulo(a[0] * b[0] + a[1] * b[2]), modulo(a[0] * b[1] + a[1] * b[3]), modulo(a[2] * b[0] + a[3] * b[2]),
          modulo(a[2] * b[1] + a[3] * b[3])};
}

/// Lanes of a monoid's elements one after the other.
template <class Element, class Join>
std::vector<Element> sequential(const std::vector<Element>& lane, Element state, Flags flags, const Join& join) {
  std::vector<Element> result(lane.size());
  for (std::size_t i = 0; i < lane.size(); ++i) {
    const std::size_t k = flags.reverse ? lane.size() - 1 - i : i;
    const Element next = join(state, lane[k]);
    result[k] = flags.exclusive ? state : next;
    state = next;
  }
  return result;
}

sg::AssociativeScanOptions associative(Flags f) { return {.axis = 0, .reverse = f.reverse, .exclusive = f.exclusive}; }

}  // namespace

TEST_CASE("associative_scan is the sequential result: matrices modulo p, in int64 and in int32") {
  for (const sg::DType dtype : {sg::DType::int64, sg::DType::int32})
    CHECK(rc::check([=] {
      const Flags f = flags();
      std::vector<Matrix> lane(length(70));
      for (Matrix& m : lane)
        for (auto& entry : m) entry = *rc::gen::inRange<std::int64_t>(0, p);
      const auto expected =
          tensors_of(sequential(lane, Matrix{1, 0, 0, 1}, f, [](auto a, auto b) { return times(a, b); }), dtype);
      const Tensors neutral = {sg::astype(Tensor(1), dtype), sg::astype(Tensor(0), dtype), sg::astype(Tensor(0), dtype),
                               sg::astype(Tensor(1), dtype)};
      const Tensors got = sg::associative_scan([](const Tensors& a, const Tensors& b) { return times(a, b); },
                                               tensors_of(lane, dtype), neutral, associative(f));
      for (std::size_t i = 0; i < 4; ++i) {
        RC_ASSERT(got[i].dtype() == dtype);
        RC_ASSERT(sg::astype(got[i], sg::DType::int64).to_vector<std::int64_t>() ==
                  sg::astype(expected[i], sg::DType::int64).to_vector<std::int64_t>());
      }
    }));
}

TEST_CASE("associative_scan is the sequential result: permutations of truth values, in bool") {
  CHECK(rc::check([] {
    const Flags f = flags();
    const std::size_t n = length(70);
    const auto bits = *rc::gen::container<std::vector<bool>>(2 * n, rc::gen::arbitrary<bool>());
    // Maps of {false, true} to itself, as their two values; joined: the later one of the earlier one's.
    using Map = std::array<bool, 2>;
    std::vector<Map> lane;
    for (std::size_t k = 0; k < n; ++k) lane.push_back({bits[2 * k], bits[2 * k + 1]});
    const auto expected = sequential(lane, Map{false, true}, f, [](Map a, Map b) { return Map{b[a[0]], b[a[1]]}; });
    const auto column = [](const std::vector<Map>& maps, std::size_t i) {
      std::vector<bool> result;
      for (const Map& m : maps) result.push_back(m[i]);
      return result;
    };
    const Tensors elements = {Tensor(column(lane, 0), {static_cast<std::int64_t>(n)}),
                              Tensor(column(lane, 1), {static_cast<std::int64_t>(n)})};
    const auto join = [](const Tensors& a, const Tensors& b) {
      return Tensors{sg::where(a[0], b[1], b[0]), sg::where(a[1], b[1], b[0])};
    };
    const Tensors got = sg::associative_scan(join, elements, Tensors{Tensor(false), Tensor(true)}, associative(f));
    for (std::size_t i = 0; i < 2; ++i) RC_ASSERT(got[i].to_vector<bool>() == column(expected, i));
  }));
}

TEST_CASE("integer scans are exact in every integer dtype; bool is counted") {
  const auto check = []<class T>(T) {
    CHECK(rc::check([] {
      const Flags f = flags();
      const std::size_t n = length(70);
      std::vector<T> x;
      for (std::size_t k = 0; k < n; ++k) x.push_back(static_cast<T>(*rc::gen::inRange(-9, 10)));
      const Tensor at(x, {static_cast<std::int64_t>(n)});
      const auto same = [&](const Tensor& got, std::int64_t first, const auto& join) {
        const std::vector<std::int64_t> wide(x.begin(), x.end());
        RC_ASSERT(sg::astype(got, sg::DType::int64).to_vector<std::int64_t>() == sequential(wide, first, f, join));
      };
      same(sg::cumsum(at, f.along(0)), 0, [](std::int64_t a, std::int64_t b) { return a + b; });
      if constexpr (std::is_same_v<T, bool>) {
        RC_ASSERT(sg::cumsum(at).dtype() == sg::DType::int64);
      } else {
        RC_ASSERT(sg::cumsum(at).dtype() == at.dtype());
        const T low = std::numeric_limits<T>::lowest(), high = std::numeric_limits<T>::max();
        same(sg::cummax(at, f.along(0)), low, [](std::int64_t a, std::int64_t b) { return std::max(a, b); });
        same(sg::cummin(at, f.along(0)), high, [](std::int64_t a, std::int64_t b) { return std::min(a, b); });
        same(sg::cumprod(at, f.along(0)), 1, [](std::int64_t a, std::int64_t b) {  // which wraps
          const auto product = static_cast<std::int64_t>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
          return static_cast<std::int64_t>(static_cast<T>(product));
        });
      }
    }));
  };
  check(bool());
  check(std::int32_t());
  check(std::int64_t());
}

TEST_CASE("third derivatives are symmetric and the same in all eight nestings") {
  for (const Scan scan : {Scan::cumprod, Scan::logcumsumexp, Scan::linear_recurrence}) {
    INFO(judge::to_string(scan));
    CHECK(rc::check([=] {
      const auto options = flags().along(-1);
      const std::size_t n = 1 + length(5);
      const Tensors x = tensors<double>(lanes(scan, n)), t = tensors<double>(directions(scan, n));
      const Tensor g = tensor<double>(*numbers(n));
      // What cancels may come out as rounding of terms near 10.
      const sg::CheckOptions check{.seed = 3, .probes = 1, .absolute = 10};
      const sg::CheckReport forward =
          sg::check_second_order([&](const Tensors& at) { return pushed(scan, options, at, t); }, sg::args(x), check);
      const sg::CheckReport reverse =
          sg::check_second_order([&](const Tensors& at) { return pulled(scan, options, at, g); }, sg::args(x), check);
      if (!forward) RC_LOG(sg::to_string(forward));
      if (!reverse) RC_LOG(sg::to_string(reverse));
      RC_ASSERT(forward);
      RC_ASSERT(reverse);
    }));
  }
}
