#include "autodiff/loop.h"

#include <cstring>

#include "scangrad/ops.h"

namespace scangrad::inline v0::autodiff {
namespace {

using core::Array;
using core::Ins;
using core::Spec;
using Mask = std::vector<bool>;

/// Takes tensors off the front of a list.
struct Reader {
  std::span<const Tensor> rest;
  std::span<const Tensor> operator()(std::size_t count) {
    const auto front = rest.first(count);
    rest = rest.subspan(count);
    return front;
  }
  MaybeTensors operator()(const Mask& places) {
    return in_places((*this)(static_cast<std::size_t>(std::count(places.begin(), places.end(), true))), places);
  }
};

Mask mask_of(std::span<const MaybeTensor> derivatives) {
  Mask mask;
  for (const MaybeTensor& d : derivatives) mask.push_back(d.has_value());
  return mask;
}

/// Marks what is present too; true if that is anything new.
bool grow(Mask& mask, std::span<const MaybeTensor> derivatives) {
  bool grown = false;
  for (std::size_t i = 0; i < mask.size(); ++i) {
    grown |= derivatives[i] && !mask[i];
    mask[i] = mask[i] || derivatives[i];
  }
  return grown;
}

/// The derivatives at the marked places, zeros where one is absent.
Tensors dense(std::span<const MaybeTensor> derivatives, const Mask& mask, std::span<const Spec> specs) {
  Tensors result;
  for (std::size_t i = 0; i < mask.size(); ++i)
    if (mask[i]) result.push_back(derivatives[i] ? *derivatives[i] : zeros_of(specs[i]));
  return result;
}

MaybeTensors joined_maybe(const MaybeTensors& a, const MaybeTensors& b, const MaybeTensors& c = {}) {
  MaybeTensors all = a;
  all.insert(all.end(), b.begin(), b.end());
  all.insert(all.end(), c.begin(), c.end());
  return all;
}

/// The specs of a body's inputs: the given tensors, where those in the middle lose axis 0.
std::vector<Spec> body_specs(const Tensors& carries, const Tensors& xs, const Tensors& captured) {
  std::vector<Spec> specs = specs_of(carries);
  for (const Spec& x : specs_of(xs))
    specs.push_back({Shape(std::span<const std::int64_t>(x.shape.begin() + 1, x.shape.end())), x.dtype});
  for (Spec& k : specs_of(captured)) specs.push_back(std::move(k));
  return specs;
}

/// With the axis of the loop in front.
Spec stacked(const Spec& spec, std::int64_t length) {
  std::vector<std::int64_t> sizes(spec.shape.begin(), spec.shape.end());
  sizes.insert(sizes.begin(), length);
  return {Shape(sizes), spec.dtype};
}

Tensors list(std::span<const Tensor> tensors) { return Tensors(tensors.begin(), tensors.end()); }

}  // namespace

Tensors Loop::run(const Traced& body, Course course, const Tensors& init, const Tensors& xs, const Tensors& captured) {
  std::vector<Spec> specs = body.program->output_specs();
  if (specs.empty()) return {};
  for (std::size_t i = init.size(); i < specs.size(); ++i) specs[i] = stacked(specs[i], course.length);
  const Tensors ins = with_unread_zeros(*body.program, joined(init, xs, captured, body.captured), init.size());
  return apply(core::make_primitive<Loop>(body.program, init.size(), xs.size(), course), std::move(specs),
               core::FixedList<Tensor, 2>(std::span<const Tensor>(ins)));
}

// Which carries have a tangent is found by trying: those of the inputs, and what the body makes of them, until nothing is added.
core::OutsAndTangents Loop::push(Ins ins, core::Tangents tangents) const {
  const Mask x_moves = mask_of(tangents.subspan(carries_, xs_)), k_moves = mask_of(tangents.subspan(carries_ + xs_));
  Mask moves = mask_of(tangents.first(carries_)), y_moves;
  const std::span<const Spec> specs(body_->inputs());
  Tensors init, outs;
  for (bool grown = true; grown;) {
    init = joined(ins.first(carries_), dense(tangents.first(carries_), moves, specs));
    const Tensors xs = joined(ins.subspan(carries_, xs_), present(tangents.subspan(carries_, xs_)));
    const Tensors captured = joined(ins.subspan(carries_ + xs_), present(tangents.subspan(carries_ + xs_)));
    const Traced body = trace_program(body_specs(init, xs, captured), body_->device(), [&](std::span<const Tensor> in) {
      Reader read{in};
      const auto c = read(carries_);
      const MaybeTensors dc = read(moves);
      const auto x = read(xs_);
      const MaybeTensors dx = read(x_moves);
      const auto k = read(k_moves.size());
      const MaybeTensors dk = read(k_moves);
      const Forward out = push_forward(*body_, joined(c, x, k), joined_maybe(dc, dx, dk));
      const std::span<const Tensor> values(out.values);
      const std::span<const MaybeTensor> moved(out.tangents);
      grown = grow(moves, moved.first(carries_));
      y_moves = mask_of(moved.subspan(carries_));
      return joined(values.first(carries_), dense(moved.first(carries_), moves, specs), values.subspan(carries_),
                    present(moved.subspan(carries_)));
    });
    if (!grown) outs = run(body, course_, init, xs, captured);
  }
  Reader read{outs};
  const auto last = read(carries_);
  const MaybeTensors dlast = read(moves);
  const auto ys = read(y_moves.size());
  return {joined(last, ys), joined_maybe(dlast, read(y_moves))};
}

Mask Loop::with_their_sources(Mask needed) const {
  for (bool grown = true; grown;) {
    Mask outputs = needed;
    outputs.resize(body_->outputs().size());
    const Mask read = body_->inputs_read(outputs);
    grown = false;
    for (std::size_t i = 0; i < carries_; ++i)
      if (read[i] && !needed[i]) needed[i] = grown = true;
  }
  return needed;
}

// A loop of those carries alone: the others may be tangents that have no value, when a loop with its tangents is transposed.
Tensors Loop::carries_before(Ins ins, const Mask& needed) const {
  const Mask run_along = with_their_sources(needed);
  const std::span<const Spec> specs(body_->inputs());
  Tensors init, result;
  for (std::size_t i = 0; i < carries_; ++i)
    if (run_along[i]) init.push_back(ins[i]);
  const Tensors xs = list(ins.subspan(carries_, xs_)), captured = list(ins.subspan(carries_ + xs_));
  const Traced body = trace_program(body_specs(init, xs, captured), body_->device(), [&](std::span<const Tensor> in) {
    Reader read{in};
    MaybeTensors carry = read(run_along);
    for (std::size_t i = 0; i < carries_; ++i)
      if (!carry[i]) carry[i] = zeros_of(specs[i]);
    const Tensors out = replay(*body_, joined(present(carry), read.rest));
    Tensors next, kept;
    for (std::size_t i = 0; i < carries_; ++i) {
      if (run_along[i]) next.push_back(out[i]);
      if (needed[i]) kept.push_back(*carry[i]);
    }
    return joined(next, kept);
  });
  const Tensors outs = run(body, course_, init, xs, captured);
  Reader read{std::span<const Tensor>(outs).subspan(init.size())};
  const MaybeTensors found = read(needed);
  for (std::size_t i = 0; i < carries_; ++i)
    result.push_back(found[i] ? *found[i] : zeros_of(stacked(specs[i], course_.length)));
  return result;
}

// The loop the other way round. Its carries: the cotangents of the carries, and the sums so far of those of what the body captured;
// its xs: the carries before each step, xs, and the cotangents of ys.
MaybeTensors Loop::vjp(Ins ins, core::Outs, core::Tangents cotangents, core::WantedMask wanted) const {
  const std::size_t captured_count = ins.size() - carries_ - xs_;
  const std::span<const Spec> specs(body_->inputs()), k_specs = specs.subspan(carries_ + xs_);
  const Mask y_pulls = mask_of(cotangents.subspan(carries_));
  Mask pulls = mask_of(cotangents.first(carries_)), k_pulled(captured_count), x_pulled;
  const Tensors k = list(ins.subspan(carries_ + xs_));
  Tensors xs, outs;
  for (std::size_t i = 0; i < carries_; ++i)
    xs.push_back(zeros_of(stacked(specs[i], course_.length)));  // until it is known which
  xs = joined(xs, ins.subspan(carries_, xs_), present(cotangents.subspan(carries_)));
  for (bool grown = true; grown;) {
    const Tensors init =
        joined(dense(cotangents.first(carries_), pulls, specs), dense(MaybeTensors(captured_count), k_pulled, k_specs));
    const Traced body = trace_program(body_specs(init, xs, k), body_->device(), [&](std::span<const Tensor> in) {
      Reader read{in};
      const MaybeTensors gc = read(pulls), sums = read(k_pulled);
      const auto primals = read(carries_ + xs_);
      const MaybeTensors gy = read(y_pulls);
      MaybeTensors g = pull_back(*body_, joined(primals, read(captured_count)), joined_maybe(gc, gy));
      for (std::size_t i = carries_; i < g.size(); ++i)
        if (!wanted[i]) g[i].reset();
      const std::span<MaybeTensor> g_carry(g.data(), carries_), g_x(g.data() + carries_, xs_),
          g_k(g.data() + carries_ + xs_, captured_count);
      grown = grow(pulls, g_carry);
      grown |= grow(k_pulled, g_k);
      x_pulled = mask_of(g_x);
      for (std::size_t i = 0; i < captured_count; ++i)
        if (sums[i]) g_k[i] = g_k[i] ? add(*sums[i], *g_k[i]) : *sums[i];
      return joined(dense(g_carry, pulls, specs), dense(g_k, k_pulled, k_specs), present(g_x));
    });
    if (grown) continue;
    const Mask read = body.program->inputs_read(Mask(body.program->outputs().size(), true));
    const auto first = read.begin() + static_cast<std::ptrdiff_t>(init.size());
    const Tensors carries = carries_before(ins, Mask(first, first + static_cast<std::ptrdiff_t>(carries_)));
    std::copy(carries.begin(), carries.end(), xs.begin());
    outs = run(body, {course_.length, !course_.reverse}, init, xs, k);
  }
  Reader read{outs};
  const MaybeTensors g_init = read(pulls), g_k = read(k_pulled);
  return joined_maybe(g_init, read(x_pulled), g_k);
}

// The batch axis of xs and ys stands behind that of the loop.
core::BatchResult Loop::vmap(Ins ins, core::MappedMask mapped, core::Specs) const {
  std::int64_t size = 0;
  for (std::size_t i = 0; i < ins.size(); ++i)
    if (mapped[i]) size = ins[i].shape()[0];
  const auto batch = [&](const Tensor& x) {
    std::vector<std::int64_t> sizes(x.shape().begin(), x.shape().end());
    sizes.insert(sizes.begin(), size);
    return broadcast_to(x, Shape(sizes));
  };
  Mask carry_mapped(mapped.begin(), mapped.begin() + static_cast<std::ptrdiff_t>(carries_)), y_mapped;
  Tensors xs;
  for (std::size_t i = carries_; i < carries_ + xs_; ++i) xs.push_back(mapped[i] ? moveaxis(ins[i], 1, 0) : ins[i]);
  const Tensors captured = list(ins.subspan(carries_ + xs_));
  Tensors outs;
  for (bool grown = true; grown;) {
    Tensors init;
    for (std::size_t i = 0; i < carries_; ++i) init.push_back(carry_mapped[i] && !mapped[i] ? batch(ins[i]) : ins[i]);
    const Traced body = trace_program(body_specs(init, xs, captured), body_->device(), [&](std::span<const Tensor> in) {
      std::vector<Batched> inputs;
      for (std::size_t i = 0; i < in.size(); ++i) inputs.push_back({in[i], i < carries_ ? carry_mapped[i] : mapped[i]});
      Tensors results;
      grown = false;
      y_mapped.clear();
      for (Batched& out : replay(*body_, std::span<const Batched>(inputs))) {
        const std::size_t i = results.size();
        if (i >= carries_) y_mapped.push_back(out.mapped);
        else if (out.mapped && !carry_mapped[i]) carry_mapped[i] = grown = true;
        else if (carry_mapped[i] && !out.mapped) out.value = batch(out.value);
        results.push_back(std::move(out.value));
      }
      return results;
    });
    if (!grown) outs = run(body, course_, init, xs, captured);
  }
  core::BatchResult result{std::move(outs), std::move(carry_mapped)};
  for (std::size_t i = 0; i < y_mapped.size(); ++i) {
    Tensor& y = result.outs[carries_ + i];
    if (y_mapped[i]) y = moveaxis(y, 0, 1);
    result.mapped.push_back(y_mapped[i]);
  }
  return result;
}

namespace {

/// Element t of axis 0, of the given spec.
Array element(const Array& x, const Spec& spec, std::int64_t t) {
  Array result;
  result.spec = spec;
  result.view(x, Strides(std::span<const std::int64_t>(x.strides.begin() + 1, x.strides.end())), x.offset + t * x.strides[0]);
  return result;
}

/// Copies x to place t of axis 0 of a row-major array.
void store(const core::Context& context, const Array& x, Array& to, std::int64_t t) {
  if (x.size() == 0) return;
  Array copy;
  const Array& from = core::row_major(context, x, copy);
  const auto item = static_cast<std::int64_t>(item_size(x.dtype())), bytes = x.size() * item;
  std::memcpy(to.storage->data + to.offset * item + t * bytes, from.storage->data + from.offset * item,
              static_cast<std::size_t>(bytes));
}

}  // namespace

void Loop::kernel(const core::Context& context, const Primitive& primitive, core::Inputs ins, core::Outputs outs) {
  const Loop& loop = static_cast<const Loop&>(primitive);
  const std::size_t carries = loop.carries_, captured = carries + loop.xs_;
  for (std::size_t i = carries; i < outs.size(); ++i) context.allocate(outs[i]);
  core::Runner runner(*loop.body_, captured);
  for (std::size_t i = captured; i < ins.size(); ++i) runner.input(i) = *ins[i];
  std::vector<Array> carry;
  for (std::size_t i = 0; i < carries; ++i) carry.push_back(*ins[i]);
  for (std::int64_t step = 0; step < loop.course_.length; ++step) {
    const std::int64_t t = loop.course_.reverse ? loop.course_.length - 1 - step : step;
    for (std::size_t i = 0; i < carries; ++i) runner.input(i) = std::move(carry[i]);
    for (std::size_t i = carries; i < captured; ++i) runner.input(i) = element(*ins[i], loop.body_->inputs()[i], t);
    runner.run();
    for (std::size_t i = 0; i < carries; ++i) carry[i] = runner.output(i);
    for (std::size_t i = carries; i < outs.size(); ++i) store(context, runner.output(i), outs[i], t);
    runner.clear();
  }
  for (std::size_t i = 0; i < carries; ++i) outs[i].view(carry[i], carry[i].strides, carry[i].offset);
}

}  // namespace scangrad::inline v0::autodiff
