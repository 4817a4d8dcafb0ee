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
#include "store/element_type.h"
#include "store/gguf_value.h"
#include "store/tensor_source.h"

namespace pomona::store {

/// One tensor's description. `bytes` lies in the mapping.
struct GgufTensor {
  std::string_view name;
  std::vector<std::int64_t> dims;  // as stored: fastest first
  std::uint32_t gguf_type = 0;     // number of the element type in the file
  ElementType type;                // what is known about that number; if nothing, `bytes` is empty
  std::optional<DType> dtype;      // empty for types Pomona does not compute with
  std::uint64_t offset = 0;        // from the start of the file
  std::span<const std::byte> bytes;
  std::size_t part = 0;  // which of the model's files holds it

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

/// An open GGUF model: one file, or all the parts of a split one (PREFIX-00001-of-00003.gguf),
/// whichever of them is named. Everything it hands out lives as long as its mappings.
class GgufFile {
 public:
  /// Throws not_found, io, bad_file (with path and byte offset) or unsupported; also for a part
  /// that is missing or belongs to another model.
  explicit GgufFile(const std::filesystem::path& path);

  /// Of the first part, which has that of the model.
  const GgufMetadata& metadata() const { return parts_.front().contents.metadata; }
  /// Of all parts, in their order.
  const std::vector<GgufTensor>& tensors() const { return tensors_; }
  std::uint32_t version() const { return parts_.front().contents.version; }
  std::uint64_t alignment() const { return parts_.front().contents.alignment; }
  const std::filesystem::path& path() const { return parts_.front().mapping->path(); }
  std::size_t parts() const { return parts_.size(); }
  /// The size of all parts together.
  std::uint64_t bytes() const;

  /// The mapping that holds the tensor's bytes.
  const std::shared_ptr<const MappedFile>& mapping(const GgufTensor& tensor) const {
    return parts_[tensor.part].mapping;
  }

  /// The tensor, or null.
  const GgufTensor* find(std::string_view name) const;

  /// The tensor with a known element type. Throws bad_file if it is missing, unsupported if its
  /// type is one that Pomona does not read.
  const GgufTensor& tensor(std::string_view name) const;

 private:
  struct Part {
    std::shared_ptr<const MappedFile> mapping;
    GgufContents contents;
  };

  void open_parts(const std::filesystem::path& path);
  void gather_tensors();

  std::vector<Part> parts_;
  std::vector<GgufTensor> tensors_;
  std::unordered_map<std::string_view, std::size_t, StringHash> index_;
};

/// The tensors of a GGUF model under its names.
TensorSource tensors_of(const GgufFile& file);

}  // namespace pomona::store
