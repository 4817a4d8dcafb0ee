// `pomona perplexity MODEL FILE`: how well a model predicts a text.
#include "eval/perplexity.h"

#include <memory>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/session.h"
#include "cli/table.h"
#include "eval/divergence.h"
#include "text/tokenizer.h"

namespace pomona::cli {
namespace {

struct Options {
  SessionOptions session;
  std::filesystem::path file, save, base;
  std::string convention = "halves";
  eval::PerplexityOptions how;
};

std::vector<std::int32_t> tokens_of(const Options& options, const Session& session) {
  const std::string text = read_file(options.file);
  if (const auto offset = find_invalid_utf8(text))
    fail(ErrorKind::bad_file, "{}: not valid UTF-8 at byte {}", options.file.string(), *offset);
  return session.model.tokenizer->encode(text, {.add_special = true});
}

void print(const Options& options, Console& console, const Session& session, Json json,
           std::int64_t context, const std::string& text) {
  if (!console.json) return console.print(text);
  json["context"] = context;
  json["convention"] = options.convention;
  json.update(session.figures());
  console.print_json(json);
}

void compare(Options options, Console& console) {
  const eval::LogitsFile base(options.base);
  options.session.context = base.context();
  Session session(options.session);
  session.context.stop = &console.stop();
  const eval::Divergence found = eval::kl_divergence(session.model, session.context, base,
                                                     console.progress(), session.kv_kind);
  Table table({"AGAINST", options.base.filename().string(), ""});
  const auto add = [&](const char* name, const eval::Estimate& estimate, double times) {
    table.add({name, fmt::format("{:.5f}", times * estimate.mean),
               fmt::format("± {:.5f}", times * estimate.standard_error)});
  };
  add("perplexity", found.perplexity, 1);
  add("of the other", found.base_perplexity, 1);
  add("ln of the ratio", found.log_ratio, 1);
  add("mean divergence", found.kl, 1);
  for (const double share : {0.5, 0.9, 0.99, 0.999})
    table.add({share == 0.5 ? "median" : fmt::format("{:g} % below", 100 * share),
               fmt::format("{:.5f}", eval::percentile(found.kl_values, share)), ""});
  add("same best token, %", found.same_top, 100);
  add("probability, %", found.change, 100);
  print(options, console, session, eval::to_json(found), base.context(), table.text());
}

void measure(Options options, Console& console) {
  options.session.context = options.how.context;
  Session session(options.session);
  session.context.stop = &console.stop();
  options.how.convention =
      options.convention == "papers" ? eval::Convention::whole : eval::Convention::halves;
  options.how.kv_kind = session.kv_kind;
  std::optional<eval::LogitsFileWriter> save;
  if (!options.save.empty()) options.how.save = &save.emplace(options.save);
  const std::vector<std::int32_t> tokens = tokens_of(options, session);
  const eval::Perplexity result =
      eval::perplexity(session.model, session.context, tokens, options.how, console.progress());
  if (save) save->commit();
  if (options.how.chunks > result.chunks)
    console.note(fmt::format("The text has {} whole chunk{}, not {}.", result.chunks,
                             result.chunks == 1 ? "" : "s", options.how.chunks));
  print(options, console, session, eval::to_json(result), options.how.context,
        fmt::format("perplexity {:.4f} ± {:.4f}  ({} tokens in {} chunk{} of {}, {}, {})\n",
                    result.perplexity, result.standard_error, result.tokens, result.chunks,
                    result.chunks == 1 ? "" : "s", options.how.context,
                    options.convention == "papers" ? "papers' convention" : "second halves scored",
                    options.session.compute));
}

void perplexity(const Options& options, Console& console) {
  if (options.file.empty() == options.base.empty())
    fail(ErrorKind::bad_argument,
         "perplexity: needs FILE, or --kl-divergence with a file of log probabilities, which holds "
         "its own text; not both");
  if (!options.base.empty() && !options.save.empty())
    fail(ErrorKind::bad_argument, "perplexity: --save-logits needs FILE, not --kl-divergence");
  if (!options.base.empty() && (options.how.per_token || options.convention != "halves"))
    fail(ErrorKind::bad_argument,
         "perplexity: --kl-divergence compares second halves; --per-token and --convention are for "
         "FILE");
  if (options.base.empty()) {
    measure(options, console);
  } else {
    compare(options, console);
  }
}

Action prepare(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.positional("MODEL", options->session.model, kModelHelp);
  arguments.positional("FILE", options->file, "a text in UTF-8").optional();
  arguments.option("--context", "N", options->how.context, "tokens of a chunk").at_least(4);
  arguments.option("--chunks", "N", options->how.chunks, "the first N chunks; 0: the whole text")
      .at_least(0);
  arguments
      .option("--convention", "C", options->convention,
              "halves: llama-perplexity's, the second half of each chunk; papers: all of it")
      .one_of({"halves", "papers"});
  arguments.option("--save-logits", "F", options->save,
                   "writes what the model says of the text, to compare other models with it");
  arguments.option("--kl-divergence", "F", options->base,
                   "compares the model with such a file, on the file's text and chunks");
  arguments.flag("--per-token", options->how.per_token,
                 "with --json: the best two tokens, margin and log probability at every position");
  declare_adapters(arguments, options->session);
  declare_engine(arguments, options->session);
  declare_kv_type(arguments, options->session);
  return [options](Console& console) { perplexity(*options, console); };
}

}  // namespace

extern const Command kPerplexity = {
    .name = "perplexity",
    .group = Group::judge,
    .summary = "how well a model predicts a text (lower is better)",
    .about =
        "Counts as llama-perplexity does: chunks of --context tokens, each read from its "
        "start, the second half of each scored. Papers score whole chunks, of 2048 tokens: their "
        "figures cannot be compared with these. What quantising costs tells --kl-divergence; its "
        "files are llama-perplexity's, for n tokens of a vocabulary of V about n V bytes.",
    .examples = {{"pomona perplexity smollm2-135m wiki.txt", "8 chunks of 512 tokens"},
                 {"pomona perplexity a.gguf text.txt --chunks 0 --context 2048 --json",
                  "the whole text in long chunks, for programs"},
                 {"pomona perplexity m-f16.gguf wiki.txt --save-logits wiki.logits",
                  "what the original says, and"},
                 {"pomona perplexity m-q4.gguf --kl-divergence wiki.logits",
                  "how far the small one is from it"}},
    .prepare = prepare,
};

}  // namespace pomona::cli
