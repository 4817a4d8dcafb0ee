// Reads safetensors files over a mapping. Format: the safetensors specification (Hugging Face,
// safetensors README, "Format"): u64 length of a JSON header, the header, then all values without
// holes. The files come from strangers, so every size and offset is checked.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "store/tensor_source.h"

namespace pomona::store {

/// The largest header that the reference reader takes, in bytes.
inline constexpr std::uint64_t kLargestSafetensorsHeader = 100'000'000;

/// Pairs of text in their order, as the key __metadata__ holds them.
using TextPairs = std::vector<std::pair<std::string, std::string>>;

struct SafetensorsContents {
  TextPairs metadata;
  std::vector<StoredTensor> tensors;  // in the order of their values
};

/// Parses the bytes of one file; the tensors view them. `origin` is the file's name in errors.
/// Throws bad_file, or unsupported for element types that are not known.
SafetensorsContents parse_safetensors(std::span<const std::byte> bytes, const std::string& origin);

struct SafetensorsFile {
  TextPairs metadata;
  TensorSource tensors;
};

/// Throws not_found, io, bad_file or unsupported.
SafetensorsFile open_safetensors(const std::filesystem::path& path);

}  // namespace pomona::store
