#include "tensor/context.h"

#include <array>

#include "base/error.h"

namespace pomona {
namespace {

constexpr std::array<std::string_view, 3> kComputeNames = {"f32", "bf16", "fast"};

}  // namespace

Compute parse_compute(std::string_view name) {
  for (std::size_t i = 0; i < kComputeNames.size(); ++i) {
    if (name == kComputeNames[i]) return static_cast<Compute>(i);
  }
  fail(ErrorKind::bad_argument, "compute mode \"{}\": choose f32, bf16 or fast", name);
}

std::string_view name_of(Compute compute) {
  return kComputeNames[static_cast<std::size_t>(compute)];
}

Tensor Context::empty(Shape shape, DType dtype) const {
  return Tensor(arena.allocate(static_cast<std::size_t>(bytes_of(dtype, shape.elements()))), shape,
                dtype);
}

}  // namespace pomona
