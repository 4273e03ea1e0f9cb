// scangrad_conformance [--device cpu] [--isa v2|v3|v4] FILE...
//
// Runs exact cases (judge/cases.h) through the public interface: value, jvp and vjp, each from contiguous tensors, from ones
// embedded in a larger strided tensor, and behind elements that change nothing, as the end of long lanes; and the derivatives of logcumsumexp by the split rule too. One of these outputs of a case
// is a value checked; it passes if every way to compute it keeps the budget of judge/units.h. A line tells each failure.
//
// Exit status: 0 all pass; 1 some fail, or a file or case is malformed; 2 the machine lacks the instruction set; 64 wrong usage.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <stdexcept>

#include "judge/cases.h"
#include "judge/isa.h"
#include "judge/run.h"
#include "judge/units.h"
#include "support/reference.h"

namespace judge {
namespace {

enum class Form { plain, embedded, behind };
constexpr Form all_forms[] = {Form::plain, Form::embedded, Form::behind};
constexpr const char* form_names[] = {"", ", embedded", ", behind others"};

/// What changes nothing before other elements.
double neutral(Scan scan) {
  if (scan == Scan::cumprod) return 1;
  if (scan == Scan::cummin) return INFINITY;
  return scan == Scan::cumsum ? 0 : -INFINITY;
}

struct Count {
  int passed = 0, failed = 0;
  void add(bool pass) { ++(pass ? passed : failed); }
};

template <class V>
std::string written(V value) {
  char text[96];
  if constexpr (is_complex<V>)
    std::snprintf(text, sizeof text, "%.17Lg%+.17Lgi", static_cast<long double>(value.real()),
                  static_cast<long double>(value.imag()));
  else std::snprintf(text, sizeof text, "%.17Lg", static_cast<long double>(value));
  return text;
}

template <class T>
class CaseRun {
  using V = Wide<T>;

 public:
  explicit CaseRun(const Case& c) : case_(c), lanes_(test::lanes(c.shape, {c.axis, c.reverse, c.exclusive})) {
    for (const auto& lane : lanes_) references_.push_back(reference<V>(c.scan, {in_lane(c.x, lane)}));
  }

  void run(Count& count) {
    if (case_.value) count.add(check(Quantity::value, *case_.value));
    if (case_.jvp) count.add(check(Quantity::jvp, *case_.jvp));
    if (case_.vjp) count.add(check(Quantity::vjp, *case_.vjp));
  }

 private:
  static V number(const Number& n) {
    if constexpr (is_complex<V>) return V(static_cast<Real<V>>(n.real()), static_cast<Real<V>>(n.imag()));
    else return static_cast<V>(n.real());
  }
  static Values<V> in_lane(const std::vector<Number>& all, const std::vector<std::size_t>& lane) {
    Values<V> result;
    for (std::size_t at : lane) result.push_back(number(all[at]));
    return result;
  }
  sg::Tensor tensor(const std::vector<Number>& numbers, bool embedded) const {
    std::vector<T> values;
    for (const Number& n : numbers) {
      if constexpr (is_complex<V>)
        values.emplace_back(static_cast<typename T::value_type>(n.real()), static_cast<typename T::value_type>(n.imag()));
      else values.push_back(sg::core::convert<T>(static_cast<double>(n.real())));
    }
    return tensor_of(values, case_.shape, embedded);
  }

  /// The scan of x, or what it gives for x behind (in scan order) so many elements that rows are scanned as long ones are.
  sg::Tensor scanned(const sg::Tensor& x, bool behind, const sg::ScanOptions& options) const {
    if (!behind) return apply(case_.scan, {x}, options);
    constexpr std::int64_t before = 70;
    sg::Shape shape = case_.shape;
    const auto axis = static_cast<std::size_t>(case_.axis < 0 ? case_.axis + static_cast<int>(shape.size()) : case_.axis);
    const std::int64_t length = shape[axis], begin = case_.reverse ? 0 : before;
    shape[axis] = before;
    const sg::Tensor others = sg::astype(sg::full(shape, neutral(case_.scan)), case_.dtype);
    const sg::Tensor all =
        case_.reverse ? sg::concatenate({x, others}, {.axis = case_.axis}) : sg::concatenate({others, x}, {.axis = case_.axis});
    return sg::slice(apply(case_.scan, {all}, options), {.axis = case_.axis, .begin = begin, .end = begin + length});
  }

  sg::Tensor compute(Quantity quantity, Form form, const sg::ScanOptions& options) const {
    const auto f = [&](const sg::Tensor& x) { return scanned(x, form == Form::behind, options); };
    const bool embedded = form == Form::embedded;
    const sg::Tensor x = tensor(case_.x, embedded);
    if (quantity == Quantity::jvp) return sg::jvp(f, {x}, {tensor(*case_.tangent, embedded)}).tangent;
    if (quantity == Quantity::vjp) return sg::vjp(f, {x}).pullback(tensor(*case_.cotangent, embedded));
    return f(x);
  }

  bool check(Quantity quantity, const Expected& expected) const {
    bool pass = true;
    for (const Form form : all_forms) {
      sg::ScanOptions options{.axis = case_.axis, .reverse = case_.reverse, .exclusive = case_.exclusive};
      pass &= check(quantity, expected, form, options, false);
      if (case_.scan == Scan::logcumsumexp && quantity != Quantity::value && choose_split(options))
        pass &= check(quantity, expected, form, options, true);
    }
    return pass;
  }

  bool check(Quantity quantity, const Expected& expected, Form form, const sg::ScanOptions& options, bool split) const {
    const std::string what =
        case_.id + " " + std::string(to_string(quantity)) + form_names[static_cast<int>(form)] + (split ? ", split rule" : "");
    try {
      const sg::Tensor result = compute(quantity, form, options);
      if (result.dtype() != case_.dtype || result.shape() != case_.shape)
        throw std::runtime_error("the result is a " + std::string(sg::to_string(result.dtype())) + " of shape " +
                                 sg::to_string(result.shape()));
      return compare(what, quantity, widen<T>(result), expected, split);
    } catch (const std::exception& error) {
      std::printf("FAIL %s: %s\n", what.c_str(), error.what());
      return false;
    }
  }

  bool compare(const std::string& what, Quantity quantity, const Values<V>& got, const Expected& expected, bool split) const {
    double worst = 0, allowed = 0;
    std::size_t at = 0;
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      const Exact<V> exact = exactly(quantity, i);
      double limit = *budget(case_.scan, quantity, case_.dtype);
      if (split) limit *= split_factor(references_[i]->value(case_.exclusive).value, in_lane(directions(quantity), lanes_[i]));
      for (std::size_t k = 0; k < lanes_[i].size(); ++k) {
        const std::size_t place = lanes_[i][k];
        if (!expected[place]) continue;
        const double error = distance(got[place], number(*expected[place]), {exact.scale[k], exact.floor[k]}, quantity);
        if (!(error > limit) || (worst > 0 && error / limit <= worst / allowed)) continue;
        worst = error, allowed = limit, at = place;
      }
    }
    if (worst == 0) return true;
    std::printf("FAIL %s: element %zu is %s, exactly %s: %.3g units of error, %.3g allowed\n", what.c_str(), at,
                written(got[at]).c_str(), written(number(*expected[at])).c_str(), worst, allowed);
    return false;
  }

  const std::vector<Number>& directions(Quantity quantity) const {
    return quantity == Quantity::jvp ? *case_.tangent : *case_.cotangent;
  }
  Exact<V> exactly(Quantity quantity, std::size_t lane) const {
    const Reference<V>& reference = *references_[lane];
    if (quantity == Quantity::value) return reference.value(case_.exclusive);
    const Values<V> direction = in_lane(directions(quantity), lanes_[lane]);
    return quantity == Quantity::jvp ? reference.jvp({direction}, case_.exclusive)
                                     : reference.vjp(direction, case_.exclusive)[0];
  }
  /// Infinite directions leave no scale; what they do not reach must then be met exactly.
  double distance(V got, V exact, Yardstick<Real<V>> yardstick, Quantity quantity) const {
    if (yardstick.scale != yardstick.scale) yardstick.scale = 0;
    if (!(yardstick.floor < static_cast<Real<V>>(test::infinity))) yardstick.floor = 1;
    const Format format = format_of(case_.dtype);
    if constexpr (is_complex<V>)
      return error_in_units(got, exact, yardstick, format, case_.scan == Scan::logcumsumexp && quantity == Quantity::value);
    else return error_in_units(got, exact, yardstick, format);
  }

  const Case& case_;
  std::vector<std::vector<std::size_t>> lanes_;
  std::vector<std::unique_ptr<Reference<V>>> references_;
};

void run_file(const char* path, Count& count) {
  try {
    for (const auto& [own, problem] : read_cases(path)) {
      const auto& c = own;  // what a lambda may capture
      if (!problem.empty()) {
        std::printf("FAIL %s: case %s: %s\n", path, c.id.c_str(), problem.c_str());
        count.add(false);
        continue;
      }
      if (sg::is_complex(c.dtype) && (c.scan == Scan::cummax || c.scan == Scan::cummin)) {
        std::printf("FAIL %s: case %s: %s has no complex numbers\n", path, c.id.c_str(),
                    std::string(to_string(c.scan)).c_str());
        count.add(false);
        continue;
      }
      sg::core::visit(Judged(), c.dtype, [&]<class T>() { CaseRun<T>(c).run(count); });
    }
  } catch (const std::exception& error) {
    std::printf("FAIL %s: %s\n", path, error.what());
    count.add(false);
  }
}

constexpr const char* usage = "usage: scangrad_conformance [--device cpu] [--isa v2|v3|v4] FILE...\n";

[[noreturn]] void wrong(const std::string& what) {
  std::fprintf(stderr, "scangrad_conformance: %s\n%s", what.c_str(), usage);
  std::exit(64);
}

std::vector<const char*> files_of(int argc, char** argv) {
  std::vector<const char*> files;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--help") std::exit(std::fputs(usage, stdout) < 0);
    if (argument.rfind("--", 0) != 0) {
      files.push_back(argv[i]);
      continue;
    }
    if (argument != "--device" && argument != "--isa") wrong("no option '" + argument + "'");
    if (++i == argc) wrong(argument + " needs a value");
    const std::string value = argv[i];
    if (argument == "--device" && value != "cpu") wrong("no device '" + value + "' here; 'cpu' is there");
    if (argument == "--isa") choose_isa("scangrad_conformance", value, 2);
  }
  if (files.empty()) wrong("no file");
  return files;
}

}  // namespace
}  // namespace judge

int main(int argc, char** argv) {
  judge::Count count;
  for (const char* file : judge::files_of(argc, argv)) judge::run_file(file, count);
  std::printf("%d passed, %d failed\n", count.passed, count.failed);
  return count.failed == 0 ? 0 : 1;
}
