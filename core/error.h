#pragma once
// The one door for user errors: fail() and check(), which put the operation's name in front and the place of the call behind.
// Shapes, dtypes and devices go into messages as they are (scangrad/fmt.h): nothing is made into text unless the message is.
// CallScope says which operation the user called; it is set once, by the outermost public function.

#include <string_view>

#include "scangrad/error.h"
#include "scangrad/fmt.h"

namespace scangrad::inline v0::core {

class CallScope {
 public:
  CallScope(std::string_view op, Site site) noexcept : previous_(current_) {
    if (current_ == nullptr) {
      op_ = op;
      site_ = site;
      current_ = this;
    }
  }
  /// Inside evaluation and rules, the node at work takes the place of whoever asked for it.
  struct Override {};
  CallScope(Override, std::string_view op, Site site) noexcept : previous_(current_), op_(op), site_(site) { current_ = this; }
  CallScope(const CallScope&) = delete;
  ~CallScope() { current_ = previous_; }

  static Site site() noexcept { return current_ != nullptr ? current_->site_ : Site(); }
  static std::string_view op() noexcept { return current_ != nullptr ? current_->op_ : std::string_view("scangrad"); }

 private:
  static inline constinit thread_local const CallScope* current_ = nullptr;
  const CallScope* previous_;
  std::string_view op_;
  Site site_;
};

/// The transform that works, or that f runs in, on this thread: errors name the innermost one behind the place.
class InTransform {
 public:
  InTransform(const char* name, Site site) noexcept : previous_(current_), name_(name), site_(site) { current_ = this; }
  InTransform(const InTransform&) = delete;
  ~InTransform() { current_ = previous_; }

  static const InTransform* current() noexcept { return current_; }
  const char* name() const noexcept { return name_; }
  Site site() const noexcept { return site_; }

 private:
  static inline constinit thread_local const InTransform* current_ = nullptr;
  const InTransform* previous_;
  const char* name_;
  Site site_;
};

[[noreturn]] void throw_error(std::string message);

/// "what is wrong, what was given, what would be right"
template <class... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  throw_error(fmt::format(format, std::forward<Args>(args)...));
}

template <class... Args>
void check(bool condition, fmt::format_string<Args...> format, Args&&... args) {
  if (!condition) [[unlikely]]
    fail(format, std::forward<Args>(args)...);
}

/// An axis in [0, rank) of a result of that rank.
int normalize_axis(std::int64_t axis, std::size_t rank_of_result);
/// An axis in [0, rank), from one that may count from the end.
int normalize_axis(std::int64_t axis, const Shape& shape);
/// Sorted and without duplicates; all axes where `axes` says so.
Dims normalize_axes(const Axes& axes, const Shape& shape);
/// The one axis that `axes` names (the last where it names none).
int single_axis(const Axes& axes, const Shape& shape);
/// The number of elements; refuses negative sizes and more bytes than 2^62.
std::int64_t checked_size(const Shape& shape, std::size_t item_size);

}  // namespace scangrad::inline v0::core
