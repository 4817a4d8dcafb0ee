// Training rows as tokens and a mask of the tokens whose loss counts. Mask and tokens follow from
// the same template renderer and tokeniser as at serving; docs/data.md tells the rules.
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/model.h"
#include "text/tokenizer.h"

namespace pomona::train {

namespace fs = std::filesystem;

/// What a row holds; automatic: told by the keys of the first rows.
enum class RowFormat { automatic, text, prompt_completion, messages, alpaca, sharegpt };

/// Which tokens are targets. automatic: everything for text, assistant for messages and sharegpt,
/// completion for the others.
enum class LossOn { automatic, completion, assistant, last, everything };

/// What becomes of rows above the longest length. automatic: split for text, else error.
enum class Overlong { automatic, split, truncate, drop, error };

/// By the names of run files: "text", "prompt-completion", "messages", "alpaca", "sharegpt";
/// "completion", "assistant", "last", "everything"; "split", "truncate", "drop", "error"; each also
/// "auto". Throws bad_argument with the nearest name.
RowFormat row_format_named(std::string_view name);
LossOn loss_named(std::string_view name);
Overlong overlong_named(std::string_view name);
std::string_view name_of(RowFormat format);
std::string_view name_of(LossOn loss);
std::string_view name_of(Overlong policy);

struct DataOptions {
  RowFormat format = RowFormat::automatic;
  LossOn loss = LossOn::automatic;
  Overlong overlong = Overlong::automatic;
  /// Tokens of an example at most, 2 at least; 0: as many as the model's context holds.
  std::int64_t max_length = 0;
  /// Names of the file's columns by ours, e.g. {"prompt", "dialogue"}, {"completion", "note"}. Ours
  /// are text; prompt, completion; messages, tools; instruction, input, output, system, history;
  /// conversations.
  std::map<std::string, std::string> columns;
  /// What the prompt of a prompt-completion row says, with {prompt}, {input} (the same) or another
  /// {column} of the file, e.g. "Summarise:\n{input}"; empty: the prompt as it stands.
  std::string instruction;
  /// Whether prompts go through the model's chat template, if it has one.
  bool chat_template = true;
};

/// tokens (T) of one sequence; supervised (T) is 1 where this token is a target of the loss, which
/// the logits of the token before it predict, so the first token is never one.
struct Example {
  std::vector<text::TokenId> tokens;
  std::vector<std::uint8_t> supervised;
  std::uint64_t row = 0;  // in its file, from 1; several examples share it where rows are split
};

/// What reading did.
struct DataSummary {
  RowFormat format = RowFormat::automatic;
  LossOn loss = LossOn::automatic;
  Overlong overlong = Overlong::automatic;
  std::int64_t max_length = 0;
  std::uint64_t rows = 0;  // in the files
  std::uint64_t tokens = 0, supervised_tokens = 0;
  std::uint64_t overlong_rows = 0;  // above max_length before the policy
  std::uint64_t cut_rows = 0;       // truncated, dropped or split
  std::uint64_t cut_tokens = 0;     // lost by that; none by splitting
  std::uint64_t plain_markup_rows =
      0;  // text rows that write a control token's name, as plain text
};

/// Examples in the order of the files. Tokens and masks live in a temporary file without a name
/// (in $TMPDIR, else /var/tmp) that is mapped, so they may be larger than memory; 32 bytes of
/// memory for each example. May be read from several threads. Copies share the data.
class Examples {
 public:
  std::size_t size() const;
  std::int64_t length(std::size_t i) const;      // tokens
  std::int64_t supervised(std::size_t i) const;  // targets
  Example example(std::size_t i) const;
  /// "FILE: row N", for messages.
  std::string place(std::size_t i) const;
  const DataSummary& summary() const;

 private:
  friend class ExamplesWriter;
  struct Data;
  std::shared_ptr<const Data> data_;
};

/// Examples that are at hand, e.g. in tests. `origin` stands for the file.
Examples examples_of(const std::vector<Example>& examples, const std::string& origin = "examples");

/// The file itself, or of a folder its file of that split ("train", "valid", "test") with the
/// ending .jsonl, .json or .csv. Throws not_found.
fs::path split_file(const fs::path& path, std::string_view split);

/// Reads JSON Lines, JSON (an array of objects) or CSV files, told by their endings, as one set.
/// `model` needs a tokeniser; its chat template and context if it has them. Throws bad_file with
/// file and row: what store/table.h throws, keys that are missing or of another kind, no assistant
/// turn, no target, targets without an end-of-generation token, a doubled BOS, a template that
/// rewrites earlier turns; bad_file with the number of over-long rows; bad_argument for options
/// that do not fit together; exhausted, io for the temporary file.
Examples read_examples(const std::vector<fs::path>& files, const DataOptions& options,
                       const model::Model& model);

}  // namespace pomona::train
