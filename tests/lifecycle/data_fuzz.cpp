// libFuzzer entry for data files: the input is read as CSV and as JSON Lines. Seeds and finds:
// tests/corpus/data.
#include <cstddef>
#include <cstdint>

#include "tests/lifecycle/data_exercise.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pomona::lifecycle::exercise_data({reinterpret_cast<const char*>(data), size});
  return 0;
}
