// Einstein's sums. The subscripts become a label for each axis of each tensor; axes behind "..." get labels of their own, counted from
// the end. Then the tensors meet from left to right: an axis that nothing after it names is summed over, in the matmul where two
// tensors share it, or before. What is made of public operations needs no rules.

#include "ops/shape.h"

namespace scangrad::inline v0 {

using namespace ops;

namespace {

/// A letter or, for axis -1 - k of those behind "...", 256 + k.
using Label = int;
using Labels = std::vector<Label>;

bool has(const Labels& labels, Label label) { return std::find(labels.begin(), labels.end(), label) != labels.end(); }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr Label first_hidden = 256;
constexpr char dots = '.';

/// A tensor with a label for each of its axes.
struct Labelled {
  Tensor x;
  Labels labels;

  std::int64_t size(Label label) const {
    const auto at = std::find(labels.begin(), labels.end(), label) - labels.begin();
    return shape_of(x)[static_cast<std::size_t>(at)];
  }
  /// The axes in this order; ones of size 1 where there is none of the label.
  Tensor arranged(const Labels& order) const {
    std::vector<int> axes;
    std::vector<std::int64_t> shape;
    for (Label label : order) {
      if (has(labels, label)) axes.push_back(static_cast<int>(std::find(labels.begin(), labels.end(), label) - labels.begin()));
      shape.push_back(has(labels, label) ? size(label) : 1);
    }
    return reshape(transpose(x, axes), Shape(shape));
  }
};

/// The subscripts, cut at "," and "->", spaces dropped, each "..." as one dot.
struct Subscripts {
  std::string_view text;
  std::vector<std::string> inputs;
  std::string output;
  bool has_output = false;

  explicit Subscripts(std::string_view whole) : text(whole) {
    std::string* part = &inputs.emplace_back();
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      if (is_letter(c)) part->push_back(c);
      else if (c == ',' && !has_output) part = &inputs.emplace_back();
      else if (text.substr(i, 2) == "->" && !has_output) has_output = true, part = &output, ++i;
      else if (text.substr(i, 3) == "..." && part->find(dots) == std::string::npos) part->push_back(dots), i += 2;
      else if (c != ' ')
        fail(
            "\"{}\" cannot be read from \"{}\" on; write letters for axes, \"...\" once a tensor, \",\" between tensors and "
            "\"->\" before "
            "the result",
            text, text.substr(i));
    }
  }
};

/// A label for each axis of a tensor.
Labels labels_of(const std::string& letters, std::size_t number, const Shape& shape) {
  const auto named = static_cast<std::size_t>(std::count_if(letters.begin(), letters.end(), is_letter));
  const bool open = named < letters.size();
  check(open ? shape.size() >= named : shape.size() == named, "tensor {} has shape {}, but its subscripts name {}{} axes",
        number, shape, open ? "at least " : "", named);
  Labels labels;
  for (char c : letters) {
    if (c != dots) labels.push_back(c);
    else
      for (std::size_t k = shape.size() - named; k-- > 0;) labels.push_back(first_hidden + static_cast<Label>(k));
  }
  return labels;
}

/// The labels of the result, as the subscripts say or, where they do not, as the rule says.
Labels output_labels(const Subscripts& subscripts, const std::vector<Labelled>& tensors) {
  Labels all;
  Label hidden = first_hidden;
  for (const Labelled& tensor : tensors) {
    all.insert(all.end(), tensor.labels.begin(), tensor.labels.end());
    for (Label label : tensor.labels) hidden = std::max(hidden, label + 1);
  }
  Labels result, behind_dots;
  for (Label label = hidden; label-- > first_hidden;) behind_dots.push_back(label);
  if (!subscripts.has_output) {
    result = behind_dots;
    for (Label letter = 'A'; letter <= 'z'; ++letter)
      if (std::count(all.begin(), all.end(), letter) == 1) result.push_back(letter);
    return result;
  }
  for (char c : subscripts.output) {
    if (c == dots) {
      result.insert(result.end(), behind_dots.begin(), behind_dots.end());
      continue;
    }
    check(has(all, c), "the result of \"{}\" has an axis '{}', which no tensor has", subscripts.text, c);
    check(!has(result, c), "the result of \"{}\" has the axis '{}' twice", subscripts.text, c);
    result.push_back(c);
  }
  check(behind_dots.empty() || has(result, behind_dots[0]),
        "the axes behind \"...\" are missing from the result of \"{}\"; write \"...\" there too", subscripts.text);
  return result;
}

/// Axes of one label have one size; those behind "..." also size 1, and then they are dropped, since they broadcast.
void check_sizes(std::vector<Labelled>& tensors) {
  struct Seen {
    std::int64_t size = -1;
    std::size_t tensor = 0;
  };
  std::vector<Seen> seen;
  for (std::size_t i = 0; i < tensors.size(); ++i)
    for (std::size_t axis = 0; axis < tensors[i].labels.size(); ++axis) {
      const auto label = static_cast<std::size_t>(tensors[i].labels[axis]);
      const std::int64_t size = shape_of(tensors[i].x)[axis];
      seen.resize(std::max(seen.size(), label + 1));
      Seen& before = seen[label];
      if (before.size < 0 || (label >= first_hidden && before.size == 1)) before = {size, i};
      else if (label < first_hidden)
        check(size == before.size, "axis '{}' has size {} in tensor {} and {} in tensor {}; they must be equal",
              static_cast<char>(label), before.size, before.tensor, size, i);
      else
        check(size == before.size || size == 1,
              "axis {} behind \"...\" has size {} in tensor {} and {} in tensor {}; they must be equal or 1",
              -1 - (static_cast<Label>(label) - first_hidden), before.size, before.tensor, size, i);
    }
  for (Labelled& tensor : tensors) {
    Labels kept;
    for (Label label : tensor.labels)
      if (tensor.size(label) == seen[static_cast<std::size_t>(label)].size) kept.push_back(label);
    if (kept.size() == tensor.labels.size()) continue;
    std::vector<int> dropped;
    for (std::size_t axis = 0; axis < tensor.labels.size(); ++axis)
      if (!has(kept, tensor.labels[axis])) dropped.push_back(static_cast<int>(axis));
    tensor = {squeeze(tensor.x, dropped), kept};
  }
}

/// A label that stands twice, once, on the diagonal.
void take_diagonals(Labelled& tensor) {
  for (std::size_t i = 0; i < tensor.labels.size(); ++i)
    for (std::size_t j = i + 1; j < tensor.labels.size(); ++j) {
      if (tensor.labels[i] != tensor.labels[j]) continue;
      const Label label = tensor.labels[i];
      const Tensor moved = moveaxis(moveaxis(tensor.x, static_cast<int>(j), -1), static_cast<int>(i), -1);
      tensor.labels.erase(tensor.labels.begin() + static_cast<std::ptrdiff_t>(j));
      tensor.labels.erase(tensor.labels.begin() + static_cast<std::ptrdiff_t>(i));
      tensor = {diagonals(moved), tensor.labels};
      tensor.labels.push_back(label);
      take_diagonals(tensor);
      return;
    }
}

/// Sums over the axes that are not among `kept`.
void sum_others(Labelled& tensor, const Labels& kept) {
  std::vector<int> axes;
  Labels labels;
  for (std::size_t i = 0; i < tensor.labels.size(); ++i) {
    if (has(kept, tensor.labels[i])) labels.push_back(tensor.labels[i]);
    else axes.push_back(static_cast<int>(i));
  }
  if (!axes.empty()) tensor = {sum(tensor.x, {.axis = axes}), labels};
}

std::int64_t size_of(const Labelled& tensor, const Labels& labels) {
  std::int64_t size = 1;
  for (Label label : labels) size *= tensor.size(label);
  return size;
}

Labels joined(Labels a, const Labels& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// The product of two tensors, summed over the axes that they share and that are not among `kept`: one matmul, a batch of (left,
/// summed) by (summed, right).
Labelled contracted(Labelled a, Labelled b, const Labels& kept) {
  sum_others(a, joined(kept, b.labels));
  sum_others(b, joined(kept, a.labels));
  Labels batch, left, right, summed;
  for (Label label : a.labels) (!has(b.labels, label) ? left : has(kept, label) ? batch : summed).push_back(label);
  for (Label label : b.labels)
    if (!has(a.labels, label)) right.push_back(label);
  const Labels labels = joined(joined(batch, left), right);
  if (summed.empty()) return {a.arranged(labels) * b.arranged(labels), labels};
  std::vector<std::int64_t> shape;
  for (Label label : labels) shape.push_back(has(a.labels, label) ? a.size(label) : b.size(label));
  const std::int64_t batches = size_of(a, batch), rows = size_of(a, left), inner = size_of(a, summed),
                     columns = size_of(b, right);
  Tensor x = reshape(a.arranged(joined(joined(batch, left), summed)), {batches, rows, inner});
  Tensor y = reshape(b.arranged(joined(joined(batch, summed), right)), {batches, inner, columns});
  if (batch.empty()) x = squeeze(x, 0), y = squeeze(y, 0);
  return {reshape(matmul(x, y), Shape(shape)), labels};
}

}  // namespace

Tensor einsum(std::string_view subscripts, const std::vector<Tensor>& tensors, Site site) {
  const CallScope scope("einsum", site);
  const Subscripts parsed(subscripts);
  check(parsed.inputs.size() == tensors.size(), "\"{}\" has the subscripts of {} tensors, given {}", subscripts,
        parsed.inputs.size(), tensors.size());
  DType dtype = number_dtype(tensors[0].dtype());
  for (const Tensor& x : tensors) dtype = promote(dtype, x.dtype());
  std::vector<Labelled> rest;
  for (std::size_t i = 0; i < tensors.size(); ++i)
    rest.push_back({in_dtype(tensors[i], dtype), labels_of(parsed.inputs[i], i, shape_of(tensors[i]))});
  const Labels output = output_labels(parsed, rest);
  check_sizes(rest);
  for (Labelled& tensor : rest) take_diagonals(tensor);
  Labelled result = std::move(rest[0]);
  for (std::size_t i = 1; i < rest.size(); ++i) {
    Labels kept = output;
    for (std::size_t later = i + 1; later < rest.size(); ++later) kept = joined(std::move(kept), rest[later].labels);
    result = contracted(std::move(result), std::move(rest[i]), kept);
  }
  sum_others(result, output);
  return result.arranged(output);
}

}  // namespace scangrad::inline v0
