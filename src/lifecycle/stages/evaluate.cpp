// evaluate: every method answers the rows of valid and test, greedily and in one compute mode; then
// the answers are scored and compared. Valid picks, test confirms.
#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "base/peak_memory.h"
#include "base/text.h"
#include "base/toml_keys.h"
#include "eval/comparison.h"
#include "lifecycle/prompt_sizes.h"
#include "lifecycle/stages/samples.h"

namespace pomona::lifecycle {
namespace {

constexpr std::int64_t kMostNewTokens = 1 << 20;
constexpr std::string_view kSamples = "samples.jsonl";
constexpr std::size_t kPlannedRows = 32;  // whose prompts a plan looks at

void read_evaluate(const TomlTable& root, AppFile& app) {
  const TomlTable table = root.table("evaluate");
  app.metrics = table.get<std::vector<std::string>>("metrics", {"rouge"});
  if (app.metrics.empty()) table.reject("metrics", "is empty; expected for example [\"rouge\"]");
  for (const std::string& name : app.metrics) {
    if (std::count(app.metrics.begin(), app.metrics.end(), name) > 1)
      table.reject("metrics", "{} stands there twice", name);
    try {
      metric::find_metric(name);
    } catch (const Error& error) {
      table.reject("metrics", "{}", error.what());
    }
  }
  if (const auto limit = table.find<std::int64_t>("limit"))
    app.limit =
        static_cast<std::size_t>(ranged<std::int64_t>(table, "limit", *limit, 1, INT64_MAX));
  app.max_new_tokens = ranged<std::int64_t>(
      table, "max_new_tokens", table.get<std::int64_t>("max_new_tokens", 128), 1, kMostNewTokens);
}

void read_gate(const TomlTable& root, AppFile& app) {
  const TomlTable table = root.table("gate");
  std::vector<std::string> scores;
  for (const std::string& name : app.metrics) {
    for (const std::string_view score : metric::find_metric(name).scores)
      scores.emplace_back(score);
  }
  const bool has_rouge = std::count(scores.begin(), scores.end(), "rougeL") > 0;
  app.gate_metric = table.get<std::string>("metric", has_rouge ? "rougeL" : scores.front());
  if (std::count(scores.begin(), scores.end(), app.gate_metric) == 0) {
    const auto meant = nearest(app.gate_metric, scores);
    table.reject("metric", "\"{}\" is no score of [evaluate] metrics{}; there are: {}",
                 app.gate_metric, meant ? fmt::format(", did you mean \"{}\"?", *meant) : "",
                 fmt::join(scores, ", "));
  }
  app.significance = table.get<double>("significance", 0.05);
  if (!(app.significance > 0 && app.significance < 1))
    table.reject("significance", "{} is not between 0 and 1", app.significance);
  app.max_forgetting = ranged(table, "max_forgetting",
                              table.get<double>("max_forgetting", app.max_forgetting), 0.0, 100.0);
}

/// [evaluate], [gate]
void evaluate_read(const TomlTable& root, AppFile& app) {
  read_evaluate(root, app);
  read_gate(root, app);
}

/// Of a model of the same kind as the selected one, from that one's and the sizes of both files.
std::uint64_t memory_of(Run& run, const ModelFile& model, std::int64_t tokens) {
  const std::uint64_t memory = run.answerer().memory_bytes(tokens);
  if (model.bytes == 0 || memory < run.selection.bytes) return memory;
  return memory - run.selection.bytes + model.bytes;
}

Cost predict_split(Run& run, const Method& method, Split split) {
  const PromptSizes sizes = prompt_sizes(run, method, split, kPlannedRows);
  const eval::Speed speed = run.speed().speed;
  const auto rows = static_cast<double>(sizes.rows);
  const auto shared = static_cast<double>(sizes.shared);
  Cost cost;
  cost.seconds =
      (shared + rows * (sizes.mean - shared)) / speed.prefill_tokens_per_second +
      rows * static_cast<double>(run.app.max_new_tokens) / speed.decode_tokens_per_second;
  cost.what = fmt::format("{} rows, {:.0f} prompt tokens each ({} shared), at most {} new",
                          sizes.rows, sizes.mean, sizes.shared, run.app.max_new_tokens);
  if (run.model_is_here())
    cost.peak_bytes = memory_of(run, method.model, sizes.longest + run.app.max_new_tokens);
  return cost;
}

Json answer_split(Run& run, const Method& method, Split split, hub::Draft& draft) {
  std::vector<eval::AnsweredRow> samples;
  for (const Json& record : draft.records(kSamples))
    samples.push_back(eval::answered_row_from_json(record));
  eval::Task task;
  task.what = fmt::format("evaluate {} on {}", method.name, name_of(split));
  task.max_new_tokens = run.app.max_new_tokens;
  for (const Row& row : run.rows(split)) task.prompts.push_back(method.recipe.messages(row.input));
  const Cost expected = predict_split(run, method, split);
  const PeakMemory peak;
  eval::answer_rows(
      run.answerer(method.model), task, samples,
      [&](const eval::AnsweredRow& sample) { draft.append(kSamples, eval::to_json(sample)); },
      run.progress, run.stop);
  const eval::Figures figures = eval::figures_of(samples);
  return {{"n", figures.n},
          {"seconds", figures.seconds},
          {"prompt_tokens", figures.prompt_tokens},
          {"longest_prompt", figures.longest_prompt},
          {"generated_tokens", figures.generated_tokens},
          {"shared_tokens", figures.shared_tokens},
          {"cut", figures.cut},
          {"peak_bytes", peak.bytes()},
          {"predicted_seconds", expected.seconds},
          {"predicted_peak_bytes", expected.peak_bytes},
          {"machine", run.answerer(method.model).machine()}};
}

Json scores_json(const eval::MethodScores& scores) {
  Json json = {{"name", scores.name}, {"n", scores.test.front().n}, {"scores", Json::object()}};
  for (const eval::ScoredTexts& metric : scores.test) {
    for (const auto& entry : metric.scores)
      json["scores"][entry.score.name] = eval::to_json(entry.interval);
  }
  json["valid"] = scores.valid ? eval::to_json(*scores.valid) : Json(nullptr);
  json["difference"] = scores.difference ? eval::to_json(*scores.difference) : Json(nullptr);
  json["p_value"] = scores.p_value ? Json(*scores.p_value) : Json(nullptr);
  return json;
}

/// Each method's score of every test row, for the samples of the report.
Json items_json(const eval::ComparisonResult& result, const std::string& gate) {
  Json items = Json::object();
  for (const eval::MethodScores& method : result.methods) {
    for (const eval::ScoredTexts& metric : method.test) {
      for (const auto& entry : metric.scores) {
        if (entry.score.name == gate) items[method.name] = entry.score.items;
      }
    }
  }
  return items;
}

Json compare(Run& run, hub::Draft& draft) {
  const bool with_valid = run.splits().size() > 1;
  std::vector<eval::MethodAnswers> methods;
  for (const Method& method : run.methods) {
    eval::MethodAnswers answers;
    answers.name = method.name;
    answers.forgetting = method.forgetting;
    answers.test = answers_of(run, method.name, Split::test);
    if (with_valid) answers.valid = answers_of(run, method.name, Split::valid);
    methods.push_back(std::move(answers));
  }
  std::vector<eval::MetricChoice> metrics;
  for (const std::string& name : run.app.metrics)
    metrics.push_back({name, run.app.options_for(name)});
  const eval::ComparisonResult result = eval::compare_methods(
      methods, with_valid ? references_of(run, Split::valid) : std::vector<std::string>(),
      references_of(run, Split::test), metrics,
      {run.app.gate_metric, run.app.significance, run.app.max_forgetting});
  Json json = {{"methods", Json::array()},
               {"gate",
                {{"metric", run.app.gate_metric},
                 {"significance", run.app.significance},
                 {"max_forgetting", run.app.max_forgetting}}},
               {"shown_times", result.shown_times},
               {"signatures", Json::array()},
               {"picked", result.picked},
               {"promoted", result.promoted},
               {"beats_baseline", result.beats_baseline},
               {"why", result.why}};
  for (const eval::MethodScores& method : result.methods)
    json["methods"].push_back(scores_json(method));
  for (const eval::ScoredTexts& metric : result.methods.front().test)
    json["signatures"].push_back(metric.signature);
  write_file(draft.folder() / "items.json", items_json(result, run.app.gate_metric).dump());
  return json;
}

Job compare_job(Run& run, const std::vector<Job>& answers) {
  Job job{.id = "evaluate", .name = "scores", .key = {}, .predict = {}, .make = {}};
  Json options = Json::array();
  for (const std::string& name : run.app.metrics)
    options.push_back(metric::signature(name, run.app.options_for(name)));
  job.key = {"evaluate",
             1,
             {{"metrics", std::move(options)},
              {"gate", run.app.gate_metric},
              {"significance", run.app.significance},
              {"output", run.app.output},
              {"limit", run.app.limit.value_or(0)}},
             {}};
  if (!run.app.tune.empty()) job.key.parameters["max_forgetting"] = run.app.max_forgetting;
  for (const Job& answer : answers) job.key.inputs.emplace(answer.name, answer.key.hex());
  for (const Split split : run.splits())
    job.key.inputs.emplace(fmt::format("{} references", name_of(split)), run.hash_of(split));
  job.predict = [&run] {
    return Cost{
        .seconds = 1,
        .peak_bytes = 0,
        .what = fmt::format("{}, intervals, paired tests", fmt::join(run.app.metrics, ", ")),
        .notes = {}};
  };
  job.make = [&run](hub::Draft& draft) { return compare(run, draft); };
  return job;
}

}  // namespace

std::string samples_job(std::string_view method, Split split) {
  return fmt::format("evaluate {} on {}", method, name_of(split));
}

Job answer_job(Run& run, const Method& method, Split split) {
  Job job{.id = samples_job(method.name, split),
          .name = fmt::format("{} on {}", method.name, name_of(split)),
          .key = {},
          .predict = {},
          .make = {}};
  job.key = {"answer",
             2,
             {{"recipe", to_json(method.recipe)},
              {"input", run.app.input},
              {"limit", run.app.limit.value_or(0)},
              {"max_new_tokens", run.app.max_new_tokens},
              {"compute", name_of(run.options.compute)}},
             {{"model", method.model.identity()}, {"rows", run.hash_of(split)}}};
  if (run.options.context > 0) job.key.parameters["context"] = run.options.context;
  job.opens_model = true;
  job.predict = [&run, method, split] { return predict_split(run, method, split); };
  job.make = [&run, method, split](hub::Draft& draft) {
    return answer_split(run, method, split, draft);
  };
  return job;
}

std::vector<std::string> references_of(Run& run, Split split) {
  std::vector<std::string> texts;
  for (const Row& row : run.rows(split)) texts.push_back(row.output);
  return texts;
}

std::vector<eval::AnsweredRow> samples_of(const Run& run, std::string_view method, Split split) {
  const fs::path path = run.artefact(samples_job(method, split)).folder / kSamples;
  const std::string text = read_file(path);
  std::vector<eval::AnsweredRow> samples;
  for (const std::string_view line : pomona::split(text, '\n')) {
    if (!line.empty())
      samples.push_back(eval::answered_row_from_json(parse_json(line, path.string())));
  }
  std::sort(samples.begin(), samples.end(),
            [](const eval::AnsweredRow& a, const eval::AnsweredRow& b) { return a.row < b.row; });
  return samples;
}

std::vector<std::string> answers_of(const Run& run, std::string_view method, Split split) {
  std::vector<std::string> answers;
  for (eval::AnsweredRow& sample : samples_of(run, method, split))
    answers.push_back(std::move(sample.answer.text));
  return answers;
}

namespace {

void evaluate_settle(Run& run) {
  std::vector<std::string> often;
  std::size_t rows = 0;
  for (const Method& method : run.methods) {
    const Json& test = run.artefact(samples_job(method.name, Split::test)).meta;
    const auto cut = test.at("cut").get<std::size_t>();
    rows = test.at("n").get<std::size_t>();
    if (cut * 2 > rows) often.push_back(fmt::format("{} {}", method.name, cut));
  }
  if (!often.empty())
    run.notes.push_back(
        fmt::format("of {} answers each, many ran into max_new_tokens = {} and were cut there: {}",
                    rows, run.app.max_new_tokens, fmt::join(often, ", ")));
}

std::vector<Job> evaluate_jobs(Run& run) {
  std::vector<Job> jobs;
  for (const Method& method : run.methods) {
    for (const Split split : run.splits()) jobs.push_back(answer_job(run, method, split));
  }
  jobs.push_back(compare_job(run, jobs));
  return jobs;
}

}  // namespace

extern const Stage kEvaluate = {.name = "evaluate",
                                .tables = {"evaluate", "gate"},
                                .read = evaluate_read,
                                .jobs = evaluate_jobs,
                                .settle = evaluate_settle};

}  // namespace pomona::lifecycle
