#include "ops/random/random.h"

#include "scangrad/random.h"

namespace scangrad::inline v0 {
namespace ops {
namespace {

Shape joined(const Shape& a, const Shape& b) {
  std::vector<std::int64_t> sizes(a.begin(), a.end());
  sizes.insert(sizes.end(), b.begin(), b.end());
  return Shape(sizes);
}

Tensor as_key(const Operand& x) {
  Tensor key = as_tensor(x);
  check(dtype_of_tensor(key) == DType::int64, "the key must be int64, but it is {}; make one with random::key(seed)",
        dtype_of_tensor(key));
  return key;
}

/// Keys of shape K give K + the shape of one draw.
Tensor draw(const PrimitiveRef& primitive, const Operand& key, const Shape& one, DType dtype) {
  core::checked_size(one, item_size(dtype));
  const Tensor keys = as_key(key);
  Shape shape = joined(shape_of(keys), one);
  core::checked_size(shape, item_size(dtype));
  return apply(primitive, {std::move(shape), dtype}, {keys});
}

template <class P>
Tensor floating_draw(const Operand& key, const Shape& shape, DType dtype) {
  check(is_floating(dtype), "the dtype must be float16, bfloat16, float32 or float64, given {}", dtype);
  return draw(shared_primitive<P>(), key, shape, dtype);
}

}  // namespace
}  // namespace ops

using namespace ops;

namespace random {

Tensor detail::make_key(std::int64_t seed, Site site) {
  const CallScope scope("random::key", site);
  return Tensor(seed);
}

Tensor split(const Operand& key, std::int64_t count) {
  const CallScope scope("random::split", key.site());
  check(count >= 0, "the count must not be negative, given {}", count);
  return draw(shared_primitive<SplitKey>(), key, {count}, DType::int64);
}

std::array<Tensor, 2> split(const Operand& key) {
  const CallScope scope("random::split", key.site());
  const Tensor both = random::split(key, 2);
  return {take(both, 0, {.axis = -1}), take(both, 1, {.axis = -1})};
}

Tensor fold_in(const Operand& key, const Operand& data) {
  const CallScope scope("random::fold_in", key.site());
  const Tensor keys = as_key(key), numbers = as_tensor(data);
  check(is_integer(numbers.dtype()), "the data must be int64 or int32, but they are {}; convert with astype", numbers.dtype());
  return apply(shared_primitive<FoldIn>(), {broadcast_shapes(shape_of(keys), shape_of(numbers)), DType::int64},
               {keys, in_dtype(numbers, DType::int64)});
}

Tensor uniform(const Operand& key, const Shape& shape, TensorOptions options) {
  const CallScope scope("random::uniform", key.site());
  return floating_draw<Uniform>(key, shape, options.dtype);
}

Tensor normal(const Operand& key, const Shape& shape, TensorOptions options) {
  const CallScope scope("random::normal", key.site());
  return floating_draw<Normal>(key, shape, options.dtype);
}

Tensor exponential(const Operand& key, const Shape& shape, TensorOptions options) {
  const CallScope scope("random::exponential", key.site());
  return floating_draw<Exponential>(key, shape, options.dtype);
}

Tensor gumbel(const Operand& key, const Shape& shape, TensorOptions options) {
  const CallScope scope("random::gumbel", key.site());
  return floating_draw<Gumbel>(key, shape, options.dtype);
}

Tensor randint(const Operand& key, const Shape& shape, std::int64_t low, std::int64_t high, const IntegerOptions& options) {
  const CallScope scope("random::randint", key.site());
  check(is_integer(options.dtype), "the dtype must be int64 or int32, given {}", options.dtype);
  check(low < high, "there is no integer from {} to below {}; low must be less than high", low, high);
  constexpr std::int64_t limit = std::int64_t{1} << 31;
  check(options.dtype == DType::int64 || (low >= -limit && high <= limit),
        "int32 cannot hold the integers from {} to below {}; use int64", low, high);
  const auto count = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
  return draw(make_primitive<RandomInteger>(low, count), key, shape, options.dtype);
}

Tensor bits(const Operand& key, const Shape& shape) {
  const CallScope scope("random::bits", key.site());
  return draw(shared_primitive<RandomBits>(), key, shape, DType::int64);
}

Tensor bernoulli(const Operand& key, const Operand& p, const Shape& shape) {
  const CallScope scope("random::bernoulli", key.site());
  const Tensor chance = as_floating(p);
  check(!is_complex(chance.dtype()), "the probability must be real, but it is {}", chance.dtype());
  check(broadcasts_to(shape_of(chance), shape), "probabilities of shape {} do not broadcast to {}; sizes must be equal or 1",
        shape_of(chance), shape);
  return uniform(key, shape) < chance;
}

Tensor bernoulli(const Operand& key, const Operand& p) {
  const CallScope scope("random::bernoulli", key.site());
  return bernoulli(key, p, as_tensor(p).shape());
}

Tensor categorical(const Operand& key, const Operand& logits, const AxisOptions& options) {
  const CallScope scope("random::categorical", key.site());
  const Tensor scores = as_floating(logits);
  check(!is_complex(scores.dtype()), "the logits must be real, but they are {}", scores.dtype());
  const int axis = core::single_axis(options.axis, shape_of(scores));
  return argmax(scores + gumbel(key, shape_of(scores)), {.axis = axis});
}

Tensor permutation(const Operand& key, std::int64_t n) {
  const CallScope scope("random::permutation", key.site());
  check(n >= 0, "the number of elements must not be negative, given {}", n);
  return argsort(bits(key, {n}));
}

Tensor permutation(const Operand& key, const Operand& x, const AxisOptions& options) {
  const CallScope scope("random::permutation", key.site());
  const Tensor tensor = as_tensor(x), one = as_key(key);
  check(one.rank() == 0, "one key is needed, given keys of shape {}; take one of them", one.shape());
  const int axis = core::single_axis(options.axis, shape_of(tensor));
  return take(tensor, permutation(one, shape_of(tensor)[static_cast<std::size_t>(axis)]), {.axis = axis});
}

}  // namespace random
}  // namespace scangrad::inline v0
