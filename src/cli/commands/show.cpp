// `pomona show MODEL`: what a model is, what it needs, and where it lies.
#include <memory>

#include "base/text.h"
#include "cli/command.h"
#include "cli/session.h"
#include "cli/table.h"

namespace pomona::cli {
namespace {

void show(const std::string& name, Console& console) {
  const hub::ResolvedModel resolved = resolve_model(name);
  const model::ModelCard card = model::describe_model(resolved.path);
  if (console.json) {
    console.print_json(Json{{"name", resolved.name},
                            {"title", card.name},
                            {"architecture", card.architecture},
                            {"parameters", card.parameters},
                            {"bytes", card.bytes},
                            {"licence", card.licence},
                            {"context", card.context},
                            {"memory_bytes", card.memory_bytes},
                            {"types", card.types},
                            {"path", std::filesystem::absolute(resolved.path).string()}});
    return;
  }
  std::string types;
  for (const auto& [type, count] : card.types) {
    types += fmt::format("{}{} {}", types.empty() ? "" : ", ", count, type);
  }
  Table table({"name", card.name});
  table.add({"architecture", card.architecture});
  table.add({"weights", human_count(static_cast<double>(card.parameters))});
  table.add({"tensors", types});
  table.add({"context", fmt::format("{} tokens", card.context)});
  table.add({"file", human_bytes(card.bytes)});
  table.add({"memory", fmt::format("{} for {} tokens of context", human_bytes(card.memory_bytes),
                                   card.planned_context)});
  table.add({"licence", card.licence.empty() ? "the file names none" : card.licence});
  table.add({"path", std::filesystem::absolute(resolved.path).string()});
  if (!resolved.base.empty() && resolved.base != resolved.name) {
    table.add({"stands on", resolved.base});
  }
  console.print(table.text());
}

Action prepare(Arguments& arguments) {
  auto name = std::make_shared<std::string>();
  arguments.positional("MODEL", *name, kModelHelp);
  return [name](Console& console) { show(*name, console); };
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
                 {"pomona show ./model.gguf --json", "any GGUF file, for programs"}},
    .prepare = prepare,
};

}  // namespace pomona::cli
