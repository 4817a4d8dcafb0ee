// `pomona tune RUN.toml`: trains a model, or what is added to it, as a run file says.
#include "train/tune.h"

#include <memory>

#include "base/error.h"
#include "base/quote.h"
#include "base/text.h"
#include "cli/assignments.h"
#include "cli/command.h"
#include "cli/table.h"

namespace pomona::cli {
namespace {

struct Options {
  std::filesystem::path file;
  bool resume = false, dry_run = false;
  std::vector<std::string> set;
};

std::string shown(const Json& told, const char* key, int digits) {
  const Json value = told.value(key, Json());
  return value.is_number() ? fmt::format("{:.{}f}", value.get<double>(), digits) : "unknown";
}

std::string shown_bytes(const Json& told, const char* key) {
  const Json value = told.value(key, Json());
  return value.is_number() ? human_bytes(value.get<std::uint64_t>()) : "unknown";
}

std::string shown_seconds(const Json& told, const char* key) {
  const Json value = told.value(key, Json());
  return value.is_number() ? human_duration(value.get<double>()) : "unknown";
}

/// "trains 4 884 480 of 139 399 488 numbers (3.50 %)"
std::string shown_share(const Json& told) {
  const auto part = told.at("trainable_parameters").get<double>();
  const auto all = told.at("total_parameters").get<double>();
  return fmt::format("{:.0f} of {:.0f} parameters trained ({:.3g} %)", part, all, part / all * 100);
}

void print_plan(const Json& plan, Console& console) {
  Table table({"what", ">bytes"});
  for (const auto& [name, says] : {std::pair{"weights", "weights that stay"},
                                   {"parameters", "trained parameters"},
                                   {"gradients", "their gradients"},
                                   {"optimiser", "the optimiser's state"},
                                   {"activations", "activations of a pass, at most"},
                                   {"predicted_peak_bytes", "all together, with the program"}})
    table.add({says, shown_bytes(plan, name)});
  console.print(table.text());
  console.print(fmt::format("{} steps, {} tokens, about {}; {}\n", shown(plan, "steps", 0),
                            shown(plan, "tokens", 0), shown_seconds(plan, "predicted_seconds"),
                            shown_share(plan)));
}

void print_result(const Json& result, Console& console) {
  console.print(fmt::format("{}: {} steps, {} tokens in {}, {} tokens/s, peak memory {}\n",
                            printable(result.at("output").get<std::string>(), true),
                            shown(result, "steps", 0), shown(result, "tokens", 0),
                            shown_seconds(result, "seconds"), shown(result, "tokens_per_second", 0),
                            shown_bytes(result, "peak_bytes")));
  std::string losses = "training loss " + shown(result, "train_loss", 4);
  if (result.value("eval_loss", Json()).is_number())
    losses += fmt::format(", on the valid rows {}", shown(result, "eval_loss", 4));
  if (result.value("best_step", Json()).is_number())
    losses += fmt::format(" (best after step {})", shown(result, "best_step", 0));
  if (const Json forgetting = result.value("forgetting", Json()); forgetting.is_number())
    losses += fmt::format(", on general text {:+.4f}", forgetting.get<double>());
  console.print(losses + "\n" + shown_share(result) + "\n");
}

void tune(const Options& options, Console& console) {
  const train::RunFile run = train::read_run_file(options.file, assignments("tune", options.set));
  if (options.dry_run) {
    const Json plan = train::plan_tune(run, console.progress(), console.stop());
    return console.json ? console.print_json(plan) : print_plan(plan, console);
  }
  const Json result = train::tune(run, options.resume, console.progress(), console.stop());
  console.json ? console.print_json(result) : print_result(result, console);
}

Action prepare(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.positional("RUN.toml", options->file, "the run file");
  arguments.flag("--resume", options->resume,
                 "go on with what was interrupted, to the same bits; begin where there is nothing");
  arguments.flag("--dry-run", options->dry_run,
                 "only tell steps, memory and time; a step or two are computed and thrown away");
  arguments.option("--set", "KEY=VALUE", options->set,
                   "another value for a key of the file, e.g. method.rank=8");
  return [options](Console& console) { tune(*options, console); };
}

}  // namespace

extern const Command kTune = {
    .name = "tune",
    .group = Group::models,
    .summary = "train a model, or an adapter for it, as a run file says",
    .about =
        "Trains all of a model, its last layers, low-rank changes (LoRA) or a soft prompt, on rows "
        "of text, prompts with answers, or conversations; the base may be quantised. The folder "
        "[output] dir gets what was trained, metrics.jsonl, curves.html, and a state from which "
        "an interrupted run goes on with --resume as if it had never stopped. Ctrl-C writes that "
        "state first. docs/tune.md tells every key of the file.",
    .examples = {{"pomona tune run.toml --dry-run", "will it fit, and how long will it take?"},
                 {"pomona tune run.toml", "do it"},
                 {"pomona tune run.toml --resume", "go on after Ctrl-C or a power cut"},
                 {"pomona tune run.toml --set train.steps=20 --set output.dir=trial",
                  "a quick trial"}},
    .prepare = prepare,
};

}  // namespace pomona::cli
