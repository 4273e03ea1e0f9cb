#include "core/primitive.h"

#include "core/error.h"

namespace scangrad::inline v0::core {

MaybeTensors Primitive::jvp(Ins, Outs, Tangents) const {
  fail("{} has no jvp rule; override Primitive::jvp or decompose", name());
}

MaybeTensors Primitive::vjp(Ins, Outs, Tangents, WantedMask) const {
  fail("{} has no vjp rule; override Primitive::vjp or decompose", name());
}

BatchResult Primitive::vmap(Ins, MappedMask, Specs) const { return {}; }

}  // namespace scangrad::inline v0::core
