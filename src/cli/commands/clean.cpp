// `pomona clean`: frees artefacts that no report refers to.
#include <memory>

#include "base/text.h"
#include "cli/command.h"
#include "hub/artefact_store.h"

namespace pomona::cli {
namespace {

struct Options {
  bool drafts = false;
};

void clean(const Options& options, Console& console) {
  hub::ArtefactStore store;
  const hub::Cleaned cleaned = options.drafts ? store.clean(0) : store.clean();
  if (console.json) {
    console.print_json(Json{{"freed_bytes", cleaned.freed_bytes},
                            {"artefacts", cleaned.artefacts},
                            {"drafts", cleaned.drafts}});
    return;
  }
  console.print(fmt::format("{} freed: {} results that no report refers to, {} unfinished ones\n",
                            human_bytes(cleaned.freed_bytes), cleaned.artefacts, cleaned.drafts));
}

Action prepare(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.flag("--drafts", options->drafts,
                 "also unfinished work of the last seven days, which `run` could go on with");
  return [options](Console& console) { clean(*options, console); };
}

}  // namespace

extern const Command kClean = {
    .name = "clean",
    .group = Group::models,
    .summary = "free what no report refers to any more",
    .about =
        "`pomona run` keeps what each stage made. This removes what neither a report that is "
        "still there nor a promoted result stands on. Models stay; `pomona rm` removes those.",
    .examples = {{"pomona clean", "after deleting reports that are not needed"},
                 {"pomona clean --drafts", "everything that is not finished, too"}},
    .prepare = prepare,
};

}  // namespace pomona::cli
