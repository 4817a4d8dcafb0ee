// libFuzzer entry for the indexes of checkpoints in several files. Seeds: tests/corpus/shard_index.
#include "tests/store/shard_index_exercise.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pomona::store::exercise_shard_index({reinterpret_cast<const char*>(data), size});
  return 0;
}
