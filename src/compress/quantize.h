// From a GGUF file to one with other element types: all metadata kept, tensor after tensor.
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "base/json.h"
#include "base/progress.h"
#include "base/thread_pool.h"
#include "compress/imatrix.h"
#include "compress/recipe.h"

namespace pomona::compress {

struct QuantizeOptions {
  Choices choices = {};
  const ImportanceMatrix* importance = nullptr;
  /// Whether weights that are in a block format already may be decoded and encoded again, which
  /// loses more than quantising the original would.
  bool allow_requantize = false;
};

struct QuantizeResult {
  std::uint64_t bytes_in = 0, bytes_out = 0;
  std::map<std::string, std::int64_t> types;  // tensors of each type in the new file
  double seconds = 0;

  Json to_json() const;
};

/// What a new file would be, from the headers of the old one.
struct QuantizeForecast {
  std::uint64_t bytes_in = 0, bytes_out = 0;  // bytes_out within the padding between tensors
  std::int64_t values = 0;                    // that would be encoded anew
  std::string main_type;                      // of most weights in the old file: "Q4_1"
  bool decodes_blocks = false;                // some of the encoded ones lose for a second time
};

/// Throws as quantize() of a file whose weights can be read, but writes nothing.
QuantizeForecast foresee_quantize(const std::filesystem::path& from, const Recipe& recipe,
                                  const QuantizeOptions& options);

/// Writes `to` with the types of `recipe`; a split model becomes one file. Nothing appears under
/// that name before it is whole. Throws what reading and writing throw; bad_argument when both
/// paths are the same file, or for weights in a block format without allow_requantize; unsupported
/// for folders and for types Pomona does not read.
QuantizeResult quantize(const std::filesystem::path& from, const std::filesystem::path& to,
                        const Recipe& recipe, const QuantizeOptions& options, ThreadPool& pool,
                        ProgressSink& progress, const StopToken& stop);

}  // namespace pomona::compress
