// Draws: the words of a stretch of a stream, then the distribution's function of each.

#include "ops/random/random.h"
#include "cpu/backend.h"
#include "ops/random/distributions.h"

namespace scangrad::inline v0::cpu {
namespace {

using ops::Stream;

/// f(key, first, count, to) for stretches of what one key gives, in parallel.
template <class T, class F>
void for_each_stretch(const Context& context, const Array& ins, Array& out, const F& f) {
  Array copy;
  const Array& keys = core::row_major(context, ins, copy);
  context.allocate(out);
  const std::int64_t each = out.size() / std::max<std::int64_t>(keys.size(), 1);
  context.parallel_for(out.size(), parallel_grain / 8, [&](std::int64_t begin, std::int64_t end) {
    while (begin < end) {
      const std::int64_t first = begin % each, count = std::min(end - begin, each - first);
      f(static_cast<std::uint64_t>(keys.data<std::int64_t>()[begin / each]), static_cast<std::uint64_t>(first), count,
        out.data<T>() + begin);
      begin += count;
    }
  });
}

/// f(words, begin, n, to) for short stretches of words, `begin` being the number of the first.
template <class T, class F>
void draw_stretch(std::uint64_t key, Stream stream, std::uint64_t first, std::int64_t count, T* to, const F& f) {
  constexpr int blocks = 8;
  for (std::int64_t done = 0; done < count; done += ops::stretch) {
    const std::uint64_t begin = first + static_cast<std::uint64_t>(done);
    const std::int64_t n = std::min(ops::stretch, count - done), lead = static_cast<std::int64_t>(begin % 2);
    std::uint64_t words[ops::stretch + 2 * blocks];
    for (std::int64_t k = 0; k < lead + n; k += 2 * blocks)
      ops::random_words<blocks>(key, stream, begin / 2 + static_cast<std::uint64_t>(k / 2), words + k);
    f(words + lead, begin, n, to + done);
  }
}

/// to[i] = f(word i, i, key)
template <class T, class F>
void draw(const Context& context, Stream stream, const Array& keys, Array& out, const F& f) {
  for_each_stretch<T>(context, keys, out, [&](std::uint64_t key, std::uint64_t first, std::int64_t count, T* to) {
    draw_stretch(key, stream, first, count, to,
                 [&](const std::uint64_t* words, std::uint64_t begin, std::int64_t n, T* results) {
                   for (std::int64_t i = 0; i < n; ++i) results[i] = f(words[i], begin + static_cast<std::uint64_t>(i), key);
                 });
  });
}

template <Stream stream>
void words(const Context& context, const Primitive&, Inputs ins, Outputs outs) {
  draw<std::int64_t>(context, stream, *ins[0], outs[0],
                     [](std::uint64_t bits, auto...) { return static_cast<std::int64_t>(bits); });
}

void uniform(const Context& context, const Primitive&, Inputs ins, Outputs outs) {
  visit_checked(core::Floats{}, outs[0].dtype(), [&]<class T>() {
    draw<T>(context, Stream::uniform, *ins[0], outs[0],
            [](std::uint64_t bits, auto...) { return ops::unit_interval<T>(bits); });
  });
}

/// A distribution that is computed in double, a stretch at once, and rounded once.
template <Stream stream, void (*distribution)(const std::uint64_t*, std::int64_t, double*) noexcept>
void continuous(const Context& context, const Primitive&, Inputs ins, Outputs outs) {
  visit_checked(core::Floats{}, outs[0].dtype(), [&]<class T>() {
    const auto numbers = [](const std::uint64_t* words, std::uint64_t, std::int64_t n, T* to) {
      double values[ops::stretch];
      distribution(words, n, values);
      for (std::int64_t i = 0; i < n; ++i) to[i] = core::convert<T>(values[i]);
    };
    for_each_stretch<T>(context, *ins[0], outs[0], [&](std::uint64_t key, std::uint64_t first, std::int64_t count, T* to) {
      draw_stretch(key, stream, first, count, to, numbers);
    });
  });
}

void integers(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs) {
  const auto& range = static_cast<const ops::RandomInteger&>(primitive);
  visit_checked(core::Integers{}, outs[0].dtype(), [&]<class T>() {
    draw<T>(context, Stream::randint, *ins[0], outs[0], [&](std::uint64_t bits, std::uint64_t i, std::uint64_t key) {
      return static_cast<T>(static_cast<std::uint64_t>(range.low) + ops::below(range.count, bits, key, i));
    });
  });
}

void fold_in(const Context& context, const Primitive&, Inputs ins, Outputs outs) {
  Array& out = outs[0];
  context.allocate(out);
  const auto lanes = Lanes<3>::elementwise(
      out.shape(), {core::broadcast_strides(*ins[0], out.shape()), core::broadcast_strides(*ins[1], out.shape()), out.strides});
  if (out.size() == 0) return;
  for_each_lane(context, lanes, [&](const auto& at) {
    const auto *key = ins[0]->data<std::int64_t>() + at[0], *number = ins[1]->data<std::int64_t>() + at[1];
    for (std::int64_t i = 0; i < lanes.length; ++i)
      out.data<std::int64_t>()[at[2] + i * lanes.step[2]] =
          static_cast<std::int64_t>(ops::random_word(static_cast<std::uint64_t>(key[i * lanes.step[0]]), Stream::fold_in,
                                                     static_cast<std::uint64_t>(number[i * lanes.step[1]])));
  });
}

}  // namespace

void register_random() {
  core::add_kernel<ops::RandomBits>(DeviceType::cpu, words<Stream::bits>);
  core::add_kernel<ops::SplitKey>(DeviceType::cpu, words<Stream::split>);
  core::add_kernel<ops::FoldIn>(DeviceType::cpu, fold_in);
  core::add_kernel<ops::Uniform>(DeviceType::cpu, uniform);
  core::add_kernel<ops::Normal>(DeviceType::cpu, continuous<Stream::normal, ops::standard_normals>);
  core::add_kernel<ops::Exponential>(DeviceType::cpu, continuous<Stream::exponential, ops::standard_exponentials>);
  core::add_kernel<ops::Gumbel>(DeviceType::cpu, continuous<Stream::gumbel, ops::standard_gumbels>);
  core::add_kernel<ops::RandomInteger>(DeviceType::cpu, integers);
}

}  // namespace scangrad::inline v0::cpu
