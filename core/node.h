#pragma once
// Node: a value of the graph and, until it is computed, the edge to what it is computed from.
//
// Life of a node: apply() makes it `pending`, with a primitive and inputs. evaluate() claims it (one thread), runs the kernel
// and makes it `done`; then the edge is dropped, so that inputs die as soon as nothing else needs them, unless a transform
// that is live on this thread still has to differentiate through it. A done node never changes again but for that drop.
//
// A primitive with several outputs makes one node that holds them all (`tuple`), and one selector node an output.
//
// `tracked` has a bit for each live transform whose inputs the node was computed from: walks stop where their bit is absent.

#include <mutex>

#include "core/array.h"
#include "core/kernel_table.h"
#include "core/primitive.h"

namespace scangrad::inline v0::core {

enum class State : std::uint32_t { pending, claimed, done };

struct Edge {
  PrimitiveRef primitive;
  FixedList<Tensor, 2> inputs;
  explicit operator bool() const noexcept { return static_cast<bool>(primitive); }
};

struct Node final : detail::NodeHead {
  std::atomic<State> state{State::pending};
  SpinLock edge_lock;          ///< taken to copy or drop the edge; the thread that holds the claim reads it without
  std::int32_t selected = -1;  ///< a selector: which output of inputs[0]'s tuple this is
  Device device;
  std::atomic<std::uint64_t> tracked{0};
  std::uint64_t born = 0;  ///< TransformScope::now() when it was made
  Kernel kernel = nullptr;
  Edge edge;
  Array value;
  std::unique_ptr<std::vector<Array>> tuple;
  Site site;
  std::unique_ptr<const std::string> label;  ///< what the user called it; under edge_lock
  Node* next_dead = nullptr;                 ///< see detail::destroy

  // Nodes come and go by the thousand, all of one size: each thread keeps some of the freed ones.
  static void* operator new(std::size_t size);
  static void operator delete(void* memory) noexcept;

  bool done() const noexcept { return state.load(std::memory_order_acquire) == State::done; }
};

}  // namespace scangrad::inline v0::core

namespace scangrad::inline v0::detail {

/// The library's key to Tensor, Operand and Literal.
struct Access {
  static core::Node& node(const Tensor& x) noexcept { return *static_cast<core::Node*>(x.node_); }
  static core::Node* node_or_null(const Tensor& x) noexcept { return static_cast<core::Node*>(x.node_); }
  static Tensor tensor(core::Node* node) noexcept { return Tensor(static_cast<NodeHead&>(*node)); }
  static const Tensor& tensor(const Operand& x) noexcept { return x.tensor_; }
  static const Literal& number(const Operand& x) noexcept { return x.number_; }
  static bool weak(const Operand& x) noexcept { return x.weak_; }
  static WeakKind kind(const Literal& x) noexcept { return x.kind_; }
  static std::int64_t integer(const Literal& x);  // throws if it fits into no int64
  static bool above_int64(const Literal& x) noexcept { return x.above_int64_; }
  static std::complex<double> value(const Literal& x) noexcept { return {x.real_, x.imag_}; }
  static DType dtype(const Literal& x) noexcept;
  static Tensor scalar(const Literal& x, DType dtype);
};

}  // namespace scangrad::inline v0::detail

namespace scangrad::inline v0::core {

using detail::Access;

inline Node& node_of(const Tensor& x) noexcept { return Access::node(x); }

/// Throws on a default Tensor.
void check_not_empty(const Tensor& x);

/// A new node: `primitive` applied to `ins`, at the call site of the current CallScope.
Tensor apply(const PrimitiveRef& primitive, Spec out, FixedList<Tensor, 2> ins);
/// The same for a primitive with several outputs.
std::vector<Tensor> apply_multi(const PrimitiveRef& primitive, std::vector<Spec> outs, FixedList<Tensor, 2> ins);
/// The selector of output i of a tuple node.
Tensor select(const Tensor& tuple, std::size_t i);

/// A node whose value is there already.
Tensor make_leaf(Array value);
/// One evaluated element, seen through zero strides as any shape; no gradient reaches `element`.
Tensor repeat_element(const Tensor& element, const Shape& shape);
/// `ins[0]` as a new node with the edge kept: what a transform differentiates with respect to.
Tensor make_placeholder(const Tensor& x, std::uint64_t transform_bit);
/// Whether the edge is that of a placeholder, whose value and derivatives are those of its input.
bool is_placeholder(const Edge& edge) noexcept;

/// Why a tensor has no value, for the error of those who read it.
struct Absent {
  const char* transform;  ///< who made the tensor
  const char* message;
};
/// What reading such a tensor throws.
struct NoValue final : Error {
  using Error::Error;
};
/// A shape and dtype without a value: what a transform calls its function with to learn what it does.
Tensor make_example(Spec spec, Device device, const Absent& absent, std::uint64_t transform_bit);

/// A copy of the node's edge (empty if it was dropped), safe against a thread that drops it now.
Edge copy_edge(const Node& node);

/// Lets go of what an evaluated node was computed from.
void drop_edge(Node& node) noexcept;

/// Computes what is pending below the given tensors, inputs in order, each once, without recursion.
void evaluate(std::span<const Tensor> outputs);

/// Row-major: what reading a value makes of a strided one.
class Contiguous final : public Primitive {
 public:
  std::string_view name() const override { return "contiguous"; }
};

/// For kernels: x itself if it is row-major, else a row-major copy, kept in `copy`.
const Array& row_major(const Context& context, const Array& x, Array& copy);

/// Runs a kernel, under the name and place of its operation.
void run_kernel(const Primitive& primitive, Kernel kernel, Site site, Device device, Inputs ins,
                std::span<const bool> may_reuse, Outputs outs);

/// The kernel of operations whose output is their input.
void share_value(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs);

}  // namespace scangrad::inline v0::core
