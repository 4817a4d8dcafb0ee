// `pomona quantize IN OUT --type T`: a GGUF file with fewer bits for each weight.
#include "compress/quantize.h"

#include <algorithm>
#include <memory>

#include "base/error.h"
#include "cli/command.h"
#include "cli/session.h"
#include "cli/written_model.h"

namespace pomona::cli {
namespace {

struct Options {
  std::string from;
  std::filesystem::path to, imatrix;
  std::string type, output, embedding;
  std::vector<std::string> patterns;
  bool pure = false, leave_output = false, allow_requantize = false;
  std::optional<int> threads;
};

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return text;
}

/// An element type by its name, which is also the name of a recipe.
DType dtype_named(const std::string& name) {
  for (const compress::Recipe& recipe : compress::recipes()) {
    if (info(recipe.type).name == upper(name)) return recipe.type;
  }
  fail(ErrorKind::bad_argument, "quantize: there is no element type \"{}\", e.g. Q6_K", name);
}

compress::Choices choices_of(const Options& options) {
  compress::Choices choices;
  choices.pure = options.pure;
  choices.leave_output = options.leave_output;
  if (!options.output.empty()) choices.output = dtype_named(options.output);
  if (!options.embedding.empty()) choices.embedding = dtype_named(options.embedding);
  for (const std::string& pattern : options.patterns) {
    const std::size_t equals = pattern.rfind('=');
    if (equals == std::string::npos || equals == 0)
      fail(ErrorKind::bad_argument, "quantize: --tensor-type takes PATTERN=TYPE, got \"{}\"",
           pattern);
    const std::string text = pattern.substr(0, equals);
    const DType type = dtype_named(pattern.substr(equals + 1));
    try {
      choices.patterns.push_back({text, std::regex(text), type});
    } catch (const std::regex_error& error) {
      fail(ErrorKind::bad_argument, "quantize: --tensor-type: \"{}\" is no regular expression: {}",
           text, error.what());
    }
  }
  return choices;
}

void quantize(const Options& options, Console& console) {
  const compress::Recipe& recipe = compress::recipe_named(upper(options.type));
  compress::QuantizeOptions how;
  how.choices = choices_of(options);
  how.allow_requantize = options.allow_requantize;
  std::optional<compress::ImportanceMatrix> importance;
  if (!options.imatrix.empty()) how.importance = &importance.emplace(options.imatrix);
  ThreadPool pool(options.threads.value_or(available_threads()));
  const compress::QuantizeResult result =
      compress::quantize(hub::path_without_adapter(resolve_model(options.from), "quantize"),
                         options.to, recipe, how, pool, console.progress(), console.stop());
  if (console.json) return console.print_json(result.to_json());
  console.print(
      written_model(options.to, result.bytes_in, result.bytes_out, result.seconds, result.types));
}

Action prepare(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.positional("IN", options->from, kModelHelp);
  arguments.positional("OUT", options->to, "the .gguf file to write");
  arguments
      .option("--type", "T", options->type, "a recipe (Q4_K_M ...) or one type for all (Q8_0 ...)")
      .needed();
  arguments.option("--imatrix", "F", options->imatrix,
                   "an importance matrix (.gguf or .dat), so that errors count by use");
  arguments.option("--tensor-type", "PATTERN=TYPE", options->patterns,
                   "another type for tensors whose name has this regular expression");
  arguments.option("--output-tensor-type", "T", options->output, "another type for the head");
  arguments.option("--token-embedding-type", "T", options->embedding,
                   "another type for the token embedding");
  arguments.flag("--pure", options->pure, "one type for all matrices, no mixing");
  arguments.flag("--leave-output", options->leave_output, "the head stays as it is");
  arguments.flag("--allow-requantize", options->allow_requantize,
                 "decode weights that have few bits already");
  arguments.option("--threads", "K", options->threads, "compute threads (all there are)")
      .at_least(1);
  return [options](Console& console) { quantize(*options, console); };
}

}  // namespace

extern const Command kQuantize = {
    .name = "quantize",
    .group = Group::models,
    .summary = "a model file with fewer bits for each weight",
    .about =
        "Chooses the type of each tensor as llama.cpp does for a recipe of the same name, and "
        "gives each the same bytes; all metadata is kept. Start from a file with F32, F16 or BF16 "
        "weights. An OUT that is there already is replaced when the new file is whole.",
    .examples = {{"pomona quantize model-f16.gguf model-q4.gguf --type Q4_K_M",
                  "about 4.8 bits for each weight"},
                 {"pomona quantize in.gguf out.gguf --type Q4_K_M --imatrix in.imatrix.gguf",
                  "errors weighed by what the model multiplies them with"},
                 {"pomona quantize in.gguf out.gguf --type Q4_0 --tensor-type attn_v=Q8_0",
                  "one kind of tensor apart"}},
    .prepare = prepare,
};

}  // namespace pomona::cli
