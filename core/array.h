#pragma once
// Array: storage with a layout. What a node's value is, and all that a kernel sees of a tensor.

#include "core/planted.h"
#include "core/storage.h"
#include "scangrad/dtype.h"
#include "scangrad/shape.h"

namespace scangrad::inline v0::core {

/// Shape and dtype: what is known of a value before it is computed.
struct Spec {
  Shape shape;
  DType dtype = DType::float64;
  friend bool operator==(const Spec&, const Spec&) = default;
};

/// Number of elements of a shape that was checked before.
inline std::int64_t count(const Shape& shape) noexcept {
  std::int64_t n = 1;
  for (std::int64_t size : shape) n *= size;
  return n;
}

/// Row-major strides, in elements.
Strides dense_strides(const Shape& shape);
/// Whether the elements lie row-major without gaps; axes of size 1 may have any stride.
bool is_dense(const Shape& shape, const Strides& strides) noexcept;

/// What a kernel found out about an array and others of its backend may use. `about` says what, in that backend's terms.
struct Note {
  std::int64_t about = 0;
  Ref<Storage> data;
};

/// Where an array keeps a note. Elements never change, so it stays right as long as they are there; it says nothing of copies and
/// views. Threads may share it.
class NotePad {
 public:
  NotePad() noexcept = default;
  NotePad(const NotePad&) noexcept {}
  NotePad& operator=(const NotePad&) noexcept {
    clear();
    return *this;
  }
  ~NotePad() { clear(); }

  /// The data of the note about this, or null.
  const Storage* find(std::int64_t about) const noexcept {
    const Note* note = note_.load(std::memory_order_acquire);
    return note != nullptr && SCANGRAD_PLANT(note_about_other, note->about == about, true) ? note->data.get() : nullptr;
  }
  /// The first note stays; none is taken where there is no memory for it.
  void keep(Note note) const noexcept;
  void clear() noexcept { delete note_.exchange(nullptr, std::memory_order_relaxed); }

 private:
  mutable std::atomic<const Note*> note_{nullptr};
};

struct Array {
  Spec spec;
  Strides strides;          ///< in elements, one an axis; may be zero or negative
  std::int64_t offset = 0;  ///< of the first element, in elements
  bool dense = false;       ///< is_dense(shape, strides)
  Ref<Storage> storage;
  NotePad notes;

  const Shape& shape() const noexcept { return spec.shape; }
  DType dtype() const noexcept { return spec.dtype; }
  std::int64_t size() const noexcept { return count(spec.shape); }
  template <class T>
  T* data() const noexcept {
    return reinterpret_cast<T*>(storage->data) + offset;
  }

  /// Becomes a row-major array on fresh storage.
  void allocate();
  /// Becomes a view on another array's storage.
  void view(const Array& of, Strides new_strides, std::int64_t new_offset);
  void reset() noexcept {
    storage = Ref<Storage>();
    dense = false;
    notes.clear();
  }
};

}  // namespace scangrad::inline v0::core
