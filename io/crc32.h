#pragma once
// CRC-32 as zip uses it: the remainder by the polynomial 0x104c11db7, bits reversed.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace scangrad::inline v0::io {

/// Eight tables: entry b of table k is what byte b does to the remainder when k more bytes follow it. They let eight bytes enter at
/// a time.
consteval std::array<std::array<std::uint32_t, 256>, 8> crc32_tables() {
  std::array<std::array<std::uint32_t, 256>, 8> tables{};
  for (std::uint32_t b = 0; b < 256; ++b) {
    std::uint32_t r = b;
    for (int bit = 0; bit < 8; ++bit) r = r >> 1 ^ (r & 1 ? 0xedb88320u : 0);
    tables[0][b] = r;
  }
  for (std::size_t k = 1; k < 8; ++k)
    for (std::size_t b = 0; b < 256; ++b) tables[k][b] = tables[k - 1][b] >> 8 ^ tables[0][tables[k - 1][b] & 255];
  return tables;
}

class Crc32 {
 public:
  void update(std::span<const std::byte> bytes) noexcept {
    std::uint32_t r = remainder_;
    for (; bytes.size() >= 8; bytes = bytes.subspan(8)) {
      std::uint32_t next = 0;
      for (std::size_t i = 0; i < 8; ++i) {
        const std::uint32_t mixed = i < 4 ? r >> (8 * i) & 255 : 0;
        next ^= tables[7 - i][std::to_integer<std::uint32_t>(bytes[i]) ^ mixed];
      }
      r = next;
    }
    for (std::byte b : bytes) r = r >> 8 ^ tables[0][(r ^ std::to_integer<std::uint32_t>(b)) & 255];
    remainder_ = r;
  }
  std::uint32_t value() const noexcept { return ~remainder_; }

 private:
  static constexpr auto tables = crc32_tables();
  std::uint32_t remainder_ = ~std::uint32_t{0};
};

}  // namespace scangrad::inline v0::io
