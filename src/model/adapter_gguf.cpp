#include "model/adapter_gguf.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/quote.h"
#include "store/gguf_output.h"

namespace pomona::model {
namespace {

constexpr std::string_view kType = "general.type", kAdapter = "adapter",
                           kArchitecture = "general.architecture", kAdapterType = "adapter.type",
                           kAlpha = "adapter.lora.alpha", kName = "general.base_model.0.name",
                           kA = ".lora_a", kB = ".lora_b";

Tensor values_of(const store::StoredTensor& stored, const std::string& origin) {
  if (!stored.type.dtype || info(*stored.type.dtype).unpack == nullptr ||
      *stored.type.dtype == DType::f64)
    fail(ErrorKind::unsupported, "{}: tensor {} holds {}, which is not computed with", origin,
         quote_name(stored.name), stored.type.name);
  if (stored.shape.size() != 2 || stored.elements() == 0)
    fail(ErrorKind::bad_file, "{}: tensor {} has the shape {}, expected a matrix", origin,
         quote_name(stored.name), store::shape_text(stored.shape));
  return stored.tensor();
}

void read_changes(const store::TensorSource& tensors, Adapter& adapter) {
  for (const store::StoredTensor& stored : tensors.tensors()) {
    const std::string_view name = stored.name;
    if (name.ends_with(kB)) {
      tensors.at(std::string(name.substr(0, name.size() - kB.size())).append(kA));
      continue;
    }
    if (!name.ends_with(kA))
      fail(ErrorKind::unsupported,
           "{}: tensor {} is no low-rank change, and leaving it out would change the answers",
           adapter.origin, quote_name(name));
    std::string weight(name, 0, name.size() - kA.size());
    if (weight == "token_embd.weight")
      fail(ErrorKind::unsupported, "{}: {}: changes of embeddings are not supported",
           adapter.origin, quote_name(name));
    WeightChange change{weight, values_of(stored, adapter.origin),
                        values_of(tensors.at(weight + std::string(kB)), adapter.origin),
                        adapter.alpha};
    if (adapter.alpha == 0) change.alpha = static_cast<double>(change.R());  // a scale of 1
    if (change.b.size(1) != change.R())
      fail(ErrorKind::bad_file, "{}: {}: a {} and b {}", adapter.origin, quote_name(weight),
           change.a.shape().text(), change.b.shape().text());
    adapter.changes.push_back(std::move(change));
  }
  if (adapter.changes.empty())
    fail(ErrorKind::bad_file, "{}: no tensors of changes", adapter.origin);
  adapter.rank = adapter.changes.front().R();
  adapter.alpha = adapter.changes.front().alpha;
}

/// The alpha that gives every change its scale as alpha / R, in f32, as files have it. 0, which
/// readers take as a scale of 1, is none.
float common_alpha(const Adapter& adapter) {
  const auto alpha_of = [&](const WeightChange& change) {
    return static_cast<float>(adapter.scale(change) * static_cast<double>(change.R()));
  };
  const float alpha = alpha_of(adapter.changes.front());
  for (const WeightChange& change : adapter.changes) {
    if (alpha_of(change) != alpha || alpha == 0)
      fail(ErrorKind::unsupported,
           "write adapter: GGUF has one alpha for all weights and scales by alpha / rank, but the "
           "scale of {} is {} at rank {}",
           quote_name(change.weight), adapter.scale(change), change.R());
  }
  return alpha;
}

}  // namespace

bool is_adapter(const store::GgufMetadata& metadata) {
  const store::GgufValue* const type = metadata.find(kType);
  const auto* const text = type != nullptr ? std::get_if<std::string_view>(type) : nullptr;
  return text != nullptr && *text == kAdapter;
}

Adapter read_gguf_adapter(const std::filesystem::path& path) {
  const store::GgufFile file(path);
  const store::GgufMetadata& metadata = file.metadata();
  Adapter adapter;
  adapter.origin = path.string();
  if (!is_adapter(metadata))
    fail(ErrorKind::bad_file, "{}: no adapter: {} is not \"{}\"", adapter.origin, kType, kAdapter);
  if (const auto type = metadata.string(kAdapterType); type != "lora")
    fail(ErrorKind::unsupported, "{}: an adapter of type {}, only \"lora\" is supported",
         adapter.origin, quote_name(type));
  for (const auto& [key, value] : metadata.entries()) {
    if (key.starts_with("adapter.") && key != kAdapterType && key != kAlpha)
      fail(ErrorKind::unsupported, "{}: {} is not supported", adapter.origin, quote_name(key));
  }
  adapter.names = Names::gguf;
  adapter.architecture = metadata.string(kArchitecture);
  adapter.base = metadata.string(kName, "");
  adapter.alpha = metadata.real(kAlpha);
  if (!std::isfinite(adapter.alpha))
    fail(ErrorKind::bad_file, "{}: {} is no finite number", adapter.origin, kAlpha);
  read_changes(store::tensors_of(file), adapter);
  return adapter;
}

void write_gguf_adapter(const std::filesystem::path& path, const Adapter& adapter) {
  if (adapter.kind != AdapterKind::lora || adapter.names != Names::gguf)
    fail(ErrorKind::bad_argument,
         "write adapter: {}: GGUF holds low-rank changes under its own names alone", path.string());
  store::GgufOutput output;
  output.set(kArchitecture, std::string_view(adapter.architecture));
  output.set(kType, kAdapter);
  output.set(kAdapterType, std::string_view("lora"));
  if (!adapter.base.empty()) output.set(kName, std::string_view(adapter.base));
  output.set(kAlpha, common_alpha(adapter));
  for (const WeightChange& change : adapter.changes) {
    output.tensors.push_back(store::output_of(change.weight + std::string(kA), change.a));
    output.tensors.push_back(store::output_of(change.weight + std::string(kB), change.b));
  }
  store::write_gguf(path, output);
}

}  // namespace pomona::model
