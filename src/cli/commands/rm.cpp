// `pomona rm NAME`: removes a model or an alias.
#include <memory>

#include "base/text.h"
#include "cli/command.h"
#include "hub/model_store.h"

namespace pomona::cli {
namespace {

void remove(const std::string& name, Console& console) {
  hub::ModelStore store;
  const std::uint64_t freed = store.remove(name);
  if (console.json) {
    console.print_json(Json{{"freed_bytes", freed}});
  } else {
    console.print(fmt::format("{} is gone, {} freed\n", name, human_bytes(freed)));
  }
}

Action prepare(Arguments& arguments) {
  auto name = std::make_shared<std::string>();
  arguments.positional("NAME", *name, "a model or an alias that `pomona list` shows");
  return [name](Console& console) { remove(*name, console); };
}

}  // namespace

extern const Command kRm = {
    .name = "rm",
    .group = Group::models,
    .summary = "remove a model, or a promoted result",
    .about =
        "A model that a promoted result stands on stays until that result is removed. Files "
        "outside $POMONA_HOME are never touched, those in the hub's cache neither.",
    .examples = {{"pomona rm smollm2-135m", "the file and what an unfinished pull left of it"},
                 {"pomona rm HuggingFaceTB/SmolLM2-135M", "all that was pulled of a repository"}},
    .prepare = prepare,
};

}  // namespace pomona::cli
