// Writes safetensors files, one or several with an index. Format: the safetensors specification
// (Hugging Face); the names of parts and index are those that transformers looks for.
#pragma once
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "store/safetensors.h"
#include "store/tensor_output.h"

namespace pomona::store {

/// What transformers writes at most into one file, in bytes.
inline constexpr std::uint64_t kLargestShard = 50'000'000'000;

/// Writes one file. Tensors of wider types come first, so that all values are aligned; else their
/// order stays. transformers wants {"format", "pt"} in the metadata. Nothing appears under the name
/// before all is written. Throws bad_argument (repeated names, types that the format does not have,
/// values that do not fill their shape), io, exhausted.
void write_safetensors(const std::filesystem::path& path, std::span<const TensorOutput> tensors,
                       const TextPairs& metadata);

/// Writes model.safetensors into a folder, or, where that would have more than `most` bytes of
/// values, model-00001-of-0000N.safetensors and model.safetensors.index.json (last). The names of
/// the files with values. Errors as write_safetensors.
std::vector<std::string> write_safetensors_folder(const std::filesystem::path& folder,
                                                  std::span<const TensorOutput> tensors,
                                                  const TextPairs& metadata,
                                                  std::uint64_t most = kLargestShard);

}  // namespace pomona::store
