// What a record of a data file means: one text, a prompt with its answer, or a conversation.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "store/table.h"
#include "train/examples.h"

namespace pomona::train {

struct RowContent {
  enum class Kind { text, plain, chat };
  Kind kind = Kind::text;
  std::string text;                // text
  std::string prompt, completion;  // plain: they stand behind each other as they are
  Json messages, tools;            // chat, as text::ChatTemplate takes them
  /// chat: the first message that may be learnt from.
  std::size_t answers_from = 0;
};

/// The format that the keys of records tell: messages, conversations, prompt and completion,
/// instruction and output, or text, the first of which some of `records` have, under the names of
/// `options.columns`. Throws bad_file with the columns that there are.
RowFormat format_by_keys(const std::vector<store::Record>& records, const DataOptions& options,
                         std::string_view origin);

/// Makes contents of one format; `options.format` is not automatic. `chat` tells whether prompts
/// become messages. Throws bad_argument for options that do not fit the format.
class RowReader {
 public:
  RowReader(const DataOptions& options, bool chat);

  /// Throws bad_file naming the row: a column is missing, empty or no text, a role is unknown, no
  /// turn is the assistant's; unsupported for conversations without a chat template.
  RowContent content(const store::Record& record, std::string_view origin) const;

 private:
  DataOptions options_;
  bool chat_;
};

}  // namespace pomona::train
