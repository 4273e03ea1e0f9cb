// What must hold of the complex logcumsumexp whatever the input.

#include "support/property.h"

namespace {

using namespace property;
using Z = std::complex<double>;
using Complexes = std::vector<Z>;
using V = Wide<Z>;

rc::Gen<Z> complex_number(const rc::Gen<double>& size) {
  return rc::gen::map(rc::gen::pair(size, number()),
                      [](const std::pair<double, double>& parts) { return Z(parts.first, 3 * parts.second); });
}
Complexes elements(std::size_t n) { return *rc::gen::container<Complexes>(n, complex_number(log_number())); }
Complexes tangents(std::size_t n) { return *rc::gen::container<Complexes>(n, complex_number(number())); }

Tensor scanned(const Tensor& x, Flags f) { return sg::logcumsumexp(x, f.along(-1)); }
Tensor pushed(const Complexes& x, const Complexes& t, Flags f) {
  return sg::jvp([&](const Tensor& at) { return scanned(at, f); }, {Tensor(x)}, {Tensor(t)}).tangent;
}
Tensor pulled(const Complexes& x, const Complexes& g, Flags f) {
  return sg::vjp([&](const Tensor& at) { return scanned(at, f); }, {Tensor(x)}).pullback(Tensor(g));
}
Complexes values(const Tensor& x) { return x.to_vector<Z>(); }
bool same(const Complexes& a, const Complexes& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(Z)) == 0);
}
template <class Element>
std::vector<Element> reversed(std::vector<Element> x) {
  std::reverse(x.begin(), x.end());
  return x;
}
template <class F>
Complexes each(Complexes x, const F& f) {
  for (Z& z : x) z = f(z);
  return x;
}
Complexes conjugates(const Complexes& x) {
  return each(x, [](Z z) { return std::conj(z); });
}

/// What errors in a lane are measured by.
class ComplexJudge {
 public:
  ComplexJudge(const Complexes& x, Flags flags)
      : flags_(flags), reference_(judge::reference<V>(Scan::logcumsumexp, {wide(x)})) {}

  judge::Exact<V> value() const { return reference_->value(flags_.exclusive); }
  judge::Exact<V> jvp(const Complexes& t) const { return reference_->jvp({wide(t)}, flags_.exclusive); }
  judge::Exact<V> vjp(const Complexes& g) const { return reference_->vjp(wide(g), flags_.exclusive)[0]; }

  bool close(Quantity quantity, const Complexes& got, const Complexes& wanted, const judge::Exact<V>& exact,
             double times = 2) const {
    const double budget = times * *judge::budget(Scan::logcumsumexp, quantity, sg::DType::complex128);
    for (std::size_t i = 0; i < got.size(); ++i) {
      const std::size_t k = flags_.reverse ? got.size() - 1 - i : i;
      const double error =
          judge::error_in_units(judge::widen(got[i]), judge::widen(wanted[i]), {exact.scale[k], exact.floor[k]},
                                judge::format_of(sg::DType::complex128), quantity == Quantity::value);
      if (!(error <= budget)) return false;
    }
    return got.size() == wanted.size();
  }

 private:
  judge::Values<V> wide(const Complexes& x) const {
    judge::Values<V> result;
    for (const Z z : x) result.push_back(judge::widen(z));
    return flags_.reverse ? reversed(result) : result;
  }
  Flags flags_;
  std::unique_ptr<judge::Reference<V>> reference_;
};

}  // namespace

TEST_CASE("reverse is flip, scan, flip, to the bits, in value and derivatives") {
  CHECK(rc::check([] {
    const Flags back{true, *rc::gen::arbitrary<bool>()}, forward{false, back.exclusive};
    const std::size_t n = length();
    const Complexes x = elements(n), t = tangents(n), g = tangents(n);
    RC_ASSERT(same(values(scanned(Tensor(x), back)), reversed(values(scanned(Tensor(reversed(x)), forward)))));
    RC_ASSERT(same(values(pushed(x, t, back)), reversed(values(pushed(reversed(x), reversed(t), forward)))));
    RC_ASSERT(same(values(pulled(x, g, back)), reversed(values(pulled(reversed(x), reversed(g), forward)))));
  }));
}

TEST_CASE("an exclusive scan is the inclusive one before, to the bits, from -inf") {
  CHECK(rc::check([] {
    const std::size_t n = 1 + length();
    const Complexes x = elements(n);
    const Complexes inclusive = values(scanned(Tensor(x), {false, false})),
                    exclusive = values(scanned(Tensor(x), {false, true}));
    RC_ASSERT(exclusive[0] == Z(-INFINITY, 0));
    RC_ASSERT(same(Complexes(exclusive.begin() + 1, exclusive.end()), Complexes(inclusive.begin(), inclusive.end() - 1)));
  }));
}

TEST_CASE("the conjugate of x has the conjugate scan, tangents and cotangents") {
  CHECK(rc::check([] {
    const Flags f = flags();
    const std::size_t n = length();
    const Complexes x = elements(n), t = tangents(n), g = tangents(n);
    const ComplexJudge judge(x, f);
    RC_ASSERT(judge.close(Quantity::value, conjugates(values(scanned(Tensor(conjugates(x)), f))), values(scanned(Tensor(x), f)),
                          judge.value()));
    RC_ASSERT(judge.close(Quantity::jvp, conjugates(values(pushed(conjugates(x), conjugates(t), f))), values(pushed(x, t, f)),
                          judge.jvp(t)));
    RC_ASSERT(judge.close(Quantity::vjp, conjugates(values(pulled(conjugates(x), conjugates(g), f))), values(pulled(x, g, f)),
                          judge.vjp(g)));
  }));
}

TEST_CASE("the scan of x + c is that of x, plus c; its derivatives are those of x") {
  CHECK(rc::check([] {
    const Flags f = flags();
    const std::size_t n = length();
    const Complexes x = elements(n), t = tangents(n), g = tangents(n);
    const Z c(64, 0);
    const auto moved = [&](const Complexes& z) { return each(z, [&](Z one) { return one + c; }); };
    const ComplexJudge judge(moved(x), f);
    RC_ASSERT(judge.close(Quantity::value, values(scanned(Tensor(moved(x)), f)), moved(values(scanned(Tensor(x), f))),
                          judge.value()));
    RC_ASSERT(judge.close(Quantity::jvp, values(pushed(moved(x), t, f)), values(pushed(x, t, f)), judge.jvp(t)));
    RC_ASSERT(judge.close(Quantity::vjp, values(pulled(moved(x), g, f)), values(pulled(x, g, f)), judge.vjp(g)));
  }));
}

TEST_CASE("J is linear over the complex numbers, and J 1 = 1 on prefixes that are not empty") {
  CHECK(rc::check([] {
    const Flags f = flags();
    const std::size_t n = length();
    const Complexes x = elements(n), t = tangents(n), s = tangents(n);
    const Z a(2, -4);
    Complexes both, sizes, expected = values(pushed(x, t, f));
    const Complexes other = values(pushed(x, s, f));
    for (std::size_t k = 0; k < n; ++k) {
      both.push_back(a * t[k] + s[k]), sizes.emplace_back(std::abs(a) * std::abs(t[k]) + std::abs(s[k]));
      expected[k] = a * expected[k] + other[k];
    }
    const ComplexJudge judge(x, f);
    RC_ASSERT(judge.close(Quantity::jvp, values(pushed(x, both, f)), expected, judge.jvp(sizes), 3));
    const Complexes ones(n, Z(1)), y = values(scanned(Tensor(x), f)), means = values(pushed(x, ones, f));
    Complexes wanted;
    for (const Z z : y) wanted.emplace_back(std::isinf(z.real()) ? 0 : 1);
    RC_ASSERT(judge.close(Quantity::jvp, means, wanted, judge.jvp(ones)));
  }));
}

TEST_CASE("the adjoint identity, at scales from 1e-30 to 1e30") {
  CHECK(rc::check([] {
    const Flags f = flags();
    const std::size_t n = length();
    const Complexes x = elements(n);
    const auto scaled = [&](const Complexes& z) {
      return each(z, [](Z one) { return one * std::ldexp(1.0, *rc::gen::inRange(-100, 100)); });
    };
    const Complexes t = scaled(tangents(n)), g = scaled(tangents(n));
    const Complexes forward = values(pushed(x, t, f)), back = values(pulled(x, g, f));
    const auto exact = ComplexJudge(x, f).jvp(t);
    long double left = 0, right = 0, size = 0;
    for (std::size_t k = 0; k < n; ++k) {
      const auto real_part = [](Z a, Z b) {
        return static_cast<long double>(a.real()) * b.real() + static_cast<long double>(a.imag()) * b.imag();
      };
      left += real_part(g[k], forward[k]), right += real_part(back[k], t[k]);
      size += std::abs(g[k]) * static_cast<long double>(exact.scale[f.reverse ? n - 1 - k : k]);
    }
    RC_ASSERT(std::abs(left - right) <= 32 * 0x1p-53L * size);
  }));
}

TEST_CASE("in two pieces, for every split") {
  CHECK(rc::check([] {
    const Flags f{false, *rc::gen::arbitrary<bool>()};
    const std::size_t n = 1 + length(30);
    const Complexes x = elements(n), t = tangents(n);
    const ComplexJudge judge(x, f);
    const auto value = judge.value(), tangent = judge.jvp(t);
    const auto cut = static_cast<std::int64_t>(*rc::gen::inRange<std::size_t>(0, n + 1));
    const auto pieces = [&](const Tensor& at) {
      const auto [first, carry] = sg::logcumsumexp_with_carry(sg::slice(at, {.end = cut}), f.along(-1));
      return sg::concatenate({first, sg::logcumsumexp(sg::slice(at, {.begin = cut}), carry, f.along(-1))});
    };
    const auto [y, dy] = sg::jvp(pieces, {Tensor(x)}, {Tensor(t)});
    RC_ASSERT(judge.close(Quantity::value, values(y), values(scanned(Tensor(x), f)), value));
    RC_ASSERT(judge.close(Quantity::jvp, values(dy), values(pushed(x, t, f)), tangent));
  }));
}
