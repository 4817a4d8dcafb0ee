#include "model/decoder_config.h"

#include "base/error.h"
#include "base/quote.h"

namespace pomona::model {
namespace {

void check_variant(const Config& numbers, std::int64_t E) {
  for (const std::string_view name : {"num_local_experts", "num_experts"}) {
    if (const Json* const experts = numbers.find(name); experts && *experts != 0)
      fail(ErrorKind::unsupported, "{}: a mixture of {} experts is not supported", numbers.origin(),
           experts->dump());
  }
  if (numbers.find("quantization_config") != nullptr)
    fail(ErrorKind::unsupported, "{}: quantization_config is not supported, only plain weights",
         numbers.origin());
  if (numbers.from_gguf() && !numbers.flag("causal", true))
    fail(ErrorKind::unsupported, "{}: {} is false, only models that look back are supported",
         numbers.origin(), numbers.key_of("causal"));
  if (E % 16 != 0 || E > 256)
    fail(ErrorKind::unsupported,
         "{}: heads of {} values are not supported, only multiples of 16 up to 256",
         numbers.origin(), E);
  if (const std::int64_t found = numbers.size("value_dim", E); found != E)
    fail(ErrorKind::unsupported, "{}: {} is {}, only the size of the heads, {}, is supported",
         numbers.origin(), numbers.key_of("value_dim"), found, E);
}

}  // namespace

LmShape read_shape(const Checkpoint& checkpoint, std::string_view table) {
  const Config& numbers = checkpoint.config;
  LmShape shape;
  shape.D = numbers.size("hidden_size");
  shape.F = numbers.size("intermediate_size");
  shape.L = numbers.size("num_hidden_layers");
  const std::size_t tensors = checkpoint.tensors.tensors().size();
  if (static_cast<std::size_t>(shape.L) > tensors)
    fail(ErrorKind::bad_file, "{}: {} is {}, but there are {} tensors in all", numbers.origin(),
         numbers.key_of("num_hidden_layers"), shape.L, tensors);
  shape.H = numbers.size("num_attention_heads");
  shape.G = numbers.size("num_key_value_heads", shape.H);
  numbers.check_divides("num_attention_heads", shape.H, "num_key_value_heads", shape.G);
  if (numbers.find("head_dim") == nullptr)
    numbers.check_divides("hidden_size", shape.D, "num_attention_heads", shape.H);
  shape.E = numbers.size("head_dim", shape.D / shape.H);
  shape.context = shape.longest = numbers.size("max_position_embeddings");
  const store::StoredTensor& embedding = checkpoint.tensors.at(table);
  shape.V = embedding.shape.empty() ? 0 : embedding.shape.front();
  check_variant(numbers, shape.E);
  return shape;
}

op::Activation read_activation(const Config& numbers, std::string_view name,
                               std::string_view fallback) {
  constexpr std::pair<std::string_view, op::Activation> kKnown[] = {
      {"silu", op::Activation::silu},           {"swish", op::Activation::silu},
      {"gelu", op::Activation::gelu_erf},       {"gelu_new", op::Activation::gelu_tanh},
      {"gelu_fast", op::Activation::gelu_tanh}, {"gelu_pytorch_tanh", op::Activation::gelu_tanh},
  };
  const std::string found = numbers.text(name, fallback);
  std::string names;
  for (const auto& [known, activation] : kKnown) {
    if (known == found) return activation;
    names += (names.empty() ? "" : ", ") + std::string(known);
  }
  fail(ErrorKind::unsupported, "{}: {} {} is not supported; known are {}", numbers.origin(),
       numbers.key_of(name), quote_name(found), names);
}

}  // namespace pomona::model
