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
/// move, so quantised ones stay exact.
Tensor unpermuted(const Tensor& weight, std::int64_t heads) {
  const std::int64_t rows = weight.size(0), E = rows / heads;
  if (rows % heads != 0 || E % 2 != 0) {
    fail(ErrorKind::bad_file, "weights: {} rows do not divide into {} heads of even size", rows,
         heads);
  }
  const std::int64_t row_bytes = bytes_of(weight.dtype(), weight.size(1));
  const Tensor ordered = Tensor::zeros(weight.shape(), weight.dtype());
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::int64_t head = row / E, inside = row % E;
    const std::int64_t source = head * E + inside % (E / 2) * 2 + inside / (E / 2);
    std::memcpy(ordered.raw() + row * row_bytes, weight.raw() + source * row_bytes,
                static_cast<std::size_t>(row_bytes));
  }
  return ordered;
}

/// The values on aligned memory: files may put them anywhere.
Tensor aligned(const Tensor& tensor) {
  if (reinterpret_cast<std::uintptr_t>(tensor.raw()) % alignof(float) == 0) return tensor;
  const Tensor copy = Tensor::zeros(tensor.shape(), tensor.dtype());
  std::memcpy(copy.raw(), tensor.raw(), static_cast<std::size_t>(tensor.bytes()));
  return copy;
}

/// Vectors (norms) are used as f32, whatever the file stores.
Tensor as_f32(const Tensor& tensor) {
  if (tensor.dtype() == DType::f32) return aligned(tensor);
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

WeightName GgufWeights::entry_of(const std::string& hub_name) const {
  const auto [pattern, number] = without_number(hub_name);
  const auto entry = std::find_if(names_.begin(), names_.end(),
                                  [&](const WeightName& name) { return name.hub == pattern; });
  if (entry == names_.end())
    fail(ErrorKind::internal, "weights: no name in GGUF known for {}", hub_name);
  WeightName complete = *entry;
  complete.gguf = replace_all(entry->gguf, "{}", number);
  return complete;
}

bool GgufWeights::has(const std::string& hub_name) const {
  return file_.find(entry_of(hub_name).gguf) != nullptr;
}

void GgufWeights::check_all_taken() const {
  for (const store::GgufTensor& tensor : file_.tensors()) {
    if (!taken_.contains(tensor.name))
      fail(ErrorKind::unsupported,
           "{}: tensor {} has no place in this model; leaving it out would change the answers",
           file_.path().string(), quote_name(tensor.name));
  }
}

Tensor GgufWeights::get(const std::string& hub_name) {
  const WeightName entry = entry_of(hub_name);
  const store::GgufTensor& stored = file_.tensor(entry.gguf);
  taken_.insert(stored.name);
  const std::vector<std::int64_t> sizes = stored.shape();
  if (!std::equal(sizes.begin(), sizes.end(), entry.shape.begin(), entry.shape.end())) {
    fail(ErrorKind::bad_file, "{}: tensor {} has the shape ({}), the metadata asks for {}",
         file_.path().string(), entry.gguf, fmt::join(sizes, ", "), entry.shape.text());
  }
  const Tensor tensor(mapped_storage(file_.mapping(stored), stored.bytes), entry.shape, *stored.dtype);
  if (info(tensor.dtype()).unpack == nullptr || tensor.dtype() == DType::f64) {
    fail(ErrorKind::unsupported, "{}: tensor {} holds {}, which weights cannot be",
         file_.path().string(), entry.gguf, info(tensor.dtype()).name);
  }
  if (entry.shape.rank() == 1) return as_f32(tensor);
  return entry.heads > 0 ? unpermuted(tensor, entry.heads) : aligned(tensor);
}

}  // namespace pomona::model
