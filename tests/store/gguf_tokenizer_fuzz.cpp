// libFuzzer entry for tokenisers of hostile vocabularies. Seeds and finds:
// tests/corpus/gguf_tokenizer.
#include "tests/store/gguf_tokenizer_exercise.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pomona::store::exercise_tokenizer(std::as_bytes(std::span(data, size)));
  return 0;
}
