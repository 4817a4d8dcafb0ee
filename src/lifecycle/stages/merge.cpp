#include "lifecycle/stages/merge.h"

#include "base/text.h"
#include "base/thread_pool.h"
#include "convert/merge_files.h"
#include "model/adapter.h"
#include "simd/cpu.h"

namespace pomona::lifecycle {
namespace {

/// As the model is, a file or a folder.
std::string name_of_merged(const Run& run, const ModelFile& model) {
  return run.is_here(model) && fs::is_directory(model.path) ? "model" : "model.gguf";
}

Json merge(Run& run, const ModelFile& base, hub::Draft& draft) {
  const ModelFile model = run.here(base);
  run.close();
  const fs::path to = draft.folder() / name_of_merged(run, model);
  fs::remove_all(to);
  ThreadPool pool(run.options.threads > 0 ? run.options.threads : available_threads());
  const model::Model changed = model::load_adapted(model.path, 0, {{model.adapter->path}});
  convert::MergeOptions how;
  if (convert::changes_blocks(changed)) how.type = DType::bf16;
  Json meta = convert::merge_files(changed, to, how, pool, run.progress, run.stop).to_json();
  meta["file"] = to.filename().string();
  return meta;
}

}  // namespace

bool is_merged(const ModelFile& model) { return model.adapter && model.adapter->changes_weights; }

Job merge_job(Run& run, const ModelFile& model) {
  Job job{.id = "compress merge", .name = "merge", .key = {}, .predict = {}, .make = {}};
  job.key = {
      "merge", 1, Json::object(), {{"model", model.hash}, {"adapter", model.adapter->artefact}}};
  job.opens_model = true;
  job.predict = [&run, model] {
    constexpr double kBytesPerSecond = 50e6;
    const double parameters = run.selection.entry != nullptr
                                  ? static_cast<double>(run.selection.entry->parameters)
                                  : static_cast<double>(model.bytes);
    Cost cost;
    cost.disk_bytes = static_cast<std::uint64_t>(2 * parameters);
    cost.seconds = static_cast<double>(cost.disk_bytes) / kBytesPerSecond;
    cost.what = fmt::format("the adapter in the weights, up to {}", human_bytes(cost.disk_bytes));
    return cost;
  };
  job.make = [&run, model](hub::Draft& draft) { return merge(run, model, draft); };
  return job;
}

ModelFile merged_model(Run& run, const ModelFile& model, const Job& made) {
  ModelFile merged;
  merged.name = model.name;
  merged.artefact = merged.hash = made.key.hex();
  const fs::path folder = run.store.home().artefact(merged.hash);
  std::error_code ignored;
  merged.alias_of = fs::exists(folder / "model", ignored) ? "model" : name_of_merged(run, model);
  merged.path = folder / merged.alias_of;
  return merged;
}

}  // namespace pomona::lifecycle
