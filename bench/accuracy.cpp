// bench_accuracy [--quick] [--known FILE] [--out NAME] [--only WORD] [--jobs N]
//
// Runs every scan on the distributions of accuracy/distributions.h, in all dtypes, directions and layouts, and tells the worst error of
// value, jvp, vjp and second derivatives in the units of docs/accuracy.md, and where it was. Writes NAME.md (the worst of each kind)
// and NAME.csv (everything). --quick: short lengths, in a minute. --only: scans or dtypes whose name begins so. --jobs: so many
// measurements side by side, by default as many as there are processors; the results do not depend on it.
//
// Exit status 1 if a budget is missed that is no known miss, or a known miss is worse than the file says.

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <list>
#include <map>
#include <thread>
#include <tuple>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "accuracy/measure.h"
#include "scangrad/scangrad.h"

namespace accuracy {
namespace {

using sg::DType;
using Key = std::tuple<Scan, Quantity, DType>;

constexpr DType dtypes[] = {DType::float16, DType::bfloat16,  DType::float32,
                            DType::float64, DType::complex64, DType::complex128};

struct Settings {
  bool quick = false;
  std::string known, out, only;
  std::size_t jobs = std::max(1u, std::thread::hardware_concurrency());
};

/// The lengths and layouts for a dtype. Those of 2^17 and more are where an error that grows would show.
std::vector<Plan> plans(DType dtype, const Distribution& distribution, bool quick) {
  const bool slow = dtype == DType::float64 || dtype == DType::complex128;  // judged by 113 bits
  std::vector<Plan> result;
  for (std::size_t n : {1u, 2u, 3u, 31u, 32u, 33u, 1023u, 1025u}) {
    if (quick && dtype == DType::complex128 && (n == 31 || n == 32 || n == 1023)) continue;
    result.push_back({.n = n});
    if (n == 3 || n == 33 || (n == 1025 && !(quick && slow))) result.push_back({.n = n, .layout = Layout::column});
  }
  if (quick) {
    if (!slow && distribution.long_too) result.push_back({.n = 4096}), result.push_back({.n = 131073, .one_way = true});
    return result;
  }
  result.push_back({.n = 4096});
  if (dtype != DType::complex128 || distribution.complex_only || distribution.long_too)
    result.push_back({.n = slow ? 131072u : 131073u, .second_order = dtype != DType::complex128});
  if (dtype == DType::float32) result.push_back({.n = 1u << 20});
  if (distribution.long_too && (dtype == DType::float32 || dtype == DType::float64))
    result.push_back({.n = 1u << 24, .one_way = true, .second_order = false});
  return result;
}

std::string flags(const Finding& f) {
  return std::string(f.reverse ? "reverse" : "forward") + (f.exclusive ? " exclusive" : "") +
         (f.layout == Layout::column ? ", columns" : "");
}

std::string text(std::string_view view) { return std::string(view); }

/// Misses that are known: lines `scan,quantity,dtype,distribution,units,reason`, with * for every distribution; '#' begins a comment.
class KnownMisses {
 public:
  explicit KnownMisses(const std::string& path) {
    std::ifstream file(path);
    if (!path.empty() && !file) {
      std::fprintf(stderr, "bench_accuracy: cannot read %s\n", path.c_str());
      std::exit(64);
    }
    for (std::string line; std::getline(file, line);) {
      if (line.empty() || line[0] == '#') continue;
      std::size_t end = 0;
      for (int comma = 0; comma < 4; ++comma) end = line.find(',', end) + 1;
      figures_[line.substr(0, end - 1)] = std::strtod(line.c_str() + end, nullptr);
    }
  }
  /// The figure for a measurement: the units that it is known to be off; 0 where nothing is known.
  double figure(const Finding& f) const {
    const std::string key =
        text(judge::to_string(f.scan)) + ',' + text(judge::to_string(f.quantity)) + ',' + text(sg::to_string(f.dtype)) + ',';
    for (const std::string& distribution : {f.distribution, std::string("*")})
      if (const auto found = figures_.find(key + distribution); found != figures_.end()) return found->second;
    return 0;
  }

 private:
  std::map<std::string, double> figures_;
};

enum class Verdict : std::uint8_t { kept, no_budget, known, missed };
constexpr const char* verdicts[] = {"kept", "no budget", "known miss", "MISSED"};

/// Levels of the instruction set and compilers differ in the last bits; a known miss may be this much worse.
constexpr double slack = 1.1;

Verdict verdict(const Finding& f, const KnownMisses& known) {
  const auto budget = judge::budget(f.scan, f.quantity, f.dtype);
  if (!budget) return Verdict::no_budget;
  if (f.units <= *budget) return Verdict::kept;
  return f.units <= slack * known.figure(f) ? Verdict::known : Verdict::missed;
}

std::string row(const Finding& f, Verdict found) {
  const auto budget = judge::budget(f.scan, f.quantity, f.dtype);
  char limit[32] = "none", line[512];
  if (budget) std::snprintf(limit, sizeof limit, "%g", *budget);
  std::snprintf(line, sizeof line, "| %s | %s | %s | %.3g | %s | %s | %zu | %s | %zu | %s |\n",
                text(judge::to_string(f.scan)).c_str(), text(judge::to_string(f.quantity)).c_str(),
                text(sg::to_string(f.dtype)).c_str(), f.units, limit, f.note.empty() ? f.distribution.c_str() : "throws", f.n,
                flags(f).c_str(), f.index, verdicts[static_cast<int>(found)]);
  return line;
}

class Report {
 public:
  explicit Report(const Settings& settings) : settings_(settings), known_(settings.known) {
    if (settings.out.empty()) return;
    csv_.open(settings.out + ".csv");
    csv_ << "scan,quantity,dtype,distribution,n,direction,layout,units,index\n";
  }
  void add(const Finding& f) {
    const Verdict found = verdict(f, known_);
    missed_ |= found == Verdict::missed;
    auto& all = found == Verdict::known ? known_findings_ : findings_;
    const auto [place, fresh] = all.try_emplace(Key{f.scan, f.quantity, f.dtype}, f);
    if (!fresh && f.units > place->second.units) place->second = f;
    if (csv_.is_open())
      csv_ << judge::to_string(f.scan) << ',' << judge::to_string(f.quantity) << ',' << sg::to_string(f.dtype) << ",\""
           << f.distribution << "\"," << f.n << ',' << (f.reverse ? "reverse" : "forward") << (f.exclusive ? " exclusive" : "")
           << ',' << (f.layout == Layout::row ? "row" : "columns") << ',' << f.units << ',' << f.index << '\n';
  }
  /// Whether all budgets are kept, but for known misses, which stand in the table apart.
  bool finish() const {
    std::string table = "| scan | of | dtype | worst, units | budget | distribution | n | direction | index | |\n";
    table += "|---|---|---|---|---|---|---|---|---|---|\n";
    for (const auto* all : {&findings_, &known_findings_})
      for (const auto& [key, f] : *all) table += row(f, verdict(f, known_));
    std::fputs(table.c_str(), stdout);
    if (!settings_.out.empty()) std::ofstream(settings_.out + ".md") << table;
    return !missed_;
  }

 private:
  Settings settings_;
  KnownMisses known_;
  std::map<Key, Finding> findings_, known_findings_;
  std::ofstream csv_;
  bool missed_ = false;
};

[[noreturn]] void usage() {
  std::fprintf(stderr, "usage: bench_accuracy [--quick] [--known FILE] [--out NAME] [--only WORD] [--jobs N]\n");
  std::exit(64);
}

Settings settings_of(int argc, char** argv) {
  Settings settings;
  std::string jobs;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--quick") {
      settings.quick = true;
      continue;
    }
    std::string* value = argument == "--known"  ? &settings.known
                         : argument == "--out"  ? &settings.out
                         : argument == "--only" ? &settings.only
                         : argument == "--jobs" ? &jobs
                                                : nullptr;
    if (value == nullptr || ++i == argc) usage();
    *value = argv[i];
  }
  if (jobs.empty()) return settings;
  char* end = nullptr;
  settings.jobs = std::strtoul(jobs.c_str(), &end, 10);
  if (*end != '\0' || settings.jobs == 0) usage();
  return settings;
}

bool wanted(const std::string& only, Scan scan, DType dtype) {
  return only.empty() || judge::to_string(scan).substr(0, only.size()) == only ||
         sg::to_string(dtype).substr(0, only.size()) == only;
}

/// One distribution and plan, and what was found.
struct Task {
  Scan scan;
  DType dtype;
  const Distribution* distribution;
  Plan plan;
  std::vector<Finding> found = {};
};

class Run {
 public:
  explicit Run(const Settings& settings) : settings_(settings) {
    for (const Scan scan : judge::all_scans)
      for (const DType dtype : dtypes) {
        if (!wanted(settings.only, scan, dtype)) continue;
        all_.push_back(distributions(scan, dtype));
        for (const Distribution& distribution : all_.back())
          for (const Plan& plan : plans(dtype, distribution, settings.quick))
            tasks_.push_back({scan, dtype, &distribution, plan});
      }
  }
  /// Whether all budgets are kept.
  bool finish() {
    std::vector<std::thread> helpers;
    for (std::size_t i = 1; i < settings_.jobs; ++i) helpers.emplace_back([this] { work(); });
    work();
    for (std::thread& helper : helpers) helper.join();
    Report report(settings_);
    for (const Task& task : tasks_)
      for (const Finding& finding : task.found) report.add(finding);
    return report.finish();
  }

 private:
  void work() {
    for (std::size_t i = next_++; i < tasks_.size(); i = next_++) {
      Task& task = tasks_[i];
      measure(task.scan, task.dtype, *task.distribution, task.plan, [&](const Finding& f) { task.found.push_back(f); });
      if (i + 1 < tasks_.size() && tasks_[i + 1].dtype == task.dtype && tasks_[i + 1].scan == task.scan) continue;
      const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start_;
      std::fprintf(stderr, "%7.1f s  %s %s\n", time.count(), text(judge::to_string(task.scan)).c_str(),
                   text(sg::to_string(task.dtype)).c_str());
    }
  }

  const Settings& settings_;
  std::list<std::vector<Distribution>> all_;
  std::vector<Task> tasks_;
  std::atomic<std::size_t> next_ = 0;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace
}  // namespace accuracy

int main(int argc, char** argv) {
#if defined(__GLIBC__)
  // Memory goes back and forth in hundreds of megabytes: keeps it, since fresh pages took an eighth of the time.
  mallopt(M_MMAP_MAX, 0), mallopt(M_TRIM_THRESHOLD, -1), mallopt(M_ARENA_MAX, 1);
#endif
  const accuracy::Settings settings = accuracy::settings_of(argc, argv);
  return accuracy::Run(settings).finish() ? 0 : 1;
}
