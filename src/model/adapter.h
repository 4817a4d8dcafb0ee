// Small changes of a model that are kept in files of their own: low-rank changes of its weights (Hu
// et al. 2021, arXiv:2106.09685), soft prompts (Lester et al. 2021, arXiv:2104.08691) and prefixes
// (Li and Liang 2021, arXiv:2101.00190). Files: PEFT's folders and llama.cpp's GGUF files.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/model.h"

namespace pomona::model {

enum class AdapterKind { lora, prompt, prefix };
std::string_view name_of(AdapterKind kind);  // "lora", "prompt", "prefix"

/// What one weight W (N, K) gains: scale b a.
struct WeightChange {
  std::string weight;  // "model.layers.0.self_attn.q_proj.weight", as its kind of file has it
  Tensor a;            // (R, K), of a plain type; GGUF's may be of any
  Tensor b;            // (N, R)
  double alpha = 0;

  std::int64_t R() const { return a.size(0); }
};

struct Adapter {
  AdapterKind kind = AdapterKind::lora;
  std::string origin;  // the path it was read from
  std::string base;    // the model it was made for, as its file calls it; may be empty

  // Of low-rank changes.
  Names names = Names::hub;  // of the weights, and how the rows of each b are ordered
  std::int64_t rank = 0;     // of most changes
  double alpha = 0;
  bool rslora = false;       // scales are alpha / sqrt(R) (Kalajdzievski 2023), not alpha / R
  double dropout = 0;        // while it was trained
  bool conv1d = false;       // the hub stores these weights as (inputs, outputs)
  std::string architecture;  // GGUF's name of the base's; empty on the hub
  std::vector<std::string> targets;  // ends of the weights' names that say which; empty: the names
  std::vector<WeightChange> changes;

  // Of the others.
  Tensor rows;  // of P virtual tokens: (P, D), or (P, 2 L G E): keys and values of each layer
  std::int64_t layers = 0, heads = 0;  // of the base; keys' heads for a prefix

  double scale(const WeightChange& change) const;
  /// Values of all its tensors.
  std::int64_t parameters() const;
};

/// A folder of PEFT's or a GGUF file. Throws not_found, io, bad_file; unsupported naming what
/// Pomona does not do: nothing that would change answers is passed over.
Adapter read_adapter(const std::filesystem::path& path);

/// Low-rank changes as the other kind of file has them; `model` is one that they fit. Throws as
/// attach(), and bad_argument for other kinds of adapters, which GGUF does not know.
Adapter in_names(const Adapter& adapter, const Model& model, Names names);

/// Adds the adapter to what the model computes, low-rank changes `weight` times;
/// prompts stands in front. Throws bad_argument naming the differences if it was made for another
/// model, and unsupported for a weight of a prompt or a prefix beside another one. Nothing changes
/// then.
void attach(Model& model, const Adapter& adapter, double weight = 1);

/// An adapter of a model that is to be loaded, and how much of it counts.
struct AdapterUse {
  std::filesystem::path path;
  double weight = 1;
};
/// load_model() with adapters attached in their order. Throws what that, read_adapter() and
/// attach() throw.
Model load_adapted(const std::filesystem::path& path, std::int64_t context,
                   const std::vector<AdapterUse>& adapters);

/// Takes all adapters off.
void detach(Model& model);

/// What is attached to the model, as an adapter for the hub: its virtual tokens, or, if it has
/// none, the change of each weight, whose scales are alpha / R or with `rslora` alpha / sqrt(R).
/// Throws bad_argument if there is nothing, or several changes of one weight.
Adapter adapter_of(const Model& model, double alpha = 0, bool rslora = false);

}  // namespace pomona::model
