#include "store/tensor_output.h"

#include <algorithm>

#include "base/error.h"
#include "base/quote.h"

namespace pomona::store {
namespace {

template <class... Args>
[[noreturn]] void bad(const TensorOutput& tensor, fmt::format_string<Args...> format,
                      Args&&... args) {
  fail(ErrorKind::bad_argument, "write tensor {}: {}", quote_name(tensor.name),
       fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace

std::uint64_t TensorOutput::size() const {
  if (!type.is_known()) bad(*this, "the layout of its element type is not known");
  std::int64_t count = 1, bytes = 0;
  for (const std::int64_t extent : shape)
    if (extent < 0 || __builtin_mul_overflow(count, extent, &count))
      bad(*this, "the shape {} is negative or overflows", shape_text(shape));
  const std::int64_t row = shape.empty() ? 1 : shape.back();
  if (row % type.block != 0)
    bad(*this, "rows of {} values do not divide into {} blocks of {}", row, type.name, type.block);
  if (__builtin_mul_overflow(count / type.block, type.bytes, &bytes))
    bad(*this, "the size of {} {} overflows", type.name, shape_text(shape));
  return static_cast<std::uint64_t>(bytes);
}

TensorOutput output_of(const StoredTensor& tensor) {
  return {tensor.name, tensor.type, tensor.shape, [tensor](const ByteSink& sink) {
            const StorageRef values = tensor.storage();
            sink({values->data, values->size});
            if (tensor.file)
              tensor.file->release(tensor.bytes);  // a model need not fit into memory
          }};
}

TensorOutput output_of(std::string name, const Tensor& tensor) {
  if (!is_block_format(tensor.dtype()) && !tensor.is_contiguous())
    fail(ErrorKind::bad_argument, "write tensor {}: it is not contiguous", quote_name(name));
  return {std::move(name),
          element_type(tensor.dtype()),
          {tensor.shape().begin(), tensor.shape().end()},
          [tensor](const ByteSink& sink) {
            sink({tensor.raw(), static_cast<std::size_t>(tensor.bytes())});
          }};
}

std::vector<TensorOutput> outputs_of(const TensorSource& source) {
  std::vector<TensorOutput> outputs;
  for (const StoredTensor& tensor : source.tensors()) outputs.push_back(output_of(tensor));
  return outputs;
}

void write_values(const TensorOutput& tensor, const ByteSink& sink) {
  const std::uint64_t size = tensor.size();
  std::uint64_t given = 0;
  tensor.write([&](std::span<const std::byte> part) {
    given += part.size();
    if (given > size) bad(tensor, "more than its {} bytes", size);
    sink(part);
  });
  if (given != size) bad(tensor, "{} bytes instead of {}", given, size);
}

std::vector<std::size_t> deal_out(std::span<const TensorOutput> tensors, std::uint64_t most) {
  std::vector<std::size_t> ends;
  std::uint64_t filled = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const std::uint64_t size = tensors[i].size();
    if (filled != 0 && size > most - std::min(most, filled)) {
      ends.push_back(i);
      filled = 0;
    }
    filled += size;
  }
  ends.push_back(tensors.size());
  return ends;
}

}  // namespace pomona::store
