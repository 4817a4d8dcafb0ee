#include "lifecycle/selection.h"

#include <fmt/ranges.h>

#include "base/error.h"
#include "base/text.h"
#include "hub/model_path.h"
#include "lifecycle/auto_choice.h"
#include "lifecycle/prompt_sizes.h"
#include "tensor/arena.h"

namespace pomona::lifecycle {
namespace {

constexpr double kBatchGain = 4;  // a batch writes about so many times faster than one sequence

/// A repository of the hub, here or not.
ModelFile selection_of(Run& run, const hub::RepositoryName& name) {
  ModelFile model;
  model.name = model.alias_of = model.pull = name.text();
  try {
    model.path = run.models.resolve(name.text()).path;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::not_found) throw;
    return model;
  }
  model.bytes = hub::model_bytes(model.path);
  model.hash = run.hash_of_model(model.path);
  return model;
}

}  // namespace

bool is_auto(const AppFile& app) { return app.base == "auto"; }

std::optional<std::uint64_t> memory_limit(const AppFile& app) {
  if (app.max_memory || !is_auto(app)) return app.max_memory;
  return physical_memory_bytes();
}

ModelFile selection_of(Run& run, const hub::CatalogueEntry& entry) {
  ModelFile model;
  model.name = model.alias_of = model.pull = entry.name;
  model.entry = &entry;
  model.hash = entry.sha256;
  model.bytes = entry.size();
  if (!entry.repository) model.path = run.models.place_of(entry);
  if (!run.models.has(entry)) return model;  // has fails if another file lies in its place
  model.path = *run.models.path_of(entry);
  model.bytes = hub::model_bytes(model.path);
  if (entry.repository) model.hash = run.hash_of_model(model.path);
  return model;
}

ModelFile named_model(Run& run) {
  const AppFile& app = run.app;
  if (!app.base_is_path) {
    if (const hub::CatalogueEntry* entry = run.models.catalogue().find(app.base)) {
      if (!licence_allowed(app.licences, entry->licence))
        fail(ErrorKind::bad_argument, "select: {} has licence {}, [model] licences allows {}",
             entry->name, entry->licence, fmt::join(app.licences, ", "));
      return selection_of(run, *entry);
    }
    if (const auto repository = hub::parse_repository_name(app.base))
      return selection_of(run, *repository);
  }
  const hub::ResolvedModel found = run.models.resolve(app.base);
  hub::path_without_adapter(found, "select");
  if (!found.base.empty()) {
    ModelFile selection = selection_of(run, *run.models.catalogue().find(found.base));
    selection.name = found.name;
    return selection;
  }
  ModelFile model;
  model.name = found.name;
  model.path = fs::absolute(found.path).lexically_normal();
  model.hash = run.hash_of_model(model.path);
  model.bytes = hub::model_bytes(model.path);
  model.alias_of = model.path.string();
  return model;
}

double measured_alone(Run& run) {
  return run.measured_speed().decode_tokens_per_second / kBatchGain;
}

std::string refusal(Run& run) {
  eval::Answerer& model = run.answerer();
  const std::string licence = model.about().at("licence").get<std::string>();
  if (run.selection.entry == nullptr && !licence_allowed(run.app.licences, licence))
    return fmt::format("has {}, [model] licences allows {}",
                       licence.empty() ? "no licence in its file" : "licence " + licence,
                       fmt::join(run.app.licences, ", "));
  const auto limit = memory_limit(run.app);
  if (const std::uint64_t memory = model.memory_bytes(kUsualTokens); limit && memory > *limit)
    return fmt::format("needs {} of memory, {} {}", human_bytes(memory),
                       run.app.max_memory ? "[model] max_memory allows" : "this computer has",
                       human_bytes(*limit));
  if (!run.app.min_speed) return "";
  const double speed = measured_alone(run);
  if (speed >= *run.app.min_speed) return "";
  return fmt::format("writes {:.0f} tokens a second here, [model] min_speed wants {:.0f}", speed,
                     *run.app.min_speed);
}

}  // namespace pomona::lifecycle
