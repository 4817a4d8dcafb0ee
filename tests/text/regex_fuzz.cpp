// libFuzzer entry for the regular expressions of tokenisers. Seeds and finds: tests/corpus/regex.
#include <cstddef>
#include <cstdint>

#include "tests/text/regex_exercise.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pomona::text::exercise_regex({reinterpret_cast<const char*>(data), size});
  return 0;
}
