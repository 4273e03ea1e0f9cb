#pragma once
// Where a tensor lives.

#include <compare>
#include <cstdint>
#include <iosfwd>
#include <string>

#include "scangrad/export.h"

namespace scangrad::inline v0 {

/// What computes.
enum class DeviceType : std::uint8_t { cpu, cuda };
inline constexpr int device_type_count = 2;  ///< how many kinds there are

/// The CPU, or one of several GPUs.
struct Device {
  DeviceType type = DeviceType::cpu;                               ///< the kind
  std::int16_t index = 0;                                          ///< which one of that kind
  friend bool operator==(const Device&, const Device&) = default;  ///< the same device
};

/// "cpu", "cuda:0".
SCANGRAD_API std::string to_string(Device device);
SCANGRAD_API std::ostream& operator<<(std::ostream& stream, Device device);  ///< prints as to_string

}  // namespace scangrad::inline v0
