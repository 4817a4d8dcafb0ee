// Replays the corpora of the fuzz targets, so that what a fuzzer once found stays found.
#pragma once
#include <filesystem>
#include <functional>
#include <string_view>

namespace pomona::test {

/// Gives every file of tests/corpus/NAME to `accepts`, which may refuse it but not crash. Files
/// named valid_* must be accepted, and there must be `valid` of them.
void replay_corpus(std::string_view name, int valid,
                   const std::function<bool(const std::filesystem::path&)>& accepts);

}  // namespace pomona::test
