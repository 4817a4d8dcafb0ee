#include "lifecycle/auto_decision.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "base/free_memory.h"
#include "base/text.h"
#include "base/thread_pool.h"
#include "hub/endpoint.h"
#include "kernel/roof.h"
#include "lifecycle/prompt_sizes.h"
#include "lifecycle/selection.h"

namespace pomona::lifecycle {
namespace {

constexpr const char* kNoAnswer = "not fetched, since the hub did not answer";
constexpr double kUsualSpeed = 20;  // tokens a second that are wanted where the file asks for none

Demands demands_of(const Run& run) {
  Demands demands;
  demands.use_case = run.app.use_case;
  demands.language = run.app.language;
  demands.licences = run.app.licences;
  demands.tokens = std::max(run.options.context, kUsualTokens);
  demands.usual_tokens = kUsualTokens;
  demands.most_memory = *memory_limit(run.app);
  const std::uint64_t free = free_memory_bytes();
  demands.free_memory = free > 0 ? free : demands.most_memory;
  demands.min_speed = run.app.min_speed.value_or(kUsualSpeed);
  demands.has_token = hub::hub_token().has_value();
  demands.offline = hub::is_offline();
  return demands;
}

/// From the best of the models that is here; if none is, half of what memory gives at most.
Pace measure_pace(Run& run, const std::vector<Considered>& models) {
  for (const Considered& model : models) {
    if (!model.fits() || !model.here) continue;
    run.selection = selection_of(run, *model.entry);
    if (!run.model_is_here()) continue;
    const double speed = measured_alone(run);
    return {speed * static_cast<double>(model.entry->size()),
            fmt::format("measured with {}", model.entry->name)};
  }
  ThreadPool pool(run.options.threads > 0 ? run.options.threads : available_threads());
  const std::vector<std::byte> memory(std::size_t{128} << 20, std::byte{1});
  const double roof = kernel::read_gb_per_second(simd::level_in_use(), pool, memory, 0.05);
  return {0.5 * roof * 1e9, fmt::format("half of the {:.0f} GB/s that memory gives", roof)};
}

bool only_from_hub(const hub::CatalogueEntry& entry) {
  return std::ranges::all_of(entry.sources, [](const hub::Source& source) {
    return std::holds_alternative<hub::HubSource>(source);
  });
}

/// Opens the candidate, which is fetched for that, and looks again; a hub that cannot be reached is
/// a reason to take another. `hub_is_down`: it did not answer before.
void try_candidate(Run& run, Considered& candidate, bool& hub_is_down) {
  if (!candidate.here && hub_is_down && only_from_hub(*candidate.entry)) {
    candidate.reason = kNoAnswer;
    candidate.unreachable = true;
    return;
  }
  try {
    candidate.reason = refusal(run);
  } catch (const Error& error) {
    const bool absent = !candidate.here && !run.model_is_here();
    if (!absent || (error.kind() != ErrorKind::network && error.kind() != ErrorKind::not_found))
      throw;
    const bool down = error.kind() == ErrorKind::network && !candidate.entry->gated;
    hub_is_down = hub_is_down || down;
    candidate.reason = down ? kNoAnswer : fmt::format("could not be fetched: {}", error.what());
    candidate.unreachable = true;
    run.progress.note(fmt::format("select: auto goes on without {}", candidate.entry->name));
  }
}

/// What speaks for the chosen model.
std::string why(const Run& run, const Decision& decision) {
  const Considered& choice = decision.choice();
  return fmt::format(
      "the best of {} in the catalogue that fits: made to {}, knows \"{}\", licence {}, needs "
      "about {} of memory, writes about {:.0f} tokens a second alone ({})",
      decision.models.size(), run.app.use_case, run.app.language, choice.entry->licence,
      human_bytes(choice.memory_bytes), choice.tokens_per_second, decision.pace.source);
}

}  // namespace

std::vector<Considered> considered(Run& run) {
  const auto is_here = [&](const auto& entry) { return run.models.path_of(entry).has_value(); };
  std::vector<Considered> models =
      consider(run.models.catalogue().entries(), demands_of(run), is_here);
  if (models.empty() || !models.front().fits())
    fail(ErrorKind::not_found,
         "select: no model of the catalogue fits [model]: {}; name one as base",
         models.empty() ? "the catalogue is empty" : reasons_of(models));
  return models;
}

Decision decide(Run& run, Absent absent) {
  Decision decision;
  decision.models = considered(run);
  const Demands demands = demands_of(run);
  decision.pace = measure_pace(run, decision.models);
  refuse_by_machine(decision.models, demands, decision.pace.bytes_per_second,
                    run.app.min_speed.has_value());
  bool hub_is_down = false;
  for (Considered& candidate : decision.models) {
    if (!candidate.fits()) continue;
    run.selection = selection_of(run, *candidate.entry);
    if (absent == Absent::fetch || run.model_is_here()) try_candidate(run, candidate, hub_is_down);
    if (!candidate.fits()) continue;
    std::ranges::stable_partition(decision.models, &Considered::fits);
    return decision;
  }
  fail(ErrorKind::exhausted, "select: no model fits: {}", reasons_of(decision.models));
}

std::vector<std::string> notes_of_choice(const Json& found) {
  if (!found.contains("considered")) return {};
  std::vector<std::string> notes = {fmt::format("model: auto takes {}, {}",
                                                found.at("chosen").get<std::string>(),
                                                found.at("why").get<std::string>())};
  if (const auto over = found.at("passed_over").get<std::string>(); !over.empty())
    notes.push_back(fmt::format("model: passed over: {}", over));
  for (const Json& model : found.at("considered")) {
    if (!model.contains("unreachable")) continue;
    notes.push_back(
        fmt::format("model: {0} would have been taken if it could have been fetched; once "
                    "`pomona pull {0}` has, the next run decides anew",
                    model.at("name").get<std::string>()));
    break;
  }
  return notes;
}

Json told(const Run& run, const Decision& decision) {
  Json list = Json::array();
  for (const Considered& model : decision.models) list.push_back(to_json(model, decision.choice()));
  return {{"chosen", decision.choice().entry->name},
          {"why", why(run, decision)},
          {"passed_over", passed_over(decision.models, decision.choice())},
          {"considered", std::move(list)}};
}

}  // namespace pomona::lifecycle
