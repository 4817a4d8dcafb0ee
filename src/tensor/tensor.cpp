#include "tensor/tensor.h"

#include <fmt/ranges.h>

#include "base/error.h"

namespace pomona {

std::string Shape::text() const {
  return fmt::format("({})", fmt::join(sizes_.begin(), sizes_.begin() + rank_, ", "));
}

Tensor::Tensor(StorageRef storage, Shape shape, DType dtype, std::int64_t offset)
    : storage_(std::move(storage)), shape_(shape), offset_(offset), dtype_(dtype) {
  std::int64_t stride = 1;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    strides_[static_cast<std::size_t>(i)] = stride;
    stride *= shape[i];
  }
}

Tensor Tensor::zeros(Shape shape, DType dtype) {
  return Tensor(heap_storage(static_cast<std::size_t>(bytes_of(dtype, shape.elements()))), shape,
                dtype);
}

std::int64_t Tensor::stride(int i) const {
  return strides_[static_cast<std::size_t>(i < 0 ? shape_.rank() + i : i)];
}

bool Tensor::is_contiguous() const {
  std::int64_t expected = 1;
  for (int i = shape_.rank() - 1; i >= 0; --i) {
    if (shape_[i] != 1 && stride(i) != expected) return false;
    expected *= shape_[i];
  }
  return true;
}

void Tensor::release_pages() const {
  if (has_data()) {
    storage_->owner->release_pages(*storage_.operator->(), static_cast<std::size_t>(offset_),
                                   static_cast<std::size_t>(bytes()));
  }
}

Tensor Tensor::narrow(int dim, std::int64_t start, std::int64_t length) const {
  if (dim < 0) dim += shape_.rank();
  if (start < 0 || length < 0 || start + length > shape_[dim]) {
    fail(ErrorKind::bad_shape, "narrow: rows [{}, {}) of dimension {} of {}", start, start + length,
         dim, shape_.text());
  }
  Tensor view = detach();
  view.shape_[dim] = length;
  view.offset_ += bytes_of(dtype_, start * stride(dim));
  return view;
}

Tensor Tensor::reshape(Shape shape) const {
  if (shape.elements() != elements() || !is_contiguous()) {
    fail(ErrorKind::bad_shape, "reshape: {}{} to {}", is_contiguous() ? "" : "strided ",
         shape_.text(), shape.text());
  }
  return Tensor(storage_, shape, dtype_, offset_);
}

Tensor& Tensor::require_gradient() {
  if (!variable_) variable_ = std::make_shared<Variable>(Variable{nullptr, true});
  return *this;
}

const Tensor& Tensor::gradient() const {
  if (!variable_ || !variable_->gradient) {
    fail(ErrorKind::bad_argument, "gradient: tensor {} has none (no backward pass reached it)",
         shape_.text());
  }
  return *variable_->gradient;
}

Tensor Tensor::detach() const {
  Tensor copy = *this;
  copy.variable_.reset();
  return copy;
}

void check_dtype(const Tensor& tensor, DType expected) {
  if (tensor.dtype() != expected) {
    fail(ErrorKind::internal, "tensor {}: holds {}, read as {}", tensor.shape().text(),
         info(tensor.dtype()).name, info(expected).name);
  }
}

}  // namespace pomona
