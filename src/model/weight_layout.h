// How the two kinds of files lay out a model's weights: from the file's order to the model's, and
// back.
#pragma once
#include <cstdint>
#include <string>

#include "tensor/tensor.h"

namespace pomona::model {

/// Which names a checkpoint's tensors have.
enum class Names { hub, gguf };

/// One entry of a model's name map: the hub's name and GGUF's, {} standing for the layer's number,
/// and the shape.
struct WeightName {
  std::string hub;
  std::string gguf;
  Shape shape;
  /// GGUF's Llama stores rows of Q and K in the order of pairs, for its rotation of neighbours:
  /// the number of heads, 0 if this is not so.
  std::int64_t gguf_paired_heads = 0;
  /// The hub's GPT-NeoX stores the rows of Q, K and V head by head: the number of heads, 0 if all
  /// of Q comes first, then K, then V.
  std::int64_t hub_fused_heads = 0;
  /// The hub's GPT-2 stores its matrices as (inputs, outputs).
  bool hub_transposed = false;
  /// The hub's Gemma stores by how much the weights of its norms are above 1.
  bool hub_above_one = false;

  const std::string& in(Names names) const { return names == Names::gguf ? gguf : hub; }
  /// The shape that such a file gives it.
  Shape stored_shape(Names names) const;
};

/// The model's weight of a file's. Whole rows move, so quantised ones stay exact; vectors become
/// f32. Throws bad_file for rows that do not divide into the heads.
Tensor from_file(const Tensor& stored, const WeightName& name, Names names);

/// The other way, for weights of a plain type; vectors are f32.
Tensor to_file(const Tensor& weight, const WeightName& name, Names names);

/// The values in another plain type, f32, bf16 or f16, rounded to nearest; itself if it is of it.
/// Throws unsupported for finite values that are too large for it.
Tensor in_type(const Tensor& tensor, DType dtype);

}  // namespace pomona::model
