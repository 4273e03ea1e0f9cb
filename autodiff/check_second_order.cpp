// The Hessian H of <q, f> by the four ways to nest jvp and vjp.

#include <cmath>

#include "autodiff/check_rules.h"

namespace scangrad::inline v0::autodiff {
namespace {

/// The derivatives of J a and of J^H q, once more differentiated.
class Nested {
 public:
  Nested(const Program& program, const Probe& q) : program_(program), q_(program.out.tensors(q.values)) {}

  Vector jvp_of_jvp(const Vector& a, const Vector& b) const {
    return program_.out.of(scangrad::jvp(pushed(a), at(), args(tensors(b)), program_.site).tangent);
  }
  Vector vjp_of_jvp(const Vector& a) const {
    return program_.in.of(scangrad::vjp(pushed(a), at(), program_.site).pullback(q_));
  }
  Vector jvp_of_vjp(const Vector& a) const {
    return program_.in.of(scangrad::jvp(pulled(), at(), args(tensors(a)), program_.site).tangent);
  }
  Vector vjp_of_vjp(const Vector& a) const {
    return program_.in.of(scangrad::vjp(pulled(), at(), program_.site).pullback(tensors(a)));
  }

 private:
  Args<Tensors> at() const { return args(program_.x); }
  Tensors tensors(const Vector& v) const { return program_.in.tensors(v); }
  detail::CheckedFunction pushed(const Vector& a) const {
    return
        [this, t = args(tensors(a))](const Tensors& x) { return scangrad::jvp(program_.f, args(x), t, program_.site).tangent; };
  }
  detail::CheckedFunction pulled() const {
    return [this](const Tensors& x) { return scangrad::vjp(program_.f, args(x), program_.site).pullback(q_); };
  }
  const Program& program_;
  Tensors q_;
};

/// The Hessian and what errors in its elements are relative to: rounding acts on first derivatives too, so they count.
struct Hessian {
  std::vector<Vector> columns;
  double first = 0;  ///< the largest first derivative of <|q|, f>

  double size(const Vector& a, const Vector& b) const {
    double total = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
      if (a[i] != 0) total += std::abs(a[i]) * (size_of_dot(columns[i], b) + first * largest(b));
    return total;
  }
  static double largest(const Vector& v) {
    double result = 0;
    for (double x : v) result = std::max(result, std::abs(x));
    return result;
  }
};

Hessian hessian(Program& program, const Nested& nested, const Probe& q) {
  Hessian result;
  for (std::size_t i = 0; i < program.in.size(); ++i) result.columns.push_back(nested.jvp_of_vjp(single(program.in, i).values));
  result.first = Hessian::largest(program.size_of_vjp(q.values));
  return result;
}

struct Comparing {
  Program& program;
  const Nested& nested;
  const Hessian& H;
  const Probe& q;
  Worst &symmetric, &nestings, &differences;

  std::string place(const std::string& a, const std::string& b) const {
    return fmt::format("{} and {}, cotangent {}", a, b, q.name);
  }

  void see_symmetry() {
    const std::size_t n = program.in.size();
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < i; ++j)
        symmetric.see(H.columns[i][j], H.columns[j][i], std::abs(H.columns[i][j]) + std::abs(H.columns[j][i]) + H.first,
                      [&] { return place(program.in.name(i), program.in.name(j)); });
  }

  /// b^T H a, contracted with the other cotangent where the nesting leaves outputs.
  void see_nestings(const Probe& a, const Probe& b) {
    const double expected = dot(q.values, nested.jvp_of_jvp(a.values, b.values)), size = H.size(a.values, b.values);
    const auto see = [&](const char* name, const Vector& column) {
      nestings.see(dot(column, b.values), expected, size, [&] { return fmt::format("{}, {}", name, place(a.name, b.name)); });
    };
    see("vjp of jvp", nested.vjp_of_jvp(a.values));
    see("jvp of vjp", nested.jvp_of_vjp(a.values));
    see("vjp of vjp", nested.vjp_of_vjp(a.values));
  }

  void see_differences() {
    const std::vector<Vector> expected = program.hessian_by_differences(q.values);
    const Vector gradient = program.vjp(q.values);
    for (std::size_t i = 0; i < expected.size(); ++i)
      for (std::size_t j = 0; j < expected.size(); ++j)
        differences.see(H.columns[i][j], expected[i][j],
                        std::abs(H.columns[i][j]) + std::abs(expected[i][j]) + H.first * 0x1p-20,
                        [&] { return place(program.in.name(j), program.in.name(i)); });
  }
};

}  // namespace

void check_second_order(Program& program, Comparisons& list) {
  const double tolerance = rounding_tolerance(program);
  Worst symmetric("the Hessian is symmetric", tolerance), nestings("jvp of jvp = other nestings", tolerance),
      differences("Hessian = differences of vjp", difference_tolerance(program));
  for (int k = 0; k < program.options.probes; ++k) {
    const Probe q = program.random_signs(program.out, k);
    const Nested nested(program, q);
    const Hessian H = hessian(program, nested, q);
    Comparing comparing{program, nested, H, q, symmetric, nestings, differences};
    comparing.see_symmetry();
    comparing.see_nestings(program.random_signs(program.in, 2 * k), program.random_signs(program.in, 2 * k + 1));
    if (k == 0) comparing.see_differences();
    for (std::size_t i = 0; i < program.in.size(); ++i)  // each coordinate beside another
      comparing.see_nestings(single(program.in, i), single(program.in, (i + static_cast<std::size_t>(k)) % program.in.size()));
  }
  for (const Worst* worst : {&symmetric, &nestings, &differences}) list.push_back(worst->result());
}

}  // namespace scangrad::inline v0::autodiff
