// libFuzzer entry for files of log probabilities. Seeds and finds: tests/corpus/logits_file.
#include "tests/eval/logits_file_exercise.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pomona::eval::exercise_logits_file(std::as_bytes(std::span(data, size)));
  return 0;
}
