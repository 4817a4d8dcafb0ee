// `pomona imatrix MODEL FILE OUT`: which columns of a model's weights matter for a text.
#include <memory>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/session.h"
#include "compress/collect_importance.h"
#include "text/tokenizer.h"

namespace pomona::cli {
namespace {

struct Options {
  SessionOptions session;
  std::filesystem::path file, to;
  compress::CollectOptions how;
};

void imatrix(const Options& options, Console& console) {
  const std::string text = read_file(options.file);
  if (const auto offset = find_invalid_utf8(text))
    fail(ErrorKind::bad_file, "{}: not valid UTF-8 at byte {}", options.file.string(), *offset);
  Session session(options.session);
  session.context.stop = &console.stop();
  compress::CollectOptions how = options.how;
  how.text_name = options.file.filename().string();
  const compress::CollectResult result = compress::collect_importance(
      session.model, session.context, session.model.tokenizer->encode(text, {.add_special = true}),
      how, options.to, console.progress());
  if (console.json) return console.print_json(result.to_json());
  console.print(fmt::format("{}: {} matrices, {} tokens in {} chunk{} of {}, {}\n",
                            options.to.string(), result.entries, result.tokens, result.chunks,
                            result.chunks == 1 ? "" : "s", how.context,
                            human_duration(result.seconds)));
}

Action prepare(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.positional("MODEL", options->session.model, kModelHelp);
  arguments.positional("FILE", options->file, "a text in UTF-8, of the kind the model is for");
  arguments.positional("OUT", options->to, "the importance matrix to write, in GGUF");
  arguments.option("--context", "N", options->how.context, "tokens of a chunk").at_least(2);
  arguments.option("--chunks", "N", options->how.chunks, "the first N chunks; 0: the whole text")
      .at_least(0);
  declare_engine(arguments, options->session);
  return [options](Console& console) { imatrix(*options, console); };
}

}  // namespace

extern const Command kImatrix = {
    .name = "imatrix",
    .group = Group::models,
    .summary = "which columns of a model's weights matter, for quantize --imatrix",
    .about =
        "Reads a text and sums up the squares of what each weight is multiplied with. Start from "
        "the model that is to be quantised; 100 chunks are plenty. llama.cpp reads the file as "
        "well.",
    .examples = {{"pomona imatrix model-f16.gguf text.txt model.imatrix.gguf --chunks 100",
                  "50 000 tokens"},
                 {"pomona quantize model-f16.gguf model-q4.gguf --type Q4_K_M --imatrix "
                  "model.imatrix.gguf",
                  "what it is for"}},
    .prepare = prepare,
};

}  // namespace pomona::cli
