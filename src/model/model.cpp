#include "model/model.h"

#include <algorithm>

#include "base/error.h"
#include "model/chat.h"
#include "model/model_files.h"
#include "model/registry.h"
#include "text/template.h"
#include "text/tokenizer.h"

namespace pomona::model {
namespace {

std::vector<std::int32_t> end_tokens_of(const text::Tokenizer& tokenizer) {
  std::vector<std::int32_t> ends;
  for (std::size_t id = 0; id < tokenizer.vocabulary_size(); ++id) {
    if (tokenizer.ends_generation(static_cast<std::int32_t>(id)))
      ends.push_back(static_cast<std::int32_t>(id));
  }
  return ends;
}

}  // namespace

Model load_model(const std::filesystem::path& path, std::int64_t context) {
  ModelFiles files = open_model_files(path);
  files.checkpoint.context = context;
  return load_model(files);
}

Model load_model(const ModelFiles& files) {
  const std::filesystem::path& path = files.path;
  Model model;
  model.name = files.name;
  model.architecture = files.architecture;
  model.licence = files.licence;
  model.path = path;
  model.bytes = files.bytes();
  model.parameters = files.parameters();
  model.types = files.types();
  model.lm = find_architecture(model.architecture, path).load(files.checkpoint);
  if (const std::int64_t most = model.lm->shape().context; files.checkpoint.context > most)
    fail(ErrorKind::bad_argument, "{}: the model has a context of {} tokens, not {}", path.string(),
         most, files.checkpoint.context);
  model.gguf_names = *files.checkpoint.asked;
  model.tokenizer = files.text.tokenizer;
  if (static_cast<std::int64_t>(model.tokenizer->vocabulary_size()) > model.lm->shape().V) {
    fail(ErrorKind::bad_file, "{}: {} tokens in the vocabulary, {} in the embedding", path.string(),
         model.tokenizer->vocabulary_size(), model.lm->shape().V);
  }
  if (files.text.chat_template) {
    try {
      model.chat_template = std::make_shared<const text::ChatTemplate>(
          *files.text.chat_template, path.string() + ": chat template");
    } catch (const Error& error) {
      model.chat_template_error = error;
    }
  }
  model.end_tokens = end_tokens_of(*model.tokenizer);
  return model;
}

std::vector<std::int32_t> Model::chat_prompt(const std::vector<Message>& messages) const {
  Json conversation = Json::array();
  for (const Message& message : messages) {
    conversation.push_back({{"role", message.role}, {"content", message.content}});
  }
  return encode_chat(*this, render_chat(*this, conversation, true));
}

ModelCard describe_model(const std::filesystem::path& path, std::optional<std::int64_t> context) {
  ModelFiles files = open_model_files(path);
  files.checkpoint.context = context.value_or(0);
  const Model model = load_model(files);
  const std::int64_t tokens =
      context.value_or(std::min(kPlannedContext, model.lm->shape().context));
  const std::int64_t rows = std::min(kPlannedRows, tokens);
  return {.name = model.name,
          .architecture = model.architecture,
          .licence = model.licence,
          .bytes = model.bytes,
          .parameters = model.parameters,
          .context = static_cast<std::uint64_t>(model.lm->shape().context),
          .longest_context = static_cast<std::uint64_t>(model.lm->shape().longest),
          .memory_bytes = plan_memory(model, rows, tokens - rows, Compute::fast).total(),
          .planned_context = tokens,
          .types = model.types,
          .kinds = files.kinds(),
          .chat_template = files.text.chat_template};
}

MemoryPlan plan_memory(const Model& model, std::int64_t rows, std::int64_t cached,
                       Compute compute) {
  MemoryPlan memory;
  model.lm->each_parameter([&](const std::string&, Parameter& parameter) {
    const Tensor& value = parameter.value;
    if (value.shape().rank() == 2) {
      const kernel::PanelLayout layout{panel_kind(value.dtype(), compute), value.size(0),
                                       value.size(1)};
      memory.weights += static_cast<std::uint64_t>(layout.bytes());
    } else {
      memory.weights += static_cast<std::uint64_t>(value.bytes());
    }
  });
  const nn::KvShape cache = kv_shape(model.lm->shape(), compute);
  memory.cache = static_cast<std::uint64_t>(nn::kv_blocks(cached + rows) * cache.block_bytes());

  ThreadPool pool(1);
  Arena arena = Arena::planning();
  Plan plan;
  Context context{pool, arena, kernel::table()};
  context.compute = compute;
  context.plan = &plan;
  nn::KvPool cache_pool(cache, nn::kv_blocks(cached + rows));  // addresses only: nothing touches it
  nn::KvSequence sequence(cache_pool);
  sequence.extend(cached + rows);
  nn::Batch batch;
  batch.append(std::vector<std::int32_t>(static_cast<std::size_t>(rows)), cached, &sequence,
               nn::Batch::Logits::last);
  model.lm->forward(batch, context);
  memory.activations = arena.peak();
  memory.operations = plan.operations;
  return memory;
}

}  // namespace pomona::model
