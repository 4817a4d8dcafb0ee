#include "store/tensor_source.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/quote.h"
#include "base/text.h"

namespace pomona::store {
namespace {

/// Copies `count` values of `size` bytes that lie `step` bytes apart.
void copy_row(std::byte* target, const std::byte* source, std::int64_t count, std::int64_t size,
              std::int64_t step, bool swapped) {
  for (std::int64_t i = 0; i < count; ++i) {
    if (swapped) {
      std::reverse_copy(source + i * step, source + i * step + size, target + i * size);
    } else {
      std::memcpy(target + i * size, source + i * step, static_cast<std::size_t>(size));
    }
  }
}

/// Gathers the values of a plain type in row order.
void gather(const StoredTensor& tensor, const std::vector<std::int64_t>& strides,
            std::byte* target) {
  const std::size_t rank = tensor.shape.size();
  const std::int64_t size = tensor.type.bytes;
  const std::int64_t columns = rank == 0 ? 1 : tensor.shape.back();
  const std::int64_t step = rank == 0 ? size : strides.back() * size;
  const std::int64_t rows = columns == 0 ? 0 : tensor.elements() / columns;
  for (std::int64_t row = 0; row < rows; ++row) {
    std::int64_t left = row, from = 0;
    for (std::size_t d = rank; d-- > 1;) {
      const std::int64_t extent = tensor.shape[d - 1];
      from += left % extent * strides[d - 1];
      left /= extent;
    }
    copy_row(target + row * columns * size, tensor.bytes.data() + from * size, columns, size, step,
             tensor.swapped);
  }
}

std::vector<std::int64_t> dense_strides(const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> strides(shape.size(), 1);
  for (std::size_t d = shape.size(); d-- > 1;) strides[d - 1] = strides[d] * shape[d];
  return strides;
}

void check_known(const StoredTensor& tensor) {
  if (!tensor.type.is_known())
    fail(ErrorKind::unsupported, "tensor {} has an element type that is not known",
         quote_name(tensor.name));
}

StorageRef copy_of(const StoredTensor& tensor) {
  const std::int64_t size = tensor.elements() / tensor.type.block * tensor.type.bytes;
  StorageRef copy = heap_storage(static_cast<std::size_t>(size));
  if (tensor.is_plain()) {
    std::copy(tensor.bytes.begin(), tensor.bytes.end(), copy->data);
  } else {
    gather(tensor, tensor.strides.empty() ? dense_strides(tensor.shape) : tensor.strides,
           copy->data);
  }
  return copy;
}

/// Tensors up to this size, such as the weights of norms, are copied: what every pass reads would
/// keep the huge page of the file around it in memory.
constexpr std::size_t kSmallTensor = std::size_t{64} << 10;

/// The alignment that loops over values of this type need.
std::size_t alignment_of(const ElementType& type) {
  return type.block > 1 ? alignof(float) : static_cast<std::size_t>(type.bytes);
}

}  // namespace

std::int64_t StoredTensor::elements() const {
  std::int64_t product = 1;
  for (const std::int64_t size : shape) product *= size;
  return product;
}

StorageRef StoredTensor::storage() const {
  check_known(*this);
  return is_plain() && file != nullptr ? mapped_storage(file, bytes) : copy_of(*this);
}

Tensor StoredTensor::tensor() const {
  check_known(*this);
  if (!type.dtype)
    fail(ErrorKind::unsupported, "tensor {} holds {}, which is not computed with", quote_name(name),
         type.name);
  if (shape.size() > Shape::kMaxRank)
    fail(ErrorKind::unsupported, "tensor {} has {} dimensions, more than {}", quote_name(name),
         shape.size(), Shape::kMaxRank);
  const bool aligned = reinterpret_cast<std::uintptr_t>(bytes.data()) % alignment_of(type) == 0;
  const bool stays = is_plain() && aligned && bytes.size() > kSmallTensor;
  return Tensor(stays ? storage() : copy_of(*this), Shape(shape), *type.dtype);
}

Tensor StoredTensor::decoded() const {
  check_known(*this);
  if (type.unpack == nullptr)
    fail(ErrorKind::unsupported, "tensor {} holds {}, which is not decoded", quote_name(name),
         type.name);
  const StorageRef values = storage();
  const Shape flat = shape.size() > Shape::kMaxRank ? Shape{elements()} : Shape(shape);
  const Tensor decoded = Tensor::zeros(flat, DType::f32);
  type.unpack(values->data, decoded.data<float>(), elements());
  return decoded;
}

std::string shape_text(std::span<const std::int64_t> shape) {
  return fmt::format("({})", fmt::join(shape, ", "));
}

TensorSource::TensorSource(std::string origin, std::vector<StoredTensor> tensors)
    : origin_(std::move(origin)), tensors_(std::move(tensors)) {
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    if (!index_.emplace(tensors_[i].name, i).second)
      fail(ErrorKind::bad_file, "{}: the tensor {} occurs twice", origin_,
           quote_name(tensors_[i].name));
  }
}

const StoredTensor* TensorSource::find(std::string_view name) const {
  const auto found = index_.find(std::string(name));
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

const StoredTensor& TensorSource::at(std::string_view name) const {
  if (const StoredTensor* found = find(name)) return *found;
  std::vector<std::string> names;
  names.reserve(tensors_.size());
  for (const StoredTensor& tensor : tensors_) names.push_back(tensor.name);
  const auto near = nearest(name, names);
  fail(ErrorKind::bad_file, "{}: no tensor {} among its {}{}", origin_, quote_name(name),
       tensors_.size(), near ? fmt::format("; there is {}", quote_name(*near)) : "");
}

}  // namespace pomona::store
