// JSON by nlohmann-json: reading with clear errors; objects keep the order of their keys.
#pragma once
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>

namespace pomona {

using Json = nlohmann::ordered_json;

/// Parses one JSON text. Throws bad_file naming `origin` and the byte offset, or for a number that
/// no double holds.
Json parse_json(std::string_view text, std::string_view origin);

/// Throws not_found, io, or bad_file with the byte offset.
Json read_json(const std::filesystem::path& path);

}  // namespace pomona
