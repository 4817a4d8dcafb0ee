// A weight matrix as GEMM reads it: panels in a kernel layout, made once from a tensor in file
// layout.
#pragma once
#include "kernel/panel.h"
#include "tensor/context.h"
#include "tensor/tensor.h"

namespace pomona {

class Packed {
 public:
  /// Packs W (N, K) in parallel. The bytes of a mapped file behind it are given back: the tensor
  /// can still be read (rows for an embedding), at the price of a page fault.
  Packed(const Context& context, const Tensor& weight, kernel::PanelKind kind);

  const kernel::PanelLayout& layout() const { return layout_; }
  const std::byte* panel(std::int64_t p) const {
    return storage_->data + p * layout_.panel_bytes();
  }

 private:
  kernel::PanelLayout layout_;
  StorageRef storage_;
};

/// The panel kind in which a weight of `dtype` is multiplied under `compute`.
kernel::PanelKind panel_kind(DType dtype, Compute compute);

/// A parameter. The value stays in the layout of its file; packed() is what products read.
class Parameter {
 public:
  Parameter() = default;
  explicit Parameter(Tensor tensor) : value(std::move(tensor)) {}

  Tensor value;

  /// The panels for the context's compute mode, made at first use. Not for two threads at once.
  const Packed& packed(const Context& context) const;

 private:
  mutable std::shared_ptr<const Packed> packed_;
};

}  // namespace pomona
