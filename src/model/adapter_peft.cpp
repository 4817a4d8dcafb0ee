#include "model/adapter_peft.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "base/quote.h"
#include "store/checkpoint.h"
#include "store/hub_folder.h"
#include "store/json_part.h"
#include "store/safetensors_writer.h"

namespace pomona::model {
namespace {

namespace fs = std::filesystem;
using store::JsonPart;

constexpr std::string_view kPrefix = "base_model.model.", kA = ".lora_A.weight",
                           kB = ".lora_B.weight", kRows = "prompt_embeddings";
constexpr std::int64_t kMostSize = 1 << 24;
constexpr std::array<std::string_view, 2> kWeightsFiles = {"adapter_model.safetensors",
                                                           "adapter_model.bin"};

/// Settings that say how an adapter came about or what is read from its tensors: they change no
/// answer of what is in the files.
constexpr auto kHarmless = std::to_array<std::string_view>({"auto_mapping",
                                                            "base_model_name_or_path",
                                                            "revision",
                                                            "task_type",
                                                            "inference_mode",
                                                            "peft_version",
                                                            "peft_type",
                                                            "exclude_modules",
                                                            "layers_pattern",
                                                            "layers_to_transform",
                                                            "eva_config",
                                                            "corda_config",
                                                            "loftq_config",
                                                            "lora_ga_config",
                                                            "megatron_config",
                                                            "megatron_core",
                                                            "runtime_config",
                                                            "qalora_group_size",
                                                            "ensure_weight_tying",
                                                            "prompt_tuning_init",
                                                            "prompt_tuning_init_text",
                                                            "tokenizer_name_or_path",
                                                            "tokenizer_kwargs",
                                                            "encoder_hidden_size",
                                                            "encoder_dropout",
                                                            "encoder_num_layers",
                                                            "encoder_reparameterization_type",
                                                            "prefix_projection",
                                                            "init_weights"});
constexpr auto kRead = std::to_array<std::string_view>(
    {"r", "lora_alpha", "use_rslora", "lora_dropout", "fan_in_fan_out", "target_modules",
     "rank_pattern", "alpha_pattern", "bias", "init_lora_weights", "num_virtual_tokens",
     "num_transformer_submodules", "num_attention_heads", "num_layers", "token_dim"});

bool is_nothing(const Json& value) {
  return value.is_null() || value == false ||
         ((value.is_array() || value.is_object()) && value.empty());
}

/// Throws unsupported for what the adapter asks for beyond what is read, whatever it is.
void check_settings(const JsonPart& config) {
  for (const auto& [key, value] : config.json().items()) {
    const auto is_key = [&](std::string_view known) { return known == key; };
    if (std::ranges::any_of(kHarmless, is_key) || std::ranges::any_of(kRead, is_key)) continue;
    if (!is_nothing(value)) config.unsupported(fmt::format("{} is not supported", quote_name(key)));
  }
  if (const auto bias = config.find("bias"); bias && bias->as_string() != "none")
    bias->unsupported("changed biases are not supported, only \"none\"");
  // PiSSA and its like take a part out of the base's weights, which only PEFT can do again.
  const auto begun = config.find("init_lora_weights");
  if (begun && !begun->json().is_boolean()) {
    const std::string how = begun->as_string();
    if (how != "gaussian" && how != "eva" && how != "orthogonal")
      begun->unsupported(fmt::format("{} changes the base model as well, which is not supported",
                                     quote_name(how)));
  }
}

std::int64_t size_in(const JsonPart& config, std::string_view key) {
  const std::int64_t size = config.at(key).as_integer();
  if (size < 1 || size > kMostSize)
    config.at(key).refuse(fmt::format("{} is not from 1 to {}", size, kMostSize));
  return size;
}

double number_of(const JsonPart& part) {
  if (!part.json().is_number()) part.refuse("expected a number");
  const double value = part.json().get<double>();
  if (!std::isfinite(value)) part.refuse("expected a finite number");
  return value;
}

/// rank_pattern or alpha_pattern: for modules whose name is a key or ends with a dot and a key,
/// another number. PEFT's keys are regular expressions; only plain names are taken.
class Pattern {
 public:
  Pattern(const JsonPart& config, std::string_view key) {
    const auto part = config.find(key);
    if (!part) return;
    if (!part->json().is_object()) part->refuse("expected an object");
    for (const auto& [name, value] : part->json().items()) {
      if (name.find_first_of("\\^$*+?()[]{}|") != std::string::npos)
        part->unsupported(fmt::format("the regular expression {} is not supported, only names",
                                      quote_name(name)));
      numbers_.emplace_back(name, number_of(part->at(name)));
    }
  }

  double of(std::string_view module, double usual) const {
    for (const auto& [name, number] : numbers_) {
      if (!module.ends_with(name)) continue;
      const std::size_t before = module.size() - name.size();
      if (before == 0 || module[before - 1] == '.') return number;
    }
    return usual;
  }

 private:
  std::vector<std::pair<std::string, double>> numbers_;
};

std::string_view reason_of(std::string_view name) {
  if (name.find("lora_magnitude_vector") != std::string_view::npos) return "DoRA";
  if (name.find("lora_embedding_") != std::string_view::npos) return "changes of embeddings";
  if (name.ends_with("bias")) return "changes of biases";
  return "tensors of this name";
}

Tensor values_of(const store::StoredTensor& stored, const std::string& origin) {
  const bool plain = stored.type.dtype == DType::f32 || stored.type.dtype == DType::bf16 ||
                     stored.type.dtype == DType::f16;
  if (!plain)
    fail(ErrorKind::unsupported, "{}: tensor {} holds {}; adapters are F32, BF16 or F16", origin,
         quote_name(stored.name), stored.type.name);
  if (stored.shape.size() != 2 || stored.elements() == 0)
    fail(ErrorKind::bad_file, "{}: tensor {} has the shape {}, expected a matrix", origin,
         quote_name(stored.name), store::shape_text(stored.shape));
  return stored.tensor();
}

void read_changes(const JsonPart& config, const store::TensorSource& tensors, Adapter& adapter) {
  const std::string& origin = adapter.origin;
  const Pattern ranks(config, "rank_pattern"), alphas(config, "alpha_pattern");
  for (const store::StoredTensor& stored : tensors.tensors()) {
    const std::string_view name = stored.name;
    if (name.starts_with(kPrefix) && name.ends_with(kB)) continue;  // taken with its a
    if (!name.starts_with(kPrefix) || !name.ends_with(kA) ||
        name.size() <= kPrefix.size() + kA.size())
      fail(ErrorKind::unsupported, "{}: {}: {} are not supported", origin, quote_name(name),
           reason_of(name));
    const std::string module(name.substr(kPrefix.size(), name.size() - kPrefix.size() - kA.size()));
    std::string other(kPrefix);
    other.append(module).append(kB);
    WeightChange change{module + ".weight", values_of(stored, origin),
                        values_of(tensors.at(other), origin), alphas.of(module, adapter.alpha)};
    const auto rank = ranks.of(module, static_cast<double>(adapter.rank));
    if (change.b.size(1) != change.R() || static_cast<double>(change.R()) != rank)
      fail(ErrorKind::bad_file, "{}: {}: a {} and b {}, of rank {}", origin, quote_name(module),
           change.a.shape().text(), change.b.shape().text(), rank);
    adapter.changes.push_back(std::move(change));
  }
  if (adapter.changes.empty()) fail(ErrorKind::bad_file, "{}: no tensors of changes", origin);
  for (const store::StoredTensor& stored : tensors.tensors()) {
    if (!stored.name.ends_with(kB)) continue;
    std::string other(stored.name, 0, stored.name.size() - kB.size());
    tensors.at(other.append(kA));
  }
}

void read_lora(const JsonPart& config, const store::TensorSource& tensors, Adapter& adapter) {
  adapter.rank = size_in(config, "r");
  adapter.alpha = number_of(config.at("lora_alpha"));
  adapter.rslora = config.boolean("use_rslora", false);
  adapter.conv1d = config.boolean("fan_in_fan_out", false);
  if (const auto dropout = config.find("lora_dropout")) adapter.dropout = number_of(*dropout);
  if (adapter.dropout < 0 || adapter.dropout >= 1)
    config.at("lora_dropout").refuse("expected a share below 1");
  // With these the ends of names would say more weights than there are.
  const bool exact = !config.find("layers_to_transform") && !config.find("exclude_modules");
  if (const auto targets = config.find("target_modules");
      exact && targets && targets->json().is_array())
    for (const JsonPart& target : targets->elements())
      adapter.targets.push_back(target.as_string());
  read_changes(config, tensors, adapter);
}

void read_rows(const JsonPart& config, const store::TensorSource& tensors, Adapter& adapter) {
  const bool prefix = adapter.kind == AdapterKind::prefix;
  if (const auto parts = config.integer("num_transformer_submodules"); parts && *parts != 1)
    config.unsupported(
        fmt::format("\"num_transformer_submodules\" {} is not supported, only 1", *parts));
  adapter.layers = size_in(config, "num_layers");
  adapter.heads = size_in(config, "num_attention_heads");
  const std::int64_t count = size_in(config, "num_virtual_tokens"),
                     width = size_in(config, "token_dim") * (prefix ? 2 * adapter.layers : 1);
  for (const store::StoredTensor& stored : tensors.tensors()) {
    if (stored.name != kRows)
      fail(ErrorKind::unsupported, "{}: {}: {} are not supported", adapter.origin,
           quote_name(stored.name), reason_of(stored.name));
  }
  adapter.rows = values_of(tensors.at(kRows), adapter.origin);
  if (adapter.rows.shape() != Shape{count, width})
    fail(ErrorKind::bad_file, "{}: {} has the shape {}, its config asks for ({}, {})",
         adapter.origin, kRows, adapter.rows.shape().text(), count, width);
}

Json json_number(double value) {
  const bool whole = value == std::floor(value) && std::abs(value) < 1e15;
  return whole ? Json(static_cast<std::int64_t>(value)) : Json(value);
}

std::string module_of(const WeightChange& change) {
  return change.weight.substr(0, change.weight.size() - std::string_view(".weight").size());
}

Json lora_config(const Adapter& adapter) {
  Json ranks = Json::object(), alphas = Json::object(), targets = adapter.targets;
  for (const WeightChange& change : adapter.changes) {
    const std::string module = module_of(change);
    if (change.R() != adapter.rank) ranks[module] = change.R();
    if (change.alpha != adapter.alpha) alphas[module] = json_number(change.alpha);
    if (adapter.targets.empty()) targets.push_back(module);
  }
  return {{"peft_type", "LORA"},
          {"r", adapter.rank},
          {"lora_alpha", json_number(adapter.alpha)},
          {"lora_dropout", adapter.dropout},
          {"use_rslora", adapter.rslora},
          {"use_dora", false},
          {"bias", "none"},
          {"fan_in_fan_out", adapter.conv1d},
          {"init_lora_weights", true},
          {"target_modules", std::move(targets)},
          {"rank_pattern", std::move(ranks)},
          {"alpha_pattern", std::move(alphas)},
          {"modules_to_save", nullptr}};
}

Json rows_config(const Adapter& adapter) {
  const bool prefix = adapter.kind == AdapterKind::prefix;
  const std::int64_t width = adapter.rows.size(1) / (prefix ? 2 * adapter.layers : 1);
  Json config = {{"peft_type", prefix ? "PREFIX_TUNING" : "PROMPT_TUNING"},
                 {"num_virtual_tokens", adapter.rows.size(0)},
                 {"token_dim", width},
                 {"num_layers", adapter.layers},
                 {"num_attention_heads", adapter.heads},
                 {"num_transformer_submodules", 1}};
  if (prefix) {
    config.update({{"encoder_hidden_size", width}, {"prefix_projection", false}});
  } else {
    config["prompt_tuning_init"] = "RANDOM";
  }
  return config;
}

std::vector<store::TensorOutput> outputs_of(const Adapter& adapter) {
  if (adapter.kind != AdapterKind::lora)
    return {store::output_of(std::string(kRows), adapter.rows)};
  std::vector<store::TensorOutput> outputs;
  for (const WeightChange& change : adapter.changes) {
    const std::string module = std::string(kPrefix).append(module_of(change));
    outputs.push_back(store::output_of(std::string(module).append(kA), change.a));
    outputs.push_back(store::output_of(std::string(module).append(kB), change.b));
  }
  return outputs;
}

}  // namespace

Adapter peft_adapter(const Json& json, const store::TensorSource& tensors,
                     const std::string& origin) {
  const JsonPart config(json, fmt::format("{}: {}", origin, kAdapterConfigFile));
  const std::string type = config.string("peft_type");
  Adapter adapter;
  adapter.origin = origin;
  if (const auto base = config.find("base_model_name_or_path")) adapter.base = base->as_string();
  check_settings(config);
  if (type == "LORA") {
    read_lora(config, tensors, adapter);
  } else if (type == "PROMPT_TUNING" || type == "P_TUNING" || type == "PREFIX_TUNING") {
    adapter.kind = type == "PREFIX_TUNING" ? AdapterKind::prefix : AdapterKind::prompt;
    read_rows(config, tensors, adapter);
  } else {
    config.at("peft_type")
        .unsupported(
            fmt::format("{} is not supported, only LORA, PROMPT_TUNING, P_TUNING and PREFIX_TUNING",
                        quote_name(type)));
  }
  return adapter;
}

Adapter read_peft(const fs::path& folder) {
  const Json config = read_json(folder / kAdapterConfigFile);
  for (const std::string_view name : kWeightsFiles) {
    if (is_there(folder / name))
      return peft_adapter(config, store::open_checkpoint(folder / name), folder.string());
  }
  fail(ErrorKind::not_found, "{}: there is neither {} nor {}", folder.string(), kWeightsFiles[0],
       kWeightsFiles[1]);
}

void write_peft(const fs::path& path, const Adapter& adapter) {
  if (adapter.kind == AdapterKind::lora && adapter.names != Names::hub)
    fail(ErrorKind::bad_argument, "write adapter: {}: its weights have GGUF's names",
         path.string());
  Json config = {{"auto_mapping", nullptr},
                 {"base_model_name_or_path",
                  adapter.base.empty() ? Json(nullptr) : Json(printable(adapter.base, true))},
                 {"inference_mode", true},
                 {"revision", nullptr},
                 {"task_type", "CAUSAL_LM"}};
  config.update(adapter.kind == AdapterKind::lora ? lora_config(adapter) : rows_config(adapter));
  store::HubFolderWriter folder(path);
  folder.write_json(kAdapterConfigFile, config);
  store::write_safetensors(folder.staging() / kWeightsFiles[0], outputs_of(adapter),
                           {{"format", "pt"}});
  folder.commit();
}

}  // namespace pomona::model
