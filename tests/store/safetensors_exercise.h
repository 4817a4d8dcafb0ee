// Parses bytes as safetensors and decodes every tensor; the fuzzer and the replay of its corpus
// share it.
#pragma once
#include <cstddef>
#include <span>

#include "store/safetensors.h"
#include "tests/store/tensor_exercise.h"
#include "tests/support/exercise.h"

namespace pomona::store {

/// True if the bytes are a file Pomona accepts, false if an Error says why not.
inline bool exercise_safetensors(std::span<const std::byte> bytes) {
  return test::ends_well([&] {
    for (const StoredTensor& tensor : parse_safetensors(bytes, "fuzz").tensors)
      test::touch_tensor(tensor);
  });
}

}  // namespace pomona::store
