// How "auto" decides: what auto_choice.h says of the catalogue, with what this computer has and
// measures, down to the one model that is opened.
#pragma once
#include <string>
#include <vector>

#include "lifecycle/auto_choice.h"
#include "lifecycle/stage.h"

namespace pomona::lifecycle {

/// The models that would do as far as the catalogue tells, best first, then the others. Throws
/// not_found if there are none.
std::vector<Considered> considered(Run& run);

/// How fast weights are read here to write one token after another, in bytes a second, and where
/// the figure is from.
struct Pace {
  double bytes_per_second = 0;
  std::string source;
};

/// What "auto" has decided: the first model. Those that fit, too, follow by quality, then the
/// others.
struct Decision {
  std::vector<Considered> models;
  Pace pace;

  const Considered& choice() const { return models.front(); }
};

enum class Absent { fetch, take_unseen };

/// Selects the best model that does: of one that is not here its word is taken, or it is fetched
/// and looked at. Throws exhausted if none does.
Decision decide(Run& run, Absent absent);

/// What the choice adds to the artefact: `chosen`, `why`, `passed_over`, `considered`.
Json told(const Run& run, const Decision& decision);

/// The same for people, a line each; none for an artefact without a choice.
std::vector<std::string> notes_of_choice(const Json& found);

}  // namespace pomona::lifecycle
