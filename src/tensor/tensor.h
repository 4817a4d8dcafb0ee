// A tensor: a strided view on counted storage. Copies share the storage; writing through one is
// seen by all.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "quant/dtype.h"
#include "tensor/shape.h"
#include "tensor/storage.h"

namespace pomona {

class Tensor;

/// A tensor's place in differentiation: its gradient once backward() has run. Leaves that want a
/// gradient and results that depend on them have one; all others have none, and nothing is recorded
/// for them.
struct Variable {
  std::shared_ptr<Tensor> gradient;
  bool leaf = false;  // its gradient outlives the arena
};

class Tensor {
 public:
  Tensor() = default;
  /// A contiguous tensor at `offset` bytes of `storage`; block formats are read-only, last
  /// dimension contiguous.
  Tensor(StorageRef storage, Shape shape, DType dtype, std::int64_t offset = 0);

  /// A new zeroed tensor on the heap.
  static Tensor zeros(Shape shape, DType dtype = DType::f32);

  bool defined() const { return static_cast<bool>(storage_); }
  /// False while planning: shapes are known, nothing is allocated.
  bool has_data() const { return storage_ && storage_->data != nullptr; }
  const Shape& shape() const { return shape_; }
  std::int64_t size(int i) const { return shape_[i]; }
  std::int64_t elements() const { return shape_.elements(); }
  DType dtype() const { return dtype_; }
  /// Elements between neighbours along dimension `i` (plain types only).
  std::int64_t stride(int i) const;
  bool is_contiguous() const;
  /// Bytes of the values in this view.
  std::int64_t bytes() const { return bytes_of(dtype_, elements()); }

  std::byte* raw() const { return storage_->data + offset_; }
  /// The first element. Throws internal if T is not what dtype stores.
  template <class T>
  T* data() const;

  /// Gives back the memory of a mapped tensor that was copied elsewhere; it can still be read.
  void release_pages() const;

  /// Rows [start, start + length) along dimension `dim`. Shares storage; carries no gradient
  /// (op::columns is a view that does).
  Tensor narrow(int dim, std::int64_t start, std::int64_t length) const;
  /// The same elements under another shape; needs a contiguous tensor. Throws bad_shape.
  Tensor reshape(Shape shape) const;

  const std::shared_ptr<Variable>& variable() const { return variable_; }
  void set_variable(std::shared_ptr<Variable> variable) { variable_ = std::move(variable); }
  /// Asks for this tensor's gradient: makes it a leaf.
  Tensor& require_gradient();
  bool needs_gradient() const { return variable_ != nullptr; }
  /// The gradient after Tape::backward(); throws bad_argument if there is none.
  const Tensor& gradient() const;
  /// The same values without a place in differentiation.
  Tensor detach() const;

 private:
  StorageRef storage_;
  Shape shape_;
  std::array<std::int64_t, Shape::kMaxRank> strides_ = {};
  std::int64_t offset_ = 0;
  DType dtype_ = DType::f32;
  std::shared_ptr<Variable> variable_;
};

/// The DType that stores values of T.
template <class T>
constexpr DType dtype_of();
template <>
constexpr DType dtype_of<float>() {
  return DType::f32;
}
template <>
constexpr DType dtype_of<double>() {
  return DType::f64;
}
template <>
constexpr DType dtype_of<std::int32_t>() {
  return DType::i32;
}
template <>
constexpr DType dtype_of<std::uint16_t>() {
  return DType::bf16;
}

void check_dtype(const Tensor& tensor, DType expected);

template <class T>
T* Tensor::data() const {
  check_dtype(*this, dtype_of<T>());
  return reinterpret_cast<T*>(raw());
}

}  // namespace pomona
