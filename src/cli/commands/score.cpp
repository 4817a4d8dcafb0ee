// `pomona score METRIC`: predictions against references, with intervals.
#include <memory>

#include "cli/command.h"
#include "cli/table.h"
#include "eval/score_files.h"

namespace pomona::cli {
namespace {

struct Options {
  std::string metric;
  std::filesystem::path predictions, references;
  metric::MetricOptions how;
  bool per_item = false;
};

void print_table(const eval::ScoredTexts& scored, bool per_item, Console& console) {
  const auto shown = [&](double value) {
    return fmt::format("{:.2f}", value * scored.shown_times);
  };
  Table table({"SCORE", ">MEAN", ">LOW", ">HIGH"});
  for (const auto& [score, interval] : scored.scores) {
    table.add({score.name, shown(interval.mean), shown(interval.low), shown(interval.high)});
  }
  console.print(table.text());
  if (per_item) {
    std::vector<std::string> headings = {">ROW"};
    for (const auto& entry : scored.scores)
      headings.push_back(fmt::format(">{}", entry.score.name));
    Table items(headings);
    for (std::size_t row = 0; row < scored.n; ++row) {
      std::vector<std::string> cells = {fmt::format("{}", row + 1)};
      for (const auto& entry : scored.scores) cells.push_back(shown(entry.score.items[row]));
      items.add(std::move(cells));
    }
    console.print(fmt::format("\n{}", items.text()));
  }
  console.print(fmt::format("\nn = {}, 95 % intervals, {}\n", scored.n, scored.signature));
}

void score(const Options& options, Console& console) {
  const eval::ScoredTexts scored =
      eval::score_files(options.metric, options.how, options.predictions, options.references);
  if (console.json) {
    console.print_json(eval::to_json(scored, options.per_item));
  } else {
    print_table(scored, options.per_item, console);
  }
}

Action prepare(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  std::string known;
  for (const metric::Metric* metric : metric::metrics()) {
    known += fmt::format("\n{:<12} {}", metric->name, metric->summary);
  }
  arguments.positional("METRIC", options->metric, fmt::format("one of{}", known));
  arguments
      .option("--predictions", "F", options->predictions,
              "what the model said: one text a line, or JSON Lines with \"text\"")
      .needed();
  arguments.option("--references", "F", options->references, "what it should have said, same rows")
      .needed();
  arguments.flag("--stemmer", options->how.stemmer, "compare stems of English words (ROUGE)");
  arguments.flag("--characters", options->how.characters,
                 "compare characters, for Chinese and other texts without spaces (ROUGE)");
  arguments.flag("--per-item", options->per_item, "also the scores of every row");
  return [options](Console& console) { score(*options, console); };
}

}  // namespace

extern const Command kScore = {
    .name = "score",
    .group = Group::judge,
    .summary = "texts against references: ROUGE and others, with intervals",
    .about =
        "Scores are shown times 100 as the field does, and as fractions with --json. Intervals "
        "come from 1000 bootstrap draws with a fixed seed. The signature names everything "
        "that changes the numbers: quote it with them.",
    .examples = {{"pomona score rouge --predictions out.txt --references gold.txt --stemmer",
                  "ROUGE-1, -2, -L and -Lsum as the reference tool computes them"},
                 {"pomona score exact_match --predictions out.jsonl --references gold.jsonl --json",
                  "for programs"}},
    .prepare = prepare,
};

}  // namespace pomona::cli
