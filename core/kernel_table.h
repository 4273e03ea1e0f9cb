#pragma once
// (device, primitive) -> kernel. Backends fill the table by an explicit call; asking for what is not there is one error.

#include "core/context.h"
#include "core/primitive.h"

namespace scangrad::inline v0::core {

/// Computes the outputs: allocates them through the context (or makes them views of inputs), then fills them.
using Kernel = void (*)(const Context& context, const Primitive& primitive, Inputs ins, Outputs outs);

void add_kernel(DeviceType device, const std::type_info& primitive, Kernel kernel);

template <class P>
void add_kernel(DeviceType device, Kernel kernel) {
  add_kernel(device, typeid(P), kernel);
}

/// Throws "no kernel for this primitive on this device" when the graph is built.
Kernel find_kernel(const Primitive& primitive, Device device);

/// The threads of a device's kernels; set once by its backend.
void set_thread_pool(DeviceType device, ThreadPool& pool);
ThreadPool& thread_pool(DeviceType device);

/// Calls every backend's registration; defined beside the backends (backends.cpp), called once by find_kernel.
void register_backends();

}  // namespace scangrad::inline v0::core
