// The checks' public function, and their report as a table.

#include "scangrad/check.h"

#include <algorithm>
#include <cmath>
#include <ostream>

#include "autodiff/check_rules.h"
#include "core/error.h"
#include "core/node.h"

namespace scangrad::inline v0 {

CheckReport::operator bool() const noexcept {
  return std::all_of(comparisons.begin(), comparisons.end(), [](const Comparison& c) { return c.passed(); });
}

const CheckReport::Comparison& CheckReport::worst() const {
  if (comparisons.empty()) {
    const core::CallScope call("CheckReport::worst", Site());
    core::fail("the report is empty; make it by one of the check_ functions");
  }
  const auto excess = [](const Comparison& c) {
    return c.error != c.error ? INFINITY : c.error == 0 ? 0 : c.error / c.tolerance;
  };
  return *std::max_element(comparisons.begin(), comparisons.end(),
                           [&](const Comparison& a, const Comparison& b) { return excess(a) < excess(b); });
}

namespace {

std::string line(const CheckReport::Comparison& c, std::size_t width) {
  if (!c.skipped.empty()) return fmt::format("  skipped  {:{}}  {}\n", c.what, width, c.skipped);
  std::string text = fmt::format("  {:7}  {:{}}  {:9.2g}  {:9.2g}  {:6}", c.passed() ? "ok" : "FAILED", c.what, width, c.error,
                                 c.tolerance, c.values);
  if (!c.where.empty()) text += "  " + c.where;
  if (!c.passed()) text += fmt::format(": {:.9g}, expected {:.9g}", c.got, c.expected);
  return text + "\n";
}

}  // namespace

std::string to_string(const CheckReport& report) {
  const auto& all = report.comparisons;
  const auto failed = std::count_if(all.begin(), all.end(), [](const auto& c) { return !c.passed(); });
  std::size_t width = 0;
  for (const auto& c : all) width = std::max(width, c.what.size());
  std::string text =
      failed == 0 ? fmt::format("{}: passed (seed {})\n", report.name, report.seed)
                  : fmt::format("{}: {} of {} comparisons failed (seed {})\n", report.name, failed, all.size(), report.seed);
  text += fmt::format("           {:{}}  {:>9}  {:>9}  {:>6}  worst at\n", "compared", width, "error", "tolerance", "values");
  for (const auto& c : all) text += line(c, width);
  return text;
}

std::ostream& operator<<(std::ostream& out, const CheckReport& report) { return out << to_string(report); }

namespace detail {
namespace {

const char* name_of(Check which) {
  constexpr const char* names[] = {"check_jvp",          "check_vjp",  "check_adjoint", "check_linearity",
                                   "check_second_order", "check_vmap", "check_all"};
  return names[static_cast<int>(which)];
}

}  // namespace

CheckReport check_flat(Check which, const CheckedFunction& f, const std::vector<Tensor>& x, const CheckOptions& options,
                       Site site) {
  CheckReport report{name_of(which), options.seed, {}};
  {
    const core::CallScope call(report.name, site);
    core::check(options.probes >= 1 && options.elements >= 1,
                "at least one probe and one element are needed, given .probes = {} and .elements = {}", options.probes,
                options.elements);
    core::check(options.tolerance >= 0 && options.absolute >= 0, "tolerances must not be negative, given {} and {}",
                options.tolerance, options.absolute);
    core::check(!x.empty(), "there is nothing to differentiate with respect to; give at least one Tensor");
    for (std::size_t i = 0; i < x.size(); ++i) {
      core::check_not_empty(x[i]);
      core::check(
          which == Check::vmap || is_inexact(x[i].dtype()),
          "argument {} is {}, and derivatives exist for floating tensors only; convert it with astype, or close over it", i,
          x[i].dtype());
    }
  }
  const auto wanted = [which](Check one) { return which == one || which == Check::all; };
  if (which != Check::vmap) {
    autodiff::Program program(f, x, options, site);
    if (wanted(Check::jvp)) autodiff::check_jvp(program, report.comparisons);
    if (wanted(Check::vjp)) autodiff::check_vjp(program, report.comparisons);
    if (wanted(Check::adjoint)) autodiff::check_adjoint(program, report.comparisons);
    if (wanted(Check::linearity)) autodiff::check_linearity(program, report.comparisons);
    if (wanted(Check::second_order)) autodiff::check_second_order(program, report.comparisons);
  }
  if (wanted(Check::vmap)) autodiff::check_vmap(f, x, options, site, report.comparisons);
  return report;
}

}  // namespace detail
}  // namespace scangrad::inline v0
