#pragma once
// The one exception of the library, and the place in the user's program that an operation was called from.

#include <stdexcept>
#include <string>

#include "scangrad/export.h"

namespace scangrad::inline v0 {

/// File and line of a call in the user's program; recorded by Operand's constructors.
struct Site {
  const char* file = nullptr;  ///< as the compiler was given it; null: unknown
  int line = 0;                ///< from 1
  /// Where this is written, or, as a default argument, where the function is called.
  static constexpr Site here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) { return {file, line}; }
};

/// Every error of the library: "op: what is wrong, what was given, what would be right [file:line]". Inside a transform, be it while
/// it calls the function or while it differentiates or evaluates what that built, the end is "[file:line, inside grad at file:line]":
/// op is the operation, with the place where it was called.
/// Thrown when the graph is built wherever what is wrong can be known then.
class SCANGRAD_API Error : public std::runtime_error {
 public:
  /// Of an operation, with the message that follows its name, and the place of the call.
  Error(std::string op, std::string message, Site site);

  const std::string& op() const noexcept { return op_; }            ///< the operation that refused, as the user called it
  const std::string& message() const noexcept { return message_; }  ///< what() without the place
  Site site() const noexcept { return site_; }                      ///< where it was called; file may be null

 private:
  std::string op_, message_;
  Site site_;
};

}  // namespace scangrad::inline v0
