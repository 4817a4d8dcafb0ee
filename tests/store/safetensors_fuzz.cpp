// libFuzzer entry for the safetensors reader. Seeds and finds: tests/corpus/safetensors.
#include "tests/store/safetensors_exercise.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pomona::store::exercise_safetensors(std::as_bytes(std::span(data, size)));
  return 0;
}
