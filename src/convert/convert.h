// From a GGUF file to a folder as the hub has them, and back: the same model in the files of the
// other kind.
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/progress.h"
#include "convert/tokenizers.h"
#include "quant/dtype.h"

namespace pomona::convert {

struct ConvertOptions {
  std::optional<DType> type;  // of all matrices: f32, bf16, f16; else as convert_tensors
};

struct ConvertResult {
  struct Mapped {
    std::string from, to;
  };
  std::uint64_t bytes_in = 0, bytes_out = 0;
  std::map<std::string, std::int64_t> types;  // tensors of each type that were written
  std::vector<Mapped> mapped;
  std::vector<std::string> unused;  // tensors of the old file that the model does without
  TokenCheck tokens;                // of the old tokeniser and the new one
  std::vector<std::string> notes;   // what other readers of the new file do in another way
  double seconds = 0;

  Json to_json() const;
};

/// Writes `to`: a GGUF file if it ends in .gguf, which `from` then must be none, else a folder.
/// Nothing appears under that name before it is whole. Throws what reading and writing throw;
/// bad_argument for two files of the same kind; bad_file for tensors that are missing; unsupported
/// for what the other kind of file cannot say, tensors without a place included.
ConvertResult convert(const std::filesystem::path& from, const std::filesystem::path& to,
                      const ConvertOptions& options, ProgressSink& progress, const StopToken& stop);

}  // namespace pomona::convert
