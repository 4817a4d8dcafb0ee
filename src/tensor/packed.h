// A weight matrix as GEMM reads it: panels in a kernel layout, made once from a tensor in file
// layout.
#pragma once
#include <memory>
#include <vector>

#include "kernel/panel.h"
#include "tensor/context.h"
#include "tensor/tensor.h"

namespace pomona {

class Packed {
 public:
  /// Packs W (N, K) in parallel, to last. The bytes of a mapped file behind it are given back: the
  /// tensor can still be read (rows for an embedding), at the price of a page fault.
  Packed(const Context& context, const Tensor& weight, kernel::PanelKind kind);

  /// The same in the arena, for one product; W may be a view of rows. While planning only the
  /// memory is taken.
  static Packed for_now(const Context& context, const Tensor& weight, kernel::PanelKind kind);
  /// W^T of a W (K, N), whose rows may lie apart, in the arena; kinds f32 and bf16.
  static Packed turned(const Context& context, const Tensor& weight, kernel::PanelKind kind);

  const kernel::PanelLayout& layout() const { return layout_; }
  const std::byte* panel(std::int64_t p) const {
    return storage_->data + p * layout_.panel_bytes();
  }

 private:
  Packed(const Context& context, kernel::PanelLayout layout);
  /// Packs panels [begin, begin + count).
  void fill(const Context& context, const Tensor& weight, std::int64_t begin,
            std::int64_t count) const;

  kernel::PanelLayout layout_;
  StorageRef storage_;
};

/// The panel kind in which a weight of `dtype` is multiplied under `compute`.
kernel::PanelKind panel_kind(DType dtype, Compute compute);
/// The panel kind of the products that gradients are made of.
kernel::PanelKind gradient_kind(Compute compute);

struct LowRank;

/// A parameter. The value stays in the layout of its file; packed() is what products read.
class Parameter {
 public:
  Parameter() = default;
  explicit Parameter(Tensor tensor) : value(std::move(tensor)) {}

  Tensor value;
  /// What products with this weight add to its own.
  std::vector<std::shared_ptr<LowRank>> adapters;

  /// The panels for the context's compute mode, made at first use, and each time anew where the
  /// value is trained. Not for two threads at once.
  Packed packed(const Context& context) const;

 private:
  mutable std::shared_ptr<const Packed> packed_;
};

/// A change of a weight W (N, K), which acts as W + scale b a (Hu et al. 2021, arXiv:2106.09685).
struct LowRank {
  Parameter a;         // (R, K)
  Parameter b;         // (N, R)
  double scale = 1;    // alpha / R, or alpha / sqrt(R) (Kalajdzievski 2023, arXiv:2312.03732)
  double dropout = 0;  // share of x that a does not see, while training
};

}  // namespace pomona
