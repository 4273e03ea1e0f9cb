#pragma once
// Draws from keys: primitives of one input, the keys. Keys of shape K give K + the shape of one draw, so that a batch of keys is
// nothing new. No derivative passes.

#include "ops/random/philox.h"
#include "ops/rules.h"

namespace scangrad::inline v0::ops {

struct Draw : Constant {
  BatchResult vmap(Ins ins, MappedMask mapped, Specs outs) const final {
    return apply_batched(PrimitiveRef(this), core::FixedList<Tensor, 2>(ins), outs, batch_size(ins, mapped));
  }
};

struct RandomBits final : Draw {
  std::string_view name() const override { return "random::bits"; }
};
struct SplitKey final : Draw {
  std::string_view name() const override { return "random::split"; }
};
struct Uniform final : Draw {
  std::string_view name() const override { return "random::uniform"; }
};
struct Normal final : Draw {
  std::string_view name() const override { return "random::normal"; }
};
struct Exponential final : Draw {
  std::string_view name() const override { return "random::exponential"; }
};
struct Gumbel final : Draw {
  std::string_view name() const override { return "random::gumbel"; }
};
/// low + 0, ..., count - 1
struct RandomInteger final : Draw {
  RandomInteger(std::int64_t from, std::uint64_t values) : low(from), count(values) {}
  std::string_view name() const override { return "random::randint"; }
  std::int64_t low;
  std::uint64_t count;
};

/// Of a key and a number: the key's word with that number.
struct FoldIn final : OnElements<Constant> {
  std::string_view name() const override { return "random::fold_in"; }
};

}  // namespace scangrad::inline v0::ops
