// `pomona data inspect FILE`: what a model would learn from a file, row by row and in numbers.
#include <algorithm>
#include <map>
#include <memory>
#include <optional>

#include "base/error.h"
#include "base/quote.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/session.h"
#include "cli/table.h"
#include "text/tokenizer.h"
#include "train/examples.h"
#include "train/inspect.h"

namespace pomona::cli {
namespace {

struct Options {
  std::string action;
  std::filesystem::path file;
  std::string model = "smollm2-135m";
  std::int64_t rows = 3;
  std::optional<std::int64_t> max_length;
  std::string overlong = "auto", loss = "auto", format = "auto";
  std::vector<std::string> columns;
  std::string instruction;
  bool raw = false;
  std::optional<std::filesystem::path> compare;
};

train::DataOptions data_options(const Options& options) {
  train::DataOptions data;
  data.format = train::row_format_named(options.format);
  data.loss = train::loss_named(options.loss);
  data.overlong = train::overlong_named(options.overlong);
  data.max_length = options.max_length.value_or(0);
  data.instruction = options.instruction;
  data.chat_template = !options.raw;
  for (const std::string& column : options.columns) {
    const std::size_t equals = column.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == column.size())
      fail(ErrorKind::bad_argument,
           "data: --column takes OURS=NAME, such as completion=note, not {}", quote_name(column));
    data.columns[column.substr(0, equals)] = column.substr(equals + 1);
  }
  return data;
}

/// The text of an example, token by token: targets are green at a terminal, with a change of shade
/// at each token; elsewhere | parts tokens and the brackets hold targets.
std::string marked(const train::Example& example, const text::Tokenizer& tokenizer, bool colour) {
  std::string line;
  bool inside = false;
  for (std::size_t i = 0; i < example.tokens.size(); ++i) {
    const bool target = example.supervised[i] != 0;
    const std::string text = printable(tokenizer.token_bytes(example.tokens[i]));
    if (colour) {
      const bool odd = i % 2 != 0;
      line += target ? (odd ? "\x1b[92m" : "\x1b[32m") : (odd ? "\x1b[2m" : "");
      line += text;
      line += "\x1b[0m";
      continue;
    }
    if (inside && !target) line += "⟧";
    if (i > 0) line += "|";
    if (target && !inside) line += "⟦";
    line += text;
    inside = target;
  }
  return line + (inside ? "⟧" : "");
}

std::string counted(std::uint64_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

void tell(const Options& options, const train::Examples& examples, const text::Tokenizer& tokenizer,
          std::optional<std::uint64_t> overlap, Console& console) {
  const train::DataSummary& summary = examples.summary();
  const auto shown = std::min(static_cast<std::size_t>(options.rows), examples.size());
  for (std::size_t i = 0; i < shown; ++i) {
    const train::Example example = examples.example(i);
    console.print(fmt::format("row {}: {}, {}\n{}\n\n", example.row,
                              counted(example.tokens.size(), "token"),
                              counted(static_cast<std::uint64_t>(examples.supervised(i)), "target"),
                              marked(example, tokenizer, console.output_is_terminal())));
  }
  const train::LengthFacts lengths = train::length_facts(examples);
  Table table({"OF ALL ROWS", ">"});
  table.add({"format", std::string(name_of(summary.format))});
  table.add({"loss on", std::string(name_of(summary.loss))});
  table.add({"rows", std::to_string(summary.rows)});
  table.add({"examples", std::to_string(examples.size())});
  table.add({"tokens", std::to_string(summary.tokens)});
  table.add({"targets of the loss", std::to_string(summary.supervised_tokens)});
  table.add({"shortest", std::to_string(lengths.least)});
  table.add({"median", std::to_string(lengths.median)});
  table.add({"95 of 100 are at most", std::to_string(lengths.p95)});
  table.add({"longest", std::to_string(lengths.most)});
  table.add({fmt::format("rows cut ({} above {})", name_of(summary.overlong), summary.max_length),
             std::to_string(summary.cut_rows)});
  table.add({"tokens lost", std::to_string(summary.cut_tokens)});
  table.add({"duplicates", std::to_string(train::count_duplicates(examples))});
  if (overlap) table.add({"of the other file also here", std::to_string(*overlap)});
  console.print(table.text());
  if (summary.plain_markup_rows > 0)
    console.note(fmt::format(
        "{} of text with the name of a control token, such as <|im_end|>: it is learnt as plain "
        "text; rows of messages become real ones",
        counted(summary.plain_markup_rows, "row")));
}

Json described(const Options& options, const train::Examples& examples,
               std::optional<std::uint64_t> overlap) {
  const train::DataSummary& summary = examples.summary();
  const train::LengthFacts lengths = train::length_facts(examples);
  Json first = Json::array();
  for (std::size_t i = 0; i < examples.size() && i < static_cast<std::size_t>(options.rows); ++i) {
    const train::Example example = examples.example(i);
    first.push_back(
        {{"row", example.row}, {"tokens", example.tokens}, {"supervised", example.supervised}});
  }
  return {{"rows", summary.rows},
          {"format", name_of(summary.format)},
          {"loss", name_of(summary.loss)},
          {"overlong", name_of(summary.overlong)},
          {"max_length", summary.max_length},
          {"examples", examples.size()},
          {"tokens", summary.tokens},
          {"supervised_tokens", summary.supervised_tokens},
          {"lengths",
           {{"min", lengths.least},
            {"median", lengths.median},
            {"p95", lengths.p95},
            {"max", lengths.most}}},
          {"overlong_rows", summary.overlong_rows},
          {"cut_rows", summary.cut_rows},
          {"cut_tokens", summary.cut_tokens},
          {"duplicates", train::count_duplicates(examples)},
          {"overlap", overlap ? Json(*overlap) : Json(nullptr)},
          {"plain_markup_rows", summary.plain_markup_rows},
          {"first", std::move(first)}};
}

void inspect(const Options& options, Console& console) {
  const train::DataOptions how = data_options(options);
  const model::Model model = model::load_model(resolve_model(options.model).path);
  const train::Examples examples =
      train::read_examples({train::split_file(options.file, "train")}, how, model);
  std::optional<std::uint64_t> overlap;
  if (options.compare)
    overlap = train::count_overlap(
        examples, train::read_examples({train::split_file(*options.compare, "valid")}, how, model));
  if (console.json) return console.print_json(described(options, examples, overlap));
  tell(options, examples, *model.tokenizer, overlap, console);
}

Action prepare(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.positional("ACTION", options->action, "what to do with it").one_of({"inspect"});
  arguments.positional("FILE", options->file,
                       "CSV, JSON or JSON Lines, or a folder with train.jsonl, .json or .csv");
  arguments.option("--model", "MODEL", options->model, kModelHelp);
  arguments.option("--rows", "N", options->rows, "rows that are shown").at_least(0);
  arguments
      .option("--max-length", "N", options->max_length,
              "tokens of an example at most (without it the model's context)")
      .at_least(2);
  arguments
      .option("--overlong", "POLICY", options->overlong, "what becomes of rows that are longer")
      .one_of({"auto", "split", "truncate", "drop", "error"});
  arguments.option("--loss", "PART", options->loss, "what is learnt of a row")
      .one_of({"auto", "completion", "assistant", "last", "everything"});
  arguments.option("--format", "FORMAT", options->format, "what rows hold")
      .one_of({"auto", "text", "prompt-completion", "messages", "alpaca", "sharegpt"});
  arguments.option("--column", "OURS=NAME", options->columns,
                   "the file's name of a column, such as completion=note");
  arguments.option("--instruction", "TEXT", options->instruction,
                   "what the prompt says, with {prompt} or other {column}s of the file");
  arguments.flag("--raw", options->raw, "prompts stand as they are, without the chat template");
  arguments.option("--compare", "OTHER", options->compare,
                   "another split: how many of its rows stand in FILE as well");
  return [options](Console& console) { inspect(*options, console); };
}

}  // namespace

extern const Command kData = {
    .name = "data",
    .group = Group::life,
    .summary = "what a model would learn from a data file: tokens, targets, lengths, duplicates",
    .about =
        "Shows the first rows as the tokens that training sees, with the targets of the loss "
        "in green (elsewhere than at a terminal in brackets), and the numbers of the whole "
        "file. Faults are told with the row.",
    .examples = {{"pomona data inspect train.jsonl", "the rows as smollm2-135m would learn them"},
                 {"pomona data inspect notes.csv --column prompt=dialogue --column "
                  "completion=note --instruction 'Summarise: {prompt}'",
                  "columns of your own names"},
                 {"pomona data inspect train.jsonl --max-length 512 --overlong truncate --compare "
                  "valid.jsonl --json",
                  "what a limit cuts, and what two splits share"}},
    .prepare = prepare,
};

}  // namespace pomona::cli
