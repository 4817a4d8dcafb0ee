// libFuzzer entry for SentencePiece's precompiled character maps. Seeds and finds:
// tests/corpus/chars_map.
#include <cstddef>
#include <cstdint>

#include "tests/text/chars_map_exercise.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pomona::text::exercise_chars_map({reinterpret_cast<const char*>(data), size});
  return 0;
}
