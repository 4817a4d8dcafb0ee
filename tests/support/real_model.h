// Finds what only some machines have: the real model and the reference data beside the repository.
#pragma once
#include <filesystem>
#include <optional>
#include <string_view>

namespace pomona::test {

/// The SmolLM2-135M-Instruct file: $POMONA_TEST_MODEL, or the one in the local store.
std::optional<std::filesystem::path> real_model();

/// What a test that needs it says when it skips.
inline constexpr const char* kNoRealModel =
    "the default model is not here: run ./pomona pull smollm2-135m, or set POMONA_TEST_MODEL";

/// A file or folder of the reference data (../shared/data), if it is there.
std::optional<std::filesystem::path> shared_data(std::string_view name);

}  // namespace pomona::test
