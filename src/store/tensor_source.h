// Tensors by name from any checkpoint: what GGUF, safetensors and PyTorch files have in common.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/file.h"
#include "base/string_hash.h"
#include "store/element_type.h"
#include "tensor/tensor.h"

namespace pomona::store {

/// One tensor of a checkpoint, where it lies in its file.
struct StoredTensor {
  std::string name;
  ElementType type;
  std::vector<std::int64_t> shape;  // slowest first
  /// Values between neighbours along each dimension; empty when the values lie densely in row
  /// order, as they do in all formats but PyTorch's.
  std::vector<std::int64_t> strides;
  /// From the first value to the last. Empty for types that are not known.
  std::span<const std::byte> bytes;
  /// The bytes of each value stand in the wrong order for this machine.
  bool swapped = false;
  std::shared_ptr<const MappedFile> file;  // holds `bytes`

  std::int64_t elements() const;
  /// Whether `bytes` are the values as a Tensor has them.
  bool is_plain() const { return strides.empty() && !swapped; }

  /// The values densely in row order: the mapped bytes themselves, else a copy. Throws unsupported
  /// for types that are not known, exhausted.
  StorageRef storage() const;

  /// The values as a Tensor of their own type, on the file's bytes where they lie densely and
  /// aligned. Throws unsupported for types no Tensor has and above four dimensions.
  Tensor tensor() const;

  /// The values decoded to f32, whatever the shape, in row order. Throws unsupported.
  Tensor decoded() const;
};

/// "(2, 3)", as errors and lists show it.
std::string shape_text(std::span<const std::int64_t> shape);

/// All tensors of one checkpoint, of one file or of several. Copies of the descriptions keep the
/// files mapped.
class TensorSource {
 public:
  TensorSource() = default;
  /// `origin` is the checkpoint's path in errors. Throws bad_file for a name that occurs twice.
  TensorSource(std::string origin, std::vector<StoredTensor> tensors);

  const std::string& origin() const { return origin_; }
  /// In the order of the files.
  const std::vector<StoredTensor>& tensors() const { return tensors_; }
  /// The tensor, or null.
  const StoredTensor* find(std::string_view name) const;
  /// Throws bad_file if there is none of this name, suggesting one that looks like it.
  const StoredTensor& at(std::string_view name) const;

 private:
  std::string origin_;
  std::vector<StoredTensor> tensors_;
  std::unordered_map<std::string, std::size_t, StringHash> index_;
};

}  // namespace pomona::store
