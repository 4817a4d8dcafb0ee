// libFuzzer entry for hostile tokenizer.json files. Seeds and finds: tests/corpus/tokenizer_json.
#include "tests/store/tokenizer_json_exercise.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pomona::store::exercise_tokenizer_json({reinterpret_cast<const char*>(data), size});
  return 0;
}
