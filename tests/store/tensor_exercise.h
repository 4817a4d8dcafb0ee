// Touches every byte that a checkpoint's reader hands out.
#pragma once
#include <cstddef>
#include <cstdint>

#include "store/tensor_source.h"

namespace pomona::test {

inline void touch_tensor(const store::StoredTensor& tensor) {
  volatile std::uint64_t sink = tensor.shape.size() + tensor.name.size();
  for (const std::byte b : tensor.bytes) sink = sink + std::to_integer<std::uint64_t>(b);
  const StorageRef values = tensor.storage();
  for (std::size_t i = 0; i < values->size; ++i)
    sink = sink + std::to_integer<std::uint64_t>(values->data[i]);
  if (tensor.type.unpack != nullptr)
    sink = sink + static_cast<std::uint64_t>(tensor.decoded().elements());
}

}  // namespace pomona::test
