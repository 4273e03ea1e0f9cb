#pragma once
// Where a tensor lives.

#include <compare>
#include <cstdint>
#include <string>

#include "scangrad/export.h"

namespace scangrad::inline v0 {

enum class DeviceType : std::uint8_t { cpu, cuda };
inline constexpr int device_type_count = 2;

struct Device {
  DeviceType type = DeviceType::cpu;
  std::int16_t index = 0;
  friend bool operator==(const Device&, const Device&) = default;
};

/// "cpu", "cuda:0".
SCANGRAD_API std::string to_string(Device device);

}  // namespace scangrad::inline v0
