#pragma once
// Primitive: one kind of operation with its attributes, and its derivatives. The whole interface is on this page.
//
// An absent tangent or cotangent is a symbolic zero: it costs nothing, and no rule has to look at its elements. Rules build
// graph from public operations or from other primitives, so they can be differentiated in turn.
//
// Cotangents belong to the real inner product Re sum conj(a) b: for a holomorphic f the vjp is conj(f') g.

#include <optional>
#include <string_view>
#include <typeinfo>
#include <vector>

#include "core/array.h"
#include "scangrad/tensor.h"

namespace scangrad::inline v0::core {

using Ins = std::span<const Tensor>;
using Outs = std::span<const Tensor>;
using MaybeTensor = std::optional<Tensor>;
using MaybeTensors = std::vector<MaybeTensor>;
using Tangents = std::span<const MaybeTensor>;  ///< one an input (or an output, for cotangents)

/// Which inputs a vjp is asked for.
class WantedMask {
 public:
  explicit WantedMask(std::span<const bool> wanted) : wanted_(wanted) {}
  bool operator[](std::size_t i) const { return wanted_[i]; }

 private:
  std::span<const bool> wanted_;
};

/// Which inputs carry the batch axis (always axis 0).
using MappedMask = std::span<const bool>;
using Specs = std::span<const Spec>;
/// Outputs, and which of them carry the batch axis.
struct BatchResult {
  std::vector<Tensor> outs;
  std::vector<bool> mapped;
};
struct OutsAndTangents {
  std::vector<Tensor> outs;
  MaybeTensors tangents;
};

class Primitive {
 public:
  virtual ~Primitive() = default;
  virtual std::string_view name() const = 0;

  /// Tangents of the outputs, one an output. At least one input has a tangent.
  virtual MaybeTensors jvp(Ins ins, Outs outs, Tangents tangents) const;
  /// Cotangents of the inputs, one an input; absent where not wanted or zero. At least one output has a cotangent.
  virtual MaybeTensors vjp(Ins ins, Outs outs, Tangents cotangents, WantedMask wanted) const;
  /// The outputs for a batch of inputs, without a loop; at least one input is mapped. `outs`: shapes and dtypes of one example's. None,
  /// by default: then the rules of what it decomposes into are used.
  virtual BatchResult vmap(Ins ins, MappedMask mapped, Specs outs) const;
  /// Of a node's inputs, how many the rules see. Those behind them are the outputs themselves, computed elsewhere: only the kernel knows them.
  virtual std::size_t arity(std::size_t inputs) const { return inputs; }
  /// Value and tangent in one pass, where that is cheaper than two.
  virtual std::optional<OutsAndTangents> jvp_fused(Ins, Tangents) const { return std::nullopt; }
  /// A fused primitive as plain ones: where there is a result, its derivatives are the primitive's, and jvp and vjp are not asked.
  virtual std::optional<std::vector<Tensor>> decompose(Ins) const { return std::nullopt; }

  mutable std::atomic<std::uint32_t> references{0};
  void release() const noexcept { delete this; }
};

using PrimitiveRef = Ref<const Primitive>;

template <class P, class... Args>
PrimitiveRef make_primitive(Args&&... args) {
  return PrimitiveRef(new P{std::forward<Args>(args)...});
}

/// The one instance of a primitive without attributes.
template <class P>
const PrimitiveRef& shared_primitive() {
  static const PrimitiveRef instance(new P);
  return instance;
}

}  // namespace scangrad::inline v0::core
