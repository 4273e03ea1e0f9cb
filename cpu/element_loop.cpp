#include "cpu/element_loop.h"

#include <complex>
#include <cstring>

#include "core/planted.h"
#include "cpu/hot_element.h"

namespace scangrad::inline v0::cpu {
namespace {

constexpr std::size_t most_inputs = 3;
using InputLanes = Lanes<most_inputs + 1>;  // the last is the output's
constexpr std::int64_t piece = 512, widest_item = 16;

/// Elements of neighbouring lanes, and the steps from element to element and from lane to lane.
struct Elements {
  const void* first;
  std::int64_t step, length, stride, lanes;
};
template <class Item>
void gather_items(const Elements& from, void* to) {
  Item* next = static_cast<Item*>(to);
  const std::int64_t lanes = from.stride == 0 ? 1 : from.lanes;
  for (std::int64_t lane = 0; lane < lanes; ++lane, next += from.length) {
    const Item* const first = static_cast<const Item*>(from.first) + lane * from.stride;
    if (from.step == 1) std::copy_n(first, from.length, next);
    else if (from.step == 0) std::fill_n(next, from.length, *first);
    else
      for (std::int64_t i = 0; i < from.length; ++i) next[i] = first[i * from.step];
  }
  Item* const all = static_cast<Item*>(to);
  for (std::int64_t done = lanes; done < from.lanes; done *= 2)  // one lane again and again
    std::copy_n(all, std::min(done, from.lanes - done) * from.length, all + done * from.length);
}
/// One after the other.
void gather(const Elements& from, std::int64_t item, void* to) {
  if (item == 1) gather_items<std::uint8_t>(from, to);
  else if (item == 2) gather_items<std::uint16_t>(from, to);
  else if (item == 4) gather_items<std::uint32_t>(from, to);
  else if (item == 8) gather_items<std::uint64_t>(from, to);
  else gather_items<std::complex<double>>(from, to);
}

/// The inputs of consecutive lanes, one after the other in a buffer each, and the loop over what is there.
class Pieces {
 public:
  Pieces(Inputs ins, const Array& out, const InputLanes& lanes, const ElementLoop& loop)
      : inputs_(ins.size()), out_(out), lanes_(lanes), loop_(loop) {
    for (std::size_t k = 0; k < inputs_; ++k) {
      Input& in = in_[k];
      in.array = ins[k];
      in.item = static_cast<std::int64_t>(item_size(ins[k]->dtype()));
      in.lies_like_output = ins[k]->dense && ins[k]->shape() == out.shape();
      in.is_one = !in.lies_like_output && ins[k]->size() == 1;
      if (in.is_one) gather({element(*in.array, 0), 0, piece, 0, 1}, in.item, in.buffer);
    }
  }

  void run(std::int64_t begin, std::int64_t end) {
    const std::int64_t length = lanes_.length;
    lanes_.for_each_run(begin, end, [&](InputLanes::Offsets at, std::int64_t lanes, const InputLanes::Offsets& strides) {
      for (; length > piece && lanes > 0; --lanes) {
        for (std::int64_t i = 0; i < length; i += piece) take(at, i, std::min(piece, length - i), strides, 1);
        move(at, strides, 1);
      }
      while (lanes > 0) {
        const std::int64_t some = std::min(lanes, std::max<std::int64_t>(1, (piece - filled_) / length));
        take(at, 0, length, strides, some);
        move(at, strides, some), lanes -= some;
      }
    });
    flush();
  }

 private:
  struct Input {
    const Array* array;
    std::int64_t item;
    bool lies_like_output, is_one;
    alignas(64) std::byte buffer[piece * widest_item];
  };

  static void move(InputLanes::Offsets& at, const InputLanes::Offsets& strides, std::int64_t lanes) {
    for (std::size_t k = 0; k < at.size(); ++k) at[k] += lanes * strides[k];
  }
  /// n elements, from i on, of each of so many lanes.
  void take(const InputLanes::Offsets& at, std::int64_t i, std::int64_t n, const InputLanes::Offsets& strides,
            std::int64_t lanes) {
    if (filled_ + n * lanes > piece) flush();
    if (filled_ == 0) first_ = at[most_inputs] + i;
    for (std::size_t k = 0; k < inputs_; ++k) {
      Input& in = in_[k];
      if (in.lies_like_output || in.is_one) continue;
      const std::int64_t step = lanes_.step[k];
      gather({element(*in.array, at[k] + i * step), step, n, strides[k], lanes}, in.item, in.buffer + filled_ * in.item);
    }
    filled_ += n * lanes;
  }
  void flush() {
    if (filled_ == 0) return;
    const void* from[most_inputs];
    for (std::size_t k = 0; k < inputs_; ++k)
      from[k] = in_[k].lies_like_output ? element(*in_[k].array, first_) : in_[k].buffer;
    loop_(from, element(out_, first_), SCANGRAD_PLANT(element_loop_last, filled_, filled_ - 1));
    filled_ = 0;
  }

  const std::size_t inputs_;
  const Array& out_;
  const InputLanes& lanes_;
  const ElementLoop& loop_;
  Input in_[most_inputs];
  std::int64_t first_ = 0, filled_ = 0;  ///< where the piece is in the output, and how much of it is there
};

}  // namespace

void run_elements(const Context& context, Inputs ins, const Array& out, const ElementLoop& loop) {
  const std::int64_t size = out.size();
  if (size == 0) return;
  bool all_alike = true;
  for (const Array* in : ins) all_alike = all_alike && in->dense && in->shape() == out.shape();
  if (all_alike)
    return context.parallel_for(size, parallel_grain, [&](std::int64_t begin, std::int64_t end) {
      const void* from[most_inputs];
      for (std::size_t k = 0; k < ins.size(); ++k) from[k] = element(*ins[k], begin);
      loop(from, element(out, begin), end - begin);
    });
  std::array<Strides, most_inputs + 1> strides;
  strides.fill(Strides(out.shape().size(), 0));
  for (std::size_t k = 0; k < ins.size(); ++k) strides[k] = core::broadcast_strides(*ins[k], out.shape());
  strides[most_inputs] = out.strides;
  const auto lanes = InputLanes::elementwise(out.shape(), strides);
  context.parallel_for(lanes.count(), parallel_grain / std::max<std::int64_t>(lanes.length, 1),
                       [&](std::int64_t begin, std::int64_t end) { Pieces(ins, out, lanes, loop).run(begin, end); });
}

}  // namespace scangrad::inline v0::cpu
