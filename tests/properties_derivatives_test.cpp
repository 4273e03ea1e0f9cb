// What must hold of every scan's derivatives whatever the input.

#include <numeric>

#include "support/property.h"

namespace {

using namespace property;

template <class F>
void each_scan(const F& f) {
  for (const Scan scan : real_scans) {
    INFO(judge::to_string(scan));
    f.template operator()<float>(scan);
    f.template operator()<double>(scan);
  }
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  long double sum = 0;
  for (std::size_t k = 0; k < a.size(); ++k) sum += static_cast<long double>(a[k]) * b[k];
  return static_cast<double>(sum);
}
template <class T>
std::vector<double> doubles(const Tensor& x) {
  std::vector<double> result;
  for (const T& value : x.data<T>()) result.push_back(static_cast<double>(value));
  return result;
}
/// Values times a power of two.
std::vector<double> scaled(std::vector<double> x, int exponent) {
  for (double& value : x) value = std::ldexp(value, exponent);
  return x;
}

using Complexes = std::vector<std::complex<double>>;
Tensor complex_tensor(const std::vector<double>& re, const std::vector<double>& im) {
  Complexes z;
  for (std::size_t k = 0; k < re.size(); ++k) z.emplace_back(re[k], im[k]);
  return Tensor(z);
}
Tensors complex_tensors(const Lanes& re, const Lanes& im) {
  Tensors result;
  for (std::size_t i = 0; i < re.size(); ++i) result.push_back(complex_tensor(re[i], im[i]));
  return result;
}
constexpr Scan complex_scans[] = {Scan::cumsum, Scan::cumprod, Scan::linear_recurrence};

}  // namespace

TEST_CASE("logcumsumexp of x + c is that of x, plus c; its derivatives keep their bits") {
  CHECK(rc::check([] {
    const Flags f = flags();
    const std::size_t n = length();
    std::vector<double> x, shifted;
    const double c = std::ldexp(1.0, *rc::gen::inRange(10, 20));
    for (const int value : *rc::gen::container<std::vector<int>>(n, rc::gen::inRange(-300, 300)))
      x.push_back(value), shifted.push_back(value + c);
    const Lanes t = directions(Scan::logcumsumexp, n);
    const Tensor u = tensor<double>(x), v = tensor<double>(shifted);
    const auto options = f.along(-1);
    const Judge<double> judge(Scan::logcumsumexp, {shifted}, f);
    RC_ASSERT(judge.close(Quantity::value, sg::logcumsumexp(v, options), sg::logcumsumexp(u, options) + c, judge.value(), 4));
    const Tensors direction = tensors<double>(t);
    RC_ASSERT(same_bits<double>(pushed(Scan::logcumsumexp, options, {u}, direction),
                                pushed(Scan::logcumsumexp, options, {v}, direction)));
    RC_ASSERT(same_bits<double>(pulled(Scan::logcumsumexp, options, {u}, direction[0])[0],
                                pulled(Scan::logcumsumexp, options, {v}, direction[0])[0]));
  }));
}

TEST_CASE("Re <g, J t> = Re <J^H g, t>, at scales from 1e-30 to 1e30") {
  each_scan([]<class T>(Scan scan) {
    CHECK(rc::check([=] {
      const Flags f = flags();
      const std::size_t n = length();
      const Lanes x = lanes(scan, n);
      Lanes t = directions(scan, n);
      for (auto& lane : t) lane = scaled(lane, *rc::gen::inRange(-100, 60));
      const auto g = scaled(*numbers(n), *rc::gen::inRange(-100, 60));
      const Judge<T> judge(scan, x, f);
      const auto forward = judge.jvp(t);
      const auto Jt = doubles<T>(pushed(scan, f.along(-1), tensors<T>(x), tensors<T>(t)));
      const Tensors gradients = pulled(scan, f.along(-1), tensors<T>(x), tensor<T>(g));
      long double back = 0, size = 0;
      for (std::size_t i = 0; i < t.size(); ++i) back += dot(doubles<T>(gradients[i]), t[i]);
      for (std::size_t k = 0; k < n; ++k)
        size += static_cast<long double>(forward.scale[k]) * std::abs(static_cast<long double>(g[f.reverse ? n - 1 - k : k]));
      const auto format = judge::format_of(sg::dtype_of<T>);
      const long double floor = format.smallest * static_cast<long double>(n + 1) * 0x1p70L;
      RC_ASSERT(std::abs(dot(Jt, g) - back) <= 16 * format.unit_roundoff * size + floor);
    }));
  });
}

TEST_CASE("the adjoint identity of complex scans; J (i t) is i J t to the bits") {
  for (const Scan scan : complex_scans) {
    INFO(judge::to_string(scan));
    CHECK(rc::check([=] {
      const auto options = flags().along(-1);
      const std::size_t n = length(40);
      const Lanes re = lanes(scan, n), im = lanes(scan, n), tr = directions(scan, n), ti = directions(scan, n);
      Lanes minus = ti;
      for (auto& lane : minus)
        for (double& value : lane) value = -value;
      const Tensors x = complex_tensors(re, im), t = complex_tensors(tr, ti);
      const Tensor g = complex_tensor(*numbers(n), *numbers(n));
      const Tensor Jt = pushed(scan, options, x, t);
      const auto a = Jt.to_vector<std::complex<double>>(),
                 b = pushed(scan, options, x, complex_tensors(minus, tr)).to_vector<std::complex<double>>();
      for (std::size_t k = 0; k < n; ++k) RC_ASSERT(b[k] == std::complex<double>(-a[k].imag(), a[k].real()));
      const Tensors gradients = pulled(scan, options, x, g);
      double back = 0, size = 0;
      for (std::size_t i = 0; i < t.size(); ++i) back += sg::sum(sg::real(sg::conj(gradients[i]) * t[i])).item<double>();
      Tensors x_sizes, t_sizes;
      for (std::size_t i = 0; i < t.size(); ++i) x_sizes.push_back(sg::abs(x[i])), t_sizes.push_back(sg::abs(t[i]));
      size = sg::sum(sg::abs(g) * pushed(scan, options, x_sizes, t_sizes)).item<double>();
      RC_ASSERT(std::abs(sg::sum(sg::real(sg::conj(g) * Jt)).item<double>() - back) <= 100 * 0x1p-53 * size);
    }));
  }
}

TEST_CASE("J is linear: J (a t + s) = a J t + J s, and J 0 is exactly 0; so is J^H") {
  each_scan([]<class T>(Scan scan) {
    CHECK(rc::check([=] {
      const Flags f = flags();
      const auto options = f.along(-1);
      const std::size_t n = length();
      const Lanes x = lanes(scan, n), t = directions(scan, n), s = directions(scan, n);
      Lanes both = t, sizes = t, zeros = t;
      for (std::size_t i = 0; i < t.size(); ++i)
        for (std::size_t k = 0; k < n; ++k) {
          both[i][k] = 4 * t[i][k] + s[i][k];
          sizes[i][k] = 4 * std::abs(t[i][k]) + std::abs(s[i][k]);
          zeros[i][k] = 0;
        }
      const Tensors at = tensors<T>(x);
      const Judge<T> judge(scan, x, f);
      const Tensor Jt = pushed(scan, options, at, tensors<T>(t)), Js = pushed(scan, options, at, tensors<T>(s));
      RC_ASSERT(judge.close(Quantity::jvp, pushed(scan, options, at, tensors<T>(both)), 4 * Jt + Js, judge.jvp(sizes), 3));
      for (const T& value : pushed(scan, options, at, tensors<T>(zeros)).template to_vector<T>()) RC_ASSERT(value == T(0));
      const Tensors gt = pulled(scan, options, at, tensor<T>(t[0])), gs = pulled(scan, options, at, tensor<T>(s[0])),
                    gb = pulled(scan, options, at, tensor<T>(both[0])), none = pulled(scan, options, at, tensor<T>(zeros[0]));
      const auto exact = judge.vjp(sizes[0]);
      for (std::size_t i = 0; i < gt.size(); ++i) {
        RC_ASSERT(judge.close(Quantity::vjp, gb[i], 4 * gt[i] + gs[i], exact[i], 3));
        for (const T& value : none[i].template to_vector<T>()) RC_ASSERT(value == T(0));
      }
    }));
  });
}

TEST_CASE("weights add up to 1: J 1 = 1 on prefixes that are not empty, and J^H g sums to g over them") {
  CHECK(rc::check([] {
    const Flags f = flags();
    const Lanes x = lanes(Scan::logcumsumexp, length());
    const std::size_t n = x[0].size();
    const auto y = sg::logcumsumexp(tensor<double>(x[0]), f.along(-1)).to_vector<double>();
    const auto ones = pushed(Scan::logcumsumexp, f.along(-1), tensors<double>(x), {sg::ones({static_cast<std::int64_t>(n)})});
    const auto J1 = ones.to_vector<double>();
    const auto g = *numbers(n);
    double wanted = 0, size = 0;
    for (std::size_t k = 0; k < n; ++k) {
      const bool empty = std::isinf(y[k]);
      RC_ASSERT((empty ? J1[k] == 0 : std::abs(J1[k] - 1) <= 8 * 0x1p-53));
      if (!empty) wanted += g[k], size += std::abs(g[k]);
    }
    const auto v = doubles<double>(pulled(Scan::logcumsumexp, f.along(-1), tensors<double>(x), tensor<double>(g))[0]);
    RC_ASSERT(std::abs(std::accumulate(v.begin(), v.end(), 0.0) - wanted) <= 32 * 0x1p-53 * size);
  }));
}

TEST_CASE("all four ways to nest give the same second derivative, symmetric in its directions") {
  for (const Scan scan : {Scan::cumprod, Scan::logcumsumexp, Scan::linear_recurrence}) {
    INFO(judge::to_string(scan));
    CHECK(rc::check([=] {
      const auto options = flags().along(-1);
      const std::size_t n = length(12);
      const Tensors x = tensors<double>(lanes(scan, n)), t = tensors<double>(directions(scan, n)),
                    a = tensors<double>(directions(scan, n));
      const Tensor g = tensor<double>(*numbers(n));
      const auto along = [&](const Tensors& d) { return [&](const Tensors& at) { return pushed(scan, options, at, d); }; };
      const auto back = [&](const Tensors& at) { return pulled(scan, options, at, g); };
      const auto total = [](const Tensors& p, const Tensors& q) {
        double sum = 0;
        for (std::size_t i = 0; i < p.size(); ++i) sum += sg::sum(p[i] * q[i]).item<double>();
        return sum;
      };
      const double ff = sg::sum(g * sg::jvp(along(t), sg::args(x), sg::args(a)).tangent).item<double>();
      const double swapped = sg::sum(g * sg::jvp(along(a), sg::args(x), sg::args(t)).tangent).item<double>();
      const double fr = total(sg::jvp(back, sg::args(x), sg::args(a)).tangent, t);
      const double rf = total(sg::vjp(along(t), sg::args(x)).pullback(g), a);
      const double rr = total(sg::vjp(back, sg::args(x)).pullback(t), a);
      double size = 1;  // |g|^T of the same with absolute values bounds every term
      for (const Tensors* d : {&t, &a})
        for (const Tensor& part : *d) size *= 1 + sg::sum(sg::abs(part)).item<double>();
      if (scan != Scan::logcumsumexp)
        for (const Tensor& part : x) size *= 1 + sg::sum(sg::prod(sg::maximum(1.0, sg::abs(part)))).item<double>();
      size *= sg::sum(sg::abs(g)).item<double>();
      for (const double other : {swapped, fr, rf, rr}) RC_ASSERT(std::abs(ff - other) <= 64 * 0x1p-53 * size);
    }));
  }
}

TEST_CASE("narrow dtypes give the rounded results of wide ones, in values and derivatives") {
  for (const Scan scan : real_scans) {
    INFO(judge::to_string(scan));
    CHECK(rc::check([=] {
      const Flags f = flags();
      const auto options = f.along(-1);
      const std::size_t n = length(40);
      const Lanes x = lanes(scan, n), t = directions(scan, n);
      const Judge<float> judge(scan, x, f);
      const Tensors narrow = tensors<float>(x), wide = tensors<double>(x);
      const auto same = [&](Quantity quantity, const Tensor& a, const Tensor& b, const auto& exact) {
        RC_ASSERT(judge.close(quantity, a, sg::astype(b, sg::DType::float32), exact, 1.5));
      };
      same(Quantity::value, judge::apply(scan, narrow, options), judge::apply(scan, wide, options), judge.value());
      same(Quantity::jvp, pushed(scan, options, narrow, tensors<float>(t)), pushed(scan, options, wide, tensors<double>(t)),
           judge.jvp(t));
      const Tensors a = pulled(scan, options, narrow, tensor<float>(t[0])),
                    b = pulled(scan, options, wide, tensor<double>(t[0]));
      const auto exact = judge.vjp(t[0]);
      for (std::size_t i = 0; i < a.size(); ++i) same(Quantity::vjp, a[i], b[i], exact[i]);
    }));
  }
}

TEST_CASE("derivatives of a batch are those of each row; of a view, those of its copy") {
  each_scan([]<class T>(Scan scan) {
    CHECK(rc::check([=] {
      const Flags f = flags();
      const std::size_t n = length(40);
      const sg::Shape shape{3, static_cast<std::int64_t>(n)};
      Tensors x, t, columns, directions_of_columns;
      for (std::size_t i = 0; i < judge::inputs(scan); ++i) {
        x.push_back(tensor<T>(*numbers(3 * n), shape)), t.push_back(tensor<T>(*numbers(3 * n), shape));
        columns.push_back(sg::transpose(copy<T>(sg::transpose(x.back()))));  // the same values, down columns of memory
        directions_of_columns.push_back(sg::transpose(copy<T>(sg::transpose(t.back()))));
      }
      const Tensor tangent = pushed(scan, f.along(1), x, t), other = pushed(scan, f.along(1), columns, directions_of_columns);
      const Tensors gradient = pulled(scan, f.along(1), x, t[0]);
      for (int row = 0; row < 3; ++row) {
        Tensors alone, direction;
        Lanes at, towards;
        for (std::size_t i = 0; i < x.size(); ++i) {
          alone.push_back(x[i][row]), direction.push_back(t[i][row]);
          at.push_back(doubles<T>(alone.back())), towards.push_back(doubles<T>(direction.back()));
        }
        RC_ASSERT(same_bits<T>(tangent[row], pushed(scan, f.along(0), alone, direction)));
        const Tensors of_row = pulled(scan, f.along(0), alone, direction[0]);
        for (std::size_t i = 0; i < x.size(); ++i) RC_ASSERT(same_bits<T>(gradient[i][row], of_row[i]));
        const Judge<T> judge(scan, at, f);
        RC_ASSERT(judge.close(Quantity::jvp, other[row], tangent[row], judge.jvp(towards)));
      }
    }));
  });
}
