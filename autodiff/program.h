#pragma once
// Programs of functions, and the derivatives of programs. What a loop or a checkpoint does to its program, it does as to a function of
// Tensors: it traces the derivative into a program of its own.

#include <functional>

#include "autodiff/walk.h"

namespace scangrad::inline v0::autodiff {

using Tensors = std::vector<Tensor>;
using TensorFunction = std::function<Tensors(std::span<const Tensor>)>;

/// A program and what its last inputs are: the tensors that the function captured and that are not constants yet, or not to all.
struct Traced {
  std::shared_ptr<const core::Program> program;
  Tensors captured;
};
/// Calls f once, with tensors that have no value.
Traced trace_program(std::vector<core::Spec> inputs, Device device, const core::Absent& absent, const TensorFunction& f);
/// The same for functions of the library, which read no values.
Traced trace_program(std::vector<core::Spec> inputs, Device device, const TensorFunction& f);
/// Calls f once, on the inputs themselves: it may read their values.
Traced trace_program(std::span<const Tensor> inputs, const TensorFunction& f);

/// Outputs and their tangents, as new graph on the inputs.
Forward push_forward(const core::Program& program, std::span<const Tensor> inputs, std::span<const MaybeTensor> tangents);
/// Cotangents of the inputs.
MaybeTensors pull_back(const core::Program& program, std::span<const Tensor> inputs, std::span<const MaybeTensor> cotangents);

/// Zeros in place of the inputs that the program does not read, from `first` on: a node that runs it neither keeps nor computes those.
Tensors with_unread_zeros(const core::Program& program, Tensors inputs, std::size_t first = 0);
/// A tensor of zeros, of one element in memory.
Tensor zeros_of(const core::Spec& spec);

/// The derivatives that are there.
Tensors present(std::span<const MaybeTensor> derivatives);
/// `present` back in the places where `like` has one.
template <class Places>
MaybeTensors in_places(std::span<const Tensor> values, const Places& places) {
  MaybeTensors result(places.size());
  std::size_t next = 0;
  for (std::size_t i = 0; i < places.size(); ++i)
    if (places[i]) result[i] = values[next++];
  return result;
}
template <class... Lists>
Tensors joined(const Lists&... lists) {
  Tensors all;
  (all.insert(all.end(), lists.begin(), lists.end()), ...);
  return all;
}

/// Registers the kernels of the primitives that run programs.
void add_program_kernels(DeviceType device);

}  // namespace scangrad::inline v0::autodiff
