#pragma once
// fmt::format for tensors, shapes, dtypes and devices. Opt-in, as it includes fmt.
//
//   fmt::print("{} {:.3} {}\n", x, x, x.dtype());    // {:.3}: at most three digits behind the point

#include <fmt/format.h>

#include "scangrad/print.h"

/// @cond
template <class T>
requires(std::is_same_v<T, scangrad::Dims> || std::is_same_v<T, scangrad::DType> ||
         std::is_same_v<T, scangrad::Device>) struct fmt::formatter<T> : fmt::formatter<std::string_view> {
  template <class FormatContext>
  auto format(const T& value, FormatContext& context) const {
    const std::string text(to_string(value));
    return fmt::formatter<std::string_view>::format(text, context);
  }
};

template <>
struct fmt::formatter<scangrad::Tensor> {
  constexpr auto parse(fmt::format_parse_context& context) {
    auto at = context.begin();
    const auto end = context.end();
    if (at == end || *at == '}') return at;
    if (*at++ != '.' || at == end || *at < '0' || *at > '9') throw fmt::format_error("a tensor is formatted by {} or {:.3}");
    for (precision_ = 0; at != end && *at >= '0' && *at <= '9' && precision_ < 100; ++at)
      precision_ = 10 * precision_ + (*at - '0');
    if (at != end && *at != '}') throw fmt::format_error("a tensor is formatted by {} or {:.3}");
    return at;
  }

  template <class FormatContext>
  auto format(const scangrad::Tensor& x, FormatContext& context) const {
    scangrad::PrintOptions options;
    if (precision_ >= 0) options.precision = precision_;
    return fmt::format_to(context.out(), "{}", scangrad::to_string(x, options, {}));
  }

 private:
  int precision_ = -1;
};
/// @endcond
