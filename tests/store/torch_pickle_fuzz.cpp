// libFuzzer entry for the pickles inside PyTorch checkpoints. Seeds and finds:
// tests/corpus/torch_pickle.
#include "tests/store/torch_pickle_exercise.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pomona::store::exercise_torch_pickle(std::as_bytes(std::span(data, size)));
  return 0;
}
