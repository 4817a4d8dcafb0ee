// `pomona tokenize MODEL`: text to token ids, or back.
#include <algorithm>
#include <charconv>
#include <memory>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/session.h"
#include "model/model_files.h"
#include "text/tokenizer.h"

namespace pomona::cli {
namespace {

struct Options {
  std::string model;
  std::string file;
  bool add_special = false, parse_special = false, decode = false, lines = false;
};

/// Ids divided by anything of white space, commas and brackets: also a JSON list.
std::vector<text::TokenId> parse_ids(std::string_view text) {
  constexpr std::string_view kBetween = " \t\r\n,[]";
  std::vector<text::TokenId> ids;
  std::size_t begin = 0;
  while ((begin = text.find_first_not_of(kBetween, begin)) != std::string_view::npos) {
    const std::size_t end = std::min(text.find_first_of(kBetween, begin), text.size());
    text::TokenId id = 0;
    const auto [stop, error] = std::from_chars(text.data() + begin, text.data() + end, id);
    if (error != std::errc() || stop != text.data() + end) {
      fail(ErrorKind::bad_argument, "tokenize: \"{}\" at byte {} is no token id",
           text.substr(begin, end - begin), begin);
    }
    ids.push_back(id);
    begin = end;
  }
  return ids;
}

/// One text or one list of ids.
void convert(const Options& options, const text::Tokenizer& tokenizer, std::string_view input,
             Console& console) {
  if (options.decode) {
    const std::string text = tokenizer.decode(parse_ids(input), options.parse_special);
    if (console.json) return console.print_json(Json{{"text", text}});
    return console.print(text + "\n");
  }
  const std::vector<text::TokenId> ids = tokenizer.encode(
      input, {.add_special = options.add_special, .parse_special = options.parse_special});
  if (console.json) return console.print_json(Json{{"tokens", ids}});
  console.print(fmt::format("{}\n", fmt::join(ids, " ")));
}

void tokenize(const Options& options, Console& console) {
  const auto tokenizer = model::open_model_text(resolve_model(options.model).path).tokenizer;
  const bool from_input = options.file.empty() || options.file == "-";
  const std::string input = from_input ? console.read_input() : read_file(options.file);
  if (!options.lines) return convert(options, *tokenizer, input, console);
  std::vector<std::string_view> lines = split(input, '\n');
  if (lines.back().empty()) lines.pop_back();
  std::size_t number = 0;
  for (const std::string_view line : lines) {
    ++number;
    try {
      convert(options, *tokenizer, line, console);
    } catch (const Error& error) {
      fail(error.kind(), "line {}: {}", number, error.what());
    }
  }
}

Action prepare(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.positional("MODEL", options->model,
                       std::string(kModelHelp) + "; a vocabulary without a model is enough");
  arguments.option("--file", "F", options->file, "the text (without it: standard input, exactly)");
  arguments.flag("--add-special", options->add_special,
                 "put the model's BOS in front and EOS behind, where it wants them");
  arguments.flag("--parse-special", options->parse_special,
                 "read text like <|im_end|> as the special token, not as plain text; with --decode "
                 "write such tokens");
  arguments.flag("--decode", options->decode, "from token ids to text");
  arguments.flag("--lines", options->lines, "every line apart; with --json one object a line");
  return [options](Console& console) { tokenize(*options, console); };
}

}  // namespace

extern const Command kTokenize = {
    .name = "tokenize",
    .group = Group::use,
    .summary = "text to token ids, or back",
    .about = "",
    .examples = {{"printf 'Hello world' | pomona tokenize smollm2-135m", "ids, divided by spaces"},
                 {"echo '[19556, 905]' | pomona tokenize smollm2-135m --decode", "the text of ids"},
                 {"pomona tokenize smollm2-135m --file texts.txt --lines --json",
                  "one JSON object for each line of a file"}},
    .prepare = prepare,
};

}  // namespace pomona::cli
