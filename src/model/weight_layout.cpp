#include "model/weight_layout.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"

namespace pomona::model {
namespace {

/// `weight` with its row `source(row)` as row `row`. The values of a vector are its rows.
template <class Source>
Tensor with_rows(const Tensor& weight, Source&& source) {
  const std::int64_t rows = weight.size(0);
  const std::int64_t row_bytes = bytes_of(weight.dtype(), weight.elements() / rows);
  const Tensor ordered = Tensor::zeros(weight.shape(), weight.dtype());
  for (std::int64_t row = 0; row < rows; ++row)
    std::memcpy(ordered.raw() + row * row_bytes, weight.raw() + source(row) * row_bytes,
                static_cast<std::size_t>(row_bytes));
  return ordered;
}

/// The rows of a head stand as two halves in the hub's files, whose rows turn in pairs (i, i +
/// E/2), and pair by pair in GGUF's.
std::int64_t size_of_head(const Tensor& weight, std::int64_t heads) {
  const std::int64_t rows = weight.size(0), E = rows / heads;
  if (rows % heads != 0 || E % 2 != 0)
    fail(ErrorKind::bad_file, "weights: {} rows do not divide into {} heads of even size", rows,
         heads);
  return E;
}

Tensor unpaired(const Tensor& weight, std::int64_t heads) {
  const std::int64_t E = size_of_head(weight, heads);
  return with_rows(weight, [&](std::int64_t row) {
    const std::int64_t head = row / E, inside = row % E;
    return head * E + inside % (E / 2) * 2 + inside / (E / 2);
  });
}

Tensor paired(const Tensor& weight, std::int64_t heads) {
  const std::int64_t E = size_of_head(weight, heads);
  return with_rows(weight, [&](std::int64_t row) {
    const std::int64_t head = row / E, inside = row % E;
    return head * E + inside % 2 * (E / 2) + inside / 2;
  });
}

/// Rows in the order (Q or K or V, head, value), from (head, Q or K or V, value).
Tensor unfused(const Tensor& weight, std::int64_t H) {
  const std::int64_t E = weight.size(0) / (3 * H);
  return with_rows(weight, [&](std::int64_t row) {
    const std::int64_t part = row / (H * E), head = row / E % H;
    return (head * 3 + part) * E + row % E;
  });
}

Tensor fused(const Tensor& weight, std::int64_t H) {
  const std::int64_t E = weight.size(0) / (3 * H);
  return with_rows(weight, [&](std::int64_t row) {
    const std::int64_t head = row / (3 * E), part = row / E % 3;
    return (part * H + head) * E + row % E;
  });
}

template <class Word>
void transpose(const Word* from, Word* to, std::int64_t K, std::int64_t N) {
  constexpr std::int64_t kTile = 16;  // so that whole cache lines are used on both sides
  for (std::int64_t first = 0; first < K; first += kTile) {
    const std::int64_t last = std::min(first + kTile, K);
    for (std::int64_t n = 0; n < N; ++n) {
      for (std::int64_t k = first; k < last; ++k) to[n * K + k] = from[k * N + n];
    }
  }
}

/// (K, N) -> (N, K); of plain types, as all of the hub's are.
Tensor transposed(const Tensor& weight) {
  const std::int64_t K = weight.size(0), N = weight.size(1);
  const Tensor turned = Tensor::zeros({N, K}, weight.dtype());
  if (info(weight.dtype()).bytes == 4) {
    transpose(reinterpret_cast<const std::uint32_t*>(weight.raw()),
              reinterpret_cast<std::uint32_t*>(turned.raw()), K, N);
  } else {
    transpose(reinterpret_cast<const std::uint16_t*>(weight.raw()),
              reinterpret_cast<std::uint16_t*>(turned.raw()), K, N);
  }
  return turned;
}

Tensor plus(const Tensor& weight, float number) {
  const Tensor sum = Tensor::zeros(weight.shape(), DType::f32);
  std::transform(weight.data<float>(), weight.data<float>() + weight.elements(), sum.data<float>(),
                 [number](float value) { return value + number; });
  return sum;
}

Tensor as_f32(const Tensor& tensor) {
  if (tensor.dtype() == DType::f32) return tensor;
  const Tensor values = Tensor::zeros(tensor.shape(), DType::f32);
  info(tensor.dtype()).unpack(tensor.raw(), values.data<float>(), tensor.elements());
  return values;
}

}  // namespace

Shape WeightName::stored_shape(Names names) const {
  return names == Names::hub && hub_transposed ? Shape{shape[1], shape[0]} : shape;
}

Tensor from_file(const Tensor& stored, const WeightName& name, Names names) {
  const Tensor tensor = name.shape.rank() == 1 ? as_f32(stored) : stored;
  if (names == Names::gguf)
    return name.gguf_paired_heads > 0 ? unpaired(tensor, name.gguf_paired_heads) : tensor;
  if (name.hub_transposed) return transposed(tensor);
  if (name.hub_fused_heads > 0) return unfused(tensor, name.hub_fused_heads);
  return name.hub_above_one ? plus(tensor, 1) : tensor;
}

Tensor to_file(const Tensor& weight, const WeightName& name, Names names) {
  if (names == Names::gguf)
    return name.gguf_paired_heads > 0 ? paired(weight, name.gguf_paired_heads) : weight;
  if (name.hub_transposed) return transposed(weight);
  if (name.hub_fused_heads > 0) return fused(weight, name.hub_fused_heads);
  return name.hub_above_one ? plus(weight, -1) : weight;
}

Tensor in_type(const Tensor& tensor, DType dtype) {
  if (tensor.dtype() == dtype) return tensor;
  Tensor wide = as_f32(tensor);
  if (dtype == DType::f32) return wide;
  const Tensor narrow = Tensor::zeros(tensor.shape(), dtype);
  info(dtype).pack(wide.data<float>(), nullptr, narrow.raw(), wide.elements());
  const Tensor again = as_f32(narrow);
  for (std::int64_t i = 0; i < wide.elements(); ++i) {
    if (std::isfinite(wide.data<float>()[i]) && !std::isfinite(again.data<float>()[i]))
      fail(ErrorKind::unsupported, "{} is too large a weight for {}", wide.data<float>()[i],
           info(dtype).name);
  }
  return narrow;
}

}  // namespace pomona::model
