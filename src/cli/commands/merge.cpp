// `pomona merge MODEL OUT --adapter A`: a model with what adapters have learnt in its weights.
#include <algorithm>
#include <cmath>
#include <memory>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/session.h"
#include "cli/written_model.h"
#include "convert/merge_files.h"
#include "eval/perplexity.h"
#include "store/element_type.h"
#include "text/tokenizer.h"

namespace pomona::cli {
namespace {

struct Options {
  SessionOptions session;
  std::filesystem::path to, text;
  std::string type;
  bool unmerge = false;
};

convert::MergeOptions merging(const Options& options) {
  convert::MergeOptions merging;
  merging.out = options.unmerge;
  if (options.type.empty()) return merging;
  std::string name = options.type;
  std::ranges::transform(name, name.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  const auto type = store::element_type(name);
  if (!type || !type->dtype || info(*type->dtype).pack == nullptr)
    fail(ErrorKind::bad_argument, "merge: there is no type \"{}\" to write, e.g. BF16 or Q8_0",
         options.type);
  merging.type = type->dtype;
  return merging;
}

/// Mean negative log probability of the text's tokens, in f32.
double loss_of(const model::Model& model, const Session& session, const std::string& text,
               Console& console) {
  const std::vector<std::int32_t> tokens = model.tokenizer->encode(text, {.add_special = true});
  eval::PerplexityOptions how;
  how.convention = eval::Convention::whole;
  how.context = std::min({how.context, model.lm->shape().context,
                          std::max<std::int64_t>(4, static_cast<std::int64_t>(tokens.size()))});
  return std::log(
      eval::perplexity(model, session.context, tokens, how, console.progress()).perplexity);
}

void merge(Options options, Console& console) {
  if (options.session.adapters.empty() && !resolve_model(options.session.model).adapter)
    fail(ErrorKind::bad_argument, "merge: name an adapter with --adapter");
  const convert::MergeOptions how = merging(options);
  const std::string text = options.text.empty() ? "" : read_file(options.text);
  if (const auto offset = find_invalid_utf8(text))
    fail(ErrorKind::bad_file, "{}: not valid UTF-8 at byte {}", options.text.string(), *offset);
  Session session(options.session);
  session.context.stop = &console.stop();
  if (convert::changes_blocks(session.model) && text.empty())
    fail(
        ErrorKind::bad_argument,
        "merge: {} is quantised: its weights are decoded, changed and encoded anew, so give --text "
        "FILE with a text like those it is for, to measure what that costs",
        options.session.model);
  std::optional<double> beside;
  if (!text.empty() && !options.unmerge) beside = loss_of(session.model, session, text, console);
  const convert::MergeResult result = convert::merge_files(
      session.model, options.to, how, session.context.pool, console.progress(), console.stop());
  std::optional<double> merged;
  if (!text.empty()) merged = loss_of(model::load_model(options.to), session, text, console);

  if (console.json) {
    Json json = result.to_json();
    if (beside) json["loss_beside"] = *beside;
    if (merged) json["loss"] = *merged;
    if (beside && merged) json["loss_change"] = *merged - *beside;
    return console.print_json(json);
  }
  console.print(
      written_model(options.to, result.bytes_in, result.bytes_out, result.seconds, result.types));
  if (beside && merged)
    console.print(
        fmt::format("loss on {}: {:.4f} with the adapter beside the model, {:.4f} merged "
                    "({:+.4f})\n",
                    options.text.string(), *beside, *merged, *merged - *beside));
}

Action prepare(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  options->session.compute = "f32";
  arguments.positional("MODEL", options->session.model, kModelHelp);
  arguments.positional("OUT", options->to, "the .gguf file or folder to write, as MODEL is one");
  declare_adapters(arguments, options->session);
  arguments.option(
      "--type", "T", options->type,
      "type of the changed weights (BF16, Q8_0 ...); without it, and where rows do not divide "
      "into its blocks, each keeps its own");
  arguments.option("--text", "F", options->text,
                   "a text to measure the loss on, with the adapter beside and merged");
  arguments.flag("--unmerge", options->unmerge, "take the adapter out of a model that has it");
  declare_engine(arguments, options->session);
  return [options](Console& console) { merge(*options, console); };
}

}  // namespace

extern const Command kMerge = {
    .name = "merge",
    .group = Group::models,
    .summary = "a model with what adapters have learnt in its weights",
    .about =
        "Adds LoRA adapters to the weights that they change; everything else of the files is kept. "
        "With plain weights (F32, BF16, F16) that is exact up to their rounding. Quantised weights "
        "are decoded, changed and encoded anew, which loses some of what was learnt: the adapter "
        "beside the model (`pomona generate --adapter`) answers better. --text measures by how "
        "much, and must be given then. Take a wider --type for a merged file that loses less.",
    .examples = {{"pomona merge smollm2-f16.gguf merged.gguf --adapter pirate", "one model file"},
                 {"pomona merge q4.gguf merged.gguf --adapter pirate --type Q8_0 --text notes.txt",
                  "from a quantised model, and what it costs"},
                 {"pomona merge merged.gguf base.gguf --adapter pirate --unmerge",
                  "out of it again"}},
    .prepare = prepare,
};

}  // namespace pomona::cli
