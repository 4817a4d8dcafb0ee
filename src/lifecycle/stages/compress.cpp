// compress: the promoted model in smaller types, each a GGUF file of its own, and what each costs
// and loses beside the model as it is: bytes, speed, perplexity of the references, and the task's
// own scores on the test rows. What is promoted stays as it is: the choice is the user's.
#include "compress/quantize.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "base/thread_pool.h"
#include "convert/convert.h"
#include "eval/comparison.h"
#include "eval/score_files.h"
#include "hub/model_path.h"
#include "lifecycle/prompt_sizes.h"
#include "lifecycle/stages/merge.h"
#include "lifecycle/stages/samples.h"
#include "simd/cpu.h"

namespace pomona::lifecycle {
namespace {

constexpr std::string_view kFile = "model.gguf";
constexpr std::string_view kAsItIs = "as it is", kMerged = "merged";

std::string upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

/// [compress]
void compress_read(const TomlTable& root, AppFile& app) {
  const TomlTable table = root.table("compress");
  app.compress_types = table.get<std::vector<std::string>>("types", {});
  std::vector<std::string> known;
  for (const compress::Recipe& recipe : compress::recipes()) known.emplace_back(recipe.name);
  for (const std::string& type : app.compress_types) {
    if (std::ranges::count(known, type) == 0) {
      const auto meant = nearest(upper(type), known);
      table.reject("types", "\"{}\" is no type{}; there are: {}", type,
                   meant ? fmt::format(", did you mean \"{}\"?", *meant) : "",
                   fmt::join(known, ", "));
    }
    if (std::ranges::count(app.compress_types, type) > 1)
      table.reject("types", "{} stands there twice", type);
  }
}

compress::QuantizeOptions quantize_options() {
  compress::QuantizeOptions options;
  options.allow_requantize = true;  // told, not refused: see remark_on
  return options;
}

/// What somebody who looks at the sizes alone would miss; "" if nothing.
std::string remark_on(const std::string& type, const compress::QuantizeForecast& forecast) {
  if (forecast.values == 0)
    return fmt::format("the model is {} already: the file holds the same weights", type);
  if (forecast.bytes_out >= forecast.bytes_in)
    return fmt::format("not smaller than the model, whose weights are {}: nothing gained but bytes",
                       forecast.main_type);
  if (forecast.decodes_blocks)
    return fmt::format(
        "made from weights that are {} already, which loses more than making it "
        "from the original would",
        forecast.main_type);
  return "";
}

/// A GGUF file of the model: itself, or made of its folder in `scratch`.
fs::path gguf_of(Run& run, const ModelFile& model, const fs::path& scratch) {
  if (!fs::is_directory(model.path)) return model.path;
  fs::path file = scratch / "source.gguf";
  std::error_code ignored;
  fs::remove(file, ignored);  // of an earlier attempt
  convert::convert(model.path, file, {}, run.progress, run.stop);
  return file;
}

Json quantise(Run& run, const ModelFile& model, const std::string& type, hub::Draft& draft) {
  const compress::Recipe& recipe = compress::recipe_named(type);
  const compress::QuantizeOptions options = quantize_options();
  const fs::path from = gguf_of(run, run.here(model), draft.folder());
  ThreadPool pool(run.options.threads > 0 ? run.options.threads : available_threads());
  const fs::path to = draft.folder() / kFile;
  std::error_code ignored;
  fs::remove(to, ignored);
  const compress::QuantizeResult made =
      compress::quantize(from, to, recipe, options, pool, run.progress, run.stop);
  Json meta = made.to_json();
  meta["remark"] = remark_on(type, compress::foresee_quantize(from, recipe, options));
  if (from != model.path) fs::remove(draft.folder() / "source.gguf", ignored);
  return meta;
}

/// Bytes of the file; where the model is not made yet, from the selected one, which has the same
/// tensors; where that is not here to be looked at, from the number of parameters.
std::uint64_t expected_bytes(Run& run, const ModelFile& source, const compress::Recipe& recipe) {
  const ModelFile& model = run.is_here(source) || source.entry != nullptr ? source : run.selection;
  if (run.is_here(model) && !fs::is_directory(model.path))
    return compress::foresee_quantize(model.path, recipe, quantize_options()).bytes_out;
  if (model.entry == nullptr) return model.bytes;
  return static_cast<std::uint64_t>(
      bytes_of(recipe.type,
               static_cast<std::int64_t>(model.entry->parameters) / kLargestBlock * kLargestBlock));
}

Job quantise_job(Run& run, const ModelFile& model, const std::string& type) {
  Job job{.id = "compress " + type, .name = type, .key = {}, .predict = {}, .make = {}};
  job.key = {"quantise", 1, {{"type", type}}, {{"model", model.hash}}};
  job.opens_model = true;
  job.predict = [&run, model, type] {
    constexpr double kBytesPerSecond = 20e6;  // of the new file, a slow type on two cores
    constexpr std::uint64_t kSlab = 80'000'000;
    const compress::Recipe& recipe = compress::recipe_named(type);
    Cost cost;
    cost.disk_bytes = expected_bytes(run, model, recipe);
    cost.seconds = 0.1 + static_cast<double>(cost.disk_bytes) / kBytesPerSecond;
    cost.peak_bytes = std::max(model.bytes, cost.disk_bytes) + kSlab;
    cost.what = fmt::format("a file of {}", human_bytes(cost.disk_bytes));
    if (run.is_here(model) && !fs::is_directory(model.path)) {
      const std::string remark =
          remark_on(type, compress::foresee_quantize(model.path, recipe, quantize_options()));
      if (!remark.empty()) cost.notes.push_back(fmt::format("{}: {}", type, remark));
    }
    return cost;
  };
  job.make = [&run, model, type](hub::Draft& draft) { return quantise(run, model, type, draft); };
  return job;
}

std::string measure_id(const std::string& name) { return "compress measure " + name; }

Json measure(Run& run, const Method& method) {
  eval::Answerer& model = run.answerer(method.model);
  std::vector<eval::Reference> references;
  for (const Row& row : run.rows(Split::test))
    references.push_back({model.prompt(method.recipe.messages(row.input)), row.output});
  const eval::Perplexity found = model.perplexity(references, run.progress, run.stop);
  const eval::Speed speed = model.measure(run.stop);
  return {{"tokens_per_second", speed.decode_tokens_per_second},
          {"prefill_tokens_per_second", speed.prefill_tokens_per_second},
          {"perplexity", found.perplexity},
          {"perplexity_error", found.standard_error},
          {"perplexity_tokens", found.tokens},
          {"machine", model.machine()}};
}

/// Speed, and perplexity of the test rows' references after the prompts that are promoted.
Job measure_job(Run& run, const Method& method, const std::string& name) {
  Job job{.id = measure_id(name), .name = name + " measured", .key = {}, .predict = {}, .make = {}};
  job.key = {"measure",
             1,
             {{"recipe", to_json(method.recipe)},
              {"input", run.app.input},
              {"output", run.app.output},
              {"limit", run.app.limit.value_or(0)},
              {"compute", name_of(run.options.compute)}},
             {{"model", method.model.identity()}, {"rows", run.hash_of(Split::test)}}};
  if (run.options.context > 0) job.key.parameters["context"] = run.options.context;
  job.opens_model = true;
  job.predict = [&run, method] {
    constexpr std::size_t kPlannedRows = 32;
    constexpr double kSpeedSeconds = 2, kCharactersPerToken = 4;
    const PromptSizes sizes = prompt_sizes(run, method, Split::test, kPlannedRows);
    double tokens = static_cast<double>(sizes.shared);
    for (const Row& row : run.rows(Split::test))
      tokens += sizes.mean - static_cast<double>(sizes.shared) +
                static_cast<double>(row.output.size()) / kCharactersPerToken;
    Cost cost;
    cost.seconds = kSpeedSeconds + tokens / run.speed().speed.prefill_tokens_per_second;
    cost.what = fmt::format("speed, and perplexity of {} references", sizes.rows);
    return cost;
  };
  job.make = [&run, method](hub::Draft&) { return measure(run, method); };
  return job;
}

/// The file of a type, known by its artefact's key before it is there. Virtual tokens stand in
/// front of it as they do of the model as it is.
Method compressed(Run& run, const Method& promoted, const std::string& type, const Job& made) {
  Method method = promoted;
  method.name = type;
  method.model = {};
  method.model.name = type;
  if (promoted.model.adapter && !promoted.model.adapter->changes_weights)
    method.model.adapter = promoted.model.adapter;
  method.model.artefact = method.model.hash = made.key.hex();
  method.model.path = run.store.home().artefact(method.model.hash) / kFile;
  method.model.alias_of = kFile;
  std::error_code none;
  const std::uintmax_t bytes = fs::file_size(method.model.path, none);
  if (!none) method.model.bytes = bytes;
  return method;
}

/// A row of the table but for its difference to the model as it is.
Json row_of(Run& run, const std::string& name, std::uint64_t bytes,
            const std::vector<eval::ScoredTexts>& scored) {
  Json row = run.artefact(measure_id(name)).meta;
  row.erase("machine");
  row["type"] = name;
  row["bytes"] = bytes;
  row["n"] = scored.front().n;
  row["gate"] = run.app.gate_metric;
  row["shown_times"] = metric::find_metric_of_score(run.app.gate_metric).shown_times;
  for (const eval::ScoredTexts& metric : scored) {
    for (const auto& entry : metric.scores)
      row["scores"][entry.score.name] = eval::to_json(entry.interval);
  }
  return row;
}

std::vector<eval::ScoredTexts> score_answers(Run& run, std::string_view method) {
  const std::vector<std::string> answers = answers_of(run, method, Split::test);
  std::vector<eval::ScoredTexts> scored;
  for (const std::string& name : run.app.metrics)
    scored.push_back(eval::score_texts(name, run.app.options_for(name), answers,
                                       references_of(run, Split::test)));
  return scored;
}

const metric::Score& gate_score(const Run& run, const std::vector<eval::ScoredTexts>& scored) {
  for (const eval::ScoredTexts& metric : scored) {
    for (const auto& entry : metric.scores) {
      if (entry.score.name == run.app.gate_metric) return entry.score;
    }
  }
  fail(ErrorKind::internal, "compress: no score {}", run.app.gate_metric);
}

Json compare(Run& run, const Method& promoted) {
  const std::vector<eval::ScoredTexts> base = score_answers(run, promoted.name);
  Json rows = Json::array();
  std::vector<double> p_values;
  for (const std::string& type : run.app.compress_types) {
    const std::vector<eval::ScoredTexts> scored = score_answers(run, type);
    const hub::Artefact& made = run.artefact("compress " + type);
    Json row = row_of(run, type, made.meta.at("bytes_out").get<std::uint64_t>(), scored);
    const eval::Comparison compared = eval::compare(gate_score(run, scored), gate_score(run, base));
    row["difference"] = eval::to_json(compared.difference);
    row["remark"] = made.meta.at("remark");
    row["artefact"] = made.key;
    p_values.push_back(compared.p_value);
    rows.push_back(std::move(row));
  }
  p_values = eval::holm(p_values);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i]["p_value"] = p_values[i];
  const std::uint64_t bytes = hub::model_bytes(run.here(promoted.model).path) +
                              (promoted.model.adapter ? promoted.model.adapter->bytes : 0);
  Json found = {{"uncompressed", row_of(run, std::string(kAsItIs), bytes, base)},
                {"compression", std::move(rows)}};
  if (is_merged(promoted.model))
    found["merged"] = run.artefact(measure_id(std::string(kMerged))).meta;
  return found;
}

Job compare_job(Run& run, const Method& promoted, const std::vector<Job>& before) {
  Job job{.id = "compress", .name = "scores", .key = {}, .predict = {}, .make = {}};
  Json metrics = Json::array();
  for (const std::string& name : run.app.metrics)
    metrics.push_back(metric::signature(name, run.app.options_for(name)));
  job.key = {"compress",
             1,
             {{"metrics", std::move(metrics)},
              {"gate", run.app.gate_metric},
              {"types", run.app.compress_types}},
             {{"promoted", answer_job(run, promoted, Split::test).key.hex()}}};
  for (const Job& job_before : before) job.key.inputs.emplace(job_before.id, job_before.key.hex());
  const bool settled = run.finished.contains("evaluate");
  job.predict = [promoted, settled] {
    Cost cost;
    cost.seconds = 1;
    cost.what = "sizes, speeds, scores side by side";
    if (!settled)
      cost.notes.push_back(
          fmt::format("compress is planned with the prompts of {}; the gate decides which it gets",
                      promoted.name));
    return cost;
  };
  job.make = [&run, promoted](hub::Draft&) { return compare(run, promoted); };
  return job;
}

std::vector<Job> compress_jobs(Run& run) {
  if (run.app.compress_types.empty()) return {};
  const Method promoted = run.promoted();
  std::vector<Job> jobs = {measure_job(run, promoted, std::string(kAsItIs))};
  Method source = promoted;  // what the types are made of
  if (is_merged(promoted.model)) {
    jobs.push_back(merge_job(run, promoted.model));
    source.model = merged_model(run, promoted.model, jobs.back());
    jobs.push_back(measure_job(run, source, std::string(kMerged)));
  }
  for (const std::string& type : run.app.compress_types) {
    Job made = quantise_job(run, source.model, type);
    const Method method = compressed(run, promoted, type, made);
    jobs.push_back(std::move(made));
    jobs.push_back(answer_job(run, method, Split::test));
    jobs.push_back(measure_job(run, method, type));
  }
  jobs.push_back(compare_job(run, promoted, jobs));
  return jobs;
}

void compress_settle(Run& run) {
  if (run.app.compress_types.empty()) return;
  const Json& found = run.artefact("compress").meta;
  run.compression = found.at("compression");
  run.uncompressed = found.at("uncompressed");
  if (found.contains("merged"))
    run.notes.push_back(fmt::format(
        "compress: the adapter of {} is merged into the weights before they are made smaller: "
        "perplexity {:.3f} beside the model, {:.3f} merged",
        run.promoted().name, run.uncompressed.at("perplexity").get<double>(),
        found.at("merged").at("perplexity").get<double>()));
  for (const Json& row : run.compression) {
    const auto remark = row.at("remark").get<std::string>();
    if (!remark.empty())
      run.notes.push_back(fmt::format("{}: {}", row.at("type").get<std::string>(), remark));
  }
}

}  // namespace

extern const Stage kCompress = {.name = "compress",
                                .tables = {"compress"},
                                .read = compress_read,
                                .jobs = compress_jobs,
                                .settle = compress_settle};

}  // namespace pomona::lifecycle
