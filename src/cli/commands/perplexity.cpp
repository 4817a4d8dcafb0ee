// `pomona perplexity MODEL FILE`: how well a model predicts a text.
#include "eval/perplexity.h"

#include <memory>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/session.h"
#include "text/tokenizer.h"

namespace pomona::cli {
namespace {

struct Options {
  SessionOptions session;
  std::filesystem::path file;
  eval::PerplexityOptions how;
};

void perplexity(const Options& options, Console& console) {
  const std::string text = read_file(options.file);
  if (const auto offset = find_invalid_utf8(text)) {
    fail(ErrorKind::bad_file, "{}: not valid UTF-8 at byte {}", options.file.string(), *offset);
  }
  Session session(options.session);
  session.context.stop = &console.stop();
  const std::vector<std::int32_t> tokens =
      session.model.tokenizer->encode(text, {.add_special = true});
  const eval::Perplexity result =
      eval::perplexity(session.model, session.context, tokens, options.how, console.progress());
  if (options.how.chunks > result.chunks) {
    console.note(
        fmt::format("The text has {} whole chunks, not {}.", result.chunks, options.how.chunks));
  }
  if (console.json) {
    Json json = eval::to_json(result);
    json["context"] = options.how.context;
    json.update(session.figures());
    return console.print_json(json);
  }
  console.print(
      fmt::format("perplexity {:.4f} ± {:.4f}  ({} tokens in {} chunks of {}, second "
                  "halves scored, {})\n",
                  result.perplexity, result.standard_error, result.tokens, result.chunks,
                  options.how.context, options.session.compute));
}

Action prepare(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.positional("MODEL", options->session.model, kModelHelp);
  arguments.positional("FILE", options->file, "a text in UTF-8");
  arguments.option("--context", "N", options->how.context, "tokens of a chunk").at_least(4);
  arguments.option("--chunks", "N", options->how.chunks, "the first N chunks; 0: the whole text")
      .at_least(0);
  arguments.flag("--per-token", options->how.per_token,
                 "with --json: the best two tokens, margin and log probability at every position");
  declare_engine(arguments, options->session);
  return [options](Console& console) { perplexity(*options, console); };
}

}  // namespace

extern const Command kPerplexity = {
    .name = "perplexity",
    .group = Group::judge,
    .summary = "how well a model predicts a text (lower is better)",
    .about =
        "Counts as llama-perplexity does: chunks of --context tokens, each read from its "
        "start, the second half of each scored. Figures of other conventions cannot be "
        "compared with these.",
    .examples = {{"pomona perplexity smollm2-135m wiki.txt", "8 chunks of 512 tokens"},
                 {"pomona perplexity a.gguf text.txt --chunks 0 --context 2048 --json",
                  "the whole text in long chunks, for programs"}},
    .prepare = prepare,
};

}  // namespace pomona::cli
