#include "core/array.h"

namespace scangrad::inline v0::core {

Strides dense_strides(const Shape& shape) {
  Strides strides(shape.size(), 1);
  std::int64_t step = 1;
  for (std::size_t i = shape.size(); i-- > 0;) {
    strides[i] = step;
    step *= shape[i];
  }
  return strides;
}

bool is_dense(const Shape& shape, const Strides& strides) noexcept {
  std::int64_t step = 1;
  for (std::size_t i = shape.size(); i-- > 0;) {
    if (shape[i] != 1 && strides[i] != step) return count(shape) == 0;
    step *= shape[i];
  }
  return true;
}

void NotePad::keep(Note note) const noexcept {
  if (note_.load(std::memory_order_relaxed) != nullptr) return;
  std::unique_ptr<const Note> own(new (std::nothrow) Note(std::move(note)));
  const Note* none = nullptr;
  if (own && note_.compare_exchange_strong(none, own.get(), std::memory_order_acq_rel)) own.release();
}

void Array::allocate() {
  std::int64_t bytes = static_cast<std::int64_t>(item_size(spec.dtype));
  for (std::int64_t n : spec.shape)
    if (__builtin_mul_overflow(bytes, n, &bytes)) throw std::bad_alloc();  // operations check the sizes of what they make
  strides = dense_strides(spec.shape);
  storage = Storage::allocate(bytes);
  offset = 0;
  dense = true;
  notes.clear();
}

void Array::view(const Array& of, Strides new_strides, std::int64_t new_offset) {
  dense = is_dense(spec.shape, new_strides);
  strides = std::move(new_strides);
  offset = new_offset;
  storage = of.storage;
  notes.clear();
}

}  // namespace scangrad::inline v0::core
