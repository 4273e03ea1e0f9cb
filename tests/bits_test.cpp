// The same inputs give the same bits: run after run, for a row alone and among others, wherever it starts in memory; and, by
// tests/same_bits.sh with the hidden case, on any number of threads.

#include <cstdio>

#include "judge/run.h"
#include "support/catch.h"

namespace {

using namespace judge;
using sg::Tensor;
using Tensors = std::vector<Tensor>;

/// Reproducible numbers with a wide spread, in (-8, 8); those of a recurrence's a in (-1, 1).
template <class T>
std::vector<T> noise(std::size_t n, std::uint64_t seed, double spread) {
  std::vector<T> values;
  for (std::size_t i = 0; i < n; ++i) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    const double x = spread * (static_cast<double>(seed >> 11) * 0x1p-52 - 1);
    if constexpr (sg::core::is_complex_type<T>)
      values.emplace_back(static_cast<typename T::value_type>(x), static_cast<typename T::value_type>(spread - x));
    else values.push_back(sg::core::convert<T>(x));
  }
  return values;
}

struct Problem {
  Scan scan;
  sg::ScanOptions options;
};

/// The value, the jvp and the vjp, with tangents that are the inputs in other places.
Tensors outcomes(const Problem& p, const Tensors& x, const Tensors& t) {
  const auto f = [&](const Tensors& at) { return apply(p.scan, at, p.options); };
  Tensors all = {f(x), sg::jvp(f, sg::args(x), sg::args(t)).tangent};
  for (const Tensor& gradient : sg::vjp(f, sg::args(x)).pullback(t[0])) all.push_back(gradient);
  return all;
}

template <class T>
bool same(const Tensor& a, const Tensor& b) {
  const auto x = a.data<T>(), y = b.data<T>();
  return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size() * sizeof(T)) == 0;
}

/// Complex numbers have no order.
template <class T>
bool supported(Scan scan) {
  return !sg::core::is_complex_type<T> || !(scan == Scan::cummax || scan == Scan::cummin);
}

double spread_of(Scan scan, std::size_t input) {
  return scan == Scan::cumprod || (scan == Scan::linear_recurrence && input == 0) ? 1.05 : 8;
}

/// Calls f<T>(problem) for all scans, directions and some dtypes.
template <class F>
void each(const F& f) {
  for (const Scan scan : all_scans)
    for (const bool reverse : {false, true})
      for (const bool exclusive : {false, true})
        for (const sg::DType dtype : {sg::DType::bfloat16, sg::DType::float32, sg::DType::float64, sg::DType::complex64})
          sg::core::visit(Judged(), dtype, [&]<class T>() {
            if (!supported<T>(scan)) return;
            INFO(to_string(scan) << " " << sg::to_string(dtype) << (reverse ? " reverse" : "")
                                 << (exclusive ? " exclusive" : ""));
            f.template operator()<T>(Problem{scan, {.reverse = reverse, .exclusive = exclusive}});
          });
}

template <class T>
Tensors inputs_of(Scan scan, const sg::Shape& shape, std::uint64_t seed) {
  Tensors x;
  for (std::size_t i = 0; i < inputs(scan); ++i)
    x.emplace_back(noise<T>(test::count(shape), seed += 77, spread_of(scan, i)), shape);
  return x;
}

}  // namespace

TEST_CASE("run after run") {
  each([]<class T>(const Problem& p) {
    const Tensors x = inputs_of<T>(p.scan, {3, 1777}, 1), t = inputs_of<T>(p.scan, {3, 1777}, 2);
    const Tensors first = outcomes(p, x, t);
    for (int run = 0; run < 3; ++run) {
      const Tensors again = outcomes(p, x, t);
      for (std::size_t i = 0; i < first.size(); ++i) CHECK(same<T>(first[i], again[i]));
    }
  });
}

TEST_CASE("a row alone and among others") {
  each([]<class T>(const Problem& p) {
    for (const std::int64_t length : {1, 7, 16, 32, 64, 1025, 2050})
      for (const std::int64_t rows : {2, 5, 37}) {
        const Tensors x = inputs_of<T>(p.scan, {rows, length}, 3), t = inputs_of<T>(p.scan, {rows, length}, 4);
        const Tensors batch = outcomes(p, x, t);
        for (const std::int64_t row : {std::int64_t{0}, rows - 1}) {
          Tensors one, direction;
          for (const Tensor& part : x) one.push_back(part[row]);
          for (const Tensor& part : t) direction.push_back(part[row]);
          const Tensors alone = outcomes(p, one, direction);
          for (std::size_t i = 0; i < alone.size(); ++i) {
            INFO("rows of " << length << ", " << rows << " of them, result " << i);
            CHECK(same<T>(batch[i][row], alone[i]));
          }
        }
      }
  });
}

TEST_CASE("a column alone and among others") {
  each([]<class T>(Problem p) {
    p.options.axis = 0;
    const std::int64_t length = 1030;
    for (const std::int64_t columns : {2, 16, 37}) {
      const Tensors x = inputs_of<T>(p.scan, {length, columns}, 5), t = inputs_of<T>(p.scan, {length, columns}, 6);
      const Tensors all = outcomes(p, x, t);
      for (const std::int64_t column : {std::int64_t{0}, columns - 1}) {
        Tensors pair, direction;  // a column has a stride, as before: two of them, and one is looked at
        const auto two = [&](const Tensor& part) {
          const Tensor of_one = sg::slice(part, {.axis = 1, .begin = column, .end = column + 1});
          return sg::concatenate({of_one, of_one}, {.axis = 1});
        };
        for (const Tensor& part : x) pair.push_back(two(part));
        for (const Tensor& part : t) direction.push_back(two(part));
        const Tensors alone = outcomes(p, pair, direction);
        for (std::size_t i = 0; i < alone.size(); ++i) {
          INFO(columns << " columns, result " << i);
          CHECK(same<T>(sg::slice(all[i], {.axis = 1, .begin = column, .end = column + 1}),
                        sg::slice(alone[i], {.axis = 1, .begin = 1, .end = 2})));
        }
      }
    }
  });
}

TEST_CASE("wherever a row starts in memory") {
  each([]<class T>(const Problem& p) {
    const std::size_t n = 2100;
    const Tensors t = inputs_of<T>(p.scan, {static_cast<std::int64_t>(n)}, 8);
    Tensors first;
    for (const std::size_t offset : {0u, 1u, 3u, 5u, 8u, 13u}) {
      Tensors x;
      for (std::size_t i = 0; i < inputs(p.scan); ++i) {
        const std::shared_ptr<T[]> memory(new T[n + 16]);
        const auto values = noise<T>(n, 9 + i, spread_of(p.scan, i));
        std::copy(values.begin(), values.end(), memory.get() + offset);
        x.push_back(Tensor::borrow(std::shared_ptr<const void>(memory, memory.get() + offset), sg::dtype_of<T>,
                                   {static_cast<std::int64_t>(n)}, sg::Strides()));
      }
      const Tensors results = outcomes(p, x, t);
      if (first.empty()) first = results;
      for (std::size_t i = 0; i < first.size(); ++i) CHECK(same<T>(first[i], results[i]));
    }
  });
}

TEST_CASE("a value has the same bits alone and beside any tangent") {
  each([&]<class T>(const Problem& p) {
    constexpr std::size_t n = 1500;  // several tiles, each of its own kind
    for (const sg::Shape& shape : {sg::Shape{n}, sg::Shape{60, n / 60}}) {
      Problem along = p;
      along.options.axis = 0;
      Tensors x = inputs_of<T>(p.scan, shape, 12);
      if (p.scan == Scan::logcumsumexp && shape.size() > 1) x = {Tensor(noise<T>(n, 12, 150), shape)};
      for (double special : {1.0, 1e-30, 1e30, double{INFINITY}, double{NAN}}) {
        Tensors t;
        for (std::size_t i = 0; i < x.size(); ++i) {
          auto values = noise<T>(n, 13 + i, 1);
          for (std::size_t k = 700; k < n; k += 400) values[k] = sg::core::convert<T>(special);
          t.push_back(Tensor(values, shape));
        }
        const auto f = [&](const Tensors& at) { return apply(along.scan, at, along.options); };
        INFO("a tangent of " << special << ", " << shape.size() << " axes");
        CHECK(same<T>(f(x), sg::jvp(f, sg::args(x), sg::args(t)).value));
      }
    }
  });
}

TEST_CASE("a digest of many results", "[.digest]") {
  std::uint64_t digest = 0xcbf29ce484222325u;
  each([&]<class T>(const Problem& p) {
    for (const auto& [shape, axis] : {std::pair{sg::Shape{20001}, 0}, std::pair{sg::Shape{16, 1025}, 1},
                                      std::pair{sg::Shape{1025, 16}, 0}, std::pair{sg::Shape{2500, 8}, 1}}) {
      Problem along = p;
      along.options.axis = axis;
      for (const Tensor& result : outcomes(along, inputs_of<T>(p.scan, shape, 10), inputs_of<T>(p.scan, shape, 11)))
        for (const T& value : result.data<T>()) {
          unsigned char bytes[sizeof(T)];
          std::memcpy(bytes, &value, sizeof(T));
          for (unsigned char byte : bytes) digest = (digest ^ byte) * 0x100000001b3u;
        }
    }
  });
  std::printf("digest %016llx\n", static_cast<unsigned long long>(digest));
}
