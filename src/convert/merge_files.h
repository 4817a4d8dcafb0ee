// A model's files with other weights, or with low-rank changes in them: all else is kept as it is.
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/progress.h"
#include "base/thread_pool.h"
#include "model/model.h"

namespace pomona::convert {

struct MergeOptions {
  /// Of the changed weights whose rows divide into its blocks; the others stay as they are.
  std::optional<DType> type;
  bool out = false;  // takes the changes out of weights that have them
};

struct MergeResult {
  std::uint64_t bytes_in = 0, bytes_out = 0;
  std::map<std::string, std::int64_t> types;  // tensors of each type in the new files
  std::int64_t changed = 0;                   // weights
  std::int64_t requantised = 0;               // of them: in a block format in the new files
  double seconds = 0;

  Json to_json() const;
};

/// Whether a changed weight of the model is in a block format, so that the sum is one of decoded
/// values.
bool changes_blocks(const model::Model& model);

/// Writes the files of `changed`, a model with adapters attached, to `to`, a GGUF file or a folder
/// as the model is. Nothing appears under that name before it is whole. Throws what reading and
/// writing throw; bad_argument for the other kind of file, for the same one, for a model without
/// changes; unsupported for virtual tokens, which no weight holds, and as model::merged.
MergeResult merge_files(const model::Model& changed, const std::filesystem::path& to,
                        const MergeOptions& options, ThreadPool& pool, ProgressSink& progress,
                        const StopToken& stop);

/// Writes the files of `trained` with the present values of those weights that ask for a gradient,
/// as `type` if it is given, else as in the file, or BF16 in place of block formats. Otherwise as
/// merge_files.
MergeResult write_trained_files(const model::Model& trained, const std::filesystem::path& to,
                                std::optional<DType> type, ThreadPool& pool, ProgressSink& progress,
                                const StopToken& stop);

}  // namespace pomona::convert
