// [model] base = "auto": which models of the catalogue would do, the best one first, and why each
// other would not. Nothing here opens or fetches a model.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "hub/catalogue.h"

namespace pomona::lifecycle {

/// What an application asks of a model and this computer allows.
struct Demands {
  std::string use_case, language;
  std::vector<std::string> licences;  // allowed; empty: any that lets use for money
  std::int64_t tokens = 0;            // that a prompt and its answer may have
  std::int64_t usual_tokens = 0;      // that they have, by which memory is planned
  std::uint64_t most_memory = 0;      // bytes it may take at all
  std::uint64_t free_memory = 0;      // bytes it may take now
  double min_speed = 0;               // tokens a second, one sequence
  bool has_token = false;             // of the hub's, for gated models
  bool offline = false;               // nothing may be fetched
};

/// A model of the catalogue and what there is to say about it.
struct Considered {
  const hub::CatalogueEntry* entry = nullptr;
  bool here = false;
  std::uint64_t memory_bytes = 0;  // planned
  double tokens_per_second = 0;    // estimated, one sequence; 0: not estimated
  std::string reason;              // why it does not do; empty: it would
  bool unsuited = false;           // it does not do whatever the computer
  bool unreachable = false;        // tried, and could not be fetched

  bool fits() const { return reason.empty(); }
};

/// Whether SPDX identifiers or names of licences allow this one; an empty list allows any.
bool licence_allowed(const std::vector<std::string>& allowed, std::string_view licence);

/// Bytes that answering full batches of prompts of `tokens` tokens takes, from what the catalogue
/// says: the file as it is stored and as it is packed, the cache of all sequences in bf16, and room
/// to compute in.
std::uint64_t planned_memory(const hub::CatalogueEntry& entry, std::int64_t tokens);

/// Looks at what does not change from run to run: use case, language, licence, context, gates, and
/// the memory allowed. Those that fit come first, by quality: models of about the same size (within
/// a factor of 1.4) count as equally good; of these one that is here is taken, else the newer, else
/// the smaller file. The rest follow with their reasons.
std::vector<Considered> consider(const std::vector<hub::CatalogueEntry>& entries,
                                 const Demands& demands,
                                 const std::function<bool(const hub::CatalogueEntry&)>& is_here);

/// Refuses what is too big for the memory that is free, or too slow. `bytes_per_second`: at which
/// weights are read to write one token after another. Unless `strict`, the smallest is left in
/// where all would be too slow.
void refuse_by_machine(std::vector<Considered>& models, const Demands& demands,
                       double bytes_per_second, bool strict);

/// What ranks `other` behind `best`: "smaller", "not on this computer" ...
std::string behind(const Considered& best, const Considered& other);

/// Why those do not fit that do not: "a, b (does not know language "fr"); c (needs about 9 GB)".
std::string reasons_of(const std::vector<Considered>& models);
/// The same of those that suit and rank above the chosen one or beside it, and how many others
/// there were.
std::string passed_over(const std::vector<Considered>& models, const Considered& chosen);

/// `reason`: also what ranks a fitting one behind the chosen one.
Json to_json(const Considered& model, const Considered& chosen);

}  // namespace pomona::lifecycle
