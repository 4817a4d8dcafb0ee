#include "train/method.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/error.h"
#include "base/quote.h"
#include "base/random.h"
#include "text/tokenizer.h"
#include "train/prefix_start.h"

namespace pomona::train {
namespace {

using nn::VirtualTokens;

/// Streams of random numbers, apart from the sampler's: first values of low-rank changes, one for
/// each, and the choice of virtual tokens.
constexpr std::uint64_t kLowRankStream = 1;
constexpr std::uint64_t kVirtualStream = std::uint64_t{1} << 32;

/// Its values as f32 in memory of their own.
Tensor own_f32(const Tensor& value) {
  Tensor own = Tensor::zeros(value.shape(), DType::f32);
  info(value.dtype()).unpack(value.raw(), own.data<float>(), value.elements());
  return own;
}

void train_in_place(Parameter& parameter) {
  parameter = Parameter(own_f32(parameter.value));
  parameter.value.require_gradient();
}

/// The number of the layer that a parameter belongs to: the first number among the parts of its
/// name; -1 outside of the layers.
std::int64_t layer_of(std::string_view name) {
  for (std::size_t begin = 0; begin < name.size();) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    const std::string_view part = name.substr(begin, end - begin);
    const bool number = !part.empty() && part.find_first_not_of("0123456789") == part.npos;
    if (number && part.size() < 10) return std::stoll(std::string(part));
    begin = end + 1;
  }
  return -1;
}

/// "model.layers.0.self_attn.q_proj.weight" -> "q_proj".
std::string_view module_of(std::string_view name) {
  name.remove_suffix(std::min(name.size(), name.size() - name.rfind('.')));
  const std::size_t dot = name.rfind('.');
  return dot == name.npos ? name : name.substr(dot + 1);
}

bool is_linear(const std::string& name, const Parameter& parameter) {
  return layer_of(name) >= 0 && parameter.value.shape().rank() == 2 && name.ends_with(".weight");
}

TrainedParameter trained(const std::string& name, Parameter& parameter) {
  const bool matrix = parameter.value.shape().rank() == 2;
  return {name, &parameter, matrix, matrix && layer_of(name) < 0};
}

/// All weights, or those of the layers from `first_layer` on.
std::vector<TrainedParameter> train_weights(model::Model& model,
                                            std::optional<std::int64_t> first_layer) {
  std::vector<TrainedParameter> parameters;
  model.lm->each_parameter([&](const std::string& name, Parameter& parameter) {
    if (first_layer && layer_of(name) < *first_layer) return;
    train_in_place(parameter);
    parameters.push_back(trained(name, parameter));
  });
  return parameters;
}

/// A's rows from U(-1/sqrt(K), 1/sqrt(K)), which is Kaiming's for a slope of sqrt(5); B is zero.
std::shared_ptr<LowRank> first_low_rank(const Tensor& weight, const RunFile::Method& settings,
                                        std::uint64_t seed, std::uint64_t stream) {
  const std::int64_t N = weight.size(0), K = weight.size(1), R = settings.rank;
  const auto change = std::make_shared<LowRank>();
  change->a.value = Tensor::zeros({R, K});
  change->b.value = Tensor::zeros({N, R});
  change->dropout = settings.dropout;
  const auto rank = static_cast<double>(R);
  change->scale = settings.alpha / (settings.kind == "rslora" ? std::sqrt(rank) : rank);
  const Random random(seed, stream);
  const double bound = 1 / std::sqrt(static_cast<double>(K));
  for (std::int64_t i = 0; i < change->a.value.elements(); ++i)
    change->a.value.data<float>()[i] =
        static_cast<float>(bound * (2 * random.uniform(static_cast<std::uint64_t>(i)) - 1));
  change->a.value.require_gradient();
  change->b.value.require_gradient();
  return change;
}

std::vector<TrainedParameter> add_low_ranks(model::Model& model, const RunFile::Method& settings,
                                            std::uint64_t seed) {
  if (settings.rank < 1)
    fail(ErrorKind::bad_argument, "method: rank {}, expected at least 1", settings.rank);
  if (!(settings.dropout >= 0 && settings.dropout < 1))
    fail(ErrorKind::bad_argument, "method: dropout {}, expected from 0 to below 1",
         settings.dropout);
  const std::vector<std::string> known = linear_maps(model);
  for (const std::string& target : settings.targets) {
    if (target == "all-linear" || std::find(known.begin(), known.end(), target) != known.end())
      continue;
    std::string list;
    for (const std::string& name : known) list.append(list.empty() ? "" : ", ").append(name);
    fail(ErrorKind::bad_argument, "method: targets has {}; this model's linear maps are {}",
         quote_name(target), list);
  }
  std::vector<TrainedParameter> parameters;
  std::uint64_t stream = kLowRankStream;
  model.lm->each_parameter([&](const std::string& name, Parameter& parameter) {
    if (!is_linear(name, parameter)) return;
    const auto wanted = [&](const std::string& target) {
      return target == "all-linear" || target == module_of(name);
    };
    if (std::none_of(settings.targets.begin(), settings.targets.end(), wanted)) return;
    const auto change = first_low_rank(parameter.value, settings, seed, stream++);
    parameter.adapters.push_back(change);
    const std::string path = name.substr(0, name.size() - std::string_view(".weight").size());
    parameters.push_back({path + ".lora_A", &change->a, true, false});
    parameters.push_back({path + ".lora_B", &change->b, true, false});
  });
  return parameters;
}

/// The tokens that virtual ones start from: those of a text, again and again until there are
/// enough; those of labels; else drawn from the vocabulary.
std::vector<std::int32_t> first_tokens(const model::Model& model, const RunFile::Method& settings,
                                       std::uint64_t seed) {
  const std::int64_t P = settings.virtual_tokens;
  if (P < 1) fail(ErrorKind::bad_argument, "method: virtual_tokens {}, expected at least 1", P);
  if (P >= model.lm->shape().context)
    fail(ErrorKind::bad_argument, "method: virtual_tokens {}; the model takes {} positions in all",
         P, model.lm->shape().context);
  std::vector<std::int32_t> tokens;
  if (settings.init == "text") {
    const std::vector<std::int32_t> text = model.tokenizer->encode(settings.init_text);
    if (text.empty()) fail(ErrorKind::bad_argument, "method: init \"text\" needs an init_text");
    for (std::size_t i = 0; i < static_cast<std::size_t>(P); ++i)
      tokens.push_back(text[i % text.size()]);
    return tokens;
  }
  for (const std::string& label : settings.init_labels) {
    const std::vector<std::int32_t> text = model.tokenizer->encode(label);
    tokens.insert(tokens.end(), text.begin(), text.end());
  }
  tokens.resize(std::min(tokens.size(), static_cast<std::size_t>(P)));
  // The first tokens of a vocabulary made by merging are the most frequent ones.
  constexpr std::size_t kFrequent = 5000;
  std::vector<std::int32_t> pool;
  const std::size_t size = model.tokenizer->vocabulary_size();
  for (std::size_t id = 0; id < size && pool.size() < kFrequent; ++id) {
    if (model.tokenizer->kind(static_cast<std::int32_t>(id)) == text::TokenKind::normal)
      pool.push_back(static_cast<std::int32_t>(id));
  }
  if (pool.empty())
    fail(ErrorKind::unsupported, "method: the vocabulary has no plain tokens to start from");
  const Random random(seed, kVirtualStream);
  for (std::uint64_t i = tokens.size(); i < static_cast<std::uint64_t>(P); ++i)
    tokens.push_back(pool[random.below(i, pool.size())]);
  return tokens;
}

std::vector<TrainedParameter> add_virtual_tokens(model::Model& model,
                                                 const RunFile::Method& settings,
                                                 std::uint64_t seed, const Context& context) {
  const std::vector<std::int32_t> tokens = first_tokens(model, settings, seed);
  const auto P = static_cast<std::int64_t>(tokens.size()), D = model.lm->shape().D;
  auto made = std::make_shared<VirtualTokens>();
  made->embeddings.value = Tensor::zeros({P, D});
  std::vector<TrainedParameter> parameters;
  if (settings.kind == "prompt") {
    const Tensor table = model.lm->token_table().value;
    for (std::int64_t i = 0; i < P; ++i) {
      const std::int32_t token = tokens[static_cast<std::size_t>(i)];
      info(table.dtype())
          .unpack(table.raw() + token * bytes_of(table.dtype(), D),
                  made->embeddings.value.data<float>() + i * D, D);
    }
    made->embeddings.value.require_gradient();
    parameters.push_back({"prompt_embeddings", &made->embeddings, true, true});
  } else {
    read_prefix(model, tokens, context, *made);
    for (std::size_t layer = 0; layer < made->keys.size(); ++layer) {
      const std::string path = "prefix." + std::to_string(layer);
      for (auto* part : {&made->keys, &made->values}) {
        (*part)[layer].value.require_gradient();
        parameters.push_back(
            {path + (part == &made->keys ? ".keys" : ".values"), &(*part)[layer], true, false});
      }
    }
  }
  model.lm->set_virtual_tokens(std::move(made));
  return parameters;
}

}  // namespace

std::vector<TrainedParameter> make_trainable(model::Model& model, const RunFile::Method& settings,
                                             std::uint64_t seed, const Context& context) {
  const std::int64_t L = model.lm->shape().L;
  if (!settings.scratch.empty())
    fail(
        ErrorKind::unsupported,
        "method: scratch: training from random weights is not done yet; name a base to go on from");
  if (settings.kind == "full") return train_weights(model, std::nullopt);
  if (settings.kind == "freeze") {
    if (settings.last_layers < 1 || settings.last_layers > L)
      fail(ErrorKind::bad_argument, "method: last_layers {}, the model has {}",
           settings.last_layers, L);
    return train_weights(model, L - settings.last_layers);
  }
  if (settings.kind == "lora" || settings.kind == "rslora")
    return add_low_ranks(model, settings, seed);
  return add_virtual_tokens(model, settings, seed, context);
}

std::int64_t count_parameters(const std::vector<TrainedParameter>& parameters) {
  std::int64_t count = 0;
  for (const TrainedParameter& one : parameters) count += one.parameter->value.elements();
  return count;
}

std::vector<std::string> linear_maps(model::Model& model) {
  std::vector<std::string> names;
  model.lm->each_parameter([&](const std::string& name, Parameter& parameter) {
    const std::string module(module_of(name));
    if (is_linear(name, parameter) && std::find(names.begin(), names.end(), module) == names.end())
      names.push_back(module);
  });
  return names;
}

}  // namespace pomona::train
