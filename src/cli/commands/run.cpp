// `pomona run APP.toml`: the whole life of an application.
#include "lifecycle/run.h"

#include <memory>

#include "base/error.h"
#include "cli/assignments.h"
#include "cli/command.h"
#include "cli/session.h"

namespace pomona::cli {
namespace {

struct Options {
  std::filesystem::path file;
  bool plan = false, no_serve = false, require_gate = false;
  std::vector<std::string> set;
  SessionOptions engine;
};

lifecycle::RunOptions run_options(const Options& options) {
  lifecycle::RunOptions run;
  run.set = assignments("run", options.set);
  run.require_gate = options.require_gate;
  run.threads = options.engine.threads.value_or(0);
  run.compute = parse_compute(options.engine.compute);
  run.context = options.engine.context.value_or(0);
  return run;
}

void print_lines(const std::vector<std::string>& lines, Console& console) {
  for (const std::string& line : lines) console.print(fmt::format("{}\n", line));
}

void plan(const Options& options, Console& console) {
  const lifecycle::RunPlan plan = lifecycle::plan_application(options.file, run_options(options),
                                                              console.progress(), console.stop());
  if (console.json) return console.print_json(plan.to_json());
  print_lines(plan.lines(), console);
}

void run(const Options& options, Console& console) {
  if (options.plan) return plan(options, console);
  const lifecycle::RunOutcome outcome = lifecycle::run_application(
      options.file, run_options(options), console.progress(), console.stop(), console.program);
  if (!console.json) {
    print_lines(outcome.lines(), console);
    if (outcome.failure) throw *outcome.failure;
    return;
  }
  Json json = outcome.to_json();
  if (outcome.failure) json["error"] = console.error_json(*outcome.failure);
  console.print_json(json);
  if (outcome.failure) {
    console.error_is_told = true;
    throw *outcome.failure;
  }
}

Action prepare(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.positional("APP.toml", options->file, "the application file; `pomona init` writes one");
  arguments.flag("--plan", options->plan,
                 "only tell the stages, their time and memory; make and fetch nothing");
  arguments.flag("--no-serve", options->no_serve,
                 "end after the report; without effect in this version, which has no server yet");
  arguments.option(
      "--set", "KEY=VALUE", options->set,
      "another value for a key of the file, e.g. evaluate.limit=20; the report goes "
      "into a folder of its own, and the name of a whole run's result stays with that");
  arguments.flag("--require-gate", options->require_gate,
                 "end with code 7 when no method is significantly better than zero-shot");
  declare_engine(arguments, options->engine);
  declare_context(arguments, options->engine);
  return [options](Console& console) { run(*options, console); };
}

}  // namespace

extern const Command kRun = {
    .name = "run",
    .group = Group::life,
    .summary = "an application file, stage by stage, to a report",
    .about =
        "Selects the model ([model] base: a name of the catalogue, a repository of the hub, a "
        "file, "
        "or \"auto\", which takes the best of the catalogue that fits use case, language, licence, "
        "memory and speed, and says why) and fetches it where it is not here; tries the prompts, "
        "trains what [tune] methods asks for, measures all of it on your test rows and writes one "
        "HTML and one JSON report; [compress] types has the promoted model measured in smaller "
        "types "
        "as well. Every stage keeps what it made: running again does only "
        "what changed, and an interrupted run goes on where it stopped.",
    .examples = {{"pomona run app.toml --plan", "what would be done, how long it takes"},
                 {"pomona run app.toml", "do it"},
                 {"pomona run app.toml --set evaluate.limit=20", "a quick look at 20 rows"},
                 {"pomona run app.toml --no-serve --json --require-gate",
                  "in a pipeline: JSON, and an exit code that tells whether it is better"}},
    .prepare = prepare,
};

}  // namespace pomona::cli
