// A model as its users hold it: network, tokeniser, chat template and what is known about the file.
#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "model/causal_lm.h"
#include "model/model_files.h"

namespace pomona::text {
class Tokenizer;
class ChatTemplate;
}  // namespace pomona::text

namespace pomona::model {

/// One message of a conversation.
struct Message {
  std::string role;  // "system", "user", "assistant"
  std::string content;
};

struct Model {
  std::string name;          // from the file's metadata
  std::string architecture;  // "llama"
  std::string licence;       // as the file declares it, may be empty
  std::filesystem::path path;
  std::uint64_t bytes = 0;  // of the file
  std::uint64_t parameters = 0;
  std::map<std::string, int> types;  // number of tensors by storage format

  std::unique_ptr<CausalLm> lm;
  WeightNames weight_names;  // of lm's parameters, by their own names
  std::shared_ptr<const text::Tokenizer> tokenizer;
  std::shared_ptr<const text::ChatTemplate> chat_template;  // null: none, or one that is broken
  std::optional<Error> chat_template_error;                 // what is wrong with a broken one
  std::vector<std::int32_t> end_tokens;                     // generation ends at any of them

  /// The prompt's tokens for a conversation that the assistant is to continue. Throws unsupported
  /// if the model has no chat template, or chat_template_error.
  std::vector<std::int32_t> chat_prompt(const std::vector<Message>& messages) const;
};

/// Opens a GGUF model or a hub folder (memory-mapped, nothing is packed yet). Throws not_found,
/// bad_file, or unsupported naming the architecture and those that Pomona reads. A broken chat
/// template is no error here: everything but chat_prompt() works without it. `context`: the
/// positions that it is to take, 0 for as many as it takes without stretching its rotation
/// (LongRoPE). Throws bad_argument if it does not take so many.
Model load_model(const std::filesystem::path& path, std::int64_t context = 0);
/// The same of files that are open, for the context that their checkpoint says.
Model load_model(const ModelFiles& files);

/// Description of a model file, for list and show.
struct ModelCard {
  std::string name, architecture, licence;
  std::uint64_t bytes = 0, parameters = 0;
  std::uint64_t context = 0, longest_context = 0;  // LmShape's context and longest
  /// Memory to run it in mode fast with planned_context tokens, the last kPlannedRows of them in
  /// one pass.
  std::uint64_t memory_bytes = 0;
  std::int64_t planned_context = 0;
  std::map<std::string, int> types;
  std::vector<TensorKind> kinds;
  std::optional<std::string> chat_template;
};
inline constexpr std::int64_t kPlannedRows = 512;
inline constexpr std::int64_t kPlannedContext = 2048;  // or the model's, if that is shorter

/// Planned for `context` tokens, else for as many as are usual. Throws as load_model; bad_argument
/// for more than the model takes.
ModelCard describe_model(const std::filesystem::path& path,
                         std::optional<std::int64_t> context = std::nullopt);

/// Bytes that a forward pass of `rows` tokens with `cached` positions in the cache takes beside the
/// file: packed weights, cache and activations, and its operations, found by a run with shapes
/// only.
struct MemoryPlan {
  std::uint64_t weights = 0, cache = 0, activations = 0;
  double operations = 0;
  std::uint64_t total() const { return weights + cache + activations; }
};
MemoryPlan plan_memory(const Model& model, std::int64_t rows, std::int64_t cached, Compute compute);

}  // namespace pomona::model
