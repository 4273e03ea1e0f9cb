#pragma once
// Random numbers from keys. There is no hidden state: the same key gives the same numbers, on every machine, compiler, backend and
// number of threads, to the last bit.
//
//   const sg::Tensor key = sg::random::key(42);
//   const auto [data_key, init_key] = sg::random::split(key);        // one key for each purpose: use a key once
//   sg::Tensor x = sg::random::normal(data_key, {100, 3});
//   sg::Tensor w = sg::random::uniform(init_key, {3}, {.dtype = sg::DType::float32});
//
// A key is one int64 element, all of whose 64 bits count; so keys are made, stored, indexed and mapped over like any other tensor.
// Where a key is asked for, a tensor of keys will do: keys of shape K give K + shape, for each key what it gives alone.
//
// Element i (row-major) of a draw is made from 64 random bits that depend on the key, the distribution and i alone: the Philox4x32-10
// generator of Salmon, Moraes, Dror and Shaw (SC 2011), counting blocks. A longer draw begins with the shorter one, and a float32
// draw is the float64 draw rounded (for uniform: truncated). No derivative passes through a draw. A key that is not int64, a dtype that
// is not real and floating, and a shape that is not possible throw when the draw is made.

#include <array>

#include "scangrad/ops.h"

namespace scangrad::inline v0::random {

namespace detail {
SCANGRAD_API Tensor make_key(std::int64_t seed, Site site);
}  // namespace detail

/// The key of a seed, shape (): any integer, of which all 64 bits count.
template <std::integral Seed>
Tensor key(Seed seed, Site site = Site::here()) {
  return detail::make_key(static_cast<std::int64_t>(seed), site);
}

/// Two new keys, each of the shape of `key`. What they give is unrelated to each other, and to what `key` gives.
SCANGRAD_API std::array<Tensor, 2> split(const Operand& key);
/// `count` new keys, (count,); from keys of shape K, K + (count,). The first ones are the same for every count.
SCANGRAD_API Tensor split(const Operand& key, std::int64_t count);
/// A new key for each int64 number in `data`, of a loop counter for instance; key and data broadcast. Unrelated to split's.
SCANGRAD_API Tensor fold_in(const Operand& key, const Operand& data);

/// In [0, 1): the multiples of 2^-53 for float64, 2^-24 for float32, 2^-11 for float16, 2^-8 for bfloat16, all equally likely.
SCANGRAD_API Tensor uniform(const Operand& key, const Shape& shape, TensorOptions options = {});
/// Of mean 0 and variance 1: the quantile of a 64-bit probability, so the tails reach 9.1 deviations. Error at most
/// 8 u max(1, |value|) in float64 (u = 2^-53); rounded once for the other dtypes, as those below.
SCANGRAD_API Tensor normal(const Operand& key, const Shape& shape, TensorOptions options = {});
/// -log(p), of mean 1: from 2^-65 to 45. Relative error at most 4 u.
SCANGRAD_API Tensor exponential(const Operand& key, const Shape& shape, TensorOptions options = {});
/// -log(-log(p)), the standard Gumbel distribution: from -3.8 to 45. Error at most 6 u max(1, |value|).
SCANGRAD_API Tensor gumbel(const Operand& key, const Shape& shape, TensorOptions options = {});

/// Of randint.
struct IntegerOptions {
  scangrad::detail::ByName by_name = scangrad::detail::ByName();
  DType dtype = DType::int64;  ///< or int32
};
/// low, ..., high - 1, exactly equally likely (Lemire's rejection). Throws unless low < high and the dtype holds both.
SCANGRAD_API Tensor randint(const Operand& key, const Shape& shape, std::int64_t low, std::int64_t high,
                            const IntegerOptions& options = {});
/// 64 random bits each, int64.
SCANGRAD_API Tensor bits(const Operand& key, const Shape& shape);

/// bool: true with probability p, element by element; p real and in [0, 1] (beyond: never, always; NaN: never). `shape` is that of p
/// unless given, else one to which p broadcasts.
/// @{
SCANGRAD_API Tensor bernoulli(const Operand& key, const Operand& p);
SCANGRAD_API Tensor bernoulli(const Operand& key, const Operand& p, const Shape& shape);
/// @}
/// An index along the axis with probability exp(logits) / sum exp(logits), int64; the shape of logits without the axis.
SCANGRAD_API Tensor categorical(const Operand& key, const Operand& logits, const AxisOptions& options = {.axis = -1});

/// 0, ..., n - 1 in random order, (n,): the order of n random 64-bit words. Every order is equally likely, but for ties of words,
/// which have a chance below n^2 / 2^65.
SCANGRAD_API Tensor permutation(const Operand& key, std::int64_t n);
/// x with its elements along an axis in random order; differentiable in x.
SCANGRAD_API Tensor permutation(const Operand& key, const Operand& x, const AxisOptions& options = {});

}  // namespace scangrad::inline v0::random
