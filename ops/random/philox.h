#pragma once
// Philox4x32-10: for each 64-bit key a random-looking bijection of 128-bit counters. From Salmon, Moraes, Dror, Shaw, "Parallel
// random numbers: as easy as 1, 2, 3", SC 2011. Integer operations only, for hosts and devices.

#include <cstdint>

namespace scangrad::inline v0::ops {

struct PhiloxBlock {
  std::uint32_t word[4];
  friend constexpr bool operator==(const PhiloxBlock&, const PhiloxBlock&) = default;
};

/// N counters under one key at once: N chains of multiplications side by side, in vectors where the machine has them.
template <int N>
constexpr void philox(std::uint64_t key, std::uint32_t (&a)[N], std::uint32_t (&b)[N], std::uint32_t (&c)[N],
                      std::uint32_t (&d)[N]) noexcept {
  auto k0 = static_cast<std::uint32_t>(key), k1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < N; ++i) {
      const std::uint64_t p = std::uint64_t{0xD2511F53} * a[i], q = std::uint64_t{0xCD9E8D57} * c[i];
      a[i] = static_cast<std::uint32_t>(q >> 32) ^ b[i] ^ k0;
      b[i] = static_cast<std::uint32_t>(q);
      c[i] = static_cast<std::uint32_t>(p >> 32) ^ d[i] ^ k1;
      d[i] = static_cast<std::uint32_t>(p);
    }
    k0 += 0x9E3779B9;  // the golden ratio and sqrt(3) - 1, in 2^-32
    k1 += 0xBB67AE85;
  }
}

constexpr PhiloxBlock philox(PhiloxBlock counter, std::uint64_t key) noexcept {
  std::uint32_t a[] = {counter.word[0]}, b[] = {counter.word[1]}, c[] = {counter.word[2]}, d[] = {counter.word[3]};
  philox(key, a, b, c, d);
  return {{a[0], b[0], c[0], d[0]}};
}

/// What words are for: each purpose has a sequence of its own. The numbers are part of what a key means; they never change.
enum class Stream : std::uint32_t {
  bits = 0,
  split = 1,
  fold_in = 2,
  uniform = 3,
  normal = 4,
  exponential = 5,
  gumbel = 6,
  randint = 7,
};

/// Word i of a stream, 64 bits: half of block i / 2. `attempt` counts the words that were rejected at this place.
constexpr std::uint64_t random_word(std::uint64_t key, Stream stream, std::uint64_t i, std::uint32_t attempt = 0) noexcept {
  const auto low = static_cast<std::uint32_t>(i / 2), high = static_cast<std::uint32_t>(i / 2 >> 32);
  const PhiloxBlock block = philox({{low, high, attempt, static_cast<std::uint32_t>(stream)}}, key);
  const std::uint32_t* half = &block.word[2 * (i % 2)];
  return std::uint64_t{half[1]} << 32 | half[0];
}

/// The words of N blocks, from word 2 block on.
template <int N>
constexpr void random_words(std::uint64_t key, Stream stream, std::uint64_t block, std::uint64_t* words) noexcept {
  std::uint32_t a[N], b[N], c[N], d[N];
  for (std::uint64_t i = 0; i < N; ++i) {
    a[i] = static_cast<std::uint32_t>(block + i);
    b[i] = static_cast<std::uint32_t>((block + i) >> 32);
    c[i] = 0;
    d[i] = static_cast<std::uint32_t>(stream);
  }
  philox(key, a, b, c, d);
  for (int i = 0; i < N; ++i) {
    words[2 * i] = std::uint64_t{b[i]} << 32 | a[i];
    words[2 * i + 1] = std::uint64_t{d[i]} << 32 | c[i];
  }
}

}  // namespace scangrad::inline v0::ops
