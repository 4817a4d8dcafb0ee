#include "model/weights.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <cstring>

#include "base/error.h"
#include "base/quote.h"
#include "base/text.h"

namespace pomona::model {
namespace {

/// `weight` with its row `source(row)` as row `row`. Whole rows move, so quantised ones stay exact.
/// The values of a vector are its rows.
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

/// Rows of each head in the order (half, pair) of the hub, from GGUF's (pair, half).
Tensor unpaired(const Tensor& weight, std::int64_t heads) {
  const std::int64_t rows = weight.size(0), E = rows / heads;
  if (rows % heads != 0 || E % 2 != 0) {
    fail(ErrorKind::bad_file, "weights: {} rows do not divide into {} heads of even size", rows,
         heads);
  }
  return with_rows(weight, [&](std::int64_t row) {
    const std::int64_t head = row / E, inside = row % E;
    return head * E + inside % (E / 2) * 2 + inside / (E / 2);
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

Tensor plus_one(const Tensor& weight) {
  const Tensor sum = Tensor::zeros(weight.shape(), DType::f32);
  std::transform(weight.data<float>(), weight.data<float>() + weight.elements(), sum.data<float>(),
                 [](float value) { return 1 + value; });
  return sum;
}

/// Vectors (norms) are used as f32, whatever the file stores.
Tensor as_f32(const Tensor& tensor) {
  if (tensor.dtype() == DType::f32) return tensor;
  const Tensor values = Tensor::zeros(tensor.shape(), DType::f32);
  info(tensor.dtype()).unpack(tensor.raw(), values.data<float>(), tensor.elements());
  return values;
}

}  // namespace

std::pair<std::string, std::string> without_number(const std::string& name) {
  for (std::size_t at = name.find('.'); at != std::string::npos; at = name.find('.', at + 1)) {
    std::size_t end = at + 1;
    while (end < name.size() && std::isdigit(static_cast<unsigned char>(name[end])) != 0) ++end;
    if (end > at + 1 && end < name.size() && name[end] == '.') {
      std::string pattern(name, 0, at + 1);
      pattern.append("{}").append(name, end);
      return {std::move(pattern), name.substr(at + 1, end - at - 1)};
    }
  }
  return {name, ""};
}

WeightName Weights::entry_of(const std::string& hub_name) const {
  const auto [pattern, number] = without_number(hub_name);
  const auto entry = std::find_if(map_.begin(), map_.end(),
                                  [&](const WeightName& name) { return name.hub == pattern; });
  if (entry == map_.end()) fail(ErrorKind::internal, "weights: the map has no name {}", hub_name);
  WeightName complete = *entry;
  complete.hub = hub_name;
  complete.gguf = replace_all(entry->gguf, "{}", number);
  return complete;
}

bool Weights::has(const std::string& hub_name) const {
  return source_.find(stored_name(entry_of(hub_name))) != nullptr;
}

void Weights::pass_over(const std::string& hub_name) {
  if (const auto* tensor = source_.find(stored_name(entry_of(hub_name))))
    taken_.insert(tensor->name);
}

void Weights::pass_over_stored(std::string_view pattern) {
  for (const store::StoredTensor& tensor : source_.tensors()) {
    if (without_number(tensor.name).first == pattern) taken_.insert(tensor.name);
  }
}

void Weights::check_all_taken() const {
  for (const store::StoredTensor& tensor : source_.tensors()) {
    if (!taken_.contains(tensor.name))
      fail(ErrorKind::unsupported,
           "{}: tensor {} has no place in this model; leaving it out would change the answers",
           source_.origin(), quote_name(tensor.name));
  }
}

Tensor Weights::get(const std::string& hub_name) {
  const WeightName entry = entry_of(hub_name);
  asked_->insert_or_assign(entry.hub, entry.gguf);
  const store::StoredTensor& stored = source_.at(stored_name(entry));
  taken_.insert(stored.name);
  const bool hub = names_ == Names::hub;
  const Shape shape =
      hub && entry.hub_transposed ? Shape{entry.shape[1], entry.shape[0]} : entry.shape;
  if (!std::equal(stored.shape.begin(), stored.shape.end(), shape.begin(), shape.end()))
    fail(ErrorKind::bad_file, "{}: tensor {} has the shape {}, the metadata asks for {}",
         source_.origin(), stored.name, store::shape_text(stored.shape), shape.text());
  if (!stored.type.dtype || info(*stored.type.dtype).unpack == nullptr ||
      *stored.type.dtype == DType::f64)
    fail(ErrorKind::unsupported, "{}: tensor {} holds {}, which weights cannot be",
         source_.origin(), stored.name, stored.type.name);
  Tensor tensor = shape.rank() == 1 ? as_f32(stored.tensor()) : stored.tensor();
  if (hub && entry.hub_transposed) return transposed(tensor);
  if (hub && entry.hub_fused_heads > 0) return unfused(tensor, entry.hub_fused_heads);
  if (hub && entry.hub_above_one) return plus_one(tensor);
  if (!hub && entry.gguf_paired_heads > 0) return unpaired(tensor, entry.gguf_paired_heads);
  return tensor;
}

}  // namespace pomona::model
