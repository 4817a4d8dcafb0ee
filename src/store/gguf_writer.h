// Writes GGUF version 3 files: metadata in the order of adding, tensor data streamed behind it.
// Format: GGUF specification version 3 (ggml documentation, docs/gguf.md).
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/file.h"
#include "quant/dtype.h"
#include "store/gguf_value.h"

namespace pomona::store {

/// Builds one file: add() all metadata and declare() all tensors, then write_data() the tensors in
/// the declared order, then commit(). Nothing appears under the final name before commit().
class GgufWriter {
 public:
  /// Throws io when the folder cannot be written.
  explicit GgufWriter(const std::filesystem::path& path);

  /// Adds one metadata pair; the value is copied at once. The key "general.alignment" (u32) also
  /// sets the alignment of the tensor data, 32 otherwise. Throws bad_argument for an empty or
  /// repeated key, a bad alignment, or after the first write_data().
  void add(std::string_view key, const GgufValue& value);

  /// Announces a tensor: `dims` fastest first. Throws bad_argument for an empty or repeated name, a
  /// row that does not divide into blocks, or after the first write_data().
  void declare(std::string_view name, std::span<const std::int64_t> dims, DType dtype);

  /// The same for a type given by its GGUF number whose data takes `size` bytes, so that tensors of
  /// types Pomona does not compute with can be copied.
  void declare(std::string_view name, std::span<const std::int64_t> dims, std::uint32_t gguf_type,
               std::uint64_t size);

  /// Appends bytes to tensor `name`, which must be the first one whose data is not complete; a
  /// tensor may come in several parts. Throws bad_argument otherwise, or for too many bytes.
  void write_data(std::string_view name, std::span<const std::byte> part);

  /// Gives the file its final name. Throws bad_argument if data is missing.
  void commit();

 private:
  struct Declared {
    std::string name;
    std::vector<std::int64_t> dims;
    std::uint32_t gguf_type = 0;
    std::uint64_t size = 0;
  };

  void write_header();
  void skip_complete();
  void pad(std::uint64_t written);

  std::filesystem::path path_;
  AtomicFile file_;
  std::string pairs_;  // the encoded metadata
  std::uint64_t pair_count_ = 0;
  std::unordered_set<std::string> keys_;
  std::unordered_set<std::string> names_;
  std::vector<Declared> tensors_;
  std::uint64_t alignment_ = 32;
  bool header_written_ = false;
  std::size_t current_ = 0;     // the tensor whose data comes next
  std::uint64_t received_ = 0;  // bytes of it so far
};

}  // namespace pomona::store
