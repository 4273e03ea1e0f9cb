#include "scans/grid.h"

namespace grid {

using sg::DType;

namespace {

constexpr std::int64_t Mi = 1 << 20;
constexpr Scan scans[] = {Scan::cumsum, Scan::cumprod, Scan::cummax, Scan::logcumsumexp, Scan::linear_recurrence};

const Layout row_1Mi = {"row 1Mi", {Mi}}, row_4Mi = {"row 4Mi", {4 * Mi}}, row_64Mi = {"row 64Mi", {64 * Mi}},
             rows = {"4096x1024", {4096, 1024}}, columns = {"axis 0 of 1024x4096", {1024, 4096}, 0},
             rows_of_64 = {"65536x64", {65536, 64}}, rows_of_8 = {"524288x8", {524288, 8}}, tails = {"4099x1021", {4099, 1021}},
             odd = {"row 4Mi, stride 2", {4 * Mi}, -1, 2};
const Layout small_row = {"row 64Ki", {65536}}, small_rows = {"256x256", {256, 256}},
             small_columns = {"axis 0 of 256x256", {256, 256}, 0}, short_rows = {"8192x8", {8192, 8}};

void add_modes(std::vector<Case>& all, Case c) {
  for (const Mode mode : modes) {
    c.mode = mode;
    all.push_back(c);
  }
}

/// What a plain row costs beside it reversed, exclusive, from an initial value, and in other dtypes.
void add_variants(std::vector<Case>& all, Scan scan, const Layout& layout) {
  for (const Mode mode : {Mode::forward, Mode::vjp}) {
    all.push_back({.scan = scan, .layout = layout, .mode = mode, .reverse = true});
    all.push_back({.scan = scan, .layout = layout, .mode = mode, .exclusive = true});
    all.push_back({.scan = scan, .layout = layout, .mode = mode, .initial = true});
  }
  for (const DType dtype : {DType::float64, DType::float16, DType::bfloat16})
    add_modes(all, {.scan = scan, .layout = layout, .dtype = dtype});
}

}  // namespace

double Case::bytes_an_element() const {
  const double inputs = scan == Scan::linear_recurrence ? 2 : 1;
  const double arrays = mode == Mode::forward ? inputs + 1 : mode == Mode::jvp ? 2 * inputs + 2 : 3 * inputs + 2;
  return arrays * static_cast<double>(sg::item_size(dtype));
}

std::string Case::name() const {
  constexpr const char* names[] = {"forward", "vjp", "jvp"};
  return std::string(judge::to_string(scan)) + "/" + std::string(sg::to_string(dtype)) + "/" + layout.name + "/" +
         names[static_cast<int>(mode)] + "/" +
         (reverse     ? "reverse"
          : exclusive ? "exclusive"
          : initial   ? "initial value"
                      : "plain");
}

std::vector<Case> cases(bool quick) {
  std::vector<Case> all;
  const std::vector<Layout> layouts =
      quick ? std::vector<Layout>{small_row, small_rows, small_columns, short_rows}
            : std::vector<Layout>{row_1Mi, row_4Mi, row_64Mi, rows, columns, rows_of_64, rows_of_8, tails, odd};
  const Layout& measured = layouts[0];
  for (const Scan scan : scans) {
    for (const Layout& layout : layouts)
      add_modes(all, {.scan = scan, .layout = layout, .error = layout.name == measured.name});
    add_variants(all, scan, quick ? small_row : row_4Mi);
  }
  for (const Scan scan : {Scan::cumsum, Scan::cumprod, Scan::linear_recurrence, Scan::logcumsumexp})
    for (const DType dtype : {DType::complex64, DType::complex128})
      for (const Layout& layout : quick ? std::vector<Layout>{small_row} : std::vector<Layout>{row_1Mi, rows, columns})
        add_modes(all, {.scan = scan, .layout = layout, .dtype = dtype});
  return all;
}

}  // namespace grid
