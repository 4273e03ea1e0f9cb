// Tensors as text, character for character as NumPy's str() writes arrays.
//
// Two walks over the same cells, in row-major order. The first notes where the shown elements lie; they alone are read, and
// format_column turns them into texts of one width. The second writes the texts between brackets:
//
//   [[[ 0  1]        an axis opens a bracket, and its items after the first start under the first one;
//     [ 2  3]]       a new item of the last axis but one is a new line, and each axis further out adds a blank one;
//                    along the last axis, items follow each other until the next one would not fit in the line.
//    [[ 4  5]
//     [ 6  7]]]
//
// In a tensor of more than `threshold` (1000) elements, every axis longer than 6 shows `edge_items` (3) items, "...", and as many.

#include <ostream>

#include "core/error.h"
#include "core/format_numbers.h"
#include "core/node.h"
#include "core/trace.h"
#include "scangrad/print.h"

namespace scangrad::inline v0 {
namespace core {
namespace {

constexpr int default_precision = 8;
constexpr std::int64_t gap = -1;  // in place of an index: "..."

class Printer {
 public:
  Printer(const Array& array, const PrintOptions& options) : array_(array), options_(options), rank_(array.shape().size()) {}

  std::string print() {
    if (array_.size() == 0) return "[]";
    if (rank_ == 0) return format_scalar(array_, options_.precision);
    for (std::int64_t size : array_.shape()) shown_.push_back(shown_indices(size));
    std::vector<std::int64_t> offsets;
    collect(0, 0, offsets);
    cells_ = format_column(array_, offsets, options_.precision.value_or(default_precision));
    write(0);
    return std::move(text_);
  }

 private:
  std::vector<std::int64_t> shown_indices(std::int64_t size) const {
    std::vector<std::int64_t> indices;
    const std::int64_t edge = options_.edge_items;
    const bool gapped = array_.size() > options_.threshold && edge < size - edge;
    for (std::int64_t i = 0; i < (gapped ? edge : size); ++i) indices.push_back(i);
    if (!gapped) return indices;
    indices.push_back(gap);
    for (std::int64_t i = size - edge; i < size; ++i) indices.push_back(i);
    return indices;
  }

  void collect(std::size_t axis, std::int64_t offset, std::vector<std::int64_t>& offsets) const {
    if (axis == rank_) return offsets.push_back(offset);
    for (std::int64_t i : shown_[axis])
      if (i != gap) collect(axis + 1, offset + i * array_.strides[axis], offsets);
  }

  void write(std::size_t axis) {
    if (axis + 1 == rank_) return write_row();
    text_ += '[';
    bool first = true;
    for (std::int64_t i : shown_[axis]) {
      if (!first) text_.append(rank_ - 1 - axis, '\n').append(axis + 1, ' ');
      first = false;
      if (i == gap) text_ += "...";
      else write(axis + 1);
    }
    text_ += ']';
  }

  // The lines start with brackets or blanks, one an axis, and leave room for as many brackets at their end.
  void write_row() {
    text_ += '[';
    const std::size_t margin = 2 * rank_, room = static_cast<std::size_t>(options_.line_width);
    std::size_t used = 0;  // beside the margins
    for (std::int64_t i : shown_[rank_ - 1]) {
      const std::string_view item = i == gap ? std::string_view("...") : cells_[next_cell_++];
      if (used > 0 && margin + used + 1 + item.size() > room) {
        text_.erase(text_.find_last_not_of(' ') + 1);
        text_.append("\n").append(rank_, ' ');
        used = 0;
      } else if (used > 0) {
        text_ += ' ';
        ++used;
      }
      text_ += item;
      used += item.size();
    }
    text_ += ']';
  }

  const Array& array_;
  const PrintOptions& options_;
  std::size_t rank_;
  std::vector<std::vector<std::int64_t>> shown_;  // of each axis: the indices of its shown items, and the gap
  std::vector<std::string> cells_;
  std::size_t next_cell_ = 0;
  std::string text_;
};

}  // namespace
}  // namespace core

std::string to_string(const Tensor& x) { return to_string(x, PrintOptions(), {}); }

std::string to_string(const Tensor& x, const PrintOptions& options, Site site) {
  const core::CallScope scope("print", site);
  core::check_not_empty(x);
  const auto [precision, threshold, edge_items, line_width] = options;
  core::check(precision.value_or(0) >= 0 && threshold >= 0 && edge_items >= 0 && line_width >= 1,
              "precision, threshold and edge_items must not be negative and line_width at least 1, given {}, {}, {} and {}",
              precision.value_or(core::default_precision), threshold, edge_items, line_width);
  eval(x);
  return core::Printer(core::node_of(x).value, options).print();
}

std::string describe(const Tensor& x) {
  if (x.empty_handle()) return "a default-constructed Tensor";
  const core::Node& node = core::node_of(x);
  const bool done = node.done();
  const core::Array& value = node.value;
  const std::int64_t bytes = x.size() * static_cast<std::int64_t>(item_size(x.dtype()));
  const core::Edge edge = core::copy_edge(node);
  return fmt::format("{} {}{}, {}, {}{}, {} bytes{}", x.dtype(), x.shape(),  //
                     done ? fmt::format(", strides {}", value.strides) : "", x.device(),
                     done ? "evaluated" : fmt::format("pending ({})", edge ? edge.primitive->name() : "being evaluated"),
                     core::TransformScope::live_bits(node) != 0 ? ", tracked" : "", bytes,
                     done && value.storage->bytes != bytes ? fmt::format(" in a buffer of {}", value.storage->bytes) : "");
}

std::ostream& operator<<(std::ostream& stream, const Tensor& x) { return stream << to_string(x); }
std::ostream& operator<<(std::ostream& stream, const Shape& shape) { return stream << to_string(shape); }
std::ostream& operator<<(std::ostream& stream, DType dtype) { return stream << to_string(dtype); }
std::ostream& operator<<(std::ostream& stream, Device device) { return stream << to_string(device); }

}  // namespace scangrad::inline v0
