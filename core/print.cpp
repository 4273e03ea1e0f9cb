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
// In a tensor of more than 1000 elements, every axis longer than 6 shows 3 items, "...", and 3 items.

#include <ostream>

#include "core/error.h"
#include "core/format_numbers.h"
#include "core/node.h"

namespace scangrad::inline v0 {
namespace core {
namespace {

constexpr std::int64_t summarised_above = 1000;  // elements
constexpr std::int64_t edge_items = 3;
constexpr std::size_t line_width = 75;
constexpr std::int64_t gap = -1;  // in place of an index: "..."

class Printer {
 public:
  explicit Printer(const Array& array) : array_(array), rank_(array.shape().size()) {}

  std::string print() {
    if (array_.size() == 0) return "[]";
    if (rank_ == 0) return format_scalar(array_);
    for (std::int64_t size : array_.shape()) shown_.push_back(shown_indices(size));
    std::vector<std::int64_t> offsets;
    collect(0, 0, offsets);
    cells_ = format_column(array_, offsets);
    write(0);
    return std::move(text_);
  }

 private:
  std::vector<std::int64_t> shown_indices(std::int64_t size) const {
    std::vector<std::int64_t> indices;
    const bool gapped = array_.size() > summarised_above && size > 2 * edge_items;
    for (std::int64_t i = 0; i < size; ++i) {
      if (gapped && i == edge_items) {
        indices.push_back(gap);
        i = size - edge_items;
      }
      indices.push_back(i);
    }
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
    std::size_t used = rank_;
    for (std::int64_t i : shown_[rank_ - 1]) {
      const std::string_view item = i == gap ? std::string_view("...") : cells_[next_cell_++];
      if (used > rank_ && used + 1 + item.size() > line_width - rank_) {
        text_.erase(text_.find_last_not_of(' ') + 1);
        text_.append("\n").append(rank_, ' ');
        used = rank_;
      } else if (used > rank_) {
        text_ += ' ';
        ++used;
      }
      text_ += item;
      used += item.size();
    }
    text_ += ']';
  }

  const Array& array_;
  std::size_t rank_;
  std::vector<std::vector<std::int64_t>> shown_;  // of each axis: the indices of its shown items, and the gap
  std::vector<std::string> cells_;
  std::size_t next_cell_ = 0;
  std::string text_;
};

}  // namespace
}  // namespace core

std::string to_string(const Tensor& x) {
  const core::CallScope scope("print", {});
  core::check_not_empty(x);
  eval(x);
  return core::Printer(core::node_of(x).value).print();
}

std::ostream& operator<<(std::ostream& stream, const Tensor& x) { return stream << to_string(x); }

}  // namespace scangrad::inline v0
