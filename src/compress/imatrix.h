// Importance matrices: for each weight matrix the mean square of every input column, as llama.cpp's
// imatrix tool records it over a text. Quantisers weigh the errors of a row's values with it.
#pragma once
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace pomona::compress {

class ImportanceMatrix {
 public:
  /// Reads a file of either kind: GGUF (general.type "imatrix") or the older .dat. Throws
  /// not_found, io, or bad_file with path and byte offset.
  explicit ImportanceMatrix(const std::filesystem::path& path);

  /// The importances of a tensor's columns; empty where the file has none for it. Throws bad_file
  /// when there are some, but not `columns`.
  std::span<const float> of(std::string_view tensor, std::int64_t columns) const;

  std::size_t size() const { return columns_.size(); }
  const std::filesystem::path& path() const { return path_; }

 private:
  void read_gguf();
  void read_dat();

  std::filesystem::path path_;
  std::unordered_map<std::string, std::vector<float>> columns_;
};

}  // namespace pomona::compress
