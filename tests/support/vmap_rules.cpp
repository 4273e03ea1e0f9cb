// The vmap rule of every primitive in the graphs of a row, called directly, against loops of single calls.

#include <complex>

#include "core/error.h"
#include "core/post_order.h"
#include "core/trace.h"
#include "support/catch.h"
#include "support/point.h"

namespace test {
namespace {

namespace core = scangrad::core;
using Numbers = std::vector<std::complex<double>>;

constexpr std::int64_t batch = 3;

/// A primitive with inputs, as a graph has it.
struct Call {
  core::PrimitiveRef primitive;
  Tensors ins;
  std::vector<core::Spec> outs;
};

std::vector<Call> calls_below(std::span<const Tensor> outputs) {
  std::vector<Call> calls;
  for (const Tensor& x : core::post_order(outputs, [](const core::Node&) { return false; })) {
    const core::Node& node = core::node_of(x);
    if (!node.edge || node.selected >= 0) continue;
    Call call{node.edge.primitive, Tensors(node.edge.inputs.begin(), node.edge.inputs.end()), {node.value.spec}};
    if (node.tuple) {
      call.outs.clear();
      for (const core::Array& out : *node.tuple) call.outs.push_back(out.spec);
    }
    if (!call.ins.empty()) calls.push_back(std::move(call));
  }
  return calls;
}

Tensors run(const Call& call, const Tensors& ins) {
  const core::FixedList<Tensor, 2> list{std::span<const Tensor>(ins)};
  if (call.outs.size() == 1) return {core::apply(call.primitive, call.outs[0], list)};
  return core::apply_multi(call.primitive, call.outs, list);
}

/// Three examples: x, and others of its kind. Reversing keeps indices in range and positive definite matrices so.
Tensor examples(const Tensor& x) {
  const Tensor back = sg::flip(x);
  if (!sg::is_inexact(x.dtype())) return sg::stack({x, back, x});
  return sg::astype(sg::stack({x, back * 0.75, x * 0.5}), x.dtype());
}

Tensors batches_of(const Tensors& inputs) {
  Tensors result;
  for (const Tensor& x : inputs) result.push_back(examples(x));
  return result;
}

Numbers numbers_of(const Tensor& x) { return sg::astype(x, DType::complex128).to_vector<std::complex<double>>(); }

bool finite(std::complex<double> z) { return std::isfinite(z.real()) && std::isfinite(z.imag()); }
bool alike(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

/// To rounding, since a batch may lie in memory in another order; what is not floating, exactly.
void check_alike(const Tensor& got, const Tensor& expected) {
  const double u = sg::is_inexact(got.dtype()) ? std::max(1e-15, 8 * static_cast<double>(unit_roundoff(got.dtype()))) : 0;
  const Numbers a = numbers_of(got), b = numbers_of(expected);
  double scale = 0;
  for (const auto& z : b)
    if (finite(z)) scale = std::max(scale, std::abs(z));
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    const bool same = alike(a[i].real(), b[i].real()) && alike(a[i].imag(), b[i].imag());
    if (!same && !(std::abs(a[i] - b[i]) <= 16 * u * scale)) ++wrong;
  }
  CHECK(wrong == 0);
}

/// One choice of mapped inputs: example i of the rule's result is the result of example i.
void check_rule(const Call& call, const Tensors& batches, std::span<const bool> mapped, std::int64_t size) {
  const auto part = [&](std::size_t k, std::int64_t begin, std::int64_t end) {
    return mapped[k] ? sg::slice(batches[k], {.axis = 0, .begin = begin, .end = end}) : call.ins[k];
  };
  Tensors ins;
  for (std::size_t k = 0; k < call.ins.size(); ++k) ins.push_back(part(k, 0, size));
  const core::BatchResult result = call.primitive->vmap(ins, mapped, call.outs);
  REQUIRE(result.outs.size() == call.outs.size());
  REQUIRE(result.mapped.size() == call.outs.size());
  for (std::size_t o = 0; o < call.outs.size(); ++o) {
    const Tensor out = result.mapped[o] ? result.outs[o] : sg::stack(Tensors(static_cast<std::size_t>(size), result.outs[o]));
    std::vector<std::int64_t> shape(call.outs[o].shape.begin(), call.outs[o].shape.end());
    shape.insert(shape.begin(), size);
    REQUIRE(sg::to_string(out.shape()) == sg::to_string(Shape(shape)));
    REQUIRE(sg::to_string(out.dtype()) == sg::to_string(call.outs[o].dtype));
    sg::eval(out);
    for (std::int64_t i = 0; i < size; ++i) {
      Tensors single;
      for (std::size_t k = 0; k < call.ins.size(); ++k) single.push_back(mapped[k] ? batches[k][i] : call.ins[k]);
      INFO("example " << i << " of " << size);
      check_alike(out[i], run(call, single)[o]);
    }
  }
}

void check_call(const Call& call) {
  const std::size_t count = call.ins.size();
  const Tensors batches = batches_of(call.ins);
  sg::eval(batches);
  for (std::size_t mask = 1; mask < std::size_t{1} << std::min<std::size_t>(count, 4); ++mask) {
    const std::unique_ptr<bool[]> mapped(new bool[count]);
    for (std::size_t k = 0; k < count; ++k) mapped[k] = (mask >> std::min<std::size_t>(k, 3) & 1) != 0;
    INFO("the vmap rule of " << call.primitive->name() << ", mapped inputs " << std::hex << mask);
    for (std::int64_t size : {batch, std::int64_t{1}, std::int64_t{0}})
      check_rule(call, batches, std::span<const bool>(mapped.get(), count), size);
  }
}

/// The graph of the value, of a tangent, and of a gradient with its tangent.
Tensors graph_of(const Point& point) {
  Tensors outputs = {point.row.f(point.x)};
  if (!point.row.differentiable || !sg::is_floating(point.dtype)) return outputs;
  const auto x = sg::args(point.x), t = sg::args(to_tensors(random_like(point.at, 51), point.dtype));
  const Tensor q = to_tensor(random_like(point.exact.value, 52), outputs[0].dtype());
  const auto pulled = [&](const Tensors& at) { return sg::vjp(point.row.f, sg::args(at)).pullback(q); };
  outputs.push_back(sg::jvp(point.row.f, x, t).tangent);
  const auto [gradient, second] = sg::jvp(pulled, x, t);
  for (const Tensors& all : {gradient, second}) outputs.insert(outputs.end(), all.begin(), all.end());
  return outputs;
}

}  // namespace

void check_vmap_rules(const Point& point) {
  std::vector<Call> calls;
  {
    const core::TransformScope keeps_graphs;  // no transform inside it evaluates
    calls = calls_below(graph_of(point));
  }
  for (const Call& call : calls) {
    if (call.primitive->name() == "placeholder") continue;  // its kernel is a transform's own
    sg::eval(call.ins);
    check_call(call);
  }
}

}  // namespace test
