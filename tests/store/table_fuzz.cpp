// libFuzzer entry for data files: the input is read as CSV, JSON Lines and a JSON list. Seeds and
// finds: tests/corpus/table.
#include <cstddef>
#include <cstdint>

#include "tests/store/table_exercise.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pomona::store::exercise_table({reinterpret_cast<const char*>(data), size});
  return 0;
}
