// libFuzzer entry for what is typed at a terminal. Seeds and finds: tests/corpus/edit_keys.
#include <cstddef>
#include <cstdint>

#include "tests/cli/edit/edit_keys_exercise.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pomona::cli::exercise_edit_keys({reinterpret_cast<const char*>(data), size});
  return 0;
}
