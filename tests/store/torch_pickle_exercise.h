// Reads bytes as the pickle of a PyTorch checkpoint whose storages "0" and "1" have 64 bytes, and
// decodes every tensor; the fuzzer and the replay of its corpus share it.
#pragma once
#include <array>
#include <cstddef>
#include <span>

#include "store/torch_tensors.h"
#include "tests/store/tensor_exercise.h"
#include "tests/support/exercise.h"

namespace pomona::store {

/// True if the bytes are a pickle Pomona accepts, false if an Error says why not.
inline bool exercise_torch_pickle(std::span<const std::byte> bytes) {
  static const std::array<std::byte, 64> values = {};
  const TorchStorages storages =
      [](std::string_view key) -> std::optional<std::span<const std::byte>> {
    if (key != "0" && key != "1") return std::nullopt;
    return values;
  };
  return test::ends_well([&] {
    const Pickle pickle = parse_pickle(bytes, "fuzz", 0, is_torch_global);
    for (const bool swapped : {false, true})
      for (const StoredTensor& tensor : tensors_in(pickle, storages, swapped, "fuzz"))
        test::touch_tensor(tensor);
  });
}

}  // namespace pomona::store
