// What answers the prompts of an evaluation: a model on this computer behind a narrow interface, so
// that the stages above can be tested without one.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/progress.h"
#include "eval/perplexity.h"
#include "model/adapter.h"
#include "model/model.h"
#include "tensor/context.h"

namespace pomona::eval {

/// One prompt, answered greedily.
struct Question {
  std::vector<std::int32_t> prompt;
  std::int64_t max_new_tokens = 256;
};

struct Answer {
  std::string text;
  std::string stop_reason;  // "end", "length"
  std::int64_t prompt_tokens = 0;
  std::int64_t shared_tokens = 0;  // of the prompt, already in the cache
  std::int64_t generated_tokens = 0;
};

/// What is told while questions are answered.
struct AnswerEvents {
  std::function<void(std::size_t index, Answer answer)> done;  // as each answer ends
  std::function<void()> token = [] {};  // about once for each token of any answer
};

/// A prompt and the text that should follow it.
struct Reference {
  std::vector<std::int32_t> prompt;
  std::string answer;
};

/// Rates of a model on this computer.
struct Speed {
  double prefill_tokens_per_second = 0;
  double decode_tokens_per_second = 0;  // all sequences of a full batch together
};

class Answerer {
 public:
  virtual ~Answerer() = default;

  /// What the file says of itself: `architecture`, `parameters`, `licence` (may be empty).
  virtual Json about() const = 0;

  /// Tokens that a prompt and its answer may have together.
  virtual std::int64_t context() const = 0;

  /// The prompt of a conversation that the model is to continue.
  virtual std::vector<std::int32_t> prompt(const std::vector<model::Message>& messages) const = 0;

  /// Answers all questions, batched. Throws cancelled when a stop is asked for, bad_argument for a
  /// prompt that does not fit.
  virtual void answer(const std::vector<Question>& questions, const AnswerEvents& events,
                      const StopToken& stop) = 0;

  /// answer_perplexity of the references; the text's tokens alone count, not the marks that the
  /// chat template would set behind it.
  virtual Perplexity perplexity(const std::vector<Reference>& references, ProgressSink& progress,
                                const StopToken& stop) = 0;

  /// Memory that answering prompts of `tokens` tokens in full batches takes, in bytes, file
  /// included.
  virtual std::uint64_t memory_bytes(std::int64_t tokens) const = 0;

  /// A measurement of about a second.
  virtual Speed measure(const StopToken& stop) = 0;

  /// What the figures depend on beside the model: `isa`, `threads`, `compute`.
  virtual Json machine() const = 0;
};

struct AnswererOptions {
  int threads = 0;  // 0: all that this process may use
  Compute compute = Compute::fast;
  std::int64_t context = 0;  // see model::load_model
  std::vector<model::AdapterUse> adapters = {};
};

using AnswererFactory =
    std::function<std::unique_ptr<Answerer>(const std::filesystem::path&, const AnswererOptions&)>;

/// A model file of this computer. Errors as model::load_adapted.
std::unique_ptr<Answerer> open_answerer(const std::filesystem::path& model,
                                        const AnswererOptions& options);

}  // namespace pomona::eval
