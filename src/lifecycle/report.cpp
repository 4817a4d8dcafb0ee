#include "lifecycle/report.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "base/clock.h"
#include "base/file.h"
#include "lifecycle/outputs.h"
#include "lifecycle/stages/samples.h"

namespace pomona::lifecycle {
namespace {

Json methods_json(const Run& run, const Json& compared) {
  Json methods = Json::array();
  for (const Json& scores : compared.at("methods")) {
    const Method& method = run.method(scores.at("name").get<std::string>());
    const Json& test = run.artefact(samples_job(method.name, Split::test)).meta;
    Json told = scores;
    told.update({{"trainable_parameters", method.trainable_parameters},
                 {"bytes", method.model.bytes},
                 {"seconds", test.at("seconds")},
                 {"peak_bytes", test.at("peak_bytes")},
                 {"predicted_seconds", test.at("predicted_seconds")},
                 {"predicted_peak_bytes", test.at("predicted_peak_bytes")},
                 {"forgetting", method.forgetting},
                 {"training", method.training},
                 {"prompt_tokens", test.at("prompt_tokens")},
                 {"longest_prompt", test.at("longest_prompt")},
                 {"shared_tokens", test.at("shared_tokens")},
                 {"generated_tokens", test.at("generated_tokens")},
                 {"cut", test.at("cut")}});
    methods.push_back(std::move(told));
  }
  return methods;
}

/// What `select` found of the file, under the name that it has today.
Json model_json(const Run& run) {
  Json model = run.artefact("select").meta;
  model["name"] = run.selection.name;
  model["title"] = run.selection.title();
  return model;
}

struct Shown {
  std::size_t row;
  std::string reason;
};

/// Rows worth looking at: where the picked method gains and loses most against the first one (or,
/// with one method, its best and worst), and some from all over the file.
std::vector<Shown> rows_to_show(const std::vector<double>& change, bool compared) {
  constexpr std::size_t kOfEach = 4;
  std::vector<std::size_t> order(change.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return change[a] > change[b]; });
  std::vector<Shown> shown;
  std::set<std::size_t> taken;
  const auto take = [&](std::size_t row, const std::string& reason) {
    if (taken.insert(row).second) shown.push_back({row, reason});
  };
  const std::size_t each = std::min(kOfEach, order.size());
  for (std::size_t i = 0; i < each; ++i)
    take(i * change.size() / each, "picked evenly from the file");
  for (std::size_t i = 0; i < each; ++i)
    take(order[i], compared ? "among the largest gains" : "among the best");
  for (std::size_t i = 0; i < each; ++i)
    take(order[order.size() - 1 - i], compared ? "among the largest losses" : "among the worst");
  return shown;
}

/// The method that is looked at beside the baseline: the picked one, else the last.
std::string challenger(const Json& compared) {
  const Json& methods = compared.at("methods");
  const std::string picked = compared.at("picked").get<std::string>();
  return picked != methods.front().at("name").get<std::string>()
             ? picked
             : methods.back().at("name").get<std::string>();
}

Json samples_json(Run& run, const Json& compared) {
  const Json items = read_json(run.artefact("evaluate").folder / "items.json");
  const std::string first = compared.at("methods").front().at("name").get<std::string>();
  const std::string other = challenger(compared);
  auto change = items.at(other).get<std::vector<double>>();
  if (other != first) {
    const auto baseline = items.at(first).get<std::vector<double>>();
    for (std::size_t i = 0; i < change.size(); ++i) change[i] -= baseline.at(i);
  }
  std::map<std::string, std::vector<std::string>> answers;
  for (const Method& method : run.methods)
    answers[method.name] = answers_of(run, method.name, Split::test);
  Json samples = Json::array();
  for (const Shown& shown : rows_to_show(change, other != first)) {
    const Row& row = run.rows(Split::test).at(shown.row);
    Json sample = {{"row", row.number},
                   {"reason", other != first && shown.reason.starts_with("among the largest")
                                  ? shown.reason + " of " + other
                                  : shown.reason},
                   {"input", row.input},
                   {"reference", row.output},
                   {"answers", Json::array()}};
    for (const Method& method : run.methods)
      sample["answers"].push_back({{"method", method.name},
                                   {"text", answers.at(method.name).at(shown.row)},
                                   {"score", items.at(method.name).at(shown.row)}});
    samples.push_back(std::move(sample));
  }
  return samples;
}

Json repeat_json(Run& run) {
  std::string command = "pomona run " + shell_word(run.app.path.filename().string());
  for (const auto& [key, value] : run.options.set)
    command += " --set " + shell_word(key + "=" + value);
  if (run.options.compute != kDefaultCompute)
    command += fmt::format(" --compute {}", name_of(run.options.compute));
  if (run.options.context > 0) command += fmt::format(" --context {}", run.options.context);
  if (run.options.threads > 0) command += fmt::format(" --threads {}", run.options.threads);
  Json hashes = {{"model", run.selection.hash}};
  for (const Split split : {Split::train, Split::valid, Split::test}) {
    if (!run.file_of(split).empty())
      hashes[run.file_of(split).filename().string()] = run.hash_of(split);
  }
  return {{"command", command},
          {"version", POMONA_VERSION},
          {"created", utc_now()},
          {"seed", run.app.seed},
          {"decoding", "greedy"},
          {"machine",
           run.artefact(samples_job(run.methods.front().name, Split::test)).meta.at("machine")},
          {"sha256", std::move(hashes)}};
}

Json prompts_json(Run& run) {
  const Method& largest = *std::max_element(
      run.methods.begin(), run.methods.end(), [](const Method& a, const Method& b) {
        return a.recipe.examples.size() < b.recipe.examples.size();
      });
  Json prompts = to_json(largest.recipe);
  prompts["context"] = run.artefact("prompt").meta.at("context");
  prompts["max_new_tokens"] = run.app.max_new_tokens;
  prompts["layout"] =
      "each example is a turn of the user, worded as the instruction, and the answer of the "
      "assistant; the same examples stand before every row, and fewer shots take the first of them";
  return prompts;
}

}  // namespace

Json report_json(Run& run) {
  const Json& compared = run.artefact("evaluate").meta;
  Json report;
  report["app"] = run.app.name;
  report["model"] = model_json(run);
  report["methods"] = methods_json(run, compared);
  report["compression"] = run.compression;
  report["uncompressed"] = run.uncompressed;
  report["promoted"] = {
      {"method", compared.at("promoted")}, {"why", compared.at("why")}, {"alias", run.alias}};
  report["scope"] = run.artefact("scope").meta;
  report["gate"] = compared.at("gate");
  report["comparison"] = {{"picked", compared.at("picked")},
                          {"beats_baseline", compared.at("beats_baseline")},
                          {"shown_times", compared.at("shown_times")},
                          {"signatures", compared.at("signatures")}};
  report["prompts"] = prompts_json(run);
  report["samples"] = samples_json(run, compared);
  report["repeat"] = repeat_json(run);
  return report;
}

}  // namespace pomona::lifecycle
