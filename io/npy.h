#pragma once
// NumPy's npy format: a magic, a version, a header that is a Python dict, and the elements.

#include "io/file.h"
#include "scangrad/tensor.h"

namespace scangrad::inline v0::io {

/// Bytes to be read in order, as many as it says: a file, or an entry of a zip archive.
class Source {
 public:
  Source(std::string name, std::int64_t size) noexcept : name_(std::move(name)), left_(size) {}
  Source(const Source&) = delete;
  virtual ~Source() = default;

  const std::string& name() const noexcept { return name_; }  ///< for messages
  std::int64_t left() const noexcept { return left_; }
  /// Throws where fewer are left.
  void read(std::span<std::byte> to);

 private:
  virtual void do_read(std::span<std::byte> to) = 0;
  std::string name_;
  std::int64_t left_;
};

/// An array from a source that holds it and no more.
Tensor read_npy(Source& source);

/// What stands before the elements in the npy file of a tensor.
std::string npy_head(const Tensor& x);

/// The elements of a tensor, row-major; `owner` keeps them alive.
struct Elements {
  Tensor owner;
  std::span<const std::byte> bytes;
};
Elements elements_of(const Tensor& x);

}  // namespace scangrad::inline v0::io
