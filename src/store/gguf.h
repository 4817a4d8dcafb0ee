// Reads GGUF files (versions 2 and 3): metadata and tensor descriptions over a mapping, no copies.
// Format: GGUF specification version 3 (ggml documentation, docs/gguf.md). The files come from
// strangers, so every count, offset and product is checked.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/file.h"
#include "base/string_hash.h"
#include "quant/dtype.h"
#include "store/gguf_value.h"

namespace pomona::store {

/// One tensor's description. `bytes` lies in the mapping.
struct GgufTensor {
  std::string_view name;
  std::vector<std::int64_t> dims;  // as stored: fastest first
  std::uint32_t gguf_type = 0;     // number of the element type in the file
  std::optional<DType> dtype;      // empty for types Pomona does not read; then `bytes` is empty
  std::uint64_t offset = 0;        // from the start of the file
  std::span<const std::byte> bytes;

  /// The dimensions slowest first, as Tensor shapes are written.
  std::vector<std::int64_t> shape() const { return {dims.rbegin(), dims.rend()}; }
};

/// What a GGUF file holds, as views into its bytes.
struct GgufContents {
  std::uint32_t version = 0;
  std::uint64_t alignment = 0;
  std::uint64_t data_offset = 0;  // of the tensor data, from the start of the file
  GgufMetadata metadata;
  std::vector<GgufTensor> tensors;
};

/// Parses the bytes of a GGUF file; the result views `bytes`. `origin` is the file's name in
/// errors. Throws bad_file with the byte offset, or unsupported for other versions of the format.
GgufContents parse_gguf(std::span<const std::byte> bytes, const std::string& origin);

/// An open GGUF file; everything it hands out lives as long as its mapping.
class GgufFile {
 public:
  /// Throws not_found, io, bad_file (with path and byte offset) or unsupported.
  explicit GgufFile(const std::filesystem::path& path);

  const GgufMetadata& metadata() const { return contents_.metadata; }
  const std::vector<GgufTensor>& tensors() const { return contents_.tensors; }
  std::uint32_t version() const { return contents_.version; }
  std::uint64_t alignment() const { return contents_.alignment; }
  const std::filesystem::path& path() const { return mapping_->path(); }
  const std::shared_ptr<const MappedFile>& mapping() const { return mapping_; }

  /// The tensor, or null.
  const GgufTensor* find(std::string_view name) const;

  /// The tensor with a known element type. Throws bad_file if it is missing, unsupported if its
  /// type is one that Pomona does not read.
  const GgufTensor& tensor(std::string_view name) const;

 private:
  std::shared_ptr<const MappedFile> mapping_;
  GgufContents contents_;
  std::unordered_map<std::string_view, std::size_t, StringHash> index_;
};

}  // namespace pomona::store
