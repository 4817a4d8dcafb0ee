// libFuzzer entry for PyTorch checkpoints as files. Seeds and finds: tests/corpus/torch.
#include "tests/store/torch_exercise.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pomona::store::exercise_torch(std::as_bytes(std::span(data, size)));
  return 0;
}
