#include "core/error.h"

#include <algorithm>

namespace scangrad::inline v0 {

namespace {
std::string file_and_line(Site site) { return fmt::format("{}:{}", site.file, site.line); }

/// " [user.cpp:12, inside grad at user.cpp:30]"
std::string place(const std::string& op, Site site) {
  const core::InTransform* transform = core::InTransform::current();
  std::string text;
  if (site.file != nullptr) text = file_and_line(site);
  if (transform != nullptr && op != transform->name()) {
    text += fmt::format("{}inside {}", text.empty() ? "" : ", ", transform->name());
    if (transform->site().file != nullptr) text += " at " + file_and_line(transform->site());
  }
  return text.empty() ? text : " [" + text + "]";
}
}  // namespace

Error::Error(std::string op, std::string message, Site site)
    : std::runtime_error(op + ": " + message + place(op, site)),
      op_(std::move(op)),
      message_(op_ + ": " + message),
      site_(site) {}

std::string to_string(const Shape& shape) {
  if (shape.size() == 1) return fmt::format("({},)", shape[0]);
  return fmt::format("({})", fmt::join(shape.begin(), shape.end(), ", "));
}

namespace core {

void throw_error(std::string message) { throw Error(std::string(CallScope::op()), std::move(message), CallScope::site()); }

int normalize_axis(std::int64_t axis, const Shape& shape) {
  const auto rank = static_cast<std::int64_t>(shape.size());
  if (axis >= -rank && axis < rank) return static_cast<int>(axis < 0 ? axis + rank : axis);
  if (rank == 0) fail("axis {} is out of range for a tensor of shape (), which has no axes", axis);
  fail("axis {} is out of range for a tensor of shape {}; it must be in {}..{}", axis, shape, -rank, rank - 1);
}

int normalize_axis(std::int64_t axis, std::size_t rank_of_result) {
  const auto rank = static_cast<std::int64_t>(rank_of_result);
  check(axis >= -rank && axis < rank, "axis {} is out of range for a result of rank {}; it must be in {}..{}", axis, rank,
        -rank, rank - 1);
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

Dims normalize_axes(const Axes& axes, const Shape& shape) {
  if (axes.all()) {
    Dims every(shape.size(), 0);
    for (std::size_t i = 0; i < every.size(); ++i) every[i] = static_cast<std::int64_t>(i);
    return every;
  }
  Dims result = axes.list();
  for (std::int64_t& axis : result) axis = normalize_axis(axis, shape);
  std::sort(result.begin(), result.end());
  const auto* twice = std::adjacent_find(result.begin(), result.end());
  if (twice != result.end()) fail("axis {} is named twice in {}; name each axis once", *twice, axes.list());
  return result;
}

int single_axis(const Axes& axes, const Shape& shape) {
  if (!axes.all() && axes.list().size() != 1) fail("takes one axis, given the axes {}", axes.list());
  return normalize_axis(axes.all() ? -1 : axes.list()[0], shape);
}

std::int64_t checked_size(const Shape& shape, std::size_t item_size) {
  std::int64_t count = 1;
  bool has_zero = false, too_large = false;
  for (std::int64_t size : shape) {
    check(size >= 0, "sizes must not be negative, given the shape {}", shape);
    has_zero |= size == 0;
    too_large |= size != 0 && __builtin_mul_overflow(count, size, &count);
  }
  std::int64_t bytes = 0;
  too_large |= __builtin_mul_overflow(count, static_cast<std::int64_t>(item_size), &bytes) || bytes > (std::int64_t{1} << 62);
  check(!too_large, "a tensor of shape {} is too large: it would need more than 2^62 bytes", shape);
  return has_zero ? 0 : count;
}

}  // namespace core
}  // namespace scangrad::inline v0
