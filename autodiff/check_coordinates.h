#pragma once
// Coordinates: the real numbers that some Tensors are made of, as what the checks (scangrad/check.h) move and compare.

#include "scangrad/check.h"
#include "scangrad/fmt.h"

namespace scangrad::inline v0::autodiff {

using Vector = std::vector<double>;
using Tensors = std::vector<Tensor>;

/// The real numbers in all tensors, in order.
Vector numbers_of(const Tensors& tensors);

/// The coordinates of some tensors, or a choice of them: an element each, real and imaginary part where it is complex. What is neither
/// floating nor complex has none.
class Coordinates {
 public:
  /// `noun` is what one tensor is called: "argument".
  Coordinates(Tensors like, const char* noun);
  /// At most so many, at random.
  Coordinates(Tensors like, const char* noun, std::size_t most, std::uint64_t seed);
  /// The same ones of other tensors.
  Coordinates(Tensors like, const Coordinates& same) : like_(std::move(like)), noun_(same.noun_), chosen_(same.chosen_) {}

  std::size_t size() const { return chosen_.size(); }
  Vector of(const Tensors& x) const;
  /// Absolute values, where those of a complex element are one number, |re| + |im|: complex products round relative to that.
  Vector sizes(const Vector& coordinates) const;
  /// Tensors like those given, zero but for these coordinates.
  Tensors tensors(const Vector& coordinates) const;
  /// "argument[1, 2]", "argument 0[1, 2].imag" where there are several
  std::string name(std::size_t i) const;

 private:
  Tensors like_;
  const char* noun_;
  std::vector<std::size_t> chosen_;
};

/// Of the coarsest of some dtypes.
struct Precision {
  double epsilon = 0;         ///< from 1 to the next number
  double smallest = 0;        ///< above 0
  int largest_exponent = 30;  ///< of 10, for the mixed scales
};
/// Of the coarsest of the dtypes of both lists.
Precision coarsest(const Tensors& x, const Tensors& y);

}  // namespace scangrad::inline v0::autodiff
