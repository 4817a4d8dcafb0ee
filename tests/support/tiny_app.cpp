#include "tests/support/tiny_app.h"

#include "tests/support/golden.h"

namespace pomona::test {

void put_tiny_app(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  std::filesystem::copy(POMONA_SOURCE_DIR "/tests/cases/tiny_app", folder);
  std::filesystem::copy(golden::path_of("llama_tiny.gguf"), folder);
}

}  // namespace pomona::test
