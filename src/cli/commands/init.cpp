// `pomona init DATA`: from a data file to an application file.
#include "lifecycle/init.h"

#include <memory>

#include "base/error.h"
#include "cli/command.h"

namespace pomona::cli {
namespace {

struct Options {
  std::filesystem::path data;
  lifecycle::InitOptions how;
};

void init(const Options& options, Console& console) {
  const lifecycle::InitOutcome outcome = lifecycle::init_application(options.data, options.how);
  if (console.json) return console.print_json(outcome.to_json());
  for (const std::string& line : outcome.lines(console.program)) {
    console.print(fmt::format("{}\n", line));
  }
}

Action prepare(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.positional("DATA", options->data, "examples: a CSV file with a header, or JSON Lines");
  arguments.option("--use-case", "U", options->how.use_case,
                   "what it is for, e.g. summarize; without it guessed from the data");
  arguments.option("--input", "COLUMN", options->how.input, "the column that the model is given");
  arguments.option("--output", "COLUMN", options->how.output, "the column that it is to answer");
  arguments.flag("--force", options->how.force, "replace an app.toml and split files");
  return [options](Console& console) { init(*options, console); };
}

}  // namespace

extern const Command kInit = {
    .name = "init",
    .group = Group::life,
    .summary = "from a data file to a commented application file that runs",
    .about =
        "Looks at the columns, guesses which is given and which is wanted, divides the rows "
        "into train, valid and test, and writes app.toml beside the data.",
    .examples = {{"pomona init tickets.csv", "look at the file, write app.toml"},
                 {"pomona init notes.jsonl --use-case summarize --input dialogue --output note",
                  "with nothing left to guess"}},
    .prepare = prepare,
};

}  // namespace pomona::cli
