// libFuzzer entry for config.json. Seeds and finds: tests/corpus/hub_config.
#include <cstddef>
#include <cstdint>

#include "tests/model/hub_config_exercise.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pomona::model::exercise_hub_config({reinterpret_cast<const char*>(data), size});
  return 0;
}
