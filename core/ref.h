#pragma once
// Shared ownership with the count inside the object, and a list whose length is fixed when it is made.

#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

namespace scangrad::inline v0::core {

/// T has `mutable std::atomic<std::uint32_t> references` and `void release() const noexcept`, called when no Ref is left.
template <class T>
class Ref {
 public:
  Ref() noexcept = default;
  explicit Ref(T* object) noexcept : object_(object) { retain(); }
  Ref(const Ref& other) noexcept : object_(other.object_) { retain(); }
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  template <class U>
  Ref(const Ref<U>& other) noexcept : Ref(other.get()) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    if (object_ != nullptr && object_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) object_->release();
  }

  T* get() const noexcept { return object_; }
  T* operator->() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }
  bool unique() const noexcept { return object_->references.load(std::memory_order_acquire) == 1; }

 private:
  void retain() noexcept {
    if (object_ != nullptr) object_->references.fetch_add(1, std::memory_order_relaxed);
  }
  T* object_ = nullptr;
};

/// A list of fixed length, kept inline up to N elements. T must be movable by its bytes (handles and numbers are).
template <class T, std::size_t N>
class FixedList {
 public:
  FixedList() noexcept {}
  explicit FixedList(std::size_t size) : first_(size > N ? static_cast<T*>(::operator new(size * sizeof(T))) : inline_first()) {
    for (; size_ < size; ++size_) new (first_ + size_) T();
  }
  /// The given values, moved in.
  template <class... U>
  requires(sizeof...(U) > 0 && (std::is_same_v<std::remove_cvref_t<U>, T> && ...)) FixedList(U&&... values)
      : first_(sizeof...(U) > N ? static_cast<T*>(::operator new(sizeof...(U) * sizeof(T))) : inline_first()) {
    ((new (first_ + size_++) T(std::forward<U>(values))), ...);
  }
  explicit FixedList(std::span<const T> values)
      : first_(values.size() > N ? static_cast<T*>(::operator new(values.size() * sizeof(T))) : inline_first()) {
    for (; size_ < values.size(); ++size_) new (first_ + size_) T(values[size_]);
  }
  FixedList(const FixedList& other) : FixedList(std::span<const T>(other.begin(), other.size())) {}
  FixedList(FixedList& other) : FixedList(std::as_const(other)) {}
  FixedList(FixedList&& other) noexcept { steal(other); }
  FixedList& operator=(FixedList other) noexcept {
    clear();
    steal(other);
    return *this;
  }
  ~FixedList() { clear(); }

  static constexpr std::size_t inline_capacity = N;
  std::size_t size() const noexcept { return size_; }
  T* begin() noexcept { return first_; }
  T* end() noexcept { return first_ + size_; }
  const T* begin() const noexcept { return first_; }
  const T* end() const noexcept { return first_ + size_; }
  T& operator[](std::size_t i) noexcept { return first_[i]; }
  const T& operator[](std::size_t i) const noexcept { return first_[i]; }

  void clear() noexcept {
    std::destroy_n(first_, size_);
    if (first_ != inline_first()) ::operator delete(first_);
    first_ = inline_first();
    size_ = 0;
  }

 private:
  T* inline_first() noexcept { return reinterpret_cast<T*>(inline_); }
  void steal(FixedList& other) noexcept {
    if (other.first_ != other.inline_first()) first_ = std::exchange(other.first_, other.inline_first());
    else std::memcpy(inline_, other.inline_, sizeof inline_);  // T moves by its bytes
    size_ = std::exchange(other.size_, 0);
  }

  T* first_ = inline_first();
  std::size_t size_ = 0;
  alignas(T) unsigned char inline_[N * sizeof(T)];
};

/// Guards a few instructions; never held across a call that can block or throw.
class SpinLock {
 public:
  void lock() noexcept {
    while (held_.exchange(true, std::memory_order_acquire)) {}
  }
  void unlock() noexcept { held_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> held_{false};
};

}  // namespace scangrad::inline v0::core
