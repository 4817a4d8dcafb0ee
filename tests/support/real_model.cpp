#include "tests/support/real_model.h"

#include <cstdlib>

#include "base/error.h"
#include "hub/model_store.h"

namespace pomona::test {

std::optional<std::filesystem::path> real_model() {
  if (const char* path = std::getenv("POMONA_TEST_MODEL")) return path;
  try {
    return hub::ModelStore().resolve("smollm2-135m").path;
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::optional<std::filesystem::path> shared_data(std::string_view name) {
  auto path = std::filesystem::path(POMONA_SOURCE_DIR) / "../shared/data" / name;
  if (!std::filesystem::exists(path)) return std::nullopt;
  return path;
}

}  // namespace pomona::test
