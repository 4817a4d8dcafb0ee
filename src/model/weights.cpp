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

/// Rows of each head in the order (half, pair) of the hub, from GGUF's (pair, half). Whole rows
/// move, so quantised ones stay exact. The values of a vector are its rows.
Tensor unpermuted(const Tensor& weight, std::int64_t heads) {
  const std::int64_t rows = weight.size(0), E = rows / heads;
  if (rows % heads != 0 || E % 2 != 0) {
    fail(ErrorKind::bad_file, "weights: {} rows do not divide into {} heads of even size", rows,
         heads);
  }
  const std::int64_t row_bytes = bytes_of(weight.dtype(), weight.elements() / rows);
  const Tensor ordered = Tensor::zeros(weight.shape(), weight.dtype());
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::int64_t head = row / E, inside = row % E;
    const std::int64_t source = head * E + inside % (E / 2) * 2 + inside / (E / 2);
    std::memcpy(ordered.raw() + row * row_bytes, weight.raw() + source * row_bytes,
                static_cast<std::size_t>(row_bytes));
  }
  return ordered;
}

/// Vectors (norms) are used as f32, whatever the file stores.
Tensor as_f32(const Tensor& tensor) {
  if (tensor.dtype() == DType::f32) return tensor;
  const Tensor values = Tensor::zeros(tensor.shape(), DType::f32);
  info(tensor.dtype()).unpack(tensor.raw(), values.data<float>(), tensor.elements());
  return values;
}

/// "model.layers.12.mlp" -> {"model.layers.{}.mlp", "12"}.
std::pair<std::string, std::string> without_number(const std::string& name) {
  for (std::size_t at = name.find('.'); at != std::string::npos; at = name.find('.', at + 1)) {
    std::size_t end = at + 1;
    while (end < name.size() && std::isdigit(static_cast<unsigned char>(name[end])) != 0) ++end;
    if (end > at + 1 && end < name.size() && name[end] == '.') {
      return {name.substr(0, at + 1) + "{}" + name.substr(end), name.substr(at + 1, end - at - 1)};
    }
  }
  return {name, ""};
}

}  // namespace

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
  const store::StoredTensor& stored = source_.at(stored_name(entry));
  taken_.insert(stored.name);
  if (!std::equal(stored.shape.begin(), stored.shape.end(), entry.shape.begin(), entry.shape.end()))
    fail(ErrorKind::bad_file, "{}: tensor {} has the shape {}, the metadata asks for {}",
         source_.origin(), stored.name, store::shape_text(stored.shape), entry.shape.text());
  if (!stored.type.dtype || info(*stored.type.dtype).unpack == nullptr ||
      *stored.type.dtype == DType::f64)
    fail(ErrorKind::unsupported, "{}: tensor {} holds {}, which weights cannot be",
         source_.origin(), stored.name, stored.type.name);
  Tensor tensor = entry.shape.rank() == 1 ? as_f32(stored.tensor()) : stored.tensor();
  if (names_ == Names::gguf && entry.gguf_paired_heads > 0)
    return unpermuted(tensor, entry.gguf_paired_heads);
  return tensor;
}

}  // namespace pomona::model
