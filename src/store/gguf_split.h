// The parts of a split GGUF model: PREFIX-00001-of-00003.gguf and so on, with the keys split.no,
// split.count and split.tensors.count, as llama.cpp's gguf-split writes them.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "store/gguf_value.h"

namespace pomona::store {

inline constexpr std::string_view kSplitNumber = "split.no";
inline constexpr std::string_view kSplitCount = "split.count";
inline constexpr std::string_view kSplitTensors = "split.tensors.count";

/// What one part says about the whole.
struct GgufSplit {
  std::uint64_t number = 0;  // of this part, from 0
  std::uint64_t count = 1;
  std::optional<std::uint64_t> tensors;  // of all parts together
};

/// Empty for a model of one file. Throws bad_file for a part that cannot be.
std::optional<GgufSplit> read_gguf_split(const GgufMetadata& metadata);

/// Throws bad_file unless `metadata` is that of part `number` of the same model as `whole`.
void check_gguf_part(const GgufMetadata& metadata, const GgufSplit& whole, std::size_t number);

/// The name of part `number`, from 0, of `count`: "small", 0, 3 -> small-00001-of-00003.gguf.
std::string gguf_part_name(std::string_view prefix, std::size_t number, std::size_t count);

/// All parts' paths, from that of one. Throws bad_file if its name is not that of a part.
std::vector<std::filesystem::path> gguf_part_paths(const std::filesystem::path& path,
                                                   const GgufSplit& split);

/// The same by the name alone; only `path` if its name is not that of a part.
std::vector<std::filesystem::path> gguf_part_paths(const std::filesystem::path& path);

}  // namespace pomona::store
