#pragma once
// Element-wise kernels: for each function and dtype one loop over neighbouring elements. Inputs that lie otherwise, or broadcast, come
// into buffers in the first cache, a piece at a time.

#include <functional>

#include "cpu/backend.h"

namespace scangrad::inline v0::cpu {

/// to[i] = f(from[0][i], from[1][i], ...) for i < n; `to` may be one of them.
using ElementLoop = std::function<void(const void* const* from, void* to, std::int64_t n)>;

template <class Out, class... In, class F>
ElementLoop element_loop(const F& f) {
  return [f](const void* const* from, void* to, std::int64_t n) {
    const auto run = [&](Out* out, const In*... in) {
      for (std::int64_t i = 0; i < n; ++i) out[i] = f(in[i]...);
    };
    [&]<std::size_t... I>(std::index_sequence<I...>) { run(static_cast<Out*>(to), static_cast<const In*>(from[I])...); }
    (std::index_sequence_for<In...>());
  };
}

/// Fills an allocated row-major output; the inputs broadcast to its shape.
void run_elements(const Context& context, Inputs ins, const Array& out, const ElementLoop& loop);

}  // namespace scangrad::inline v0::cpu
