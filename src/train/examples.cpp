#include "train/examples.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <span>

#include "base/error.h"
#include "base/file.h"
#include "model/causal_lm.h"
#include "store/table.h"
#include "text/tokenizer.h"
#include "train/example_file.h"
#include "train/render.h"
#include "train/row_content.h"

namespace pomona::train {
namespace {

constexpr std::size_t kLookedAt = 16;  // rows that tell the format
constexpr std::size_t kNamedRows = 8;  // that an error lists

/// The options with everything automatic decided.
DataOptions decided(const std::vector<fs::path>& files, DataOptions options,
                    const model::Model& model) {
  if (options.format == RowFormat::automatic) {
    std::vector<store::Record> first;
    store::read_records(files.front(), [&](const store::Record& record) {
      first.push_back(record);
      return first.size() < kLookedAt;
    });
    const std::string origin = files.front().string();
    if (first.empty()) fail(ErrorKind::bad_file, "{}: no rows", origin);
    options.format = options.instruction.empty() ? format_by_keys(first, options, origin)
                                                 : RowFormat::prompt_completion;
  }
  const bool is_text = options.format == RowFormat::text;
  const bool is_talk =
      options.format == RowFormat::messages || options.format == RowFormat::sharegpt;
  if (options.loss == LossOn::automatic)
    options.loss = is_text ? LossOn::everything : is_talk ? LossOn::assistant : LossOn::completion;
  if (is_text && options.loss != LossOn::everything)
    fail(ErrorKind::bad_argument, "data: rows of text have no answers: loss is \"everything\"");
  if (options.overlong == Overlong::automatic)
    options.overlong = is_text ? Overlong::split : Overlong::error;
  if (options.overlong == Overlong::split && !is_text)
    fail(ErrorKind::bad_argument,
         "data: only text can be split; over-long rows of {}: truncate, drop or error",
         name_of(options.format));
  if (options.overlong == Overlong::truncate && options.loss == LossOn::everything)
    fail(ErrorKind::bad_argument,
         "data: truncate cuts prompts, but with loss \"everything\" all tokens are targets: split "
         "(text), drop or error");
  const std::int64_t context =
      model.lm ? model.lm->shape().context : std::numeric_limits<std::int32_t>::max();
  if (options.max_length == 0) options.max_length = context;
  if (options.max_length < 2 || options.max_length > context)
    fail(ErrorKind::bad_argument, "data: max_length {}: the model takes 2 to {} tokens",
         options.max_length, context);
  if (is_talk && !model.chat_template && !model.chat_template_error)
    fail(ErrorKind::unsupported,
         "data: {}: the model has no chat template, so rows of {} cannot be written as it reads "
         "them; prompt-completion and text can",
         model.path.string(), name_of(options.format));
  if (is_talk && !options.chat_template)
    fail(ErrorKind::bad_argument, "data: rows of {} need the chat template",
         name_of(options.format));
  return options;
}

/// Rows that no policy saves, for one error at the end.
class Refused {
 public:
  void add(const std::string& place, std::size_t length) {
    ++count_;
    longest_ = std::max(longest_, length);
    if (named_.size() < kNamedRows) named_.push_back(place);
  }

  void fail_if_any(const DataSummary& summary) const {
    if (count_ == 0) return;
    const bool truncated = summary.overlong == Overlong::truncate;
    fail(
        ErrorKind::bad_file,
        "data: {} of {} rows {} than {} tokens{}, the longest {}: {}{}; overlong = {}\"drop\" "
        "leaves them out, a larger max_length keeps them",
        count_, summary.rows, count_ == 1 ? "is longer" : "are longer", summary.max_length,
        truncated ? " without their prompt" : "", longest_, fmt::join(named_, ", "),
        count_ > named_.size() ? ", ..." : "",
        truncated || summary.loss == LossOn::everything ? "" : "\"truncate\" cuts their prompts, ");
  }

 private:
  std::uint64_t count_ = 0;
  std::size_t longest_ = 0;
  std::vector<std::string> named_;
};

/// Reads files into a writer, one policy for rows above the longest length.
class Reading {
 public:
  Reading(const DataOptions& options, const model::Model& model)
      : model_(model),
        reader_(options,
                options.chat_template && (model.chat_template || model.chat_template_error)),
        renderer_(model, options.loss) {
    summary_.format = options.format;
    summary_.loss = options.loss;
    summary_.overlong = options.overlong;
    summary_.max_length = options.max_length;
  }

  void read(const fs::path& file) {
    const std::string origin = file.string();
    const std::uint64_t before = summary_.rows;
    writer_.begin_file(origin);
    store::read_records(file, [&](const store::Record& record) {
      ++summary_.rows;
      const RowContent content = reader_.content(record, origin);
      const std::string place = store::place(origin, record);
      Rendered row = renderer_.render(content, place);
      if (content.kind == RowContent::Kind::text && writes_markup(content.text))
        ++summary_.plain_markup_rows;
      add(std::move(row), record.row, place);
      return true;
    });
    if (summary_.rows == before) fail(ErrorKind::bad_file, "{}: no rows", origin);
  }

  Examples finish() {
    refused_.fail_if_any(summary_);
    if (summary_.rows == summary_.cut_rows && summary_.overlong == Overlong::drop)
      fail(ErrorKind::bad_file, "data: all {} rows are longer than {} tokens and were dropped",
           summary_.rows, summary_.max_length);
    return writer_.finish(summary_);
  }

 private:
  bool writes_markup(const std::string& text) const {
    if (text.find_first_of("<[") == std::string::npos) return false;
    const text::Tokenizer& tokenizer = *model_.tokenizer;
    return tokenizer.encode(text) != tokenizer.encode(text, {.parse_special = true});
  }

  void add(Rendered row, std::uint64_t number, const std::string& place) {
    const auto longest = static_cast<std::size_t>(summary_.max_length);
    const std::size_t length = row.tokens.size();
    if (length <= longest) return writer_.add(row.tokens, row.supervised, number);
    ++summary_.overlong_rows;
    if (summary_.overlong == Overlong::error) return refused_.add(place, length);
    ++summary_.cut_rows;
    if (summary_.overlong == Overlong::drop) {
      summary_.cut_tokens += length;
    } else if (summary_.overlong == Overlong::split) {
      split(row, number);
    } else {
      truncate(std::move(row), number, place);
    }
  }

  /// Pieces share one token, so that each but the text's first is predicted once.
  void split(const Rendered& row, std::uint64_t number) {
    const auto longest = static_cast<std::size_t>(summary_.max_length);
    const std::span tokens(row.tokens);
    std::vector<std::uint8_t> supervised;
    for (std::size_t at = 0; at + 1 < tokens.size(); at += longest - 1) {
      const std::size_t count = std::min(longest, tokens.size() - at);
      supervised.assign(count, 1);
      supervised.front() = 0;
      writer_.add(tokens.subspan(at, count), supervised, number);
    }
  }

  /// Takes tokens out of the front of the prompt, behind BOS; at least one token is left before the
  /// first target.
  void truncate(Rendered row, std::uint64_t number, const std::string& place) {
    const auto bos = model_.tokenizer->special().bos;
    const std::size_t kept = bos && row.tokens.front() == *bos ? 1 : 0;
    const auto prompt = static_cast<std::size_t>(
        std::find(row.supervised.begin(), row.supervised.end(), std::uint8_t{1}) -
        row.supervised.begin());
    const std::size_t excess = row.tokens.size() - static_cast<std::size_t>(summary_.max_length);
    if (excess > prompt - std::max<std::size_t>(kept, 1))
      return refused_.add(place, row.tokens.size() - prompt + 1);
    const auto cut = [&](auto& values) {
      const auto from = values.begin() + static_cast<std::ptrdiff_t>(kept);
      values.erase(from, from + static_cast<std::ptrdiff_t>(excess));
    };
    cut(row.tokens);
    cut(row.supervised);
    summary_.cut_tokens += excess;
    writer_.add(row.tokens, row.supervised, number);
  }

  const model::Model& model_;
  RowReader reader_;
  Renderer renderer_;
  ExamplesWriter writer_;
  DataSummary summary_;
  Refused refused_;
};

}  // namespace

fs::path split_file(const fs::path& path, std::string_view split) {
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) return path;
  for (const std::string_view ending : {".jsonl", ".json", ".csv"}) {
    const fs::path file = path / std::string(split).append(ending);
    if (is_there(file)) return file;
  }
  fail(ErrorKind::not_found, "data {}: no {}.jsonl, .json or .csv in it", path.string(), split);
}

Examples read_examples(const std::vector<fs::path>& files, const DataOptions& options,
                       const model::Model& model) {
  if (files.empty()) fail(ErrorKind::bad_argument, "data: no file");
  Reading reading(decided(files, options, model), model);
  for (const fs::path& file : files) reading.read(file);
  return reading.finish();
}

}  // namespace pomona::train
