// scan, as the user calls it: checks, the step as a program, and loops of loops where only some carries are kept.

#include "autodiff/loop.h"
#include "core/error.h"
#include "scangrad/loop.h"

namespace scangrad::inline v0 {
namespace autodiff {
namespace {

using core::CallScope;
using core::check;
using core::Spec;

void check_step(const detail::LoopStep& result, std::span<const Tensor> init) {
  check(result.carry.size() == init.size(), "step returned {} tensors as carry, but init has {}; the carry keeps its structure",
        result.carry.size(), init.size());
  for (const Tensor& y : result.y) core::check_not_empty(y);
  for (std::size_t i = 0; i < init.size(); ++i) {
    core::check_not_empty(result.carry[i]);
    check(result.carry[i].shape() == init[i].shape() && result.carry[i].dtype() == init[i].dtype(),
          "step returned a {} {} as number {} of the carry, which init has as {} {}; the carry keeps shape and dtype",
          result.carry[i].dtype(), result.carry[i].shape(), i, init[i].dtype(), init[i].shape());
  }
}

/// xs with the axis of the loop in front, and its length.
struct Elements {
  Tensors xs;
  std::int64_t length;
};
Elements elements(const Tensors& xs, const LoopOptions& options) {
  Elements result{{}, options.length.value_or(0)};
  check(!xs.empty() || options.length, "xs holds no Tensor to loop along; give one, or the number of steps as .length");
  check(result.length >= 0, "the length must not be negative, given {}", result.length);
  check(options.checkpoint_every >= 1, "checkpoint_every must be at least 1, given {}", options.checkpoint_every);
  for (std::size_t i = 0; i < xs.size(); ++i) {
    core::check_not_empty(xs[i]);
    result.xs.push_back(moveaxis(xs[i], core::normalize_axis(options.axis, xs[i].shape()), 0));
    const std::int64_t length = result.xs[i].shape()[0];
    if (i == 0 && !options.length) result.length = length;
    if (i == 0) check(length == result.length, "xs has {} elements along its axis, but .length is {}", length, result.length);
    check(length == result.length, "tensors 0 and {} of xs have {} and {} elements along their axis; they must be equal", i,
          result.length, length);
  }
  return result;
}

int axis_of_result(int axis, const Shape& shape, std::size_t number) {
  const int rank = static_cast<int>(shape.size());
  check(
      axis >= -rank && axis < rank,
      "tensor {} of y has shape {}, so its stack has no axis {} to put the steps along; give y more axes, or loop along axis 0",
      number, Shape(std::span<const std::int64_t>(shape.begin() + 1, shape.end())), axis);
  return axis;
}

/// A part of each tensor's axis 0.
Tensors part(const Tensors& xs, std::int64_t begin, std::int64_t end) {
  Tensors result;
  for (const Tensor& x : xs) result.push_back(slice(x, {.axis = 0, .begin = begin, .end = end}));
  return result;
}

/// Axis 0 as two, or the first two as one.
Tensor refolded(const Tensor& x, std::initializer_list<std::int64_t> front, std::ptrdiff_t dropped) {
  std::vector<std::int64_t> sizes(front);
  sizes.insert(sizes.end(), x.shape().begin() + dropped, x.shape().end());
  return reshape(x, Shape(sizes));
}

/// Chunks of `every` steps are steps of a loop themselves: reverse mode keeps the carries between chunks, and inside the one at work.
Tensors in_chunks(const Traced& step, Course course, std::int64_t every, const Tensors& init, const Tensors& xs) {
  const std::int64_t chunks = course.length / every, rest = course.length % every, whole = chunks * every;
  if (every == 1 || chunks <= 1) return Loop::run(step, course, init, xs, {});
  const std::int64_t first = course.reverse ? rest : 0;  // the rest comes last
  Tensors folded;
  for (const Tensor& x : part(xs, first, first + whole)) folded.push_back(refolded(x, {chunks, every}, 1));

  const Traced program{step.program, {}};
  std::vector<Spec> specs = specs_of(init);
  for (const Spec& x : specs_of(folded))
    specs.push_back({Shape(std::span<const std::int64_t>(x.shape.begin() + 1, x.shape.end())), x.dtype});
  for (Spec& k : specs_of(step.captured)) specs.push_back(std::move(k));
  const Traced chunk = trace_program(specs, step.program->device(), [&](std::span<const Tensor> in) {
    const auto list = [&](std::size_t begin, std::size_t count) {
      const auto some = in.subspan(begin, count);
      return Tensors(some.begin(), some.end());
    };
    const std::size_t carries = init.size(), elements = carries + xs.size();
    return Loop::run(program, {every, course.reverse}, list(0, carries), list(carries, xs.size()),
                     list(elements, in.size() - elements));
  });
  Tensors outs = Loop::run(chunk, {chunks, course.reverse}, init, folded, step.captured);
  for (std::size_t i = init.size(); i < outs.size(); ++i) outs[i] = refolded(outs[i], {whole}, 2);
  if (rest == 0) return outs;
  const Tensors middle(outs.begin(), outs.begin() + static_cast<std::ptrdiff_t>(init.size()));
  const std::int64_t last = course.reverse ? 0 : whole;
  Tensors ends = Loop::run(step, {rest, course.reverse}, middle, part(xs, last, last + rest), {});
  for (std::size_t i = init.size(); i < ends.size(); ++i)
    ends[i] = course.reverse ? concatenate({ends[i], outs[i]}, {.axis = 0}) : concatenate({outs[i], ends[i]}, {.axis = 0});
  return ends;
}

}  // namespace

void add_checkpoint_kernel(DeviceType device);
void add_custom_kernel(DeviceType device);
void add_user_kernel(DeviceType device);

void add_program_kernels(DeviceType device) {
  core::add_kernel<Loop>(device, Loop::kernel);
  add_checkpoint_kernel(device);
  add_custom_kernel(device);
  add_user_kernel(device);
}

}  // namespace autodiff

detail::LoopStep detail::scan(const LoopFunction& step, const std::vector<Tensor>& init, const std::vector<Tensor>& xs,
                              const LoopOptions& options, Site site) {
  using namespace autodiff;
  constexpr core::Absent absent = {"scan",
                                   "inside the step the carry and the element have no value that could be read (by item, data, "
                                   "to_vector, eval or printing); "
                                   "use where in place of a branch on a value, or read the results of scan"};
  const core::InTransform note("scan", site);
  Elements along;
  std::vector<Spec> specs;
  Device device;
  {
    const CallScope call("scan", site);
    for (const Tensor& c : init) core::check_not_empty(c);
    along = elements(xs, options);
    specs = specs_of(init);
    for (const Spec& x : specs_of(along.xs))
      specs.push_back({Shape(std::span<const std::int64_t>(x.shape.begin() + 1, x.shape.end())), x.dtype});
    if (!init.empty() || !xs.empty()) device = (init.empty() ? xs : init)[0].device();
  }
  const Traced traced = trace_program(specs, device, absent, [&](std::span<const Tensor> in) {
    const auto x = in.subspan(init.size());
    const auto c = in.first(init.size());
    const LoopStep result = step({c.begin(), c.end()}, {x.begin(), x.end()});
    const CallScope call("scan", site);
    check_step(result, init);
    return joined(result.carry, result.y);
  });
  const CallScope call("scan", site);
  const Tensors outs = in_chunks(traced, {along.length, options.reverse}, options.checkpoint_every, init, along.xs);
  LoopStep result;
  for (std::size_t i = 0; i < outs.size(); ++i) {
    if (i < init.size()) result.carry.push_back(outs[i]);
    else result.y.push_back(moveaxis(outs[i], 0, axis_of_result(options.axis, outs[i].shape(), i - init.size())));
  }
  return result;
}

}  // namespace scangrad::inline v0
