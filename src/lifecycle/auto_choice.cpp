#include "lifecycle/auto_choice.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "base/error.h"
#include "base/text.h"
#include "decode/scheduler.h"
#include "text/unicode.h"

namespace pomona::lifecycle {
namespace {

/// Steps of about 1.4 (half a doubling) in the number of weights.
long size_class(const hub::CatalogueEntry& entry) {
  return std::lround(2 * std::log2(static_cast<double>(entry.parameters)));
}

/// Greater is better; see consider().
auto rank_of(const Considered& model) {
  const hub::CatalogueEntry& entry = *model.entry;
  return std::tuple(size_class(entry), model.here, std::string_view(entry.released));
}

bool is_better(const Considered& a, const Considered& b) {
  if (a.fits() != b.fits()) return a.fits();
  if (rank_of(a) != rank_of(b)) return rank_of(a) > rank_of(b);
  if (a.entry->size() != b.entry->size()) return a.entry->size() < b.entry->size();
  return a.entry->name < b.entry->name;
}

/// Why a model is none for the application, whatever the computer and the licence; "" if it is one.
std::string mismatch(const hub::CatalogueEntry& entry, const Demands& demands) {
  if (!entry.suits(demands.use_case)) return fmt::format("not made to {}", demands.use_case);
  if (!entry.instruct) return "not tuned to follow instructions";
  if (!entry.knows(demands.language))
    return fmt::format("does not know language \"{}\"", demands.language);
  if (entry.context < demands.tokens) return fmt::format("takes {} tokens at most", entry.context);
  return "";
}

/// "" if licence, gate and the memory allowed let a model be taken.
std::string refusal(const Considered& model, const Demands& demands) {
  const hub::CatalogueEntry& entry = *model.entry;
  if (!licence_allowed(demands.licences, entry.licence))
    return fmt::format("licence {}", entry.licence);
  if (!entry.commercial && demands.licences.empty())
    return fmt::format("licence {}, not for use for money unless [model] licences names it",
                       entry.licence);
  if (entry.thinks) return "writes its thoughts down before each answer";
  if (entry.gated && !model.here && !demands.has_token) return "gated, and HF_TOKEN is not set";
  if (demands.offline && !model.here) return "not on this computer, and HF_HUB_OFFLINE is set";
  if (model.memory_bytes > demands.most_memory)
    return fmt::format("more memory than {}", human_bytes(demands.most_memory));
  return "";
}

}  // namespace

bool licence_allowed(const std::vector<std::string>& allowed, std::string_view licence) {
  // SPDX: identifiers are the same in capitals and small letters.
  return allowed.empty() ||
         std::any_of(allowed.begin(), allowed.end(), [&](const std::string& one) {
           return text::lower(one) == text::lower(licence);
         });
}

std::uint64_t planned_memory(const hub::CatalogueEntry& entry, std::int64_t tokens) {
  constexpr std::uint64_t kRoom = 300'000'000, kBytesOfValue = 2;
  constexpr auto kSequences = static_cast<std::uint64_t>(decode::SchedulerOptions{}.max_sequences);
  return 2 * entry.size() + kRoom +
         entry.cache_values * kBytesOfValue * static_cast<std::uint64_t>(tokens) * kSequences;
}

std::vector<Considered> consider(const std::vector<hub::CatalogueEntry>& entries,
                                 const Demands& demands,
                                 const std::function<bool(const hub::CatalogueEntry&)>& is_here) {
  std::vector<Considered> models;
  for (const hub::CatalogueEntry& entry : entries) {
    Considered& model = models.emplace_back();
    model.entry = &entry;
    model.here = is_here(entry);
    model.memory_bytes = planned_memory(entry, demands.usual_tokens);
    model.reason = mismatch(entry, demands);
    model.unsuited = !model.reason.empty();
    if (!model.unsuited) model.reason = refusal(model, demands);
  }
  std::sort(models.begin(), models.end(), is_better);
  return models;
}

void refuse_by_machine(std::vector<Considered>& models, const Demands& demands,
                       double bytes_per_second, bool strict) {
  Considered* smallest = nullptr;  // of those that are too slow
  bool any = false;
  for (Considered& model : models) {
    if (!model.fits()) continue;
    const auto bytes = static_cast<double>(model.entry->size());
    model.tokens_per_second = bytes_per_second / bytes;
    if (model.memory_bytes > demands.free_memory) {
      model.reason =
          fmt::format("more memory than the {} that are free", human_bytes(demands.free_memory));
    } else if (model.tokens_per_second < demands.min_speed) {
      model.reason = fmt::format("too slow here for {:.0f} tokens a second", demands.min_speed);
      if (smallest == nullptr || model.entry->size() < smallest->entry->size()) smallest = &model;
    }
    any = any || model.fits();
  }
  if (!any && !strict && smallest != nullptr) smallest->reason.clear();
  std::stable_sort(models.begin(), models.end(), is_better);
}

std::string behind(const Considered& best, const Considered& other) {
  if (size_class(*other.entry) != size_class(*best.entry))
    return size_class(*other.entry) < size_class(*best.entry) ? "smaller" : "larger";
  if (other.here != best.here) return "about as large, and not on this computer";
  if (other.entry->released != best.entry->released) return "about as large, and older";
  return "about as large, and takes more bytes";
}

std::string reasons_of(const std::vector<Considered>& models) {
  std::vector<std::pair<std::string, std::vector<std::string>>> by_reason;
  for (const Considered& model : models) {
    if (model.fits()) continue;
    auto found =
        std::ranges::find(by_reason, model.reason, [](const auto& one) { return one.first; });
    if (found == by_reason.end()) found = by_reason.insert(found, {model.reason, {}});
    found->second.push_back(model.entry->name);
  }
  std::vector<std::string> parts;
  for (const auto& [reason, names] : by_reason)
    parts.push_back(fmt::format("{} ({})", fmt::join(names, ", "), reason));
  return fmt::format("{}", fmt::join(parts, "; "));
}

std::string passed_over(const std::vector<Considered>& models, const Considered& chosen) {
  std::vector<Considered> larger = models;
  std::erase_if(larger, [&](const Considered& model) {
    return model.fits() || model.unsuited || size_class(*model.entry) < size_class(*chosen.entry);
  });
  const std::size_t others = models.size() - larger.size() - 1;
  std::string text = reasons_of(larger);
  if (others > 0)
    text += fmt::format("{}{} that {} smaller or not better", text.empty() ? "" : "; and ", others,
                        others == 1 ? "is" : "are");
  return text;
}

Json to_json(const Considered& model, const Considered& chosen) {
  const bool is_chosen = model.entry == chosen.entry;
  Json json = {{"name", model.entry->name},
               {"fits", model.fits()},
               {"reason", !model.fits() ? model.reason
                          : is_chosen   ? ""
                                        : behind(chosen, model)},
               {"here", model.here},
               {"licence", model.entry->licence},
               {"bytes", model.entry->size()},
               {"memory_bytes", model.memory_bytes},
               {"tokens_per_second", nullptr}};
  if (model.tokens_per_second > 0) json["tokens_per_second"] = model.tokens_per_second;
  if (model.unreachable) json["unreachable"] = true;
  return json;
}

}  // namespace pomona::lifecycle
