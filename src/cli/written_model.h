// What a command says of a model's files that it has written.
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace pomona::cli {

/// "to.gguf: 538 MB -> 105 MB in 9.1 s (61 F32, 211 Q4_K tensors)", and a line's end.
std::string written_model(const std::filesystem::path& to, std::uint64_t bytes_in,
                          std::uint64_t bytes_out, double seconds,
                          const std::map<std::string, std::int64_t>& types);

}  // namespace pomona::cli
