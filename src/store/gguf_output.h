// Writes whole GGUF models, of one file or split, and rewrites existing ones: metadata in their
// order and types, some tensors replaced.
#pragma once
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/gguf.h"
#include "store/gguf_value.h"
#include "store/tensor_output.h"

namespace pomona::store {

/// What a GGUF file shall hold. Strings and arrays of the metadata are views that must outlive the
/// writing.
struct GgufOutput {
  std::vector<std::pair<std::string, GgufValue>> metadata;
  std::vector<TensorOutput> tensors;

  /// Changes a value where it stands, or adds it behind the others.
  void set(std::string_view key, GgufValue value);
  void unset(std::string_view key);
  /// The tensor to be changed, or null.
  TensorOutput* find(std::string_view name);
};

/// All of a model as it is stored, which must stay open; without the keys that number its parts.
GgufOutput output_of(const GgufFile& file);

/// Writes the model to `path`, or, where its tensors take more than `most` bytes, to
/// STEM-00001-of-0000N.gguf beside it. The metadata's general.alignment (u32) is the alignment of
/// the data. Files appear under their names when all are complete. Returns the paths. Throws
/// bad_argument (names, shapes or types that GGUF does not have, values that do not fill their
/// shape), io, exhausted.
std::vector<std::filesystem::path> write_gguf(
    const std::filesystem::path& path, const GgufOutput& output,
    std::uint64_t most = std::numeric_limits<std::uint64_t>::max());

}  // namespace pomona::store
