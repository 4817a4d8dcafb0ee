// prompt: the model as it is, with no, one and several examples; and whether these prompts fit into
// its context.
#include <algorithm>

#include "base/error.h"
#include "base/toml_keys.h"
#include "lifecycle/prompt_sizes.h"
#include "lifecycle/stage.h"

namespace pomona::lifecycle {
namespace {

constexpr std::int64_t kMostShots = 64;

/// [prompt]
void prompt_read(const TomlTable& root, AppFile& app) {
  const TomlTable table = root.table("prompt");
  app.instruction = filled(table, "instruction");
  if (app.instruction.find("{input}") == std::string::npos)
    table.reject("instruction", "does not contain {{input}}, the place of the row's text");
  const auto shots = table.get<std::vector<std::int64_t>>("shots", {0});
  app.shots = {0};
  for (const std::int64_t count : shots) {
    ranged<std::int64_t>(table, "shots", count, 0, kMostShots);
    if (std::count(shots.begin(), shots.end(), count) > 1)
      table.reject("shots", "{} stands there twice", count);
    if (count != 0) app.shots.push_back(count);
  }
  if (std::count(shots.begin(), shots.end(), 0) == 0)
    app.notes.push_back(
        "zero-shot is evaluated too, though [prompt] shots does not name 0: methods are compared "
        "with it");
  app.seed = static_cast<std::uint64_t>(
      ranged<std::int64_t>(table, "seed", table.get<std::int64_t>("seed", 1), 0, INT64_MAX));
  const TomlTable data = root.table("data");
  if (app.shots.size() > 1 && app.train.empty())
    data.missing("train", "the examples in a prompt come from it");
  if (app.shots.size() > 1 && app.valid.empty())
    data.missing("valid", "with several methods it picks the best one");
}

PromptRecipe recipe_of(Run& run, std::int64_t shots) {
  PromptRecipe recipe{run.app.instruction, {}};
  if (shots == 0) return recipe;
  const std::vector<Row>& train = run.rows(Split::train);
  for (const std::size_t row :
       draw_examples(train.size(), static_cast<std::size_t>(shots), run.app.seed))
    recipe.examples.push_back(train[row]);
  return recipe;
}

std::vector<Method> prompt_methods(Run& run) {
  std::vector<Method> methods;
  for (const std::int64_t shots : run.app.shots)
    methods.push_back({method_name(shots), run.selection, recipe_of(run, shots)});
  return methods;
}

Json sizes_json(const PromptSizes& sizes) {
  return {{"mean_tokens", sizes.mean},
          {"longest_tokens", sizes.longest},
          {"shared_tokens", sizes.shared}};
}

/// Fails if the longest prompt of a split and its answer do not fit together.
void check_budget(Run& run, const Method& method, Split split, const PromptSizes& sizes) {
  const std::int64_t context = run.answerer().context();
  const std::int64_t most = sizes.longest + run.app.max_new_tokens;
  if (most <= context) return;
  fail(ErrorKind::bad_argument,
       "prompt: {}: row {} of {} makes a prompt of {} tokens; with max_new_tokens = {} that is {}, "
       "and {} has a context of {}: {}",
       method.name, sizes.longest_row, run.file_of(split).string(), sizes.longest,
       run.app.max_new_tokens, most, run.selection.name, context,
       !method.recipe.examples.empty() ? "use fewer shots or shorter texts"
                                       : "shorten the text or lower max_new_tokens");
}

Json build(Run& run, const std::vector<Method>& methods) {
  Json built = Json::array();
  for (const Method& method : methods) {
    Json entry = {{"name", method.name}, {"shots", method.recipe.examples.size()}};
    std::int64_t longest = 0;
    for (const Split split : run.splits()) {
      const PromptSizes sizes = prompt_sizes(run, method, split);
      check_budget(run, method, split, sizes);
      longest = std::max(longest, sizes.longest);
      entry[std::string(name_of(split))] = sizes_json(sizes);
    }
    entry["context_share"] = static_cast<double>(longest + run.app.max_new_tokens) /
                             static_cast<double>(run.answerer().context());
    entry["recipe"] = to_json(method.recipe);
    built.push_back(std::move(entry));
  }
  return {{"methods", std::move(built)},
          {"context", run.answerer().context()},
          {"max_new_tokens", run.app.max_new_tokens}};
}

std::vector<std::string> notes_of(const Json& built) {
  std::vector<std::string> notes;
  for (const Json& method : built.at("methods")) {
    const auto share = method.at("context_share").get<double>();
    if (share > 0.9)
      notes.push_back(
          fmt::format("{}: the longest prompt and its answer fill {:.0f} % of the "
                      "model's context",
                      method.at("name").get<std::string>(), share * 100));
  }
  return notes;
}

/// With the model here that is the whole work, and takes no time to speak of.
Cost predict(Run& run, const std::vector<Method>& methods) {
  Cost cost;
  cost.seconds = 0.5;
  std::vector<std::string> longest;
  if (run.model_is_here()) {
    const Json built = build(run, methods);
    for (const Json& method : built.at("methods"))
      longest.push_back(fmt::format("{} {}", method.at("name").get<std::string>(),
                                    method.at("test").at("longest_tokens").get<std::int64_t>()));
    cost.notes = notes_of(built);
  } else {
    for (const Method& method : methods)
      longest.push_back(
          fmt::format("{} {}", method.name, prompt_sizes(run, method, Split::test).longest));
  }
  cost.what = fmt::format("tokens of the longest prompt: {}", fmt::join(longest, ", "));
  return cost;
}

std::vector<Job> prompt_jobs(Run& run) {
  const std::vector<Method> methods = prompt_methods(run);
  run.methods.insert(run.methods.end(), methods.begin(), methods.end());
  Job job{.id = "prompt", .name = "", .key = {}, .predict = {}, .make = {}};
  Json recipes = Json::array();
  for (const Method& method : methods) recipes.push_back(to_json(method.recipe));
  job.key = {"prompt",
             2,
             {{"recipes", std::move(recipes)},
              {"input", run.app.input},
              {"limit", run.app.limit.value_or(0)},
              {"max_new_tokens", run.app.max_new_tokens}},
             {{"model", run.selection.hash}}};
  if (run.options.context > 0) job.key.parameters["context"] = run.options.context;
  for (const Split split : run.splits()) job.key.inputs.emplace(name_of(split), run.hash_of(split));
  job.opens_model = true;
  job.predict = [&run, methods] { return predict(run, methods); };
  job.make = [&run, methods](hub::Draft&) { return build(run, methods); };
  return {std::move(job)};
}

void prompt_settle(Run& run) {
  const std::vector<std::string> notes = notes_of(run.artefact("prompt").meta);
  run.notes.insert(run.notes.end(), notes.begin(), notes.end());
}

}  // namespace

extern const Stage kPrompt = {.name = "prompt",
                              .tables = {"prompt"},
                              .read = prompt_read,
                              .jobs = prompt_jobs,
                              .settle = prompt_settle};

}  // namespace pomona::lifecycle
