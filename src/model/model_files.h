// A model's files, opened: a GGUF model, or a folder as the hub has them.
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/checkpoint.h"
#include "text/tokenizer.h"

namespace pomona::model {

/// What turns text into tokens and back.
struct ModelText {
  std::shared_ptr<const text::Tokenizer> tokenizer;
  std::optional<std::string> chat_template;
};

/// Of a GGUF model or a hub folder, which need not hold weights. Throws not_found, io, bad_file,
/// unsupported.
ModelText open_model_text(const std::filesystem::path& path);

/// The tensors whose names differ only in the layer: "blk.{}.attn_q.weight".
struct TensorKind {
  std::string name;
  std::map<std::string, int> types;  // tensors of each
  std::uint64_t parameters = 0, bytes = 0;
};

struct ModelFiles {
  std::filesystem::path path;
  std::string name;          // from the metadata, else the file's or folder's
  std::string architecture;  // as registry.cpp names it
  std::string licence;       // as the files declare it, may be empty
  Checkpoint checkpoint;
  ModelText text;

  /// Bytes of the files with the tensors, how many values those have, and how many there are of
  /// each type.
  std::uint64_t bytes() const;
  std::uint64_t parameters() const;
  std::map<std::string, int> types() const;
  /// In the order of the files.
  std::vector<TensorKind> kinds() const;
};

/// Throws not_found, io, bad_file, unsupported.
ModelFiles open_model_files(const std::filesystem::path& path);

}  // namespace pomona::model
