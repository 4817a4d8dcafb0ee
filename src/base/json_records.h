// JSON Lines that a process may have died in the middle of writing: the whole records at the front.
#pragma once
#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/json.h"

namespace pomona {

/// The whole records at the front of a file, at most `most` of them; none if there is no file.
/// Throws io.
std::vector<Json> read_whole_records(const std::filesystem::path& path,
                                     std::uint64_t most = UINT64_MAX);

/// The same, and cuts the file off behind them.
std::vector<Json> keep_whole_records(const std::filesystem::path& path,
                                     std::uint64_t most = UINT64_MAX);

}  // namespace pomona
