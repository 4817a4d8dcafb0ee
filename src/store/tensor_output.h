// What is written to a checkpoint, whatever its format: descriptions first, values when their turn
// comes, so that a model is never whole in memory.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "store/element_type.h"
#include "store/tensor_source.h"

namespace pomona::store {

/// Takes the next bytes of a tensor.
using ByteSink = std::function<void(std::span<const std::byte>)>;

struct TensorOutput {
  std::string name;
  ElementType type;
  std::vector<std::int64_t> shape;  // slowest first
  /// Gives all bytes of the tensor to the sink, in as many pieces as it likes. Called once.
  std::function<void(const ByteSink&)> write;

  /// Bytes of all values. Throws bad_argument for a type whose layout is not known, sizes that are
  /// negative or overflow, and rows that do not divide into blocks.
  std::uint64_t size() const;
};

/// The tensor as it is stored.
TensorOutput output_of(const StoredTensor& tensor);
/// A contiguous tensor under a name.
TensorOutput output_of(std::string name, const Tensor& tensor);
/// Every tensor of a checkpoint as it is stored, in its order.
std::vector<TensorOutput> outputs_of(const TensorSource& source);

/// Calls tensor.write and counts. Throws bad_argument unless it gives exactly size() bytes.
void write_values(const TensorOutput& tensor, const ByteSink& sink);

/// Deals tensors out to files in their order: a file is closed when the next tensor would bring it
/// above `most` bytes. The ends of the files, as places in `tensors`.
std::vector<std::size_t> deal_out(std::span<const TensorOutput> tensors, std::uint64_t most);

}  // namespace pomona::store
