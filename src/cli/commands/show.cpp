// `pomona show MODEL`: what a model is, what it needs, and where it lies.
#include <fmt/ranges.h>

#include <memory>

#include "base/text.h"
#include "cli/command.h"
#include "cli/session.h"
#include "cli/table.h"

namespace pomona::cli {
namespace {

struct Options {
  std::string model;
  std::optional<std::int64_t> context;
  bool tensors = false;
};

/// "30 Q4_1, 1 F32".
std::string types_text(const std::map<std::string, int>& types) {
  std::vector<std::string> parts;
  for (const auto& [type, count] : types) parts.push_back(fmt::format("{} {}", count, type));
  return fmt::format("{}", fmt::join(parts, ", "));
}

Json card_json(const hub::ResolvedModel& resolved, const model::ModelCard& card) {
  Json json = {{"name", resolved.name},
               {"title", card.name},
               {"architecture", card.architecture},
               {"parameters", card.parameters},
               {"bytes", card.bytes},
               {"licence", card.licence},
               {"context", card.context},
               {"longest_context", card.longest_context},
               {"memory_bytes", card.memory_bytes},
               {"memory_context", card.planned_context},
               {"types", card.types},
               {"tensors", Json::array()},
               {"chat_template", card.chat_template ? Json(*card.chat_template) : Json(nullptr)},
               {"path", std::filesystem::absolute(resolved.path).string()}};
  if (resolved.adapter) json["adapter"] = resolved.adapter->string();
  for (const model::TensorKind& kind : card.kinds)
    json["tensors"].push_back({{"name", kind.name},
                               {"types", kind.types},
                               {"parameters", kind.parameters},
                               {"bytes", kind.bytes}});
  return json;
}

void show(const Options& options, Console& console) {
  const hub::ResolvedModel resolved = resolve_model(options.model);
  const model::ModelCard card = model::describe_model(resolved.path, options.context);
  if (console.json) return console.print_json(card_json(resolved, card));
  Table table({"name", card.name});
  table.add({"architecture", card.architecture});
  table.add({"weights", human_count(static_cast<double>(card.parameters))});
  table.add({"tensors", types_text(card.types)});
  const std::string more = card.longest_context > card.context
                               ? fmt::format(", {} with --context", card.longest_context)
                               : "";
  table.add({"context", fmt::format("{} tokens{}", card.context, more)});
  table.add({"file", human_bytes(card.bytes)});
  table.add({"memory", fmt::format("{} for {} tokens of context", human_bytes(card.memory_bytes),
                                   card.planned_context)});
  table.add({"chat", card.chat_template
                         ? fmt::format("a template of {}", human_bytes(card.chat_template->size()))
                         : "no template: it continues text"});
  table.add({"licence", card.licence.empty() ? "the file names none" : card.licence});
  table.add({"path", std::filesystem::absolute(resolved.path).string()});
  if (resolved.adapter) table.add({"adapter", resolved.adapter->string()});
  if (!resolved.base.empty() && resolved.base != resolved.name) {
    table.add({"stands on", resolved.base});
  }
  console.print(table.text());
  if (!options.tensors) return;
  Table kinds({"TENSOR", "TYPES", ">WEIGHTS", ">SIZE"});
  for (const model::TensorKind& kind : card.kinds)
    kinds.add({kind.name, types_text(kind.types), human_count(static_cast<double>(kind.parameters)),
               human_bytes(kind.bytes)});
  console.print("\n");
  console.print(kinds.text());
}

Action prepare(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.positional("MODEL", options->model, kModelHelp);
  arguments.option("--context", "N", options->context, "the memory for N tokens").at_least(1);
  arguments.flag("--tensors", options->tensors, "the types of each kind of tensor as well");
  return [options](Console& console) { show(*options, console); };
}

}  // namespace

extern const Command kShow = {
    .name = "show",
    .group = Group::models,
    .summary = "what a model is, the memory it needs, where its file is",
    .about =
        "The memory is worked out without computing anything: weights as they are packed, "
        "cache and activations.",
    .examples = {{"pomona show smollm2-135m", "one of the catalogue"},
                 {"pomona show ./model.gguf --tensors --context 8192",
                  "a file's types in detail, and what a long text takes"}},
    .prepare = prepare,
};

}  // namespace pomona::cli
