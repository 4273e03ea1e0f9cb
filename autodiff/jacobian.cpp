// Jacobians from a trace: vmap over the rows of an identity matrix, a chunk at a time.

#include "autodiff/walk.h"
#include "core/error.h"
#include "scangrad/vmap.h"

namespace scangrad::inline v0::autodiff {
namespace {

Shape joined(const Shape& a, const Shape& b) {
  std::vector<std::int64_t> sizes(a.begin(), a.end());
  sizes.insert(sizes.end(), b.begin(), b.end());
  return Shape(sizes);
}

/// f of each tensor like `like` that is 1 at one place and 0 at the others: each result with one more axis in front, the place.
template <class F>
std::vector<Tensor> for_each_unit(const Tensor& like, std::int64_t chunk_size, const F& f) {
  const std::int64_t n = like.size();
  std::vector<std::vector<Tensor>> chunks;
  for (std::int64_t begin = 0; begin < n; begin += std::min(chunk_size, n - begin)) {
    const std::int64_t end = begin + std::min(chunk_size, n - begin);
    const Tensor rows = astype(expand_dims(arange(begin, end), 1) == arange(n), like.dtype());
    const std::vector<Tensor> units = {reshape(rows, joined({end - begin}, like.shape()))};
    detail::Vmap transform(std::string(core::CallScope::op()).c_str(), core::CallScope::site());
    const std::vector<Tensor> results = f(transform.examples(std::span(&units, 1), 0)[0]);
    chunks.resize(results.size());
    const std::vector<Tensor> batch = transform.results(results, 0);
    for (std::size_t i = 0; i < batch.size(); ++i) chunks[i].push_back(batch[i]);
  }
  std::vector<Tensor> all;
  for (const std::vector<Tensor>& parts : chunks) all.push_back(concatenate(parts));
  return all;
}

Tensor no_elements(const Tensor& y, const Tensor& x) { return zeros(joined(y.shape(), x.shape()), {.dtype = y.dtype()}); }

}  // namespace

std::vector<Tensor> with_zeros(std::span<const MaybeTensor> derivatives, std::span<const Tensor> primals) {
  std::vector<Tensor> result;
  for (std::size_t i = 0; i < primals.size(); ++i)
    result.push_back(derivatives[i] ? *derivatives[i] : zeros(primals[i].shape(), {.dtype = primals[i].dtype()}));
  return result;
}

std::vector<Tensor> jacobian_by_column(const Trace& trace, std::int64_t chunk_size) {
  const std::vector<Tensor>&x = trace.placeholders(), &y = trace.outputs();
  std::vector<Tensor> blocks(y.size() * x.size());
  for (std::size_t j = 0; j < x.size(); ++j) {
    const auto columns = for_each_unit(x[j], chunk_size, [&](const Tensor& unit) {
      MaybeTensors direction(x.size());
      direction[j] = unit;
      return with_zeros(push_forward(trace, direction, false).tangents, y);
    });
    for (std::size_t i = 0; i < y.size(); ++i)
      blocks[i * x.size() + j] =
          columns.empty() ? no_elements(y[i], x[j]) : reshape(moveaxis(columns[i], 0, -1), joined(y[i].shape(), x[j].shape()));
  }
  return blocks;
}

std::vector<Tensor> jacobian_by_row(const Trace& trace, std::int64_t chunk_size) {
  const std::vector<Tensor>&x = trace.placeholders(), &y = trace.outputs();
  std::vector<Tensor> blocks(y.size() * x.size());
  for (std::size_t i = 0; i < y.size(); ++i) {
    const auto rows = for_each_unit(y[i], chunk_size, [&](const Tensor& unit) {
      MaybeTensors cotangent(y.size());
      cotangent[i] = unit;
      return with_zeros(pull_back(trace, cotangent), x);
    });
    for (std::size_t j = 0; j < x.size(); ++j)
      blocks[i * x.size() + j] = rows.empty() ? no_elements(y[i], x[j]) : reshape(rows[j], joined(y[i].shape(), x[j].shape()));
  }
  return blocks;
}

}  // namespace scangrad::inline v0::autodiff
