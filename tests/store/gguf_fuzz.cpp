// libFuzzer entry for the GGUF reader. Seeds and finds: tests/corpus/gguf.
#include "tests/store/gguf_exercise.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pomona::store::exercise_gguf(std::as_bytes(std::span(data, size)));
  return 0;
}
