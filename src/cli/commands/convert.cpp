// `pomona convert IN OUT`: a GGUF file as a folder of the hub's kind, or the other way round; with
// --base an adapter of a model.
#include "convert/convert.h"

#include <memory>

#include "base/error.h"
#include "base/quote.h"
#include "cli/command.h"
#include "cli/session.h"
#include "cli/written_model.h"
#include "model/adapter_gguf.h"
#include "model/adapter_peft.h"

namespace pomona::cli {
namespace {

struct Options {
  std::string from;
  std::filesystem::path to;
  std::string type, base;
};

std::optional<DType> type_named(const std::string& name) {
  if (name.empty()) return std::nullopt;
  if (name == "f32") return DType::f32;
  return name == "f16" ? DType::f16 : DType::bf16;
}

void print_names(Console& console, std::string_view title, const std::vector<std::string>& names) {
  if (names.empty()) return;
  console.print(fmt::format("{}:\n", title));
  for (const std::string& name : names) console.print(fmt::format("  {}\n", name));
}

/// A LoRA for the other kind of file.
void convert_adapter(const Options& options, Console& console) {
  if (!options.type.empty())
    fail(ErrorKind::bad_argument,
         "convert: an adapter's tensors stay as they are: --type is not "
         "for them");
  const model::Adapter adapter = model::read_adapter(options.from);
  const model::Model base = model::load_model(resolve_model(options.base).path);
  const bool to_gguf = options.to.extension() == ".gguf";
  const model::Adapter made =
      model::in_names(adapter, base, to_gguf ? model::Names::gguf : model::Names::hub);
  if (to_gguf) {
    model::write_gguf_adapter(options.to, made);
  } else {
    model::write_peft(options.to, made);
  }
  if (console.json)
    return console.print_json(Json{{"kind", name_of(made.kind)},
                                   {"base", made.base},
                                   {"rank", made.rank},
                                   {"changed", made.changes.size()},
                                   {"parameters", made.parameters()}});
  console.print(fmt::format("{}: changes of {} weights, rank {}, {} parameters\n",
                            options.to.string(), made.changes.size(), made.rank,
                            made.parameters()));
}

void convert(const Options& options, Console& console) {
  if (!options.base.empty()) return convert_adapter(options, console);
  const convert::ConvertResult result = convert::convert(
      hub::path_without_adapter(resolve_model(options.from), "convert"), options.to,
      {.type = type_named(options.type)}, console.progress(), console.stop());
  if (console.json) return console.print_json(result.to_json());
  console.print(
      written_model(options.to, result.bytes_in, result.bytes_out, result.seconds, result.types));
  console.print(
      fmt::format("{} tensors mapped, {} unused, none missing; {} of {} sample texts "
                  "become the same tokens\n",
                  result.mapped.size(), result.unused.size(),
                  result.tokens.texts - result.tokens.different, result.tokens.texts));
  print_names(console, "unused", result.unused);
  print_names(console, "note", result.notes);
  std::vector<std::string> special;
  for (const std::string& token : result.tokens.special) special.push_back(printable(token, true));
  print_names(console, "special tokens that treat spaces or words beside them differently now",
              special);
}

Action prepare(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.positional("IN", options->from, kModelHelp);
  arguments.positional("OUT", options->to, "a .gguf file, or else a folder to write");
  arguments
      .option("--type", "T", options->type, "of all matrices (as they are; f32 for fewer bits)")
      .one_of({"f32", "bf16", "f16"});
  arguments.option("--base", "MODEL", options->base,
                   "IN is a LoRA adapter of this model: a folder of PEFT's, or a GGUF file");
  return [options](Console& console) { convert(*options, console); };
}

}  // namespace

extern const Command kConvert = {
    .name = "convert",
    .group = Group::models,
    .summary = "a GGUF file as a folder of the hub's kind, or back",
    .about =
        "Writes the same model for other programs: config.json, the tokeniser's files and "
        "model.safetensors, which transformers reads, or a GGUF file, which llama.cpp reads. A "
        "tensor that is missing or has no place in the model is an error. Weights of few bits "
        "become the f32 values that they stand for, so that the answers stay the same. Sample "
        "texts show whether both tokenisers agree; what other programs are known to do in another "
        "way is noted. A .gguf file that is there already is replaced when the new one is whole.",
    .examples = {{"pomona convert smollm2-135m smollm2-folder", "for transformers"},
                 {"pomona convert my-model my-model.gguf --type bf16", "for llama.cpp"},
                 {"pomona convert pirate pirate.gguf --base smollm2-135m",
                  "a LoRA that PEFT trained, for llama.cpp"}},
    .prepare = prepare,
};

}  // namespace pomona::cli
