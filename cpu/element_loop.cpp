#include "cpu/element_loop.h"

#include <algorithm>

#include "core/planted.h"
#include "cpu/hot_element.h"

namespace scangrad::inline v0::cpu {
namespace {

constexpr std::size_t most_inputs = 3;
using InputLanes = Lanes<most_inputs>;
constexpr std::int64_t piece = 512, widest_item = 16;

/// Elements of neighbouring lanes, and the steps from element to element and from lane to lane.
template <class T>
struct Elements {
  const T* first;
  std::int64_t step, length, stride, lanes;
};
/// One after the other.
template <class T>
void gather(const Elements<T>& from, T* to) {
  const std::int64_t lanes = from.stride == 0 ? 1 : from.lanes;
  for (std::int64_t lane = 0; lane < lanes; ++lane) {
    const T* const first = from.first + lane * from.stride;
    T* const next = to + lane * from.length;
    if (from.step == 1) std::copy_n(first, from.length, next);
    else if (from.step == 0) std::fill_n(next, from.length, *first);
    else
      for (std::int64_t i = 0; i < from.length; ++i) next[i] = first[i * from.step];
  }
  for (std::int64_t done = lanes; done < from.lanes; done *= 2)  // one lane again and again
    std::copy_n(to, std::min(done, from.lanes - done) * from.length, to + done * from.length);
}

/// What consecutive elements of the output come from, one after the other in a buffer each, and the loop over what is there.
class Pieces {
 public:
  Pieces(Inputs ins, const Array& out, const InputLanes& lanes, const ElementLoop& loop)
      : inputs_(ins.size()), out_(out), lanes_(lanes), loop_(loop) {
    for (std::size_t k = 0; k < inputs_; ++k) {
      in_[k].array = ins[k];
      in_[k].lies_like_output = lies_like(*ins[k], out);
      in_[k].is_one = !in_[k].lies_like_output && ins[k]->size() == 1;
      if (in_[k].is_one) in_[k].gather(0, 0, piece, 0, 1, 0);
    }
  }

  static bool lies_like(const Array& in, const Array& out) { return in.dense && in.shape() == out.shape(); }

  /// Elements [begin, end) of the output.
  void run(std::int64_t begin, std::int64_t end) {
    const std::int64_t length = lanes_.length;
    at_ = begin;
    const auto run_lanes = [&](InputLanes::Offsets first, std::int64_t lanes, const InputLanes::Offsets& strides) {
      while (lanes > 0 && at_ < end) {
        const std::int64_t i = at_ % length, n = std::min({length - i, piece, end - at_});
        const std::int64_t fit = std::min(piece - filled_, end - at_) / length;  // whole lanes
        const std::int64_t some = n == length ? std::clamp<std::int64_t>(fit, 1, lanes) : 1;
        take(first, i, n, strides, some);
        if (i + n < length) continue;
        for (std::size_t k = 0; k < inputs_; ++k) first[k] += some * strides[k];
        lanes -= some;
      }
    };
    lanes_.for_each_run(begin / length, (end + length - 1) / length, run_lanes);
    flush();
  }

 private:
  struct Input {
    const Array* array;
    bool lies_like_output, is_one;
    alignas(64) std::byte buffer[piece * widest_item];

    /// n elements from `at` on of each of so many lanes, behind the first `filled` of the buffer.
    void gather(std::int64_t at, std::int64_t step, std::int64_t n, std::int64_t stride, std::int64_t lanes,
                std::int64_t filled) {
      visit_checked(core::Every{}, array->dtype(), [&]<class T>() {
        cpu::gather<T>({array->data<T>() + at, step, n, stride, lanes}, reinterpret_cast<T*>(buffer) + filled);
      });
    }
  };

  /// n elements, from i on, of each of so many lanes, the first of which begins at `first`.
  void take(const InputLanes::Offsets& first, std::int64_t i, std::int64_t n, const InputLanes::Offsets& strides,
            std::int64_t lanes) {
    if (filled_ + n * lanes > piece) flush();
    for (std::size_t k = 0; k < inputs_; ++k)
      if (!in_[k].lies_like_output && !in_[k].is_one)
        in_[k].gather(first[k] + i * lanes_.step[k], lanes_.step[k], n, strides[k], lanes, filled_);
    filled_ += n * lanes, at_ += n * lanes;
  }
  void flush() {
    if (filled_ == 0) return;
    const std::int64_t first = at_ - filled_;
    const void* from[most_inputs];
    for (std::size_t k = 0; k < inputs_; ++k) from[k] = in_[k].lies_like_output ? element(*in_[k].array, first) : in_[k].buffer;
    loop_(from, element(out_, first), SCANGRAD_PLANT(element_loop_last, filled_, filled_ - 1));
    filled_ = 0;
  }

  const std::size_t inputs_;
  const Array& out_;
  const InputLanes& lanes_;
  const ElementLoop& loop_;
  Input in_[most_inputs];
  std::int64_t at_ = 0, filled_ = 0;  ///< where the next element is in the output, and how many before it are in the buffers
};

}  // namespace

void run_elements(const Context& context, Inputs ins, const Array& out, const ElementLoop& loop) {
  const std::int64_t size = out.size();
  if (size == 0) return;
  if (std::all_of(ins.begin(), ins.end(), [&](const Array* in) { return Pieces::lies_like(*in, out); }))
    return context.parallel_for(size, parallel_grain, [&](std::int64_t begin, std::int64_t end) {
      const void* from[most_inputs];
      for (std::size_t k = 0; k < ins.size(); ++k) from[k] = element(*ins[k], begin);
      loop(from, element(out, begin), end - begin);
    });
  std::array<Strides, most_inputs> strides;
  strides.fill(Strides(out.shape().size(), 0));
  for (std::size_t k = 0; k < ins.size(); ++k) strides[k] = core::broadcast_strides(*ins[k], out.shape());
  const auto lanes = InputLanes::elementwise(out.shape(), strides);
  context.parallel_for(size, parallel_grain,
                       [&](std::int64_t begin, std::int64_t end) { Pieces(ins, out, lanes, loop).run(begin, end); });
}

}  // namespace scangrad::inline v0::cpu
